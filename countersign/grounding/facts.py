"""Decides whether the medications, doses, diagnoses, numbers and dates of a note were spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rapidfuzz import fuzz

from countersign.grounding.lexicons import Medication
from countersign.grounding.line import Doubt, Reading
from countersign.grounding.spoken import Session, Stand, Utterance
from countersign.grounding.words import (
    STOPWORDS,
    Hit,
    Quantity,
    Token,
    content,
    quantities,
    stem,
    tokenize,
)
from countersign.note import Severity

# Recognizers write "sirtraline": near enough that a human should look rather than be stopped.
_MISHEARD = 78
_MONTHS = dict(
    zip(
        """
        january february march april may june july august september october november
        december
    """.split(),
        range(1, 13),
        strict=True,
    )
) | {"jan": 1, "feb": 2, "apr": 4, "aug": 8, "sept": 9, "oct": 10, "nov": 11, "dec": 12}
_WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
_RELATIVE = frozenset("yesterday tomorrow".split())
_DATE = re.compile(
    r"\b(?P<m>\d{1,2})(?P<mark>[/-])(?P<d>\d{1,2})(?P=mark)(?P<y>\d{4}|\d{2})\b"
    r"|\b(?P<iy>\d{4})-(?P<im>\d{2})-(?P<id>\d{2})\b|\b(?P<om>\d{1,2})/(?P<oy>(?:19|20)\d{2})\b"
)
# "GAD-7" and "GAD score" name a questionnaire.
_SCORED = re.compile(r"-\d|\s+(?:score|scale|screen|questionnaire|inventory)", re.I)
# "C5-6": the names of vertebrae and their like hold no amounts.
_LEVEL = re.compile(r"\b[A-Z]\d+-$")
_FORMAL = re.compile(
    r"disorder|syndrome|disease|dependence|abuse|addiction|schizo|bipolar|autis|psycho|apnea"
    r"|cancer|carcinoma|sclerosis|epilep|dementia|anorexia|bulimia|phobia|mania|thymi|deficit"
)


def medications(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Blocks a drug that nobody named; a near-sounding word in the session makes it a review."""
    lexicons = session.lexicons
    hits = lexicons.medications.find(reading.tokens)
    for hit in hits:
        if hit.meaning.generic in session.medications:
            continue
        names = lexicons.drug_names[hit.meaning.generic]
        if _parts_named(hit, session):
            continue
        if _misheard(names, session):
            yield Doubt(
                hit.start,
                hit.end,
                "medication",
                Severity.REVIEW,
                "A similar-sounding word was said; check which medication was meant.",
            )
        else:
            yield Doubt(
                hit.start,
                hit.end,
                "medication",
                Severity.BLOCK,
                "Nobody named this medication in the session.",
            )
    known = {index for hit in hits for index in range(hit.first, hit.last)}
    for index, token in enumerate(reading.tokens):
        if index in known or token.text in session.words or stem(token.text) in session.stems:
            continue
        if _drug_like(token, session) or _before_dose(reading, index, session):
            names = frozenset({token.text})
            severity = Severity.REVIEW if _misheard(names, session) else Severity.BLOCK
            yield Doubt(
                token.start,
                token.end,
                "medication",
                severity,
                "This reads as a medication that nobody named in the session.",
            )


def _parts_named(hit: Hit[Medication], session: Session) -> bool:
    """A combination whose parts were each named, or a drug named within a combination."""
    parts = hit.meaning.generic.split("-")
    if len(parts) > 1 and any(part in session.medications for part in parts):
        return True
    return any(hit.meaning.generic in known.split("-") for known in session.medications)


def _misheard(names: frozenset[str], session: Session) -> bool:
    lexicons = session.lexicons
    for word in session.words:
        if len(word) < 5 or lexicons.medications.find(tokenize(word)):
            continue
        if any(fuzz.ratio(word, name) >= _MISHEARD for name in names if len(name) > 4):
            return True
    return False


def _drug_like(token: Token, session: Session) -> bool:
    word = token.text
    if len(word) < 7 or word in session.lexicons.not_drugs or word in STOPWORDS:
        return False
    return word.endswith(session.lexicons.drug_stems)


