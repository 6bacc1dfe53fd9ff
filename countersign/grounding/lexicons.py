"""Decides which words name a medication, a diagnosis, a symptom, a topic or a forbidden claim."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from countersign.errors import BadPolicy
from countersign.grounding.words import Phrases, tokenize

Document = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Medication:
    """A drug by its generic name."""

    generic: str
    group: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A diagnosis; `code` is empty for those that are never suggested."""

    key: str
    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Symptom:
    """Something a patient may affirm or deny; `safety` ones concern life and limb."""

    name: str
    safety: bool


@dataclass(frozen=True, slots=True)
class ScopeRule:
    """Why a phrase is outside a drafter's scope; `never` ones not even on a clinician's word."""

    code: str
    kind: str
    why: str
    never: bool


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject of a session and how much a mention speaks for keeping a sentence."""

    name: str
    weight: float


@dataclass(frozen=True)
class Lexicons:
    """All word lists, compiled; build it once per process with `from_toml`."""

    medications: Phrases[Medication]
    drug_classes: Phrases[str]
    drug_stems: tuple[str, ...]
    not_drugs: frozenset[str]
    drug_names: Mapping[str, frozenset[str]]
    diagnoses: Phrases[Diagnosis]
    lay_diagnoses: Phrases[Diagnosis]
    dose_units: Mapping[str, str]
    frequencies: Phrases[int]
    clinical: Phrases[Symptom]
    spoken: Phrases[Symptom]
    scope: Phrases[ScopeRule]
    openings: dict[str, ScopeRule]
    emotions: frozenset[str]
    affect: frozenset[str]
    inference: Phrases[str]
    emotion_why: str
    topics: Phrases[Topic]
    left_out: Phrases[str]

    FILES = ("medications", "diagnoses", "dose_units", "symptoms", "scope", "topics")

    @classmethod
    def from_toml(cls, texts: Mapping[str, str]) -> Lexicons:
        """Compiles `texts`, file name (with or without `.toml`) to content; others are ignored.

        Raises `BadPolicy` naming the file and the line.
        """
        byname = {name.rsplit("/", 1)[-1].removesuffix(".toml"): t for name, t in texts.items()}
        files: dict[str, _File] = {}
        for name in cls.FILES:
            if name not in byname:
                raise BadPolicy(f"lexicons/{name}.toml is missing")
            files[name] = _File.parse(f"lexicons/{name}.toml", byname[name])
        drugs = _medications(files["medications"])
        formal, lay = _diagnoses(files["diagnoses"])
        units, frequencies = _doses(files["dose_units"])
        clinical, spoken = _symptoms(files["symptoms"])
        scope, openings, emotions, affect, inference, why = _scope(files["scope"])
        topics, left_out = _topics(files["topics"])
        classes: Phrases[str] = Phrases()
        for word in files["medications"].strings(files["medications"].data, "classes"):
            classes.add(word, word)
        stems = files["medications"].strings(files["medications"].data, "stems")
        usual = files["medications"].strings(files["medications"].data, "not_drugs")
        return cls(
            medications=drugs[0],
            drug_classes=classes,
            drug_stems=tuple(stems),
            not_drugs=frozenset(usual),
            drug_names=drugs[1],
            diagnoses=formal,
            lay_diagnoses=lay,
            dose_units=units,
            frequencies=frequencies,
            clinical=clinical,
            spoken=spoken,
            scope=scope,
            openings=openings,
            emotions=emotions,
            affect=affect,
            inference=inference,
            emotion_why=why,
            topics=topics,
            left_out=left_out,
        )


@dataclass(frozen=True)
class _File:
    """A parsed policy file that can say on which line something stands."""

    name: str
    text: str
    data: Document

    @classmethod
    def parse(cls, name: str, text: str) -> _File:
        try:
            return cls(name, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise BadPolicy(f"{name}: {error}") from None

    def refuse(self, near: str, why: str) -> BadPolicy:
        for number, line in enumerate(self.text.splitlines(), 1):
            if near and near in line:
                return BadPolicy(f"{self.name}, line {number}: {why}")
        return BadPolicy(f"{self.name}: {why}")

    def strings(self, table: Document, key: str) -> tuple[str, ...]:
        value = table.get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refuse(key, f"`{key}` must be a list of texts")
        return tuple(value)

    def word(self, table: Document, key: str, near: str = "") -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(near or key, f"`{key}` must be a text")
        return value

    def tables(self, key: str) -> tuple[Document, ...]:
        value = self.data.get(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.refuse(key, f"`[[{key}]]` is missing")
        return tuple(value)

    def groups(self) -> Iterator[tuple[Document, tuple[str, ...]]]:
        for group in self.tables("group"):
            entries = self.strings(group, "entries")
            self.word(group, "source", entries[0] if entries else "group")
            for entry in entries:
                yield group, self.fields(entry)

    def fields(self, entry: str) -> tuple[str, ...]:
        return tuple(field.strip() for field in entry.split("|"))


def _names(field: str) -> Iterator[str]:
    return (name.strip() for name in field.split(",") if name.strip())


def _medications(file: _File) -> tuple[Phrases[Medication], dict[str, frozenset[str]]]:
    phrases: Phrases[Medication] = Phrases()
    cased = frozenset(file.strings(file.data, "case_sensitive"))
    names: dict[str, frozenset[str]] = {}
    for group, fields in file.groups():
        if len(fields) != 3 or not fields[0]:
            raise file.refuse(fields[0], "an entry is `generic | brands | misspellings`")
        drug = Medication(fields[0].lower(), file.word(group, "class"))
        every = {fields[0], *_names(fields[1]), *_names(fields[2])}
        for name in every:
            phrases.add(name, drug, exact_case=name in cased)
        names[drug.generic] = frozenset(name.lower() for name in every)
    return phrases, names


def _diagnoses(file: _File) -> tuple[Phrases[Diagnosis], Phrases[Diagnosis]]:
    formal: Phrases[Diagnosis] = Phrases()
    lay: Phrases[Diagnosis] = Phrases()
    cased = frozenset(file.strings(file.data, "case_sensitive"))
    for _, fields in file.groups():
        if len(fields) != 4 or not fields[2]:
            raise file.refuse(
                fields[2 if len(fields) > 2 else 0],
                "an entry is `code | label | names | lay words`",
            )
        names = tuple(_names(fields[2]))
        diagnosis = Diagnosis(names[0].lower(), fields[0], fields[1] or names[0])
        for name in names:
            formal.add(name, diagnosis, exact_case=name in cased)
            lay.add(name, diagnosis, exact_case=name in cased)
        for name in _names(fields[3]):
            lay.add(name, diagnosis)
    return formal, lay


def _doses(file: _File) -> tuple[dict[str, str], Phrases[int]]:
    units: dict[str, str] = {}
    for entry in file.strings(file.data, "units"):
        unit, _, forms = entry.partition("|")
        for form in _names(forms):
            units[tokenize(form)[-1].text] = unit.strip()
    frequencies: Phrases[int] = Phrases()
    for entry in file.strings(file.data, "frequencies"):
        times, _, forms = entry.partition("|")
        if not times.strip().isdecimal():
            raise file.refuse(entry, "a frequency is `times a day | forms`")
        for form in _names(forms):
            frequencies.add(form, int(times))
    return units, frequencies


def _symptoms(file: _File) -> tuple[Phrases[Symptom], Phrases[Symptom]]:
    clinical: Phrases[Symptom] = Phrases()
    spoken: Phrases[Symptom] = Phrases()
    for group, fields in file.groups():
        if len(fields) != 3 or not fields[0]:
            raise file.refuse(fields[0], "an entry is `name | clinical wordings | spoken wordings`")
        symptom = Symptom(fields[0], group.get("name") == "safety")
        for name in _names(fields[1]):
            cased = name.isupper() and len(name) <= 4
            clinical.add(name, symptom, exact_case=cased)
            spoken.add(name, symptom, exact_case=cased)
        for name in _names(fields[2]):
            spoken.add(name, symptom)
            # What a patient says of himself a clinician asks him.
            asked = [_ASKED.get(word, word) for word in name.split()]
            spoken.add(" ".join(asked), symptom)
    return clinical, spoken


_ASKED = {"myself": "yourself", "my": "your", "I": "you", "me": "you", "mine": "yours"}


_Scope = tuple[
    Phrases[ScopeRule],
    dict[str, ScopeRule],
    frozenset[str],
    frozenset[str],
    Phrases[str],
    str,
]


def _scope(file: _File) -> _Scope:
    phrases: Phrases[ScopeRule] = Phrases()
    openings: dict[str, ScopeRule] = {}
    for group in file.tables("group"):
        code = file.word(group, "code")
        kind = file.word(group, "kind", code)
        why = file.word(group, "why", code)
        rule = ScopeRule(code, kind, why, group.get("never") is True)
        file.word(group, "source", code)
        for phrase in file.strings(group, "phrases"):
            phrases.add(phrase, rule)
        for word in file.strings(group, "openings") if "openings" in group else ():
            openings[word] = rule
    emotion = file.data.get("emotion")
    if not isinstance(emotion, dict):
        raise file.refuse("emotion", "`[emotion]` is missing")
    inference: Phrases[str] = Phrases()
    for phrase in file.strings(emotion, "inference"):
        inference.add(phrase, phrase)
    words = frozenset(file.strings(emotion, "words"))
    affect = frozenset(file.strings(emotion, "affect"))
    return phrases, openings, words, affect, inference, file.word(emotion, "why")


def _topics(file: _File) -> tuple[Phrases[Topic], Phrases[str]]:
    topics: Phrases[Topic] = Phrases()
    for name, table in _named(file, "topic"):
        weight = table.get("weight")
        if not isinstance(weight, int | float) or isinstance(weight, bool):
            raise file.refuse(f"[topic.{name}]", "`weight` must be a number")
        for word in file.strings(table, "words"):
            topics.add(word, Topic(name, float(weight)))
    left_out: Phrases[str] = Phrases()
    for name, table in _named(file, "left_out"):
        for word in file.strings(table, "words"):
            left_out.add(word, name)
    return topics, left_out


def _named(file: _File, key: str) -> Sequence[tuple[str, Document]]:
    value = file.data.get(key)
    if not isinstance(value, dict):
        raise file.refuse(key, f"`[{key}.…]` is missing")
    for name, table in value.items():
        if not isinstance(table, dict):
            raise file.refuse(name, f"`{key}.{name}` must be a table")
    return tuple(value.items())
