"""Decides how fast and how right each room is beside a baseline, measured in one run."""

from __future__ import annotations

import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countersign.audit.checkpoint import Checkpoint, LogKey, sign
from countersign.audit.event import Event
from countersign.audit.merkle import Tree, leaf_hash, verify_inclusion
from countersign.audit.tiles import WIDTH, Edge, Tile, encode_bundle
from countersign.audit.verify import verify_directory
from countersign.errors import LedgerBroken, Refusal
from countersign.redaction import read_roster
from lambdas.adapters.signer import FileSigner
from local.bench_speech import SAMPLE, speech
from local.ledger_files import DirectoryReader
from local.recordings import read_reference
from local.scores import Row, circumstances, rows_as_table
from local.scores import write as write_rows

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"

_ORIGIN = "bench.example/main"
# The sample lasts three minutes; so often repeated it is about as long as an hour's session.
_REPEATS = 20
_PROOFS = 2_000
_TIMES = 3

prose = Console(stderr=True)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Room(StrEnum):
    """What can be measured."""

    SPEECH = "speech"
    REDACTION = "redaction"
    LEDGER = "ledger"


@app.command()
def bench(
    rooms: Annotated[list[Room] | None, typer.Argument(help="Default: every room.")] = None,
    model: Annotated[str, typer.Option(help="base, tiny, or a model's folder.")] = "base",
    long: Annotated[bool, typer.Option("--long", help="Half an hour of speech too.")] = False,
    entries: Annotated[int, typer.Option(min=1, help="Entries of the log.")] = 20_000,
    out: Annotated[Path, typer.Option(help="The same rows as JSON.")] = BUILD / "bench.json",
) -> None:
    """Print a Markdown table of what is measured on this machine; a ratio above 1 is better."""
    measures: dict[Room, Callable[[], Iterable[Row]]] = {
        Room.SPEECH: lambda: speech(model, long),
        Room.REDACTION: redaction,
        Room.LEDGER: lambda: ledger(entries),
    }
    report([(room.value, measures[room]) for room in rooms or Room], out)


def report(parts: Sequence[tuple[str, Callable[[], Iterable[Row]]]], out: Path) -> list[Row]:
    """Runs the parts one after the other, prints their rows and writes them to `out`.

    A part that refuses, because a model or a file is missing, says so below the table; the rows
    that it had by then stay.
    """
    sys.stdout.write(f"{circumstances()}\n\n")
    rows: list[Row] = []
    skipped: list[str] = []
    for name, measure in parts:
        before = len(rows)
        try:
            with prose.status(f"Measuring {name}") as status:
                for row in measure():
                    rows.append(row)
                    # A run of minutes that is broken off keeps what it has.
                    write_rows(rows, out)
                    status.update(f"Measured {row.name}")
        except Refusal as refusal:
            how = "not measured" if len(rows) == before else "measured in part"
            skipped.append(f"{name}: {how}. {refusal.message} ({refusal.code})")
    sys.stdout.write(rows_as_table(rows) + "\n" if rows else "nothing was measured\n")
    for line in skipped:
        sys.stdout.write(f"\n{line}\n")
    write_rows(rows, out)
    return rows


def best(work: Callable[[], object], times: int = _TIMES) -> float:
    """The shortest of several runs, seconds: what the machine's other work disturbed least."""
    return min(_timed(work) for _ in range(times))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# Redaction ----------------------------------------------------------------------------------

PATTERNS_NAME = "seven regular expressions"
_PATTERNS = re.compile(
    r"\b\d{3}-\d{2}-\d{4}\b"
    r"|\b(?:\+?1[ .-]?)?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}\b"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\bhttps?://\S+"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|\b\d{1,2}[/-]\d{1,2}[/-]\d{2,4}\b"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* \d{1,2}(?:st|nd|rd|th)?"
    r"(?:,? \d{4})?\b",
    re.IGNORECASE,
)


def patterns(text: str) -> list[tuple[int, int, str]]:
    """What the baseline marks: social security and telephone numbers, e-mail, web and IP addresses
    and dates, in their written forms; it knows neither names nor spoken numbers."""
    return [(*found.span(), "PATTERN") for found in _PATTERNS.finditer(text)]


