"""Decides what counts as a word, a sentence, a number and a negation in spoken and written text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_TOKEN = re.compile(
    r"\[[A-Z][A-Z_]*_\d+\]"
    r"|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
    r"|[^\W\d_]+(?:['\u2019][^\W\d_]+)*"
)
_SURROGATE = re.compile(r"\[([A-Z][A-Z_]*)_\d+\]")
_ABBREVIATIONS = frozenset(
    """
        mr mrs ms dr prof st vs etc approx dept no e.g i.e b.i.d t.i.d q.i.d p.r.n a.m p.m
    """.split()
)
_BREAK = re.compile(r"[.!?]+[\"\u201d')\]]*(?=\s|$)|\s*\n+\s*(?:[\u2022*-]\s+)?|\s*\u2022\s*")

STOPWORDS = frozenset(
    """
        a an the and or but so if then than that this these those it its it's he she they
        them him her his hers their theirs we us our i i'm i've i'll i'd me my mine you your
        yours you're you've is are was were be been being am do does did done doing have has
        had having will would could should can may might must shall of in on at to for from
        with by about as into over under up down out off again there here when where who
        what which how why just also very really too quite some any each other such own same
        all both more most much many few because while during since until after before
        through between against further once now yes no not nor never none um uh er hmm like
        well okay ok oh yeah right know mean sort kind of thing things get got gets getting
        go goes going gone went let lets let's say says said tell told one still even lot
        bit though although however within per via s t ve re ll d m don patient client
        patient's client's doctor therapist clinician provider reports report reported
        states state stated notes noted denies denied describes described endorses endorsed
        mentions mentioned discussed discusses explained feels felt feel feeling currently
        today session sessions
    """.split()
)

_UNITS = dict(
    zip("zero one two three four five six seven eight nine".split(), range(10), strict=True)
)
_TEENS = dict(
    zip(
        """
        ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    """.split(),
        range(10, 20),
        strict=True,
    )
)
_TENS = dict(
    zip(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(),
        range(20, 100, 10),
        strict=True,
    )
)
_TENS["fourty"] = 40
_ORDINALS = dict(
    zip(
        """
        first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
    """.split(),
        range(1, 13),
        strict=True,
    )
)
_ORDINALS |= {"thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16}
_ORDINALS |= {"seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20}
_ORDINALS |= {"thirtieth": 30}
_SCALES = {"hundred": 100, "thousand": 1000}
# Words that stand for a number without being one; loose ones give every value people mean by them.
_IMPLIED: Mapping[str, tuple[float, ...]] = {
    "once": (1,), "twice": (2,), "thrice": (3,), "couple": (2,), "pair": (2,), "both": (2,),
    "few": (3, 4), "several": (3, 4, 5), "dozen": (12,), "half": (0.5, 30, 50),
    "quarter": (0.25, 15, 25), "daily": (1,), "nightly": (1,), "single": (1,), "double": (2,),
    "triple": (3,), "weekly": (1,), "biweekly": (2,), "monthly": (1,),
}  # fmt: skip

_TIME = {
    "second": "second", "sec": "second", "minute": "minute", "min": "minute", "hour": "hour",
    "hr": "hour", "day": "day", "night": "day", "week": "week", "wk": "week", "month": "month",
    "mo": "month", "year": "year", "yr": "year",
}  # fmt: skip
_DAYS = {
    "second": 1 / 86400, "minute": 1 / 1440, "hour": 1 / 24, "day": 1.0, "week": 7.0,
    "month": 30.4, "year": 365.0,
}  # fmt: skip
_COUNTED = frozenset(
    """
        percent pound kilo mile drink beer cigarette cup glass pack attack episode time
        point meal child kid sibling brother sister dollar degree inch foot hospitalization
        visit
    """.split()
)

# "Twice a week", "two this month": what these lead is when, not what is counted.
_NO_UNIT = frozenset("a per each every this last next".split())

NEGATIONS = frozenset(
    """
        no not never none without nothing nobody neither nor cannot can't don't doesn't
        didn't isn't aren't wasn't weren't haven't hasn't hadn't won't wouldn't couldn't
        shouldn't nope nah n't denies denied deny denying negative absent dont didnt isnt
        wasnt havent hasnt
    """.split()
)
CLAUSE_END = frozenset("but however although though except because whereas yet".split())
# After a comma these begin a clause of their own: "I'm not bored, I'm counting."
_BEGINS = frozenset("i i'm i've i'll i'd he he's she she's they they're we we're it's".split())
# Sounds that mean nothing. "Mm", "uh-huh" and "uh-uh" are none of them: they answer.
FILLERS = frozenset("um uh er erm hm hmm ah".split())
_POLARITY = frozenset("no nope nah not never really hardly barely maybe perhaps".split())


@dataclass(frozen=True, slots=True)
class Token:
    """One word or number: `text` is lower case, apostrophes straight; offsets are characters."""

    text: str
    raw: str
    start: int
    end: int

    @property
    def surrogate(self) -> str:
        """The label of a surrogate such as `[DATE_2]` (`DATE`), else nothing."""
        found = _SURROGATE.fullmatch(self.raw)
        return found.group(1) if found else ""


def tokenize(text: str) -> tuple[Token, ...]:
    """Words, numbers and surrogates of `text`, in order; punctuation is only ever between them."""
    return tuple(
        Token(match.group().lower().replace("\u2019", "'"), match.group(), *match.span())
        for match in _TOKEN.finditer(text)
    )


def sentence_spans(text: str) -> tuple[tuple[int, int], ...]:
    """`[start, end)` of each sentence; a line break ends one, `Dr.` and `2.5` do not."""
    spans: list[tuple[int, int]] = []
    start = 0
    for stop in _BREAK.finditer(text):
        before = text[start : stop.start()].split()
        if text[stop.end() :].lstrip()[:1].islower() and stop.group().rstrip()[-1:] in {
            '"',
            "\u201d",
            ")",
        }:
            continue
        if stop.group().startswith(".") and before:
            word = before[-1].lower().lstrip("(\"'\u201c")
            if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i"):
                continue
            if len(before) == 1 and word.isdecimal():
                continue
        _keep(text, start, stop.end(), spans)
        start = stop.end()
    _keep(text, start, len(text), spans)
    return tuple(spans)


def said_spans(text: str) -> tuple[tuple[int, int], ...]:
    """`[start, end)` of each stretch of speech that loses its meaning when it loses its beginning.

    Sentences, but together with the one before when they go on with it: in small letters, after an
    ellipsis, inside a quotation left open, or after a bare "No." or "Never.".
    """
    joined: list[tuple[int, int]] = []
    spans = sentence_spans(text)
    # Where no sentence begins with a capital, a small letter tells nothing.
    cased = any(text[start].isupper() for start, _ in spans)
    for start, end in spans:
        if joined and ((cased and text[start].islower()) or _goes_on(text, joined[-1], start)):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _goes_on(text: str, before: tuple[int, int], start: int) -> bool:
    said = text[before[0] : before[1]]
    if said.endswith(("...", "\u2026", ",", "-", "\u2013", "\u2014")):
        return True
    if said.count('"') % 2 and '"' in text[start:]:
        return True
    if said.count("\u201c") > said.count("\u201d") and "\u201d" in text[start:]:
        return True
    words = {token.text for token in tokenize(said)} - FILLERS
    return bool(words) and words <= _POLARITY


def _keep(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> None:
    while start < end and (text[start].isspace() or text[start] == "\u2022"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] == "\u2022"):
        end -= 1
    if any(character.isalnum() for character in text[start:end]):
        spans.append((start, end))


def stem(word: str) -> str:
    """A crude stem that puts inflections together: `sleeping`, `sleeps` and `sleep` are one."""
    word = word.removesuffix("'s").replace("'", "")
    if len(word) == 5 and word.endswith(("ies", "ied")):
        return word[:-3] + "y"
    for ending, least in (
        ("iness", 3), ("fulness", 3), ("ness", 4), ("ingly", 4), ("edly", 4), ("ies", 3),
        ("ied", 3),
        ("ing", 3), ("ety", 3), ("ious", 3), ("ation", 4), ("ions", 4), ("ion", 4), ("ive", 4),
        ("ers", 4), ("ed", 3), ("es", 3), ("er", 4), ("ly", 3), ("al", 4), ("s", 3), ("y", 3),
        ("e", 3),
    ):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) >= least:
            if ending == "s" and word.endswith(("ss", "us", "is")):
                break
            if ending == "y" and word[-2] in "aeou":
                break
            word = word[: -len(ending)]
            if ending in {"ing", "ed", "er", "ers"} and len(word) > 3 and word[-1] == word[-2]:
                word = word[:-1]
            if ending in {"ing", "ed", "s"} and len(word) > 4 and word[-1] == "y":
                word = word if word[-2] in "aeou" else word[:-1]
            break
    # "Pulled" lost an l above, and so does "pull".
    if len(word) > 3 and word[-1] == word[-2]:
        return word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def content(tokens: Iterable[Token]) -> tuple[Token, ...]:
    """The tokens that carry meaning of their own."""
    return tuple(t for t in tokens if t.text not in STOPWORDS and len(t.text) > 1)


def telling(token: Token) -> bool:
    """Whether negating this word turns a sentence round; "well" does, unlike most fillers."""
    return token.text == "well" or (token.text not in STOPWORDS and len(token.text) > 2)


def negated(tokens: Sequence[Token], text: str) -> tuple[bool, ...]:
    """For each token whether a negation before it in the same clause reaches it.

    A clause ends at `.;:?!`, at words such as "but", and ten words after the negation. An opening
    "No," answers a question and reaches nothing.
    """
    marks: list[bool] = []
    left = 0
    for index, token in enumerate(tokens):
        if index:
            between = text[tokens[index - 1].end : token.start]
            if any(mark in between for mark in ".;:?!"):
                left = 0
            if "," in between and token.text in _BEGINS:
                left = 0
        if token.text in CLAUSE_END:
            left = 0
        marks.append(left > 0)
        left = max(0, left - 1)
        if token.text in NEGATIONS and not _answers(tokens, index, text):
            left = 14 if token.text.startswith("den") else 10
    return tuple(marks)


def _answers(tokens: Sequence[Token], index: int, text: str) -> bool:
    token = tokens[index]
    return token.text in {"no", "nope", "nah"} and text[token.end : token.end + 1] in {
        ",",
        ".",
        ";",
    }


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as written or spoken; `readings` are all the values that its words may mean."""

    start: int
    end: int
    value: float
    readings: frozenset[float]
    unit: str
    first: int
    last: int
    exact: bool

    @property
    def days(self) -> float | None:
        """A length of time in days, so that two weeks and fourteen days are equal."""
        return self.value * _DAYS[self.unit] if self.unit in _DAYS else None

    def lasts(self, other: Quantity) -> bool:
        """Whether both are lengths of time and equal but for rounding."""
        mine, theirs = self.days, other.days
        return bool(mine and theirs and abs(mine - theirs) <= 0.1 * max(mine, theirs))


