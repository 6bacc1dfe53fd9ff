"""Decides which numbers, codes, addresses and dates of a text identify a person."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from countersign.redaction import spoken
from countersign.redaction.policy import CLOSED, KEPT, Label, Policy
from countersign.redaction.text import Document

# The order in which overlapping findings win.
ROSTER: Final = 0
TYPED: Final = 1
DATED: Final = 2
CODED: Final = 3
NAMED: Final = 4
SWEPT: Final = 5


@dataclass(frozen=True)
class Mark:
    """`[start, end)` in characters of a text that identify somebody.

    `kind` is the surrogate's type, `key` what makes two marks the same thing: marks with equal
    `kind` group and `key` get one surrogate. A lower `rank` wins where two overlap.
    """

    start: int
    end: int
    label: Label
    kind: str
    key: str
    rank: int


SURROGATES: Final[dict[str, str]] = {
    "NAME": "PERSON", "GEO": "PLACE", "DATE": "DATE", "PHONE": "PHONE", "FAX": "FAX",
    "EMAIL": "EMAIL", "SSN": "SSN", "MRN": "MRN", "HEALTH_PLAN": "PLAN_NUMBER",
    "ACCOUNT": "ACCOUNT", "LICENSE": "LICENSE", "VEHICLE": "VEHICLE", "DEVICE": "DEVICE",
    "URL": "URL", "IP": "IP", "BIOMETRIC": "BIOMETRIC", "PHOTO": "PHOTO", "OTHER": "IDENTIFIER",
    "AGE_90": "AGE",
}  # fmt: skip

_EMAIL = re.compile(r"[A-Za-z0-9][\w.+%-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_URL = re.compile(
    r"(?:https?://|www\.)[^\s<>\"]+[^\s<>\".,;:!?)']"
    r"|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|edu|gov|io|co|me|us|info|health|app)\b"
    r"(?:/[^\s<>\",;]*[^\s<>\".,;:!?)'])?",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@.])@[A-Za-z_][\w.]{2,}\b")
_IPV4 = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_MAC = re.compile(r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b")
_SSN = re.compile(r"\b(?!000|666)\d{3}[- ]\d{2}[- ]\d{4}\b")
_PHONE = re.compile(
    r"(?<![\w-])(?:\+?1[-. ]?)?(?:\(\d{3}\)\s?|\d{3}[-. ])\d{3}[-. ]\d{4}"
    r"(?:\s*(?:x|ext\.?|extension)\s*\d{1,6})?(?![\w-])"
    r"|(?<![\w-])\d{3}-\d{4}(?![\w-])|(?<!\w)\+\d{1,3}[ -]?\d(?:[ -]?\d){7,11}(?!\w)",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:0?[1-9]|1[0-2])([/.-])(?:0?[1-9]|[12]\d|3[01])\1(?:\d{4}|\d{2})\b"
    r"|\b(?:0?[1-9]|[12]\d|3[01])([/.-])(?:0?[1-9]|1[0-2])\2(?:\d{4}|\d{2})\b"
    r"|\b(?:18|19|20)\d\d([/.-])(?:0?[1-9]|1[0-2])\3(?:0?[1-9]|[12]\d|3[01])\b(?:T[\d:]+Z?)?"
)
_SHORT_DATE = re.compile(r"(?<![\w/.-])(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])(?![\w/%]|\.\d)")
_VIN = re.compile(r"\b(?=[A-HJ-NPR-Z0-9]*\d)(?=[A-HJ-NPR-Z0-9]*[A-Z])[A-HJ-NPR-Z0-9]{17}\b")
_CODE = re.compile(
    r"(?<![\w@-])(?=[A-Za-z-]{0,6}\d|\d+-?[A-Za-z]|#\d)#?[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?!\w)"
)
_STATE_ZIP = re.compile(
    r"\b(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]"
    r"|T[NX]|UT|V[AT]|W[AIVY]),? +(\d{5}(?:-\d{4})?)\b"
)
_FILE = re.compile(r"\b\w[\w-]*\.(?:jpe?g|png|heic|gif|webp|tiff?|mov|mp4)\b", re.IGNORECASE)
_FIVE = re.compile(r"\b\d{5}\b")
_BOX = re.compile(r"\bP\.? ?O\.? Box \d+\b", re.IGNORECASE)
_HOUSE = re.compile(
    r"\b\d{1,5}(?: [NSEW]\.?)?(?: [A-Z][a-z]+){1,3},? (?:Apt|Unit|Suite|Ste)\.? #?\w+\b"
)
_SPACED = re.compile(r"\bID:? ((?:[A-Z]{1,4} )?\d{3,4}(?: \d{2,4}){1,5})\b")
_MEMBER = re.compile(r"(?<![\w/])u/[A-Za-z0-9_-]{3,}")
_ZIP4 = re.compile(r"\b\d{5}-\d{4}\b")

_MONTHS = {
    "january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7,
    "august": 8, "september": 9, "october": 10, "november": 11, "december": 12, "jan": 1,
    "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10,
    "nov": 11, "dec": 12,
}  # fmt: skip
_SHORT_MONTHS = frozenset(
    {"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
)
_WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
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
_ASIDES = frozenset(
    {
        "is",
        "are",
        "was",
        "um",
        "uh",
        "the",
        "its",
        "it",
        "thats",
        "number",
        "ends",
        "ending",
        "in",
        "with",
        "starts",
        "like",
        "just",
        "actually",
    }
)
_AGE_BEFORE = frozenset(
    """is s not was turned turning turns be hes shes aged age almost nearly at to just im reached
    hit""".split()
)
_TURNING = frozenset({"turned", "turning", "turns"})
_AGE_AFTER = frozenset({"year", "years", "yr", "yrs", "yo", "y"})
_EMAIL_STOP = frozenset("is its at to email e mail address me my the a an send it and on".split())
_TLD = frozenset("com org net edu gov io co me us info health app".split())


def find(document: Document, policy: Policy) -> Iterator[Mark]:
    """Every identifying number, code, address and date in the text, typed or spoken."""
    if _has_typed(document.text):
        yield from _typed(document, policy)
    runs = spoken.runs(document)
    dates = list(_dates(document, policy))
    yield from dates
    yield from _web(document)
    taken = [(mark.start, mark.end) for mark in dates]
    for run in runs:
        start, end = document.starts[run.first], document.ends[run.last - 1]
        if any(start < stop and begin < end for begin, stop in taken):
            continue
        mark = _code(document, run, policy)
        if mark is not None:
            yield mark


def _mark(document: Document, start: int, end: int, label: Label, rank: int) -> Mark:
    key = value_key(document.text[start:end], label)
    return Mark(start, end, label, SURROGATES[label], key, rank)


def value_key(text: str, label: Label) -> str:
    """What makes two values of a kind the same: a date's numbers, a code's letters and digits."""
    return _date_key(text) if label == "DATE" else code_key(text)


def _date_key(text: str) -> str:
    """A date by its month and its numbers: `march third` and `the 3rd of March` are one."""
    month = ""
    numbers: list[str] = []
    others: list[str] = []
    document = Document.of(f"on {text}")
    words = document.words
    # The first word of a text begins a sentence, where no day can be read on.
    index = 1
    while index < len(words):
        word = words[index]
        got = spoken.day(document, index) if word not in ("may", "march") else None
        if word in _MONTHS and not month:
            month = str(_MONTHS[word])
        elif got is not None:
            numbers.append(str(got[1]))
            index = got[0]
            continue
        elif (word in spoken.PARTS and len(word) > 1) or word[0].isdecimal():
            last = index + (2 if word in spoken.TENS and index + 1 < len(words) else 1)
            numbers.append(spoken.read(words, index, min(last, len(words))).digits)
            index = last
            continue
        elif word not in _WEEKDAYS and word not in ("the", "of", "in", "st", "nd", "rd", "th"):
            others.append(word)
        index += 1
    return f"{month} {''.join(numbers)} {' '.join(others)}".strip()


def code_key(text: str) -> str:
    """What a code is once written out: its letters and digits, lower case."""
    document = Document.of(text)
    words = document.words
    if words and all(word in spoken.PARTS or word.isdecimal() for word in words):
        value = spoken.read(words, 0, len(words)).value
        return "".join(char for char in value if char.isalnum())
    return " ".join(words)


def _has_typed(text: str) -> bool:
    return "@" in text or "." in text or ":" in text or any(char.isdecimal() for char in text)


def _cue(
    document: Document, index: int, policy: Policy, count: int = 9
) -> tuple[Label | None, int]:
    """The kind announced nearest to the left of word `index`, and how many words lie between."""
    words = document.left(index, count)
    if not words:
        return None, 0
    line = " ".join(words)
    best: Label | None = None
    at = -1
    for match in policy.code_cues.finditer(line):
        if match.lastgroup and match.end() >= at:
            best = match.lastgroup  # type: ignore[assignment]  # groups are named after labels
            at = match.end()
    if best is None:
        return None, 0
    return best, line.count(" ", at)


def _typed(document: Document, policy: Policy) -> Iterator[Mark]:
    text = document.text
    for match in _EMAIL.finditer(text):
        yield _mark(document, match.start(), match.end(), "EMAIL", TYPED)
    if "." in text:
        for match in _URL.finditer(text):
            if match.start() and text[match.start() - 1] == "@":
                continue
            label: Label = "URL"
            if _cue(document, document.at(match.start()), policy, 5)[0] == "PHOTO":
                label = "PHOTO"
            yield _mark(document, match.start(), match.end(), label, TYPED)
    if "@" in text:
        for match in _HANDLE.finditer(text):
            yield _mark(document, match.start(), match.end(), "URL", TYPED)
    if "u/" in text:
        for match in _MEMBER.finditer(text):
            yield _mark(document, match.start(), match.end(), "URL", TYPED)
    for pattern in (_MAC, _IPV6):
        if ":" in text or "-" in text:
            for match in pattern.finditer(text):
                if pattern is _MAC:
                    yield _mark(document, match.start(), match.end(), "DEVICE", TYPED)
                elif _is_ip(match.group()):
                    yield _mark(document, match.start(), match.end(), "IP", TYPED)
    if not any(char.isdecimal() for char in text):
        return
    for match in _IPV4.finditer(text):
        if _is_ip(match.group()):
            yield _mark(document, match.start(), match.end(), "IP", TYPED)
    for match in _DATE.finditer(text):
        yield _mark(document, match.start(), match.end(), "DATE", TYPED)
    for match in _SHORT_DATE.finditer(text):
        before = document.left(document.at(match.start()), 2)
        month, _, day = match.group().partition("/")
        cued = before and (
            before[-1] in ("on", "by", "since", "until", "dated", "date", "from", "visit")
            or before[-1] in _WEEKDAYS
        )
        # A score is no more than what it is out of, and ten is what most are out of.
        proper = int(month) <= int(day) <= 10 or _scored(
            document, document.at(match.start()), policy
        )
        if not proper or (cued and before[-1] != "from"):
            yield _mark(document, match.start(), match.end(), "DATE", TYPED)
    for match in _SSN.finditer(text):
        yield _mark(document, match.start(), match.end(), "SSN", TYPED)
    for match in _STATE_ZIP.finditer(text):
        yield _mark(document, match.start(1), match.end(1), "GEO", TYPED)
    for pattern in (_HOUSE, _BOX):
        for match in pattern.finditer(text):
            yield _mark(document, match.start(), match.end(), "GEO", TYPED)
    for match in _SPACED.finditer(text):
        label = _cue(document, document.at(match.start()), policy)[0] or "OTHER"
        yield _mark(document, match.start(1), match.end(1), label, TYPED)
    for match in _FIVE.finditer(text):
        at = document.at(match.start())
        if at and policy.flags.get(document.words[at - 1], 0) & KEPT:
            yield _mark(document, match.start(), match.end(), "GEO", TYPED)
    for match in _FILE.finditer(text):
        yield _mark(document, match.start(), match.end(), "PHOTO", TYPED)
    for match in _ZIP4.finditer(text):
        label = _cue(document, document.at(match.start()), policy)[0] or "GEO"
        yield _mark(document, match.start(), match.end(), label, TYPED)
    for match in _PHONE.finditer(text):
        digits = "".join(char for char in match.group() if char.isdecimal())
        if digits in policy.public_numbers:
            continue
        label = _cue(document, document.at(match.start()), policy)[0] or "PHONE"
        start, end = match.span()
        yield _mark(document, start, end, label if label != "DATE" else "PHONE", TYPED)
    for match in _VIN.finditer(text):
        yield _mark(document, match.start(), match.end(), "VEHICLE", TYPED)
    for match in _CODE.finditer(text):
        yield from _typed_code(document, match, policy)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _typed_code(document: Document, match: re.Match[str], policy: Policy) -> Iterator[Mark]:
    value = match.group().lstrip("#")
    marks = sum(char.isalnum() for char in value)
    digits = sum(char.isdecimal() for char in value)
    index = document.at(match.start())
    after = document.word(document.at(match.end()))
    label, distance = _cue(document, index, policy)
    start = match.start()
    if label and distance <= 3 and marks >= policy.minimum[label] and label not in ("DATE",):
        if label in ("PHONE", "FAX") and digits < 7:
            return
        if digits <= 4 and after in policy.units:
            return
        if label == "DEVICE" and document.word(index - 1) == "sn":
            start = document.starts[index - 1]
        if label in ("SSN", "ACCOUNT") and distance > 1 and digits == marks and digits < 4:
            return
        yield _mark(document, start, match.end(), label, TYPED)
        return
    if value in policy.public_numbers or value.lower() in policy.scales:
        return
    mixed = 0 < digits < marks
    if (mixed and digits >= 4 and marks >= 7) or (not mixed and digits >= 6):
        if after in policy.units:
            return
        kind: Label = "OTHER"
        if not mixed and digits in (10, 11):
            kind = "PHONE"
        elif not mixed and digits == 9:
            kind = "SSN"
        yield _mark(document, start, match.end(), kind, CODED)


def _code(document: Document, run: spoken.Run, policy: Policy) -> Mark | None:
    """What a spoken or digit-by-digit run is, or None when it is an amount or nothing."""
    first, last = run.first, run.last
    start, end = document.starts[first], document.ends[last - 1]
    digits = run.digits
    marks = run.marks
    value = "".join(char for char in run.value if char.isalnum())
    if digits in policy.public_numbers or marks == 0:
        return None
    before = document.word(first - 1)
    after = document.word(last) if not document.broken(last) else ""
    parts = run.value.split("/")
    label, distance = _cue(document, first, policy)
    if label is None or distance > 5:
        label = _cue_after(document, last, policy)
        distance = 0
    if run.value.count("/") == 2 and all(part.isdecimal() for part in parts):
        return _mark(document, start, end, "DATE", DATED)
    if run.value.count(".") == 3 and _is_ip(run.value):
        return _mark(document, start, end, "IP", CODED)
    if _scored(document, first, policy) and marks < 7:
        return None
    if after in policy.units and marks <= 4 and distance > 0:
        return None
    if label == "DATE" and 4 <= len(digits) <= 8 and marks == len(digits) and not run.amount:
        return _mark(document, start, end, "DATE", DATED)
    if label and label != "DATE" and distance <= 4:
        least = policy.minimum[label]
        if label == "GEO":
            least = 1 if _house(document, first) else 5
        if label in ("PHONE", "FAX") and "area" in document.left(first, 3):
            least = 3
        if distance == 0 or _aside(document, first, distance):
            needed = least
        else:
            needed = max(least, 5)
        if marks >= needed and not (run.amount and len(digits) < 7):
            if after in policy.units and marks <= 4:
                return None
            if document.left(first, 2) == ["area", "code"] and first >= 2:
                start = document.starts[first - 2]
            if label == "SSN" and before and before not in _ASIDES and marks < 4:
                return None
            return Mark(start, end, label, SURROGATES[label], value, CODED)
    if run.counting or (run.amount and len(digits) < 7) or after in policy.units:
        return None
    said = run.ones >= max(4, 0.6 * len(digits))
    if len(digits) in (7, 10, 11) and said and marks == len(digits):
        if document.left(first, 2) == ["area", "code"] and first >= 2:
            start = document.starts[first - 2]
        return Mark(start, end, "PHONE", "PHONE", value, CODED)
    if len(digits) == 9 and said and marks == 9:
        return Mark(start, end, "SSN", "SSN", value, CODED)
    if (marks >= 6 and said and not run.typed) or (marks >= 6 and len(digits) >= 4 and said):
        return Mark(start, end, "OTHER", "IDENTIFIER", value, CODED)
    if marks == 5 and run.ones == 5 and len(digits) == 5 and not run.typed:
        return Mark(start, end, "GEO", "PLACE", value, CODED)
    return None


def _aside(document: Document, first: int, distance: int) -> bool:
    return all(
        word in _ASIDES or len(word) <= 2 for word in document.left(first, distance)[-distance:]
    )


def _house(document: Document, first: int) -> bool:
    line = document.left(first, 4)
    return any(
        word in ("house", "apartment", "apt", "suite", "street", "box", "unit", "room")
        for word in line
    )


def _cue_after(document: Document, last: int, policy: Policy) -> Label | None:
    """The kind announced after a code: `... is my member id`, `... that's my social`."""
    words = document.words[last : last + 9]
    if len(words) < 2 or words[0] not in ("is", "thats", "that", "was", "are"):
        return None
    line = " ".join(words[1:])
    match = policy.code_cues.search(line)
    if match is None or line.count(" ", 0, match.start()) > 5:
        return None
    return match.lastgroup  # type: ignore[return-value]  # groups are named after labels


def _scored(document: Document, first: int, policy: Policy) -> bool:
    return any(word in policy.scales for word in document.left(first, 4))


def _dates(document: Document, policy: Policy) -> Iterator[Mark]:
    words = document.words
    index = 0
    size = len(words)
    while index < size:
        word = words[index]
        if word in _MONTHS:
            found = _month(document, index, policy)
            if found is not None:
                first, last = found
                first = _weekday(document, first)
                yield _mark(
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
                        yield _mark(
                            document, document.starts[index], document.ends[end - 1], "DATE", DATED
                        )
                    index = last - 1
                    break
        elif word == "the" or (word in _BEFORE_DAY and not document.broken(index + 1)):
            found_day = _bare_day(document, index, policy)
            if found_day is not None:
                first, last = found_day
                yield _mark(
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
                yield _mark(document, document.starts[index], document.ends[index], "AGE_90", DATED)
        elif word in ("ninety", "hundred") or word.isdecimal():
            age = _age(document, index, policy)
            if age is not None:
                yield _mark(
                    document, document.starts[age[0]], document.ends[age[1] - 1], "AGE_90", DATED
                )
                index = age[1]
                continue
        index += 1


def _possessive_before(document: Document, index: int) -> bool:
    return any(word in ("his", "her", "their", "my", "your") for word in document.left(index, 3))


def _weekday(document: Document, first: int) -> int:
    if first >= 1 and document.word(first - 1) in _WEEKDAYS:
        return first - 1
    if first >= 2 and document.word(first - 1) == "the" and document.word(first - 2) in _WEEKDAYS:
        return first - 2
    return first


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
        if got is not None and word in _SHORT_MONTHS:
            number, last = got[1], got[0]
    after = last + 1 if document.word(last) in ("of", "in") else last
    with_year = spoken.year(document, after)
    if with_year is not None:
        last = with_year
    elif number:
        short = _short_year(document, last)
        last = short or last
    if number == 0 and with_year is None:
        if word in _SHORT_MONTHS or not _month_alone(document, index, word, before, policy):
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
    the = index if words[index] == "the" else index + 1
    if words[index] != "the":
        return None
    got = spoken.day(document, the + 1)
    if got is None or not got[2]:
        return None
    last, number, _ = got
    before = document.word(the - 1) if the and not document.broken(the) else ""
    if before not in (_BEFORE_DAY if number < 4 else _BEFORE_LATE_DAY) and before not in _WEEKDAYS:
        return None
    if document.broken(last) or words[last] in _AFTER_DAY:
        return the, last
    counted = not policy.flags.get(words[last], 0) & CLOSED or words[last] in _COUNTED
    return None if number < 4 or counted else (the, last)


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
        second in ("old", "o") or after == "yo" or second.startswith("old")
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
    return None


def _web(document: Document) -> Iterator[Mark]:
    """Spoken addresses: `dana dot p at example dot com`, `photos dot example dot com`."""
    words = document.words
    for index in range(1, len(words) - 1):
        if words[index] != "dot" or words[index + 1] not in _TLD:
            continue
        first, last = index - 1, index + 2
        while (
            first >= 2
            and words[first - 1] in ("dot", "dash", "hyphen")
            and not document.broken(first)
        ):
            first -= 2
        email = first >= 2 and words[first - 1] == "at"
        if email:
            first = _mailbox(document, first - 2)
        while last < len(words) - 1 and words[last] == "slash" and not document.broken(last):
            last = _path(document, last + 1)
        label: Label = "EMAIL" if email else "URL"
        if not email and {
            "picture",
            "pictures",
            "photo",
            "photos",
            "selfie",
            "image",
            "face",
        } & set(document.left(last, 14)):
            label = "PHOTO"
        start, end = document.starts[first], document.ends[last - 1]
        yield Mark(start, end, label, SURROGATES[label], " ".join(words[first:last]), TYPED)


_GLUE = frozenset({"dot", "dash", "hyphen", "underscore", "period"})


def _mailbox(document: Document, index: int) -> int:
    """Where the part before `at` begins: joined by dots, spelled letters or numbers."""
    words = document.words
    first = index
    while first >= 1 and not document.broken(first):
        previous = words[first - 1]
        if previous in _GLUE and first >= 2:
            first -= 2
        elif (previous in spoken.PARTS and previous not in ("a", "i", "s")) or previous.isdecimal():
            first -= 1
        elif words[first] in spoken.PARTS and previous not in _EMAIL_STOP and len(previous) > 2:
            first -= 1
            if words[first - 1] not in _GLUE:
                break
        else:
            break
    return first


def _path(document: Document, index: int) -> int:
    """Where a path after `slash` ends: up to three words that are no closed-class words."""
    words = document.words
    last = index
    while last < len(words) and last < index + 3 and not document.broken(last):
        if words[last] in _EMAIL_STOP or words[last] in (
            "he",
            "she",
            "i",
            "but",
            "so",
            "you",
            "they",
        ):
            break
        last += 1
        if last < len(words) and words[last] == "slash":
            break
    return max(last, index + 1 if index < len(words) else index)
