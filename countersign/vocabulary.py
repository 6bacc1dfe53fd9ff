"""Decides which words the recognizer is told, and which medications it may have confused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadPolicy
from countersign.transcript import Doubt, Word

SOUND_ALIKE = "sound_alike_medication"

_LETTERS = re.compile(r"[^\w'-]+")
Term = Annotated[str, Field(min_length=2, max_length=60)]


class Vocabulary(BaseModel):
    """Terms in the order of their use, and groups of medications that sound alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    terms: tuple[Term, ...] = ()
    sound_alike: tuple[tuple[Term, ...], ...] = ()

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """The `[vocabulary]` table of a speech policy; `BadPolicy` names the field at fault."""
        try:
            return cls.model_validate(tomllib.loads(text).get("vocabulary", {}))
        except tomllib.TOMLDecodeError as error:
            raise BadPolicy(f"speech policy: {error}") from error
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadPolicy(f"speech policy, vocabulary.{where}: {first['msg']}") from None

    def partners(self, term: str) -> tuple[str, ...]:
        """The words that sound like `term`, in lower case, without itself; none for most words."""
        name = term.casefold()
        return tuple(
            dict.fromkeys(
                other.casefold()
                for group in self.sound_alike
                if name in (member.casefold() for member in group)
                for other in group
                if other.casefold() != name
            )
        )

    def _family(self, term: str) -> tuple[str, ...]:
        """`term` and everything that sounds like it, or like something that sounds like it."""
        family = [term]
        for member in family:
            known = {word.casefold() for word in family}
            family += [word for word in self.partners(member) if word not in known]
        return tuple(family)

    def hotwords(self, first: Iterable[str], budget: int, cost: Callable[[str], int]) -> str:
        """What to tell the recognizer: `first` (this session's own words), then the clinic's terms.

        `budget` and `cost` are in the recognizer's tokens. A term comes with every word that
        sounds like it, or not at all: with only one of two sound-alike drugs told, Whisper writes
        that one for both. Returns the words joined by comma and space, perhaps nothing.
        """
        told: list[str] = []
        seen: set[str] = set()
        left = budget
        for term in (*_clean(first), *self.terms):
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

    def doubts(self, words: Sequence[Word]) -> tuple[Doubt, ...]:
        """One doubt for each spoken medication that another one sounds like.

        It is raised whatever the recognizer's own confidence: confidence does not tell two
        sound-alike drugs apart, a human who was in the room does.
        """
        return tuple(
            Doubt(code=SOUND_ALIKE, start=word.start, end=word.end)
            for word in words
            if self.partners(_LETTERS.sub("", word.text))
        )


def _clean(terms: Iterable[str]) -> tuple[str, ...]:
    """One line each, without what would end or reshape the recognizer's prompt."""
    cleaned = (" ".join(term.replace(",", " ").replace("<|", " ").split()) for term in terms)
    return tuple(term for term in cleaned if 2 <= len(term) <= 60)
