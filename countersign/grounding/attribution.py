"""Decides whether somebody who is named as the speaker of a note's sentence said it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from countersign.grounding.line import Doubt, Reading, Source
from countersign.grounding.spoken import Session
from countersign.grounding.support import KIN, Mention, Unit
from countersign.grounding.words import Token, stem, tokenize
from countersign.note import Severity
from countersign.transcript import Role, Turn

# Relatives and others by every word that a note and a session may use for them.
_SAME = (
    "mother mom mum mommy mama",
    "father dad daddy papa",
    "parent mother father mom dad",
    "wife spouse",
    "husband spouse",
    "partner boyfriend girlfriend husband wife fiance fiancee",
    "spouse husband wife partner",
    "sibling brother sister",
    "grandmother grandma nana",
    "grandfather grandpa",
    "child kid kids son daughter children",
    "family mother father mom dad parents brother sister wife husband",
)
# What a clinician does with words, and what a patient does.
_TELLS = frozenset(
    """
        recommends recommended recommend advises advised advise counsels counseled counselled
        instructs instructed educates educated prescribes prescribed orders ordered teaches taught
        assigns assigned reassures reassured encourages encouraged suggests suggested introduces
        introduced validates validated reflected explains explained asks asked offers offered
        proposes proposed provided discusses discussed told
    """.split()
)
_SPEAKS_OF_SELF = frozenset("reports reported".split())
# "The doctor reports that she has a history of diabetes": what is told so is of the teller.
_A_PATIENT = frozenset("history she he her his they their".split())
_STATES = frozenset("reports reported states stated notes noted describes described".split())
_WITH_PATIENT = re.compile(
    r"^\s*\w+\s+(?:[\w\s,]{0,60}\b(?:with|to)\s+)?(?:the\s+)?(?:patient|client|pt)\b", re.I
)
_THINKS = frozenset("thinks thought believes believed feels felt notes noted".split())
_ASKS = frozenset("asks asked inquires inquired questioned".split())
_ONLY_CLINICIANS = frozenset(
    """
        advises advised advise counsels counseled counselled instructs instructed educates educated
        prescribes prescribed assigns assigned reassures reassured
    """.split()
)
_ONLY_PATIENTS = frozenset(
    """
        denies denied endorses endorsed complains complained admits admitted discloses disclosed
    """.split()
)
_KIN = frozenset("mother mom mum father dad wife husband sister brother grandmother".split())
_SAYS = frozenset(
    """
        says said say saying tells told tell thinks thought think believes believed noticed notices
        notice wants wanted asks asked keeps kept complains complained worries worried mentioned
        mentions insists insisted swears claims claimed feels felt saw sees heard hears yells
        yelled calls called writes wrote texted warned suggested joked like goes
    """.split()
)
_REPORTS = frozenset("says said thinks thought believes believed noticed calls swears".split())
# Our own choice: shares of a sentence's weight that one utterance must hold.
_HEARD = 0.2
_MOSTLY = 0.5
_NEARLY = 0.8
_WHOLLY = 0.9


def speakers(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Reviews a statement given to one person that only another made.

    Blocks one given to a relative who neither spoke nor was ever spoken of.
    """
    yield from _strangers(reading, session)
    yield from _another(reading, session)
    for source in reading.sources:
        if any(q.turns and reading.source_of(q) == source for q in reading.quotations):
            continue
        if source.asks:
            continue
        doubt = _doubt(source, reading, session)
        if doubt is not None:
            yield doubt


_CLOSE = frozenset(
    """
        mother father sister brother husband wife daughter son aunt uncle grandmother grandfather
        girlfriend boyfriend cousin niece nephew stepmother stepfather fiance fiancee
    """.split()
)
# A session that speaks of "my kids" speaks of a son, one of "my parents" of a father.
_IMPLIED = {
    "mother": "parent parents", "father": "parent parents", "sister": "sibling siblings twin",
    "brother": "sibling siblings twin", "husband": "married marriage", "wife": "married marriage",
    "daughter": "kid kids child children girl baby", "son": "kid kids child children boy baby",
}  # fmt: skip
_OWN = frozenset("son daughter child kid baby boy girl kids children".split())


def _strangers(reading: Reading, session: Session) -> Iterator[Doubt]:
    """A relative whom nobody named, where the session names others or he is all it is about."""
    kindred = bool(session.words & (_CLOSE | _KIN))
    for place, token in enumerate(reading.tokens):
        word = token.text.removesuffix("'s")
        if word not in _CLOSE or not reading.free(token) or not (kindred or place == 1):
            continue
        if any(s.start <= token.start < s.end for s in reading.sources):
            continue
        # Where somebody speaks of "my son", the mother may be the one who speaks.
        if session.words & _OWN and word not in _OWN:
            continue
        known = _words(word) | set(_IMPLIED.get(word, "").split())
        if not known & {w.removesuffix("'s") for w in session.words}:
            yield Doubt(
                token.start, token.end, "speaker", Severity.REVIEW,
                "The session speaks of another relative, and not of this one.",
            )  # fmt: skip


