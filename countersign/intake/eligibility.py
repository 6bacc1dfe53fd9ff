"""Decides what a payer's eligibility answer (X12 271, 005010X279A1) says, and what it does not.

A patient counts as covered only where the payer says so whole, once and for the day asked about.
What is late, cut off, rejected, contradictory or about another day is "not verified".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import pairwise
from typing import Final

from pydantic import BaseModel, ConfigDict

from countersign.delivery.x12 import Segment, TransactionSet, segments, transaction_sets
from countersign.errors import BadX12
from countersign.intake import payer_codes as codes


class Status(StrEnum):
    """Whether the plan is in force on the day asked about, as far as the payer said."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    NOT_VERIFIED = "not verified"


class Covered(StrEnum):
    """Whether outpatient mental-health care is covered, as far as the payer said."""

    YES = "yes"
    NO = "no"
    NOT_KNOWN = "not known"


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True)


class Party(_Plain):
    """Somebody the answer names: role in words, name, number and how the number is qualified."""

    role: str
    name: str = ""
    id: str = ""
    qualifier: str = ""
    contacts: tuple[str, ...] = ()


class Dated(_Plain):
    """A date or a span of dates, ISO 8601, and what it is of."""

    of: str
    start: str
    end: str = ""


class Benefit(_Plain):
    """One EB segment in plain fields, with everything that hangs on it.

    `amount` is US dollars, `percent` the patient's share in percent, `in_network` and
    `authorization` yes, no, unknown or "" where the payer left them out.
    """

    information: str
    code: str
    level: str = ""
    services: tuple[str, ...] = ()
    service_codes: tuple[str, ...] = ()
    insurance: str = ""
    plan: str = ""
    period: str = ""
    remaining: bool = False
    amount: str = ""
    percent: str = ""
    quantity: str = ""
    quantity_of: str = ""
    authorization: str = ""
    in_network: str = ""
    procedure: str = ""
    dates: tuple[Dated, ...] = ()
    messages: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    delivery: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    parties: tuple[Party, ...] = ()
    segment: int = 0


class Rejection(_Plain):
    """An AAA segment: why the payer did not answer, and what to do next."""

    code: str
    why: str
    next: str
    at: str
    segment: int


class Cost(_Plain):
    """What an outpatient mental-health visit costs the patient on one side of the network.

    Dollars and percent as the payer wrote them; "" is not known, never nothing to pay.
    """

    copay: str = ""
    coinsurance: str = ""
    deductible: str = ""
    deductible_remaining: str = ""
    out_of_pocket: str = ""
    out_of_pocket_remaining: str = ""
    visits: str = ""
    visits_remaining: str = ""
    prior_authorization: str = "not known"