def quantities(tokens: Sequence[Token]) -> tuple[Quantity, ...]:
    """The numbers in `tokens`: digits or words such as "two and a half" and "twice"."""
    found: list[Quantity] = []
    index = 0
    while index < len(tokens):
        run = _run(tokens, index)
        if run == index:
            index += 1
            continue
        words = [token.text for token in tokens[index:run]]
        values, exact = _values(words)
        unit = _unit(tokens, run)
        found.append(
            Quantity(
                tokens[index].start, tokens[run - 1].end, values[0], frozenset(values), unit,
                index, run, exact,
            )
        )  # fmt: skip
        index = run
    return tuple(found)


def _is_number(word: str) -> bool:
    return (
        word[0].isdecimal() or word in _UNITS or word in _TEENS or word in _TENS or word in _SCALES
        or word in _ORDINALS
    )  # fmt: skip


def _run(tokens: Sequence[Token], index: int) -> int:
    word = tokens[index].text
    following = [token.text for token in tokens[index + 1 : index + 4]]
    if word in _IMPLIED:
        article = word in {"half", "quarter"} and following[:1] in (["a"], ["an"])
        return index + (2 if article and stem("".join(following[1:2])) in _TIME else 1)
    if word in {"a", "an"} and following and (
        following[0] in {"hundred", "thousand"} or stem(following[0]) in _TIME
        or following[0] in _TIME
    ):  # fmt: skip
        return index + 1 if following[0] not in _SCALES else _run(tokens, index + 1)
    if word[0].isdecimal():
        return index + 1
    if not _is_number(word):
        return index
    end = index + 1
    while end < len(tokens) and tokens[end].start - tokens[end - 1].end <= 1:
        here = tokens[end].text
        rest = [token.text for token in tokens[end + 1 : end + 3]]
        joined = _is_number(here) and not here[0].isdecimal()
        if joined and here in _ORDINALS and tokens[end - 1].text not in _TENS:
            break
        if (
            here == "and"
            and rest
            and ((tokens[end - 1].text in _SCALES and _is_number(rest[0])) or rest == ["a", "half"])
        ):
            end += 1
        elif here == "a" and rest[:1] == ["half"] and tokens[end - 1].text == "and":
            end += 2
        elif joined or (here in {"point", "oh"} and rest and rest[0] in _UNITS):
            end += 1
        else:
            break
    return end


