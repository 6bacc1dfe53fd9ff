"""Decides whether a published log is whole, and if not, what broke and where."""

from __future__ import annotations

import base64
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, ValidationError

from countersign.audit.checkpoint import (
    Checkpoint,
    LogKey,
    SignedNote,
    WitnessKey,
    open_checkpoint,
)
from countersign.audit.event import Event, read_event
from countersign.audit.merkle import (
    HASH_SIZE,
    Hashes,
    SparseTree,
    Tree,
    leaf_hash,
    verify_inclusion,
)
from countersign.audit.sweep import PROBE, Spread, Sweeper, Swept, event_ids
from countersign.audit.tiles import (
    HEIGHT,
    WIDTH,
    BadBundle,
    Reader,
    Tile,
    decode_bundle,
    parse_path,
    tiles_of,
)
from countersign.errors import (
    BadCheckpoint,
    BadLogKey,
    BadProof,
    EventUnknown,
    LedgerBroken,
    Refusal,
)

CLOCK_SKEW = timedelta(minutes=2)
"""How much earlier than an entry before it an entry may be. Functions take an event's time from
their own clocks and may then wait for the head of the log: the order of entries is the order in
which they were written, and times may cross a little."""

WIDEST_HOLE = 1_024
"""Bundles that may be missing in a row, each to be reported by itself; beyond a wider hole nothing
is looked at, and all that is due there is reported as one gap."""

HISTORY = re.compile(r"checkpoint\.(0|[1-9][0-9]{0,18})")
"""Where the checkpoint of a size is kept beside the log."""

_PROOF = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


class Kind(StrEnum):
    """What can be wrong with a log; the stable codes of a report's breaks."""

    KEY = "key"  # no key, or one that cannot be read
    CHECKPOINT = "checkpoint"  # none, malformed, or of another origin
    SIGNATURE = "signature"  # not signed by the log's key
    WITNESS = "witness"  # not cosigned by a witness who is asked for
    ROOT = "root"  # the entries do not hash to the signed root
    GAP = "gap"  # entries that the checkpoint counts are missing
    BUNDLE = "bundle"  # an entry bundle's bytes cannot be taken apart
    ENTRY = "entry"  # an entry is no event of ours, or not the one that was hashed
    TILE = "tile"  # a tile is missing or holds other hashes than the entries give
    SITE = "site"  # an entry belongs to another site's log
    DUPLICATE = "duplicate"  # an event id that an earlier entry has
    TIME = "time"  # time runs backwards between entries
    BEYOND = "beyond"  # files that only a larger log than the signed one has
    HISTORY = "history"  # an older checkpoint of this log that does not fit it
    ROLLBACK = "rollback"  # the log is smaller than a checkpoint that is kept
    FORK = "fork"  # the log is not an extension of a checkpoint that is kept
    PROOF = "proof"  # an inclusion proof does not lead to the signed root


