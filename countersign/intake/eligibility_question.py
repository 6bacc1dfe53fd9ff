"""Decides how a payer is asked about a patient's coverage: an X12 270, 005010X279A1.

One patient a question. Nothing but what the payer needs to find the patient is in it; it asks about
the plan as a whole and about outpatient mental-health care.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countersign.errors import BadQuestion

SERVICES: Final = ("30", "MH", "CF")
# X12's basic and extended character sets without the separators that this writer uses.
_TEXT: Final = re.compile(r"[A-Za-z0-9 !\"&'()+,\-./;?=%@_]*")
_Text = Annotated[str, Field(max_length=60)]

AHEAD: Final = timedelta(days=3)
FRESH: Final = timedelta(days=7)


class Question(BaseModel):
    """Who is asked about whom, for which day; `control` numbers the question, 1 to 999999999.

    `npi` is the clinic's National Provider Identifier. A dependent is asked about under the
    subscriber's number.
    """

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    payer_name: _Text
    payer_id: Annotated[str, Field(min_length=2, max_length=80)]
    clinic_name: _Text
    npi: Annotated[str, Field(pattern=r"^\d{10}$")]
    member: Annotated[str, Field(min_length=2, max_length=80)]
    family: _Text
    given: _Text
    born: date
    sex: Literal["F", "M", "U"] | None = None
    dependent_family: _Text = ""
    dependent_given: _Text = ""
    dependent_born: date | None = None
    day: date
    trace: Annotated[str, Field(min_length=1, max_length=50)]
    sender: Annotated[str, Field(min_length=1, max_length=15)]
    receiver: Annotated[str, Field(min_length=1, max_length=15)]
    control: Annotated[int, Field(ge=1, le=999_999_999)]
    test: bool = False


def question(**fields: object) -> Question:
    """A question from plain fields; raises `BadQuestion`, which names the field, not its value."""
    try:
        asked = Question.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadQuestion(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for name, value in asked:
        if isinstance(value, str) and not _TEXT.fullmatch(value):
            raise BadQuestion(f"{name}: holds a character that X12 cannot carry")
    if not _checks(asked.npi):
        raise BadQuestion("npi: its check digit is wrong")
    if asked.dependent_family and asked.dependent_born is None:
        raise BadQuestion("dependent_born: a dependent needs a date of birth")
    return asked


def _checks(npi: str) -> bool:
    """The check digit of an NPI: Luhn over 80840 and its digits (45 CFR 162.406)."""
    total = 0
    for place, digit in enumerate(reversed(f"80840{npi}")):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def due(visit: date, today: date, answered: date | None) -> bool:
    """Whether to ask today: at intake, and three days ahead of a visit unless a week has not gone.

    `answered` is the day of the newest answer, or None.
    """
    if answered is not None and visit - answered < FRESH:
        return False
    return answered is None or today >= visit - AHEAD


def write(asked: Question, at: datetime) -> str:
    """The 270 that asks; `at` is the moment of asking, in the sender's time."""
    control = f"{asked.control:09d}"
    inner = [
        f"BHT*0022*13*{asked.trace}*{at:%Y%m%d}*{at:%H%M}",
        "HL*1**20*1",
        f"NM1*PR*2*{asked.payer_name}*****PI*{asked.payer_id}",
        "HL*2*1*21*1",
        f"NM1*1P*2*{asked.clinic_name}*****XX*{asked.npi}",
        f"HL*3*2*22*{int(bool(asked.dependent_family))}",
    ]
    trace = f"TRN*1*{asked.trace}*9{asked.npi[:9]}"
    if not asked.dependent_family:
        inner.append(trace)
    inner += [
        f"NM1*IL*1*{asked.family}*{asked.given}****MI*{asked.member}",
        f"DMG*D8*{asked.born:%Y%m%d}" + (f"*{asked.sex}" if asked.sex else ""),
    ]
    if asked.dependent_family and asked.dependent_born is not None:
        inner += [
            "HL*4*3*23*0",
            trace,
            f"NM1*03*1*{asked.dependent_family}*{asked.dependent_given}",
            f"DMG*D8*{asked.dependent_born:%Y%m%d}",
        ]
    inner.append(f"DTP*291*D8*{asked.day:%Y%m%d}")
    inner.append(f"EQ*{'^'.join(SERVICES)}")
    lines = [
        "ISA*00*          *00*          "
        f"*ZZ*{asked.sender:<15}*ZZ*{asked.receiver:<15}*{at:%y%m%d}*{at:%H%M}"
        f"*^*00501*{control}*0*{'T' if asked.test else 'P'}*:",
        f"GS*HS*{asked.sender}*{asked.receiver}*{at:%Y%m%d}*{at:%H%M}*{asked.control}*X*005010X279A1",
        "ST*270*0001*005010X279A1",
        *inner,
        f"SE*{len(inner) + 2}*0001",
        f"GE*1*{asked.control}",
        f"IEA*1*{control}",
    ]
    return "".join(f"{line}~\n" for line in lines)
