"""Decides which pieces of a session are clinical content, and why others are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from countersign.drafting.pieces import pieces, quoted
from countersign.drafting.setting import Heard, clinical
from countersign.grounding.lexicons import Lexicons
from countersign.grounding.spoken import Answer, answer, asks
from countersign.grounding.words import Token, content, quantities, stem, tokenize
from countersign.transcript import Role, Transcript, Turn

_BACKCHANNEL = re.compile(
    r"^(?:(?:mm-?hmm?|uh-?huh|mhm|yeah|yes|yep|no|nope|okay|ok|right|sure|got it|i see|exactly"
    r"|great|good|alright|all right|wow|oh|hmm"
    r"|absolutely|definitely|thank you|thanks|of course|perfect|cool|fine|true|that's right"
    r"|that makes sense|makes sense|sounds good|that sounds good|will do|um|uh|so|well"
    r"|and)[\s,.!?\u2026-]*)+$",
    re.I,
)
# A greeting of which only "morning" or a name is left to match: no word list can anchor it.
_GREETING = re.compile(
    r"(?:(?i:good )?(?i:morning|afternoon|evening|hi|hello|hey))[\s,]+"
    r"(?:(?i:dr|doctor|mr|mrs|ms|miss)\b\.?\s*)?"
    r"(?:\[[A-Z_]+_\d+\]|[A-Z]\w+|(?i:doc|doctor|everyone))?(?:\s+[A-Z]\w+)?[\s.!,]*"
)
# Questions that the recognizer ended with a full stop.
_POSES = re.compile(
    r"^(?:(?:and|so|but|okay|ok|now|well|then)[ ,]+)*(?:how (?:much|many|often|long|do|does|did|are"
    r"|is|was|were|would|have|has)|what (?:do|does|did|goes|went|would|happened|comes))\b",
    re.I,
)
# "I'd like you to rest, okay?" asks nothing.
_TAG = re.compile(r",\s*(?:okay|ok|all right|alright|you know)\s*\?$", re.I)
_OPEN = re.compile(r"\b(?:how|what|when|where|why|who|which|tell me|describe)\b", re.I)
_STRONG = frozenset(
    """
        harm symptom medication substance stressor goal homework intervention measure
        assessment
    """.split()
)
_CLINICIAN_CONTENT = frozenset("homework intervention assessment measure progress goal".split())
_ASKED_ABOUT = frozenset(
    "harm symptom medication substance stressor history goal progress measure".split()
)
# Surrogates of what tells one person from all others, or how to reach them.
_CONTACT = frozenset("PHONE FAX EMAIL SSN MRN HEALTH_PLAN ACCOUNT LICENSE".split())
_ASIDES = frozenset("identity_check scheduling logistics small_talk greeting".split())
# From which probability on a turn is at the session's matter, and below which it is chat.
_MATTER = 0.5
_CHAT = 0.3
# A piece with topics of this weight is clinical wherever it stands.
_PLAIN = 4.0
# What a remark without any word of the lists counts, and of how many words it must be.
_REMARK = 1.0
_REMARK_WORDS = 5
_TO_PATIENT = frozenset("you your you're you've yourself we we've we're we'll let's us".split())
_STEERS = frozenset(
    """
        bring follow notice let imagine take try close picture say tell write put name keep stay
    """.split()
)
# What is to be done until next time: by when, how often, or a request with "this week".
_TASK = re.compile(
    r"\b(?:this (?:coming )?week|for next (?:time|week)|before (?:we meet|next|our next|you come)"
    r"|(?:each|every|one|three|two|four|five) (?:day|night|morning|evening)s?"
    r"|between (?:now|sessions)"
    r"|until (?:next|we)|at home|bring (?:it|them|that) in|during the week|rather than after"
    r"|once a (?:day|week)|twice a (?:day|week))\b"
    r"|^(?:so|okay|ok|and|then|well|,|\s)*(?:please|pick|i'd (?:like|ask)|you'll|try)\b",
    re.I,
)
# How much an answer to the clinician's technique counts: as much as progress does.
_RESPONSE = 2.0


@dataclass(frozen=True)
class Piece:
    """A quotable stretch of a turn with its topics (name to weight) and, when unfit, the reason."""

    turn: Turn
    position: int
    start: int
    end: int
    tokens: tuple[Token, ...]
    topics: dict[str, float]
    score: float
    question: bool
    reason: str

    @property
    def text(self) -> str:
        return self.turn.text[self.start : self.end]

    @property
    def words(self) -> int:
        return len(self.text.split())

    @property
    def numbers(self) -> frozenset[float]:
        return frozenset(quantity.value for quantity in quantities(self.tokens))

    @property
    def stems(self) -> frozenset[str]:
        return frozenset(stem(token.text) for token in content(self.tokens))


@dataclass(frozen=True)
class Exchange:
    """A clinician's question and the patient's answer to it."""

    question: Piece
    reply: Piece
    said: Answer
    open: bool


def weigh(
    transcript: Transcript, lexicons: Lexicons
) -> tuple[tuple[Piece, ...], tuple[Exchange, ...]]:
    """Every piece of the session in order, and every clinical question with its answer."""
    found: list[Piece] = []
    exchanges: list[Exchange] = []
    before: tuple[Piece, ...] = ()
    matter = clinical([_heard(turn, lexicons) for turn in transcript.turns])
    for position, turn in enumerate(transcript.turns):
        asked = next((p for p in reversed(before) if p.question), None)
        if turn.role is Role.THERAPIST:
            asked = None
        technique = any("technique" in p.topics for p in before)
        here = tuple(
            _piece(turn, position, span, lexicons, asked, technique, matter[position])
            for span in pieces(turn.text)
        )
        if asked is not None and here and _asks_for(asked, here[0], lexicons):
            reply = _reply(asked, here, lexicons)
            opened = _OPEN.search(asked.text) is not None
            exchanges.append(Exchange(asked, reply, answer(reply.text), opened))
        before = here if turn.role is Role.THERAPIST else ()
        found.extend(here)
    return tuple(found), tuple(exchanges)


def _asks_for(asked: Piece, reply: Piece, lexicons: Lexicons) -> bool:
    """Whether question and answer belong together: a clinical one, or an answer empty without it.

    Not when the question itself prescribes, names a risk level or asks for consent.
    """
    if asked.reason in _ASIDES or _scoped(asked, lexicons):
        return False
    if asked.topics.keys() & _ASKED_ABOUT:
        return True
    empty = len(reply.tokens) <= 6 or not reply.topics.keys() - {"response"}
    return asked.reason == "clinician_question" and not reply.reason and empty


def _reply(asked: Piece, here: Sequence[Piece], lexicons: Lexicons) -> Piece:
    """The first sentence of a turn, with the next one where the first says next to nothing."""
    first = here[0]
    if len(here) < 2 or here[1].end - here[1].start >= 80:
        return first
    scored = "measure" in asked.topics and here[1].words <= 6 and bool(here[1].numbers)
    if first.words > 2 and not scored:
        return first
    return _build(first.turn, first.position, first.start, here[1].end, lexicons)


def _piece(
    turn: Turn,
    position: int,
    span: tuple[int, int],
    lexicons: Lexicons,
    asked: Piece | None,
    technique: bool,
    matter: float,
) -> Piece:
    piece = _build(turn, position, *span, lexicons)
    if turn.role is Role.THERAPIST and (topic := _says(piece, matter)):
        topics = {topic: _REMARK, **piece.topics}
        piece = replace(piece, topics=topics, score=piece.score + _REMARK)
    if technique and turn.role is Role.PATIENT:
        topics = {**piece.topics, "response": _RESPONSE}
        piece = replace(piece, topics=topics, score=piece.score + _RESPONSE)
    return replace(piece, reason=_reason(piece, lexicons, asked, matter))


def _heard(turn: Turn, lexicons: Lexicons) -> Heard:
    whole = _build(turn, 0, 0, len(turn.text), lexicons)
    return Heard(
        turn.role,
        turn.text,
        tuple(token.text for token in whole.tokens),
        sum(weight for topic, weight in whole.topics.items() if topic in _STRONG),
        len(lexicons.left_out.find(whole.tokens)),
        "harm" in whole.topics,
    )


def _says(piece: Piece, matter: float) -> str:
    """What a clinician's remark without a listed word is: a task, an intervention or nothing."""
    words = [token.text for token in piece.tokens]
    if piece.question or matter < _MATTER or len(words) < _REMARK_WORDS:
        return ""
    if _TASK.search(piece.text):
        return "homework"
    return "intervention" if _TO_PATIENT & set(words) or words[0] in _STEERS else ""


