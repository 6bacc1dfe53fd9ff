"""Decides which numbers, codes, addresses and dates of a text identify a person."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from countersign.redaction import dates, spoken, web
from countersign.redaction.mark import CODED, DATED, SURROGATES, TYPED, Mark, mark_of
from countersign.redaction.policy import KEPT, Label, Policy
from countersign.redaction.text import Document

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
_LICENCE = re.compile(
    r"\b(?:[Ll]ic(?:en[sc]e)?|LIC|[Cc]ert|[Rr]eg)\b\.?(?: (?:[Nn]o|[Nn]umber)\b\.?)?[ :#]*"
    r"([A-Z]{1,5}[ -]?\d{3,8})\b"
)
# Letters and digits in groups that a cue announces: member number XQJ 8840 1175 02.
_GROUPS = re.compile(r"\b[A-Z0-9]{1,5}(?:[ -][A-Z0-9]{1,5}){1,4}\b")
_VITAL = frozenset("bp t hr p rr temp spo2 bmi wt ht pulse".split())
_ICD = re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.\w{1,4})?")
_RANGE = re.compile(r"\s?[\u2013\u2014-]\s?(?=(\d{1,2}/\d{1,2})(?!\d|/\d))")
# How many words after a telephone number a part of it may be said again.
_CALLED = 16
_PUT_RIGHT = frozenset(
    """no not wait sorry actually scratch mean correction ends ending last extension ext same but
    instead rather then is""".split()
)
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
_TAGGED = re.compile(r"(?<![\w])[A-Za-z][\w.]{2,}#\d{4}\b")
_ZIP4 = re.compile(r"\b\d{5}-\d{4}\b")

# What a day follows, and no score.
_APPOINTED = frozenset(
    "RTC DOS DOI DOB ETA ED ER EMS LMP DC APPT CT MRI ECT IEP IME ROI VM".split()
)
# What tests are commonly scored out of.
_TOTALS = frozenset({10, 12, 15, 20, 21, 24, 25, 27, 28, 30})
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


def find(document: Document, policy: Policy) -> Iterator[Mark]:
    """Every identifying number, code, address and date in the text, typed or spoken."""
    if _has_typed(document.text):
        yield from _typed(document, policy)
    runs = spoken.runs(document)
    dated = list(dates.find(document, policy))
    yield from dated
    yield from web.find(document, policy)
    taken = [(mark.start, mark.end) for mark in dated]
    called = -_CALLED
    for run in runs:
        start, end = document.starts[run.first], document.ends[run.last - 1]
        if any(start < stop and begin < end for begin, stop in taken):
            continue
        mark = _code(document, run, policy) or _rest(document, run, called, policy)
        if mark is not None:
            yield mark
            if mark.label in ("PHONE", "FAX"):
                called = run.last


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
        yield mark_of(document, match.start(), match.end(), "EMAIL", TYPED)
    if "." in text:
        for match in _URL.finditer(text):
            if match.start() and text[match.start() - 1] == "@":
                continue
            label: Label = "URL"
            if _cue(document, document.at(match.start()), policy, 5)[0] == "PHOTO":
                label = "PHOTO"
            yield mark_of(document, match.start(), match.end(), label, TYPED)
    if "@" in text:
        for match in _HANDLE.finditer(text):
            yield mark_of(document, match.start(), match.end(), "URL", TYPED)
    if "#" in text:
        for match in _TAGGED.finditer(text):
            yield mark_of(document, match.start(), match.end(), "URL", TYPED)
    if "u/" in text:
        for match in _MEMBER.finditer(text):
            yield mark_of(document, match.start(), match.end(), "URL", TYPED)
    for pattern in (_MAC, _IPV6):
        if ":" in text or "-" in text:
            for match in pattern.finditer(text):
                if pattern is _MAC:
                    yield mark_of(document, match.start(), match.end(), "DEVICE", TYPED)
                elif _is_ip(match.group()):
                    yield mark_of(document, match.start(), match.end(), "IP", TYPED)
    for match in _FILE.finditer(text):
        yield mark_of(document, match.start(), match.end(), "PHOTO", TYPED)
    if not any(char.isdecimal() for char in text):
        return
    for match in _IPV4.finditer(text):
        if _is_ip(match.group()):
            yield mark_of(document, match.start(), match.end(), "IP", TYPED)
    for match in _DATE.finditer(text):
        yield mark_of(document, match.start(), match.end(), "DATE", TYPED)
    for match in _SHORT_DATE.finditer(text):
        before = document.left(document.at(match.start()), 2)
        month, _, day = match.group().partition("/")
        cued = before and (
            before[-1]
            in (
                "on",
                "by",
                "since",
                "until",
                "dated",
                "date",
                "from",
                "visit",
                "issued",
                "filed",
                "signed",
                "seen",
                "of",
                "dos",
                "admitted",
                "discharged",
                "due",
            )
            or before[-1] in spoken.WEEKDAYS
        )
        # A score is no more than what it is out of, and ten is what most are out of.
        ranged = _RANGE.match(text, match.end())
        if ranged is not None:
            yield mark_of(document, match.start(), match.end(), "DATE", TYPED)
            yield mark_of(document, ranged.start(1), ranged.end(1), "DATE", TYPED)
            continue
        written = text[: match.start()].rstrip().rpartition(" ")[2]
        out_of = int(day) in _TOTALS and int(month) <= int(day)
        named = 1 < len(written) < 7 and written.isalpha() and written.isupper()
        measured = out_of and named and written not in _APPOINTED
        proper = (
            measured
            or int(month) <= int(day) <= 10
            or _scored(document, document.at(match.start()), policy)
        )
        if not proper or (cued and before[-1] != "from"):
            yield mark_of(document, match.start(), match.end(), "DATE", TYPED)
    for match in _SSN.finditer(text):
        yield mark_of(document, match.start(), match.end(), "SSN", TYPED)
    for match in _STATE_ZIP.finditer(text):
        yield mark_of(document, match.start(1), match.end(1), "GEO", TYPED)
    for pattern in (_HOUSE, _BOX):
        for match in pattern.finditer(text):
            yield mark_of(document, match.start(), match.end(), "GEO", TYPED)
    for match in _SPACED.finditer(text):
        label = _cue(document, document.at(match.start()), policy)[0] or "OTHER"
        yield mark_of(document, match.start(1), match.end(1), label, TYPED)
    for match in _FIVE.finditer(text):
        at = document.at(match.start())
        if at and policy.flags.get(document.words[at - 1], 0) & KEPT:
            yield mark_of(document, match.start(), match.end(), "GEO", TYPED)
    for match in _ZIP4.finditer(text):
        label = _cue(document, document.at(match.start()), policy)[0] or "GEO"
        yield mark_of(document, match.start(), match.end(), label, TYPED)
    for match in _PHONE.finditer(text):
        digits = "".join(char for char in match.group() if char.isdecimal())
        if digits in policy.public_numbers:
            continue
        label = _cue(document, document.at(match.start()), policy)[0] or "PHONE"
        start, end = match.span()
        yield mark_of(document, start, end, label if label != "DATE" else "PHONE", TYPED)
    for match in _LICENCE.finditer(text):
        yield mark_of(document, match.start(1), match.end(1), "LICENSE", TYPED)
    for match in _GROUPS.finditer(text):
        grouped = match.group()
        cue, between = _cue(document, document.at(match.start()), policy, 5)
        mixed = any(char.isalpha() for char in grouped)
        long = sum(char.isdecimal() for char in grouped) >= 3
        told = document.word(document.at(match.start()) - 1) in ("is", "was")
        near = between <= (4 if told else 2)
        if cue and cue != "DATE" and near and mixed and long:
            yield mark_of(document, match.start(), match.end(), cue, TYPED)
    for match in _VIN.finditer(text):
        yield mark_of(document, match.start(), match.end(), "VEHICLE", TYPED)
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
    full = _ICD.match(document.text, start)
    if full is not None and full.end() >= match.end() and marks <= 4:
        return
    if document.word(index - 1) in _VITAL and marks <= 4:
        return
    if label and distance <= 3 and marks >= policy.minimum[label] and label not in ("DATE",):
        if label in ("PHONE", "FAX") and digits < 7:
            return
        if digits <= 4 and after in policy.units:
            return
        if label == "DEVICE" and document.word(index - 1) == "sn":
            start = document.starts[index - 1]
        if label in ("SSN", "ACCOUNT") and distance > 1 and digits == marks and digits < 4:
            return
        yield mark_of(document, start, match.end(), label, TYPED)
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
        yield mark_of(document, start, match.end(), kind, CODED)


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
        return mark_of(document, start, end, "DATE", DATED)
    if run.value.count(".") == 3 and _is_ip(run.value.removeprefix("ip")):
        return mark_of(document, start, end, "IP", CODED)
    if _scored(document, first, policy) and marks < 7:
        return None
    if after in policy.units and marks <= 4 and distance > 0:
        return None
    if label == "DATE" and 4 <= len(digits) <= 8 and marks == len(digits) and not run.amount:
        return mark_of(document, start, end, "DATE", DATED)
    if label and label != "DATE" and distance <= 4:
        least = policy.minimum[label]
        if label == "GEO":
            least = 1 if _house(document, first) else 5
        if label in ("PHONE", "FAX") and {"extension", "ext"} & set(document.left(first, 3)):
            least = 2
        elif label in ("PHONE", "FAX") and "area" in document.left(first, 3):
            least = 3
        if distance == 0 or _aside(document, first, distance) or before in ("is", "was"):
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
            if _prefixed(document, first, distance, policy):
                start = document.starts[first - 1]
            return Mark(start, end, label, SURROGATES[label], value, CODED)
    unit = after in policy.units and (marks < 7 or after not in ("a", "an", "or", "out"))
    if run.counting or (run.amount and len(digits) < 7) or unit:
        return None
    said = run.ones >= max(4, 0.6 * len(digits))
    if len(digits) in (7, 10, 11) and said and marks == len(digits):
        if document.left(first, 2) == ["area", "code"] and first >= 2:
            start = document.starts[first - 2]
        return Mark(start, end, "PHONE", "PHONE", value, CODED)
    if len(digits) == 9 and said and marks == 9:
        return Mark(start, end, "SSN", "SSN", value, CODED)
    if _clocks(document.words[first:last]):
        return None
    if (marks >= 6 and said and not run.typed) or (marks >= 6 and len(digits) >= 4 and said):
        return Mark(start, end, "OTHER", "IDENTIFIER", value, CODED)
    if marks == 5 and run.ones == 5 and len(digits) == 5 and not run.typed:
        return Mark(start, end, "GEO", "PLACE", value, CODED)
    return None


def _prefixed(document: Document, first: int, distance: int, policy: Policy) -> bool:
    """Whether two letters that are no word belong to a code: `docket number cr nineteen four`."""
    before = document.word(first - 1)
    return distance == 1 and len(before) == 2 and not policy.flags.get(before, 0)


def _clocks(words: list[str]) -> bool:
    """Whether two typed times of day or years stand for a span: `1915-1950`, `2010-2014`."""
    return len(words) == 2 and all(
        len(word) == 4
        and word.isdecimal()
        and ((word < "2400" and word[2] < "6") or "1900" <= word < "2100")
        for word in words
    )


def _rest(document: Document, run: spoken.Run, called: int, policy: Policy) -> Mark | None:
    """The part of a telephone number that is said again, or put right, soon after the number."""
    digits = run.digits
    if run.first - called > _CALLED or not 3 <= len(digits) <= 7 or run.marks != len(digits):
        return None
    spelled = run.ones == len(digits) or (run.typed and digits == run.value and len(digits) == 4)
    after = document.word(run.last) if not document.broken(run.last) else ""
    if not spelled or run.amount or run.counting or after in policy.units - {"or", "a", "an"}:
        return None
    sure = not run.typed and len(digits) >= 4
    if not sure and not _PUT_RIGHT & set(document.words[called : run.first]):
        return None
    start, end = document.starts[run.first], document.ends[run.last - 1]
    return Mark(start, end, "PHONE", "PHONE", digits, CODED)


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
