"""C2SP tlog-tiles: paths, widths, bundles, and an edge that grows like the whole tree."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countersign.audit.merkle import EMPTY_ROOT, HASH_SIZE, Tree, leaf_hash
from countersign.audit.tiles import (
    LARGEST_ENTRY,
    BadBundle,
    Edge,
    Tile,
    decode_bundle,
    encode_bundle,
    parse_path,
    read_edge,
    tiles_of,
)
from tests.audit_logs import Files, leaves, published


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(1, 0, 17), "tile/1/000.p/17"),
        (Tile(-1, 999, 1), "tile/entries/999.p/1"),
        (Tile(-1, 1000), "tile/entries/x001/000"),
        (Tile(63, 5, 255), "tile/63/005.p/255"),
    ],
)
def test_a_tile_has_one_path(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000/",
        "tile/0/../0/000",
        "checkpoint",
    ],
)
def test_a_second_spelling_is_no_path(path: str) -> None:
    assert parse_path(path) is None


@settings(deadline=None)
@given(st.integers(0, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_paths_come_back_as_the_same_tile(level: int, index: int, width: int) -> None:
    assert parse_path(Tile(level, index, width).path) == Tile(level, index, width)


def test_seventy_thousand_entries_need_the_tiles_that_the_specification_counts() -> None:
    needed = list(tiles_of(70_000))
    by_level = {
        level: [tile.width for tile in needed if tile.level == level] for level in range(-1, 4)
    }
    assert by_level == {
        -1: [256] * 273 + [112],
        0: [256] * 273 + [112],
        1: [256, 17],
        2: [1],
        3: [],
    }
    assert list(tiles_of(0)) == []
    assert [t.path for t in tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=40))
def test_bundles_come_back_as_the_same_entries(entries: list[bytes]) -> None:
    assert decode_bundle(encode_bundle(entries), len(entries)) == tuple(entries)


def test_a_bundle_is_lengths_and_entries() -> None:
    assert encode_bundle([b"ab", b""]) == b"\x00\x02ab\x00\x00"
    assert len(encode_bundle([bytes(LARGEST_ENTRY)])) == LARGEST_ENTRY + 2
    with pytest.raises(ValueError):
        encode_bundle([bytes(LARGEST_ENTRY + 1)])


@pytest.mark.parametrize(
    ("content", "before"),
    [
        (b"\x00\x01a", 1),
        (b"\x00\x01a\x00\x05b", 1),
        (b"\x00\x01a\x00", 1),
        (b"\x00\x01a\x00\x01b\x00\x01c", 2),
        (b"", 0),
    ],
)
def test_a_broken_bundle_says_how_far_it_was_whole(content: bytes, before: int) -> None:
    with pytest.raises(BadBundle) as caught:
        decode_bundle(content, 2)
    assert len(caught.value.entries) == before


@settings(deadline=None)
@given(st.integers(0, 700), st.lists(st.integers(0, 700), max_size=4))
@example(66_000, [65_000, 65_535, 65_536])
@example(512, [255, 256, 257])
def test_an_edge_grows_into_the_tiles_of_the_whole_tree(size: int, stops: list[int]) -> None:
    every = [leaf_hash(b"%d" % number) for number in range(size)]
    tree, edge, tiles = Tree(every), Edge(), dict[Tile, bytes]()
    assert edge.root() == EMPTY_ROOT
    for stop in sorted({size, *(stop for stop in stops if stop < size)}):
        edge, more = edge.grow(every[edge.size : stop])
        tiles |= more
        assert edge.root() == tree.root(stop)
        assert read_edge(Files({t.path: c for t, c in tiles.items()}), stop) == edge
    assert {tile for tile in tiles_of(size) if tile.level >= 0} <= set(tiles)
    for tile, content in tiles.items():
        start = tile.index * 256
        assert content == tree.hashes(8 * tile.level, start, start + tile.width)
        assert len(content) == tile.width * HASH_SIZE


def test_an_edge_is_not_read_from_missing_or_short_tiles() -> None:
    files = published(leaves(300))
    assert read_edge(files, 300) is not None
    files["tile/1/000.p/1"] += b"\0"
    assert read_edge(files, 300) is None
    del files["tile/1/000.p/1"]
    assert read_edge(files, 300) is None
