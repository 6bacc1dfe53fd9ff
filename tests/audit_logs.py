"""Small logs as dictionaries of files, made entry by entry, to be verified and tampered with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from countersign.audit.checkpoint import Checkpoint, LogKey, sign
from countersign.audit.event import Event
from countersign.audit.merkle import leaf_hash
from countersign.audit.tiles import WIDTH, Edge, Tile, encode_bundle

START = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
ORIGIN = "clinic.example/main"


class Key:
    """`ports.Signer` with a key that a word determines."""

    def __init__(self, word: str = "log") -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(sha256(word.encode()).digest())

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def vkey(self, origin: str = ORIGIN) -> str:
        return str(LogKey(origin, self.public_key()))


class Files(dict[str, bytes]):
    """`countersign.audit.tiles.Reader` over a dictionary of paths."""

    def read(self, path: str) -> bytes | None:
        return self.get(path)

    def list(self) -> Iterator[str]:
        return iter(tuple(self))


def event(number: int, **changes: object) -> Event:
    given: dict[str, object] = {
        "id": f"session-{number}/transcribed",
        "at": START + timedelta(seconds=number),
        "site": "main",
        "actor": "function:transcribe",
        "role": "system",
        "act": "transcribed",
        "subject": f"session-{number}",
        "counts": {"turns": number},
    }
    return Event.model_validate({**given, **changes})


def leaves(count: int) -> list[bytes]:
    return [event(number).leaf() for number in range(count)]


def published(
    entries: Sequence[bytes],
    sizes: Iterable[int] = (),
    key: Key | None = None,
    origin: str = ORIGIN,
) -> Files:
    """The files of a log that was published at each of `sizes` and at its end."""
    key = key or Key()
    files, edge = Files(vkey=f"{key.vkey(origin)}\n".encode()), Edge()
    for size in sorted({*sizes, len(entries)}):
        fresh = [leaf_hash(entry) for entry in entries[edge.size : size]]
        for bundle in range(edge.size // WIDTH, -(-size // WIDTH)):
            some = entries[bundle * WIDTH : min(size, (bundle + 1) * WIDTH)]
            files[Tile(-1, bundle, len(some)).path] = encode_bundle(some)
        edge, tiles = edge.grow(fresh)
        files.update({tile.path: content for tile, content in tiles.items()})
        note = sign(Checkpoint(origin, size, edge.root()), key).encode()
        files["checkpoint"] = files[f"checkpoint.{size}"] = note
    return files
