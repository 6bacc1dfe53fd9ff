"""Decides whether what a note denies was denied, and what it affirms was not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from countersign.grounding.lexicons import Symptom
from countersign.grounding.line import Doubt, Reading, stems
from countersign.grounding.spoken import Answer, Session, Stand, Statement, answer
from countersign.grounding.support import (
    ENDINGS,
    KIN,
    WELL,
    Mention,
    Support,
    Unit,
    denied_after,
    judgements,
)
from countersign.grounding.words import CLAUSE_END, NEGATIONS, STOPWORDS, Hit, Token, stem
from countersign.note import Severity
from countersign.transcript import Role

_HOW = re.compile(
    r"(?:(?:and|so|okay|ok|now|well)[ ,]+)*how(?:'s| is| are| was| were| has)\b", re.I
)
_ASKED = re.compile(r"\basked\b.*\banswered\b", re.I | re.S)
DENIES = frozenset("denies denied deny denying".split())
# These reach along a list; a "not" reaches to the end of its verb's words.
_LISTS = DENIES | frozenset("no without negative nor neither free absence".split())
_ENDED = frozenset("stopped quit ceased discontinued declined declines refused refuses".split())
_CUES = NEGATIONS | _ENDED | frozenset("unable absence".split())
_BACKWARD = frozenset("none never negative absent denied".split())
# "I do not think it is related" denies the thought's content in the words that follow, or nothing.
_OPINIONS = frozenset("believe think know knowing recall remember sure certain".split())
# Words of approval that also mean other things in a note.
_OTHERWISE = frozenset("negative clear regular regularly intact enough".split())
# Of the words of disapproval those that measure nothing: a chart calls a value elevated.
_UNWELL = frozenset("bad badly worse poorly terrible terribly awful horrible rough unwell".split())
_PREDICATE = frozenset(
    """
        reports reported endorses endorsed admits admitted states stated notes noted has had have
        is are was were been be being who which continues remains describes described he she they
        it i we explains explained did does do when because since would will can could should so
        that while after before until if as
    """.split()
)
_REPORTED = frozenset(
    """
        reports reported endorses endorsed admits admitted complains complained has had states
        describes described experiences experiencing experienced developed positive
    """.split()
)
_APART = frozenset("except besides aside apart outside than exception".split())
# What follows one of these is hardly, hard or no longer so: the session may deny it in other words.
_SOFT = ENDINGS | frozenset(
    """
        hardly rarely seldom scarcely difficulty difficulties trouble hard struggle struggles
        struggled struggling limited limits decreased reduced poor loss lack fails failed failing
        impaired scared afraid reluctant refuses hesitant less little used wish wishes worried
        concern rare infrequent minimal fewer non hopes hoping wants wondering unsure uncertain
    """.split()
)
_NEUTRAL = frozenset(
    """
        asked discussed assessed screened explored reviewed inquired questioned psychoeducation
        risk family mother father monitor if prevent avoid should concerned scale screening
        inventory evaluate assess quit quitting stopped former formerly previously resolved
        nonsmoker denial past prior screen screened
    """.split()
)
# A symptom named beside one of these may be theirs; a clause that names them says so itself.
_FAMILY = frozenset("family mother father".split())
# Of a symptom that is said to be one of these, little or nothing is left.
_FEWER = frozenset(
    """
        little hardly barely rarely rare seldom scarcely less fewer reduced decreased minimal
        infrequent resolved gone subsided improved better
    """.split()
)
# Words between one thing that is said and the next.
_JOINTS = frozenset("and but or which who because although until since before after while".split())
# How much of an item's weight one utterance must hold to be about it.
_ABOUT = 0.4
_SURELY = 0.65
_AFFIRMS = 0.5
_BARELY = 0.3
_NEARLY = 0.8
# Our own choice: as many denials in one list are a list; half of them upheld, it was gone through.
_LISTED = 3
_STRANGE = "Nobody asked about this and the patient said nothing of it."
_TURNED = "In the session this was affirmed, not denied."
# Our own choice: a line of fewer words than this is a heading or an entry, and affirms nothing.
_BARE = 4


@dataclass(frozen=True)
class Denial:
    """One thing that a note denies: tokens `[first, last)`, and the word that denies it."""

    cue: Token
    first: int
    last: int


def negations(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Blocks a denial nobody made, and a denial or an affirmation turned round.

    "Denies X" and "no X" hold with the clinician's question and the patient's answer, or with the
    patient's own words.
    """
    if _ASKED.search(reading.text) and any(q.turns for q in reading.quotations):
        yield from _asked(reading, session)
        return
    if reading.heading:
        return
    denied = denials(reading)
    for cue in dict.fromkeys(denial.cue for denial in denied):
        items = [denial for denial in denied if denial.cue is cue]
        doubts = [list(_denied(reading, denial, session)) for denial in items]
        upheld = sum(not found for found in doubts)
        mostly = len(items) >= _LISTED and upheld * 2 >= len(items)
        for found in doubts:
            yield from (_milder(doubt, mostly=mostly) if upheld else doubt for doubt in found)
    yield from _judged(reading)
    yield from _compared(reading, session)
    covered = {index for denial in denied for index in range(denial.first, denial.last)}
    yield from _affirmed(reading, session, covered)


