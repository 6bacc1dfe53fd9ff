"""C2SP signed notes and checkpoints: one spelling, the right key, cosignatures passed over."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.audit.checkpoint import (
    Checkpoint,
    LogKey,
    NoteSignature,
    SignedNote,
    open_checkpoint,
    sign,
)
from countersign.errors import BadCheckpoint, BadLogKey, CheckpointUnsigned
from tests.audit_logs import ORIGIN, Key

KEY = LogKey(ORIGIN, Key().public_key())
ROOT = bytes(range(32))
NOTE = sign(Checkpoint(ORIGIN, 7, ROOT), Key())


def test_a_signed_checkpoint_is_the_note_that_others_read() -> None:
    lines = NOTE.split("\n")
    assert lines[:4] == [ORIGIN, "7", base64.b64encode(ROOT).decode(), ""]
    assert lines[4].startswith(f"\u2014 {ORIGIN} ")
    assert base64.b64decode(lines[4].split()[-1])[:4] == KEY.id
    assert open_checkpoint(NOTE, KEY) == Checkpoint(ORIGIN, 7, ROOT)
    assert open_checkpoint(NOTE.encode(), KEY).text() == "\n".join(lines[:3]) + "\n"
    assert str(SignedNote.parse(NOTE)) == NOTE


def test_a_key_is_one_line_with_its_own_id() -> None:
    assert LogKey.parse(f"{KEY}\n") == LogKey.parse(str(KEY)) == KEY
    name, key_id, encoded = str(KEY).split("+", 2)
    assert (name, len(key_id)) == (ORIGIN, 8)
    assert base64.b64decode(encoded) == b"\x01" + Key().public_key()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name",
        str(KEY).replace(ORIGIN, "another.example/log"),
        str(KEY).replace(KEY.id.hex(), KEY.id.hex().upper() + "0"),
        str(KEY)[:-1],
        str(KEY) + "\n\n",
        f"{ORIGIN}+00000000+{base64.b64encode(bytes([4]) + bytes(32)).decode()}",
        f"{ORIGIN}+00000000+{base64.b64encode(bytes([1]) + bytes(31)).decode()}",
        "a b+" + str(KEY).split("+", 1)[1],
    ],
)
def test_a_broken_key_line_is_refused(line: str) -> None:
    with pytest.raises(BadLogKey):
        LogKey.parse(line)


def test_a_witness_may_sign_below() -> None:
    witness = NoteSignature("witness.example/w", b"\0\0\0\1", bytes(72))
    assert open_checkpoint(NOTE + str(witness), KEY).size == 7


def test_a_name_alone_and_an_id_alone_are_other_keys() -> None:
    text = Checkpoint(ORIGIN, 7, ROOT).text()
    signature = Key().sign(text.encode())
    for other in (
        NoteSignature(ORIGIN, b"\0\0\0\0", signature),
        NoteSignature("clinic.example/other", KEY.id, signature),
    ):
        with pytest.raises(CheckpointUnsigned):
            open_checkpoint(str(SignedNote(text, (other,))), KEY)
        assert open_checkpoint(NOTE + str(other), KEY).size == 7


def test_a_wrong_signature_under_the_keys_own_name_and_id_spoils_the_note() -> None:
    forged = NoteSignature(ORIGIN, KEY.id, Key("attacker").sign(b"anything"))
    with pytest.raises(CheckpointUnsigned):
        open_checkpoint(NOTE + str(forged), KEY)


def test_the_origin_must_be_the_keys_name() -> None:
    text = Checkpoint("clinic.example/other", 7, ROOT).text()
    note = SignedNote(text, (NoteSignature(ORIGIN, KEY.id, Key().sign(text.encode())),))
    with pytest.raises(BadCheckpoint, match="origin"):
        open_checkpoint(str(note), KEY)


def test_a_signer_that_answers_with_another_key_is_found_out() -> None:
    class Wrong(Key):
        def sign(self, message: bytes) -> bytes:
            return Key("another").sign(message)

    with pytest.raises(CheckpointUnsigned):
        sign(Checkpoint(ORIGIN, 7, ROOT), Wrong())


def test_extension_lines_are_signed_with_the_rest() -> None:
    extended = Checkpoint(ORIGIN, 7, ROOT, ("an extension",))
    assert open_checkpoint(sign(extended, Key()), KEY) == extended
    with pytest.raises(CheckpointUnsigned):
        open_checkpoint(NOTE.replace("\n\n", "\nan extension\n\n"), KEY)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        NOTE[:-1],
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("\u2014", "-"),
        NOTE.replace("\n7\n", "\n07\n"),
        NOTE.replace("\n7\n", "\n-7\n"),
        NOTE.replace("\n7\n", "\n\u0667\n"),
        NOTE.replace("\n7\n", "\n7\r\n"),
        NOTE.replace("\n7\n", "\n\n"),
        NOTE.replace(base64.b64encode(ROOT).decode(), "AAAA"),
        NOTE + "\n",
        NOTE + f"\u2014 {ORIGIN} AAAA\n",
        NOTE + "\u2014  AAAAAAAA\n",
        NOTE + f"\u2014 {ORIGIN} AAAAAAAAA\n" * 65,
        NOTE + f"\u2014 w {'A' * 70_000}\n",
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(BadCheckpoint):
        open_checkpoint(note, KEY)


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    with pytest.raises(BadCheckpoint, match="UTF-8"):
        open_checkpoint(NOTE.encode().replace(b"\xe2", b"\xff"), KEY)


@settings(deadline=None)
@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(1, 255))
def test_no_byte_of_a_checkpoint_can_change(place: int, change: int) -> None:
    changed = bytearray(NOTE.encode())
    changed[place] ^= change
    with pytest.raises(BadCheckpoint):
        open_checkpoint(bytes(changed), KEY)


@settings(deadline=None)
@given(st.integers(0, len(str(KEY)) - 1), st.integers(1, 127))
def test_no_byte_of_a_key_line_can_change(place: int, change: int) -> None:
    changed = bytearray(str(KEY).encode())
    changed[place] ^= change
    with pytest.raises(BadLogKey):
        LogKey.parse(changed.decode())
