"""Decides what a session holds as evidence: who named, asked, affirmed or denied what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from countersign.grounding.lexicons import Diagnosis, Lexicons, Medication
from countersign.grounding.words import (
    Hit,
    Quantity,
    Token,
    content,
    negated,
    quantities,
    sentence_spans,
    stem,
    telling,
    tokenize,
)
from countersign.transcript import Role, Transcript, Turn


class Answer(StrEnum):
    """How a turn answers a yes-or-no question."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"


class Stand(StrEnum):
    """What the session says about one thing: affirmed, denied, or merely brought up."""

    AFFIRMED = "affirmed"
    DENIED = "denied"
    RAISED = "raised"


# "You haven't mentioned the drinking" denies no drinking.
SPEAKING = frozenset(
    """
        mention mentioned say said tell told talk talked ask asked know think sure remember notice
        noticed discuss discussed wonder mean
    """.split()
)
_AMOUNTS = frozenset("half quarter couple dozen pair".split())
_FILLERS = frozenset(
    """
        um uh er hmm mm well oh so okay ok like honestly actually i mean you know god gosh
        really
    """.split()
)
_NO = re.compile(
    r"(?:no|nope|nah|not|never|none|nothing|neither|mm-?mm|uh-?uh|nuh-?uh|absolutely not"
    r"|definitely not"
    r"|of course not|i do ?n[o']?t|i have ?n[o']?t|i'?m not|i am not|i did ?n[o']?t"
    r"|i would ?n[o']?t"
    r"|it is ?n't|it does ?n't|it did ?n't|they do ?n't|ca ?n't say i|hardly|i ca ?n't say"
    r"|not that"
    r"|(?:i|he|she|we|they|you|it|that|there)(?: (?:really|just|honestly))? (?:never|can ?not"
    r"|(?:is|are|was|were|do|does|did|ca|could|wo|would|should|has|have|had) ?n't"
    r"|(?:is|are|was|were|do|does|did|could|would|should|has|have|had) not)(?=[.,!;]|$))\b"
)
_YES = re.compile(
    r"(?:yes|yeah|yep|yup|yea|uh-?huh|mm-?hmm?|sure|definitely|absolutely|certainly|of course"
    r"|sometimes|often"
    r"|a little|a bit|kind of|i do|i have|i did|i am|i'?ve|it is|it does|it has|it did|always"
    r"|usually|correct|right|exactly"
    r"|unfortunately|occasionally|mostly|pretty much|every|most"
    r"|(?:he|she|we|they|it|that|there|i)(?: (?:really|still|usually|always))? (?:is|are|was|were"
    r"|does|do|did|can|could|will|would|has|have|had|am)(?=[.,!;]|$))\b"
)
_QUESTION = re.compile(
    r"^(?:(?:and|so|but|okay|ok|um|uh|now|alright|all right|well|then|also|let me ask"
    r"|tell me)[ ,]+)*"
    r"(?:do|does|did|are|is|was|were|have|has|had|can|could|would|will|any|how|what|when|where"
    r"|why|who|which"
    r"|tell me|ever|no (?:thoughts|other|history)|anything|has there|and what|and how"
    r"|you (?:haven't|don't|aren't))\b",
    re.I,
)
_FINE = frozenset(
    """
        fine good well better okay ok normal great improved improving healthy stable solid
        decent best regularly enough perfect
    """.split()
)
# "Sleeping" is no complaint by itself: it stands for one unless said to be going well.
_NEITHER_GOOD_NOR_BAD = frozenset(
    """
        sleep appetite weight energy concentration memory vision hearing sexual adherence
    """.split()
)
_KIN = frozenset(
    """
        mother mom mum father dad brother sister son daughter husband wife partner aunt
        uncle cousin grandmother grandfather grandma grandpa parents friend boyfriend
        girlfriend kids child children family roommate coworker boss neighbor niece nephew
        spouse sibling
    """.split()
)
_PLAIN_YES = frozenset(
    """
        yes yeah yep yup yea uh mm mhm definitely absolutely certainly of correct right
    """.split()
)
# With one of these in it a "no" may mean "not lately" and a "yes" may mean "in part".
_WAVERS = frozenset(
    """
        but except although though however unless until today tonight now anymore lately recently
        yet usually mostly sometimes really exactly think know guess suppose sure maybe perhaps
        probably hardly barely rarely only much if before used wish
    """.split()
)
_HYPOTHETICAL = frozenset("if might maybe wonder wondering whether could possibly suppose".split())


