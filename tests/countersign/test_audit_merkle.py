"""RFC 6962: roots against its own recursive definition, proofs that hold and proofs that do not."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.audit.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    SparseTree,
    Tree,
    fold,
    leaf_hash,
    leaf_hashes,
    node_hash,
    parents,
    peaks,
    verify_consistency,
    verify_inclusion,
)

SIZES = st.integers(1, 600)


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(b"entry %d" % number) for number in range(size)]


def mth(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word, over leaf hashes."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def flipped(content: bytes, bit: int) -> bytes:
    bit %= 8 * len(content)
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_the_hashes_of_nothing_are_the_well_known_ones() -> None:
    assert EMPTY_ROOT.hex().startswith("e3b0c44298fc1c149afb")
    assert leaf_hash(b"").hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )
    assert Tree().root() == EMPTY_ROOT


def test_a_leaf_cannot_pass_for_a_node() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)


@pytest.mark.parametrize("size", [*range(1, 34), 255, 256, 257, 511, 600])
def test_the_root_is_that_of_the_rfcs_recursion(size: int) -> None:
    assert Tree(hashes(size)).root() == mth(hashes(size))


@settings(deadline=None)
@given(SIZES, st.data())
def test_a_grown_tree_answers_for_every_earlier_size(size: int, data: st.DataObject) -> None:
    tree, every = Tree(), hashes(size)
    cuts = sorted(data.draw(st.sets(st.integers(0, size), max_size=5)))
    for start, stop in zip([0, *cuts], [*cuts, size], strict=True):
        tree.extend(every[start:stop])
    earlier = data.draw(st.integers(0, size))
    assert tree.root(earlier) == mth(every[:earlier])
    assert fold(peaks(b"".join(every[:earlier]))) == mth(every[:earlier])


@settings(deadline=None)
@given(SIZES, st.data())
def test_an_inclusion_proof_holds_for_its_entry_and_for_nothing_else(
    size: int, data: st.DataObject
) -> None:
    tree, every = Tree(hashes(size)), hashes(size)
    index = data.draw(st.integers(0, size - 1))
    proof, root = tree.inclusion_proof(index), tree.root()
    assert verify_inclusion(every[index], index, size, proof, root)

    bit = data.draw(st.integers(0, 8 * 32 - 1))
    assert not verify_inclusion(flipped(every[index], bit), index, size, proof, root)
    assert not verify_inclusion(every[index], index, size, proof, flipped(root, bit))
    assert not verify_inclusion(every[index], index, size, (*proof, root), root)
    if size > 1:
        other = data.draw(st.integers(0, size - 1).filter(lambda number: number != index))
        assert not verify_inclusion(every[index], other, size, proof, root)
        assert not verify_inclusion(every[index], index, size, proof[:-1], root)
        step = data.draw(st.integers(0, len(proof) - 1))
        bad = (*proof[:step], flipped(proof[step], bit), *proof[step + 1 :])
        assert not verify_inclusion(every[index], index, size, bad, root)


@settings(deadline=None)
@given(SIZES, st.data())
def test_a_consistency_proof_holds_for_its_sizes_and_for_nothing_else(
    size: int, data: st.DataObject
) -> None:
    tree = Tree(hashes(size))
    old = data.draw(st.integers(1, size))
    proof, old_root, root = tree.consistency_proof(old), tree.root(old), tree.root()
    assert verify_consistency(old, size, proof, old_root, root)

    bit = data.draw(st.integers(0, 8 * 32 - 1))
    assert not verify_consistency(old, size, proof, flipped(old_root, bit), root)
    assert not verify_consistency(old, size, proof, old_root, flipped(root, bit))
    assert not verify_consistency(old, size, (*proof, root), old_root, root)
    if proof:
        step = data.draw(st.integers(0, len(proof) - 1))
        bad = (*proof[:step], flipped(proof[step], bit), *proof[step + 1 :])
        assert not verify_consistency(old, size, bad, old_root, root)
        assert not verify_consistency(old, size, proof[1:], old_root, root)


def test_malformed_proofs_prove_nothing() -> None:
    tree, every = Tree(hashes(5)), hashes(5)
    root = tree.root()
    assert not verify_inclusion(every[0], 5, 5, tree.inclusion_proof(0), root)
    assert not verify_inclusion(every[0], -1, 5, tree.inclusion_proof(0), root)
    assert not verify_inclusion(every[0], 0, 0, (), EMPTY_ROOT)
    assert not verify_inclusion(every[0][:31], 0, 5, tree.inclusion_proof(0), root)
    assert not verify_inclusion(every[0], 0, 5, (b"short",), root)
    assert not verify_consistency(0, 5, (), EMPTY_ROOT, root)
    assert not verify_consistency(6, 5, (), root, root)
    assert not verify_consistency(3, 5, (b"short",), tree.root(3), root)
    assert not verify_consistency(3, 5, (), tree.root(3), root)


def test_what_a_tree_does_not_hold_is_a_mistake_of_the_caller() -> None:
    tree = Tree(hashes(3))
    for call in (
        lambda: tree.root(4),
        lambda: tree.inclusion_proof(3),
        lambda: tree.inclusion_proof(2, 2),
        lambda: tree.consistency_proof(4),
        lambda: tree.extend([b"short"]),
    ):
        with pytest.raises(ValueError):
            call()
    assert tree.consistency_proof(0) == tree.consistency_proof(3) == ()
    assert tree.hashes(9, 0, 1) == b""


@pytest.mark.parametrize("count", [0, 2, 254, 256, 258, 1200])
def test_many_hashes_are_those_of_each(count: int) -> None:
    entries = [b"x" * number for number in range(count)]
    assert leaf_hashes(entries) == b"".join(map(leaf_hash, entries))
    leaves = hashes(count)
    above = b"".join(node_hash(leaves[n], leaves[n + 1]) for n in range(0, count, 2))
    assert parents(b"".join(leaves)) == above


@settings(deadline=None)
@given(SIZES, st.integers(0, 9), st.data())
def test_a_sparse_tree_answers_as_a_whole_one(size: int, height: int, data: st.DataObject) -> None:
    leaves, width = b"".join(hashes(size)), HASH_SIZE << height
    whole = Tree([leaves])
    sparse = SparseTree(height, lambda n: leaves[n * width : (n + 1) * width])
    full = size >> height
    sparse.append(whole.hashes(height, 0, full))
    sparse.append_leaves(leaves[full * width :])
    assert len(sparse) == size and sparse.root() == whole.root()
    some = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, some - 1))
    assert sparse.root(some) == whole.root(some)
    assert sparse.inclusion_proof(index, some) == whole.inclusion_proof(index, some)
    assert sparse.consistency_proof(index, some) == whole.consistency_proof(index, some)
    level = data.draw(st.integers(0, 11))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, size + 9), st.integers(0, size + 9))))
    assert sparse.hashes(level, start, stop) == whole.hashes(level, start, stop)


def test_nothing_follows_the_end_of_a_sparse_tree() -> None:
    tree = SparseTree(1, lambda n: b"")
    tree.append_leaves(b"".join(hashes(2)))
    tree.append_leaves(b"".join(hashes(1)))
    with pytest.raises(ValueError, match="follows"):
        tree.append(bytes(32))
    with pytest.raises(ValueError, match="after"):
        tree.append_leaves(bytes(32))
    with pytest.raises(ValueError, match="subtree"):
        SparseTree(1, lambda n: b"").append_leaves(bytes(96))


def test_steps_of_another_length_prove_nothing() -> None:
    tree = Tree(hashes(7))
    proof = tree.inclusion_proof(4)
    moved = (proof[0] + proof[1][:1], proof[1][1:], *proof[2:])
    assert not verify_inclusion(leaf_hash(b"entry 4"), 4, 7, moved, tree.root())
    assert not verify_inclusion(leaf_hash(b"entry 4")[:31], 4, 7, proof, tree.root())
    assert not verify_inclusion(leaf_hash(b"entry 4"), 4, 7, (*proof, b""), tree.root())
