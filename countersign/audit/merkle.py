"""Decides how entries become one root, and what proves that a root holds or extends them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of no entries: RFC 6962, section 2.1."""


def leaf_hash(entry: bytes) -> bytes:
    """The 32-byte hash of one entry: SHA-256(0x00 || entry), RFC 6962, section 2.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash of an inner node: SHA-256(0x01 || left || right), RFC 6962, section 2.1."""
    return sha256(b"\x01" + left + right).digest()


def parents(hashes: bytes) -> bytes:
    """One level up: the concatenated parents of an even number of concatenated 32-byte hashes."""
    return b"".join(
        [sha256(b"\x01" + hashes[i : i + 64]).digest() for i in range(0, len(hashes), 64)]
    )


def peaks(hashes: bytes) -> list[bytes]:
    """The roots of the largest complete subtrees over concatenated hashes, from left to right."""
    found: list[bytes] = []
    odd: list[bytes] = []
    while hashes:
        if len(hashes) // HASH_SIZE % 2:
            odd.append(hashes[-HASH_SIZE:])
            hashes = hashes[:-HASH_SIZE]
        hashes = parents(hashes)
    found.extend(reversed(odd))
    return found


def fold(subtrees: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, given from left to right and from large to small."""
    if not subtrees:
        return EMPTY_ROOT
    root = subtrees[-1]
    for subtree in reversed(subtrees[:-1]):
        root = node_hash(subtree, root)
    return root


class Tree:
    """A tree over leaf hashes that grows at its right edge and answers for every earlier size.

    Level `k` keeps the hashes of all complete subtrees of `2**k` entries, 32 bytes each, so that
    a tree of `n` entries holds about `64 * n` bytes, and appending costs amortized one hash.
    """

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        self.extend(leaf_hashes)

    def __len__(self) -> int:
        return len(self._levels[0]) // HASH_SIZE

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Appends leaf hashes (32 bytes each), in order; raises ValueError on another length."""
        added = b"".join(leaf_hashes)
        if len(added) % HASH_SIZE:
            raise ValueError("a leaf hash has 32 bytes")
        self._levels[0] += added
        level = 0
        while len(self._levels[level]) >= 2 * HASH_SIZE:
            if level + 1 == len(self._levels):
                self._levels.append(bytearray())
            below, above = self._levels[level], self._levels[level + 1]
            fresh = bytes(below[2 * len(above) : len(below) // 64 * 64])
            if not fresh:
                break
            above += parents(fresh)
            level += 1

    def hashes(self, level: int, start: int, stop: int) -> bytes:
        """The concatenated hashes of the complete subtrees `[start, stop)` of `2**level` entries.

        What the tree does not hold is left out, as with a slice.
        """
        if level >= len(self._levels):
            return b""
        return bytes(self._levels[level][start * HASH_SIZE : stop * HASH_SIZE])

    def root(self, size: int | None = None) -> bytes:
        """The 32-byte root over the first `size` entries (default: all)."""
        size = self._checked(size)
        return self._subtree(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """PATH(index, D[size]) of RFC 6962, section 2.1.1, from the leaf's sibling upwards."""
        size = self._checked(size)
        if not 0 <= index < size:
            raise ValueError(f"no entry {index} in a tree of {size}")
        proof: list[bytes] = []
        start, stop = 0, size
        while stop - start > 1:
            middle = start + _split(stop - start)
            if index < middle:
                proof.append(self._subtree(middle, stop))
                stop = middle
            else:
                proof.append(self._subtree(start, middle))
                start = middle
        return tuple(reversed(proof))

    def consistency_proof(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """PROOF(old, D[size]) of RFC 6962, section 2.1.2; empty for equal sizes and for old = 0."""
        size = self._checked(size)
        if not 0 <= old <= size:
            raise ValueError(f"a tree of {size} has no earlier size {old}")
        if old in (0, size):
            return ()
        proof: list[bytes] = []
        start, stop, whole = 0, size, True
        while old != stop:
            middle = start + _split(stop - start)
            if old <= middle:
                proof.append(self._subtree(middle, stop))
                stop = middle
            else:
                proof.append(self._subtree(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._subtree(start, stop))
        return tuple(reversed(proof))

    def _checked(self, size: int | None) -> int:
        if size is None:
            return len(self)
        if not 0 <= size <= len(self):
            raise ValueError(f"a tree of {len(self)} has no size {size}")
        return size

    def _subtree(self, start: int, stop: int) -> bytes:
        """The root over `[start, stop)`, a range that RFC 6962's recursion can arrive at."""
        found: list[bytes] = []
        while start < stop:
            level = (stop - start).bit_length() - 1
            place = start >> level
            found.append(self.hashes(level, place, place + 1))
            start += 1 << level
        return fold(found)


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (size >= 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def verify_inclusion(
    entry_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` shows `entry_hash` at `index` in the tree of `size` entries with `root`.

    The algorithm is RFC 9162, section 2.1.3.2; anything malformed is simply not proven.
    """
    if not 0 <= index < size or any(len(step) != HASH_SIZE for step in (entry_hash, *proof)):
        return False
    place, last, found = index, size - 1, entry_hash
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(step, found)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            found = node_hash(found, step)
        place >>= 1
        last >>= 1
    return last == 0 and found == root


def verify_consistency(
    old: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> bool:
    """Whether `proof` shows that the tree of `size` entries extends the one of `old` entries.

    The algorithm is RFC 9162, section 2.1.4.2. Nothing can be proven about an empty old tree,
    which every tree extends.
    """
    if not 0 < old <= size or any(len(step) != HASH_SIZE for step in proof):
        return False
    if old == size:
        return not proof and old_root == root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    place, last = old - 1, size - 1
    while place & 1:
        place >>= 1
        last >>= 1
    first = second = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first = node_hash(step, first)
            second = node_hash(step, second)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            second = node_hash(second, step)
        place >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == root