def answer(text: str) -> Answer:
    """What the opening of `text` answers to a yes-or-no question."""
    rest = text.lower().replace("\u2019", "'").strip()
    while True:
        first = re.match(r"([a-z'-]+)[\s,.;:!\u2026-]*", rest)
        if first is None or first.group(1) not in _FILLERS or _NO.match(rest):
            break
        if _YES.match(rest):
            break
        rest = rest[first.end() :]
    if re.match(r"(?:yeah|yes),? no\b", rest):
        return Answer.NO
    if re.match(r"no,? (?:yeah|yes|(?:i do|i have|i did|i am)\b(?! ?n[o']?t| not| never))", rest):
        return Answer.UNCLEAR
    if _NO.match(rest):
        return Answer.NO
    return Answer.YES if _YES.match(rest) else Answer.UNCLEAR


def plain(text: str) -> Answer:
    """The answer of `text` if it says yes or no in so many words and takes nothing back."""
    words = [token.text for token in tokenize(text)]
    if _WAVERS & set(words):
        return Answer.UNCLEAR
    said = answer(text)
    if said is Answer.YES:
        opening = next((word for word in words if word not in _FILLERS), "")
        return Answer.YES if opening in _PLAIN_YES else Answer.UNCLEAR
    return said


def asks(text: str) -> bool:
    """Whether a sentence is a question, by its mark or, unpunctuated, by its opening."""
    stripped = text.rstrip(" \"'\u201d)")
    return stripped.endswith("?") or (
        not stripped.endswith((".", "!")) and _QUESTION.match(stripped) is not None
    )


@dataclass(frozen=True)
class Utterance:
    """One sentence of one turn, analysed; token offsets are characters of the turn's text."""

    turn: Turn
    position: int
    start: int
    end: int
    question: bool
    tokens: tuple[Token, ...]
    negated: tuple[bool, ...]

    @property
    def text(self) -> str:
        return self.turn.text[self.start : self.end]

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(stem(token.text) for token in content(self.tokens))

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(token.text for token in self.tokens)


@dataclass(frozen=True)
class Statement:
    """That something stands in the session so, and where."""

    stand: Stand
    role: Role
    utterance: Utterance
    hit: Hit[object]
    kin: bool
    hypothetical: bool


