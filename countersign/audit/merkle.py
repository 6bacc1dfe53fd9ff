"""Decides how entries become one root, and what proves that a root holds or extends them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from itertools import repeat
from struct import unpack

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of no entries: RFC 6962, section 2.1."""


def leaf_hash(entry: bytes) -> bytes:
    """The 32-byte hash of one entry: SHA-256(0x00 || entry), RFC 6962, section 2.1."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The 32-byte hash of an inner node: SHA-256(0x01 || left || right), RFC 6962, section 2.1."""
    return sha256(b"\x01" + left + right).digest()


# For many hashes: copying a state that holds the prefix costs less than making one.
_LEAF, _NODE = sha256(b"\x00"), sha256(b"\x01")
_leaf_state, _node_state = _LEAF.copy, _NODE.copy


def leaf_hashes(entries: Iterable[bytes]) -> bytes:
    """The concatenated `leaf_hash` of each entry."""
    found: list[bytes] = []
    for entry in entries:
        state = _leaf_state()
        state.update(entry)
        found.append(state.digest())
    return b"".join(found)


_AT_ONCE = 128
"""Nodes that are hashed in one go, so that what is between two steps stays in the cache."""

_copied, _updated, _digest = (getattr(type(sha256()), n) for n in ("copy", "update", "digest"))


def parents(hashes: bytes) -> bytes:
    """One level up: the concatenated parents of an even number of concatenated 32-byte hashes."""
    found: list[bytes] = []
    for start in range(0, len(hashes), 2 * HASH_SIZE * _AT_ONCE):
        some = hashes[start : start + 2 * HASH_SIZE * _AT_ONCE]
        pairs = unpack("64s" * (len(some) // (2 * HASH_SIZE)), some)
        # Loops of the interpreter's own: at this size its loops cost as much as the hash.
        states = list(map(_copied, repeat(_NODE, len(pairs))))
        deque(map(_updated, states, pairs), maxlen=0)
        found += map(_digest, states)
    return b"".join(found)


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


class Hashes(ABC):
    """A tree as the hashes of its complete subtrees: what roots and proofs are made of."""

    @abstractmethod
    def __len__(self) -> int:
        """How many entries there are."""

    @abstractmethod
    def hashes(self, level: int, start: int, stop: int) -> bytes:
        """The concatenated hashes of the complete subtrees `[start, stop)` of `2**level` entries.

        What the tree does not hold is left out, as with a slice.
        """

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


class Tree(Hashes):
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
        """See `Hashes`."""
        if level >= len(self._levels):
            return b""
        return bytes(self._levels[level][start * HASH_SIZE : stop * HASH_SIZE])


class SparseTree(Hashes):
    """A tree that keeps only what is above subtrees of `2**height` entries, and asks for the rest.

    `leaf_hashes(n)` gives the concatenated leaf hashes of the n-th such subtree again. A tree of
    `n` entries holds about `64 * n / 2**height` bytes.
    """

    def __init__(self, height: int, leaf_hashes: Callable[[int], bytes]) -> None:
        self._height = height
        self._leaf_hashes = leaf_hashes
        self._above = Tree()
        self._rest = b""
        self._asked = -1, Tree()

    def __len__(self) -> int:
        return (len(self._above) << self._height) + len(self._rest) // HASH_SIZE

    def append(self, roots: bytes) -> None:
        """Appends whole subtrees by their concatenated roots; none follows one that is not full."""
        if self._rest:
            raise ValueError("nothing follows a subtree that is not full")
        self._above.extend([roots])

    def append_leaves(self, leaf_hashes: bytes) -> None:
        """Appends up to a subtree's concatenated leaf hashes; less than that is the tree's end."""
        width = 1 << self._height
        count, odd = divmod(len(leaf_hashes), HASH_SIZE)
        if odd or count > width or self._rest:
            raise ValueError("not the leaf hashes of one subtree, or after one that is not full")
        if count == width:
            self.append(fold(peaks(leaf_hashes)))
        else:
            self._rest = leaf_hashes

    def hashes(self, level: int, start: int, stop: int) -> bytes:
        """See `Hashes`."""
        if level >= self._height:
            return self._above.hashes(level - self._height, start, stop)
        width = 1 << self._height - level
        found: list[bytes] = []
        for subtree in range(start // width, -(-stop // width)):
            first = subtree * width
            tree = self._subtree_at(subtree)
            found.append(tree.hashes(level, max(start - first, 0), min(stop - first, width)))
        return b"".join(found)

    def _subtree_at(self, number: int) -> Tree:
        if self._asked[0] != number:
            full = number < len(self._above)
            beyond = number > len(self._above)
            content = self._leaf_hashes(number) if full else b"" if beyond else self._rest
            self._asked = number, Tree([content])
        return self._asked[1]


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (size >= 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def verify_inclusion(
    entry_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` shows `entry_hash` at `index` in the tree of `size` entries with `root`.

    The outcome is that of RFC 9162, section 2.1.3.2; anything malformed is simply not proven. Up
    to the subtree that ends with the tree's last entry, the index says on which side a step is;
    from there on every step is a complete subtree on the left.
    """
    if not 0 <= index < size or len(entry_hash) != HASH_SIZE:
        return False
    inner = (index ^ (size - 1)).bit_length()
    if len(proof) != inner + (index >> inner).bit_count():
        return False
    # A step of another length than 32 bytes leads to another root: what a node's hash is of has
    # 65 bytes. Written out, because a call of node_hash would be a third of the work.
    found, side = entry_hash, 1
    for step in proof[:inner]:
        state = _node_state()
        state.update(step + found if index & side else found + step)
        found = state.digest()
        side += side
    for step in proof[inner:]:
        state = _node_state()
        state.update(step + found)
        found = state.digest()
    return found == root


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
