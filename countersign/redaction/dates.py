"""Decides which words of a text are a date, or an age that the rule counts as one."""

from __future__ import annotations

from collections.abc import Iterator

from countersign.redaction import spoken
from countersign.redaction.mark import DATED, Mark, mark_of
from countersign.redaction.policy import CLOSED, Policy
from countersign.redaction.text import Document

_ABBREVIATED = frozenset(
    {"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"}
)
# After "on the second", these show a date and not a thing that is being counted.
_AFTER_DAY = frozenset(
    """at and for but so because cause i we he she they is was its im which since when if or then
    around in right before after until that with thats instead my until""".split()
)
_COUNTED = frozenset(
    "of one time week day night month year job house side place birthday s".split()
)
_BEFORE_DAY = frozenset({"on", "by", "until", "till", "since"})
_BEFORE_LATE_DAY = _BEFORE_DAY | {
    "for",
    "to",
    "is",
    "s",
    "was",
    "its",
    "from",
    "before",
    "after",
    "of",
    "around",
}
_AGE_BEFORE = frozenset(
    """is s not was turned turning turns be hes shes aged age almost nearly at to just im reached
    hit are theyre whos""".split()
)
# What asks for a date said in numbers, just before it or within four words.
_ASKS_DATE = frozenset(
    """on of dated is was since by from until till before after through thru to date born
    effective""".split()
)
_DATED = frozenset("birth birthday born birthdate dob date dated".split())
_TOLD = frozenset(
    """note notes visit session letter report admission admitted discharge discharged evaluation
    appointment assessment seen dated last labs fill filled refill draw entry encounter
    intake""".split()
)
# `on two ten` after these is what somebody takes.
_TAKING = frozenset(
    """im hes shes theyre am is are was were been be me him her them us you patient started start
    stay stayed keep kept put remains maintained currently now still already""".split()
)
_NUMERIC = frozenset({*spoken.ONES, *spoken.TEENS, *spoken.TENS})
_PARTS_OF_WEEK = frozenset({"weekend", "morning", "night", "evening", "afternoon"})
_BETWEEN = frozenset({"or", "and", "through", "thru", "to", "until", "till"})
# A high ordinal before one of these counts things, not days.
_ORDERED = frozenset(
    """floor street avenue st ave century amendment grade birthday anniversary percentile chapter
    president session sessions visit attempt reunion edition hour week time times year day step
    trimester place inning round person one lap mile draft hole verse psalm infantry regiment
    precinct district ward""".split()
)
_TURNING = frozenset({"turned", "turning", "turns"})
_DIED = frozenset({"passed", "died", "gone", "away", "dead", "buried"})
_AGE_AFTER = frozenset({"year", "years", "yr", "yrs", "yo", "y"})


def find(document: Document, policy: Policy) -> Iterator[Mark]:
    """Every date more exact than a year, and every age of the policy's limit and over."""
    words = document.words
    index = 0
    size = len(words)
    while index < size:
        word = words[index]
        if word in spoken.MONTHS:
            found = _month(document, index, policy)
            if found is not None:
                first, last = found
                first = _weekday(document, first)
                yield mark_of(
                    document, document.starts[first], document.ends[last - 1], "DATE", DATED
                )
                index = max(last, index + 1)
                continue
        elif word in policy.holidays:
            for phrase in policy.holidays[word]:
                if tuple(words[index : index + len(phrase)]) == phrase:
                    last = index + len(phrase)
                    if document.word(index - 1) in policy.before_holiday:
                        end = spoken.year(document, last) or last
                        yield mark_of(
                            document, document.starts[index], document.ends[end - 1], "DATE", DATED
                        )
                    index = last - 1
                    break
        elif word == "the":
            found_day = _ordinals(document, index) or _bare_day(document, index, policy)
            if found_day is not None:
                first, last = found_day
                first = _weekday(document, first)
                yield mark_of(
                    document, document.starts[first], document.ends[last - 1], "DATE", DATED
                )
                index = last
                continue
        if word == "nineties" and document.word(index - 1) in (
            "his",
            "her",
            "their",
            "my",
            "mid",
            "early",
            "late",
            "your",
        ):
            if _possessive_before(document, index):
                yield mark_of(
                    document, document.starts[index], document.ends[index], "AGE_90", DATED
                )
        elif word in _NUMERIC:
            numeric = _in_numbers(document, index, policy)
            if numeric is not None:
                yield mark_of(
                    document, document.starts[index], document.ends[numeric - 1], "DATE", DATED
                )
                index = numeric
                continue
        if word in ("ninety", "hundred") or word.isdecimal():
            age = _age(document, index, policy)
            if age is not None:
                yield mark_of(
                    document, document.starts[age[0]], document.ends[age[1] - 1], "AGE_90", DATED
                )
                index = age[1]
                continue
        index += 1


