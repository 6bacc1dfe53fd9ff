"""Decides in which files a log is kept, and the exact bytes of each: C2SP tlog-tiles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from countersign.audit.merkle import HASH_SIZE, fold, parents, peaks

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""A full tile is a subtree of height 8: 256 hashes, or 256 entries (C2SP tlog-tiles)."""

LARGEST_ENTRY = 0xFFFF
"""Bytes: an entry's length goes before it as a big-endian uint16 (C2SP tlog-tiles)."""

_PATH = re.compile(
    r"tile/(entries|0|[1-5]?[0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)


class BadBundle(ValueError):
    """Bytes that are no entry bundle of the stated width; `entries` are those before the fault."""

    def __init__(self, why: str, entries: tuple[bytes, ...]) -> None:
        super().__init__(why)
        self.entries = entries


class Reader(Protocol):
    """A published log as files, wherever they are kept; paths are relative, with slashes."""

    def read(self, path: str) -> bytes | None:
        """The file's bytes, or None when there is no such file."""

    def list(self) -> Iterable[str]:
        """Every path there is, in any order."""


@dataclass(frozen=True, order=True)
class Tile:
    """One tile: `level` 0 to 63, `index` in its level, `width` 1 to 256; level -1 is entries."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Where the tile is served, such as `tile/0/x001/x234/067` or `tile/1/000.p/17`."""
        level = "entries" if self.level < 0 else str(self.level)
        number, index = f"{self.index % 1000:03d}", self.index // 1000
        while index:
            number, index = f"x{index % 1000:03d}/{number}", index // 1000
        if self.width == WIDTH:
            return f"tile/{level}/{number}"
        return f"tile/{level}/{number}.p/{self.width}"

    @property
    def full(self) -> Tile:
        """The full tile in this tile's place."""
        return Tile(self.level, self.index)

    @property
    def first_entry(self) -> int:
        """The index of the first entry under this tile."""
        return self.index << HEIGHT * (max(self.level, 0) + 1)


def parse_path(path: str) -> Tile | None:
    """The tile that is served at `path`; None for any other path, and for a second spelling."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level, number, width = found.groups()
    tile = Tile(
        -1 if level == "entries" else int(level),
        int(number.replace("x", "").replace("/", "")),
        WIDTH if width is None else int(width),
    )
    return tile if tile.path == path and tile.width <= WIDTH else None


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile and entry bundle that a tree of `size` entries needs, full ones first by level.

    Level by level: `floor(size / 256**level)` hashes, of which the last `mod 256` are partial.
    """
    yield from _level(-1, size)
    level = 0
    while size:
        yield from _level(level, size)
        size //= WIDTH
        level += 1


def _level(level: int, hashes: int) -> Iterator[Tile]:
    full, rest = divmod(hashes, WIDTH)
    for index in range(full):
        yield Tile(level, index)
    if rest:
        yield Tile(level, full, rest)


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """The entries, each after its length in bytes; raises ValueError for one over 65,535."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise ValueError(f"an entry of {len(entry)} bytes is longer than {LARGEST_ENTRY}")
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def decode_bundle(content: bytes, width: int) -> tuple[bytes, ...]:
    """The `width` entries of a bundle; `BadBundle` says what is wrong and keeps what was read."""
    entries: list[bytes] = []
    place = 0
    try:
        for _ in range(width):
            start = place + 2
            place = start + (content[place] << 8 | content[place + 1])
            entries.append(content[start:place])
    except IndexError:
        place = -1
    if place == len(content):
        return tuple(entries)
    return _decode_faulty_bundle(content, width)


def _decode_faulty_bundle(content: bytes, width: int) -> tuple[bytes, ...]:
    """Reads step by step what did not come out even, and says where it went wrong."""
    entries: list[bytes] = []
    place = 0
    while place < len(content) and len(entries) < width:
        start = place + 2
        end = start + int.from_bytes(content[place:start], "big")
        if start > len(content) or end > len(content):
            raise BadBundle(f"the bundle stops inside entry {len(entries)}", tuple(entries))
        entries.append(content[start:end])
        place = end
    if place < len(content):
        raise BadBundle(f"{len(content) - place} bytes follow the last entry", tuple(entries))
    if len(entries) < width:
        raise BadBundle(f"the bundle holds {len(entries)} of {width} entries", tuple(entries))
    return tuple(entries)


@dataclass(frozen=True)
class Edge:
    """The right edge of a log: the hashes of its partial tiles, enough to go on from there.

    `levels[k]` holds the concatenated hashes of the partial tile of level `k`, which may be empty.
    """

    size: int = 0
    levels: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """The 32-byte root over all `size` entries."""
        return fold([peak for level in reversed(self.levels) for peak in peaks(level)])

    def tiles(self) -> Iterator[Tile]:
        """The partial tiles of this edge."""
        for level, hashes in enumerate(self.levels):
            if hashes:
                place = self.size >> HEIGHT * (level + 1)
                yield Tile(level, place, len(hashes) // HASH_SIZE)

    def grow(self, leaf_hashes: Sequence[bytes]) -> tuple[Edge, dict[Tile, bytes]]:
        """The edge after further leaf hashes, and every tile that has to be written for it."""
        size = self.size + len(leaf_hashes)
        written: dict[Tile, bytes] = {}
        levels = list(self.levels)
        level, fresh, before = 0, b"".join(leaf_hashes), self.size
        while fresh:
            if level == len(levels):
                levels.append(b"")
            hashes = levels[level] + fresh
            first, fresh = before >> HEIGHT, b""
            count, step = len(hashes) // HASH_SIZE, WIDTH * HASH_SIZE
            for number in range(count >> HEIGHT):
                tile = hashes[number * step : (number + 1) * step]
                written[Tile(level, first + number)] = tile
                fresh += tile_root(tile)
            levels[level] = hashes[(count >> HEIGHT) * step :]
            if levels[level]:
                written[Tile(level, first + (count >> HEIGHT), count % WIDTH)] = levels[level]
            level, before = level + 1, before >> HEIGHT
        return Edge(size, tuple(levels)), written


def tile_root(hashes: bytes) -> bytes:
    """The hash that a full tile contributes to the level above: its 256 hashes' own root."""
    while len(hashes) > HASH_SIZE:
        hashes = parents(hashes)
    return hashes


def read_edge(reader: Reader, size: int) -> Edge | None:
    """The right edge of a published log of `size` entries; None when a tile of it is missing.

    Nothing is checked here: compare `root()` with the checkpoint's.
    """
    levels: list[bytes] = []
    level = 0
    while size >> HEIGHT * level:
        hashes = size >> HEIGHT * level
        width = hashes % WIDTH
        content: bytes | None = b""
        if width:
            content = reader.read(Tile(level, hashes // WIDTH, width).path)
        if content is None or len(content) != width * HASH_SIZE:
            return None
        levels.append(content)
        level += 1
    return Edge(size, tuple(levels))
