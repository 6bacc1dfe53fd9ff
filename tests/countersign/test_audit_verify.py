"""Whatever is done to a published log or by whoever holds its key, verification says what broke."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.audit.checkpoint import (
    Checkpoint,
    LogKey,
    NoteSignature,
    SignedNote,
    WitnessKey,
    sign,
)
from countersign.audit.event import read_event
from countersign.audit.merkle import Tree, leaf_hash
from countersign.audit.sweep import Swept
from countersign.audit.tiles import decode_bundle, encode_bundle
from countersign.audit.verify import CLOCK_SKEW, Kind, Report, prove, verify_directory, verify_proof
from countersign.errors import BadCheckpoint, BadLogKey, BadProof, EventUnknown, LedgerBroken
from tests.audit_logs import ORIGIN, Files, Key, event, leaves, published

SIZE = 261
KEPT_AT = 200
VKEY = Key().vkey()
LOG = published(leaves(SIZE), sizes=(3, KEPT_AT, 256))
KEPT = LOG[f"checkpoint.{KEPT_AT}"].decode()
LOG_ID = LogKey.parse(VKEY).id
DAWN = datetime(1, 1, 1, tzinfo=UTC)
FULL, LAST = "tile/entries/000", "tile/entries/001.p/5"


def verify(files: Files) -> Report:
    return verify_directory(files, VKEY, since=KEPT)


def kinds(report: Report) -> set[Kind]:
    return {each.kind for each in report.breaks}


# What holds ---------------------------------------------------------------------------------


def test_a_whole_log_verifies() -> None:
    report = verify(LOG)
    assert report.verified and report.breaks == ()
    assert report.size == SIZE and report.key_from == "given"
    assert report.root == LOG["checkpoint"].decode().split("\n")[2]
    assert report.checkpoint == LOG["checkpoint"].decode()


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 513])
def test_a_log_of_any_size_verifies(size: int) -> None:
    report = verify_directory(published(leaves(size), sizes=(0, size // 2)), VKEY)
    assert report.verified and report.size == size


def test_a_key_from_the_log_itself_is_said_to_be_the_weaker_proof() -> None:
    report = verify_directory(LOG)
    assert report.verified and report.key_from == "directory" and report.key == VKEY
    assert "came with the log" in report.notes[0]


def test_old_partial_tiles_and_older_checkpoints_may_be_gone() -> None:
    lean = Files({k: v for k, v in LOG.items() if ".p/" not in k and "checkpoint." not in k})
    lean |= {k: LOG[k] for k in (LAST, "tile/0/001.p/5", "tile/1/000.p/1")}
    assert verify(lean).verified


def test_cosignatures_of_witnesses_are_passed_over() -> None:
    files = Files(LOG)
    files["checkpoint"] += str(NoteSignature("witness.example/w", b"\0\0\0\1", bytes(72))).encode()
    assert verify(files).verified


def test_files_that_are_no_part_of_the_log_are_counted_and_not_read() -> None:
    report = verify(Files(LOG | {"README.txt": b"hello", ".state/lock": b""}))
    assert report.verified and "2 files" in report.notes[0]


def test_clocks_may_cross_a_little() -> None:
    entries = [event(0).leaf(), event(1, at=event(0).at - CLOCK_SKEW).leaf(), event(2).leaf()]
    assert verify_directory(published(entries), VKEY).verified


def test_a_log_of_other_entries_can_be_checked_as_a_tree() -> None:
    files = published([b"one", b"two", b"three"], sizes=(1, 2))
    assert verify_directory(files, VKEY, events=False).verified
    assert kinds(verify_directory(files, VKEY)) == {Kind.ENTRY}


# Witnesses ----------------------------------------------------------------------------------

WITNESS = WitnessKey("witness.example/w1", Key("witness").public_key())
SEEN = 1_800_000_000


def cosignature(text: str, at: int = SEEN, key: Key | None = None) -> bytes:
    own = (key or Key("witness")).sign(f"cosignature/v1\ntime {at}\n{text}".encode())
    return str(NoteSignature(WITNESS.name, WITNESS.id, at.to_bytes(8, "big") + own)).encode()


def witnessed(line: bytes) -> Report:
    files = Files(LOG | {"checkpoint": LOG["checkpoint"] + line})
    return verify_directory(files, VKEY, witnesses=[str(WITNESS)])


SIGNED_TEXT = SignedNote.parse(LOG["checkpoint"]).text


@pytest.mark.parametrize(
    ("at", "told"),
    [(SEEN, "2027-01-15T08:00:00Z"), (2**64 - 1, "18446744073709551615 s after 1970")],
)
def test_a_witness_who_cosigned_is_named_with_the_time(at: int, told: str) -> None:
    report = witnessed(cosignature(SIGNED_TEXT, at))
    assert report.verified and f"cosigned by {WITNESS.name}: {told}" in report.notes


OTHER_TEXT = SignedNote.parse(LOG["checkpoint.256"]).text
FALSE_COSIGNATURES = {
    "none": b"",
    "over another checkpoint": cosignature(OTHER_TEXT),
    "by another key": cosignature(SIGNED_TEXT, key=Key("attacker")),
    "with another time": cosignature(SIGNED_TEXT).replace(
        base64.b64encode(WITNESS.id + SEEN.to_bytes(8, "big"))[:12],
        base64.b64encode(WITNESS.id + (SEEN ^ 1 << 40).to_bytes(8, "big"))[:12],
    ),
    "that stops in its time": str(NoteSignature(WITNESS.name, WITNESS.id, b"1234")).encode(),
    "one right and one wrong": cosignature(SIGNED_TEXT)
    + cosignature(SIGNED_TEXT, key=Key("attacker")),
    "a log's signature in its place": str(
        NoteSignature(WITNESS.name, WITNESS.id, Key("witness").sign(SIGNED_TEXT.encode()))
    ).encode(),
}


@pytest.mark.parametrize("line", FALSE_COSIGNATURES.values(), ids=FALSE_COSIGNATURES)
def test_a_witness_who_is_asked_for_and_did_not_cosign_is_a_break(line: bytes) -> None:
    assert kinds(witnessed(line)) == {Kind.WITNESS}


def test_a_logs_key_is_no_witness_and_a_witness_no_log() -> None:
    with pytest.raises(BadLogKey):
        verify_directory(LOG, VKEY, witnesses=[VKEY])
    with pytest.raises(BadLogKey):
        verify_directory(LOG, str(WITNESS))


def test_a_witnesss_key_has_the_id_that_others_compute() -> None:
    public = Key("witness").public_key()
    own = sha256(WITNESS.name.encode() + b"\n\x04" + public).digest()[:4]
    line = f"{WITNESS.name}+{own.hex()}+{base64.b64encode(bytes([4]) + public).decode()}"
    assert str(WITNESS) == line and WitnessKey.parse(line) == WITNESS


# What does not: the tamper matrix -----------------------------------------------------------


@dataclass(frozen=True)
class Tampering:
    """One manipulation: what it does, the kinds that must be reported, and the entry to name."""

    name: str
    act: Callable[[Files], Files | None]
    expected: set[Kind]
    index: int | None = None


def rewritten(path: str, change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Files], None]:
    """Takes a bundle apart, changes its entries and puts it together again."""

    def act(files: Files) -> None:
        width = 256 if path == FULL else 5
        files[path] = encode_bundle(change(list(decode_bundle(files[path], width))))

    return act


def resigned(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Files], Files]:
    """What somebody with the real key and every permission does: rewrites all, signs all."""
    return lambda files: published(change(leaves(SIZE)), sizes=(3, KEPT_AT, 256))


def swapped(entries: list[bytes], one: int, other: int) -> list[bytes]:
    entries[one], entries[other] = entries[other], entries[one]
    return entries


def edited(path: str, change: Callable[[bytes], bytes]) -> Callable[[Files], None]:
    return lambda files: files.update({path: change(files[path])})


def removed(*paths: str) -> Callable[[Files], None]:
    def act(files: Files) -> None:
        for path in paths:
            del files[path]

    return act


def flip(place: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def rolled_back(files: Files, *, thoroughly: bool) -> Files:
    if thoroughly:
        return published(leaves(150), sizes=(3,))
    return Files(files | {"checkpoint": files[f"checkpoint.{KEPT_AT}"]})


def colliding(files: Files) -> Files:
    """The attacker's key under the log's own name and id."""
    entries = [*leaves(SIZE - 1), event(999).leaf()]
    root = Tree(map(leaf_hash, entries)).root()
    text = Checkpoint(ORIGIN, SIZE, root).text()
    line = NoteSignature(ORIGIN, LOG_ID, Key("attacker").sign(text.encode()))
    forged = published(entries, key=Key("attacker"))
    note = str(SignedNote(text, (line,))).encode()
    return Files(forged | {"checkpoint": note, "vkey": files["vkey"]})


def absurd(files: Files) -> Files:
    note = sign(Checkpoint(ORIGIN, 10**18, bytes(32)), Key())
    return Files(files | {"checkpoint": note.encode()})


def stray_bits(content: bytes) -> bytes:
    """The same signature in a second base64 spelling."""
    assert content.endswith(b"=\n")
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = letters[letters.index(content[-3]) + 1]
    return content[:-3] + bytes([last]) + content[-2:]


def at_dawn_further_east(leaf: bytes) -> bytes:
    at = event(SIZE - 1).at.isoformat().replace("+00:00", "Z")
    return leaf.replace(at.encode(), b"0001-01-01T00:00:00+05:00")


def resized(files: Files) -> Files:
    """A log of two full bundles, which are as wide as each other."""
    return published(leaves(512))


def exchanged(files: Files, folder: str) -> Files:
    one, other = f"{folder}/000", f"{folder}/001"
    return Files(files | {one: files[other], other: files[one]})


TAMPERINGS = [
    Tampering("a byte of an entry is flipped", edited(FULL, flip(40)), {Kind.ROOT, Kind.ENTRY}, 0),
    Tampering(
        "a word of an entry is replaced by one of equal length",
        edited(FULL, lambda c: c.replace(b'"session-100"', b'"session-999"')),
        {Kind.ROOT, Kind.ENTRY},
        100,
    ),
    Tampering(
        "an entry is dropped",
        rewritten(FULL, lambda e: e[:70] + e[71:]),
        {Kind.ROOT, Kind.BUNDLE, Kind.ENTRY},
        70,
    ),
    Tampering(
        "two entries are swapped",
        rewritten(FULL, lambda e: swapped(e, 70, 71)),
        {Kind.ROOT, Kind.ENTRY},
        70,
    ),
    Tampering(
        "an entry is inserted",
        rewritten(FULL, lambda e: [*e[:70], event(999).leaf(), *e[70:]]),
        {Kind.ROOT, Kind.BUNDLE, Kind.ENTRY},
        70,
    ),
    Tampering(
        "an entry is replaced by another event",
        rewritten(LAST, lambda e: [*e[:2], event(999).leaf(), *e[3:]]),
        {Kind.ROOT, Kind.ENTRY},
        258,
    ),
    Tampering("the last bundle is cut short", edited(LAST, lambda c: c[:-9]), {Kind.BUNDLE}, 260),
    Tampering(
        "bytes are added to the last bundle", edited(LAST, lambda c: c + b"\0"), {Kind.BUNDLE}, 261
    ),
    Tampering("the last bundle is deleted", removed(LAST), {Kind.GAP}, 256),
    Tampering(
        "a bundle in the middle is deleted with its parts",
        removed(FULL, "tile/entries/000.p/3", "tile/entries/000.p/200"),
        {Kind.GAP},
        0,
    ),
    Tampering(
        "all entries are deleted",
        lambda f: Files({k: v for k, v in f.items() if not k.startswith("tile/entries/")}),
        {Kind.GAP},
        0,
    ),
    Tampering(
        "everything is deleted but checkpoints and key",
        lambda f: Files({k: v for k, v in f.items() if not k.startswith("tile/")}),
        {Kind.GAP, Kind.ROOT},
        0,
    ),
    Tampering("a leaf tile is flipped", edited("tile/0/000", flip(32 * 9)), {Kind.TILE}, 9),
    Tampering("an upper tile is flipped", edited("tile/1/000.p/1", flip(0)), {Kind.TILE}, 0),
    Tampering(
        "an older partial tile is flipped",
        edited("tile/0/000.p/200", flip(32 * 150)),
        {Kind.TILE},
        150,
    ),
    Tampering(
        "an older partial bundle is changed",
        edited("tile/entries/000.p/3", flip(40)),
        {Kind.TILE},
        0,
    ),
    Tampering("a tile is deleted", removed("tile/0/001.p/5"), {Kind.TILE}, 256),
    Tampering(
        "a partial tile is cut short", edited("tile/0/001.p/5", lambda c: c[:-32]), {Kind.TILE}, 256
    ),
    Tampering(
        "an entry and its leaf hash are changed together",
        lambda f: Files(
            published([*leaves(260), event(999).leaf()], sizes=(3, KEPT_AT, 256))
            | {"checkpoint": f["checkpoint"], "checkpoint.261": f["checkpoint.261"]}
        ),
        {Kind.ROOT},
    ),
    Tampering(
        "an attacker rebuilds everything with a key of his own",
        lambda f: published([*leaves(100), event(999).leaf()], key=Key("attacker")),
        {Kind.KEY, Kind.SIGNATURE, Kind.HISTORY, Kind.ROLLBACK},
    ),
    Tampering(
        "the attacker puts the true key file beside his own signature",
        lambda f: Files(published(leaves(SIZE), key=Key("attacker")) | {"vkey": f["vkey"]}),
        {Kind.SIGNATURE},
    ),
    Tampering("an attacker's key collides in name and id", colliding, {Kind.SIGNATURE}),
    Tampering(
        "the key's holder rewrites an entry and signs everything again",
        resigned(lambda e: [*e[:70], event(999, at=event(70).at).leaf(), *e[71:]]),
        {Kind.FORK},
    ),
    Tampering(
        "the key's holder drops an entry and signs everything again",
        resigned(lambda e: e[:70] + e[71:]),
        {Kind.FORK},
    ),
    Tampering(
        "the key's holder dates an entry back",
        resigned(lambda e: [*e[:-1], event(999, at=event(0).at).leaf()]),
        {Kind.TIME},
        260,
    ),
    Tampering(
        "the key's holder enters an event id again",
        resigned(lambda e: [*e[:-1], event(7, at=event(260).at, counts={"turns": 0}).leaf()]),
        {Kind.DUPLICATE},
        260,
    ),
    Tampering(
        "the key's holder enters an event of another site",
        resigned(lambda e: [*e[:-1], event(260, site="north").leaf()]),
        {Kind.SITE},
        260,
    ),
    Tampering(
        "the key's holder enters bytes that two events could claim",
        resigned(lambda e: [*e[:-1], e[-1].replace(b'{"act"', b'{ "act"')]),
        {Kind.ENTRY},
        260,
    ),
    Tampering(
        "another site's log is put in place",
        lambda f: published(
            [event(n, site="north").leaf() for n in range(SIZE)], origin="clinic.example/north"
        ),
        {Kind.KEY, Kind.SIGNATURE, Kind.FORK},
    ),
    Tampering(
        "an older checkpoint is put back",
        lambda f: rolled_back(f, thoroughly=False),
        {Kind.ROLLBACK, Kind.BEYOND},
    ),
    Tampering(
        "an older log is put back as a whole",
        lambda f: rolled_back(f, thoroughly=True),
        {Kind.ROLLBACK},
    ),
    Tampering(
        "tiles of a larger log lie about",
        lambda f: Files(f | {"tile/0/001.p/6": f["tile/0/001.p/5"] + bytes(32)}),
        {Kind.BEYOND},
        261,
    ),
    Tampering(
        "the checkpoint's size is changed",
        edited("checkpoint", lambda c: c.replace(b"\n261\n", b"\n260\n")),
        {Kind.SIGNATURE, Kind.ROOT},
    ),
    Tampering(
        "the checkpoint gets an extension line",
        edited("checkpoint", lambda c: c.replace(b"\n\n", b"\nnotice\n\n")),
        {Kind.SIGNATURE},
    ),
    Tampering(
        "the checkpoint loses its signature",
        edited("checkpoint", lambda c: c.split(b"\n\n")[0] + b"\n\n"),
        {Kind.CHECKPOINT},
    ),
    Tampering(
        "the signature is spelled a second way", edited("checkpoint", stray_bits), {Kind.CHECKPOINT}
    ),
    Tampering("the checkpoint is deleted", removed("checkpoint"), {Kind.CHECKPOINT}),
    Tampering("the checkpoint counts entries without end", absurd, {Kind.GAP, Kind.ROOT}),
    Tampering(
        "a kept older checkpoint is altered",
        edited("checkpoint.3", lambda c: c.replace(b"\n3\n", b"\n4\n")),
        {Kind.HISTORY},
        3,
    ),
    Tampering(
        "a kept older checkpoint is renamed",
        lambda f: Files(f | {"checkpoint.5": f["checkpoint.3"]}),
        {Kind.HISTORY},
        5,
    ),
    Tampering(
        "a fork's checkpoint lies beside the log",
        lambda f: Files(
            f | {"checkpoint.4": published([*leaves(3), event(999).leaf()])["checkpoint"]}
        ),
        {Kind.HISTORY},
        4,
    ),
    Tampering(
        "an entry's length is changed",
        edited(FULL, flip(1)),
        {Kind.ROOT, Kind.BUNDLE, Kind.ENTRY},
        0,
    ),
    Tampering(
        "two bundles are swapped",
        lambda f: Files(f | {FULL: f[LAST], LAST: f[FULL]}),
        {Kind.BUNDLE},
        261,
    ),
    Tampering(
        "an entry is written over the one before it",
        rewritten(FULL, lambda e: [*e[:70], e[71], *e[71:]]),
        {Kind.ROOT, Kind.ENTRY, Kind.DUPLICATE},
        70,
    ),
    Tampering(
        "the last entry is dropped with its hash and the signed size",
        lambda f: Files(
            published(leaves(SIZE - 1), sizes=(3, KEPT_AT, 256))
            | {"checkpoint": f["checkpoint"].replace(b"\n261\n", b"\n260\n")}
        ),
        {Kind.SIGNATURE, Kind.ROOT},
    ),
    Tampering(
        "a bundle of another log of the same site is put in place",
        lambda f: Files(f | {FULL: published([event(n).leaf() for n in range(500, 756)])[FULL]}),
        {Kind.ROOT, Kind.ENTRY, Kind.TIME},
        0,
    ),
    Tampering(
        "the signature of an older checkpoint is put under the newest",
        lambda f: Files(
            f
            | {
                "checkpoint": f["checkpoint"].split(b"\n\n")[0]
                + b"\n\n"
                + f[f"checkpoint.{KEPT_AT}"].split(b"\n\n")[1]
            }
        ),
        {Kind.SIGNATURE},
    ),
    Tampering(
        "a second signature under the log's own key does not hold",
        edited("checkpoint", lambda c: c + str(NoteSignature(ORIGIN, LOG_ID, bytes(64))).encode()),
        {Kind.SIGNATURE},
    ),
    Tampering(
        "the key's holder shows somebody else another log of the same size",
        lambda f: published([*leaves(KEPT_AT - 1), event(999, at=event(199).at).leaf()]),
        {Kind.FORK},
    ),
    Tampering(
        "the key's holder enters two events in the bytes of one",
        resigned(lambda e: [*e[:-1], e[-1] + b"\n" + event(999).leaf()]),
        {Kind.ENTRY},
        260,
    ),
    Tampering(
        "the key's holder hides words of a patient in an unknown field",
        resigned(lambda e: [*e[:-1], e[-1].replace(b'"}', b'","words":"x"}')]),
        {Kind.ENTRY},
        260,
    ),
    Tampering(
        "the key's holder enters the first moment of the calendar",
        resigned(lambda e: [event(0, at=DAWN).leaf(), *e[1:9], event(9, at=DAWN).leaf(), *e[10:]]),
        {Kind.TIME},
        9,
    ),
    Tampering(
        "the key's holder enters a moment outside the calendar",
        resigned(lambda e: [*e[:-1], at_dawn_further_east(e[-1])]),
        {Kind.ENTRY},
        260,
    ),
    Tampering(
        "a size and a file lead the search astray without end",
        lambda f: Files(absurd(f) | {"tile/entries/x999/x999/x999/999": b""}),
        {Kind.GAP},
        512,
    ),
    Tampering(
        "bundles and leaf tiles change places together",
        lambda f: exchanged(exchanged(resized(f), "tile/0"), "tile/entries"),
        {Kind.ROOT, Kind.TIME},
        256,
    ),
    Tampering(
        "the key file is replaced",
        lambda f: Files(f | {"vkey": f"{Key('attacker').vkey()}\n".encode()}),
        {Kind.KEY},
    ),
]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: each.name.replace(" ", "_"))
def test_tampering_is_found(tampering: Tampering) -> None:
    files = Files(LOG)
    files = tampering.act(files) or files
    assert files != LOG
    report = verify(files)
    assert not report.verified
    assert tampering.expected <= kinds(report)
    if tampering.index is not None:
        found = {each.index for each in report.breaks if each.kind in tampering.expected}
        assert tampering.index in found


@settings(deadline=None)
@given(st.data())
def test_no_byte_of_any_file_can_change(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(LOG)))
    place = data.draw(st.integers(0, len(LOG[path]) - 1))
    change = data.draw(st.integers(1, 255))
    content = bytearray(LOG[path])
    content[place] ^= change
    assert not verify(Files(LOG | {path: bytes(content)})).verified


@settings(deadline=None)
@given(st.data())
def test_no_file_that_the_checkpoint_needs_can_be_cut_or_lost(data: st.DataObject) -> None:
    needed = [path for path in LOG if path in {FULL, LAST, "checkpoint", "tile/0/000"}]
    path = data.draw(st.sampled_from(needed))
    length = data.draw(st.integers(0, len(LOG[path]) - 1))
    assert not verify(Files(LOG | {path: LOG[path][:length]})).verified


def test_a_key_holders_rewriting_is_found_only_by_what_was_kept_elsewhere() -> None:
    rewritten_log = published([event(n, role="clinician").leaf() for n in range(SIZE)])
    assert verify_directory(rewritten_log, VKEY).verified
    assert kinds(verify(rewritten_log)) == {Kind.FORK}


def test_a_kept_checkpoint_that_the_log_never_signed_is_no_witness() -> None:
    foreign = published(leaves(KEPT_AT), key=Key("attacker"))["checkpoint"].decode()
    assert kinds(verify_directory(LOG, VKEY, since=foreign)) == {Kind.FORK}


def test_the_callers_own_mistakes_are_refused() -> None:
    with pytest.raises(BadLogKey):
        verify_directory(LOG, "no key")
    with pytest.raises(BadCheckpoint):
        verify_directory(LOG, VKEY, since="no checkpoint")


@pytest.mark.parametrize("vkey", [None, b"nonsense", b"\xff\xfe"])
def test_a_log_without_a_readable_key_is_not_verified(vkey: bytes | None) -> None:
    files = Files(LOG)
    del files["vkey"]
    if vkey is not None:
        files["vkey"] = vkey
    report = verify_directory(files)
    assert kinds(report) == {Kind.KEY} and report.key is None


def test_time_that_jumps_ahead_and_back_is_one_break_each_time() -> None:
    far = event(0).at + timedelta(days=1)
    entries = [event(0).leaf(), event(1, at=far).leaf(), *(event(n).leaf() for n in (2, 3))]
    report = verify_directory(published(entries), VKEY)
    assert [(each.kind, each.index) for each in report.breaks] == [(Kind.TIME, 2)]


# At a glance, and entry by entry ------------------------------------------------------------


def by_the_rules(entries: list[bytes]) -> list[tuple[Kind, int]]:
    """The breaks among entries, by the rules as docs/audit.md has them and one entry at a time."""
    found: list[tuple[Kind, int]] = []
    seen: set[str] = set()
    newest: datetime | None = None
    for index, entry in enumerate(entries):
        try:
            each = read_event(entry)
        except ValueError:
            found.append((Kind.ENTRY, index))
            continue
        if each.site != "main":
            found.append((Kind.SITE, index))
        if each.id in seen:
            found.append((Kind.DUPLICATE, index))
        seen.add(each.id)
        if newest is not None and each.at < newest - CLOCK_SKEW:
            found.append((Kind.TIME, index))
            newest = each.at
        newest = each.at if newest is None else max(newest, each.at)
    return found


ODDITIES = st.tuples(
    st.integers(0, 599),
    st.one_of(
        st.fixed_dictionaries({"id": st.integers(0, 599).map(lambda n: event(n).id)}),
        st.fixed_dictionaries(
            {"at": st.integers(-400, 1000).map(lambda n: event(0).at + timedelta(seconds=n))}
        ),
        st.fixed_dictionaries({"site": st.sampled_from(["north", "main"])}),
        st.fixed_dictionaries({"reason": st.sampled_from(['a "quoted" one', "\u00fc", "\n"])}),
        st.sampled_from([b"", b"junk", event(1).leaf() + b"\n" + event(2).leaf()]),
    ),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(ODDITIES, max_size=6), st.sampled_from([1, 256, 300, 600]))
def test_a_log_in_order_and_one_that_is_not_are_judged_by_the_same_rules(
    oddities: list[tuple[int, dict[str, object] | bytes]], size: int
) -> None:
    entries = leaves(size)
    for index, change in oddities:
        if index < size:
            entries[index] = change if isinstance(change, bytes) else event(index, **change).leaf()
    report = verify_directory(published(entries), VKEY)
    assert [(each.kind, each.index) for each in report.breaks] == by_the_rules(entries)


def test_processes_that_hash_otherwise_find_the_same() -> None:
    def elsewhere(
        work: Callable[[range], Swept | None], spans: Sequence[range]
    ) -> Iterator[Swept | None]:
        for number, span in enumerate(spans):
            found = work(span)
            assert found is not None
            yield replace(found, probe=number, prints=bytes(len(found.prints)))

    entries = leaves(SIZE)
    files = published(entries)
    assert verify_directory(files, VKEY, spread=elsewhere).verified
    entries[260] = event(7, at=event(260).at).leaf()
    report = verify_directory(published(entries), VKEY, spread=elsewhere)
    assert [(each.kind, each.index, each.why) for each in report.breaks] == [
        (Kind.DUPLICATE, 260, "entry 7 has the same event id")
    ]


# Proofs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1, 199, 255, 256, 260])
def test_a_proof_shows_an_event_with_nothing_but_the_key(number: int) -> None:
    proof = prove(LOG, event(number).id)
    report = verify_proof(proof, VKEY)
    assert report.verified and report.event == event(number) and report.index == number
    assert report.size == SIZE and report.key_from == "given"


def test_a_proof_is_the_text_that_others_read() -> None:
    lines = prove(LOG, event(260).id).split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert base64.b64decode(lines[1].removeprefix("extra ")) == event(260).leaf()
    assert lines[2] == "index 260"
    assert "\n".join(lines[lines.index("") + 1 :]) == LOG["checkpoint"].decode()


@settings(deadline=None)
@given(st.data())
def test_no_byte_of_a_proof_can_change(data: st.DataObject) -> None:
    proof = bytearray(prove(LOG_OF_SEVEN, event(4).id).encode())
    proof[data.draw(st.integers(0, len(proof) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        report = verify_proof(bytes(proof), VKEY)
    except BadProof:
        return
    assert not report.verified


LOG_OF_SEVEN = published(leaves(7))


def test_a_proof_with_another_logs_key_is_not_verified() -> None:
    report = verify_proof(prove(LOG, event(7).id), Key("another").vkey())
    assert kinds(report) == {Kind.SIGNATURE} and not report.verified


@pytest.mark.parametrize("text", ["", "c2sp.org/tlog-proof@v1\nindex 0\n\n", b"\xff", "a\n\nb"])
def test_what_is_no_proof_is_refused(text: str | bytes) -> None:
    with pytest.raises(BadProof):
        verify_proof(text, VKEY)


def test_a_log_whose_key_is_no_text_proves_nothing() -> None:
    with pytest.raises(BadLogKey):
        prove(Files(LOG | {"vkey": b"\xff\xfe"}), "session-1/transcribed")


def test_an_unknown_event_and_a_broken_log_prove_nothing() -> None:
    with pytest.raises(EventUnknown):
        prove(LOG, "session-999/transcribed")
    with pytest.raises(EventUnknown):
        prove(LOG, "session-1")
    with pytest.raises(LedgerBroken):
        prove(Files({k: v for k, v in LOG.items() if k != LAST}), event(1).id)
    changed = Files(LOG)
    rewritten(LAST, lambda e: [*e[:-1], event(999).leaf()])(changed)
    with pytest.raises(LedgerBroken):
        prove(changed, event(1).id)
    with pytest.raises(BadLogKey):
        prove(Files({k: v for k, v in LOG.items() if k != "vkey"}), event(1).id)