_SELF = re.compile(r"^\s*(?:the\s+)?(?:patient|client|pt)\b(?!['\u2019])", re.I)
_THEIRS = re.compile(
    r"^\s*(?:his|her|their|the|(?:the\s+)?(?:patient|client|pt)['\u2019]s)?\s*"
    r"(?:mother|father|wife|husband|partner|spouse|sister|brother|son|daughter|boyfriend|girlfriend"
    r"|roommate|friend|boss|fianc[e\u00e9]e?)\b(?!['\u2019])",
    re.I,
)
_ANYONE = frozenset("partner spouse friend boyfriend girlfriend coworker roommate boss".split())
_FIRST = frozenset("i i'm i've i'll i'd we we're we've we'd".split())
_THIRD = frozenset("he he's he'd he'll she she's she'd she'll they they're they've".split())


def _another(reading: Reading, session: Session) -> Iterator[Doubt]:
    """What is said of the patient and was only said of another, or conversely."""
    own = _SELF.match(reading.text)
    subject = own or _THEIRS.match(reading.text)
    if subject is None or any(s.start < subject.end() for s in reading.sources):
        return
    first = next((i for i, t in enumerate(reading.tokens) if t.start >= subject.end()), 0)
    last = next(
        (
            i
            for i in range(first + 1, len(reading.tokens))
            if set(reading.text[reading.tokens[i - 1].end : reading.tokens[i].start]) & set(",;:.")
            or reading.tokens[i].text in {"and", "but", "because", "while", "when"}
        ),
        len(reading.tokens),
    )
    if not first or any(_kinsman(token) for token in reading.tokens[first:last]):
        return
    units = reading.support.units(reading.tokens, first, last)
    mentions = reading.support.mentions(units, _MOSTLY)
    best = max((mention.share for mention in mentions), default=0.0)
    told = [_of_self(m, units) for m in mentions if m.share >= _NEARLY * best]
    if told and all(of is (own is None) for of in told):
        start = subject.start() + len(subject.group()) - len(subject.group().lstrip())
        yield Doubt(
            start, subject.end(), "speaker", Severity.REVIEW,
            "The session says this of somebody else.",
        )  # fmt: skip


def _of_self(mention: Mention, units: Sequence[Unit]) -> bool | None:
    """Whether a patient's utterance says it of the speaker; None where that is not plain."""
    utterance = mention.utterance
    if utterance.turn.role not in {Role.PATIENT, Role.OTHER} or utterance.question:
        return None
    patient = utterance.turn.role is Role.PATIENT
    wanted = {name for unit in units for way in unit.names for name in way}
    place = next((i for i, t in enumerate(utterance.tokens) if stem(t.text) in wanted), None)
    for token in reversed(utterance.tokens[: place or 0]):
        if token.text in _FIRST:
            return patient
        if token.text in _THIRD or _kinsman(token):
            return False if patient else None
    return None


def _kinsman(token: Token) -> bool:
    return stem(token.text) in KIN


def _doubt(source: Source, reading: Reading, session: Session) -> Doubt | None:
    others = [other.start for other in reading.sources if other.start > source.start]
    end = min(others, default=len(reading.text))
    inside = [i for i, t in enumerate(reading.tokens) if source.end <= t.start < end]
    if not inside:
        return None
    first = [reading.tokens[i].text for i in inside[:4]]
    verb = next((word for word in first if word in _VERBS), "")
    units = reading.support.units(reading.tokens, inside[0], inside[-1] + 1)
    units = [u for u in units if reading.tokens[u.first].text not in _VERBS]
    if source.role is Role.OTHER:
        return _relative(source, units, reading, session) if source.kin else None
    if not session.roles_known:
        return None
    following = first[first.index(verb) + 1 :] if verb else []
    if source.role is Role.PATIENT and verb in _TELLS:
        # "The patient counseled the patient": nobody does this to himself.
        told = {reading.tokens[i].text for i in inside[:8]} & {"patient", "client", "pt"}
        if told and _WITH_PATIENT.search(reading.text[source.end :]):
            return _other_said(source)
    if source.role is Role.THERAPIST and verb in _SPEAKS_OF_SELF and set(following) & _A_PATIENT:
        return _other_said(source)
    if source.role is Role.THERAPIST and verb in _STATES and following[:1]:
        # "The clinician reports taking lithium" is said of oneself.
        if following[0].endswith("ing") and following[0] not in {"during", "being"}:
            return _other_said(source)
    own, other = _shares(source.role, units, reading, session, asked=verb in _ASKS)
    if source.role is Role.THERAPIST:
        wrong = verb in _ONLY_PATIENTS or (
            verb not in _TELLS and other >= _HEARD and own < _likelier(verb) * other
        )
        wrong = wrong or (verb in _TELLS and other >= _MOSTLY and own <= 0.5 * other)
    elif verb in _TELLS:
        wrong = own <= other if verb in _ONLY_CLINICIANS else other >= _HEARD and own < other
    else:
        wrong = len(units) >= 3 and other >= _MOSTLY and own <= 0.6 * other
        wrong = wrong or (len(units) == 2 and other >= _WHOLLY and own == 0.0)
    return _other_said(source) if wrong else None


