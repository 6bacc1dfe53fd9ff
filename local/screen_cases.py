"""Decides how often the intake screen calls a human, kind by kind, on sentences written for it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from countersign.errors import NotJson
from countersign.intake import screen
from countersign.intake.terms import Terms
from countersign.transcript import decode_utf8
from local.scores import Row

FOLDER = Path(__file__).parent / "screening"
HELD_OUT = "held_out"


class CaseKind(StrEnum):
    """What a sentence is, and so whether a human must see it."""

    FIRST_PERSON = "first-person"
    WIDER = "wider"
    SPANISH = "spanish"
    FIGURE = "figure"
    REMOTE = "remote"
    EVERYDAY = "everyday"
    URGENT = "urgent"


BARS = {
    CaseKind.FIRST_PERSON: "own words of dying, plans, self-harm, attempts (at least .95)",
    CaseKind.WIDER: "what a triage nurse would want to see (at least .85)",
    CaseKind.SPANISH: "the same in Spanish (at least .85)",
    CaseKind.FIGURE: "figures of speech (at most .10)",
    CaseKind.REMOTE: "denials, media, work and remote history (at most .30)",
    CaseKind.EVERYDAY: "everyday and administrative (at most .005)",
    CaseKind.URGENT: "urgent, or more",
}


@dataclass(frozen=True)
class Case:
    """One sentence of a set."""

    kind: CaseKind
    text: str


def read_cases(path: Path) -> list[Case]:
    """The sentences of a file: `## kind`, then one a line; a line that begins with `# ` is a note.

    Raises `NotJson` for a kind that is not known or a sentence before the first kind.
    """
    cases: list[Case] = []
    kind: CaseKind | None = None
    for number, line in enumerate(decode_utf8(path.read_bytes()).splitlines(), 1):
        text = line.strip()
        if text.startswith("## "):
            try:
                kind = CaseKind(text[3:])
            except ValueError:
                raise NotJson(f"{path.name}, line {number}: no such kind") from None
        elif text and not text.startswith("# "):
            if kind is None:
                raise NotJson(f"{path.name}, line {number}: a sentence before its kind")
            cases.append(Case(kind, text))
    return cases


def alerting(texts: Iterable[str], terms: Terms) -> list[str]:
    """The texts that call a human at once."""
    return [text for text in texts if screen(text, terms).crisis]


def rows(terms: Terms, spoken: Sequence[str] = (), folder: Path = FOLDER) -> Iterator[Row]:
    """Per set and kind the share that calls a human; then that of people's own sentences, and
    sentences per second on one core.

    `spoken` are sentences of patients about other things, from the evaluation data.
    """
    every: list[str] = []
    for path in sorted(folder.glob("*.txt")):
        cases = read_cases(path)
        every += [case.text for case in cases]
        for kind in CaseKind:
            texts = [case.text for case in cases if case.kind is kind]
            if not texts:
                continue
            found = (
                sum(screen(text, terms).urgent or screen(text, terms).crisis for text in texts)
                if kind is CaseKind.URGENT
                else len(alerting(texts, terms))
            )
            high = kind in (
                CaseKind.FIRST_PERSON, CaseKind.WIDER, CaseKind.SPANISH, CaseKind.URGENT
            )  # fmt: skip
            name = f"screen, {path.stem.replace('_', ' ')}, {BARS[kind]}"
            yield Row(name, found / len(texts), f"share of {len(texts)}", lower_is_better=not high)
    if spoken:
        share = len(alerting(spoken, terms)) / len(spoken)
        yield Row(
            "screen, alerts on patients' sentences of medical dialogues",
            share,
            f"share of {len(spoken)}",
            lower_is_better=True,
        )
    texts = list(spoken) or every
    began = time.process_time()
    for text in texts:
        screen(text, terms)
    took = time.process_time() - began
    yield Row("screen, sentences on one core", len(texts) / max(took, 1e-9), "per second")
