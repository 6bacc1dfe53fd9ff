"""A published log as files in a directory: what is exported, carried away and verified."""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from stat import S_ISREG

from countersign.audit.checkpoint import Checkpoint, SignedNote
from countersign.audit.sweep import Swept
from countersign.audit.tiles import WIDTH, Reader, parse_path
from countersign.audit.verify import HISTORY
from countersign.errors import BadCheckpoint, CannotWrite, FileMissing, LedgerBroken

_OUR_OWN_TROUBLE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
"""What says nothing about the file."""


class DirectoryReader:
    """`countersign.audit.tiles.Reader` over a directory; raises `FileMissing` if it is none."""

    def __init__(self, directory: str | Path) -> None:
        self._root = str(directory)
        if not os.path.isdir(self._root):
            raise FileMissing(f"{directory} is not a directory")

    def read(self, path: str) -> bytes | None:
        """The file's bytes; None when there is none, or none that can be read.

        What cannot be read cannot be verified: it counts as missing, wherever it is due.
        """
        try:
            # A pipe that somebody laid there must not keep us waiting for its writer.
            file = os.open(f"{self._root}/{path}", os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in _OUR_OWN_TROUBLE:
                raise
            return None
        try:
            status = os.fstat(file)
            return _all_of(file, status.st_size) if S_ISREG(status.st_mode) else None
        except OSError as error:
            if error.errno in _OUR_OWN_TROUBLE:
                raise
            return None
        finally:
            os.close(file)

    def list(self) -> Iterator[str]:
        """Every file's path, relative and with slashes."""
        for folder, _, files in os.walk(self._root):
            here = Path(folder).relative_to(self._root).as_posix()
            yield from files if here == "." else (f"{here}/{file}" for file in files)


def _all_of(file: int, size: int) -> bytes:
    content = os.read(file, size)
    while len(content) < size:
        more = os.read(file, size - len(content))
        if not more:
            break
        content += more
    return content


_FEW = 4


def in_processes(
    work: Callable[[range], Swept | None], spans: Sequence[range]
) -> Iterator[Swept | None]:
    """`countersign.audit.sweep.Spread`: one process for each core, if it is worth their start.

    Forked, because such processes hash alike; where that is not to be had, in this process.
    """
    cores = os.cpu_count() or 1
    if len(spans) < _FEW or cores < 2 or "fork" not in get_all_start_methods():
        yield from map(work, spans)
        return
    # What they make has no cycles: looking for them would be a fifteenth of the work.
    with ProcessPoolExecutor(min(cores, len(spans)), get_context("fork"), gc.disable) as pool:
        yield from pool.map(work, spans)


def open_log(source: str) -> Reader:
    """The published log in a directory, or in a bucket given as `s3://NAME`.

    A bucket is read with the credentials and the region that boto3 finds. Raises `FileMissing`
    for what is no directory.
    """
    if not source.startswith("s3://"):
        return DirectoryReader(source)
    import boto3

    from lambdas.adapters.ledger import S3Log

    return S3Log(boto3.client("s3"), source.removeprefix("s3://").rstrip("/"))


def export(source: Reader, directory: str | Path) -> int:
    """Copies a published log into a directory, checkpoint last; the number of files written.

    Tiles that lie beyond the checkpoint, because publishing goes on meanwhile, stay behind; files
    that are there already with the same bytes are left alone, so that an export can be brought up
    to date. Raises `BadCheckpoint` when the source shows none, `FileMissing` for a file that
    vanished, `CannotWrite` for a place that cannot be written, and `LedgerBroken` for a file that
    was exported before with other bytes: what is exported once is evidence, and stays.
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
            wanted = path == "vkey" or HISTORY.fullmatch(path) is not None
        if wanted:
            content = source.read(path)
            if content is None:
                raise FileMissing(f"{path} was listed and is gone")
            written += _written(root, path, content)
    if (root / "checkpoint").is_file() and (root / "checkpoint").read_bytes() == checkpoint:
        return written
    return written + _written(root, "checkpoint", checkpoint)


def _written(root: Path, path: str, content: bytes) -> bool:
    try:
        if path != "checkpoint":
            return _keep(root / path, content)
        root.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    except OSError as error:
        raise CannotWrite(f"{root / path} cannot be written: {error.strerror}") from error
    return True


def _keep(file: Path, content: bytes) -> bool:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(file, "xb") as new:
            new.write(content)
    except FileExistsError:
        if file.read_bytes() != content:
            raise LedgerBroken(f"{file} was exported before with other content") from None
        return False
    return True