def redaction() -> list[Row]:
    """Words a second over an hour's session made of the sample, and the time to load the engine."""
    from lambdas import engines

    loading = _timed(engines.redaction)
    engine = engines.redaction()
    texts = [text for _, text in read_reference(SAMPLE / "reference.json")] * _REPEATS
    roster = read_roster((SAMPLE / "roster.json").read_bytes())
    words = sum(len(text.split()) for text in texts)
    ours = best(lambda: engine.redact(texts, roster))
    bare = best(lambda: [patterns(text) for text in texts])
    return [
        Row("redaction: with a roster", words / ours, "words/s", words / bare, PATTERNS_NAME),
        Row("redaction: an hour's session", ours, "s", lower_is_better=True),
        Row("redaction: loading the engine", loading, "s", lower_is_better=True),
    ]


# The ledger ---------------------------------------------------------------------------------


def ledger(entries: int) -> list[Row]:
    """Offline verification and inclusion proofs, beside the hashing that neither can do without."""
    leaves = list(_leaves(entries))
    hashing = best(lambda: [sha256(b"\x00" + leaf).digest() for leaf in leaves])
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        vkey = _publish(leaves, directory)

        def verify(events: bool) -> None:
            found = verify_directory(DirectoryReader(directory), vkey, events=events)
            if not found.verified or found.size != entries:
                raise LedgerBroken("the log that was just written does not verify")

        whole = best(lambda: verify(True))
        tree = best(lambda: verify(False))
    raw = "hashlib over the same leaves"
    name = f"ledger of {entries:,}"
    return [
        Row(f"{name}: verify tree, tiles and checkpoint", entries / tree, "entries/s",
            entries / hashing, raw),
        Row(f"{name}: verify those and every event", entries / whole, "entries/s",
            entries / hashing, raw),
        _proofs(name, leaves),
    ]  # fmt: skip


def _proofs(name: str, leaves: Sequence[bytes]) -> Row:
    tree = Tree(map(leaf_hash, leaves))
    root, size = tree.root(), len(leaves)
    chosen = random.Random(0).choices(range(size), k=_PROOFS)  # noqa: S311  (a sample)
    proofs = [(leaf_hash(leaves[n]), n, tree.inclusion_proof(n)) for n in chosen]

    def verify() -> None:
        if not all(verify_inclusion(leaf, n, size, path, root) for leaf, n, path in proofs):
            raise LedgerBroken("a proof that was just made does not hold")

    def nodes() -> None:
        for leaf, _, path in proofs:
            for step in path:
                sha256(b"\x01" + leaf + step).digest()

    return Row(
        f"{name}: verify inclusion",
        _PROOFS / best(verify),
        "proofs/s",
        _PROOFS / best(nodes),
        "hashlib over as many nodes",
    )


def _leaves(count: int) -> Iterator[bytes]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        session = f"session-{number // 8:06d}"
        yield Event(
            id=f"{session}/act-{number % 8}",
            at=start + timedelta(seconds=number),
            site=_ORIGIN.rsplit("/", 1)[-1],
            actor="countersign",
            role="system",
            act="transcribed",
            subject=session,
            run=f"run-{number // 8:06d}",
            hashes={"transcript": sha256(number.to_bytes(8, "big")).hexdigest()},
            counts={"turns": number % 200},
        ).leaf()


def _publish(leaves: Sequence[bytes], directory: Path) -> str:
    """Writes the log as C2SP tlog-tiles, signed by a key made for it; returns the key's line."""
    signer = FileSigner.create(directory / "signer.pem")
    (directory / "signer.pem").unlink()
    edge, tiles = Edge().grow([leaf_hash(leaf) for leaf in leaves])
    files = {tile.path: content for tile, content in tiles.items()}
    for start in range(0, len(leaves), WIDTH):
        some = leaves[start : start + WIDTH]
        files[Tile(-1, start // WIDTH, len(some)).path] = encode_bundle(some)
    files["checkpoint"] = sign(Checkpoint(_ORIGIN, edge.size, edge.root()), signer).encode()
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    return str(LogKey(_ORIGIN, signer.public_key()))


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    app()