def _possessive_before(document: Document, index: int) -> bool:
    return any(word in ("his", "her", "their", "my", "your") for word in document.left(index, 3))


def _weekday(document: Document, first: int) -> int:
    if first >= 1 and document.word(first - 1) in spoken.WEEKDAYS:
        return first - 1
    if (
        first >= 2
        and document.word(first - 1) == "the"
        and document.word(first - 2) in spoken.WEEKDAYS
    ):
        return first - 2
    return first


def _number(document: Document, index: int) -> tuple[int, int] | None:
    """`(end, value)` of a number of at most two digits said at word `index`, or None."""
    words = document.words
    if index >= len(words):
        return None
    word = words[index]
    following = words[index + 1] if document.joined(index + 1) else ""
    if word in ("oh", "o", "zero"):
        if following in spoken.ONES and following not in ("oh", "o", "zero"):
            return index + 2, int(spoken.ONES[following])
        return None
    if word in spoken.TENS:
        tens = 10 * int(spoken.TENS[word])
        if following in spoken.ONES and following not in ("oh", "o", "zero"):
            return index + 2, tens + int(spoken.ONES[following])
        return index + 1, tens
    if word in spoken.TEENS:
        return index + 1, int(spoken.TEENS[word])
    if word in spoken.ONES:
        return index + 1, int(spoken.ONES[word])
    return None


def _in_numbers(document: Document, index: int, policy: Policy) -> int | None:
    """Where a date said in numbers ends: twelve eight twenty two, nine thirty nineteen ninety.

    Month and day alone are one after `on` or where a note or a visit is told of; with a year of
    two digits the words before must ask for a date, or the year be one that only a date has.
    """
    words = document.words
    if index and document.joined(index) and words[index - 1] in spoken.PARTS - {"a", "i", "s"}:
        return None
    month = _number(document, index)
    if month is None or not 1 <= month[1] <= 12 or not document.joined(month[0]):
        return None
    day = _number(document, month[0])
    if day is None or not 1 <= day[1] <= 31:
        return None
    before = document.left(index, 5)
    # A birthday is often the whole answer.
    cued = document.broken(index) or (bool(before) and before[-1] in _ASKS_DATE)
    cued = cued or bool(_DATED & set(document.left(index, 12)))
    last = day[0]
    if document.joined(last):
        full = spoken.year(document, last)
        if full is not None and _ends(document, full):
            return full
        short = _number(document, last)
        if short is not None and _ends(document, short[0]):
            plain = short[0] - last == 1 and words[last] in spoken.ONES
            if plain or not cued or _unit_after(document, short[0], policy):
                return None
            return short[0]
    if not _ends(document, last) or _unit_after(document, last, policy) or not before:
        return None
    taking = len(before) > 1 and before[-2] in _TAKING and not _TOLD & set(before)
    if before[-1] == "on" and not taking:
        return last
    if before[-1] in ("of", "from", "dated", "since", "by") and _TOLD & set(before):
        return last
    return None


def _ends(document: Document, last: int) -> bool:
    """Whether no further number follows word `last - 1` at once."""
    return not document.joined(last) or (
        document.words[last] not in spoken.NUMBERS | set(spoken.JOINS)
        and not document.words[last][0].isdecimal()
    )


def _unit_after(document: Document, last: int, policy: Policy) -> bool:
    after = document.word(last) if not document.broken(last) else ""
    return after in policy.units and after not in ("a", "an", "or", "at", "out", "am", "pm")


def _ordinals(document: Document, index: int) -> tuple[int, int] | None:
    """Words of `the second of the seventh fifty one` or `the ninth or the tenth`, or None."""
    got = spoken.day(document, index + 1)
    if got is None or not got[2]:
        return None
    last = got[0]
    if document.word(last) == "of" and document.word(last + 1) == "the":
        month = spoken.day(document, last + 2)
        if month is not None and month[2] and month[1] <= 12:
            end = month[0]
            year = spoken.year(document, end) or _short_year(document, end)
            after = document.word(end) if not document.broken(end) else ""
            if year is not None or not after or after in _AFTER_DAY:
                return index, year or end
    for step in (1, -1):
        other = last if step == 1 else index - 1
        if document.word(other) not in _BETWEEN or document.broken(max(other, 1)):
            continue
        if step == 1 and document.word(other + 1) == "the":
            second = spoken.day(document, other + 2)
        elif step == -1 and document.text[document.starts[index - 1] :]:
            second = _ending_day(document, index - 1)
        else:
            second = None
        if second is not None and second[2] and max(second[1], got[1]) >= 4:
            after = document.word(max(last, second[0]))
            if after not in _COUNTED and after not in _ORDERED:
                return index, last
    return None


