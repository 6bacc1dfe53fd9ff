"""Decides which facts about a person a form states, for the front desk to confirm."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from countersign.intake.form import Answer

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan enero", "february feb febrero", "march mar marzo", "april apr abril",
            "may mayo", "june jun junio", "july jul julio", "august aug agosto",
            "september sep sept septiembre", "october oct octubre", "november nov noviembre",
            "december dec diciembre",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_NAME = r"[^\W\d_][\w'’.-]*(?:[ \t]+[^\W\d_][\w'’.-]*){0,3}"  # noqa: RUF001
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|"
    "NM|NY|NC|ND|OH|OK|OR|PA|PR|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY"
)
_PHONE = re.compile(
    r"(?<![\w-])(?:\+?1[\s.-]?)?(?:\(\d{3}\)\s?|\d{3}[\s.-]?)\d{3}[\s.-]?\d{4}(?![\w-])"
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_DAY = re.compile(
    rf"\b(?:(?P<y>(?:19|20)\d\d)-(?P<m>\d\d?)-(?P<d>\d\d?)|(?P<us>\d\d?[/.-]\d\d?[/.-]\d{{4}})|"
    rf"(?P<word>{_MONTH})\.?\s+(?P<wd>\d\d?)(?:st|nd|rd|th)?,?\s+(?P<wy>(?:19|20)\d\d)|"
    rf"(?P<ed>\d\d?)\s+de\s+(?P<eword>{_MONTH})\s+(?:de|del)\s+(?P<ey>(?:19|20)\d\d))\b",
    re.IGNORECASE,
)
_BIRTH = re.compile(r"\b(?:born|birth\w*|dob|d\.o\.b|nac[ií]\w*)\b", re.IGNORECASE)
_OTHERS = re.compile(
    r"\b(?:emergency|contact|mother|father|mom|dad|sister|brother|husband|wife|son|daughter|"
    r"partner|friend|doctor|employer|insurance|emergencia|mam[áa]|pap[áa]|espos[oa]|hij[oa]|"
    r"herman[oa])\b",
    re.IGNORECASE,
)
_SPOKEN = (
    ("name", rf"\b(?:my (?:full |legal )?name is|me llamo|mi nombre es)\s+(?P<v>{_NAME})"),
    ("preferred_name", r"\b(?:i go by|(?:please )?call me|d[ií]ganme)\s+(?P<v>[^\W\d_][\w'-]*)"),
    ("pronouns", r"\b(?P<v>(?:she|he|they|ella|[eé]l|elle)(?:\s?/\s?\w{2,6}){1,2})\b"),
    ("language", r"\b(?:i (?:prefer|speak)|hablo|prefiero)\s+(?:to speak\s+)?"
     r"(?P<v>english|spanish|ingl[ée]s|espa[ñn]ol|mandarin|vietnamese|korean|russian|arabic|french|"
     r"portuguese|tagalog|haitian creole)\b"),
    ("insurance", r"\bmy insurance (?:is|is with|company is)\s+(?P<v>[\w&' -]{2,40})"),
    ("insurance", r"\b(?:i have|tengo)\s+(?P<v>aetna|cigna|humana|kaiser|medicare|medicaid|tricare|"
     r"united ?health ?care|anthem|blue (?:cross|shield)[\w ]{0,20}|molina|medi-cal)\b"),
    ("member_id", r"\bmember (?:id|number|#)\s*(?:is|:|#)?\s*(?P<v>[A-Z0-9][A-Z0-9-]{4,20})"),
    ("state", rf"\b(?-i:(?P<v>{_STATES}))\s+\d{{5}}(?:-\d{{4}})?\b"),
    ("zip", rf"\b(?-i:{_STATES})\s+(?P<v>\d{{5}}(?:-\d{{4}})?)\b"),
    ("zip", r"\bzip(?: code)?\s*(?:is|:)?\s*(?P<v>\d{5}(?:-\d{4})?)\b"),
    ("address", r"\b(?P<v>\d{1,6}\s+(?:[\w.'-]+\s+){1,4}(?:street|st|avenue|ave|road|rd|drive|dr|"
     r"lane|ln|boulevard|blvd|court|ct|way|place|pl)\b\.?(?:,?\s*(?:apt|unit|#)\s*[\w-]+)?)"),
)  # fmt: skip
_SPOKEN_FORMS = tuple((name, re.compile(form, re.IGNORECASE)) for name, form in _SPOKEN)
_FIELDS = {
    "full_name": "name", "name": "name", "nombre": "name", "legal_name": "name",
    "preferred_name": "preferred_name", "pronouns": "pronouns", "language": "language",
    "idioma": "language", "insurance": "insurance", "insurer": "insurance", "seguro": "insurance",
    "member_id": "member_id", "state": "state", "zip": "zip", "address": "address",
    "direccion": "address", "gender": "gender", "emergency_contact": "emergency_contact",
}  # fmt: skip
_AFTERWARDS = re.compile(r"\s+(?:and|but|i|y|pero|my|mi|from|born)\b.*$", re.IGNORECASE)


class Stated(BaseModel):
    """One fact as the patient states it, `[start, end)` of an answer. Nobody has confirmed it."""

    model_config = ConfigDict(frozen=True)
    field: str
    value: str
    said: str
    answer: str
    start: int
    end: int
    origin: Literal["patient-stated"] = "patient-stated"
    confirmed_by: str | None = None


class Demographics(BaseModel):
    """Everything stated, in the order of the form; `conflicts` names fields with two values."""

    model_config = ConfigDict(frozen=True)
    stated: tuple[Stated, ...]
    conflicts: tuple[str, ...]

    def ready(self) -> tuple[Stated, ...]:
        """What may go to the record system: confirmed by a person of the front desk."""
        return tuple(one for one in self.stated if one.confirmed_by)


def extract(answers: Iterable[Answer], today: date) -> Demographics:
    """Names, dates and numbers of the patient; of nobody else, and never guessed.

    A field of the form that is named for a fact gives it whole; elsewhere only "my name is" and
    its like do. A date is a birth date only beside a word of birth, or in a field named so, and
    when it is a day of the calendar that is not after `today` nor 130 years before it. What
    stands in a sentence about another person is left alone.
    """
    found: list[Stated] = []
    for answer in answers:
        for one in (*_named(answer, today), *_in_text(answer, today)):
            if not any(one.field == known.field and one.value == known.value for known in found):
                found.append(one)
    values: dict[str, set[str]] = {}
    for one in found:
        values.setdefault(one.field, set()).add(one.value.casefold())
    conflicts = tuple(
        sorted(field for field, known in values.items() if len(known) > 1 and field != "phone")
    )
    return Demographics(stated=tuple(found), conflicts=conflicts)


def confirm(known: Demographics, field: str, value: str, by: str) -> Demographics:
    """The same with one stated value confirmed by `by`; other values of the field stay open."""
    return known.model_copy(
        update={
            "stated": tuple(
                one.model_copy(update={"confirmed_by": by})
                if (one.field, one.value) == (field, value)
                else one
                for one in known.stated
            )
        }
    )


def _stated(answer: Answer, field: str, value: str, start: int, end: int) -> Stated:
    said = answer.text[start:end]
    return Stated(field=field, value=value, said=said, answer=answer.id, start=start, end=end)


def _named(answer: Answer, today: date) -> Iterator[Stated]:
    key = answer.id.lower().replace("-", "_").rsplit(".", 1)[-1]
    said = answer.text.strip()
    if not said or len(said) > 200:
        return
    start = answer.text.index(said)
    if key in _FIELDS:
        yield _stated(answer, _FIELDS[key], " ".join(said.split()), start, start + len(said))
    if key in ("dob", "birth_date", "date_of_birth", "birthdate", "fecha_de_nacimiento"):
        for match in _DAY.finditer(answer.text):
            if (day := _day(match, today)) is not None:
                yield _stated(answer, "birth_date", day.isoformat(), *match.span())
                return


def _in_text(answer: Answer, today: date) -> Iterator[Stated]:
    key = answer.id.lower()
    if "emergency" in key or "emergencia" in key:
        return
    for low, high in _clauses(answer.text):
        clause = answer.text[low:high]
        if _OTHERS.search(clause) and not re.search(r"\bmy insurance\b", clause, re.IGNORECASE):
            continue
        if _BIRTH.search(clause):
            for match in _DAY.finditer(clause):
                if (day := _day(match, today)) is not None:
                    place = (low + match.start(), low + match.end())
                    yield _stated(answer, "birth_date", day.isoformat(), *place)
        for match in _PHONE.finditer(clause):
            digits = re.sub(r"\D", "", match[0])[-10:]
            yield _stated(answer, "phone", f"+1{digits}", low + match.start(), low + match.end())
        for match in _EMAIL.finditer(clause):
            value = match[0].rstrip(".")
            start = low + match.start()
            yield _stated(answer, "email", value.lower(), start, start + len(value))
        for field, form in _SPOKEN_FORMS:
            for match in form.finditer(clause):
                value = _AFTERWARDS.sub("", match["v"]).strip(" .,'")
                if value:
                    start = low + match.start("v")
                    yield _stated(answer, field, value, start, start + len(value))


def _clauses(text: str) -> Iterator[tuple[int, int]]:
    """`[start, end)` of each sentence; a full stop inside a number or an address ends none."""
    low = 0
    for match in re.finditer(r"[!?;\n]+|\.(?=\s|$)", text):
        if match.start() > low:
            yield low, match.start()
        low = match.end()
    if low < len(text):
        yield low, len(text)


def _day(match: re.Match[str], today: date) -> date | None:
    """The day as American forms mean it (month first); None when the calendar has no such day."""
    if match["y"]:
        numbers = int(match["y"]), int(match["m"]), int(match["d"])
    elif match["us"]:
        month, day, year = map(int, re.split(r"[/.-]", match["us"]))
        numbers = (year, day, month) if month > 12 else (year, month, day)
    elif match["word"]:
        numbers = int(match["wy"]), _MONTHS[match["word"].lower()], int(match["wd"])
    else:
        numbers = int(match["ey"]), _MONTHS[match["eword"].lower()], int(match["ed"])
    try:
        found = date(*numbers)
    except ValueError:
        return None
    return found if found <= today and found.year > today.year - 130 else None
