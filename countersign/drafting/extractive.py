"""Decides what a draft says: quotations, answered questions, and gaps left for a human."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from countersign.coding import spoken_diagnoses
from countersign.drafting.doubts import flags
from countersign.drafting.pieces import quoted
from countersign.drafting.relevance import Exchange, Piece, weigh
from countersign.drafting.template import SectionRule, Template
from countersign.grounding.lexicons import Lexicons
from countersign.grounding.spoken import Answer, plain
from countersign.grounding.words import FILLERS, NEGATIONS
from countersign.note import (
    PLACEHOLDER,
    EvidenceSpan,
    LeftOut,
    Note,
    Origin,
    Section,
    Sentence,
)
from countersign.transcript import Role, Transcript

# The only words that a draft adds to what was said.
ATTRIBUTION = {
    Role.PATIENT: "Patient reports",
    Role.THERAPIST: "Clinician",
    Role.OTHER: "Other speaker",
    Role.UNKNOWN: "Unidentified speaker",
}
DENIES = "Patient denies: asked {question}, answered {reply}"
AFFIRMS = "Patient affirms: asked {question}, answered {reply}"
ANSWERS = "Asked {question}, patient answered {reply}"

# Of the words a note may have, the share that sections in the patient's words take first.
_PATIENT_SHARE = 0.6
# Two statements with this share of their meaning in common say the same thing.
_SAME = 0.6
# A sentence of more words is quoted only if it speaks of harm: it would take half the note.
_WORDS_MAX = 100
# An answer of more words is quoted by itself: with its question nobody would read it.
_REPLY_MAX = 30
_HARM_REPLY_MAX = 80
# An answer that does not begin with one of these says little without its question.
_SUBJECTS = frozenset(
    """
        i i'm i've i'll i'd my me it it's its he he's she she's we we're we've they they're you
        the a this that that's these those there there's
    """.split()
)
_REASONS = (
    "prescription",
    "risk_level",
    "consent",
    "length",
    "quotation_marks",
    "identity_check",
    "clinician_question",
    "scheduling",
    "logistics",
    "small_talk",
    "greeting",
    "question",
    "clinician_talk",
    "not_clinical",
    "backchannel",
)


@dataclass(frozen=True)
class _Candidate:
    """A sentence that may enter the note."""

    text: str
    origin: Origin
    role: Role
    evidence: tuple[EvidenceSpan, ...]
    section: int
    score: float
    order: tuple[int, int]
    stems: frozenset[str]
    denied: bool
    topics: frozenset[str]
    numbers: frozenset[float]
    piece: Piece | None

    @property
    def words(self) -> int:
        return len(self.text.split())


def draft(transcript: Transcript, template: Template, lexicons: Lexicons) -> Note:
    """A note of quotations and answered questions, each with its evidence, in the template's form.

    Works on redacted transcripts: surrogates such as `[DATE_2]` are kept as they stand. Evidence
    spans are `[start, end)` in characters of the turn's text. What a human must write is a
    placeholder sentence; what was not taken is in `left_out`, with a reason.
    """
    found, exchanges = weigh(transcript, lexicons)
    answers = tuple(_answers(exchanges, template))
    candidates = _merged([*answers, *_quotes(found, answers, template)])
    room = template.words_max - sum(len(_gap(label).split()) for label in _labels(template))
    chosen = _chosen(candidates, template, room)
    sections = _sections(_joined(chosen), template, transcript, lexicons)
    used = {span.turn for section in sections for s in section.sentences for span in s.evidence}
    refused = [part.code for rule in template.sections for part in rule.human]
    refused += [p.reason for p in found if p.reason in {"prescription", "risk_level"}]
    return Note(
        template=template.name,
        sections=sections,
        left_out=tuple(_left_out(found, transcript, used)),
        codes=spoken_diagnoses(transcript, lexicons),
        refused=tuple(dict.fromkeys(refused)),
    )


def _section_of(piece: Piece, template: Template) -> int | None:
    role = Role.PATIENT if piece.turn.role is Role.UNKNOWN else piece.turn.role
    best: tuple[float, int] | None = None
    for index, rule in enumerate(template.sections):
        if role not in rule.sources or (piece.turn.role is Role.UNKNOWN and _clinicians(rule)):
            continue
        value = max(
            (piece.topics.get(topic, 0.0) - 0.01 * rank for rank, topic in enumerate(rule.topics)),
            default=0.0,
        )
        if role is not Role.THERAPIST and rule.answers:
            value = max(value, 0.1)
        if value > 0 and (best is None or value > best[0]):
            best = (value, index)
    return best[1] if best else None


def _clinicians(rule: SectionRule) -> bool:
    return Role.THERAPIST in rule.sources


def _answers(exchanges: Iterable[Exchange], template: Template) -> Iterator[_Candidate]:
    where = next((i for i, rule in enumerate(template.sections) if rule.answers), None)
    if where is None:
        return
    for exchange in exchanges:
        question, reply = exchange.question, exchange.reply
        form = _form(exchange)
        asked, answered = quoted(question.text), quoted(reply.text)
        if not form or not asked or not answered:
            continue
        text = form.format(question=asked, reply=answered)
        yield _Candidate(
            text if reply.text[-1] in ".!?" else f"{text}.",
            Origin.STATEMENT,
            Role.PATIENT,
            (_span(question), _span(reply)),
            where,
            question.score + 0.5,
            (question.position, question.start),
            question.stems | reply.stems,
            exchange.said is Answer.NO,
            frozenset(question.topics) | frozenset(reply.topics),
            question.numbers | reply.numbers,
            None,
        )


def _form(exchange: Exchange) -> str:
    """How question and answer stand together; nothing when the answer speaks for itself."""
    question, reply = exchange.question, exchange.reply
    harm = "harm" in question.topics
    if question.turn.role is not Role.THERAPIST or reply.turn.role is not Role.PATIENT:
        return ""
    if reply.words > (_HARM_REPLY_MAX if harm else _REPLY_MAX):
        return ""
    brief = len(reply.tokens) <= 6
    if not exchange.open and not _negative(question):
        if plain(reply.text) is Answer.NO:
            return DENIES
        if plain(reply.text) is Answer.YES and brief:
            return AFFIRMS
    if exchange.open and len(reply.tokens) < 2:
        return ""
    first = next((t.text for t in reply.tokens if t.text not in FILLERS), "")
    leans = exchange.said is Answer.UNCLEAR and not exchange.open and first not in _SUBJECTS
    no = exchange.said is Answer.NO and not exchange.open
    rated = "measure" in question.topics
    return ANSWERS if brief or harm or rated or leans or no else ""


def _negative(piece: Piece) -> bool:
    """A question that holds a negation: "no" may then mean either."""
    return any(token.text in NEGATIONS and token.text != "no" for token in piece.tokens)


def _quotes(
    found: Iterable[Piece], answers: Sequence[_Candidate], template: Template
) -> Iterator[_Candidate]:
    taken = [span for candidate in answers for span in candidate.evidence]
    for piece in found:
        if piece.reason:
            continue
        if piece.words > _WORDS_MAX and "harm" not in piece.topics:
            continue
        if any(
            s.turn == piece.turn.id and s.start < piece.end and piece.start < s.end for s in taken
        ):
            continue
        where = _section_of(piece, template)
        if where is None:
            continue
        role = piece.turn.role
        yield _Candidate(
            f"{ATTRIBUTION[role]}: {quoted(piece.text)}",
            Origin.QUOTE,
            role,
            (_span(piece),),
            where,
            piece.score,
            (piece.position, piece.start),
            piece.stems,
            any(token.text in NEGATIONS for token in piece.tokens),
            frozenset(piece.topics),
            piece.numbers,
            piece,
        )


def _span(piece: Piece) -> EvidenceSpan:
    return EvidenceSpan(turn=piece.turn.id, start=piece.start, end=piece.end)


def _merged(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Candidates with repetitions put together: the best one stays, with everyone's evidence."""
    kept: list[_Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (-c.score, c.order)):
        for index, other in enumerate(kept):
            if _repeats(candidate, other):
                spans = tuple(dict.fromkeys((*other.evidence, *candidate.evidence)))
                kept[index] = replace(other, evidence=spans)
                break
        else:
            kept.append(candidate)
    return kept


