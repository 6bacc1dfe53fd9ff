"""Decides where in a session the words of a note find support, and with which sign."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from countersign.grounding.lexicons import Lexicons
from countersign.grounding.spoken import SPEAKING, Answer, Session, Utterance, answer
from countersign.grounding.words import CLAUSE_END, NEGATIONS, STOPWORDS, Token, stem
from countersign.transcript import Role

# What ends something: "I stopped smoking" and "I'm off it" deny smoking as a "don't" does.
ENDINGS = frozenset(
    """
        stopped stop quit quitting quits ceased discontinued anymore gone resolved disappeared
        subsided away former formerly lack lacks lacking free refused refuses declined declines
        avoid
        avoids avoided avoiding unable cleared rid
    """.split()
)
_IT = frozenset("it that them those this they it's that's they're".split())
_BEFORE = re.compile(r"\b(?:did|was|were)(?:n[o'\u2019]?t| not)\b.*\bbefore\W*$", re.I | re.S)
_OMITTED = frozenset("forgot forget skipped".split())
# "Any trouble with sex?" - "No trouble there": to say it again names nothing.
_TROUBLE = frozenset(map(stem, "trouble problem problems issue issues".split()))
# Of these, the ones that leave no doubt: nothing of it is left.
_OVER = frozenset("stopped quit ceased discontinued gone resolved disappeared subsided".split())
# "I'm off it" ends it; "the color is off" does not.
_OFF = frozenset(
    "i'm am been got get came come he's she's weaned tapered taken took stayed".split()
)
# Said of a thing, these deny that anything is wrong with it.
WELL = frozenset(
    """
        fine good well normal okay ok clear stable great unremarkable negative intact healthy
        regular regularly perfect controlled better improved improving enough solid decent
        excellent wonderful fantastic
    """.split()
)
# Said of a thing, these affirm that something is wrong with it.
ILL = frozenset(
    """
        bad badly worse worst poor poorly terrible terribly awful abnormal horrible rough unwell
        uncontrolled unstable elevated trouble struggling
    """.split()
)
# "Okay, any fever?" judges nothing: such words judge what they are said of after one of these.
_JUDGES = frozenset(
    """
        is are was were been be doing feel feeling feels look looks looking sound sounds seem seems
        it's that's they're i'm he's she's become becomes became getting got gets going went
        sleeping eating working done pretty very really all so quite not n't isn't aren't wasn't
    """.split()
)
# As an answer these only say that somebody listens.
_HEARD = frozenset("okay ok well clear enough negative".split())
# Words too general to tell one statement from another.
_GENERAL = frozenset(
    """
        history significant recent current currently known prior previous previously past symptom
        symptoms issue issues problem problems concern concerns complaint complaints time times
        other others episode episodes evidence sign signs change changes difficulty difficulties
        experience experiences experienced experiencing change new ongoing active additional
        associated related take takes taking took use used uses using utilize utilizing need needs
        present presents presented presenting continue continues continued regarding due anything
        something nothing anyone today's additionally otherwise specific particular personal
        longer anymore still every each want wants wanted able make makes made come came comes
        having ms mr mrs year years old day days week weeks month months visit
        approximately roughly ago contributory noncontributory acute chronic
        statement mention mentions mentioned endorse endorses deny denying reporting stating
        stopped stop quit quitting ceased discontinued discontinue unable absent absence negative
        free without symptomatology no not never been
    """.split()
)

# "The teacher says he can't sit still" is not about the teacher.
_TELLING = frozenset(
    "says said say saying tells told thinks thought believes believed noticed claims".split()
)
_OPENING_NO = re.compile(
    r"(?:(?:um|uh|er|hmm|oh|well|so)[\s,.]+)*(?:no|nope|nah|never|not at all)"
    r"(?:\s*[,.;!]|\s+(?:i|he|she|we|they|it|not)\b|$)(?![\s,]*(?:yeah|yes)\b)",
    re.I,
)

# General words that still turn a sentence round where it has no others.
_PLAIN = frozenset("use used uses using take takes took come comes came".split())

_NEAR = 5
_LISTED = ("symptom:", "drug:", "diagnosis:")
# Long words with the same beginning are forms of one: "irritable" and "irritability".
_LONG = 8
_ROOT = 6


_GENERAL_STEMS = frozenset(map(stem, _GENERAL))
# Stems of people: a sentence is seldom about the relative whom it names.
KIN = frozenset(
    stem(word)
    for word in """
        mother mom father dad brother sister son daughter husband wife partner boyfriend girlfriend
        uncle aunt cousin friend roommate boss teacher kids children child parents family
    """.split()
)


@dataclass(frozen=True)
class Unit:
    """One thing a clause speaks of: `names` are the ways in which the session may name it."""

    first: int
    last: int
    names: tuple[frozenset[str], ...]

    @property
    def listed(self) -> bool:
        """Whether a lexicon knows it: as a symptom, a medication or a diagnosis."""
        return any(name.startswith(_LISTED) for way in self.names for name in way)


@dataclass(frozen=True)
class Mention:
    """An utterance that speaks of a clause's things; `share` is how much of their weight.

    `signs` holds True where it denies them, False where it affirms them, both where its words may
    mean either, and nothing where a question found no clear answer.
    """

    utterance: Utterance
    share: float
    signs: frozenset[bool]
    matched: int
    kin: bool


class Support:
    """The session's words by what they name, for all guards; read once per check."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._names = [names(u.tokens, session.lexicons) for u in session.utterances]
        self._where: dict[str, list[int]] = {}
        for index, spoken in enumerate(self._names):
            for name in spoken:
                self._where.setdefault(name, []).append(index)

    @cached_property
    def _ended(self) -> tuple[tuple[bool, ...], ...]:
        return tuple(_ended(u) for u in self.session.utterances)

    @cached_property
    def _judged(self) -> tuple[tuple[tuple[int, bool], ...], ...]:
        return tuple(
            (*judgements(u.tokens, u.negated), *self._answered(index))
            for index, u in enumerate(self.session.utterances)
        )

    def _answered(self, index: int) -> tuple[tuple[int, bool], ...]:
        """A judgement that answers a question in one word: "Sleep?" - "Solid. Eight hours."."""
        utterance, before = self.session.utterances[index], self.session.utterances[index - 1]
        if not index or not before.question or before.turn.id == utterance.turn.id:
            return ()
        words = [token.text for token in utterance.tokens]
        return ((0, True),) if len(words) == 1 and words[0] in WELL - _HEARD else ()

    def judged(self, units: Sequence[Unit]) -> frozenset[bool]:
        """How the session judges what `units` speak of: True for well, False for ill.

        In the utterances that speak of it and their neighbours; in all where there are no units.
        """
        near: set[int] = set()
        for mention in self.mentions(units, 0.01) if units else ():
            near |= {mention.utterance.position + step for step in (-1, 0, 1)}
        return frozenset(
            sign
            for index, utterance in enumerate(self.session.utterances)
            if not units or utterance.position in near
            for _, sign in self._judged[index]
        )

    def weight(self, unit: Unit) -> float:
        """How much a unit tells: one that is said in every sentence tells little."""
        said = [len(self._where.get(name, ())) for way in unit.names for name in way]
        weight = math.log(1 + len(self._names) / max(2, 1 + min(said, default=0)))
        return weight / 2 if any(way & KIN for way in unit.names) else weight

    def units(
        self, tokens: Sequence[Token], first: int, last: int, *, plainly: bool = False
    ) -> list[Unit]:
        """The things that tokens `[first, last)` speak of, general words left out.

        `plainly` keeps these, for a clause that has no others: "he has used".
        """
        units = _units(tokens, first, last, self.session.lexicons, plainly=plainly)
        return sorted(units, key=lambda unit: unit.first)

    def mentions(self, units: Sequence[Unit], least: float) -> list[Mention]:
        """Utterances that hold at least `least` of the units' weight, in the session's order."""
        total = sum(self.weight(unit) for unit in units)
        if not total:
            return []
        places: dict[int, list[Unit]] = {}
        for unit in units:
            found: set[int] = set()
            for way in unit.names:
                wheres = [set(self._where.get(name, ())) for name in way]
                found |= set.intersection(*wheres) if wheres else set()
            for index in found:
                places.setdefault(index, []).append(unit)
        mentions = []
        for index, matched in sorted(places.items()):
            share = sum(self.weight(unit) for unit in matched) / total
            if share >= least:
                mentions.append(
                    Mention(
                        self.session.utterances[index],
                        share,
                        self._signs(index, matched),
                        len(matched),
                        self._of_kin(index, matched),
                    )
                )
        return mentions

    def _of_kin(self, index: int, matched: Sequence[Unit]) -> bool:
        """Whether a relative is named before what the utterance says of the units."""
        spoken = self._names[index]
        places = [
            spoken[name]
            for unit in matched
            for way in unit.names
            for name in way
            if name in spoken and name not in KIN
        ]
        first = min(places, default=0)
        tokens = self.session.utterances[index].tokens
        return any(
            stem(token.text) in KIN
            and not any(t.text in _TELLING for t in tokens[index + 1 : min(index + 3, first)])
            for index, token in enumerate(tokens[:first])
            if index >= first - 5
        )

    def _replies(self, utterance: Utterance) -> list[int]:
        reply = self.session.reply(utterance)
        if reply is None:
            return []
        return [i for i, u in enumerate(self.session.utterances) if u.turn.id == reply.id]

    def _restated(self, utterance: Utterance, matched: Sequence[Unit]) -> set[bool] | None:
        """The sign of an answer that names things of its question; None when it names none.

        "Any vomiting or laxatives?" - "No laxatives. I threw up once." says nothing general.
        """
        index = self._index[id(utterance)]
        replies = self._replies(utterance)
        asked = {name for name in self._names[index] if not name.startswith("like:")}
        asked -= _TROUBLE
        if not any(asked & set(self._names[i]) for i in replies):
            return None
        signs: set[bool] = set()
        for i in replies:
            spoken = self._names[i]
            places = [
                min(spoken[name] for name in way)
                for unit in matched
                for way in unit.names
                if way and all(name in spoken for name in way)
            ]
            reply = self.session.utterances[i]
            signs |= {reply.negated[p] or _negated_after(reply, p) for p in places}
        # "Never. He hit my brother once" answers first, and then speaks of something else.
        if _OPENING_NO.match(self.session.utterances[replies[0]].turn.text):
            signs.add(True)
        return signs

    def _ends_it(self, utterance: Utterance) -> bool:
        """Whether the answer says that what was asked about has ended: "I stopped it in May"."""
        return any(
            (words & (ENDINGS | _OMITTED) or "off" in words) and words & _IT
            for words in (self.session.utterances[i].words for i in self._replies(utterance)[:2])
        )

    def _taken_back(self, index: int) -> bool:
        """Whether the next words of the turn deny it in short: "That he'd yell. He didn't."."""
        said, following = self.session.utterances[index], self.session.utterances[index + 1 :][:1]
        if said.question or not following or following[0].turn.id != said.turn.id:
            return False
        words = [token.text for token in following[0].tokens]
        if not 2 <= len(words) <= 4 or not set(words) <= STOPWORDS | NEGATIONS:
            return False
        whom = words[0].partition("'")[0]
        return words[-1] in NEGATIONS and any(
            token.text.partition("'")[0] == whom for token in said.tokens
        )

    @cached_property
    def _index(self) -> dict[int, int]:
        return {id(u): index for index, u in enumerate(self.session.utterances)}

    def _signs(self, index: int, matched: Sequence[Unit]) -> frozenset[bool]:
        utterance = self.session.utterances[index]
        spoken = self._names[index]
        places = [
            min(spoken[name] for name in way)
            for unit in matched
            for way in unit.names
            if way and all(name in spoken for name in way)
        ]
        # A name before a negation is no part of what is denied: "Mia won't talk to the aide".
        named = [p for p in places if p and utterance.tokens[p].raw[:1].isupper()]
        if len(set(places)) > len(named) and any(utterance.negated[p] for p in places):
            places = [p for p in places if p not in named]
        denied = [utterance.negated[p] or _negated_after(utterance, p) for p in places]
        signs = {any(denied)} if any(denied) == all(denied) else {True, False}
        if True in signs and any(_unspoken(utterance, p) for p in places):
            return frozenset()
        if self._taken_back(index):
            signs = {True}
        if signs == {True} and _BEFORE.search(utterance.text):
            # "I didn't drink before": that is over.
            signs = set()
        judged = self._judged[index]
        ended = any(self._ended[index][p] for p in places)
        if ended and not utterance.question and utterance.words & _OVER:
            signs = {True}
        elif (ended and signs != {True}) or any(
            sign and abs(place - p) <= _NEAR for p in places for place, sign in judged
        ):
            signs |= {True, False}
        if utterance.question:
            reply = self.session.reply(utterance)
            said = answer(reply.text) if reply is not None else Answer.UNCLEAR
            own = self._restated(utterance, matched)
            if own is not None:
                signs = own
            elif said is Answer.UNCLEAR:
                signs = {True} if reply is not None and self._ends_it(utterance) else set()
            elif said is Answer.NO:
                signs = {True}
            elif True in signs:
                signs = {True, False}
            else:
                several = sum(1 for token in utterance.tokens if token.text == "or")
                signs = {True, False} if several else {False}
        return frozenset(signs)


