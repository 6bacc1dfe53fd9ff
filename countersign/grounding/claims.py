"""Decides whether a note's denials, quotations, speakers and judgements are the session's own."""

from __future__ import annotations

from collections.abc import Iterator

from countersign.grounding.attribution import relative_spoke
from countersign.grounding.cuts import HEDGES
from countersign.grounding.lexicons import ScopeRule
from countersign.grounding.line import Doubt, Part, Quotation, Reading, Source, stems
from countersign.grounding.polarity import DENIES
from countersign.grounding.spoken import Answer, Session, answer
from countersign.grounding.words import NEGATIONS, Hit, stem
from countersign.note import Severity
from countersign.transcript import Role

_PERMISSION = frozenset(
    """
        record recording recorded permission consent okay allow scribe recorder
    """.split()
)
# Shares of a clause's words that must be found in one turn for it to count as said there.
_SAID = 0.4
_PARTLY = 0.25


def quotations(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Blocks words in quotation marks that nobody said, at the words that differ.

    Also blocks, or reviews, those that were cut off from a negation or an "if" of their sentence,
    unless the note has one of its own before them.
    """
    for quotation in reading.quotations:
        if quotation.turns:
            source = reading.source_of(quotation)
            roles = {turn.role for turn in quotation.turns}
            if source and source.kin and relative_spoke(source.kin, quotation.turns, session):
                yield from _cut(reading, quotation, source)
            elif source and Role.UNKNOWN not in roles and not _may_be(source, roles):
                yield Doubt(
                    source.start,
                    source.end,
                    "speaker",
                    Severity.BLOCK,
                    "Somebody else said these words.",
                )
            elif quotation.apart:
                yield Doubt(
                    quotation.start,
                    quotation.end,
                    "quote",
                    Severity.REVIEW,
                    "These sentences were not said one after another by one person.",
                )
            else:
                yield from _cut(reading, quotation, source)
            continue
        inner = [t for t in reading.tokens if quotation.start <= t.start < quotation.end]
        if quotation.short and stems(inner) <= session.stems:
            continue
        severity = Severity.REVIEW if quotation.short else Severity.BLOCK
        yield Doubt(
            *quotation.differing, "quote", severity, "These words do not stand so in the session."
        )


def _cut(reading: Reading, quotation: Quotation, source: Source | None) -> Iterator[Doubt]:
    for part in quotation.parts:
        places = [(turn, grave) for turn, grave in part.places if turn in quotation.turns]
        own = [
            (turn, grave)
            for turn, grave in places
            if source is None
            or source.kin
            or turn.role is Role.UNKNOWN
            or _may_be(source, {turn.role})
        ]
        graves = {grave for _, grave in own or places}
        if None in graves or _carried(reading, quotation, part):
            continue
        severity = Severity.REVIEW if Severity.REVIEW in graves else Severity.BLOCK
        yield Doubt(
            part.start,
            part.end,
            "quote",
            severity,
            "The session says this with a negation or a condition that the quotation leaves out.",
        )


def _carried(reading: Reading, quotation: Quotation, part: Part) -> bool:
    """Whether the note says by itself that the quoted words were denied or in doubt."""
    first = next((i for i, t in enumerate(reading.tokens) if t.start >= part.start), None)
    if first is None or reading.negated[first]:
        return first is not None
    for token in reading.tokens[max(0, first - 8) : first]:
        within = token.start >= quotation.start
        if token.text in HEDGES or token.text in (NEGATIONS if within else DENIES):
            return True
    return False


def _may_be(source: Source, roles: set[Role]) -> bool:
    if source.role is Role.OTHER:
        return bool(roles & {Role.OTHER, Role.UNKNOWN})
    return source.role in roles


def scope(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Blocks plans, prescriptions, risk levels, diagnoses and consent that no clinician spoke."""
    wanted = stems([t for t in reading.tokens if reading.free(t)])
    if reading.heading:
        return
    found: dict[str, Doubt] = {}
    for hit in session.lexicons.scope.find(reading.tokens):
        rule = hit.meaning
        if rule.code in found or not reading.free(reading.tokens[hit.first]):
            continue
        severity = _scope_severity(rule, hit, reading, wanted, session)
        if severity is Severity.BLOCK and _intends(reading, hit):
            severity = None if wanted & session.patient_stems else Severity.REVIEW
        if severity is not None:
            found[rule.code] = Doubt(hit.start, hit.end, rule.kind, severity, rule.why)
    opening = session.lexicons.openings.get(reading.tokens[0].text) if reading.tokens else None
    if opening is not None and opening.code not in found and reading.free(reading.tokens[0]):
        hit = Hit(0, 1, reading.tokens[0].start, reading.tokens[0].end, opening)
        severity = _scope_severity(opening, hit, reading, wanted, session)
        if severity is not None:
            found[opening.code] = Doubt(hit.start, hit.end, opening.kind, severity, opening.why)
    if "agreement" in found:
        found.pop("treatment_plan", None)
    yield from found.values()


def _scope_severity(
    rule: ScopeRule,
    hit: Hit[ScopeRule],
    reading: Reading,
    wanted: frozenset[str],
    session: Session,
) -> Severity | None:
    phrase = stems(reading.tokens[hit.first : hit.last])
    if rule.never:
        spoken = any(phrase and phrase <= u.stems for u in session.by(Role.THERAPIST))
        return Severity.REVIEW if spoken else Severity.BLOCK
    if rule.kind == "consent":
        given = any(
            u.words & _PERMISSION
            and (reply := session.reply(u)) is not None
            and answer(reply.text) is Answer.YES
            for u in session.utterances
            if u.turn.role is Role.THERAPIST
        )
        return Severity.REVIEW if given or rule.code == "agreement" else Severity.BLOCK
    share = _share(wanted, session, anyone=rule.code in {"prescription", "diagnosis"})
    if share >= _SAID:
        return None
    return Severity.REVIEW if share >= _PARTLY else Severity.BLOCK


def _intends(reading: Reading, hit: Hit[ScopeRule]) -> bool:
    """Whether somebody only intends something: "she plans to go again" is no plan of treatment."""
    around = reading.tokens[max(0, hit.first - 1) : hit.last + 1]
    words = [token.text for token in around]
    return (
        len(words) == 3
        and words[1] in {"plans", "planned"}
        and words[2] == "to"
        and (words[0] not in {"therapist", "clinician", "provider", "i", "we"})
    )


def _share(wanted: frozenset[str], session: Session, *, anyone: bool) -> float:
    """The largest share of the words found in one exchange; a clinician's unless `anyone`."""
    if not wanted:
        return 0.0
    best = 0.0
    spoken = (*session.turn_stems, frozenset[str]())
    for position, turn in enumerate(session.turns):
        if turn.role is Role.THERAPIST or anyone:
            here = spoken[position] | spoken[position + 1]
            best = max(best, len(wanted & here) / len(wanted))
    return best


def emotions(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Blocks what somebody is said to have seemed to feel, when nobody put it into words."""
    lexicons = session.lexicons
    inferred = [
        h for h in lexicons.inference.find(reading.tokens) if reading.free(reading.tokens[h.first])
    ]
    named = {token.text for token in reading.tokens}
    words = lexicons.emotions if named & {"affect", "mood"} else lexicons.emotions - lexicons.affect
    found: set[int] = set()
    for hit in inferred:
        window = range(max(0, hit.first - 4), min(len(reading.tokens), hit.last + 6))
        for index in window:
            token = reading.tokens[index]
            if token.text not in words or index in found or not reading.free(token):
                continue
            if hit.first <= index < hit.last:
                continue
            found.add(index)
            spoken = stem(token.text) in session.patient_stems
            if spoken and reading.sources:
                continue
            severity = (
                Severity.REVIEW
                if spoken or stem(token.text) in session.clinician_stems
                else Severity.BLOCK
            )
            yield Doubt(token.start, token.end, "emotion", severity, lexicons.emotion_why)
    for index, token in enumerate(reading.tokens):
        if index in found or token.text not in words or not reading.free(token):
            continue
        before = [t.text for t in reading.tokens[max(0, index - 4) : index]]
        if not set(before) & {
            "felt",
            "feels",
            "feeling",
            "is",
            "was",
            "became",
            "remained",
            "remains",
            "been",
        }:
            continue
        if stem(token.text) not in session.stems and not reading.negated[index]:
            yield Doubt(token.start, token.end, "emotion", Severity.REVIEW, lexicons.emotion_why)
