"""Decides what redaction looks for, from the data in policies/redaction.toml and its word lists."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadPolicy
from countersign.redaction.spoken import LETTERS
from countersign.redaction.text import folded_words
from countersign.redaction.weights import read_weights

Label = Literal[
    "NAME",
    "GEO",
    "DATE",
    "PHONE",
    "FAX",
    "EMAIL",
    "SSN",
    "MRN",
    "HEALTH_PLAN",
    "ACCOUNT",
    "LICENSE",
    "VEHICLE",
    "DEVICE",
    "URL",
    "IP",
    "BIOMETRIC",
    "PHOTO",
    "OTHER",
    "AGE_90",
]
LABELS: Final[tuple[str, ...]] = get_args(Label)

# What a word may be, as bits: one look-up a word decides whether it needs a closer look.
WORD: Final = 1
GIVEN: Final = 2
FAMILY: Final = 4
RARE: Final = 8
PLACE: Final = 16
PLACE_START: Final = 32
ALLOWED: Final = 64
TITLE: Final = 128
CLOSED: Final = 256
CUE: Final = 512
KEPT: Final = 1024
FACILITY: Final = 2048
STREET: Final = 4096
RELATION: Final = 8192
PHRASE_START: Final = 16384
NAMELIKE: Final = GIVEN | FAMILY | RARE

# Words of the closed classes, which no cue turns into a name.
CLOSED_WORDS: Final = frozenset(
    """a an the this that these those some any no every each i me my mine we us our ours you your
    yours he him his she her hers it its they them their theirs who whom whose what which where
    when why how and or but so if then than because as of in on at to from by with about for into
    over under after before up down out off not never always just only also too very really is am
    are was were be been being do does did done doing have has had having can could would should
    shall must might im ive id youre youve hes shes theyre weve thats dont didnt doesnt cant
    couldnt wouldnt wont isnt wasnt arent werent havent hasnt hadnt there here now again back
    still even like said says say told tell asked ask got get gets getting went go goes going
    gone came come comes coming made make makes making took take takes knew know knows think
    thinks thought want wants wanted need needs needed feel feels felt feeling keeps kept keep
    let lets put puts called calls left leaves lives lived moved works worked passed died yes
    yeah okay ok well oh um uh hi hey hello thanks please sorry maybe actually basically
    sometimes usually probably all both either neither few many much more most other another such
    own same one two three four five six seven eight nine ten hundred thousand first second third
    last next good bad new old little big today tomorrow yesterday tonight morning afternoon
    evening night day week month year time trying starting looking telling saying someone
    somebody anyone anybody everyone everybody nobody nothing something anything everything mom
    dad s t re ve ll d m until while since during through between against without within along
    across though although anyway ago away around almost already later soon yet side house place
    birthday funeral home job room nice great fine sure howre wherere whatre therell thatll
    whatll gave give gives spoke sent ran wrote prescribed suggested increased changed switched
    stopped howll thatd itd whens whys everyones
    """.split()
)  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(_Strict):
    """One identifier of the rule: what goes, what stays, why, and the words that announce it."""

    label: Label
    citation: str = Field(min_length=10)
    replaced: str = Field(min_length=3)
    kept: str
    why: str
    digits: int = Field(ge=1)
    cues: tuple[str, ...]


class _Lists(_Strict):
    given: str
    family: str
    rare: str
    nicknames: str
    places: str
    words: str
    clinical: str
    tagger: str


class _Age(_Strict):
    limit: int = Field(ge=1, le=90)
    citation: str


class _Suppress(_Strict):
    units: frozenset[str]
    scales: frozenset[str]
    public_numbers: frozenset[str]


class _People(_Strict):
    titles: frozenset[str]
    clinicians: frozenset[str]
    relatives: frozenset[str]
    others: frozenset[str]
    introductions: tuple[str, ...]
    callings: tuple[str, ...]


class _Places(_Strict):
    strong: tuple[str, ...]
    work: tuple[str, ...]
    prepositions: frozenset[str]
    facilities: frozenset[str]
    streets: frozenset[str]
    streets_with_number: frozenset[str]
    generic: frozenset[str]
    kept: tuple[str, ...]


class _Dates(_Strict):
    holidays: tuple[str, ...]
    before_holiday: frozenset[str]
    before_month: frozenset[str]


class _Tagger(_Strict):
    sure: float = Field(gt=0, lt=1)


class _Allow(_Strict):
    eponyms: frozenset[str]
    scales: frozenset[str]
    medications: frozenset[str]
    medication_endings: tuple[str, ...]
    brands: frozenset[str]
    phrases: tuple[str, ...]


class _File(_Strict):
    version: Literal[1]
    languages: tuple[Literal["en"], ...] = Field(min_length=1)
    lists: _Lists
    kind: tuple[Kind, ...]
    age: _Age
    suppress: _Suppress
    people: _People
    places: _Places
    dates: _Dates
    tagger: _Tagger
    allow: _Allow
    spoken_forms: dict[str, tuple[str, ...]]


Phrases = dict[str, tuple[tuple[str, ...], ...]]


def phrases(lines: tuple[str, ...] | list[str]) -> Phrases:
    """Phrases by their first word, longest first, each as its folded words."""
    table: dict[str, list[tuple[str, ...]]] = {}
    for line in lines:
        words = folded_words(line)
        if words:
            table.setdefault(words[0], []).append(words)
    return {
        first: tuple(sorted(set(rest), key=lambda words: (-len(words), words)))
        for first, rest in table.items()
    }


def ending(table: Phrases, words: list[str]) -> bool:
    """Whether `words` ends with one of the phrases of `table` (as `backward` orders them)."""
    if not words:
        return False
    size = len(words)
    for phrase in table.get(words[-1], ()):
        count = len(phrase)
        if count <= size and tuple(reversed(words[size - count :])) == phrase:
            return True
    return False


def backward(lines: tuple[str, ...]) -> Phrases:
    """Phrases by their last word, each reversed, for looking to the left."""
    return phrases([" ".join(reversed(folded_words(line))) for line in lines])


def lists_named(text: str) -> tuple[str, ...]:
    """The files under policies/ that the policy `text` needs, in order.

    Read each and hand them over: `Policy.from_toml(text, {name: read(name) for name in
    lists_named(text)})`. Raises `BadPolicy` when the text has no such table.
    """
    lists = _parse(text).get("lists")
    if not isinstance(lists, dict) or not all(isinstance(name, str) for name in lists.values()):
        raise BadPolicy("redaction.toml: the table [lists] is missing or broken")
    return tuple(lists.values())


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPolicy(f"redaction.toml: {error}") from None


def _entries(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@dataclass(frozen=True)
class Policy:
    """The whole of what redaction looks for; immutable, made once, shared by every call."""

    kinds: tuple[Kind, ...]
    flags: Mapping[str, int]
    medication_endings: tuple[str, ...]
    places: Phrases
    kept: Phrases
    allowed: Phrases
    holidays: Phrases
    introductions: Phrases
    callings: frozenset[str]
    calling_phrases: Phrases
    lives: Phrases
    works: Phrases
    code_cues: re.Pattern[str]
    minimum: Mapping[str, int]
    units: frozenset[str]
    scales: frozenset[str]
    public_numbers: frozenset[str]
    titles: frozenset[str]
    clinicians: frozenset[str]
    relatives: frozenset[str]
    others: frozenset[str]
    prepositions: frozenset[str]
    streets: frozenset[str]
    streets_with_number: frozenset[str]
    generic: frozenset[str]
    before_holiday: frozenset[str]
    before_month: frozenset[str]
    age_limit: int
    nicknames: Mapping[str, frozenset[str]]
    spoken_forms: Mapping[str, frozenset[str]]
    weights: Mapping[str, tuple[int, int]]
    sure: float

    @classmethod
    def from_toml(cls, text: str, lists: Mapping[str, str]) -> Policy:
        """The policy in `text`, the content of policies/redaction.toml.

        `lists` holds the text of every file that `lists_named(text)` gives, by that name or by its
        stem (`names_given` for `lexicons/names_given.txt`). Raises `BadPolicy` when the file does
        not parse, a field is wrong, a list is missing or empty, or one of the 18 kinds of 45 CFR
        164.514(b)(2)(i) has no rule: a half policy is none.
        """
        try:
            data = _File.model_validate(_parse(text))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadPolicy(f"redaction.toml: {where}: {first['msg']}") from None
        labels = [kind.label for kind in data.kind]
        missing = sorted((set(LABELS) - {"AGE_90"}) - set(labels))
        if missing or len(set(labels)) != len(labels):
            raise BadPolicy(
                "redaction.toml: each identifier needs one [[kind]]; "
                f"missing or repeated: {', '.join(missing) or 'repeated'}"
            )
        loaded: dict[str, list[str]] = {}
        for key, name in data.lists.model_dump().items():
            stem = name.rpartition("/")[2].removesuffix(".txt")
            entries = _entries(lists.get(name) or lists.get(stem) or "")
            if not entries:
                raise BadPolicy(f"redaction.toml: the list {name} is missing or empty")
            loaded[key] = entries
        return _compile(data, loaded, read_weights("\n".join(loaded["tagger"])))


def _compile(
    data: _File, loaded: dict[str, list[str]], weights: Mapping[str, tuple[int, int]]
) -> Policy:
    flags: dict[str, int] = dict.fromkeys(
        " ".join((*loaded["words"], *loaded["clinical"])).split(), WORD
    )

    def mark(words: Any, bit: int) -> None:
        get = flags.get
        for word in words:
            flags[word] = get(word, 0) | bit

    mark(" ".join(loaded["rare"]).split(), RARE)
    mark(" ".join(loaded["family"]).split(), FAMILY)
    mark(" ".join(loaded["given"]).split(), GIVEN)
    places: dict[str, list[tuple[str, ...]]] = {}
    for line in loaded["places"]:
        words = tuple(line.split())
        if len(words) == 1:
            flags[line] = flags.get(line, 0) | PLACE
        elif words:
            places.setdefault(words[0], []).append(words)
    mark(places, PLACE_START)
    for names in (data.allow.eponyms, data.allow.scales, data.allow.medications, data.allow.brands):
        mark(names, ALLOWED)
    kept = phrases(data.places.kept)
    mark(kept, KEPT)
    allowed = phrases(data.allow.phrases)
    mark(allowed, PHRASE_START)
    mark(data.people.titles, TITLE | WORD)
    mark(data.people.relatives | data.people.others, RELATION)
    mark(CLOSED_WORDS, CLOSED | WORD)
    mark(LETTERS, CLOSED | WORD)
    introductions = backward(data.people.introductions)
    lives = backward(data.places.strong)
    works = backward(data.places.work)
    mark(introductions, CUE)
    mark(lives, CUE)
    mark(works, CUE)
    mark(data.places.facilities, FACILITY)
    mark(data.places.streets | data.places.streets_with_number, STREET)
    # A word that announces a number is a word, whatever else it may be (vin, chart).
    mark((word for kind in data.kind for cue in kind.cues for word in folded_words(cue)), WORD)
    cues: dict[str, list[str]] = {}
    for kind in data.kind:
        for cue in kind.cues:
            cues.setdefault(kind.label, []).append(" ".join(folded_words(cue)))
    pattern = "|".join(
        f"(?P<{label}>{'|'.join(sorted(map(re.escape, set(lines)), key=len, reverse=True))})"
        for label, lines in cues.items()
    )
    nicknames: dict[str, set[str]] = {}
    for line in loaded["nicknames"]:
        formal, _, short = line.partition(":")
        if not short.split():
            raise BadPolicy(f"nicknames: the line of {formal!r} has no forms")
        nicknames.setdefault(formal.strip(), set()).update(short.split())
    spoken = {
        "".join(folded_words(name)): frozenset("".join(folded_words(form)) for form in forms)
        for name, forms in data.spoken_forms.items()
    }
    return Policy(
        kinds=data.kind,
        flags=flags,
        medication_endings=data.allow.medication_endings,
        places={
            first: tuple(sorted(rest, key=len, reverse=True)) for first, rest in places.items()
        },
        kept=kept,
        allowed=allowed,
        holidays=phrases(data.dates.holidays),
        introductions=introductions,
        callings=frozenset(line for line in data.people.callings if " " not in line),
        calling_phrases=backward(tuple(line for line in data.people.callings if " " in line)),
        lives=lives,
        works=works,
        code_cues=re.compile(rf"\b(?:{pattern})\b"),
        minimum={kind.label: kind.digits for kind in data.kind},
        units=data.suppress.units,
        scales=data.suppress.scales,
        public_numbers=data.suppress.public_numbers,
        titles=data.people.titles,
        clinicians=data.people.clinicians,
        relatives=data.people.relatives,
        others=data.people.others,
        prepositions=data.places.prepositions,
        streets=data.places.streets,
        streets_with_number=data.places.streets_with_number,
        generic=data.places.generic,
        before_holiday=data.dates.before_holiday,
        before_month=data.dates.before_month,
        age_limit=data.age.limit,
        nicknames={name: frozenset(forms) for name, forms in nicknames.items()},
        spoken_forms=spoken,
        weights=weights,
        sure=data.tagger.sure,
    )
