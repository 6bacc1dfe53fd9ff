"""Decides which words of a form put a human on the line, and what the front desk sees."""

from countersign.intake.form import (
    Answer,
    AnswerScreening,
    Form,
    FormScreening,
    on_duty,
    page_code,
    read_form,
    screen_form,
    site_of,
)
from countersign.intake.screening import Screening, Span, Status, screen
from countersign.intake.terms import Kind, Terms

__all__ = [
    "Answer",
    "AnswerScreening",
    "Form",
    "FormScreening",
    "Kind",
    "Screening",
    "Span",
    "Status",
    "Terms",
    "on_duty",
    "page_code",
    "read_form",
    "screen",
    "screen_form",
    "site_of",
]
