"""Decides which bundles of a published log are in order at a glance, and sums them up."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from countersign.audit.event import glance
from countersign.audit.merkle import leaf_hashes
from countersign.audit.tiles import WIDTH, BadBundle, Reader, Tile, decode_bundle, tile_root

SPAN = 32
"""Bundles that are swept in one go: 8,192 entries, some 20 ms of work."""

PROBE = "countersign"
"""What processes hash to find out whether they hash alike (Python seeds each one's hashes)."""


_ID, _AT, _SITE = attrgetter("id"), attrgetter("at"), attrgetter("site")


@dataclass(frozen=True)
class Times:
    """The times of a row of entries: what is needed to know that none runs backwards.

    `last` is the place in the row of the last entry at `latest`, and `fall` the furthest that an
    entry is behind any before it in the row.
    """

    earliest: datetime
    latest: datetime
    last: int
    fall: timedelta

    @classmethod
    def of(cls, times: list[datetime]) -> Times:
        """The sum of one or more times in the order of their entries."""
        if times == sorted(times):
            return cls(times[0], times[-1], len(times) - 1, timedelta(0))
        latest, last, fall = times[0], 0, timedelta(0)
        for place, at in enumerate(times):
            if at >= latest:
                latest, last = at, place
            else:
                fall = max(fall, latest - at)
        return cls(min(times), latest, last, fall)


@dataclass(frozen=True)
class Swept:
    """A span in order: as many entries as are due, each the canonical bytes of an event of the
    log's site, and the leaf tiles beside them.

    `roots` are the concatenated hashes over the full bundles, and `rest` the concatenated leaf
    hashes of one that is not full. `prints` are `hash(id)` of the entries' event ids, 8 bytes
    each; equal ids have equal ones in processes whose `probe`, which is `hash(PROBE)`, is equal.
    A log of other entries has neither prints nor times.
    """

    first: int
    roots: bytes
    rest: bytes
    prints: bytes
    times: Times | None
    probe: int


@dataclass(frozen=True)
class Sweeper:
    """Sweeps spans of a log of `size` entries; events are looked at when there is a `site`.

    It holds no state and can be carried to another process if the reader can.
    """

    reader: Reader
    size: int
    site: str | None

    def spans(self, entries: int) -> list[range]:
        """The bundles of the first `entries` entries, as spans."""
        bundles = -(-entries // WIDTH)
        return [range(n, min(n + SPAN, bundles)) for n in range(0, bundles, SPAN)]

    def __call__(self, span: range) -> Swept | None:
        """What the span comes to; None if anything in it wants a closer look."""
        roots, rest, prints = list[bytes](), b"", array("q")
        times: list[datetime] = []
        for bundle in span:
            width = min(WIDTH, self.size - bundle * WIDTH)
            entries = read_entries(self.reader, bundle, width)
            if entries is None:
                return None
            hashes = leaf_hashes(entries)
            if self.reader.read(Tile(0, bundle, width).path) != hashes:
                return None
            if width == WIDTH:
                roots.append(tile_root(hashes))
            else:
                rest = hashes
            if self.site is not None:
                events = glance(entries)
                if events is None or list(map(_SITE, events)).count(self.site) != width:
                    return None
                prints.extend(map(hash, map(_ID, events)))
                times += map(_AT, events)
        return Swept(
            span.start,
            b"".join(roots),
            rest,
            prints.tobytes(),
            Times.of(times) if times else None,
            hash(PROBE),
        )


def read_entries(reader: Reader, bundle: int, width: int) -> tuple[bytes, ...] | None:
    """The entries of a bundle that is there and exactly as wide; else None."""
    content = reader.read(Tile(-1, bundle, width).path)
    try:
        return None if content is None else decode_bundle(content, width)
    except BadBundle:
        return None


Spread = Callable[[Callable[[range], Swept | None], Sequence[range]], Iterable[Swept | None]]
"""How sweeps are carried out: `map`, or one that does the same in several processes."""


def event_ids(reader: Reader, bundle: int, width: int) -> list[str] | None:
    """The event ids of a bundle that was in order; None if it changed since."""
    entries = read_entries(reader, bundle, width)
    events = None if entries is None else glance(entries)
    return None if events is None else [event.id for event in events]
