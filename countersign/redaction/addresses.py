"""Decides how far an address goes: unit, box, corner, county road, the shop on the street.

`apartment three f`, `p o box six one eight`, `broadway and forty third`, `the speedway on salem
avenue`, `at u c l a`, `at community regional`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from countersign.redaction import spoken
from countersign.redaction.policy import (
    ALLOWED,
    CLOSED,
    FACILITY,
    NAMELIKE,
    PLACE,
    RELATION,
    STREET,
    TITLE,
    WORD,
)
from countersign.redaction.tag import Tag
from countersign.redaction.text import Document

_UNITS: Final = frozenset("apartment apt unit suite lot trailer".split())
_ORDINALS: Final = frozenset(
    """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth fortieth
    fiftieth sixtieth seventieth eightieth ninetieth""".split()
)
# `At first`, `on second thought`, `at third`: too low to be a street without a cue.
_LOW: Final = frozenset({"first", "second", "third"})
_ON: Final = frozenset("on off at near by from to around of".split())
_ROADS: Final = frozenset({"road", "highway", "route", "rd", "hwy", "trunk"})
_ROAD_LEADS: Final = frozenset({"county", "township", "rural", "farm"})
# What a hospital or a school is called when no article stands before it.
_NAMING: Final = frozenset(
    """central community regional general memorial state county university valley mercy city metro
    methodist presbyterian baptist lutheran providence unity northern southern eastern western
    northeast northwest southeast southwest tri united good sacred holy childrens
    veterans""".split()
)
_NAMING_ENDS: Final = frozenset(
    "regional general memorial state methodist baptist presbyterian lutheran central mercy".split()
)
_AT: Final = frozenset({"at", "to", "from", "of", "near", "in"})
# Who or what is somewhere by name: what stands before `at`, `to`, `from` and `by`.
_CARE: Final = frozenset(
    """done seen transported transferred admitted treated evaluated hospitalized hired fired
    employed off layoff manager boss supervisor coworker job shift resources dorm teller cashier
    employer stabilized detoxed works worked working interned internship delivered discharged
    teaches taught foreman cook server clerk driver welder""".split()
)
_EMPLOYED: Final = frozenset("manager boss supervisor resources layoff employed hired".split())
_BY: Final = frozenset({"at", "to", "from", "by"})
_NO_EMPLOYER: Final = frozenset(
    """home work school church court jail night times lunch dinner bedtime noon all least best last
    first once present will bay ease hand sea day law case care baseline discharge rest play peace
    risk large length hospice rehab detox inpatient outpatient dawn christmas easter may""".split()
)
# The last word of an organization's name, where it is written with capitals.
_ORGANIZED: Final = frozenset(
    """house bank recovery center centre medicine pharmacy institute clinic services foundation
    academy market foods meats motors logistics solutions associates partners ministries fellowship
    counseling wellness psychiatry psychiatric pediatrics dental rehabilitation manor lodge ranch
    village terrace gardens inn hotel casino grill diner bakery brewery farms mills plant shelter
    homes health college university""".split()
)
_NO_ORGANIZATION: Final = frozenset(
    """crisis medical day behavioral mental health recovery community treatment care primary urgent
    outpatient inpatient intensive group family internal emergency detox sober transitional halfway
    senior adult youth child support social human nursing addiction addictions counseling the
    residential assisted living skilled public student wellness acute occupational physical
    geriatric sleep pain womens mens state county general of and pharmacy white open safe""".split()
)
# What a note may write with a capital after `at` and names no place.
_UNNAMED: Final = frozenset(
    """intake baseline admission discharge follow triage work home bedside court group session step
    level stage phase week day night emergency crisis medical day inpatient outpatient residential
    time risk rest program unit ward office gym library gym center present onset birth
    thanksgiving christmas easter halloween monday tuesday wednesday thursday friday saturday
    sunday moderate severe mild high low last age nursing utilization quality""".split()
)
_STEPS: Final = frozenset(
    """therapy inventory scale questionnaire group plan act index checklist session visit level step
    unit stage assessment discharge planning treatment review test screening team department
    management committee program court""".split()
)
_FIELDS: Final = frozenset("employer pharmacy school facility hospital source agency".split())
_SPOKEN_SHORT: Final = frozenset(
    """icu iop php aa na er ed or pt ot dmv dbt cbt act ivf mri cps irs hr pta va sud tms ect emdr
    nicu picu acu pacu obgyn csu res atm tsa ymca ywca kfc usa uk la nyc dc asap""".split()
)


def find(document: Document, flags: Sequence[int], tags: Sequence[Tag]) -> Iterator[Tag]:
    """Parts of addresses and places beside or beyond `tags`, which name streets and towns."""
    words = document.words
    for index, word in enumerate(words):
        if word in _UNITS:
            yield from _unit(document, flags, index)
        elif word == "box" and document.joined(index):
            yield from _box(document, index)
        elif word in _ROADS and document.word(index - 1) in _ROAD_LEADS:
            last = _number(document, index + 1)
            if last > index + 1:
                yield Tag(index - 1, last, "GEO", "PLACE")
        elif word == "and" and document.joined(index):
            yield from _corner(document, flags, index)
        elif word in _ORDINALS:
            yield from _avenue(document, flags, index)
        elif word in spoken.LETTERS and document.word(index - 1) in _AT:
            yield from _acronym(document, index)
        elif word in _NAMING and document.word(index - 1) in _AT:
            yield from _institution(document, index)
        elif word in _CARE and index:
            yield from _workplace(document, flags, index)
    if document.cased:
        yield from _written(document, flags)
    for tag in tags:
        if tag.label == "GEO":
            yield from _shop(document, flags, tag)


def _number(document: Document, index: int) -> int:
    """Where a row of number words, digits and letters that begins at `index` ends."""
    words = document.words
    last = index
    while (
        last < len(words)
        and last < index + 5
        and document.joined(last)
        and (
            words[last] in spoken.NUMBERS
            or words[last][0].isdecimal()
            or words[last] == "double"
            or (words[last] in spoken.LETTERS and words[last] not in ("i", "a"))
        )
    ):
        last += 1
    return last


def _unit(document: Document, flags: Sequence[int], index: int) -> Iterator[Tag]:
    first = index + 1
    if document.word(first) == "number":
        first += 1
    last = _number(document, first)
    if document.word(last) == "a" and document.broken(last + 1) and last > first:
        last += 1
    before = document.word(index - 1)
    if last == first or before in ("a", "one", "two", "three", "per"):
        return
    # A hospital and a car park have units and lots too.
    streets = any(flags[at] & (STREET | NAMELIKE | PLACE) for at in range(max(0, index - 2), index))
    if document.words[index] in ("apartment", "apt") or streets:
        yield Tag(index, last, "GEO", "PLACE")


def _box(document: Document, index: int) -> Iterator[Tag]:
    words = document.words
    if words[index - 1] == "po":
        first = index - 1
    elif index >= 2 and words[index - 2 : index] == ["p", "o"]:
        first = index - 2
    else:
        return
    last = _number(document, index + 1)
    if last > index + 1:
        yield Tag(first, last, "GEO", "PLACE")


def _ordinal_from(document: Document, index: int) -> int:
    """Where an ordinal that begins at `index` ends, or `index`: `fifth`, `forty third`, `54th`."""
    words = document.words
    if index >= len(words):
        return index
    if words[index] in spoken.TENS and document.word(index + 1) in _ORDINALS:
        return index + 2
    if words[index] in _ORDINALS:
        return index + 1
    if words[index].isdecimal() and document.word(index + 1) in ("st", "nd", "rd", "th"):
        if document.seps[index + 1] == "":
            return index + 2
    return index


def _corner(document: Document, flags: Sequence[int], index: int) -> Iterator[Tag]:
    """`broadway and forty third`, `forty fourth and burleigh`, after `on`, `off` or `at`."""
    after = _ordinal_from(document, index + 1)
    if after > index + 1:
        if _street_like(document, flags, index - 1) and document.word(index - 2) in _ON:
            yield Tag(index - 1, after, "GEO", "PLACE")
        return
    for size in (1, 2):
        first = index - size
        if first < 1 or _ordinal_from(document, first) != index:
            continue
        if size == 1 and document.word(first - 1) in spoken.TENS:
            continue
        if document.word(first - 1) in _ON and _street_like(document, flags, index + 1):
            yield Tag(first, index + 2, "GEO", "PLACE")
            return


def _street_like(document: Document, flags: Sequence[int], index: int) -> bool:
    if not 0 <= index < len(flags):
        return False
    flag = flags[index]
    if flag & CLOSED or document.words[index][0].isdecimal():
        return False
    return bool(flag & (NAMELIKE | PLACE | STREET)) or not flag & WORD or document.capital(index)


def _avenue(document: Document, flags: Sequence[int], index: int) -> Iterator[Tag]:
    """`on fifth`, `off forty third`: a street that has no word for it, before a stop."""
    first = index - 1 if document.word(index - 1) in spoken.TENS else index
    if first == index and document.words[index] in _LOW:
        return
    before = document.word(first - 1)
    if before not in ("on", "off") or document.broken(first):
        return
    stop = index + 1
    if stop < len(flags) and not document.broken(stop) and not flags[stop] & CLOSED:
        return
    if document.word(stop) in ("of", "the", "at") or document.word(stop) in spoken.MONTHS:
        return
    yield Tag(first, stop, "GEO", "PLACE")


def _acronym(document: Document, index: int) -> Iterator[Tag]:
    """A school or a hospital that is said in letters: `at u c l a`, `from m g h`."""
    words = document.words
    last = index
    while (
        last < len(words)
        and words[last] in spoken.LETTERS
        and (last == index or document.seps[last] in (" ", ".", ". "))
    ):
        last += 1
    if last - index > 2 and words[last - 1] in ("i", "a") and not document.broken(last):
        last -= words[last - 1] == "i"
    if not 3 <= last - index <= 5 or words[index] in ("i", "a"):
        return
    said = "".join(words[index:last])
    if said not in _SPOKEN_SHORT and document.word(index - 1) in ("at", "to", "from"):
        yield Tag(index, last, "GEO", "ORGANIZATION")


def _institution(document: Document, index: int) -> Iterator[Tag]:
    """A hospital or a school whose name is ordinary words, without an article."""
    words = document.words
    last = index
    while last < len(words) and words[last] in _NAMING and (last == index or document.joined(last)):
        last += 1
    high = words[last : last + 2] == ["high", "school"] or words[last : last + 1] == ["high"]
    if high and words[last - 1] in ("memorial", "central", "valley", "northern", "western"):
        yield Tag(
            index,
            last + (2 if words[last + 1 : last + 2] == ["school"] else 1),
            "GEO",
            "ORGANIZATION",
        )
    elif last - index >= 2 and words[last - 1] in _NAMING_ENDS:
        yield Tag(index, last, "GEO", "ORGANIZATION")


def _written(document: Document, flags: Sequence[int]) -> Iterator[Tag]:
    """Organizations that a note writes with capitals: `Fountain House`, `at the Sheraton`."""
    words = document.words
    index = 0
    while index < len(words):
        last = _capitals(document, flags, index)
        if last - index >= 2 and words[last - 1] in _ORGANIZED:
            distinct = [word for word in words[index : last - 1] if word not in _NO_ORGANIZATION]
            if distinct and not any(flags[at] & ALLOWED for at in range(index, last - 1)):
                yield Tag(index, last, "GEO", "ORGANIZATION")
        index = max(last, index + 1)
    for index, word in enumerate(words):
        if word in _FIELDS and document.seps[index + 1 : index + 2] == [": "]:
            last = _capitals(document, flags, index + 1)
            if last > index + 1 and not flags[index + 1] & ALLOWED:
                yield Tag(index + 1, last, "GEO", "ORGANIZATION")
        elif word in ("at", "from", "near", "outside"):
            first = index + 1 + (document.word(index + 1) == "the")
            if first >= len(words) or not document.joined(first) or not document.capital(first):
                continue
            flag = flags[first]
            unnamed = flag & (FACILITY | TITLE | RELATION) or words[first] in _UNNAMED
            last = max(first + 1, _capitals(document, flags, first))
            plain = flag & WORD and not flag & NAMELIKE and document.capital(last - 1)
            if plain and words[last - 1] in _STEPS | _ORGANIZED:
                continue
            if not flag & (CLOSED | ALLOWED) and not unnamed and document.joined(index + 1):
                yield Tag(first, last, "GEO", "PLACE")


def _capitals(document: Document, flags: Sequence[int], index: int) -> int:
    """Where a row of up to five words with capitals ends, `of` between them allowed."""
    last = index
    while last < len(flags) and last < index + 5 and (last == index or document.joined(last)):
        said = document.text[document.starts[last] : document.ends[last]]
        opens = last == index and not said.isupper() and not document.broken(last)
        if document.capital(last) and (opens or not flags[last] & CLOSED):
            last += 1
        elif (
            document.words[last] in ("of", "and")
            and last > index
            and last + 1 < len(flags)
            and document.capital(last + 1)
        ):
            last += 1
        else:
            break
    return last


def _workplace(document: Document, flags: Sequence[int], index: int) -> Iterator[Tag]:
    """Where somebody works or is treated: `my manager at polaris`, `transported to ellis`."""
    words = document.words
    first = index + 1
    if document.word(first) not in _BY or document.broken(first):
        return
    first += 1
    article = document.word(first) == "the"
    first += article
    if first >= len(words) or document.broken(first):
        return
    employed = words[index] in _EMPLOYED and not article and flags[first] & WORD
    if employed and not flags[first] & (CLOSED | FACILITY) and words[first] not in _NO_EMPLOYER:
        if document.broken(first + 1) or flags[first + 1] & CLOSED:
            yield Tag(first, first + 1, "GEO", "ORGANIZATION")
            return
    if not _nameable(flags, words, first):
        return
    last = first + 1
    while (
        last < len(words)
        and last < first + 3
        and document.joined(last)
        and not flags[last] & CLOSED
        and (flags[last] & (NAMELIKE | FACILITY | PLACE) or not flags[last] & WORD)
    ):
        last += 1
    if (
        words[last : last + 1] == ["and"]
        and last + 1 < len(words)
        and not flags[first] & WORD
        and not flags[last + 1] & (WORD | CLOSED)
    ):
        last += 2  # A firm: `employed at dunmore and keats`.
    stop = last >= len(words) or document.broken(last) or flags[last] & CLOSED
    if not stop and flags[first] & WORD and not flags[first] & ALLOWED:
        return
    yield Tag(first, last, "GEO", "ORGANIZATION")


def _nameable(flags: Sequence[int], words: list[str], index: int) -> bool:
    """Whether a word could name an employer or a hospital, a well-known brand included."""
    flag = flags[index]
    if flag & CLOSED or words[index] in _NO_EMPLOYER or words[index][0].isdecimal():
        return False
    return bool(flag & (NAMELIKE | ALLOWED)) or not flag & WORD


def _shop(document: Document, flags: Sequence[int], tag: Tag) -> Iterator[Tag]:
    """The business before a street: `the speedway on salem avenue`, `kroger on fifth`."""
    first = tag.first - 1
    if document.word(first) not in ("on", "off"):
        return
    if document.word(first - 1) == "over":
        first -= 1
    name = first - 1
    if name < 1 or not document.joined(first) or document.broken(name):
        return
    flag = flags[name]
    if document.words[name - 1] not in ("the", "at", "a", "this", "that"):
        return
    if flag & CLOSED or not (flag & (ALLOWED | NAMELIKE) or not flag & WORD):
        return
    yield Tag(name, tag.last, "GEO", "ORGANIZATION")