def _likelier(verb: str) -> float:
    """How much more of it a clinician must have said than a patient to be the one who did."""
    return 1.6 if verb in {"states", "stated"} else 1 if verb in _THINKS else 1.1


def _other_said(source: Source) -> Doubt:
    return Doubt(
        source.start, source.end, "speaker", Severity.REVIEW, "The other speaker said this."
    )


_VERBS = _TELLS | _ONLY_PATIENTS | frozenset(
    """
        reports reported states stated says said notes noted shares shared describes described
        mentions mentioned expresses expressed acknowledges acknowledged feels felt believes
        believed thinks thought adds added agrees agreed confirms confirmed
    """.split()
)  # fmt: skip


def _shares(
    role: Role, units: Sequence[Unit], reading: Reading, session: Session, *, asked: bool
) -> tuple[float, float]:
    """The largest share of the units' weight in one exchange of `role`, and of the other role.

    What a clinician asked and the patient answered is the patient's, and not the clinician's.
    """
    own = other = 0.0
    for mention in reading.support.mentions(units, 0.01):
        utterance = mention.utterance
        speaker = utterance.turn.role
        if asked:
            pass
        elif speaker is Role.THERAPIST and utterance.question:
            speaker = Role.PATIENT if session.confirmed[utterance.position] else Role.UNKNOWN
        elif speaker is Role.THERAPIST and session.confirmed[utterance.position]:
            if role is Role.PATIENT:
                speaker = Role.PATIENT
        elif speaker is Role.OTHER:
            speaker = Role.PATIENT
        if speaker is role:
            own = max(own, mention.share)
        elif speaker is not Role.UNKNOWN:
            other = max(other, mention.share)
    return own, other


def relative_spoke(kin: str, turns: Sequence[Turn], session: Session) -> bool:
    """Whether one of `turns` is another speaker's, or speaks of the relative."""
    words = _words(kin)
    return any(
        turn.role in {Role.OTHER, Role.UNKNOWN} or words & session.turn_words(turn)
        for turn in turns
    )


def _words(kin: str) -> frozenset[str]:
    for line in _SAME:
        same = line.split()
        if kin.removesuffix("s") == same[0]:
            return frozenset({*same, *(word + "s" for word in same)})
    return frozenset({kin, kin.removesuffix("s"), kin + "s"})


def _says(words: frozenset[str], turn: Turn, *, spoken_of: bool) -> bool:
    """Whether the turn tells what the relative says or notices: "my wife says"."""
    tokens = [token.text.removesuffix("'s") for token in tokenize(turn.text)]
    if spoken_of and any(
        first in {"he", "she", "they"} and then in _REPORTS for first, then in pairwise(tokens)
    ):
        return True
    return any(
        word in words and (_SAYS & set(tokens[at + 1 : at + 5]) or "to" in tokens[at - 2 : at])
        for at, word in enumerate(tokens)
    )


def _relative(
    source: Source, units: Sequence[Unit], reading: Reading, session: Session
) -> Doubt | None:
    words = _words(source.kin)
    if source.kin in _ANYONE and not words & session.words:
        # "She wants to separate": whom the session never names is still spoken of.
        words |= _THIRD & session.words
    strangers = any(turn.role in {Role.OTHER, Role.UNKNOWN} for turn in session.turns)
    if not strangers and not words & session.words:
        return Doubt(
            source.start, source.end, "speaker", Severity.BLOCK,
            "This person neither spoke nor was spoken of in the session.",
        )  # fmt: skip
    others = session.words & _KIN
    if strangers and not words & session.words and others:
        return Doubt(
            source.start, source.end, "speaker", Severity.REVIEW,
            "The session speaks of another relative, and not of this one.",
        )  # fmt: skip
    mentions = reading.support.mentions(units, _HEARD)
    best = max((mention.share for mention in mentions), default=0.0)
    for mention in mentions:
        turn = mention.utterance.turn
        if mention.share < 0.6 * best:
            continue
        at = mention.utterance.position
        before = session.turns[max(0, at - 3) : at + 1]
        spoken_of = any(words & session.turn_words(near) for near in before)
        if turn.role in {Role.OTHER, Role.UNKNOWN} or _says(words, turn, spoken_of=spoken_of):
            return None
    return Doubt(
        source.start, source.end, "speaker", Severity.REVIEW,
        "In the session somebody else said this.",
    )  # fmt: skip
