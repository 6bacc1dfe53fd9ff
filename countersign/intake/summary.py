"""Decides which of the patient's own words stand in the summary of a form."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from countersign.grounding import Lexicons, check
from countersign.intake.form import Answer
from countersign.intake.screening import screen
from countersign.intake.terms import Terms
from countersign.note import EvidenceSpan, Note, Origin, Section, Sentence, Severity
from countersign.transcript import Role, Transcript, Turn

WORDS = 120
"""The most words of a summary; the limit is the group's own."""

_LONGEST = 30  # words of one clause; a longer sentence is cut at a word and marked
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_FRAME = "In the patient's words:"
_SECTIONS = (
    ("reason", ("reason", "concern", "why", "brings", "problem", "motivo", "words")),
    ("history", ("history", "past", "previous", "antecedentes", "historia")),
    ("medications", ("medic", "drug", "medicamentos")),
    ("goals", ("goal", "hope", "metas", "want")),
)


class Clause(BaseModel):
    """A verbatim piece of one answer, `[start, end)` in its characters."""

    model_config = ConfigDict(frozen=True)
    answer: str
    start: int
    end: int
    text: str
    cut: bool = False


class Summary(BaseModel):
    """One paragraph; `left_out` counts the sentences that found no room."""

    model_config = ConfigDict(frozen=True)
    text: str
    clauses: tuple[Clause, ...]
    left_out: int

    def words(self) -> int:
        """The words of the paragraph, as white space parts them."""
        return len(self.text.split())


def summarize(answers: Iterable[Answer], terms: Terms, lexicons: Lexicons) -> Summary:
    """At most `WORDS` words of a form, every clause quoted and pointing at its answer.

    What a human must see comes first, then each answer's first sentence by section (reasons,
    history, medications, goals, the rest), then second sentences while there is room. Nothing is
    rephrased, so nothing is inferred; a clause that the guards of notes would stop is left out.
    """
    answers = tuple(answers)
    offered = [
        (0 if urgent else 1, depth, section, number, clause)
        for number, answer in enumerate(answers)
        for depth, (clause, urgent) in enumerate(_sentences(answer, terms))
        for section in (_section(answer.id),)
    ]
    kept: list[tuple[int, int, int, Clause]] = []
    room = WORDS - len(_FRAME.split())
    for _, depth, section, number, clause in sorted(offered, key=lambda one: one[:4]):
        size = len(clause.text.split())
        if size <= room:
            room -= size
            kept.append((section, number, depth, clause))
    chosen = [clause for *_, clause in sorted(kept, key=lambda one: one[:3])]
    chosen = _sound(chosen, answers, lexicons)
    if not chosen:
        return Summary(text="", clauses=(), left_out=len(offered))
    quoted = " ".join(f"“{clause.text}{'…' if clause.cut else ''}”" for clause in chosen)
    return Summary(
        text=f"{_FRAME} {quoted}", clauses=tuple(chosen), left_out=len(offered) - len(chosen)
    )


def _sentences(answer: Answer, terms: Terms) -> list[tuple[Clause, bool]]:
    found = []
    for match in _SENTENCE.finditer(answer.text):
        piece = match[0].strip()
        if not re.search(r"\w", piece):
            continue
        start = match.start() + match[0].index(piece)
        screening = screen(piece, terms)
        words = list(re.finditer(r"\S+", piece))
        cut = len(words) > _LONGEST
        if cut:
            low, high = _around(piece, words, screening.spans[0].start if screening.spans else 0)
            start, piece = start + low, piece[low:high]
        clause = Clause(answer=answer.id, start=start, end=start + len(piece), text=piece, cut=cut)
        found.append((clause, screening.crisis or screening.urgent))
    return found


def _around(piece: str, words: list[re.Match[str]], at: int) -> tuple[int, int]:
    """The characters of `_LONGEST` words of `piece` that hold the one at character `at`."""
    first = next((n for n, word in enumerate(words) if word.end() > at), 0)
    low = max(0, min(first - _LONGEST // 3, len(words) - _LONGEST))
    return words[low].start(), words[min(len(words), low + _LONGEST) - 1].end()


def _section(answer: str) -> int:
    name = answer.lower()
    for place, (_, hints) in enumerate(_SECTIONS):
        if any(hint in name for hint in hints):
            return place
    return len(_SECTIONS)


def _sound(clauses: list[Clause], answers: tuple[Answer, ...], lexicons: Lexicons) -> list[Clause]:
    """The clauses that the guards of notes do not stop."""
    spoken = [answer for answer in answers if answer.text.strip()]
    if not clauses:
        return []
    transcript = Transcript(
        turns=tuple(
            Turn(id=f"a{n}", role=Role.PATIENT, start=n, end=n + 1, text=answer.text)
            for n, answer in enumerate(spoken)
        )
    )
    places = {answer.id: f"a{n}" for n, answer in enumerate(spoken)}
    kept = []
    for clause in clauses:
        span = EvidenceSpan(turn=places[clause.answer], start=clause.start, end=clause.end)
        sentence = Sentence(
            id="s1",
            text=f"Patient: “{clause.text}”",
            origin=Origin.QUOTE,
            speaker_role=Role.PATIENT,
            evidence=(span,),
        )
        note = Note(template="intake", sections=(Section(name="Summary", sentences=(sentence,)),))
        if all(
            finding.severity is not Severity.BLOCK
            for finding in check(note, transcript, lexicons).findings
        ):
            kept.append(clause)
    return kept