def _ending_day(document: Document, end: int) -> tuple[int, int, bool] | None:
    """The ordinal day whose last word stands just before word `end`, after `the`, or None."""
    for length in (1, 2):
        begin = end - length
        if begin >= 1 and document.words[begin - 1] == "the":
            got = spoken.day(document, begin)
            if got is not None and got[0] == end:
                return got
    return None


def _month(document: Document, index: int, policy: Policy) -> tuple[int, int] | None:
    """Words `[first, last)` of the date around the month at `index`, or None."""
    words = document.words
    word = words[index]
    before = document.word(index - 1) if not document.broken(index) else ""
    # Day before the month: third of march, the 3rd of March, 3 March.
    first, number = index, 0
    back = index - 1
    if before == "of":
        back = index - 2
    for length in (3, 2, 1):
        begin = back - length + 1
        if begin < 0 or back < 0:
            continue
        got = (
            spoken.day(document, begin)
            if not document.broken(begin)
            else _first_day(document, begin)
        )
        if (
            got is not None
            and got[0] == back + 1
            and (got[2] or (before != "of" and words[begin].isdecimal()))
        ):
            first, number = begin, got[1]
            break
    if first < index and document.word(first - 1) == "the":
        first -= 1
    last = index + 1
    following = last
    if document.word(last) == "the" and not document.broken(last):
        following = last + 1
    year_end = spoken.year(document, last)
    if number == 0 and year_end is None and not _dotted(document, last):
        got = spoken.day(document, following)
        if got is not None and _is_day(document, got, following, word, policy):
            number, last = got[1], got[0]
    elif number == 0 and year_end is None:
        got = _first_day(document, following)
        if got is not None and word in _ABBREVIATED:
            number, last = got[1], got[0]
    after = last + 1 if document.word(last) in ("of", "in") else last
    with_year = spoken.year(document, after)
    if with_year is not None:
        last = with_year
    elif number:
        short = _short_year(document, last)
        last = short or last
    if number == 0 and with_year is None:
        if word in _ABBREVIATED or not _month_alone(document, index, word, before, policy):
            return None
    if (
        number == 0
        and with_year is not None
        and word in ("may", "march")
        and before
        in (
            "i",
            "you",
            "we",
            "they",
            "he",
            "she",
            "it",
            "to",
        )
    ):
        return None
    return first, last


def _dotted(document: Document, index: int) -> bool:
    """Whether an abbreviated month's full stop stands before word `index`."""
    return index < len(document) and document.seps[index] == ". "


def _first_day(document: Document, index: int) -> tuple[int, int, bool] | None:
    word = document.word(index)
    if word.isdecimal() and len(word) <= 2 and 1 <= int(word) <= 31:
        glued = index + 1 < len(document) and document.seps[index + 1] == ""
        if glued and document.words[index + 1] in ("st", "nd", "rd", "th"):
            return index + 2, int(word), True
        return index + 1, int(word), False
    if word in spoken.ORDINALS:
        return index + 1, spoken.ORDINALS[word], True
    if word in ("twenty", "thirty") and document.joined(index + 1):
        unit = spoken.ORDINALS.get(document.words[index + 1], 0)
        if 0 < unit < 10:
            return index + 2, 10 * int(spoken.TENS[word]) + unit, True
    return None


def _is_day(
    document: Document, got: tuple[int, int, bool], index: int, month: str, policy: Policy
) -> bool:
    after = document.word(got[0]) if not document.broken(got[0]) else ""
    if got[2]:
        return after not in ("time", "one")
    if after in policy.units and after not in ("at", "a", "an", "or", "am", "pm"):
        return False
    if month in ("may", "march"):
        return document.words[index].isdecimal() or document.word(index - 2) in (
            "on",
            "born",
            "of",
            "since",
        )
    return True


def _short_year(document: Document, index: int) -> int | None:
    """A two-digit year after a day: ninety one, eighty four, oh five, '91."""
    if document.broken(index):
        return None
    word = document.words[index]
    if word.isdecimal() and len(word) == 2 and document.seps[index].strip() in ("'", "\u2019", ","):
        return index + 1
    if word in spoken.TENS and word not in ("twenty", "thirty"):
        after = document.word(index + 1)
        return index + 2 if after in spoken.ONES and not document.broken(index + 1) else index + 1
    if word in ("oh", "o") and document.word(index + 1) in spoken.ONES:
        return index + 2
    return None


