"""A published log as files in a directory: what is exported, carried away and verified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from countersign.audit.checkpoint import Checkpoint, SignedNote
from countersign.audit.tiles import WIDTH, Reader, parse_path
from countersign.errors import BadCheckpoint, FileMissing


class DirectoryReader:
    """`countersign.audit.tiles.Reader` over a directory; raises `FileMissing` if it is none."""

    def __init__(self, directory: str | Path) -> None:
        self._root = Path(directory)
        if not self._root.is_dir():
            raise FileMissing(f"{directory} is not a directory")

    def read(self, path: str) -> bytes | None:
        """The file's bytes, or None when there is no such file."""
        file = self._root / path
        return file.read_bytes() if file.is_file() else None

    def list(self) -> Iterator[str]:
        """Every file's path, relative and with slashes."""
        for file in self._root.rglob("*"):
            if file.is_file():
                yield file.relative_to(self._root).as_posix()


def export(source: Reader, directory: str | Path) -> int:
    """Copies a published log into a directory, checkpoint last; the number of files written.

    Tiles that lie beyond the checkpoint, because publishing goes on meanwhile, stay behind; files
    that are there already with the same bytes are left alone, so that an export can be brought up
    to date. Raises `BadCheckpoint` when the source shows none, and `FileMissing` for a file that
    vanished.
    """
    root = Path(directory)
    checkpoint = source.read("checkpoint")
    if checkpoint is None:
        raise BadCheckpoint("nothing is published yet: there is no checkpoint")
    size = Checkpoint.parse(SignedNote.parse(checkpoint).text).size
    written = 0
    for path in sorted(source.list()):
        tile = parse_path(path)
        if tile is not None:
            held = (size >> 8 * max(tile.level, 0)) - tile.index * WIDTH
            wanted = tile.width <= held
        else:
            wanted = path == "vkey" or path.startswith("checkpoint.")
        if wanted:
            content = source.read(path)
            if content is None:
                raise FileMissing(f"{path} was listed and is gone")
            written += _write(root / path, content)
    return written + _write(root / "checkpoint", checkpoint)


def _write(file: Path, content: bytes) -> bool:
    if file.is_file() and file.read_bytes() == content:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return True