def judgements(tokens: Sequence[Token], negated: Sequence[bool]) -> tuple[tuple[int, bool], ...]:
    """Where something is called well (True) or ill (False); "not well" is ill."""
    found: list[tuple[int, bool]] = []
    for index, token in enumerate(tokens):
        before = {t.text for t in tokens[max(0, index - 2) : index]}
        if token.text in WELL and before & _JUDGES:
            found.append((index, not negated[index]))
        elif token.text in ILL:
            found.append((index, negated[index]))
    return tuple(found)


def _ended(utterance: Utterance) -> tuple[bool, ...]:
    """For each token whether a word that ends something stands up to six words from it."""
    tokens = utterance.tokens
    marks = [False] * len(tokens)
    for index, token in enumerate(tokens):
        before = tokens[index - 1].text if index else ""
        if token.text in ENDINGS or (token.text == "off" and before in _OFF):
            for step in range(index - 6, index + 7):
                if 0 <= step < len(tokens):
                    low, high = sorted((index, step))
                    if not any(t.text in CLAUSE_END for t in tokens[low:high]):
                        marks[step] = True
    return tuple(marks)


def _unspoken(utterance: Utterance, place: int) -> bool:
    """Whether what is denied is that somebody spoke of it."""
    before = utterance.tokens[max(0, place - 5) : place]
    return bool({token.text for token in before} & SPEAKING) and utterance.turn.role is (
        Role.THERAPIST
    )


