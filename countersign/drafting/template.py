"""Decides what each section of a note holds, in whose words, and what a human writes."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

from countersign.errors import BadPolicy
from countersign.transcript import Role

_SOURCES = {"patient": Role.PATIENT, "therapist": Role.THERAPIST, "other": Role.OTHER}
_CLINICIAN_ONLY = frozenset({"assessment", "plan"})


@dataclass(frozen=True, slots=True)
class HumanPart:
    """A part that only a person may write; `code` is the refusal it stands for."""

    label: str
    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Required:
    """A part payers ask for; without anything said on `topic` a placeholder stands in."""

    label: str
    topic: str


@dataclass(frozen=True, slots=True)
class SectionRule:
    """What one section holds; `topics` are in order of preference."""

    name: str
    sources: tuple[Role, ...]
    topics: tuple[str, ...]
    answers: bool
    human: tuple[HumanPart, ...]
    required: tuple[Required, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of note; `words_max` bounds its length in words."""

    name: str
    title: str
    words_max: int
    sections: tuple[SectionRule, ...]

    @classmethod
    def from_toml(cls, text: str, name: str = "template") -> Template:
        """The template in the text of `policies/templates/<name>.toml`.

        Raises `BadPolicy` naming the file and the line that is wrong.
        """
        return _Parser(text, f"templates/{name}.toml").template()


class _Parser:
    def __init__(self, text: str, file: str) -> None:
        self._lines = text.splitlines()
        self._file = file
        try:
            self._data: dict[str, object] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadPolicy(f"{file}: {error}") from None

    def template(self) -> Template:
        name = self._text(self._data, "name", 0)
        title = self._text(self._data, "title", 0)
        self._text(self._data, "source", 0)
        words = self._data.get("words_max", 430)
        if not isinstance(words, int) or isinstance(words, bool) or not 100 <= words <= 2000:
            raise self._refuse("words_max", 0, "`words_max` must be a number from 100 to 2000")
        known = {"name", "title", "source", "words_max", "section"}
        self._no_others(self._data, known, 0)
        sections = self._tables(self._data, "section", 0)
        if not sections:
            raise BadPolicy(f"{self._file}: a template needs at least one [[section]]")
        starts = [n for n, line in enumerate(self._lines) if re.match(r"\s*\[\[section\]\]", line)]
        rules = tuple(
            self._section(table, start) for table, start in zip(sections, starts, strict=False)
        )
        if len({rule.name for rule in rules}) != len(rules):
            raise self._refuse("name", starts[-1], "two sections have the same name")
        return Template(name, title, words, rules)

    def _section(self, table: dict[str, object], at: int) -> SectionRule:
        self._no_others(table, {"name", "sources", "holds", "answers", "human", "required"}, at)
        name = self._text(table, "name", at)
        sources = self._strings(table, "sources", at)
        unknown = [source for source in sources if source not in _SOURCES]
        if unknown or not sources:
            raise self._refuse("sources", at, "`sources` are patient, therapist, other")
        if name.lower() in _CLINICIAN_ONLY and sources != ("therapist",):
            raise self._refuse(
                "sources", at, f'{name} takes the clinician\'s words only: sources = ["therapist"]'
            )
        answers = table.get("answers", False)
        if not isinstance(answers, bool):
            raise self._refuse("answers", at, "`answers` is true or false")
        return SectionRule(
            name,
            tuple(_SOURCES[source] for source in sources),
            self._strings(table, "holds", at),
            answers,
            tuple(
                HumanPart(
                    self._text(t, "label", at), self._text(t, "code", at), self._text(t, "why", at)
                )
                for t in self._tables(table, "human", at)
            ),
            tuple(
                Required(self._text(t, "label", at), self._text(t, "topic", at))
                for t in self._tables(table, "required", at)
            ),
        )

    def _text(self, table: dict[str, object], key: str, at: int) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self._refuse(key, at, f"`{key}` must be a text")
        return value

    def _strings(self, table: dict[str, object], key: str, at: int) -> tuple[str, ...]:
        value = table.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._refuse(key, at, f"`{key}` must be a list of texts")
        return tuple(value)

    def _tables(self, table: dict[str, object], key: str, at: int) -> list[dict[str, object]]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._refuse(key, at, f"`{key}` must be written as [[{key}]]")
        return value

    def _no_others(self, table: dict[str, object], known: set[str], at: int) -> None:
        for key in table:
            if key not in known:
                raise self._refuse(key, at, f"`{key}` is not a field of a template")

    def _refuse(self, key: str, at: int, why: str) -> BadPolicy:
        """Names the first line from `at` on that sets `key`, else the table's own first line."""
        for number in range(at, len(self._lines)):
            if re.match(
                rf"\s*(?:{re.escape(key)}\s*=|\[+(?:\w+\.)*{re.escape(key)}\]+)",
                self._lines[number],
            ):
                return BadPolicy(f"{self._file}, line {number + 1}: {why}")
            if number > at and re.match(r"\s*\[\[section\]\]", self._lines[number]):
                break
        return BadPolicy(f"{self._file}, line {at + 1}: {why}")