def _values(words: list[str]) -> tuple[list[float], bool]:
    if words[0] in _IMPLIED:
        return list(_IMPLIED[words[0]]), False
    if words[0][0].isdecimal():
        return [float(words[0].replace(",", ""))], True
    if words in (["a"], ["an"]):
        return [1.0], False
    half = words[-2:] == ["a", "half"]
    if half:
        words = words[:-3]
    groups: list[float] = []
    current: float | None = None
    decimals = 0
    for word in words:
        if word in {"and", "a"}:
            continue
        if word == "point":
            decimals = 1
            continue
        if word in _SCALES:
            current = (current or 1) * _SCALES[word]
            continue
        value = _UNITS.get(word, _TEENS.get(word, _TENS.get(word, _ORDINALS.get(word, 0))))
        if decimals and current is not None:
            current += value / 10**decimals
            decimals += 1
        elif current is None:
            current = float(value)
        elif _fits(current, value):
            current += value
        else:
            groups.append(current)
            current = float(value)
    if current is not None:
        groups.append(current + (0.5 if half else 0))
    if len(groups) < 2:
        return groups or [0.5], words[-1] not in _ORDINALS
    joined = "".join(f"{int(group)}" for group in groups)
    return [float(joined), *groups], True


def _fits(current: float, value: int) -> bool:
    if current % 100 == 0 and current > 0:
        return value < 100
    return current % 10 == 0 and current % 100 >= 20 and 0 < value < 10