def _repeats(one: _Candidate, other: _Candidate) -> bool:
    if (one.role, one.section, one.denied, one.origin) != (
        other.role,
        other.section,
        other.denied,
        other.origin,
    ):
        return False
    if one.numbers != other.numbers:
        return False
    shared = len(one.stems & other.stems)
    return shared >= 2 and shared / len(one.stems | other.stems) >= _SAME


def _chosen(candidates: Sequence[_Candidate], template: Template, room: int) -> list[_Candidate]:
    """The best candidates that fit: harm first, then each section's share, then what is left."""
    chosen: list[_Candidate] = []
    left = room
    patients = [i for i, rule in enumerate(template.sections) if not _clinicians(rule)]
    others = [i for i in range(len(template.sections)) if i not in patients]
    shares = {i: room * _PATIENT_SHARE / len(patients) for i in patients}
    shares |= {i: room * (1 - _PATIENT_SHARE) / len(others) for i in others}
    ranked = sorted(candidates, key=lambda c: ("harm" not in c.topics, -c.score, c.order))
    for limited in (True, False):
        for candidate in ranked:
            if candidate in chosen or candidate.words > left or (candidate.score <= 0 and limited):
                continue
            if limited and candidate.words > shares[candidate.section]:
                continue
            chosen.append(candidate)
            left -= candidate.words
            shares[candidate.section] -= candidate.words
    return sorted(chosen, key=lambda c: (c.section, c.order))