def _build(turn: Turn, position: int, start: int, end: int, lexicons: Lexicons) -> Piece:
    tokens = tuple(token for token in tokenize(turn.text[start:end]))
    moved = tuple(Token(t.text, t.raw, t.start + start, t.end + start) for t in tokens)
    topics: dict[str, float] = {}
    for hit in lexicons.topics.find(moved):
        topic = hit.meaning
        topics[topic.name] = topics.get(topic.name, topic.weight - 0.4) + 0.4
    if lexicons.medications.find(moved):
        topics["medication"] = topics.get("medication", 2.5) + 1.0
    if any(hit.meaning.safety for hit in lexicons.spoken.find(moved)):
        topics["harm"] = topics.get("harm", 5.0)
    words = len(tokens)
    score = sum(sorted(topics.values())[-3:])
    score += 0.3 if any(t.text in {"i", "my", "me", "i'm", "i've"} for t in tokens) else 0.0
    score -= 1.0 if words < 4 else 0.0
    score -= 1.2 * len(lexicons.left_out.find(moved))
    text = turn.text[start:end]
    question = _TAG.search(text) is None and (asks(text) or _POSES.match(text) is not None)
    return Piece(turn, position, start, end, moved, topics, score, question, "")


def _reason(piece: Piece, lexicons: Lexicons, answering: Piece | None, matter: float) -> str:
    text = piece.text
    strong = sum(weight for topic, weight in piece.topics.items() if topic in _STRONG)
    if _BACKCHANNEL.match(text):
        return "backchannel"
    if _identifies(piece, answering, strong):
        return "identity_check"
    if len(piece.tokens) <= 2 and strong < 2:
        return "backchannel"
    if _GREETING.fullmatch(text):
        return "greeting"
    if piece.turn.role is Role.THERAPIST and (rule := _forbidden(piece, lexicons)):
        return rule
    aside = [hit.meaning for hit in lexicons.left_out.find(piece.tokens)]
    harm = "harm" in piece.topics
    if aside and not harm:
        most = max(set(aside), key=lambda reason: (aside.count(reason), reason))
        limit = 2.0 * aside.count(most) + 1.0
        if strong < limit and not (most == "greeting" and strong >= 2 and len(piece.tokens) > 8):
            return most
    if not quoted(text):
        return "quotation_marks"
    if piece.turn.role is Role.THERAPIST and "technique" in piece.topics:
        return ""
    if piece.question:
        return "clinician_question" if piece.turn.role is Role.THERAPIST else "question"
    if piece.turn.role is Role.THERAPIST:
        return "" if piece.topics.keys() & _CLINICIAN_CONTENT else "clinician_talk"
    first = piece.start == next(pieces(piece.turn.text))[0]
    asked = first and answering is not None and answering.reason not in _ASIDES
    if "harm" in piece.topics or (asked and len(piece.tokens) >= 3):
        return ""
    if matter < _CHAT and strong < _PLAIN:
        return "small_talk"
    return "" if piece.topics or (matter >= _MATTER and len(piece.tokens) > 3) else "not_clinical"


def _identifies(piece: Piece, answering: Piece | None, strong: float) -> bool:
    """Whether it only says who somebody is, or answers a question that asks for no more."""
    if "harm" in piece.topics or strong >= 2:
        return False
    labels = {token.surrogate for token in piece.tokens}
    if labels & _CONTACT or ("PATIENT" in labels and "" not in labels):
        return True
    return answering is not None and answering.reason == "identity_check"


def _forbidden(piece: Piece, lexicons: Lexicons) -> str:
    found = _scoped(piece, lexicons)
    return "" if found == "prescription" and piece.question else found


def _scoped(piece: Piece, lexicons: Lexicons) -> str:
    drug = lexicons.medications.find(piece.tokens) or "medication" in piece.topics
    for hit in lexicons.scope.find(piece.tokens):
        if hit.meaning.code == "risk_level":
            return "risk_level"
        if hit.meaning.code == "prescription" and drug:
            return "prescription"
        if hit.meaning.kind == "consent":
            return "consent"
    return ""
