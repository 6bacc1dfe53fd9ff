"""Decides whether a note says only what was said, and how grave each departure is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from countersign.grounding import attribution, claims, facts, polarity
from countersign.grounding.lexicons import Lexicons
from countersign.grounding.line import Doubt, Reader, Reading
from countersign.grounding.reading import lines
from countersign.grounding.spoken import Session
from countersign.note import Check, Finding, Note, Severity
from countersign.transcript import Transcript

Guard = Callable[[Reading, Session], Iterator[Doubt]]

GUARDS: tuple[Guard, ...] = (
    facts.medications,
    facts.doses,
    facts.diagnoses,
    facts.numbers,
    facts.dates,
    claims.quotations,
    polarity.negations,
    attribution.speakers,
    claims.scope,
    claims.emotions,
)
_ORDER = {Severity.BLOCK: 0, Severity.REVIEW: 1, Severity.HIGHLIGHT: 2}


def check(note: Note | str, transcript: Transcript, lexicons: Lexicons) -> Check:
    """The departures of a note, ours or from elsewhere, from what was said.

    `span` of a finding is `[start, end)` in the note's text, which for a `Note` is its sentences
    joined by one space. Placeholders and sentences that a clinician wrote are not checked. Where
    two findings share characters the graver one stays, then the narrower.
    """
    session = Session(transcript, lexicons)
    reader = Reader(session)
    findings: list[Finding] = []
    for line in lines(note):
        if line.exempt:
            continue
        reading = reader.read(line)
        doubts = [doubt for guard in GUARDS for doubt in guard(reading, session)]
        for doubt in _apart([d for d in doubts if not _spoken(d, reading)]):
            findings.append(
                Finding.model_validate(
                    {
                        "sentence": line.text,
                        "kind": doubt.kind,
                        "severity": doubt.severity,
                        "span": (line.start + doubt.start, line.start + doubt.end),
                        "why": doubt.why,
                    }
                )
            )
    severities = {finding.severity for finding in findings}
    if Severity.BLOCK in severities:
        return Check(findings=tuple(findings), verdict="block")
    return Check(
        findings=tuple(findings), verdict="review" if Severity.REVIEW in severities else "pass"
    )


def _spoken(doubt: Doubt, reading: Reading) -> bool:
    """Whether the doubt is about words inside a quotation that stands so in the session."""
    if doubt.kind in {"quote", "speaker"}:
        return False
    return any(
        q.turns and q.start <= doubt.start and doubt.end <= q.end for q in reading.quotations
    )


def _apart(doubts: list[Doubt]) -> list[Doubt]:
    kept: list[Doubt] = []
    for doubt in sorted(doubts, key=lambda d: (_ORDER[d.severity], d.end - d.start, d.start)):
        if all(doubt.end <= other.start or other.end <= doubt.start for other in kept):
            kept.append(doubt)
    return sorted(kept, key=lambda doubt: doubt.start)