class Answer(_Plain):
    """What one answer says of one person; `words` says it to the front desk."""

    status: Status
    why: str
    mental_health: Covered
    plan: str = ""
    plan_dates: tuple[Dated, ...] = ()
    payer: Party | None = None
    provider: Party | None = None
    person: Party | None = None
    subscriber: Party | None = None
    relation: str = ""
    born: str = ""
    traces: tuple[str, ...] = ()
    asked_on: str = ""
    in_network: Cost = Cost()
    out_of_network: Cost = Cost()
    benefits: tuple[Benefit, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    other_payers: tuple[Party, ...] = ()
    messages: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


_YES_NO: Final = {"Y": "yes", "N": "no", "U": "unknown", "W": "not applicable"}
_LEVELS: Final = {"20": "the payer", "21": "the provider", "22": "subscriber", "23": "dependent"}
_RELATIONS: Final = {
    "18": "self",
    "01": "spouse",
    "19": "child",
    "34": "other adult",
    "G8": "other",
}
_KNOWN: Final = frozenset(
    "HL TRN NM1 N3 N4 N2 DMG INS HI DTP MPI REF AAA EB HSD MSG III LS LE PRV PER BHT".split()
)
_DATE: Final = re.compile(r"\d{8}")


def read_answers(text: str, on: date | None = None) -> tuple[Answer, ...]:
    """What a 271 says of every person in it, in order; at least one answer.

    `on` is the day that matters; by default the day the payer answered. Raises `EmptyInput` or
    `BadX12` for what is no 271 at all.
    """
    found = segments(text)
    answers: list[Answer] = []
    kinds: list[str] = []
    for one in transaction_sets(found):
        kinds.append(one.kind)
        if one.kind == "271":
            answers += _answers(one, on)
    if answers:
        return tuple(answers)
    if {"999", "997"} & set(kinds) or (not kinds and any(s.name == "TA1" for s in found)):
        return (_refused(found),)
    held = ", ".join(kinds) or "no transaction set"
    raise BadX12(f"the interchange holds {held}, and no 271")


def unanswered(why: str) -> Answer:
    """What is shown when a payer answered late, wrongly or not at all."""
    return _worded(Answer(status=Status.NOT_VERIFIED, why=why, mental_health=Covered.NOT_KNOWN))


def _refused(found: Sequence[Segment]) -> Answer:
    bad = [s.raw for s in found if s.name in ("TA1", "AK9", "IK5", "AK5", "IK3", "IK4", "AK2")]
    answer = unanswered("the payer's system rejected the form of the question")
    return answer.model_copy(update={"unknown": tuple(bad)})


# The loops ----------------------------------------------------------------------------------


class _Level:
    """An HL segment with the segments up to the next one."""

    def __init__(self, head: Segment) -> None:
        self.id, self.parent, self.kind = head[1], head[2], head[3]
        self.own: list[Segment] = []


def _answers(one: TransactionSet, on: date | None) -> Iterator[Answer]:
    levels: list[_Level] = []
    before: list[Segment] = []
    for segment in one.segments:
        if segment.name == "HL":
            levels.append(_Level(segment))
        elif levels:
            levels[-1].own.append(segment)
        else:
            before.append(segment)
    head = next((s for s in before if s.name == "BHT"), None)
    asked = _iso(head[4]) if head is not None else ""
    day = on or (date.fromisoformat(asked) if asked else None)
    warnings: list[str] = []
    if not one.whole:
        warnings.append("the answer is cut off: it has no SE segment")
    elif not one.counted:
        warnings.append("the answer's count of segments is not that of its segments")
    parents = {level.id: level for level in levels}
    parents_of_people = {level.parent for level in levels if level.kind == "23"}
    people = [
        level
        for level in levels
        if level.kind == "23"
        or (
            level.kind == "22"
            and (
                level.id not in parents_of_people or any(s.name in ("EB", "AAA") for s in level.own)
            )
        )
    ]
    stray = tuple(s.raw for s in before if s.name not in _KNOWN)
    for level in people:
        chain = [level]
        while chain[-1].parent in parents and parents[chain[-1].parent] not in chain:
            chain.append(parents[chain[-1].parent])
        above = {each.kind: each for each in chain[1:]}
        # Some payers leave the parents out; then the last level of a kind before it counts.
        for other in levels[: levels.index(level)]:
            above.setdefault(other.kind, other)
        yield _answer(level, above, asked, day, tuple(warnings), stray, one.whole)
    if not people:
        above = {each.kind: each for each in levels}
        nobody = _Level(Segment("HL", ("", "", "22"), 0, "", ""))
        yield _answer(nobody, above, asked, day, tuple(warnings), stray, one.whole)


def _answer(
    level: _Level,
    above: dict[str, _Level],
    asked: str,
    day: date | None,
    warnings: tuple[str, ...],
    stray: tuple[str, ...],
    whole: bool,
) -> Answer:
    first_benefit = next((n for n, s in enumerate(level.own) if s.name == "EB"), len(level.own))
    top, rest = level.own[:first_benefit], level.own[first_benefit:]
    benefits = tuple(_benefits(rest))
    rejections = [
        *(
            _rejection(s, _LEVELS.get(other.kind, "the answer"))
            for other in above.values()
            if other.kind in ("20", "21", "22")
            for s in other.own
            if s.name == "AAA"
        ),
        *(
            _rejection(s, _LEVELS.get(level.kind, "the patient"))
            for s in level.own
            if s.name == "AAA"
        ),
    ]
    holder = above.get("22") if level.kind == "23" else None
    inherited = tuple(_dates(holder.own)) if holder is not None else ()
    dates = tuple(_dates(top)) or inherited
    status, why = _status(benefits, rejections, dates, day, whole)
    covered = _covered(benefits, status)
    named = next((b.plan for b in benefits if b.plan), "")
    groups = [s[3] or s[2] for s in top if s.name == "REF" and s[1] in ("18", "1L", "6P", "CE")]
    ins = next((s for s in top if s.name == "INS"), None)
    relation = "self" if level.kind == "22" else ""
    if ins is not None:
        relation = _RELATIONS.get(ins[2], ins[2]) or relation
    answer = Answer(
        status=status,
        why=why,
        mental_health=covered,
        plan=named or next((group for group in groups if group), ""),
        plan_dates=dates,
        payer=_party(above.get("20"), "payer"),
        provider=_party(above.get("21"), "provider"),
        person=_party(level, "patient"),
        subscriber=_party(holder, "subscriber") if holder is not None else None,
        relation=relation,
        born=next((_iso(s[2]) for s in top if s.name == "DMG"), ""),
        traces=tuple(s[2] for s in level.own if s.name == "TRN" and s[2]),
        asked_on=asked,
        in_network=_cost(benefits, "yes"),
        out_of_network=_cost(benefits, "no"),
        benefits=benefits,
        rejections=tuple(rejections),
        other_payers=tuple(p for b in benefits if b.code == "R" for p in b.parties),
        messages=tuple(s[1] for s in top if s.name == "MSG" and s[1]),
        references=tuple(_reference(s) for s in top if s.name == "REF"),
        unknown=(*stray, *(s.raw for s in level.own if s.name not in _KNOWN)),
        warnings=warnings,
    )
    return _worded(answer)


def _party(level: _Level | None, role: str) -> Party | None:
    if level is None:
        return None
    for number, segment in enumerate(level.own):
        if segment.name == "EB":
            return None
        if segment.name == "NM1":
            return _named(segment, role, level.own[number + 1 :])
    return None


def _named(segment: Segment, role: str, after: Sequence[Segment]) -> Party:
    given = " ".join(part for part in (segment[4], segment[5], segment[3], segment[7]) if part)
    contacts: list[str] = []
    for following in after:
        if following.name in ("NM1", "EB", "HL", "LE", "LS", "TRN"):
            break
        if following.name == "PER":
            said = [following[2], following[4], following[6], following[8]]
            contacts.append(", ".join(part for part in said if part))
    return Party(
        role=role, name=given, id=segment[9], qualifier=segment[8], contacts=tuple(contacts)
    )


def _rejection(segment: Segment, at: str) -> Rejection:
    code = segment[3]
    if code.isdecimal() and len(code) == 1:
        code = f"0{code}"
    return Rejection(
        code=code,
        why=codes.REJECTED.get(code, f"reason {code or 'not told'}, which is not on our list"),
        next=codes.NEXT.get(segment[4], "Call the payer."),
        at=at,
        segment=segment.number,
    )


def _benefits(own: Sequence[Segment]) -> Iterator[Benefit]:
    starts = [n for n, segment in enumerate(own) if segment.name == "EB"]
    for start, end in pairwise([*starts, len(own)]):
        yield _benefit(own[start], own[start + 1 : end])


def _benefit(eb: Segment, hanging: Sequence[Segment]) -> Benefit:
    services = eb.repeated(3)
    quantity, of = eb[10], codes.QUANTITY.get(eb[9], eb[9])
    percent = _number(eb[8])
    parties = tuple(
        _named(s, codes.ENTITY.get(s[1], s[1]), hanging[n + 1 :])
        for n, s in enumerate(hanging)
        if s.name == "NM1"
    )
    return Benefit(
        information=codes.INFORMATION.get(eb[1], f"{eb[1]}, which is not on our list"),
        code=eb[1],
        level=codes.LEVEL.get(eb[2], eb[2]),
        services=tuple(codes.SERVICE.get(code, code) for code in services),
        service_codes=services,
        insurance=eb[4],
        plan=eb[5],
        period=codes.PERIOD.get(eb[6], eb[6]),
        remaining=eb[6] in codes.REMAINING,
        amount=_money(eb[7]),
        percent="" if percent is None else _plain(percent * 100 if percent <= 1 else percent),
        quantity=quantity,
        quantity_of=of,
        authorization=_YES_NO.get(eb[11], eb[11]),
        in_network=_YES_NO.get(eb[12], eb[12]),
        procedure=" ".join(part for part in eb.parts(13) if part),
        dates=tuple(_dates(hanging)),
        messages=tuple(s[1] for s in hanging if s.name == "MSG" and s[1]),
        references=tuple(_reference(s) for s in hanging if s.name == "REF"),
        delivery=tuple(_delivery(s) for s in hanging if s.name == "HSD"),
        places=tuple(s[2] or s[4] for s in hanging if s.name == "III"),
        parties=parties,
        segment=eb.number,
    )


def _delivery(hsd: Segment) -> str:
    """An HSD segment in words: `20 visits, calendar year`."""
    what = codes.QUANTITY.get(hsd[1], hsd[1])
    count = " ".join(part for part in (hsd[2], what) if part)
    every = " ".join(part for part in (hsd[6], codes.PERIOD.get(hsd[5], hsd[5])) if part)
    rest = [part for part in (hsd[3], hsd[4], hsd[7], hsd[8]) if part]
    return ", ".join(part for part in (count, every, *rest) if part)


def _reference(ref: Segment) -> str:
    return " ".join(part for part in (ref[1], ref[2], ref[3]) if part)


def _dates(own: Sequence[Segment]) -> Iterator[Dated]:
    for segment in own:
        if segment.name == "DTP":
            days = _DATE.findall(segment[3])
            said = codes.DATES.get(segment[1], segment[1])
            start = _iso(days[0]) if days else segment[3]
            yield Dated(of=said, start=start, end=_iso(days[1]) if len(days) > 1 else "")


def _iso(eight: str) -> str:
    if not _DATE.fullmatch(eight):
        return ""
    try:
        return date(int(eight[:4]), int(eight[4:6]), int(eight[6:])).isoformat()
    except ValueError:
        return ""


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _money(text: str) -> str:
    value = _number(text)
    return text if value is None else f"{value:.2f}"


# What it means -------------------------------------------------------------------------------


def _status(
    benefits: Sequence[Benefit],
    rejections: Sequence[Rejection],
    dates: Sequence[Dated],
    day: date | None,
    whole: bool,
) -> tuple[Status, str]:
    if not whole:
        return Status.NOT_VERIFIED, "the payer's answer is cut off"
    if rejections:
        return Status.NOT_VERIFIED, f"the payer did not answer: {rejections[0].why}"
    plan = [b for b in benefits if not b.service_codes or "30" in b.service_codes]
    said = {b.code for b in plan if b.code in codes.ACTIVE | codes.INACTIVE | codes.UNCLEAR}
    if not said:
        said = {b.code for b in benefits if b.code in codes.ACTIVE | codes.UNCLEAR}
        if not said and benefits and all(b.code in codes.INACTIVE for b in benefits):
            said = {b.code for b in benefits}
    if not said:
        return Status.NOT_VERIFIED, "the payer does not say whether the plan is active"
    if said & codes.ACTIVE and said & codes.INACTIVE:
        return Status.NOT_VERIFIED, "the payer says both that the plan is active and that it is not"
    if said & codes.INACTIVE:
        return Status.INACTIVE, "the payer says that the plan is not active"
    if said & codes.UNCLEAR:
        return Status.NOT_VERIFIED, "the payer is still looking into it"
    of_plan = [*dates, *(d for b in plan if b.code in codes.ACTIVE for d in b.dates)]
    if day is not None:
        for each in of_plan:
            wrong = _outside(each, day)
            if wrong:
                return Status.NOT_VERIFIED, wrong
    return Status.ACTIVE, "the payer says that the plan is active"


def _outside(dated: Dated, day: date) -> str:
    """Why a day is not within the dates of a plan, or nothing."""
    today = day.isoformat()
    begins = dated.of in ("plan begins", "eligibility begins", "plan", "eligibility")
    ends = dated.of in ("plan ends", "eligibility ends")
    if begins and dated.start and dated.start > today and _is_day(dated.start):
        return f"the plan begins on {dated.start}, after the day asked about"
    last = dated.start if ends else dated.end if begins else ""
    if last and _is_day(last) and last < today:
        return f"the plan ended on {last}"
    return ""


def _is_day(text: str) -> bool:
    return len(text) == len("2026-01-01") and text[4] == "-"


def _covered(benefits: Sequence[Benefit], status: Status) -> Covered:
    if status is Status.INACTIVE:
        return Covered.NO
    if status is Status.NOT_VERIFIED:
        return Covered.NOT_KNOWN
    ours = [b for b in benefits if codes.OUTPATIENT & set(b.service_codes)]
    yes = [b for b in ours if b.code in codes.ACTIVE]
    no = [b for b in ours if b.code in ("I", "E") or b.code in codes.INACTIVE]
    if yes and any(_alike(a, b) for a in yes for b in no):
        return Covered.NOT_KNOWN
    if yes:
        return Covered.YES
    return Covered.NO if no else Covered.NOT_KNOWN


def _alike(one: Benefit, other: Benefit) -> bool:
    """Whether two benefits speak of the same service on the same side of the network."""
    same = codes.OUTPATIENT & set(one.service_codes) & set(other.service_codes)
    side = not one.in_network or not other.in_network or one.in_network == other.in_network
    return bool(same) and side and not other.procedure and not other.places


def _cost(benefits: Sequence[Benefit], side: str) -> Cost:
    """What the payer says of outpatient mental-health care on one side of the network."""
    here = [b for b in benefits if b.in_network in (side, "", "not applicable", "unknown")]
    ours = [b for b in here if codes.OUTPATIENT & set(b.service_codes)]
    plan = [b for b in here if not b.service_codes or "30" in b.service_codes]
    limits = [b for b in ours if b.code in ("F", "1", "D")]
    return Cost(
        copay=_first(ours, "B", side, amount=True),
        coinsurance=_first(ours, "A", side, amount=False),
        deductible=_first([*ours, *plan], "C", side, amount=True, remaining=False),
        deductible_remaining=_first([*ours, *plan], "C", side, amount=True, remaining=True),
        out_of_pocket=_first([*ours, *plan], "G", side, amount=True, remaining=False),
        out_of_pocket_remaining=_first([*ours, *plan], "G", side, amount=True, remaining=True),
        visits=_visits(limits, remaining=False),
        visits_remaining=_visits(limits, remaining=True),
        prior_authorization=_authorization(ours),
    )


def _first(
    benefits: Sequence[Benefit],
    code: str,
    side: str,
    *,
    amount: bool,
    remaining: bool | None = None,
) -> str:
    """The figure that fits best: this side of the network named, then the individual's."""
    fitting = [
        b
        for b in benefits
        if b.code == code
        and (b.amount if amount else b.percent)
        and (remaining is None or b.remaining == remaining)
    ]
    ranked = sorted(
        fitting, key=lambda b: (b.in_network != side, b.level not in ("individual", ""))
    )
    # Ties keep the payer's order, and mental-health care was put first by the caller.
    return (ranked[0].amount if amount else ranked[0].percent) if ranked else ""


def _visits(limits: Sequence[Benefit], *, remaining: bool) -> str:
    for benefit in limits:
        if benefit.remaining != remaining:
            continue
        if benefit.quantity and benefit.quantity_of in ("visits", "services", "at most"):
            return (
                f"{benefit.quantity} {benefit.period}".strip()
                if not remaining
                else benefit.quantity
            )
        if benefit.delivery and "visits" in benefit.delivery[0]:
            return benefit.delivery[0]
    return ""


def _authorization(ours: Sequence[Benefit]) -> str:
    said = {b.authorization for b in ours if b.authorization in ("yes", "no")}
    if said == {"yes", "no"}:
        return "for some services"
    return {"yes": "required", "no": "not required"}.get(next(iter(said), ""), "not known")


def _worded(answer: Answer) -> Answer:
    """The answer with sentences for the front desk: what is covered, and what is not known."""
    lines = [f"Coverage {answer.status}: {answer.why}."]
    for rejection in answer.rejections:
        lines.append(f"{rejection.why[:1].upper()}{rejection.why[1:]}. {rejection.next}")
    if answer.status is Status.ACTIVE:
        named = f" ({answer.plan})" if answer.plan else ""
        lines[0] = f"Coverage is active{named}."
        lines.append(
            {
                Covered.YES: "Outpatient mental-health care is covered.",
                Covered.NO: "Outpatient mental-health care is not covered.",
                Covered.NOT_KNOWN: "Whether outpatient mental-health care is covered is not known.",
            }[answer.mental_health]
        )
        for side, cost in (("In", answer.in_network), ("Out of", answer.out_of_network)):
            lines += _cost_words(side, cost)
    for warning in answer.warnings:
        lines.append(f"{warning[:1].upper()}{warning[1:]}.")
    return answer.model_copy(update={"words": tuple(lines)})


def _cost_words(side: str, cost: Cost) -> list[str]:
    said = []
    if cost.copay:
        said.append(f"copay ${cost.copay}")
    if cost.coinsurance:
        said.append(f"the patient pays {cost.coinsurance} %")
    for name, whole, left in (
        ("deductible", cost.deductible, cost.deductible_remaining),
        ("out-of-pocket maximum", cost.out_of_pocket, cost.out_of_pocket_remaining),
    ):
        if whole or left:
            parts = [f"${whole}" if whole else "", f"${left} left" if left else ""]
            said.append(f"{name} {', '.join(part for part in parts if part)}")
    if cost.visits or cost.visits_remaining:
        left = f"{cost.visits_remaining} left" if cost.visits_remaining else ""
        said.append(f"visits {', '.join(part for part in (cost.visits, left) if part)}")
    if cost.prior_authorization != "not known":
        said.append(f"prior authorization {cost.prior_authorization}")
    else:
        said.append("prior authorization not known")
    if not cost.copay and not cost.coinsurance:
        said.append("what a visit costs is not known")
    return [f"{side} network: {'; '.join(said)}."]