class Break(BaseModel):
    """One thing that is wrong: its kind, the entry it starts at (where one is known), and why."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    index: int | None
    why: str


class Report(BaseModel):
    """What a verification found; `verified` is True exactly when nothing is broken.

    `root` is recomputed from the entries, base64 as in the checkpoint; `key_from` is "given" or
    "directory": a key that comes with the log proves only that the log agrees with itself.
    """

    model_config = ConfigDict(frozen=True)

    size: int
    root: str
    checkpoint: str
    verified: bool
    breaks: tuple[Break, ...]
    key: str | None
    key_from: str
    notes: tuple[str, ...] = ()


class ProofReport(Report):
    """What the verification of one inclusion proof found, and the entry it is about."""

    index: int | None = None
    event: Event | None = None


@dataclass
class _Findings:
    breaks: list[Break] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, kind: Kind, index: int | None, why: str) -> None:
        self.breaks.append(Break(kind=kind, index=index, why=why))


@dataclass
class _EventIds:
    """At which entry each event id came first.

    As long as no two ids have the same hash, nothing but their hashes is kept; with the first two
    that do, all ids so far are read again and kept themselves.
    """

    reader: Reader
    hashes: set[int] = field(default_factory=set)
    swept: list[Swept] = field(default_factory=list)
    known: dict[str, int] = field(default_factory=dict)
    exact: bool = False

    def add(self, event_id: str, index: int) -> int:
        """The entry at which the id came first: `index`, if it is new."""
        if not self.exact:
            if hash(event_id) in self.hashes:
                self._keep_ids()
            else:
                self.hashes.add(hash(event_id))
        return self.known.setdefault(event_id, index)

    def add_span(self, swept: Swept) -> Iterator[tuple[int, int]]:
        """The entries of a span whose ids came before, each with the first one of its id."""
        if not self.exact and swept.probe == hash(PROBE):
            prints = array("q", swept.prints)
            distinct = len(self.hashes) + len(prints)
            self.hashes.update(prints)
            if len(self.hashes) == distinct:
                self.swept.append(swept)
                return
        if not self.exact:
            self._keep_ids()
        for index, event_id in self._ids(swept):
            first = self.known.setdefault(event_id, index)
            if first != index:
                yield index, first

    def _keep_ids(self) -> None:
        """From now on ids are compared themselves."""
        for swept in self.swept:
            for index, event_id in self._ids(swept):
                self.known.setdefault(event_id, index)
        self.exact = True
        self.hashes.clear()
        self.swept.clear()

    def _ids(self, swept: Swept) -> Iterator[tuple[int, str]]:
        start = swept.first * WIDTH
        stop = start + len(swept.prints) // 8
        for bundle in range(start, stop, WIDTH):
            ids = event_ids(self.reader, bundle // WIDTH, min(WIDTH, stop - bundle))
            if ids is None:
                raise LedgerBroken(f"the bundle at entry {bundle} changed while it was verified")
            yield from enumerate(ids, bundle)


@dataclass
class _EventRules:
    """What must hold between one event and those before it."""

    findings: _Findings
    site: str
    ids: _EventIds
    newest: tuple[datetime, int] | None = None

    def check(self, index: int, entry: bytes) -> None:
        """Checks one entry."""
        try:
            event = read_event(entry)
        except ValidationError:
            self.findings.add(Kind.ENTRY, index, "the entry is not an audit event")
            return
        except ValueError as error:
            self.findings.add(Kind.ENTRY, index, str(error))
            return
        if event.site != self.site:
            self.findings.add(Kind.SITE, index, "the entry belongs to another site's log")
        self._check_id(index, self.ids.add(event.id, index))
        # Differences of times, which no date is too early or too late for.
        if self.newest is not None and self.newest[0] - event.at > CLOCK_SKEW:
            self.findings.add(
                Kind.TIME, index, f"{self.newest[0] - event.at} earlier than entry {self.newest[1]}"
            )
            self.newest = event.at, index
        elif self.newest is None or event.at >= self.newest[0]:
            self.newest = event.at, index

    def check_span(self, swept: Swept) -> bool:
        """Checks a span in order as a whole; False, and nothing is done, if that cannot be."""
        times = swept.times
        if times is None or times.fall > CLOCK_SKEW:
            return False
        if self.newest is not None and self.newest[0] - times.earliest > CLOCK_SKEW:
            return False
        for index, first in self.ids.add_span(swept):
            self._check_id(index, first)
        if self.newest is None or times.latest >= self.newest[0]:
            self.newest = times.latest, swept.first * WIDTH + times.last
        return True

    def _check_id(self, index: int, first: int) -> None:
        if first != index:
            self.findings.add(Kind.DUPLICATE, index, f"entry {first} has the same event id")


def verify_directory(
    reader: Reader,
    vkey: str | None = None,
    since: str | None = None,
    *,
    witnesses: Sequence[str] = (),
    events: bool = True,
    spread: Spread = map,
) -> Report:
    """Recomputes a whole published log from its entries and reports everything that is broken.

    `vkey` is the log's key as one line; without it the file `vkey` of the log itself is used and
    the report says so. `since` is the text of a checkpoint that was kept elsewhere: the log must
    extend it. Each of `witnesses`, keys as one line, must have cosigned the checkpoint; when they
    did is among the report's notes. `events=False` checks the tree alone, for a log whose entries
    are not audit events.
    `spread` may carry out the sweeps over the entries in several processes, in their order.
    Nothing is raised for a broken log; a malformed key or `since` of the caller's own raises
    `BadLogKey` or `BadCheckpoint`.
    """
    findings = _Findings()
    key, key_from = _key(reader, vkey, findings)
    kept = None if since is None else Checkpoint.parse(SignedNote.parse(since).text)
    asked = tuple(map(WitnessKey.parse, witnesses))
    paths = set(reader.list())
    raw, checkpoint = _checkpoint(reader, key, findings)
    if checkpoint is None:
        return _report(findings, key, key_from, Tree(), raw)
    _check_witnesses(SignedNote.parse(raw), asked, findings)
    log = _Log(reader, checkpoint, paths, findings)
    log.read_entries(checkpoint.origin.rsplit("/", 1)[-1] if events else None, spread)
    log.check_root()
    log.check_tiles()
    log.check_history(key)
    if kept is not None and since is not None:
        log.check_kept(since, kept, key)
    return _report(findings, key, key_from, log.tree, raw, checkpoint.size)


class _Log:
    """One pass over a log's files: what was recomputed so far, and what was wrong."""

    def __init__(
        self, reader: Reader, checkpoint: Checkpoint, paths: set[str], findings: _Findings
    ) -> None:
        self.reader = reader
        self.checkpoint = checkpoint
        self.findings = findings
        self.tree = SparseTree(HEIGHT, self._leaf_hashes)
        parsed = {path: tile for path in paths if (tile := parse_path(path)) is not None}
        self.tiles = tuple(parsed.values())
        self.history = sorted(
            (int(found[1]), path) for path in paths if (found := HISTORY.fullmatch(path))
        )
        strangers = paths - parsed.keys() - {"checkpoint", "vkey"} - {p for _, p in self.history}
        if strangers:
            findings.notes.append(f"{len(strangers)} files are no part of the log: not read")
        self.used: set[Tile] = set()
        self.in_order: set[int] = set()
        self.odd: dict[int, bytes] = {}
        self.rooted = False

    @property
    def whole(self) -> bool:
        """Whether a hash is known for every entry."""
        return len(self.tree) == self.checkpoint.size

    def read_entries(self, site: str | None, spread: Spread) -> None:
        """Hashes every entry that the checkpoint counts, and checks it as an event of `site`.

        Bundles are swept first; only what is not in order is looked at entry by entry.
        """
        rules = None if site is None else _EventRules(self.findings, site, _EventIds(self.reader))
        size = self.checkpoint.size
        reach = WIDTH * self._bundles_within_reach()
        sweeper = Sweeper(self.reader, size, site)
        spans = sweeper.spans(min(size, reach))
        for span, swept in zip(spans, spread(sweeper, spans), strict=True):
            if self._settle(swept, rules):
                continue
            for bundle in span:
                if not self._settle(sweeper(range(bundle, bundle + 1)), rules):
                    self._look_closely(bundle, rules)
        if reach < size:
            self.findings.add(Kind.GAP, reach, f"entries {reach} to {size - 1} are missing")

    def _bundles_within_reach(self) -> int:
        """How many bundles to look for: the signed size may be absurd, and so may a file's name,
        so no further than files go, and not over a wide hole between them."""
        reach = 0
        for index in sorted({tile.index for tile in self.tiles if tile.level <= 0}):
            if index - reach > WIDEST_HOLE:
                break
            reach = index + 1
        return reach

    def _settle(self, swept: Swept | None, rules: _EventRules | None) -> bool:
        """Takes in a span in order; False if there is something to be looked at closely."""
        if swept is None or (rules is not None and not rules.check_span(swept)):
            return False
        full = len(swept.roots) // HASH_SIZE
        self.in_order.update(range(swept.first, swept.first + full + bool(swept.rest)))
        if len(self.tree) == swept.first * WIDTH:
            self.tree.append(swept.roots)
            self.tree.append_leaves(swept.rest)
        return True

    def _look_closely(self, bundle: int, rules: _EventRules | None) -> None:
        """Goes through a bundle entry by entry."""
        start, width = bundle * WIDTH, self._due(bundle)
        entries = self._bundle(bundle, width)
        if rules is not None:
            for index, entry in enumerate(entries, start):
                rules.check(index, entry)
        hashes = [leaf_hash(entry) for entry in entries]
        hashes += self._hashes_without_entries(start + len(hashes), start + width)
        if len(self.tree) == start:
            self.odd[bundle] = b"".join(hashes)
            self.tree.append_leaves(self.odd[bundle])

    def _due(self, bundle: int) -> int:
        """How many entries the checkpoint counts in a bundle."""
        return min(WIDTH, self.checkpoint.size - bundle * WIDTH)

    def _leaf_hashes(self, bundle: int) -> bytes:
        """The concatenated leaf hashes of a bundle that is in the tree."""
        if bundle in self.odd:
            return self.odd[bundle]
        # Its entries gave these when it was swept.
        return self.reader.read(Tile(0, bundle, self._due(bundle)).path) or b""

    def _bundle(self, index: int, width: int) -> tuple[bytes, ...]:
        found = self._read(Tile(-1, index, width))
        if found is None:
            self.findings.add(
                Kind.GAP,
                index * WIDTH,
                f"the bundle of {width} entries from here is missing or cannot be read",
            )
            return ()
        tile, content = found
        try:
            return decode_bundle(content, tile.width)[:width]
        except BadBundle as error:
            self.findings.add(Kind.BUNDLE, index * WIDTH + len(error.entries), str(error))
            return error.entries[:width]

    def _hashes_without_entries(self, start: int, stop: int) -> Iterator[bytes]:
        """The leaf tile's word for entries that are gone, so that the rest can still be placed."""
        if start == stop:
            return
        index = start // WIDTH
        found = self._read(Tile(0, index, stop - index * WIDTH))
        content = b"" if found is None else found[1]
        for place in range(start % WIDTH, stop - index * WIDTH):
            step = content[place * HASH_SIZE : (place + 1) * HASH_SIZE]
            if len(step) == HASH_SIZE:
                yield step

    def _read(self, tile: Tile) -> tuple[Tile, bytes] | None:
        """A tile, or the full one that may stand in its place (tlog-tiles, "Partial Tiles")."""
        for wanted in dict.fromkeys((tile, tile.full)):
            content = self.reader.read(wanted.path)
            if content is not None:
                self.used.add(wanted)
                return wanted, content
        return None

    def check_root(self) -> None:
        """Compares the root over the entries with the one that was signed."""
        if not self.whole:
            self.findings.add(Kind.ROOT, None, "the root cannot be recomputed: hashes are missing")
        elif self.tree.root() != self.checkpoint.root:
            self.findings.add(Kind.ROOT, None, "the entries do not give the signed root")
        else:
            self.rooted = True

    def check_tiles(self) -> None:
        """Compares each tile, needed or merely there, with the hashes that the entries give."""
        for tile in tiles_of(self.checkpoint.size) if self.whole else ():
            if tile.level < 0 or self._is_in_order(tile):
                continue
            if self._read(tile) is None:
                self.findings.add(
                    Kind.TILE, tile.first_entry, f"{tile.path} is missing or cannot be read"
                )
        rest = {tile for tile in self.tiles if not self._is_in_order(tile)}
        for tile in sorted(rest | self.used):
            self._check_tile(tile)

    def _is_in_order(self, tile: Tile) -> bool:
        """Whether the tile is one of the two that a bundle in order was swept from."""
        return (
            tile.level <= 0 and tile.index in self.in_order and tile.width == self._due(tile.index)
        )

    def _check_tile(self, tile: Tile) -> None:
        level = max(tile.level, 0)
        start = tile.index * WIDTH
        held = (self.checkpoint.size >> 8 * level) - start
        if tile.width > held:
            self.findings.add(
                Kind.BEYOND,
                self.checkpoint.size,
                f"{tile.path} belongs to a larger log: the checkpoint was put back, or publishing "
                "was interrupted",
            )
        if held <= 0:
            return
        content = self.reader.read(tile.path)
        if content is None:
            return
        if tile.level < 0:
            if tile in self.used:
                return  # its entries are what everything else is compared with
            try:
                content = b"".join(map(leaf_hash, decode_bundle(content, tile.width)))
            except BadBundle as error:
                self.findings.add(Kind.BUNDLE, start + len(error.entries), f"{tile.path}: {error}")
                return
        elif len(content) != tile.width * HASH_SIZE:
            self.findings.add(
                Kind.TILE,
                tile.first_entry,
                f"{tile.path} holds {len(content)} bytes, not {tile.width * HASH_SIZE}",
            )
            return
        expected = self.tree.hashes(8 * level, start, start + min(tile.width, held))
        if content.startswith(expected):
            return
        for offset in range(0, len(expected), HASH_SIZE):
            if content[offset : offset + HASH_SIZE] != expected[offset : offset + HASH_SIZE]:
                place = (start + offset // HASH_SIZE) << 8 * level
                kind = Kind.TILE if self.rooted or tile.level > 0 else Kind.ENTRY
                self.findings.add(kind, place, f"{tile.path} and the entries differ from here on")
                return

    def check_history(self, key: LogKey | None) -> None:
        """Checks each older checkpoint beside the log: signed, of this log, and extended by it."""
        for size, path in self.history:
            raw = self.reader.read(path)
            try:
                found = Checkpoint.parse(SignedNote.parse(raw or b"").text)
                if key is not None:
                    open_checkpoint(raw or b"", key)
            except BadCheckpoint as error:
                self.findings.add(Kind.HISTORY, size, f"{path}: {error}")
                continue
            if found.size != size or found.origin != self.checkpoint.origin:
                self.findings.add(Kind.HISTORY, size, f"{path} is another checkpoint than its name")
            elif size > self.checkpoint.size:
                self.findings.add(Kind.ROLLBACK, self.checkpoint.size, f"{path} is of a larger log")
            elif size <= len(self.tree) and self.tree.root(size) != found.root:
                self.findings.add(Kind.HISTORY, size, f"the log does not extend {path}")

    def check_kept(self, raw: str, kept: Checkpoint, key: LogKey | None) -> None:
        """Checks that the log extends a checkpoint which was kept outside of it."""
        size = self.checkpoint.size
        if key is not None:
            try:
                open_checkpoint(raw, key)
            except BadCheckpoint as error:
                self.findings.add(Kind.FORK, kept.size, f"the kept checkpoint: {error}")
        if kept.origin != self.checkpoint.origin:
            self.findings.add(Kind.FORK, None, "the kept checkpoint is of another log")
        elif kept.size > size:
            self.findings.add(
                Kind.ROLLBACK, size, f"the log had {kept.size} entries and has {size} now"
            )
        elif kept.size <= len(self.tree) and self.tree.root(kept.size) != kept.root:
            self.findings.add(
                Kind.FORK,
                None,
                f"one or more of the first {kept.size} entries are not those that were signed then",
            )


def _key(reader: Reader, vkey: str | None, findings: _Findings) -> tuple[LogKey | None, str]:
    raw = reader.read("vkey")
    if vkey is not None:
        key = LogKey.parse(vkey)
        if raw is not None and raw.removesuffix(b"\n") != str(key).encode():
            findings.add(Kind.KEY, None, "the log's file vkey holds another key than the given one")
        return key, "given"
    findings.notes.append(
        "the key came with the log: it proves that the log agrees with itself, not whose it is"
    )
    if raw is None:
        findings.add(Kind.KEY, None, "the log has no file vkey and no key was given")
        return None, "directory"
    try:
        return LogKey.parse(raw.decode()), "directory"
    except (BadLogKey, UnicodeDecodeError) as error:
        findings.add(Kind.KEY, None, f"vkey: {error}")
        return None, "directory"


def _checkpoint(
    reader: Reader, key: LogKey | None, findings: _Findings
) -> tuple[str, Checkpoint | None]:
    raw = reader.read("checkpoint")
    if raw is None:
        findings.add(Kind.CHECKPOINT, None, "there is no checkpoint that can be read")
        return "", None
    text = raw.decode(errors="replace")
    try:
        note = SignedNote.parse(raw)
        checkpoint = Checkpoint.parse(note.text)
    except BadCheckpoint as error:
        findings.add(Kind.CHECKPOINT, None, str(error))
        return text, None
    if key is not None:
        if not note.signed_by(key):
            findings.add(Kind.SIGNATURE, None, f"not signed by {key.name}+{key.id.hex()}")
        if checkpoint.origin != key.name:
            findings.add(Kind.CHECKPOINT, None, "the origin is not the name of the log's key")
    return text, checkpoint


def _check_witnesses(
    note: SignedNote, witnesses: Sequence[WitnessKey], findings: _Findings
) -> None:
    for witness in witnesses:
        seen = note.seen_by(witness)
        if not seen:
            findings.add(Kind.WITNESS, None, f"not cosigned by {witness.name}+{witness.id.hex()}")
        else:
            at = ", ".join(map(_moment, seen))
            findings.notes.append(f"cosigned by {witness.name}: {at}")


def _moment(seconds: int) -> str:
    """Seconds since 1970 as UTC; as they are, when no calendar has them."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return f"{seconds} s after 1970"


def _report(
    findings: _Findings,
    key: LogKey | None,
    key_from: str,
    tree: Hashes,
    raw: str,
    size: int = 0,
) -> Report:
    return Report(
        size=size,
        root=base64.b64encode(tree.root()).decode(),
        checkpoint=raw,
        verified=not findings.breaks,
        breaks=tuple(findings.breaks),
        key=None if key is None else str(key),
        key_from=key_from,
        notes=tuple(findings.notes),
    )


def entries(reader: Reader, size: int) -> Iterator[bytes]:
    """The first `size` entries of a published log; raises `LedgerBroken` where one is missing."""
    for start in range(0, size, WIDTH):
        tile = Tile(-1, start // WIDTH, min(WIDTH, size - start))
        for wanted in dict.fromkeys((tile, tile.full)):
            content = reader.read(wanted.path)
            if content is not None:
                break
        else:
            raise LedgerBroken(f"{tile.path} is missing")
        try:
            yield from decode_bundle(content, wanted.width)[: tile.width]
        except BadBundle as error:
            raise LedgerBroken(f"{wanted.path}: {error}") from None


def prove(reader: Reader, event_id: str, vkey: str | None = None) -> str:
    """A self-contained proof that the log holds an event: a C2SP tlog-proof, the entry as `extra`.

    The file needs nothing but the log's key to be checked. Raises `EventUnknown`; `BadCheckpoint`,
    `BadLogKey` or `LedgerBroken` when the log is not in a state to prove anything.
    """
    raw = reader.read("checkpoint") or b""
    try:
        key = LogKey.parse(vkey if vkey is not None else (reader.read("vkey") or b"").decode())
    except UnicodeDecodeError:
        raise BadLogKey("the log's file vkey is not UTF-8") from None
    checkpoint = open_checkpoint(raw, key)
    tree, found = Tree(), None
    hashes: list[bytes] = []
    for index, entry in enumerate(entries(reader, checkpoint.size)):
        hashes.append(leaf_hash(entry))
        if found is None and event_id.encode() in entry and _id(entry) == event_id:
            found = index, entry
    tree.extend(hashes)
    if tree.root() != checkpoint.root:
        raise LedgerBroken("the entries do not give the signed root")
    if found is None:
        raise EventUnknown(f"no event {event_id} among {checkpoint.size} published entries")
    index, entry = found
    steps = tree.inclusion_proof(index)
    lines = [
        _PROOF,
        f"extra {base64.b64encode(entry).decode()}",
        f"index {index}",
        *(base64.b64encode(step).decode() for step in steps),
    ]
    return "\n".join(lines) + "\n\n" + raw.decode()


def _id(entry: bytes) -> str | None:
    try:
        return read_event(entry).id
    except ValueError:
        return None


def verify_proof(raw: str | bytes, vkey: str) -> ProofReport:
    """Checks a proof of `prove` against the log's key, with nothing else at hand.

    Raises `BadProof` for text that is no tlog-proof with its entry as `extra`, and `BadLogKey`;
    a proof that does not hold is reported, not raised.
    """
    key = LogKey.parse(vkey)
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
    except UnicodeDecodeError:
        raise BadProof("the proof is not UTF-8") from None
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    place = _INDEX.fullmatch(lines[2]) if len(lines) > 2 else None
    if not blank or lines[0] != _PROOF or place is None or not lines[1].startswith("extra "):
        raise BadProof("not a C2SP tlog-proof with the entry as its extra data")
    index = int(place[1])
    decoded = [_base64(line) for line in (lines[1].removeprefix("extra "), *lines[3:])]
    entry, steps = decoded[0], decoded[1:]
    findings = _Findings()
    checkpoint: Checkpoint | None = None
    try:
        checkpoint = open_checkpoint(note, key)
    except Refusal as error:
        findings.add(Kind.SIGNATURE, None, error.message)
    if checkpoint is not None and not verify_inclusion(
        leaf_hash(entry), index, checkpoint.size, steps, checkpoint.root
    ):
        findings.add(Kind.PROOF, index, "the entry and its proof do not give the signed root")
    event: Event | None = None
    try:
        event = read_event(entry)
    except ValueError:
        findings.add(Kind.ENTRY, index, "the entry is not an audit event")
    return ProofReport(
        size=0 if checkpoint is None else checkpoint.size,
        root="" if checkpoint is None else base64.b64encode(checkpoint.root).decode(),
        checkpoint=note,
        verified=not findings.breaks,
        breaks=tuple(findings.breaks),
        key=str(key),
        key_from="given",
        index=index,
        event=event,
    )


def _base64(line: str) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except ValueError:
        raise BadProof("a line of the proof is not base64") from None
    if base64.b64encode(raw).decode() != line:
        raise BadProof("a line of the proof is not base64 in its one spelling")
    return raw