class Session:
    """A transcript read once for all guards; use `Session.read`."""

    def __init__(self, transcript: Transcript, lexicons: Lexicons) -> None:
        self.transcript = transcript
        self.lexicons = lexicons
        self.utterances: tuple[Utterance, ...] = tuple(_utterances(transcript.turns))
        self.turns = transcript.turns

    @cached_property
    def asker(self) -> frozenset[Role]:
        """The roles whose words count as a clinician's."""
        return frozenset({Role.THERAPIST})

    @cached_property
    def medications(self) -> dict[str, list[tuple[Utterance, Hit[Medication]]]]:
        """Each generic with every place where it is named."""
        found: dict[str, list[tuple[Utterance, Hit[Medication]]]] = {}
        for utterance in self.utterances:
            for hit in self.lexicons.medications.find(utterance.tokens):
                found.setdefault(hit.meaning.generic, []).append((utterance, hit))
        return found

    @cached_property
    def diagnoses(self) -> dict[str, list[Statement]]:
        return self._statements("diagnoses")

    @cached_property
    def lay_diagnoses(self) -> dict[str, list[Statement]]:
        return self._statements("lay_diagnoses")

    @cached_property
    def symptoms(self) -> dict[str, list[Statement]]:
        return self._statements("spoken")

    def _statements(self, table: str) -> dict[str, list[Statement]]:
        found: dict[str, list[Statement]] = {}
        phrases = getattr(self.lexicons, table)
        for utterance in self.utterances:
            for hit in phrases.find(utterance.tokens):
                meaning = hit.meaning
                key = meaning.key if isinstance(meaning, Diagnosis) else meaning.name
                found.setdefault(key, []).append(self.statement(utterance, hit))
        return found

    def statement(self, utterance: Utterance, hit: Hit[object]) -> Statement:
        """How the thing named by `hit` stands, with the answer when it was a question."""
        before = [token.text for token in utterance.tokens[max(0, hit.first - 6) : hit.first]]
        return Statement(
            self._stand(utterance, hit),
            utterance.turn.role,
            utterance,
            hit,
            kin=any(word.removesuffix("'s") in _KIN for word in before),
            hypothetical=any(word in _HYPOTHETICAL for word in before),
        )

    def _stand(self, utterance: Utterance, hit: Hit[object]) -> Stand:
        negative = utterance.negated[hit.first]
        before = {token.text for token in utterance.tokens[max(0, hit.first - 5) : hit.first]}
        if negative and before & SPEAKING and utterance.turn.role is Role.THERAPIST:
            return Stand.RAISED
        if utterance.question:
            reply = self.reply(utterance)
            if reply is None:
                return Stand.RAISED
            said = answer(reply.text)
            if said is Answer.UNCLEAR:
                return Stand.RAISED
            if said is Answer.YES:
                several = len(self.lexicons.spoken.find(utterance.tokens)) > 1
                return Stand.RAISED if negative or several else Stand.AFFIRMED
            return Stand.DENIED
        near = utterance.tokens[max(0, hit.first - 4) : hit.last + 5]
        name = getattr(hit.meaning, "name", "")
        fine = name in _NEITHER_GOOD_NOR_BAD and any(token.text in _FINE for token in near)
        before = {token.text for token in utterance.tokens[max(0, hit.first - 1) : hit.first]}
        if "no" in before and name in _NEITHER_GOOD_NOR_BAD:
            # "No appetite" is the complaint itself.
            return Stand.AFFIRMED
        if negative:
            return Stand.AFFIRMED if fine else Stand.DENIED
        return Stand.DENIED if fine else Stand.AFFIRMED

    def reply(self, utterance: Utterance) -> Turn | None:
        """The turn that answers a question: the next one, by somebody else."""
        following = self.turns[utterance.position + 1 : utterance.position + 2]
        if not following or (
            following[0].speaker == utterance.turn.speaker
            and (following[0].role is utterance.turn.role)
        ):
            return None
        return following[0]

    @cached_property
    def signs(self) -> dict[tuple[str, str], set[bool]]:
        """For two word stems near one another, in order of the alphabet: said negated or not."""
        found: dict[tuple[str, str], set[bool]] = {}
        for utterance in self.utterances:
            flip: set[bool] = {False}
            if utterance.question:
                reply = self.reply(utterance)
                said = answer(reply.text) if reply is not None else Answer.UNCLEAR
                flip = {Answer.NO: {True}, Answer.YES: {False}, Answer.UNCLEAR: {True, False}}[said]
            words = [
                (stem(token.text), utterance.negated[index])
                for index, token in enumerate(utterance.tokens)
                if telling(token)
            ]
            for index, (one, sign) in enumerate(words):
                for two, other in words[index + 1 : index + 4]:
                    signs = found.setdefault((min(one, two), max(one, two)), set())
                    signs.update((sign or other) != turn for turn in flip)
        return found

    @cached_property
    def near_values(self) -> dict[float, frozenset[str]]:
        """For each number the word stems said in its turn, or in the turn before or after."""
        stems: dict[int, set[str]] = {}
        for utterance in self.utterances:
            for step in (-1, 0, 1):
                stems.setdefault(utterance.position + step, set()).update(utterance.stems)
        found: dict[float, set[str]] = {}
        for utterance, quantity in self.quantities:
            for value in quantity.readings:
                found.setdefault(value, set()).update(stems[utterance.position])
        return {value: frozenset(words) for value, words in found.items()}

    @cached_property
    def quantities(self) -> tuple[tuple[Utterance, Quantity], ...]:
        return tuple((u, q) for u in self.utterances for q in quantities(u.tokens))

    @cached_property
    def values(self) -> frozenset[float]:
        return frozenset(value for _, q in self.quantities for value in q.readings)

    @cached_property
    def exact_values(self) -> frozenset[float]:
        """The numbers that were said as amounts: "twice" and "daily" are none."""
        return frozenset(
            value
            for u, q in self.quantities
            if q.exact or u.tokens[q.first].text in _AMOUNTS
            for value in q.readings
        )

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(token.text for u in self.utterances for token in u.tokens)

    @cached_property
    def stems(self) -> frozenset[str]:
        return frozenset(stem(word) for word in self.words)

    @cached_property
    def turn_stems(self) -> tuple[frozenset[str], ...]:
        """The stems of each turn's words that carry meaning, by the turn's position."""
        found: list[set[str]] = [set() for _ in self.turns]
        for utterance in self.utterances:
            found[utterance.position] |= utterance.stems
        return tuple(frozenset(stems) for stems in found)

    @cached_property
    def confirmed(self) -> tuple[bool, ...]:
        """For each turn whether it asks something that the next speaker answered yes or no."""
        asked = {u.position for u in self.utterances if u.question}
        return tuple(
            position in asked
            and position + 1 < len(self.turns)
            and self.turns[position + 1].role is not Role.THERAPIST
            and answer(self.turns[position + 1].text) is not Answer.UNCLEAR
            for position in range(len(self.turns))
        )

    @cached_property
    def roles_known(self) -> bool:
        """Whether a clinician and somebody else are both known by their role."""
        roles = {turn.role for turn in self.turns}
        return Role.THERAPIST in roles and bool(roles & {Role.PATIENT, Role.OTHER})

    def turn_words(self, turn: Turn) -> frozenset[str]:
        """The words of a turn, each possessive without its ending."""
        return self._turn_words[turn.id]

    @cached_property
    def _turn_words(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {turn.id: set() for turn in self.turns}
        for utterance in self.utterances:
            found[utterance.turn.id] |= {word.removesuffix("'s") for word in utterance.words}
        return {turn: frozenset(words) for turn, words in found.items()}

    @cached_property
    def patient_stems(self) -> frozenset[str]:
        return self._stems_of({Role.PATIENT, Role.OTHER, Role.UNKNOWN})

    @cached_property
    def clinician_stems(self) -> frozenset[str]:
        return self._stems_of({Role.THERAPIST})

    def _stems_of(self, roles: Iterable[Role]) -> frozenset[str]:
        wanted = frozenset(roles)
        return frozenset(
            stem(token.text) for u in self.utterances if u.turn.role in wanted for token in u.tokens
        )

    def by(self, *roles: Role) -> tuple[Utterance, ...]:
        return tuple(u for u in self.utterances if u.turn.role in roles)


def _utterances(turns: Sequence[Turn]) -> Iterable[Utterance]:
    for position, turn in enumerate(turns):
        tokens = tokenize(turn.text)
        marks = negated(tokens, turn.text)
        for start, end in sentence_spans(turn.text):
            inside = [i for i, t in enumerate(tokens) if start <= t.start < end]
            yield Utterance(
                turn,
                position,
                start,
                end,
                asks(turn.text[start:end]),
                tuple(tokens[i] for i in inside),
                tuple(marks[i] for i in inside),
            )