def denied_after(tokens: Sequence[Token], text: str, place: int) -> bool:
    """Whether the verb of the token is denied: "the job is not going", "sleep hasn't come"."""
    for index in range(place + 1, min(place + 4, len(tokens))):
        token = tokens[index]
        gap = text[tokens[index - 1].end : token.start]
        if token.text in CLAUSE_END or token.text in {"and", "or"} or set(gap) & set(".,;:?!"):
            return False
        if token.text in {"not", "never", "n't"} or token.text.endswith("n't"):
            return True
    return False


def _negated_after(utterance: Utterance, place: int) -> bool:
    return denied_after(utterance.tokens, utterance.turn.text, place)


def names(tokens: Sequence[Token], lexicons: Lexicons) -> dict[str, int]:
    """What tokens name, with the first token that does: word stems, symptoms, drugs, diagnoses."""
    found: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token.text in _PLAIN:
            found.setdefault(stem(token.text), index)
        if _tells(token):
            found.setdefault(stem(token.text), index)
            if len(token.text) >= _LONG:
                found.setdefault(f"like:{token.text[:_ROOT]}", index)
    for symptom in lexicons.spoken.find(tokens):
        found.setdefault(f"symptom:{symptom.meaning.name}", symptom.first)
    for drug in lexicons.medications.find(tokens):
        found.setdefault(f"drug:{drug.meaning.generic}", drug.first)
    for illness in lexicons.lay_diagnoses.find(tokens):
        found.setdefault(f"diagnosis:{illness.meaning.key}", illness.first)
    return found