def _joined(chosen: Sequence[_Candidate]) -> list[_Candidate]:
    """Neighbouring quotations of one turn become one, as they were said."""
    joined: list[_Candidate] = []
    for candidate in chosen:
        before = joined[-1] if joined else None
        words = _together(before, candidate) if before is not None else ""
        if before is not None and words:
            first, last = before.evidence[0], candidate.evidence[0]
            span = EvidenceSpan(turn=first.turn, start=first.start, end=last.end)
            joined[-1] = replace(
                before,
                text=f"{ATTRIBUTION[before.role]}: {words}",
                evidence=(span, *before.evidence[1:], *candidate.evidence[1:]),
                topics=before.topics | candidate.topics,
            )
        else:
            joined.append(candidate)
    return joined


def _together(before: _Candidate, candidate: _Candidate) -> str:
    """Both quotations and what little stands between them as one, or nothing if they cannot be."""
    if before.piece is None or candidate.piece is None or before.section != candidate.section:
        return ""
    first, last = before.evidence[0], candidate.evidence[0]
    if first.turn != last.turn or not 0 <= last.start - first.end <= 12:
        return ""
    if before.words + candidate.words > 45:
        return ""
    return quoted(candidate.piece.turn.text[first.start : last.end])


def _labels(template: Template) -> Iterator[str]:
    for rule in template.sections:
        yield from (part.label for part in rule.human)
        yield from (part.label for part in rule.required)


def _gap(label: str) -> str:
    return f"{label}: {PLACEHOLDER}"


def _sections(
    chosen: Sequence[_Candidate], template: Template, transcript: Transcript, lexicons: Lexicons
) -> tuple[Section, ...]:
    topics = frozenset(topic for candidate in chosen for topic in candidate.topics)
    sections: list[Section] = []
    count = 0
    for index, rule in enumerate(template.sections):
        sentences: list[Sentence] = []
        for candidate in chosen:
            if candidate.section != index:
                continue
            count += 1
            sentences.append(
                Sentence(
                    id=f"s{count}",
                    text=candidate.text,
                    origin=candidate.origin,
                    speaker_role=candidate.role,
                    evidence=candidate.evidence,
                    flags=flags(candidate.evidence, candidate.role, transcript, lexicons),
                )
            )
        gaps = [part.label for part in rule.human]
        gaps += [part.label for part in rule.required if part.topic not in topics]
        if not sentences and not gaps:
            gaps = [rule.name]
        for label in gaps:
            count += 1
            sentences.append(Sentence(id=f"s{count}", text=_gap(label), origin=Origin.PLACEHOLDER))
        sections.append(Section(name=rule.name, sentences=tuple(sentences)))
    return tuple(sections)


def _left_out(found: Iterable[Piece], transcript: Transcript, used: set[str]) -> Iterator[LeftOut]:
    reasons: dict[str, set[str]] = {}
    for piece in found:
        reasons.setdefault(piece.turn.id, set()).add(piece.reason or "length")
    for turn in transcript.turns:
        if turn.id not in used:
            why = reasons.get(turn.id, {"backchannel"})
            yield LeftOut(turn=turn.id, reason=min(why, key=_REASONS.index))