def _before_dose(reading: Reading, index: int, session: Session) -> bool:
    tokens = reading.tokens
    token = tokens[index]
    if token.text in STOPWORDS or (not token.raw[:1].isupper() and len(token.text) < 6):
        return False
    after = tokens[index + 1 : index + 3]
    return (
        len(after) == 2
        and not reading.text[token.end : after[0].start].strip()
        and after[0].text[0].isdecimal()
        and session.lexicons.dose_units.get(after[1].text) in {"mg", "mcg"}
        and not token.text.endswith(("ed", "ing", "ly", "es", "ose", "osage"))
        and index > 0
    )


def doses(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Blocks an amount nobody said; reviews one that was said of another medication."""
    lexicons = session.lexicons
    named = lexicons.medications.find(reading.tokens)
    for quantity in _quantities(reading, session, dose=True):
        if not quantity.exact:
            continue
        end = reading.tokens[quantity.last].end
        unit = lexicons.dose_units[reading.tokens[quantity.last].text]
        if unit == "dose-form" and quantity.value == 1:
            continue
        if not quantity.readings & session.exact_values:
            yield Doubt(
                quantity.start,
                end,
                "dose",
                Severity.BLOCK,
                "Nobody said this amount in the session.",
            )
            continue
        spoken_units = {
            lexicons.dose_units[u.tokens[q.last].text]
            for u, q in session.quantities
            if quantity.value in q.readings
            and q.last < len(u.tokens)
            and u.tokens[q.last].text in lexicons.dose_units
        }
        if spoken_units and unit not in spoken_units:
            yield Doubt(
                quantity.start,
                end,
                "dose",
                Severity.BLOCK,
                "The session gives this amount in another unit.",
            )
            continue
        drug = _nearest(named, quantity)
        places = session.medications.get(drug.meaning.generic, []) if drug else []
        if drug is None or not places:
            continue
        beside = {u.position + step for u, _ in places for step in (-2, -1, 0, 1, 2)}
        about = [
            u
            for u, q in session.quantities
            if quantity.value in q.readings
            and not q.unit
            and drug.meaning.generic in _drugs_near(u, session)
            and (u.position in beside or not _dosed(drug.meaning.generic, session))
        ]
        if not about:
            yield Doubt(
                quantity.start,
                end,
                "dose",
                Severity.REVIEW,
                "This amount was said, but not about this medication.",
            )
        elif _others(drug.meaning.generic, quantity.value, session):
            yield Doubt(
                quantity.start,
                end,
                "dose",
                Severity.REVIEW,
                "This amount was said of another medication.",
            )
    if named or any(True for _ in _quantities(reading, session, dose=True)):
        yield from _frequencies(reading, session)


def _nearest(hits: Sequence[Hit[Medication]], quantity: Quantity) -> Hit[Medication] | None:
    before = [hit for hit in hits if hit.last <= quantity.first]
    if before:
        return before[-1]
    after = [hit for hit in hits if hit.first >= quantity.last]
    return after[0] if after else None


def _drugs_near(utterance: Utterance, session: Session) -> set[str]:
    """The medications named last before the end of the utterance, and first after it."""
    here = utterance.position
    places = [(u.position, name) for name, found in session.medications.items() for u, _ in found]
    before = max((at for at, _ in places if at <= here), default=None)
    after = min((at for at, _ in places if at >= here), default=None)
    return {name for at, name in places if at in {before, after}}


def _dosed(generic: str, session: Session) -> bool:
    """Whether an utterance names the medication with an amount and its unit."""
    naming = {id(u) for u, _ in session.medications.get(generic, [])}
    return any(
        id(u) in naming and _counted(u.tokens, q, session) == "dose" for u, q in session.quantities
    )


def _others(generic: str, value: float, session: Session) -> bool:
    """Whether every utterance with the value names other medications, and never this one."""
    mine = {id(u) for u, _ in session.medications.get(generic, [])}
    others = {
        id(u) for name, places in session.medications.items() if name != generic for u, _ in places
    }
    holding = [id(u) for u, q in session.quantities if value in q.readings]
    return bool(holding) and all(place in others and place not in mine for place in holding)


def _frequencies(reading: Reading, session: Session) -> Iterator[Doubt]:
    said = {
        hit.meaning
        for u in session.utterances
        for hit in session.lexicons.frequencies.find(u.tokens)
    }
    for hit in session.lexicons.frequencies.find(reading.tokens):
        if hit.meaning in said or not reading.free(reading.tokens[hit.first]):
            continue
        if hit.meaning >= 2 and not (said == set() and float(hit.meaning) in session.values):
            severity = Severity.BLOCK if said else Severity.REVIEW
            yield Doubt(
                hit.start, hit.end, "dose", severity, "Nobody said that it is taken this often."
            )
        elif hit.meaning == 1 and said and hit.last - hit.first > 1:
            yield Doubt(
                hit.start,
                hit.end,
                "dose",
                Severity.REVIEW,
                "The session gives another number of times a day.",
            )


def diagnoses(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Blocks a diagnosis nobody named; reviews one that rests on lay words or on a relative."""
    seen: set[int] = set()
    for hit in session.lexicons.diagnoses.find(reading.tokens):
        if hit.start in seen or reading.negated[hit.first]:
            continue
        if _SCORED.match(reading.text, hit.end):
            continue
        same = [h for h in session.lexicons.diagnoses.find(reading.tokens) if h.start == hit.start]
        keys = [h.meaning.key for h in same]
        seen.add(hit.start)
        named = [s for key in keys for s in session.diagnoses.get(key, [])]
        named = [s for s in named if not _SCORED.match(s.utterance.turn.text, s.hit.end)]
        phrase = reading.text[hit.start : hit.end]
        if named:
            if all(s.kin for s in named) and not _about_kin(reading.tokens, hit.first):
                yield Doubt(
                    hit.start,
                    hit.end,
                    "diagnosis",
                    Severity.REVIEW,
                    "In the session this was said of somebody else.",
                )
            elif all(s.stand is Stand.DENIED and not s.kin for s in named):
                yield Doubt(
                    hit.start,
                    hit.end,
                    "diagnosis",
                    Severity.BLOCK,
                    "In the session this was denied.",
                )
            continue
        formal = bool(_FORMAL.search(phrase.lower())) or (phrase.isupper() and len(phrase) > 1)
        words = frozenset(stem(t.text) for t in content(tokenize(phrase)))
        if words and words <= session.stems and not formal:
            continue
        lay = [s for key in keys for s in session.lay_diagnoses.get(key, [])]
        if lay and not formal:
            continue
        if lay:
            yield Doubt(
                hit.start,
                hit.end,
                "diagnosis",
                Severity.REVIEW,
                "Only everyday words for this were said; no one named the diagnosis.",
            )
        else:
            yield Doubt(
                hit.start,
                hit.end,
                "diagnosis",
                Severity.BLOCK if any(h.meaning.code for h in same) else Severity.REVIEW,
                "Nobody named this diagnosis in the session.",
            )


_KIN = frozenset(
    """
        mother mom father dad brother sister son daughter husband wife partner aunt uncle
        cousin grandmother grandfather parents parent family familial friend sibling spouse
        maternal paternal
    """.split()
)


def _about_kin(tokens: Sequence[Token], index: int) -> bool:
    return any(token.text.removesuffix("'s") in _KIN for token in tokens)


_NAMED = frozenset(
    """
        phq gad covid pcl audit type b d c a1c hba1c t l omega vitamin grade stage figure
    """.split()
)


def _quantities(reading: Reading, session: Session, *, dose: bool) -> Iterator[Quantity]:
    for quantity in quantities(reading.tokens):
        after = reading.tokens[quantity.last : quantity.last + 1]
        is_dose = (
            bool(after)
            and after[0].text in session.lexicons.dose_units
            and (reading.text[quantity.end : after[0].start].strip(" -") == "")
        )
        if is_dose == dose:
            yield quantity


def numbers(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Blocks a number nobody said in any form; reviews one that was said with another unit."""
    taken = [(d.start, d.end) for d in _dates(reading.tokens, reading.text)]
    frequencies = session.lexicons.frequencies.find(reading.tokens)
    for quantity in _quantities(reading, session, dose=False):
        text = reading.text
        if any(start < quantity.end and quantity.start < end for start, end in taken):
            continue
        if any(h.first <= quantity.first < h.last for h in frequencies):
            continue
        before = reading.tokens[quantity.first - 1].text if quantity.first else ""
        glued = text[quantity.start - 1 : quantity.start] if quantity.start else ""
        if glued.isalpha() or (glued == "-" and _LEVEL.search(text[: quantity.start])):
            continue
        if quantity.value == 0 or (glued == "/" and quantity.value == 10):
            continue
        if text[quantity.end : quantity.end + 2].startswith("/") and glued == "-":
            continue
        if before in _NAMED and glued in {"-", " "}:
            continue
        word = reading.tokens[quantity.first].text
        if not quantity.exact and (
            word != "twice"
            and not (quantity.value >= 3 and word[-1] in "hd" and word not in {"third"})
        ):
            continue
        if word in {"one", "a", "an", "zero"} and not (quantity.unit and word == "one"):
            continue
        if text[: quantity.start].strip() == "" and text[quantity.end : quantity.end + 1] in ".)":
            continue
        said = [
            place
            for place in session.quantities
            if _same(quantity, place[1])
            and not _apart(_counted(reading.tokens, quantity, session), _counted_in(place, session))
        ]
        if not said:
            sure = quantity.exact and (word[0].isdecimal() or bool(quantity.unit))
            # A chart gives an age, whether or not it is spoken.
            sure = sure and not _AGE.match(text, quantity.end)
            loose = bool(quantity.readings & session.values)
            yield Doubt(
                quantity.start,
                quantity.end,
                "number",
                Severity.BLOCK if sure and not loose else Severity.REVIEW,
                "This number was said, but not of this." if loose else _UNSAID,
            )
        elif quantity.exact and (
            _otherwise(_counted(reading.tokens, quantity, session), said, quantity, session)
            or _elsewhere(quantity, said, reading, session)
        ):
            yield Doubt(
                quantity.start,
                quantity.end,
                "number",
                Severity.REVIEW,
                "This number was said, but not of this.",
            )


# "Three times" may be three attacks.
_EVENTS = frozenset("time attack episode visit hospitalization".split())
_UNSAID = "Nobody said this number in the session."
# Our own choices: what a number's surroundings count when they are of the next turn, how much of a
# sentence's weight they must hold to be about it, and how much less makes another number likelier.
_NEXT = 0.6
_ABOUT = 0.3
_LESS = 0.8


def _same(mine: Quantity, said: Quantity) -> bool:
    """Whether both are one number, or one length of time in other units, of the same thing."""
    units = {mine.unit, said.unit}
    if mine.readings & said.readings and (
        "" in units or len(units) == 1 or units <= _EVENTS or not mine.exact
    ):
        return True
    return mine.unit != said.unit and mine.lasts(said)


# Amounts of these are amounts of nothing else: three weeks are not three milligrams.
_MEASURES = frozenset("second minute hour day week month year dose rating".split())


def _counted(tokens: Sequence[Token], quantity: Quantity, session: Session) -> str:
    """What a number counts: its unit, `dose`, `rating`, or the stem of the plural after it."""
    following = tokens[quantity.last : quantity.last + 2]
    words = [token.text for token in following] or [""]
    before = [token.text for token in tokens[max(0, quantity.first - 2) : quantity.first]]
    if (
        words == ["out", "of"]
        or words[0] == "10"
        or (before == ["out", "of"] and quantity.value == 10)
    ):
        return "rating"
    if not following or following[0].start - quantity.end > 1:
        return quantity.unit
    if words[0] in session.lexicons.dose_units:
        return "dose"
    if quantity.unit or words[0] in STOPWORDS:
        return quantity.unit
    # "Two grown children": what is counted may stand behind a word that describes it.
    spaced = len(following) > 1 and following[1].start - following[0].end == 1
    return next((stem(word) for word in words[: 1 + spaced] if _plural(word)), "")


def _plural(word: str) -> bool:
    if word in {"children", "people", "women", "men"}:
        return True
    many = word.endswith("s") and not word.endswith(("ss", "us", "is", "'s"))
    return many and len(word) > 3 and word not in STOPWORDS


def _counted_in(place: tuple[Utterance, Quantity], session: Session) -> str:
    utterance, quantity = place
    return _counted(utterance.tokens, quantity, session)


def _apart(mine: str, said: str) -> bool:
    """Whether two numbers surely count different things, one of them a measure."""
    return bool(mine and said) and mine != said and bool({mine, said} & _MEASURES)


def _otherwise(
    mine: str, said: Sequence[tuple[Utterance, Quantity]], quantity: Quantity, session: Session
) -> bool:
    """Whether the number was only said of other things, and these in another number."""
    theirs = {_counted_in(place, session) for place in said}
    if not mine or mine in theirs or "" in theirs:
        return False
    if any(
        _counted_in(place, session) == mine and not _same(quantity, place[1])
        for place in session.quantities
    ):
        return True
    # The session has this word, but not where it says the number.
    near = {utterance.position + step for utterance, _ in said for step in (-1, 0, 1)}
    places = {at for at, spoken in enumerate(session.turn_stems) if mine in spoken}
    return bool(places) and not places & near


def _elsewhere(
    quantity: Quantity,
    said: Sequence[tuple[Utterance, Quantity]],
    reading: Reading,
    session: Session,
) -> bool:
    """Whether the session gives another such number where it speaks of the sentence's things."""
    if _AGE.match(reading.text, quantity.end):
        return not any(_aged(*place, session) for place in said)
    units = [
        unit
        for unit in reading.support.units(reading.tokens, 0, len(reading.tokens))
        if not quantity.first <= unit.first <= quantity.last
    ]
    if not units:
        return False
    near: dict[int, float] = {}
    for mention in reading.support.mentions(units, 0.01):
        position = mention.utterance.position
        near[position] = max(near.get(position, 0.0), mention.share)

    def about(utterance: Utterance) -> float:
        here = near.get(utterance.position, 0.0)
        beside = max(near.get(utterance.position + step, 0.0) for step in (-1, 1))
        far = max(near.get(utterance.position + step, 0.0) for step in (-2, 2))
        return max(here, _NEXT * beside, _NEXT * _NEXT * far)

    if not near:
        return False

    own = max(about(utterance) for utterance, _ in said)
    if len(units) >= 3 and own == 0.0:
        return True
    # A turn and the next that give two such numbers speak of one thing: "four, and now two".
    beside = {utterance.position + step for utterance, _ in said for step in (-1, 0, 1)}
    others = [
        about(utterance)
        for utterance, other in session.quantities
        if other.unit == quantity.unit
        and other.exact
        and not _same(quantity, other)
        and not (quantity.unit and own and utterance.position in beside)
    ]
    best = max(others, default=0.0)
    return bool(quantity.unit) and best >= _ABOUT and own < _LESS * best


_AGE = re.compile(r"[\s-]*(?:years?|yrs?|months?|y|mo)?[\s/-]*(?:olds?|o)\b", re.I)
_IS = frozenset("is was am are were i'm he's she's they're at when only just almost nearly".split())
_AGED = frozenset("old age aged turn turned turning birthday born".split())


def _aged(utterance: Utterance, said: Quantity, session: Session) -> bool:
    """Whether the utterance, or the turn before or after, speaks of somebody's age."""
    before = utterance.tokens[said.first - 1].text if said.first else ""
    if not said.unit and before in _IS:
        return True
    low = max(0, utterance.position - 1)
    turns = session.turns[low : utterance.position + 2]
    return any(_AGED & session.turn_words(turn) for turn in turns) or len(utterance.tokens) <= 3


class _Date:
    __slots__ = ("day", "end", "month", "relative", "start", "weekday", "year")

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.month = self.day = self.year = 0
        self.weekday = self.relative = ""


def _dates(tokens: Sequence[Token], text: str) -> tuple[_Date, ...]:
    found: list[_Date] = []
    for match in _DATE.finditer(text):
        date = _Date(*match.span())
        part = match.groupdict()
        date.month = int(part["m"] or part["im"] or part["om"])
        date.day = int(part["d"] or part["id"] or 0)
        date.year = int(part["y"] or part["iy"] or part["oy"])
        if date.year < 100:
            date.year += 2000 if date.year < 40 else 1900
        found.append(date)
    numbers = {q.first: q for q in quantities(tokens)}
    ends = {q.last: q for q in numbers.values()}
    for index, token in enumerate(tokens):
        if any(date.start <= token.start < date.end for date in found):
            continue
        word = token.text.removesuffix("'s")
        if token.surrogate == "DATE" or word in _RELATIVE:
            date = _Date(token.start, token.end)
            date.relative = token.raw if token.surrogate else word
            found.append(date)
        elif word.removesuffix("s") in _WEEKDAYS:
            date = _Date(token.start, token.end)
            date.weekday = word.removesuffix("s")
            found.append(date)
        elif word in _MONTHS:
            found.extend(_month(tokens, index, numbers, ends))
        elif re.fullmatch(r"(?:19|20)\d\d", token.text) and (
            index + 1 >= len(tokens) or tokens[index + 1].text not in {"mg", "mcg", "ml", "units"}
        ):
            date = _Date(token.start, token.end)
            date.year = int(token.text)
            found.append(date)
    return tuple(sorted(found, key=lambda date: date.start))


def _month(
    tokens: Sequence[Token], index: int, numbers: dict[int, Quantity], ends: dict[int, Quantity]
) -> Iterator[_Date]:
    token = tokens[index]
    date = _Date(token.start, token.end)
    date.month = _MONTHS[token.text.removesuffix("'s")]
    after = numbers.get(index + 1) or (
        numbers.get(index + 2)
        if index + 1 < len(tokens) and tokens[index + 1].text in {"the", "of"}
        else None
    )
    before = ends.get(index) or (
        ends.get(index - 1) if index and tokens[index - 1].text == "of" else None
    )
    adjacent = after or before
    lead = tokens[index - 1].text if index else ""
    named = token.raw[0].isupper() and lead in {"in", "of", "last", "since", "this", "by", "until"}
    if token.text in {"may", "march"} and not (adjacent or named):
        return
    for quantity in (before, after):
        if quantity is None or quantity.end - quantity.start == 0:
            continue
        if any(1 <= value <= 31 for value in quantity.readings) and not date.day:
            date.day = int(next(v for v in (quantity.value, *quantity.readings) if 1 <= v <= 31))
            date.start, date.end = min(date.start, quantity.start), max(date.end, quantity.end)
        elif 1900 <= quantity.value <= 2099:
            date.year = int(quantity.value)
            date.end = max(date.end, quantity.end)
    last = next((i for i in range(index, len(tokens)) if tokens[i].end >= date.end), index)
    following = numbers.get(last + 1)
    if following is not None and 1900 <= following.value <= 2099:
        date.year, date.end = int(following.value), following.end
    yield date


def dates(reading: Reading, session: Session) -> Iterator[Doubt]:
    """Blocks a date of which a part was not said; reviews "yesterday" and its like."""
    own = _dates(reading.tokens, reading.text)
    if not own:
        return
    said = [date for turn in session.turns for date in _dates(tokenize(turn.text), turn.text)]
    surrogates = {t.raw for u in session.utterances for t in u.tokens if t.surrogate}
    for date in own:
        if date.relative.startswith("["):
            if date.relative not in surrogates:
                yield Doubt(
                    date.start,
                    date.end,
                    "date",
                    Severity.BLOCK,
                    "This date does not stand in the session.",
                )
        elif date.relative:
            if date.relative not in session.words:
                yield Doubt(
                    date.start,
                    date.end,
                    "date",
                    Severity.REVIEW,
                    "Nobody said this day in the session.",
                )
        elif date.month and date.year and _dated(date, said) and not _year(date, session):
            yield Doubt(
                date.start, date.end, "date", Severity.REVIEW,
                "The day or month was said, but not this year.",
            )  # fmt: skip
        elif not _dated(date, said) or not _year(date, session):
            yield Doubt(
                date.start,
                date.end,
                "date",
                Severity.BLOCK if _contradicted(date, said) else Severity.REVIEW,
                "Nobody said this date in the session.",
            )


def _contradicted(date: _Date, said: Sequence[_Date]) -> bool:
    """Whether the date is whole, or the session gives others of its kind.

    Where it gives none, a part of a date may be of the chart.
    """
    return bool(date.year and date.month and date.day) or any(
        (date.month and other.month)
        or (date.weekday and other.weekday)
        or (not date.month and not date.weekday and other.year)
        for other in said
    )


def _year(date: _Date, session: Session) -> bool:
    years = {float(date.year), float(date.year % 100)}
    return not date.year or bool(years & session.values)


def _dated(date: _Date, said: Sequence[_Date]) -> bool:
    if date.weekday and not any(other.weekday == date.weekday for other in said):
        return False
    if not date.month:
        return True
    return any(
        other.month == date.month and (not date.day or other.day == date.day) for other in said
    )
