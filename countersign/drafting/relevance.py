"""Decides which pieces of a session are clinical content, and why others are left out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from countersign.drafting.pieces import pieces, trimmed
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
_OPEN = re.compile(r"\b(?:how|what|when|where|why|who|which|tell me|describe)\b", re.I)
_STRONG = frozenset(
    """
        harm symptom medication substance stressor goal homework intervention measure
        assessment
    """.split()
)
_CLINICIAN_CONTENT = frozenset("homework intervention assessment measure progress goal".split())
_ASKED_ABOUT = frozenset("harm symptom medication substance stressor history goal progress".split())


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
    asked: Piece | None = None
    for position, turn in enumerate(transcript.turns):
        here = [
            _piece(turn, position, start, end, lexicons, answering=asked if not index else None)
            for index, (start, end) in enumerate(pieces(turn.text))
        ]
        if asked is not None and here and turn.role is not Role.THERAPIST:
            reply = _reply(turn, position, here[0], lexicons)
            if reply is not None:
                said = answer(reply.text)
                opened = _OPEN.search(asked.text) is not None
                exchanges.append(Exchange(asked, reply, said, opened))
        questions = [p for p in here if p.question]
        clinical = bool(questions) and bool(questions[-1].topics.keys() & _ASKED_ABOUT)
        asked = questions[-1] if clinical and turn.role is Role.THERAPIST else None
        found.extend(here)
    return tuple(found), tuple(exchanges)


def _reply(turn: Turn, position: int, first: Piece, lexicons: Lexicons) -> Piece | None:
    low = next(iter(pieces(turn.text)))[0]
    start, end = trimmed(turn.text, low, first.end, keep_answer=True)
    nearby = next((e for s, e in pieces(turn.text) if s >= end and e - s < 80), None)
    if len(turn.text[start:end].split()) <= 2 and nearby is not None:
        gap = turn.text[end:nearby]
        if '"' not in gap and "\u201c" not in gap and "\n" not in gap:
            end = nearby
    if end <= start:
        return None
    return _build(turn, position, start, end, lexicons, "")


def _piece(
    turn: Turn, position: int, low: int, high: int, lexicons: Lexicons, *, answering: Piece | None
) -> Piece:
    start, end = trimmed(turn.text, low, high)
    while end > start + 1 and turn.text[end - 1] in ",;-\u2026:":
        end -= 1
    if end <= start:
        start, end = low, high
    piece = _build(turn, position, start, end, lexicons, "")
    return _build(turn, position, start, end, lexicons, _reason(piece, lexicons, answering))


def _build(
    turn: Turn, position: int, start: int, end: int, lexicons: Lexicons, reason: str
) -> Piece:
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
    question = asks(turn.text[start:end])
    return Piece(turn, position, start, end, moved, topics, score, question, reason)


def _reason(piece: Piece, lexicons: Lexicons, answering: Piece | None) -> str:
    text = piece.text
    strong = sum(weight for topic, weight in piece.topics.items() if topic in _STRONG)
    if _BACKCHANNEL.match(text) or (len(piece.tokens) <= 2 and strong < 2):
        return "backchannel"
    if piece.turn.role is Role.THERAPIST and (rule := _forbidden(piece, lexicons)):
        return rule
    aside = [hit.meaning for hit in lexicons.left_out.find(piece.tokens)]
    harm = "harm" in piece.topics
    if aside and not harm:
        most = max(set(aside), key=lambda reason: (aside.count(reason), reason))
        limit = 2.0 * aside.count(most) + 1.0
        if strong < limit and not (most == "greeting" and strong >= 2 and len(piece.tokens) > 8):
            return most
    if piece.question:
        return "clinician_question" if piece.turn.role is Role.THERAPIST else "question"
    if piece.turn.role is Role.THERAPIST:
        return "" if piece.topics.keys() & _CLINICIAN_CONTENT else "clinician_talk"
    if not piece.topics and not (answering is not None and len(piece.tokens) >= 3):
        return "not_clinical"
    return ""


def _forbidden(piece: Piece, lexicons: Lexicons) -> str:
    drug = lexicons.medications.find(piece.tokens) or "medication" in piece.topics
    for hit in lexicons.scope.find(piece.tokens):
        if hit.meaning.code == "risk_level":
            return "risk_level"
        if hit.meaning.code == "prescription" and drug and not piece.question:
            return "prescription"
        if hit.meaning.kind == "consent":
            return "consent"
    return ""
