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
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from countersign.audit.checkpoint import Checkpoint, LogKey, sign
from countersign.audit.event import Event
from countersign.audit.merkle import Tree, leaf_hash, verify_inclusion
from countersign.audit.sweep import Spread
from countersign.audit.tiles import WIDTH, Edge, Tile, encode_bundle
from countersign.audit.verify import verify_directory
from countersign.errors import LedgerBroken, Refusal
from countersign.redaction import read_roster
from lambdas.adapters.signer import FileSigner
from local.bench_speech import SAMPLE, speech
from local.ledger_files import DirectoryReader, in_processes
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
    entries: Annotated[int, typer.Option(min=1, help="Entries of the log.")] = 1_000_000,
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

_HASHING = "hashlib over the same leaves"


def ledger(entries: int) -> Iterator[Row]:
    """Offline verification beside the hashing that it cannot do without, and inclusion proofs
    beside another implementation's."""
    leaves = list(_leaves(entries))
    hashing = best(lambda: [sha256(b"\x00" + leaf).digest() for leaf in leaves])
    name = f"ledger of {entries:,}"
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        vkey = _publish(leaves, directory)

        def verify(events: bool, spread: Spread) -> None:
            reader = DirectoryReader(directory)
            found = verify_directory(reader, vkey, events=events, spread=spread)
            if not found.verified or found.size != entries:
                raise LedgerBroken("the log that was just written does not verify")

        for what, events in (
            ("verify tree, tiles and checkpoint", False),
            ("verify those and every event", True),
        ):
            for how, spread in (("", in_processes), (", one process", map)):
                took = best(partial(verify, events, spread))
                yield Row(
                    f"{name}: {what}{how}", entries / took, "entries/s", entries / hashing, _HASHING
                )
    yield from _proofs(name, leaves)


def _proofs(name: str, leaves: Sequence[bytes]) -> Iterator[Row]:
    """Inclusion proofs of the same entries, each verified by the library that made it."""
    from pymerkle import InmemoryTree
    from pymerkle import verify_inclusion as theirs

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

    took = best(verify)
    row = f"{name}: verify inclusion"
    yield Row(row, _PROOFS / took, "proofs/s", _PROOFS / best(nodes), "hashlib over as many nodes")
    other = InmemoryTree.init_from_entries(leaves, algorithm="sha256")
    state = other.get_root()
    if state != root:
        raise LedgerBroken("another implementation has another root over the same leaves")
    given = [(n + 1, other.get_leaf(n + 1), other.prove_inclusion(n + 1)) for n in chosen]

    def verify_theirs() -> None:
        for number, leaf, proof in given:
            theirs(leaf, state, proof, index=number, size=size)

    yield Row(row, _PROOFS / took, "proofs/s", _PROOFS / best(verify_theirs), "pymerkle 7")


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
