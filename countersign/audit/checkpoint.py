"""Decides what a log signs and how that is checked: C2SP signed notes and checkpoints."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from countersign.audit.merkle import HASH_SIZE
from countersign.errors import BadCheckpoint, BadLogKey, CheckpointUnsigned

ED25519 = b"\x01"
"""The signature type of a log's own key (C2SP signed-note, "Signature types")."""

COSIGNATURE = b"\x04"
"""The signature type of a witness's key (C2SP tlog-cosignature, "Format")."""

LARGEST_NOTE = 65_536
MOST_SIGNATURES = 64
"""Limits against absurd input; C2SP asks for at least 16 signatures of up to 5 kB."""

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_DASH = "\u2014 "


class KeyHolder(Protocol):
    """The two things that are asked of a log's key: `countersign.ports.Signer` fits."""

    def sign(self, message: bytes) -> bytes: ...
    def public_key(self) -> bytes: ...


def _decoded(text: str) -> bytes | None:
    """Standard base64 in its one canonical spelling, or None: no stray bits, no other alphabet."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def _is_name(text: str) -> bool:
    """Whether C2SP signed-note allows it as a key's name."""
    return bool(text) and "+" not in text and not any(c.isspace() or c < " " for c in text)


@dataclass(frozen=True)
class LogKey:
    """A log's Ed25519 public key under its name; `str(key)` is the vkey line."""

    name: str
    public: bytes
    kind: ClassVar[bytes] = ED25519

    def __post_init__(self) -> None:
        if not _is_name(self.name) or len(self.public) != 32:
            raise BadLogKey("a log's key needs a name without spaces or plus, and 32 bytes")

    @property
    def id(self) -> bytes:
        """SHA-256(name || newline || type || key)[:4] (C2SP signed-note, "Signatures")."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    def __str__(self) -> str:
        encoded = base64.b64encode(self.kind + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key of a vkey line, with or without its newline; raises `BadLogKey`."""
        line = text.removesuffix("\n")
        parts = line.split("+", 2)
        raw = _decoded(parts[2]) if len(parts) == 3 else None
        if raw is None:
            raise BadLogKey("not a verifier key: name+id+base64 expected")
        if raw[:1] != cls.kind:
            raise BadLogKey(f"the key is of another type than 0x{cls.kind.hex()}")
        key = cls(parts[0], raw[1:])
        if str(key) != line:
            raise BadLogKey("the key's id does not belong to its name and bytes")
        return key

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature over the message is this key's (RFC 8032)."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class WitnessKey(LogKey):
    """The Ed25519 key of a witness: somebody elsewhere who cosigns only what extends what they
    cosigned before (C2SP tlog-cosignature, "cosignature/v1")."""

    kind = COSIGNATURE

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether the 8 bytes of time and the 64 of signature are this witness's over the note."""
        at, own = signature[:8], signature[8:]
        return super().verify(cosigned(message, int.from_bytes(at, "big")), own)


def cosigned(text: bytes, at: int) -> bytes:
    """What a witness signs: that it saw the note's text at `at`, in seconds since 1970 UTC."""
    return b"cosignature/v1\ntime %d\n" % at + text


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: whose, which key of theirs (4 bytes), and the signature's bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True)
class SignedNote:
    """A text, which ends in a newline, and the signatures under it."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    @classmethod
    def parse(cls, raw: str | bytes) -> SignedNote:
        """The note; raises `BadCheckpoint` for anything that C2SP signed-note does not allow."""
        if len(raw) > LARGEST_NOTE:
            raise BadCheckpoint(f"the note is longer than {LARGEST_NOTE} bytes")
        try:
            note = raw.decode() if isinstance(raw, bytes) else raw
        except UnicodeDecodeError:
            raise BadCheckpoint("the note is not UTF-8") from None
        if any(c < " " and c != "\n" for c in note):
            raise BadCheckpoint("the note holds a control character")
        text, blank, lines = note.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise BadCheckpoint("the note has no signatures, or stops inside one")
        signatures = tuple(_signature(line) for line in lines[:-1].split("\n"))
        if len(signatures) > MOST_SIGNATURES:
            raise BadCheckpoint(f"the note has more than {MOST_SIGNATURES} signatures")
        return cls(text + "\n", signatures)

    def signed_by(self, key: LogKey) -> bool:
        """Whether `key` signed the text; a wrong signature under its name and id counts as none.

        Signatures of other keys are passed over.
        """
        own = [s for s in self.signatures if (s.name, s.key_id) == (key.name, key.id)]
        return bool(own) and all(key.verify(self.text.encode(), s.signature) for s in own)

    def seen_by(self, witness: WitnessKey) -> tuple[int, ...]:
        """When the witness cosigned the text, in seconds since 1970; empty if it did not, or if
        one of the cosignatures under its name and id is wrong."""
        if not self.signed_by(witness):
            return ()
        own = (s for s in self.signatures if (s.name, s.key_id) == (witness.name, witness.id))
        return tuple(sorted(int.from_bytes(s.signature[:8], "big") for s in own))


def _signature(line: str) -> NoteSignature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    raw = _decoded(encoded) if space else None
    if not line.startswith(_DASH) or not _is_name(name) or raw is None or len(raw) < 5:
        raise BadCheckpoint("a signature line is malformed")
    return NoteSignature(name, raw[:4], raw[4:])


@dataclass(frozen=True)
class Checkpoint:
    """What the log vouches for: under which name, how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The text that is signed (C2SP tlog-checkpoint, "Note text")."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{x}\n" for x in (self.origin, self.size, root, *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint of a note's text; raises `BadCheckpoint`."""
        lines = text.removesuffix("\n").split("\n")
        if not text.endswith("\n") or len(lines) < 3 or not all(lines):
            raise BadCheckpoint("a checkpoint has at least three lines, none of them empty")
        root = _decoded(lines[2])
        if _SIZE.fullmatch(lines[1]) is None or root is None or len(root) != HASH_SIZE:
            raise BadCheckpoint("the checkpoint's size or root is malformed")
        return cls(lines[0], int(lines[1]), root, tuple(lines[3:]))


def sign(checkpoint: Checkpoint, holder: KeyHolder) -> str:
    """The signed note of a checkpoint; the key's name is the origin, as C2SP advises.

    Raises `CheckpointUnsigned` when what the holder returned is no signature by its own key.
    """
    key = LogKey(checkpoint.origin, holder.public_key())
    text = checkpoint.text()
    note = SignedNote(text, (NoteSignature(key.name, key.id, holder.sign(text.encode())),))
    if not note.signed_by(key):
        raise CheckpointUnsigned("the signer's answer does not verify under its own key")
    return str(note)


def open_checkpoint(raw: str | bytes, key: LogKey) -> Checkpoint:
    """The checkpoint in a note that `key` signed under its own name.

    Raises `BadCheckpoint` when malformed or of another origin, `CheckpointUnsigned` when not
    signed by the key.
    """
    note = SignedNote.parse(raw)
    checkpoint = Checkpoint.parse(note.text)
    if not note.signed_by(key):
        raise CheckpointUnsigned(f"no valid signature by {key.name}+{key.id.hex()}")
    if checkpoint.origin != key.name:
        raise BadCheckpoint("the checkpoint's origin is not the name of the key that signed it")
    return checkpoint