def _unit(tokens: Sequence[Token], index: int) -> str:
    if index < len(tokens) and tokens[index].text in _NO_UNIT:
        return ""
    for token in tokens[index : index + 2]:
        word = token.text.removesuffix("s")
        if word in _TIME:
            return _TIME[word]
        if word in _COUNTED:
            return word
    return ""


@dataclass(frozen=True, slots=True)
class Hit(Generic[T_co]):
    """A phrase found: tokens `[first, last)`, characters `[start, end)` and what it means."""

    first: int
    last: int
    start: int
    end: int
    meaning: T_co


class Phrases(Generic[T]):
    """Finds phrases of a word list in tokens; the longest phrase at a place wins.

    A phrase word that ends in `~` matches by its beginning, and `*` stands for one to three words.
    A phrase added with `exact_case` matches only in the letters it was added with.
    """

    def __init__(self) -> None:
        self._exact: dict[str, list[tuple[tuple[str, ...], tuple[str, ...] | None, list[T]]]] = {}
        self._prefix: dict[str, list[tuple[tuple[str, ...], tuple[str, ...] | None, list[T]]]] = {}

    def add(self, phrase: str, meaning: T, *, exact_case: bool = False) -> None:
        """Adds one phrase; one phrase may carry several meanings."""
        words: list[str] = []
        raws: list[str] = []
        for piece in phrase.split():
            if piece == "*":
                words.append("*")
                raws.append("*")
                continue
            tokens = tokenize(piece.rstrip("~"))
            words.extend(token.text for token in tokens)
            raws.extend(token.raw for token in tokens)
            if piece.endswith("~") and words:
                words[-1] += "~"
        if not words:
            raise ValueError(f"the phrase {phrase!r} holds no word")
        head = words[0]
        table = self._prefix if head.endswith("~") else self._exact
        key = head[:2] if head.endswith("~") else head
        entries = table.setdefault(key, [])
        case = tuple(raws) if exact_case else None
        for known, known_case, meanings in entries:
            if known == tuple(words) and known_case == case:
                if meaning not in meanings:
                    meanings.append(meaning)
                return
        entries.append((tuple(words), case, [meaning]))
        entries.sort(key=lambda entry: -len(entry[0]))

    def find(self, tokens: Sequence[Token]) -> tuple[Hit[T], ...]:
        """Every phrase in `tokens`, left to right, none overlapping another."""
        hits: list[Hit[T]] = []
        index = 0
        while index < len(tokens):
            best: tuple[int, list[T]] | None = None
            word = tokens[index].text
            for table, key in ((self._exact, word), (self._prefix, word[:2])):
                for words, case, meanings in table.get(key, ()):
                    last = _match(tokens, index, words, case)
                    if last is not None and (best is None or last > best[0]):
                        best = (last, meanings)
            if best is None:
                plain = word.removesuffix("'s").removesuffix("s")
                for words, case, meanings in self._exact.get(plain, ()) if plain != word else ():
                    if words == (plain,) and case is None and len(plain) > 3:
                        best = (index + 1, meanings)
            if best is None:
                index += 1
                continue
            last, meanings = best
            for meaning in meanings:
                hits.append(Hit(index, last, tokens[index].start, tokens[last - 1].end, meaning))
            index = last
        return tuple(hits)


def _match(
    tokens: Sequence[Token], index: int, words: tuple[str, ...], case: tuple[str, ...] | None
) -> int | None:
    at = index
    for position, word in enumerate(words):
        if word == "*":
            rest = words[position + 1 :]
            for skip in (1, 2, 3):
                last = _match(tokens, at + skip, rest, None)
                if last is not None:
                    return last
            return None
        if at >= len(tokens):
            return None
        token = tokens[at]
        if word.endswith("~"):
            if not token.text.startswith(word[:-1]) or len(token.text) > len(word) + 5:
                return None
        elif token.text != word:
            return None
        elif case is not None and token.raw != case[position]:
            return None
        at += 1
    return at
