"""Decides which providers the front desk is shown for a form, and why; never who it will be."""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadPolicy, BadRoster
from countersign.intake.form import Answer
from countersign.intake.wording import fold

FILE = "specialties.toml"
_FROZEN = ConfigDict(frozen=True)
_COLUMNS = ("id", "name", "specialties", "states", "languages", "insurance", "openings")
_PLAN_NET = "http://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition/"
_DENIALS = re.compile(
    r"(?:\bno|\bnot|n't|\bnever|\bwithout|\bdenies|\bsin|\bnunca)\W+(?:\w+\W+){0,3}$"
)


class Provider(BaseModel):
    """One clinician of the directory. `None` is unknown, which is told and never assumed."""

    model_config = _FROZEN
    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    specialties: tuple[str, ...] = ()
    states: tuple[str, ...] | None = None
    languages: tuple[str, ...] | None = None
    insurance: tuple[str, ...] | None = None
    openings: int | None = Field(default=None, ge=0)


class Needs(BaseModel):
    """What else was stated: each one None when the form does not say."""

    model_config = _FROZEN
    state: str | None = None
    language: str | None = None
    insurance: str | None = None


class Mention(BaseModel):
    """The words, `[start, end)` of an answer, that speak for a specialty."""

    model_config = _FROZEN
    specialty: str
    answer: str
    start: int
    end: int
    words: str


class Suggestion(BaseModel):
    """A provider to consider; `unknown` names what the directory does not say."""

    model_config = _FROZEN
    provider: str
    name: str
    reasons: tuple[str, ...]
    evidence: tuple[Mention, ...]
    unknown: tuple[str, ...] = ()


class Routing(BaseModel):
    """Suggestions in groups of equals: who stands together is tied, and a human chooses."""

    model_config = _FROZEN
    concerns: tuple[Mention, ...]
    groups: tuple[tuple[Suggestion, ...], ...]
    said: str
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Specialty:
    """One specialty: what a directory calls it, and the words that ask for it."""

    key: str
    names: frozenset[str]
    words: re.Pattern[str]


@dataclass(frozen=True)
class Specialties:
    """`policies/specialties.toml`, compiled."""

    known: tuple[Specialty, ...]

    @classmethod
    def from_toml(cls, text: str) -> Specialties:
        """The specialties of the file; raises `BadPolicy`, naming what is wrong."""
        try:
            entries = tomllib.loads(text)["specialty"]
            known = tuple(
                Specialty(
                    key=key,
                    names=frozenset(map(fold, entry["names"])),
                    words=re.compile(
                        r"\b(?:" + "|".join(_phrase(word) for word in entry["words"]) + r")\b"
                    ),
                )
                for key, entry in entries.items()
                if entry["reason"]
            )
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise BadPolicy(f"{FILE}: {error}") from None
        return cls(known)

    def mentions(self, answers: Iterable[Answer]) -> tuple[Mention, ...]:
        """The first mention of each specialty in each answer that is not denied on the spot."""
        found = []
        for answer in answers:
            text = fold(answer.text)
            for specialty in self.known:
                for match in specialty.words.finditer(text):
                    if _DENIALS.search(text[max(0, match.start() - 60) : match.start()]):
                        continue
                    start, end = match.span()
                    found.append(
                        Mention(
                            specialty=specialty.key,
                            answer=answer.id,
                            start=start,
                            end=end,
                            words=answer.text[start:end],
                        )
                    )
                    break
        return tuple(found)

    def called(self, name: str) -> str | None:
        """The specialty that a directory means by `name`, if it is a known one."""
        plain = fold(name.strip())
        return next((one.key for one in self.known if plain in one.names), None)


def _phrase(word: str) -> str:
    plain = re.escape(fold(word.removesuffix("~"))).replace(r"\ ", r"\s+").replace("\\~", r"\w*")
    return plain + (r"\w*" if word.endswith("~") else "")