def _milder(doubt: Doubt, *, mostly: bool) -> Doubt:
    """What stands beside things that were denied, in words that nobody used."""
    if doubt.why != _STRANGE:
        return doubt
    return replace(doubt, severity=Severity.HIGHLIGHT if mostly else Severity.REVIEW)


def _judged(reading: Reading) -> Iterator[Doubt]:
    """Something called well that the session calls ill, and conversely."""
    for place, well in judgements(reading.tokens, reading.negated):
        token = reading.tokens[place]
        if not reading.free(token) or token.text not in (WELL - _OTHERWISE) | _UNWELL:
            continue
        if token.text in _UNWELL and well:
            continue
        low, high = _clause_of(reading, place)
        units = reading.support.units(reading.tokens, low, high)
        units = [u for u in units if not u.first <= place < u.last]
        signs = reading.support.judged(units)
        if not signs and token.text in WELL:
            signs = reading.support.judged([])
        if signs and well not in signs:
            yield Doubt(
                reading.tokens[max(low, place - 2)].start,
                token.end,
                "negation",
                Severity.REVIEW,
                "The session judges this the other way.",
            )


_MORE = frozenset("more increased".split())
_LESS = frozenset("less fewer decreased".split())


def _compared(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Something said to be more of what the session says is less, and conversely."""
    for token, after in pairwise(reading.tokens):
        if token.text not in _MORE | _LESS or not reading.free(token) or after.text in STOPWORDS:
            continue
        own = _MORE if token.text in _MORE else _LESS
        said = {
            one.text
            for u in session.utterances
            for one, two in pairwise(u.tokens)
            if one.text in _MORE | _LESS and stem(two.text) == stem(after.text)
        }
        if said and not said & own:
            yield Doubt(
                token.start, after.end, "negation", Severity.REVIEW,
                "The session says less of this, or more.",
            )  # fmt: skip


def _clause_of(reading: Reading, place: int) -> tuple[int, int]:
    low = high = place
    while low and not re.search(
        r"[.;!?]", reading.text[reading.tokens[low - 1].end : reading.tokens[low].start]
    ):
        low -= 1
    while high < len(reading.tokens) and not re.search(
        r"[.;!?]", reading.text[reading.tokens[high - 1].end : reading.tokens[high].start]
    ):
        high += 1
    return low, max(high, place + 1)


def denials(reading: Reading) -> tuple[Denial, ...]:
    """What the sentence denies, item by item, outside of its verified quotations."""
    found: list[Denial] = []
    reached = 0
    for index, token in enumerate(reading.tokens):
        if token.text not in _CUES or index < reached or not reading.free(token):
            continue
        found.extend(Denial(token, *item) for item in _items(reading, index))
        reached = max([reached, *(denial.last for denial in found if denial.cue is token)])
    return tuple(found)


def _items(reading: Reading, cue: int) -> Iterator[tuple[int, int]]:
    tokens, text = reading.tokens, reading.text
    word = tokens[cue].text
    following = {token.text for token in tokens[cue + 1 : cue + 2]}
    said = cue and tokens[cue - 1].text in {"said", "say", "says", "saying"} and word == "no"
    if said or following & _OPINIONS or (word == "nothing" and "more" in following):
        return
    passive = bool(cue) and tokens[cue - 1].text in {"was", "were", "is", "are", "been"}
    if word in _BACKWARD and (passive if word in DENIES else _ends(reading, cue)):
        low = cue
        while low and not re.search(r"[.;!?]", text[tokens[low - 1].end : tokens[low].start]):
            low -= 1
        yield low, cue
        return
    lists = word in _LISTS and "longer" not in following
    limit = 40 if lists else 14
    last = min(len(tokens), cue + 1 + limit)
    start: int | None = None
    for index in range(cue + 1, last):
        token = tokens[index]
        gap = text[tokens[index - 1].end : token.start]
        ended = re.search(r"[.;:!?\n]", gap) and not (":" in gap and index == cue + 2)
        if ended or not reading.free(token) or token.text in CLAUSE_END or token.text in _APART:
            break
        if token.text in _PREDICATE:
            if start is None or (token.text == "as" and tokens[index - 1].text == "such"):
                continue
            if word in DENIES and _subject(tokens[start:index]):
                start = None
                continue
            break
        comma = "," in gap
        joins = token.text in {"and", "or", "nor"}
        if start is not None and (comma or joins):
            yield start, index
            start = None
            if token.text == "and" and (not lists or word == "without"):
                return
            ahead = [t.text for t in tokens[index : min(last, index + 24)]]
            if comma and not lists and not {"or", "nor"} & set(ahead):
                return
        if joins and index == cue + 1:
            return
        if not joins and start is None:
            start = index
    else:
        index = last
    if start is not None:
        yield start, index


def _subject(tokens: Sequence[Token]) -> bool:
    """Whether these words only name somebody: "denies that her father has ever hit her"."""
    return all(
        stem(token.text) in KIN or token.text in STOPWORDS or token.surrogate for token in tokens
    )


def _ends(reading: Reading, cue: int) -> bool:
    following = reading.tokens[cue + 1 : cue + 2]
    return not following or bool(
        re.search(r"[.;!?,\n]", reading.text[reading.tokens[cue].end : following[0].start])
    )


def _denied(reading: Reading, denial: Denial, session: Session) -> Iterator[Doubt]:
    support = reading.support
    units = support.units(reading.tokens, denial.first, denial.last)
    plain = bool(units)
    units = units or support.units(reading.tokens, denial.first, denial.last, plainly=True)
    if not units:
        return
    hits = [
        hit
        for hit in session.lexicons.clinical.find(reading.tokens)
        if denial.first <= hit.first < denial.last
    ]
    if any(hit.meaning.safety for hit in hits):
        yield from _safety(reading, hits, session)
        return
    span = (reading.tokens[units[0].first].start, reading.tokens[units[-1].last - 1].end)
    mentions = _of_head(support.mentions(units, _ABOUT), units, support, all_of_it=True)
    if not mentions:
        mentions = [m for m in support.mentions(units, _BARELY) if True in m.signs]
        heads = {id(m.utterance) for m in support.mentions(units[:1], _ABOUT)}
        mentions = [m for m in mentions if id(m.utterance) in heads]
    if any(True in mention.signs for mention in mentions):
        return
    if mentions:
        exact = bool(hits) and any(m.share > _SURELY and _patients(m) for m in mentions)
        yield Doubt(
            *span,
            "negation",
            Severity.BLOCK if exact and denial.cue.text in DENIES else Severity.REVIEW,
            _TURNED,
        )
        return
    if not plain:
        return
    strange = denial.cue.text in DENIES and not support.mentions(units, 0.01)
    yield Doubt(
        *span,
        "negation",
        Severity.BLOCK if strange else Severity.REVIEW,
        _STRANGE,
    )


def _patients(mention: Mention) -> bool:
    utterance = mention.utterance
    return utterance.turn.role is not Role.THERAPIST or utterance.question


def _safety(reading: Reading, hits: Sequence[Hit[Symptom]], session: Session) -> Iterator[Doubt]:
    """A denial that concerns life and limb: only a clear answer to a question upholds it."""
    for group in _grouped(hits):
        said = [s for hit in group for s in session.symptoms.get(hit.meaning.name, [])]
        said = [s for s in said if not s.kin]
        if any(s.stand is Stand.DENIED for s in said):
            continue
        affirmed = any(
            s.stand is Stand.AFFIRMED and (s.role is not Role.THERAPIST or s.utterance.question)
            for s in said
        )
        if affirmed:
            why = _TURNED
        elif said:
            why = "This was brought up, but the patient did not deny it."
        else:
            why = "Nobody asked about this and the patient did not say it."
        severity = Severity.REVIEW if said and not affirmed else Severity.BLOCK
        yield Doubt(group[0].start, group[0].end, "negation", severity, why)


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
    denies = next((t for t in reading.tokens if t.text in DENIES), None)
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


def _affirmed(reading: Reading, session: Session, covered: set[int]) -> Iterator[Doubt]:
    seen: set[int] = set()
    for group in _grouped(session.lexicons.clinical.find(reading.tokens)):
        first, last = group[0].first, group[0].last
        if first in covered or not reading.free(reading.tokens[first]):
            continue
        if reading.negated[first] or _neutral(reading, first):
            continue
        if denied_after(reading.tokens, reading.text, first) or _well(reading, group):
            continue
        near = {token.text for token in reading.tokens[max(0, first - 2) : last + 4]}
        if near & _FEWER and not any(hit.meaning.safety for hit in group):
            continue
        found = list(_symptom(group, reading.tokens, session))
        if found:
            seen.update(range(first, last))
        yield from found
    for first, last in _clauses(reading, covered):
        units = reading.support.units(reading.tokens, first, last)
        units = units or reading.support.units(reading.tokens, first, last, plainly=True)
        if not units or any(u.first in seen for u in units):
            continue
        if _neutral(reading, first, _NEUTRAL - _FAMILY) or all(_kin(unit) for unit in units):
            continue
        if any(reading.negated[u.first] for u in units):
            continue
        if _SOFT & {token.text for token in reading.tokens[max(0, first - 4) : last]}:
            continue
        yield from _clause(reading, units, reading.support)


def _clauses(reading: Reading, covered: set[int]) -> Iterator[tuple[int, int]]:
    start: int | None = None
    for index, token in enumerate(reading.tokens):
        gap = reading.text[reading.tokens[index - 1].end : token.start] if index else ""
        closed = re.search(r"[.,;:!?()\n]", gap) or token.text in _JOINTS or token.text in _CUES
        if index in covered or not reading.free(token) or closed:
            # The subject of a denied verb is denied with it.
            ahead = reading.tokens[index + 1 : index + 2]
            longer = bool(ahead) and ahead[0].text == "longer"
            turned = token.text in _CUES and (longer or token.text not in _LISTS)
            if start is not None and not turned:
                yield start, index
            start = None
        if start is None and index not in covered and reading.free(token):
            start = index
    if start is not None:
        yield start, len(reading.tokens)


def _clause(reading: Reading, units: Sequence[Unit], support: Support) -> Iterator[Doubt]:
    heads = {id(m.utterance) for m in support.mentions([_head(units)], _ABOUT)}
    mentions = [
        m
        for m in support.mentions(units, _BARELY)
        if m.share >= _AFFIRMS or id(m.utterance) in heads
    ]
    kin = any(_kin(unit) for unit in units)
    mentions = [m for m in mentions if m.signs and (kin or not m.kin)]
    mentions = _of_head(mentions, units, support)
    if not mentions or any(m.signs != {True} for m in mentions):
        return
    if len(units) == 1 and not units[0].listed:
        bare = len(reading.tokens) < _BARE and reading.tokens[0].text not in _PREDICATE
        if len(mentions) > 2 or bare:
            return
    yield Doubt(
        reading.tokens[units[0].first].start,
        reading.tokens[units[-1].last - 1].end,
        "negation",
        Severity.REVIEW,
        "In the session this was denied, not affirmed.",
    )


def _of_head(
    mentions: Sequence[Mention], units: Sequence[Unit], support: Support, *, all_of_it: bool = False
) -> list[Mention]:
    """The mentions that hold most, of those that name what the words are chiefly about.

    That is what a lexicon knows, else the first thing that is no person: the verb, mostly. With
    `all_of_it` every mention of what a lexicon knows: "tingling in his arm" is tingling.
    """
    head = _head(units)
    named = {id(m.utterance) for m in support.mentions([head], _ABOUT)}
    mentions = [m for m in mentions if id(m.utterance) in named] or list(mentions)
    best = max((m.share for m in mentions), default=0.0)
    least = 0.0 if all_of_it and head.listed else _NEARLY * best
    return [m for m in mentions if m.share >= least]


def _head(units: Sequence[Unit]) -> Unit:
    # A drug is what something is done with: "has refilled the lisinopril" is about the refilling.
    head = next(
        (u for u in units if any(n.startswith("symptom:") for way in u.names for n in way)), None
    )
    return head or next((u for u in units if not _kin(u)), units[0])


def _kin(unit: Unit) -> bool:
    return any(way & KIN for way in unit.names)


def _symptom(
    group: Sequence[Hit[Symptom]], tokens: Sequence[Token], session: Session
) -> Iterator[Doubt]:
    hit = group[0]
    every = [s for h in group for s in session.symptoms.get(h.meaning.name, [])]
    said: list[Statement] = [s for s in every if not s.kin and not s.hypothetical]
    # What a clinician says in passing is no affirmation by the patient.
    stands = {
        s.stand
        for s in said
        if s.stand is Stand.DENIED or s.role is not Role.THERAPIST or s.utterance.question
    }
    safety = any(h.meaning.safety for h in group)
    if not safety and any(s.utterance.question and _HOW.match(s.utterance.text) for s in said):
        # "How is the anxiety?" holds that there is some.
        return
    if Stand.DENIED in stands and Stand.AFFIRMED not in stands:
        yield Doubt(
            hit.start,
            hit.end,
            "negation",
            Severity.BLOCK if safety else Severity.REVIEW,
            "In the session this was denied, not affirmed.",
        )
    elif not every and (safety or _invented(hit, tokens, session)):
        yield Doubt(
            hit.start, hit.end, "negation", Severity.REVIEW, "Nobody spoke of this in the session."
        )


def _invented(hit: Hit[Symptom], tokens: Sequence[Token], session: Session) -> bool:
    """Whether somebody is said to report what nobody spoke of in any words."""
    before = {token.text for token in tokens[max(0, hit.first - 4) : hit.first]}
    return bool(before & _REPORTED) and not stems(tokens[hit.first : hit.last]) & session.stems


def _well(reading: Reading, group: Sequence[Hit[Symptom]]) -> bool:
    """Whether the note calls it well, too: "sleep is good" affirms no trouble with sleep."""
    near = reading.tokens[max(0, group[0].first - 3) : group[0].last + 4]
    return bool({token.text for token in near} & WELL)


def _neutral(reading: Reading, index: int, words: frozenset[str] = _NEUTRAL) -> bool:
    near = {token.text for token in reading.tokens[max(0, index - 8) : index + 4]}
    return bool(near & words)
