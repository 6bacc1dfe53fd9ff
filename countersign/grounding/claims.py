"""Decides whether a note's denials, quotations, speakers and judgements are the session's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from countersign.grounding.cuts import HEDGES
from countersign.grounding.lexicons import ScopeRule, Symptom
from countersign.grounding.line import Doubt, Part, Quotation, Reading, Source, stems
from countersign.grounding.spoken import Answer, Session, Stand, Statement, answer
from countersign.grounding.words import NEGATIONS, Hit, Token, content, stem, telling
from countersign.note import Severity
from countersign.transcript import Role

_ASKED = re.compile(r"\basked\b.*\banswered\b", re.I | re.S)
_DENIES = frozenset("denies denied deny denying".split())
_TARGET_END = frozenset(
    """
        reports reported endorses endorsed admits admitted states stated notes noted has had
        is was which who continues remains describes described he she they explains
        explained i but however although except does did when because since would will can
        could so that
    """.split()
)
_NEUTRAL = frozenset(
    """
        asked discussed assessed screened history explored reviewed inquired questioned
        regarding about psychoeducation risk family mother father monitor if prevent avoid
        should concerned scale screening inventory evaluate assess quit quitting stopped
        former formerly previously resolved nonsmoker denial past prior screen screened
    """.split()
)
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
            if source and Role.UNKNOWN not in roles and not _may_be(source, roles):
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
            if source is None or turn.role is Role.UNKNOWN or _may_be(source, {turn.role})
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
        if token.text in HEDGES or token.text in (NEGATIONS if within else _DENIES):
            return True
    return False


def _may_be(source: Source, roles: set[Role]) -> bool:
    if source.role is Role.OTHER:
        return bool(roles & {Role.OTHER, Role.UNKNOWN})
    return source.role in roles


def negations(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Blocks a denial nobody made, and a denial or an affirmation turned round.

    "Denies X" and "no X" hold with the clinician's question and the patient's answer, or with the
    patient's own words.
    """
    if _ASKED.search(reading.text) and any(q.turns for q in reading.quotations):
        yield from _asked(reading, session)
        return
    covered: set[int] = set()
    illnesses = [
        (h.first, h.last)
        for h in session.lexicons.diagnoses.find(reading.tokens)
        if h.last - h.first > 1
    ]
    for hits in _grouped(session.lexicons.clinical.find(reading.tokens)):
        first = hits[0]
        if any(low <= first.first < high for low, high in illnesses):
            continue
        if not reading.free(reading.tokens[first.first]):
            continue
        covered.update(range(first.first, first.last))
        if _is_denied(reading, first.first):
            yield from _denial(reading, hits, session)
        elif not reading.negated[first.first] and not _neutral(reading, first.first):
            yield from _affirmation(reading, hits, session)
    yield from _unlisted(reading, session, covered)


def _grouped(hits: Sequence[Hit[Symptom]]) -> Iterator[list[Hit[Symptom]]]:
    group: list[Hit[Symptom]] = []
    for hit in hits:
        if group and hit.start != group[0].start:
            yield group
            group = []
        group.append(hit)
    if group:
        yield group


def _asked(reading: Reading, session: Session) -> Iterator[Doubt]:
    quoted = [q for q in reading.quotations if q.turns]
    denies = next((t for t in reading.tokens if t.text in _DENIES), None)
    if denies is None or len(quoted) < 2:
        return
    questions = {turn.id for turn in quoted[0].turns}
    answers = {turn.id for turn in quoted[-1].turns}
    words = reading.text[quoted[-1].start : quoted[-1].end]
    for before, after in zip(session.turns, session.turns[1:], strict=False):
        if before.id in questions and after.id in answers and before.role is Role.THERAPIST:
            if answer(words) is Answer.NO:
                return
    yield Doubt(
        denies.start,
        denies.end,
        "negation",
        Severity.BLOCK,
        "The question and the answer do not make a denial.",
    )


def _is_denied(reading: Reading, index: int) -> bool:
    """Whether a negation of the note reaches the token; a denial reaches along a list."""
    for back in range(index - 1, max(-1, index - 40), -1):
        token = reading.tokens[back]
        if not reading.free(token):
            return False
        between = reading.text[token.end : reading.tokens[back + 1].start]
        if ";" in between or (":" in between and token.text not in {"for"}):
            return False
        if token.text in NEGATIONS:
            reach = 40 if token.text in _DENIES else 12
            return index - back <= reach
        if token.text in _TARGET_END:
            return False
    after = [t.text for t in reading.tokens[index + 1 : index + 6]]
    return any(
        a in {"was", "were", "is", "are"} and b in {"denied", "absent", "not"}
        for a, b in pairwise(after)
    ) or after[:1] == ["denied"]