def _units(
    tokens: Sequence[Token], first: int, last: int, lexicons: Lexicons, *, plainly: bool
) -> Iterator[Unit]:
    inside = tokens[first:last]
    ways: dict[tuple[int, int], set[str]] = {}
    for symptom in lexicons.clinical.find(inside):
        ways.setdefault((symptom.first, symptom.last), set()).add(f"symptom:{symptom.meaning.name}")
    for drug in lexicons.medications.find(inside):
        ways.setdefault((drug.first, drug.last), set()).add(f"drug:{drug.meaning.generic}")
    for illness in lexicons.diagnoses.find(inside):
        ways.setdefault((illness.first, illness.last), set()).add(
            f"diagnosis:{illness.meaning.key}"
        )
    spans = sorted(ways, key=lambda span: (span[0] - span[1], span[0]))
    taken: set[int] = set()
    for low, high in spans:
        if any(index in taken for index in range(low, high)):
            continue
        taken.update(range(low, high))
        literal = frozenset(stem(t.text) for t in inside[low:high] if _tells(t))
        every = [frozenset({name}) for span in spans if span == (low, high) for name in ways[span]]
        yield Unit(first + low, first + high, (*every, *((literal,) if literal else ())))
    for index, token in enumerate(inside):
        if index not in taken and (_tells(token) or (plainly and token.text in _PLAIN)):
            ways_of = [frozenset({stem(token.text)})]
            if len(token.text) >= _LONG:
                ways_of.append(frozenset({f"like:{token.text[:_ROOT]}"}))
            yield Unit(first + index, first + index + 1, tuple(ways_of))


def _tells(token: Token) -> bool:
    return (
        len(token.text) > 2
        and token.text not in STOPWORDS
        and stem(token.text) not in _GENERAL_STEMS
        and token.text not in NEGATIONS
        and not token.text[0].isdecimal()
    )
