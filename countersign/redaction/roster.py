"""Decides where a text names somebody or something that the appointment record knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from rapidfuzz.distance import DamerauLevenshtein, Levenshtein

from countersign.errors import BadRoster
from countersign.redaction import sound
from countersign.redaction.mark import ROSTER, Mark
from countersign.redaction.meant import named_here
from countersign.redaction.policy import (
    ALLOWED,
    CLOSED,
    FAMILY,
    GIVEN,
    RELATION,
    TITLE,
    WORD,
    Policy,
    ending,
)
from countersign.redaction.spoken import LETTERS
from countersign.redaction.tagger import FOLLOW, OBJECTS
from countersign.redaction.text import Document, folded_words
from countersign.transcript import decode_utf8


class Part(StrEnum):
    """What a person on the roster is to the session."""

    PATIENT = "patient"
    CLINICIAN = "clinician"
    RELATIVE = "relative"
    OTHER = "other"


_KINDS: Final = {
    Part.PATIENT: "PATIENT",
    Part.CLINICIAN: "CLINICIAN",
    Part.RELATIVE: "RELATIVE",
    Part.OTHER: "PERSON",
}
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class Person(BaseModel):
    """One known person; `aliases` are other names and nicknames in use."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: _Name
    role: Part = Part.OTHER
    aliases: tuple[_Name, ...] = ()

    @field_validator("name")
    @classmethod
    def _spoken(cls, name: str) -> str:
        if not folded_words(name):
            raise ValueError("a name needs at least one letter")
        return name


class Roster(BaseModel):
    """The names that the appointment record holds: people, places, organizations."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    people: tuple[Person, ...] = ()
    places: tuple[_Name, ...] = ()
    organizations: tuple[_Name, ...] = ()


def read_roster(raw: bytes | str) -> Roster:
    """The roster in a JSON document; only `people[].name` is required.

    Raises `EmptyInput`, `NotUtf8` or `BadRoster`, whose message names the field, never a name.
    """
    text = raw if isinstance(raw, str) else decode_utf8(raw)
    try:
        return Roster.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "roster"
        raise BadRoster(f"{where}: {first['msg']}") from None


_SUFFIXES: Final = frozenset("jr sr ii iii iv md phd do np pa lcsw lmft lpc psyd rn esq".split())
_MIN_FUZZY: Final = 4
# Two spellings of one formal name, such as Katherine and Catherine, share their short forms.
_SAME_NAME: Final = 0.7
# A rare place name that sounds the same may be spelled quite differently.
_SAME_PLACE: Final = 0.6


@dataclass(frozen=True)
class _Form:
    """One way to say one part of a person's name."""

    person: int
    family: bool


# Two ordinary words that make up a name of so many letters are that name: "kettle man".
_SURELY_ONE = 8
# A name of so many letters and sounds may be heard as three words or four, this much alike.
_LONG_NAME = 7
_LONG_SOUND = 4
_GLUED = 0.55
# The parts of a short name, each heard as a word of its own, are this much alike in letters.
_SHORT_PART = 0.5