def _neutral(reading: Reading, index: int) -> bool:
    words = {token.text for token in reading.tokens[max(0, index - 8) : index + 4]}
    return bool(words & _NEUTRAL)


def _statements(hits: Sequence[Hit[Symptom]], session: Session) -> list[Statement]:
    return [s for hit in hits for s in session.symptoms.get(hit.meaning.name, [])]


def _denial(reading: Reading, hits: Sequence[Hit[Symptom]], session: Session) -> Iterator[Doubt]:
    hit = hits[0]
    said = [s for s in _statements(hits, session) if not s.kin]
    said += [s for s in _literal(reading.tokens[hit.first : hit.last], session) if s not in said]
    if any(s.stand is Stand.DENIED for s in said):
        return
    safety = any(h.meaning.safety for h in hits)
    phrase = (hit.start, hit.end)
    affirmed = [
        s
        for s in said
        if (s.stand is Stand.AFFIRMED and s.role is not Role.THERAPIST)
        or (s.stand is Stand.AFFIRMED and s.utterance.question)
    ]
    if affirmed:
        exact = safety or any(_same_words(reading, hit, s) for s in affirmed)
        yield Doubt(
            *phrase,
            "negation",
            Severity.BLOCK if exact else Severity.REVIEW,
            "In the session this was affirmed, not denied.",
        )
    elif said:
        yield Doubt(
            *phrase,
            "negation",
            Severity.REVIEW,
            "This was brought up, but the patient did not deny it.",
        )
    else:
        attributed = _denying(reading, hit.first)
        yield Doubt(
            *phrase,
            "negation",
            Severity.BLOCK if safety or attributed else Severity.REVIEW,
            "Nobody asked about this and the patient did not say it.",
        )


def _denying(reading: Reading, index: int) -> bool:
    return any(token.text in _DENIES for token in reading.tokens[:index])


def _same_words(reading: Reading, hit: Hit[Symptom], statement: Statement) -> bool:
    mine = stems(reading.tokens[hit.first : hit.last])
    theirs = stems(statement.utterance.tokens[statement.hit.first : statement.hit.last])
    return bool(mine & theirs)


def _affirmation(
    reading: Reading, hits: Sequence[Hit[Symptom]], session: Session
) -> Iterator[Doubt]:
    hit = hits[0]
    said = [s for s in _statements(hits, session) if not s.kin and not s.hypothetical]
    said = [s for s in said if _same_words(reading, hit, s)] or said
    stands = {s.stand for s in said}
    safety = any(h.meaning.safety for h in hits)
    if Stand.DENIED in stands and Stand.AFFIRMED not in stands:
        sure = safety or any(s.utterance.negated[s.hit.first] or s.utterance.question for s in said)
        if sure:
            yield Doubt(
                hit.start,
                hit.end,
                "negation",
                Severity.BLOCK if safety else Severity.REVIEW,
                "In the session this was denied, not affirmed.",
            )
    elif safety and not _statements(hits, session):
        yield Doubt(
            hit.start, hit.end, "negation", Severity.REVIEW, "Nobody spoke of this in the session."
        )


def _literal(tokens: Sequence[Token], session: Session) -> list[Statement]:
    """Where the very words stand in the session."""
    wanted = stems(tokens)
    found: list[Statement] = []
    if not wanted:
        return found
    for utterance in session.utterances:
        if not wanted <= utterance.stems:
            continue
        for index, token in enumerate(utterance.tokens):
            if stem(token.text) in wanted:
                hit: Hit[object] = Hit(index, index + 1, token.start, token.end, None)
                found.append(session.statement(utterance, hit))
                break
    return found


def _unlisted(reading: Reading, session: Session, covered: set[int]) -> Iterator[Doubt]:
    """Denials and turned-round statements of things that no list names."""
    denied = [i for i, t in enumerate(reading.tokens) if t.text in _DENIES and reading.free(t)]
    for start in denied:
        for item in _items(reading, start + 1):
            if any(index in covered for index in item):
                continue
            tokens = [reading.tokens[index] for index in item]
            if not content(tokens):
                continue
            said = _literal(tokens, session)
            told = content(tokens)
            span = (told[0].start, told[-1].end)
            if not said and not (stems(tokens) & session.stems):
                yield Doubt(
                    *span,
                    "negation",
                    Severity.BLOCK,
                    "Nobody asked about this and the patient did not say it.",
                )
            elif not any(s.stand is Stand.DENIED for s in said) and not _denied_near(
                tokens, session
            ):
                yield Doubt(
                    *span,
                    "negation",
                    Severity.REVIEW,
                    "The patient did not deny this in so many words.",
                )
    yield from _untaken(reading, session)
    yield from _turned(reading, session)


