"""Decides what a submitted form must look like and whom a found word is brought to."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from countersign.errors import NotJson, NotUtf8, SessionUnknown
from countersign.intake.screening import Screening, screen
from countersign.intake.terms import Terms

_FROZEN = ConfigDict(frozen=True)


class Answer(BaseModel):
    """One field of the form, in the patient's own words."""

    model_config = _FROZEN
    id: str
    text: str


class Form(BaseModel):
    """A submitted form; its texts are the patient's words and stay in the vault."""

    model_config = _FROZEN
    answers: tuple[Answer, ...]


class AnswerScreening(BaseModel):
    """What one answer holds; the spans count characters of that answer."""

    model_config = _FROZEN
    id: str
    screening: Screening


class FormScreening(BaseModel):
    """What the whole form holds: `crisis` or `urgent` when any of its answers does."""

    model_config = _FROZEN
    crisis: bool
    urgent: bool
    spans: int
    answers: tuple[AnswerScreening, ...]


def read_form(raw: bytes) -> Form:
    """The form in `raw`, UTF-8 JSON `{"answers": [{"id", "text"}]}`.

    Raises `NotUtf8` or `NotJson`, naming the place and never what stands there.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotUtf8(f"the form is not UTF-8 at byte {error.start}") from None
    try:
        return Form.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top"
        raise NotJson(f"the form is not as documented at {where}: {first['type']}") from None


def screen_form(form: Form, terms: Terms) -> FormScreening:
    """Every answer screened by itself, so that nothing said in one excuses another."""
    found = tuple(
        AnswerScreening(id=answer.id, screening=screen(answer.text, terms))
        for answer in form.answers
    )
    return FormScreening(
        crisis=any(one.screening.crisis for one in found),
        urgent=any(one.screening.urgent for one in found),
        spans=sum(len(one.screening.spans) for one in found),
        answers=found,
    )


def site_of(facts: Mapping[str, object] | None, intake_id: str) -> str:
    """The site that an intake came in at; raises `SessionUnknown` when it was never registered."""
    if not facts or "site" not in facts:
        raise SessionUnknown(f"no intake {intake_id}", hint="Register the intake with its site.")
    return str(facts["site"])


def on_duty(facts: Mapping[str, object] | None) -> str:
    """Who is paged: the site's clinician on duty, or every site's when the site is unknown."""
    return f"on-duty/{facts['site']}" if facts and "site" in facts else "on-duty/every-site"


def page_code(screening: Mapping[str, object] | None, run: str, failure: str) -> str:
    """The page's code: what this run's screen said, or `intake.unscreened` when it said nothing.

    A screening of an earlier run does not count, because the form may have changed since.
    """
    if failure or not screening or screening.get("run") != run:
        return "intake.unscreened"
    if screening.get("crisis"):
        return "intake.crisis"
    return "intake.urgent" if screening.get("urgent") else "intake.unscreened"