class RosterIndex:
    """A roster made ready for one session's look-ups."""

    def __init__(self, roster: Roster, policy: Policy) -> None:
        self._policy = policy
        self._people = roster.people
        self._exact: dict[str, list[_Form]] = {}
        self._similar: list[tuple[str, _Form]] = []
        self._memo: dict[str, tuple[_Form, ...]] = {}
        self._no_thing: set[str] = set()
        self._parts: list[tuple[str, _Form]] = []
        self._pairs: list[tuple[str, str, _Form]] = []
        for number, person in enumerate(roster.people):
            for name in (person.name, *person.aliases):
                self._add(number, name)
        self._similar_keys = [(form, sound.keys(form), entry) for form, entry in self._similar]
        self._things: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
        for kind, names in (("PLACE", roster.places), ("ORGANIZATION", roster.organizations)):
            for name in names:
                self._add_thing(kind, name)

    def _add(self, number: int, name: str) -> None:
        words = [
            word
            for position, word in enumerate(folded_words(name))
            # "MD" ends a name; "Pa Houa" begins with one.
            if (position == 0 or word not in _SUFFIXES) and len(word) > 1 and not word.isdecimal()
        ]
        while len(words) > 1 and self._policy.flags.get(words[0], 0) & TITLE:
            words.pop(0)
        if len(words) > 1:
            for second in dict.fromkeys((words[1], words[-1])):
                self._pairs.append((words[0], second, _Form(number, family=False)))
            for other in self._people[number].aliases:
                called = folded_words(other)
                if len(called) == 1 and len(called[0]) > 1:
                    self._pairs.append((called[0], words[-1], _Form(number, family=False)))
        for position, word in enumerate(words):
            self._parts.append((word, _Form(number, family=0 < position == len(words) - 1)))
            entry = _Form(number, family=position > 0 and position == len(words) - 1)
            forms = {word, *self._policy.spoken_forms.get(word, ())}
            for form in forms:
                self._put(form, entry)
                if len(form) >= _MIN_FUZZY:
                    self._similar.append((form, entry))
            if position == 0:
                for short in self._shorts(word):
                    self._put(short, entry)

    def _shorts(self, word: str) -> set[str]:
        nicknames = self._policy.nicknames
        found = set(nicknames.get(word, ()))
        heard = sound.keys(word)
        for formal, shorts in nicknames.items():
            if word in shorts:
                found.add(formal)
            elif heard & sound.keys(formal) and (
                Levenshtein.normalized_similarity(word, formal) >= _SAME_NAME
            ):
                found.update(shorts)
        return {
            name for name in found if not self._policy.flags.get(name, 0) & CLOSED and len(name) > 1
        }

    def _put(self, form: str, entry: _Form) -> None:
        entries = self._exact.setdefault(form, [])
        if entry not in entries:
            entries.append(entry)

    def _add_thing(self, kind: str, name: str) -> None:
        words = folded_words(name)
        if words and words[0] == "the" and len(words) > 1:
            words = words[1:]
        if not words:
            return
        key = f"{kind} {' '.join(words)}"
        self._things.setdefault(words[0], []).append((words, kind, key))
        for word in words:
            rare = not self._policy.flags.get(word, 0) & (WORD | CLOSED | ALLOWED)
            if len(words) > 1 and rare and len(word) > 3:
                self._things.setdefault(word, []).append(((word,), kind, key))
        for entries in self._things.values():
            entries.sort(key=lambda entry: -len(entry[0]))

    def find(self, document: Document) -> Iterator[Mark]:
        """Every mention of a roster name, spelled right or as a recognizer may hear it."""
        words = document.words
        index = 0
        while index < len(words):
            found = self._person(document, index) or self._thing(document, index)
            if found is None:
                index += 1
                continue
            mark, index = found
            yield mark

    # People -------------------------------------------------------------------------------------

    def _forms(self, word: str) -> tuple[_Form, ...]:
        """The parts of names that `word` may be, an exact form before a similar one."""
        known = self._memo.get(word)
        if known is None:
            exact = self._exact.get(word)
            if exact is not None:
                known = tuple(exact)
            elif len(word) < _MIN_FUZZY or self._policy.flags.get(word, 0) & (
                WORD | CLOSED | ALLOWED
            ):
                known = ()
            else:
                known = self._alike(word, loose=False)
            self._memo[word] = known
        return known

    def _alike(self, word: str, *, loose: bool) -> tuple[_Form, ...]:
        own = sound.keys(word)
        other_name = bool(self._policy.flags.get(word, 0) & (GIVEN | FAMILY))
        found: list[tuple[float, _Form]] = []
        for form, keys, entry in self._similar_keys:
            ratio = Levenshtein.normalized_similarity(word, form)
            if own & keys:
                key = next(iter(own & keys))
                enough = 0.5 if len(key) >= 3 or loose else 0.66
                if ratio >= enough:
                    found.append((ratio + 0.2, entry))
                    continue
            if other_name and not loose:
                continue
            distance = DamerauLevenshtein.distance(word, form)
            size = min(len(word), len(form))
            if (distance <= (1 if size < 8 else 2) and size >= 5) or (loose and ratio >= 0.7):
                found.append((ratio, entry))
        found.sort(key=lambda item: -item[0])
        return tuple(dict.fromkeys(entry for _, entry in found))

    def _person(self, document: Document, index: int) -> tuple[Mark, int] | None:
        words = document.words
        word = words[index]
        last = index + 1
        forms = self._forms(word) if word not in LETTERS else ()
        joined = False
        if self._policy.flags.get(word, 0) & WORD:
            paired = self._pair(document, index)
            if paired is not None:
                last, forms = paired
                joined = True
        if not forms and document.joined(last):
            forms = self._two_words(document, index)
            if forms:
                last, joined = index + 2, True
        if not forms:
            several = self._several(document, index)
            if several is not None:
                last, forms = several
                joined = True
        if not forms:
            heard = self._pair(document, index) or self._cued_sound(document, index)
            if heard is not None:
                last, forms = heard
                joined = True
        if not forms:
            spelled = self._spelled(document, index)
            if spelled is None:
                return None
            last, forms = spelled
            joined = True
        best, end = forms[0], last
        for entry in forms:
            reach = self._extent(document, entry, last)
            if reach > end:
                best, end = entry, reach
        flag = self._policy.flags.get(word, 0)
        if end == index + 1 and not joined and flag & (WORD | CLOSED | ALLOWED):
            if not self._meant(document, index, best, flag):
                return None
        person = self._people[best.person]
        kind = _KINDS[person.role]
        start, stop = document.starts[_initial(document, index)], document.ends[end - 1]
        return Mark(start, stop, "NAME", kind, f"roster {best.person}", ROSTER), end

    def _extent(self, document: Document, entry: _Form, last: int) -> int:
        """How far a mention of `entry`'s person goes, over further parts of the same name."""
        words = document.words
        for _ in range(3):
            if last >= len(words) or not document.joined(last):
                break
            word = words[last]
            if (
                word in LETTERS
                and last + 1 < len(words)
                and document.capital(last)
                and any(form.person == entry.person for form in self._forms(words[last + 1]))
            ):
                last += 2
                continue
            if self._policy.flags.get(word, 0) & CLOSED and word not in self._exact:
                break
            same = [form for form in self._forms(word) if form.person == entry.person]
            if not same and len(word) >= _MIN_FUZZY:
                same = [
                    form
                    for form in self._alike(word, loose=True)
                    if form.person == entry.person and form.family
                ]
            if not same or (not any(form.family for form in same) and entry.family):
                break
            last += 1
        return last

    def _pair(self, document: Document, index: int) -> tuple[int, tuple[_Form, ...]] | None:
        """Two short words that sound like the whole of a name: `my tao`, `pa hua`."""
        last = index + 2
        if last > len(document.words) or not document.joined(index + 1):
            return None
        first, second = document.words[index:last]
        flags = self._policy.flags
        if flags.get(second, 0) & (WORD | CLOSED | ALLOWED) or second[0].isdecimal():
            return None
        for given, family, entry in self._pairs:
            if sound.keys(first) & sound.keys(given) and sound.keys(second) & sound.keys(family):
                near = Levenshtein.normalized_similarity
                if near(first, given) >= _SHORT_PART and near(second, family) >= _SHORT_PART:
                    return last, (entry,)
        return None

    def _cued_sound(self, document: Document, index: int) -> tuple[int, tuple[_Form, ...]] | None:
        """An ordinary word that sounds like a name, right after a relation: `my son june`."""
        word = document.words[index]
        flag = self._policy.flags.get(word, 0)
        before = self._policy.flags.get(document.word(index - 1), 0)
        if not flag & WORD or flag & CLOSED or not before & RELATION or not document.joined(index):
            return None
        heard = sound.keys(word)
        forms = tuple(
            entry
            for form, entry in self._parts
            if heard & sound.keys(form)
            and Levenshtein.normalized_similarity(word, form) >= _SAME_NAME
            and not entry.family
        )
        return (index + 1, forms) if forms else None

    def _several(self, document: Document, index: int) -> tuple[int, tuple[_Form, ...]] | None:
        """A long name that was heard as three or four words: `oh yell a ron` for Oyelaran."""
        words = document.words
        for count in (4, 3):
            last = index + count
            if last > len(words) or not all(document.joined(at) for at in range(index + 1, last)):
                continue
            glued = "".join(words[index:last])
            if len(glued) < _LONG_NAME or any(word.isdecimal() for word in words[index:last]):
                continue
            own = sound.keys(glued)
            forms = tuple(
                entry
                for form, keys, entry in self._similar_keys
                if any(len(key) >= _LONG_SOUND for key in own & keys)
                and Levenshtein.normalized_similarity(glued, form) >= _GLUED
            )
            if forms:
                return last, forms
        return None

    def _two_words(self, document: Document, index: int) -> tuple[_Form, ...]:
        """A name that was heard as two words: `so cheel`, `de angelo`."""
        first, second = document.words[index], document.words[index + 1]
        glued = first + second
        if len(glued) < 5 or first.isdecimal() or second.isdecimal():
            return ()
        flags = self._policy.flags
        plain = flags.get(first, 0) & WORD and flags.get(second, 0) & WORD
        exact = self._exact.get(glued)
        if exact is not None and (
            not plain
            or len(glued) >= _SURELY_ONE
            or self._cued(document, index)
            or not (flags.get(first, 0) | flags.get(second, 0)) & CLOSED
        ):
            return tuple(exact)
        own = sound.keys(glued)
        alike = tuple(
            entry
            for form, keys, entry in self._similar_keys
            if own & keys
            and len(form) >= 5
            and Levenshtein.normalized_similarity(glued, form)
            # One letter and a name ("a meena"), or two names ("rama swami").
            >= (0.65 if first in LETTERS else 0.85)
        )
        if alike and not (plain and first not in LETTERS):
            return alike
        if plain or flags.get(second, 0) & (WORD | CLOSED) or flags.get(second, 0) & ALLOWED:
            return ()
        if flags.get(second, 0) & (GIVEN | FAMILY):
            return ()
        return tuple(
            entry
            for form, keys, entry in self._similar_keys
            if own & keys
            and len(form) >= 5
            and Levenshtein.normalized_similarity(glued, form) >= 0.6
        )

    def _spelled(self, document: Document, index: int) -> tuple[int, tuple[_Form, ...]] | None:
        words = document.words
        if words[index] not in LETTERS:
            return None
        last = index
        while (
            last < len(words)
            and words[last] in LETTERS
            and (last == index or document.seps[last] in (" ", "-", ", ", ". ", "."))
        ):
            last += 1
        for end in range(last, index + 2, -1):
            forms = self._exact.get("".join(words[index:end]))
            if forms and end - index >= 3:
                return end, tuple(forms)
        return None

    def _cued(self, document: Document, index: int) -> bool:
        before = document.word(index - 1)
        flag = self._policy.flags.get(before, 0)
        window = document.words[max(0, index - 4) : index]
        return bool(flag & (TITLE | RELATION)) or ending(self._policy.introductions, window)

    def _meant(self, document: Document, index: int, entry: _Form, flag: int) -> bool:
        """Whether a word that is also an ordinary word stands here for the person."""
        if document.capital(index) and not document.broken(index):
            return True
        cued = self._cued(document, index)
        after = document.word(index + 1) if not document.broken(index + 1) else ""
        if cued and (not after or after in FOLLOW or after not in OBJECTS):
            return True
        if document.cased and not document.capital(index):
            return False
        if entry.family:
            return False
        return named_here(document, index, flag)

    # Places and organizations -------------------------------------------------------------------

    def _like_thing(self, word: str) -> list[tuple[tuple[str, ...], str, str]]:
        """A place or an organization of one rare word that `word` may be a misspelling of."""
        if len(word) < 5 or not self._things or word in self._no_thing:
            return []
        if not self._policy.flags.get(word, 0) & (WORD | CLOSED | ALLOWED | GIVEN | FAMILY):
            heard = sound.keys(word)
            for form, entries in self._things.items():
                rare = not self._policy.flags.get(form, 0) & (WORD | CLOSED)
                if (
                    rare
                    and heard & sound.keys(form)
                    and (Levenshtein.normalized_similarity(word, form) >= _SAME_PLACE)
                ):
                    single = [entry for entry in entries if len(entry[0]) == 1]
                    if single:
                        return single
        self._no_thing.add(word)
        return []

    def _thing(self, document: Document, index: int) -> tuple[Mark, int] | None:
        words = document.words
        for phrase, kind, key in self._things.get(words[index], ()) or self._like_thing(
            words[index]
        ):
            if words[index] != phrase[0] and len(phrase) == 1:
                return Mark(
                    document.starts[index], document.ends[index], "GEO", kind, key, ROSTER
                ), index + 1
            last = index + len(phrase)
            if tuple(words[index:last]) != phrase:
                continue
            if len(phrase) == 1 and self._policy.flags.get(phrase[0], 0) & (WORD | CLOSED):
                before = document.word(index - 1)
                if not document.capital(index) and before not in ("in", "at", "to", "from", "near"):
                    continue
            start, stop = document.starts[index], document.ends[last - 1]
            return Mark(start, stop, "GEO", kind, key, ROSTER), last
        return None


def _initial(document: Document, index: int) -> int:
    """Where a name begins that may have an initial before it: `K. Dzurik`."""
    before = index - 1
    if (
        index
        and document.words[before] in LETTERS
        and document.words[before] != "i"
        and document.capital(before)
        and document.seps[index] in (" ", ". ", ".")
    ):
        return before
    return index