def suggest(
    answers: Iterable[Answer],
    providers: Sequence[Provider],
    needs: Needs,
    specialties: Specialties,
) -> Routing:
    """Whom to consider for the stated concerns; a human with a licence decides.

    A provider is left out, with the reason said, without a licence in the patient's state, a
    shared language, the insurance, or an opening; what the directory does not say leaves nobody
    out and is named. Those who fit equally many stated concerns are one group, in the order of
    their names.
    """
    concerns = specialties.mentions(answers)
    wanted = {mention.specialty for mention in concerns}
    left_out, fitting = [], []
    for provider in sorted(providers, key=lambda one: (one.name, one.id)):
        offered = {specialties.called(name) for name in provider.specialties} & wanted
        missing, unknown, reasons = _bars(provider, needs)
        if missing:
            left_out.append(f"{provider.id}: {'; '.join(missing)}")
        elif offered:
            evidence = tuple(one for one in concerns if one.specialty in offered)
            named = tuple(f"works with {key}" for key in sorted(one for one in offered if one))
            fitting.append(
                (
                    len(offered),
                    Suggestion(
                        provider=provider.id,
                        name=provider.name,
                        reasons=(*named, *reasons),
                        evidence=evidence,
                        unknown=unknown,
                    ),
                )
            )
    counts = sorted({count for count, _ in fitting}, reverse=True)
    groups = tuple(tuple(one for n, one in fitting if n == count) for count in counts)
    return Routing(
        concerns=concerns, groups=groups, said=_said(concerns, groups), left_out=tuple(left_out)
    )


def _bars(provider: Provider, needs: Needs) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    missing, unknown, reasons = [], [], []
    for what, want, have in (
        ("licence in {}", needs.state, provider.states),
        ("{} spoken", needs.language, provider.languages),
        ("{} accepted", needs.insurance, provider.insurance),
    ):
        if want is None:
            continue
        said = what.format(want)
        if have is None:
            unknown.append(said)
        elif fold(want.strip()) in {fold(one.strip()) for one in have}:
            reasons.append(said)
        else:
            missing.append(f"no {said}" if what.startswith("licence") else f"not {said}")
    if provider.openings is None:
        unknown.append("openings")
    elif provider.openings == 0:
        missing.append("no openings")
    else:
        reasons.append(f"{provider.openings} openings")
    return missing, tuple(unknown), tuple(reasons)


def _said(concerns: Sequence[Mention], groups: Sequence[Sequence[Suggestion]]) -> str:
    if not concerns:
        return "No concern was recognized in the form: a person reads it and chooses."
    if not groups:
        return "Nobody in the directory fits the stated concerns and needs: a person chooses."
    if len(groups[0]) > 1:
        return f"{len(groups[0])} providers fit equally well: a person chooses among them."
    return "One provider fits most of the stated concerns: a person decides."


# Directories --------------------------------------------------------------------------------