def _denied_near(tokens: Sequence[Token], session: Session) -> bool:
    wanted = stems(tokens)
    for utterance in session.utterances:
        shared = wanted & utterance.stems
        if len(shared) * 2 < len(wanted):
            continue
        for index, token in enumerate(utterance.tokens):
            if stem(token.text) in shared:
                hit: Hit[object] = Hit(index, index + 1, token.start, token.end, None)
                if session.statement(utterance, hit).stand is Stand.DENIED:
                    return True
    return False


def _items(reading: Reading, start: int) -> Iterator[list[int]]:
    """The parts of a list that follows "denies": split at commas, "and", "or"."""
    item: list[int] = []
    for index in range(start, len(reading.tokens)):
        token = reading.tokens[index]
        between = reading.text[reading.tokens[index - 1].end : token.start]
        if ";" in between or token.text in _TARGET_END or not reading.free(token):
            break
        if token.text in {"or", "and", "nor"} or "," in between:
            if item:
                yield item
            item = [] if token.text in {"or", "and", "nor"} else [index]
            continue
        item.append(index)
    if item:
        yield item


def _untaken(reading: Reading, session: Session) -> Iterator[Doubt]:
    """A medication or diagnosis that the note denies and the session affirms."""
    lexicons = session.lexicons
    for drug in lexicons.medications.find(reading.tokens):
        places = session.medications.get(drug.meaning.generic, [])
        stands = {session.statement(u, h).stand for u, h in places}
        if _affirmed_only(reading, drug.first, stands):
            yield Doubt(
                drug.start, drug.end, "negation", Severity.REVIEW,
                "The session speaks of this medication as taken.",
            )  # fmt: skip
    for illness in lexicons.diagnoses.find(reading.tokens):
        stands = {s.stand for s in session.diagnoses.get(illness.meaning.key, []) if not s.kin}
        if _affirmed_only(reading, illness.first, stands):
            yield Doubt(
                illness.start, illness.end, "negation", Severity.REVIEW,
                "In the session this was affirmed, not denied.",
            )  # fmt: skip


def _affirmed_only(reading: Reading, index: int, stands: set[Stand]) -> bool:
    token = reading.tokens[index]
    return (
        reading.negated[index]
        and reading.free(token)
        and Stand.AFFIRMED in stands
        and Stand.DENIED not in stands
    )


def _turned(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Two words that stand together in the session with the opposite sign, wherever they do."""
    if not _about_patient(reading):
        return
    own = [
        (stem(t.text), reading.negated[i], t)
        for i, t in enumerate(reading.tokens)
        if telling(t) and reading.free(t)
    ]
    same = 0
    turned: list[tuple[int, int]] = []
    for (one, sign, first), (two, other, last) in _neighbours(own):
        if one == two:
            continue
        signs = session.signs.get((min(one, two), max(one, two)))
        if not signs:
            continue
        if (sign or other) in signs:
            same += 1
        else:
            turned.append((first.start, last.end))
    if turned and len(turned) > same:
        yield Doubt(
            turned[0][0],
            turned[0][1],
            "negation",
            Severity.REVIEW,
            "The session says this with the opposite sign.",
        )


_Signed = tuple[str, bool, Token]


def _neighbours(own: Sequence[_Signed]) -> Iterator[tuple[_Signed, _Signed]]:
    for index, word in enumerate(own):
        for other in own[index + 1 : index + 3]:
            yield word, other


def _about_patient(reading: Reading) -> bool:
    if reading.sources:
        return True
    first = {token.text for token in reading.tokens[:2]}
    return bool(first & {"he", "she", "they", "patient", "client", "denies", "reports", "pt"})


def speakers(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Reviews a statement given to the patient that only the clinician made, and conversely."""
    if not reading.sources or any(q.turns for q in reading.quotations):
        return
    source = reading.sources[0]
    if source.role not in {Role.PATIENT, Role.THERAPIST}:
        return
    rest = [t for t in content(reading.tokens) if t.start >= source.end]
    wanted = frozenset(stem(t.text) for t in rest)
    if len(wanted) < 3:
        return
    own = other = 0.0
    for position, turn in enumerate(session.turns):
        here = session.turn_stems[position]
        share = len(wanted & here) / len(wanted)
        if turn.role is source.role or turn.role is Role.UNKNOWN:
            own = max(own, share)
        elif turn.role in {Role.PATIENT, Role.THERAPIST}:
            if source.role is Role.PATIENT and session.confirmed[position]:
                own = max(own, share)
            else:
                other = max(other, share)
    # A note seldom names the clinician as the source: where it does, less contradicts it.
    least = 0.34 if source.role is Role.THERAPIST else 0.55
    if other >= least and own <= 0.6 * other:
        yield Doubt(
            source.start, source.end, "speaker", Severity.REVIEW, "The other speaker said this."
        )


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
