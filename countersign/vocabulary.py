"""Decides which words the recognizer is told, and which medications it may have confused."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadPolicy
from countersign.sounds import CONFIDENT, SOUND_ALIKE, Corrected, Sounds, bare
from countersign.transcript import Doubt, Word

__all__ = ["SOUND_ALIKE", "Vocabulary"]

Term = Annotated[str, Field(min_length=2, max_length=60)]
Pairs = tuple[tuple[Term, ...], ...]
_File = TypeVar("_File", bound=BaseModel)


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    reason: str
    source: str
    terms: tuple[Term, ...]


class _Terms(BaseModel):
    """What a file of `policies/vocabulary/` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    group: tuple[_Group, ...]


class _SoundAlikes(BaseModel):
    """What `policies/sound_alike.toml` says; the tables' keys only sort the pairs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    always: Mapping[str, Pairs]
    when_unsure: Mapping[str, Pairs]


class _Medications(BaseModel):
    """What is read of `policies/lexicons/medications.toml`: the names of medications."""

    class _Class(BaseModel):
        entries: tuple[str, ...]

    group: tuple[_Class, ...]


class Vocabulary(BaseModel):
    """Terms in the order of their use, and groups of medications that sound alike.

    `sound_alike` are flagged whenever one is heard, `unsure_alike` when it was not heard with
    confidence. `medications` are all that are known by name: terms or not, none of them is
    replaced by another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: tuple[Term, ...] = ()
    sound_alike: Pairs = ()
    unsure_alike: Pairs = ()
    medications: tuple[str, ...] = ()

    @classmethod
    def from_toml(cls, terms: str, sound_alike: str, medications: str) -> Self:
        """The texts of a file of `policies/vocabulary/`, of `policies/sound_alike.toml`, and of
        `policies/lexicons/medications.toml`.

        Raises `BadPolicy`, naming the file and the field at fault.
        """
        told = _read(_Terms, terms, "vocabulary")
        alike = _read(_SoundAlikes, sound_alike, "sound_alike.toml")
        known = _read(_Medications, medications, "medications.toml")
        return cls(
            terms=tuple(dict.fromkeys(term for group in told.group for term in group.terms)),
            sound_alike=tuple(pair for pairs in alike.always.values() for pair in pairs),
            unsure_alike=tuple(pair for pairs in alike.when_unsure.values() for pair in pairs),
            medications=tuple(_names(known)),
        )

    @cached_property
    def sounds(self) -> Sounds:
        """The terms and the medications that sound like one of them, to be looked for by sound."""
        return self.sounds_with(())

    def sounds_with(self, first: Iterable[str]) -> Sounds:
        """The same with a session's own words before the clinic's."""
        told = (*_clean(first), *self.terms)
        alike = tuple(member for group in self.sound_alike for member in group)
        return Sounds((*told, *alike), (*self.medications, *alike))

    def partners(self, term: str) -> tuple[str, ...]:
        """The words that sound like `term`, in lower case, without itself; none for most words."""
        return tuple(word.casefold() for word in self._partners.get(term.casefold(), ()))

    @cached_property
    def _partners(self) -> dict[str, tuple[str, ...]]:
        return _by_member(self.sound_alike)

    @cached_property
    def _unsure_partners(self) -> dict[str, tuple[str, ...]]:
        return _by_member(self.unsure_alike)

    def _family(self, term: str) -> tuple[str, ...]:
        """`term` and everything that sounds like it, or like something that sounds like it."""
        family = [term]
        known = {term.casefold()}
        for member in family:
            for word in self._partners.get(member.casefold(), ()):
                if word.casefold() not in known:
                    known.add(word.casefold())
                    family.append(word)
        return tuple(family)

    def hotwords(self, terms: Iterable[str], budget: int, cost: Callable[[str], int]) -> str:
        """What to tell the recognizer of these terms, the first before the others.

        `budget` and `cost` are in the recognizer's tokens. A term comes with every medication that
        it is confused with, or not at all: with only one of two sound-alike drugs told, Whisper
        writes that one for both. Returns the words joined by comma and space, perhaps nothing.
        """
        told: list[str] = []
        seen: set[str] = set()
        left = budget
        for term in _clean(terms):
            if term.casefold() in seen:
                continue
            together = [word for word in self._family(term) if word.casefold() not in seen]
            price = sum(cost(f" {word},") for word in together)
            if price > left:
                continue
            left -= price
            told += together
            seen.update(word.casefold() for word in together)
        return ", ".join(told)

    def corrected(self, words: Sequence[Word], sounds: Sounds | None = None) -> Corrected:
        """The words with the list's terms in the place of doubtful ones that sound like them.

        `sounds` are those of `sounds_with` a session's own words, else the clinic's alone. All
        that is doubtful about terms and medications comes with the words.
        """
        found = (sounds or self.sounds).correct(words)
        shown = [doubt for doubt in found.doubts if doubt.code == SOUND_ALIKE]
        more = (
            doubt
            for doubt in self.doubts(found.words)
            if not any(other.start < doubt.end and doubt.start < other.end for other in shown)
        )
        doubts = sorted((*found.doubts, *more), key=lambda doubt: (doubt.start, doubt.code))
        return Corrected(found.words, tuple(doubts))

    def doubts(self, words: Sequence[Word]) -> tuple[Doubt, ...]:
        """One doubt for each spoken medication that another one sounds like, with all of them.

        For those of `sound_alike`, and those that by their sound could as well be another known
        one, it is raised whatever the recognizer's own confidence: confidence does not tell two
        sound-alike drugs apart, a human who was in the room does.
        """
        found = []
        for word in words:
            heard = bare(word.text)
            others = self._confusable(heard, word.probability < CONFIDENT)
            if others:
                found.append(
                    Doubt(
                        code=SOUND_ALIKE,
                        start=word.start,
                        end=word.end,
                        candidates=(heard, *others),
                    )
                )
        return tuple(found)

    def _confusable(self, heard: str, unsure: bool) -> tuple[str, ...]:
        name = heard.casefold()
        others = list(self._partners.get(name, ()))
        if unsure:
            others += self._unsure_partners.get(name, ())
        if name in self._medication_names or len(name) >= _TELLING:
            others += self.sounds.alike(heard)
        return tuple({other.casefold(): other for other in reversed(others)}.values())[::-1]

    @cached_property
    def _medication_names(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.medications)


# An everyday word of so many letters does not sound like a medication by chance.
_TELLING = 8


def _by_member(groups: Pairs) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, str]] = {}
    for group in groups:
        for member in group:
            others = found.setdefault(member.casefold(), {})
            for other in group:
                if other.casefold() != member.casefold():
                    others.setdefault(other.casefold(), other)
    return {member: tuple(others.values()) for member, others in found.items()}


def _names(known: _Medications) -> Iterable[str]:
    for group in known.group:
        for entry in group.entries:
            generic, brands, *_ = (*entry.split("|"), "")
            yield from (name.strip() for name in (generic, *brands.split(",")) if name.strip())


def _clean(terms: Iterable[str]) -> tuple[str, ...]:
    """One line each, without what would end or reshape the recognizer's prompt."""
    cleaned = (" ".join(term.replace(",", " ").replace("<|", " ").split()) for term in terms)
    return tuple(term for term in cleaned if 2 <= len(term) <= 60)


def _read(model: type[_File], text: str, name: str) -> _File:
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadPolicy(f"policies, {name}: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadPolicy(f"policies, {name}, {where}: {first['msg']}") from None