def from_csv(text: str) -> tuple[Provider, ...]:
    """The providers of a CSV with the columns id, name, specialties, states, languages, insurance
    and openings; several values in a cell are parted by `;`, an empty cell is unknown.

    Raises `BadRoster`, naming the line and the column and never what stands there.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    missing = [name for name in ("id", "name") if name not in (reader.fieldnames or ())]
    if missing:
        raise BadRoster(f"the directory has no column {missing[0]!r}")
    found = []
    for row in reader:
        cells = {name: (row.get(name) or "").strip() for name in _COLUMNS}
        lists = {name: _several(cells[name]) for name in _COLUMNS[2:6]}
        found.append(
            _provider(
                f"line {reader.line_num}",
                {
                    **lists,
                    "specialties": lists["specialties"] or (),
                    "id": cells["id"],
                    "name": cells["name"],
                    "openings": cells["openings"] or None,
                },
            )
        )
    return _unique(found)


def _several(cell: str) -> tuple[str, ...] | None:
    return tuple(one.strip() for one in cell.split(";") if one.strip()) or None


def _provider(where: str, fields: Mapping[str, object]) -> Provider:
    try:
        return Provider.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadRoster(f"the directory, {where}: {first['loc'][0]}: {first['type']}") from None


def _unique(found: Sequence[Provider]) -> tuple[Provider, ...]:
    ids = [one.id for one in found]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise BadRoster(f"the directory names {len(twice)} ids more than once")
    return tuple(found)


def from_fhir(text: str) -> tuple[Provider, ...]:
    """The active PractitionerRoles of a FHIR R4 Bundle, or of one resource.

    `specialty` gives specialties. Languages come from `Practitioner.communication`, licences from
    the state of `Practitioner.qualification` (Plan-Net `whereValid`), networks and openings from
    the Plan-Net extensions `network-reference` and `newpatients`; without them they are unknown.
    Raises `BadRoster` when it is no such resource.
    """
    try:
        content = json.loads(text)
    except ValueError:
        raise BadRoster("the directory is not JSON") from None
    if not isinstance(content, dict):
        raise BadRoster("the directory is no FHIR resource")
    kind = content.get("resourceType")
    resources: list[Mapping[str, object]] = (
        [_dict(one.get("resource")) for one in _dicts(content.get("entry"))]
        if kind == "Bundle"
        else [content]
    )
    people = {
        f"Practitioner/{one.get('id')}": one
        for one in resources
        if one.get("resourceType") == "Practitioner"
    }
    roles = [one for one in resources if one.get("resourceType") == "PractitionerRole"]
    if not roles:
        raise BadRoster("the directory holds no PractitionerRole")
    return _unique([_role(role, people) for role in roles if role.get("active", True) is True])


def _role(role: Mapping[str, object], people: Mapping[str, Mapping[str, object]]) -> Provider:
    reference = role.get("practitioner")
    reference = reference if isinstance(reference, dict) else {}
    person = people.get(str(reference.get("reference") or ""), {})
    names = [
        str(one.get("text") or " ".join([*_texts(one.get("given")), str(one.get("family") or "")]))
        for one in _dicts(person.get("name"))
    ]
    languages = [label for one in _dicts(person.get("communication")) for label in _labels(one)]
    states = [
        label
        for one in _dicts(person.get("qualification"))
        for outer in _dicts(one.get("extension"))
        for inner in (outer, *_dicts(outer.get("extension")))
        if str(inner.get("url", "")).endswith("whereValid")
        for coding in _dicts(_dict(inner.get("valueCodeableConcept")).get("coding"))
        for label in _texts([coding.get("code")])
    ]
    networks, openings = [], None
    for extension in _dicts(role.get("extension")):
        if extension.get("url") == f"{_PLAN_NET}network-reference":
            networks += _texts([_dict(extension.get("valueReference")).get("display")])
        if extension.get("url") == f"{_PLAN_NET}newpatients":
            codes = [
                coding.get("code")
                for inner in _dicts(extension.get("extension"))
                for coding in _dicts(_dict(inner.get("valueCodeableConcept")).get("coding"))
            ]
            openings = 0 if "nopt" in codes else openings
    specialties = [label for one in _dicts(role.get("specialty")) for label in _labels(one)]
    return _provider(
        "a PractitionerRole",
        {
            "id": str(role.get("id") or ""),
            "name": next(iter(names), "") or str(reference.get("display") or ""),
            "specialties": tuple(dict.fromkeys(specialties)),
            "states": tuple(states) or None,
            "languages": tuple(languages) or None,
            "insurance": tuple(networks) or None,
            "openings": openings,
        },
    )


def _labels(concept: Mapping[str, object]) -> list[str]:
    codings = _dicts(concept.get("coding"))
    return _texts([concept.get("text"), *(one.get("display") for one in codings)])


def _dict(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[Mapping[str, object]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