def _month_alone(document: Document, index: int, word: str, before: str, policy: Policy) -> bool:
    if before == "of":
        return document.word(index - 2) in ("end", "beginning", "start", "middle", "month", "first",
                                            "last", "week")  # fmt: skip
    if before not in policy.before_month:
        return False
    if word == "may":
        return before in ("in", "since", "last", "this", "next", "early", "late", "mid", "until")
    if document.word(index + 1) in ("weather", "madness", "sun", "rain", "heat", "cold", "air"):
        return False
    if word == "march":
        return before != "this" and document.word(index + 1) not in ("in", "with", "for", "on")
    return True


def _bare_day(document: Document, index: int, policy: Policy) -> tuple[int, int] | None:
    """`the twenty third` with nothing counted after it: words `[first, last)`, or None."""
    words = document.words
    got = spoken.day(document, index + 1)
    if got is None or not got[2]:
        return None
    last, number, _ = got
    before = document.word(index - 1) if index and not document.broken(index) else ""
    following = "" if document.broken(last) else words[last]
    if number < 13:
        if before in ("yesterday", "today", "tomorrow"):
            return index, last
        known = _BEFORE_DAY if number < 4 else _BEFORE_LATE_DAY
        if before not in known and before not in spoken.WEEKDAYS | _PARTS_OF_WEEK:
            return None
    elif following in _ORDERED or document.word(last + 1) in _ORDERED:
        return None
    if not following or following in _AFTER_DAY:
        return index, last
    open_word = not policy.flags.get(following, 0) & CLOSED or following in _COUNTED
    if number < 13:
        return None if number < 4 or open_word else (index, last)
    if before in _BEFORE_LATE_DAY or before in spoken.WEEKDAYS:
        return index, last
    return None if open_word else (index, last)


def _age(document: Document, index: int, policy: Policy) -> tuple[int, int] | None:
    """Words `[first, last)` of an age of the policy's limit or more, or None."""
    words = document.words
    word = words[index]
    first, last = index, index + 1
    if word.isdecimal():
        number = int(word) if len(word) <= 3 else 0
    elif word == "ninety":
        number = 90
        unit = document.word(index + 1)
        if unit in spoken.ONES and unit not in ("o", "oh", "zero") and document.joined(index + 1):
            number, last = 90 + int(spoken.ONES[unit]), index + 2
    else:
        if document.word(index - 1) not in ("a", "one"):
            return None
        first, number = index - 1, 100
        if document.word(last) == "and":
            last += 1
        unit = document.word(last)
        if unit in spoken.ONES or unit in spoken.TEENS:
            number += int(spoken.ONES.get(unit) or spoken.TEENS[unit])
            last += 1
        elif words[last - 1] == "and":
            last -= 1
    if not policy.age_limit <= number <= 125:
        return None
    after = document.word(last) if last < len(words) and "." not in document.seps[last] else ""
    second = document.word(last + 1)
    if after in _AGE_AFTER and (
        second in ("old", "o", "young")
        or after == "yo"
        or second.startswith("old")
        or (second == "of" and document.word(last + 2) == "age")
    ):
        return first, last
    before = document.left(first, 3)
    if document.left(first, 1) in (["age"], ["aged"]):
        return first, last
    trailing = document.text[document.ends[last - 1] :][:2]
    if after in policy.units or (trailing[:1] in ("%", "/", ".") and trailing not in (". ", ".")):
        return None
    subject = any(
        item in policy.relatives or item in ("he", "she", "hes", "shes", "who", "whos", "they")
        for item in document.left(first, 5)
    )
    if len(before) > 1 and before[-1] == "at" and before[-2] in _DIED:
        return first, last
    if document.left(first, 2) in (["pt", "is"], ["patient", "is"], ["client", "is"]) and (
        not after or document.seps[last].startswith((",", ";"))
    ):
        return first, last
    if document.left(first, 2) in (["it", "to"], ["lived", "to"]) or (
        document.left(first, 2) in (["would", "be"], ["wouldve", "been"])
        and (after in ("this", "next", "last", "today", "now") or not after)
    ):
        return first, last
    if before and before[-1] in _TURNING:
        return (first, last) if not after or policy.flags.get(after, 0) & CLOSED else None
    if (
        subject
        and before
        and (
            before[-1] in _AGE_BEFORE
            or (before[-1] in ("like", "about") and _AGE_BEFORE & set(before))
        )
    ):
        closed = not after or policy.flags.get(after, 0) & CLOSED
        return (first, last) if closed else None
    named = before and before[-1] in ("is", "was") and document.capital(max(0, first - 2))
    if named and number < 110 and (not after or after in ("and", "but", "now", "with", "who")):
        return first, last
    return None
