"""What the front desk and the clinical director read: summary, routing, facts, morning report."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.errors import BadPolicy, BadRoster
from countersign.intake.demographics import confirm, extract
from countersign.intake.form import Answer
from countersign.intake.morning import EMPTY, CriticalCase, as_text, bounds, daily
from countersign.intake.specialty import (
    Needs,
    Provider,
    Specialties,
    from_csv,
    from_fhir,
    suggest,
)
from countersign.intake.summary import WORDS, summarize
from lambdas import engines, policies

TODAY = date(2026, 11, 24)
DENVER = ZoneInfo("America/Denver")
NOON = datetime(2026, 11, 24, 19, tzinfo=UTC)


def answers(**texts: str) -> tuple[Answer, ...]:
    return tuple(Answer(id=name, text=text) for name, text in texts.items())


def specialties() -> Specialties:
    return Specialties.from_toml(policies.text("specialties.toml"))


LONG = answers(
    goals="I want to sleep again. I want to be patient with my kids.",
    reason="I worry about everything since the move. " + "It is hard at work. " * 60,
    history="I saw a counselor in 2019. I have wanted to die since Sunday. " + "It helped. " * 60,
    medications="Sertraline 50 mg each morning.",
)


def test_a_long_form_is_one_paragraph_of_at_most_120_words() -> None:
    summary = summarize(LONG, engines.terms(), engines.lexicons())
    assert 0 < summary.words() <= WORDS
    assert "\n" not in summary.text
    assert summary.left_out > 50


def test_every_clause_is_the_patients_own_words_at_the_place_it_names() -> None:
    texts = {answer.id: answer.text for answer in LONG}
    summary = summarize(LONG, engines.terms(), engines.lexicons())
    assert {clause.answer for clause in summary.clauses} == set(texts)
    for clause in summary.clauses:
        assert texts[clause.answer][clause.start : clause.end] == clause.text
        assert clause.text in summary.text


def test_what_a_human_must_see_is_never_crowded_out_of_the_summary() -> None:
    summary = summarize(LONG, engines.terms(), engines.lexicons())
    assert "I have wanted to die since Sunday." in summary.text


def test_an_endless_sentence_is_cut_around_the_words_that_matter() -> None:
    text = "and then " * 200 + "I want to kill myself " + "and then " * 200
    summary = summarize(answers(reason=text), engines.terms(), engines.lexicons())
    assert "kill myself" in summary.text
    assert summary.words() <= WORDS


def test_an_empty_form_has_an_empty_summary() -> None:
    assert summarize(answers(reason="  "), engines.terms(), engines.lexicons()).text == ""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=400), max_size=4))
def test_whatever_is_written_the_summary_quotes_it_and_stays_short(texts: list[str]) -> None:
    form = tuple(Answer(id=f"q{n}", text=text) for n, text in enumerate(texts))
    summary = summarize(form, engines.terms(), engines.lexicons())
    assert summary.words() <= WORDS
    for clause in summary.clauses:
        text = next(answer.text for answer in form if answer.id == clause.answer)
        assert text[clause.start : clause.end] == clause.text


# Routing ------------------------------------------------------------------------------------

ROSTER = from_csv(
    "id,name,specialties,states,languages,insurance,openings\n"
    "p1,Ada Lin,anxiety;sleep,CO;WY,English;Spanish,Aetna,2\n"
    "p2,Ben Ode,anxiety;insomnia,CO,English,Aetna;Cigna,1\n"
    "p3,Cy Roe,anxiety,NY,English,Aetna,5\n"
    "p4,Di Poe,couples,CO,English,Aetna,0\n"
    "p5,Ed Fox,grief,,,,\n"
)


def test_providers_are_suggested_with_reasons_and_the_words_that_speak_for_them() -> None:
    form = answers(reason="I worry all day and my sleep is bad")
    routing = suggest(form, ROSTER, Needs(state="CO", language="spanish"), specialties())
    (only,) = routing.groups[0]
    assert only.provider == "p1"
    assert only.reasons[:2] == ("works with anxiety", "works with sleep")
    assert {one.words for one in only.evidence} == {"worry", "sleep"}
    assert any(line.startswith("p3: no licence in CO") for line in routing.left_out)


def test_a_tie_is_said_and_left_to_a_person() -> None:
    form = answers(reason="I worry all day and my sleep is bad")
    routing = suggest(form, ROSTER, Needs(state="CO"), specialties())
    assert [one.provider for one in routing.groups[0]] == ["p1", "p2"]
    assert routing.said.startswith("2 providers fit equally well")


def test_nobody_fitting_is_said() -> None:
    routing = suggest(answers(reason="my marriage"), ROSTER, Needs(), specialties())
    assert routing.groups == ()
    assert routing.said.startswith("Nobody in the directory fits")
    assert "p4: no openings" in routing.left_out


def test_a_form_without_a_known_concern_is_for_a_person() -> None:
    routing = suggest(answers(reason="hello"), ROSTER, Needs(), specialties())
    assert routing.said.startswith("No concern was recognized")


def test_what_the_directory_does_not_say_is_named_and_leaves_nobody_out() -> None:
    routing = suggest(answers(reason="my mother died"), ROSTER, Needs(state="CO"), specialties())
    (only,) = routing.groups[0]
    assert (only.provider, only.unknown) == ("p5", ("licence in CO", "openings"))


@pytest.mark.parametrize("text", ["I don't drink alcohol", "no panic at all", "sin ansiedad"])
def test_a_denied_concern_asks_for_no_specialty(text: str) -> None:
    assert suggest(answers(reason=text), ROSTER, Needs(), specialties()).concerns == ()


@pytest.mark.parametrize(
    "text",
    ["", "name\nAda\n", "id,name\np1,\n", "id,name,openings\np1,A,many\n", "id,name\np,A\np,B\n"],
)
def test_a_broken_directory_is_refused_without_repeating_it(text: str) -> None:
    if text == "":
        with pytest.raises(BadRoster, match="no column"):
            from_csv(text)
        return
    with pytest.raises(BadRoster) as refused:
        from_csv(text)
    assert "many" not in str(refused.value)


def test_a_fhir_directory_reads_roles_people_and_plan_net_extensions() -> None:
    net = "http://hl7.org/fhir/us/davinci-pdex-plan-net/StructureDefinition/"
    state = {"coding": [{"code": "CO"}]}
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {
                "resource": {
                    "resourceType": "Practitioner",
                    "id": "a",
                    "name": [{"given": ["Ada"], "family": "Lin"}],
                    "communication": [{"text": "Spanish"}],
                    "qualification": [
                        {
                            "extension": [
                                {
                                    "url": f"{net}practitioner-qualification",
                                    "extension": [
                                        {"url": "whereValid", "valueCodeableConcept": state}
                                    ],
                                }
                            ]
                        }
                    ],
                }
            },
            {
                "resource": {
                    "resourceType": "PractitionerRole",
                    "id": "r1",
                    "practitioner": {"reference": "Practitioner/a"},
                    "specialty": [{"coding": [{"display": "Anxiety"}]}],
                    "extension": [
                        {"url": f"{net}network-reference", "valueReference": {"display": "Aetna"}},
                        {
                            "url": f"{net}newpatients",
                            "extension": [
                                {
                                    "url": "acceptingPatients",
                                    "valueCodeableConcept": {"coding": [{"code": "nopt"}]},
                                }
                            ],
                        },
                    ],
                }
            },
            {"resource": {"resourceType": "PractitionerRole", "id": "r2", "active": False}},
        ],
    }
    assert from_fhir(json.dumps(bundle)) == (
        Provider(
            id="r1",
            name="Ada Lin",
            specialties=("Anxiety",),
            states=("CO",),
            languages=("Spanish",),
            insurance=("Aetna",),
            openings=0,
        ),
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"resourceType": "Bundle", "entry": [1, {}]}'])
def test_what_is_no_fhir_directory_is_refused(text: str) -> None:
    with pytest.raises(BadRoster):
        from_fhir(text)


def test_a_specialty_without_a_reason_is_refused() -> None:
    with pytest.raises(BadPolicy):
        Specialties.from_toml('[specialty.x]\nnames = ["x"]\nwords = ["y"]\n')


# Facts about the person ---------------------------------------------------------------------


def stated(**texts: str) -> dict[str, str]:
    return {one.field: one.value for one in extract(answers(**texts), TODAY).stated}


def test_facts_are_read_where_the_patient_states_them() -> None:
    assert stated(
        full_name="Ana  María Ruiz",
        date_of_birth="03/04/1988",
        reason="Call me Ani. My number is (303) 555-0142, mail ANA@example.org. I have Aetna.",
        where="I live at 12 Elm Street, Denver, CO 80203",
    ) == {
        "name": "Ana María Ruiz",
        "birth_date": "1988-03-04",
        "preferred_name": "Ani",
        "phone": "+13035550142",
        "email": "ana@example.org",
        "insurance": "Aetna",
        "address": "12 Elm Street",
        "state": "CO",
        "zip": "80203",
    }


def test_every_fact_is_marked_as_the_patients_own_and_unconfirmed() -> None:
    known = extract(answers(reason="My name is Ana Ruiz and I was born on May 2, 1990."), TODAY)
    assert {(one.field, one.value) for one in known.stated} == {
        ("name", "Ana Ruiz"),
        ("birth_date", "1990-05-02"),
    }
    assert {one.origin for one in known.stated} == {"patient-stated"}
    assert known.ready() == ()
    assert [one.field for one in confirm(known, "name", "Ana Ruiz", "desk-1").ready()] == ["name"]


@pytest.mark.parametrize(
    "text",
    [
        "My sister was born 05/02/1990 and her number is 303-555-0142",
        "I moved here on 05/02/1990",
        "I was born 02/30/1990",
        "I was born 02/03/2031",
        "In an emergency call 303 555 0142",
    ],
)
def test_nothing_is_taken_that_is_anothers_or_no_such_day(text: str) -> None:
    assert extract(answers(reason=text), TODAY).stated == ()


def test_two_values_of_one_field_are_a_conflict_for_a_person() -> None:
    known = extract(answers(dob="1990-05-02", reason="I was born on 05/03/1990"), TODAY)
    assert known.conflicts == ("birth_date",)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_a_fact_is_always_found_where_it_says(text: str) -> None:
    for one in extract(answers(reason=text), TODAY).stated:
        assert text[one.start : one.end] == one.said


# The morning report -------------------------------------------------------------------------


def case(number: int, raised: datetime, **steps: object) -> CriticalCase:
    given = {"id": f"a{number}", "code": "intake.crisis", "subject": f"intake-{number}"}
    return CriticalCase.model_validate({**given, "raised_at": raised, **steps})


def report(*cases: CriticalCase, day: date = date(2026, 11, 23)) -> str:
    return as_text(daily(cases, day, site="denver", zone=DENVER, now=NOON), DENVER)


def test_an_empty_day_says_that_no_alerts_were_raised_and_nothing_about_risk() -> None:
    text = report()
    assert EMPTY in text
    assert "risk" not in text.lower()


def test_open_alerts_stand_first_with_acknowledgement_and_hand_off() -> None:
    morning = datetime(2026, 11, 23, 16, tzinfo=UTC)
    closed = case(
        1,
        morning,
        acknowledged_by="dr-a",
        acknowledged_at=morning + timedelta(seconds=41),
        handed_to="crisis-line",
        handed_at=morning + timedelta(minutes=3),
        closed_by="dr-a",
        closed_at=morning + timedelta(minutes=30),
    )
    text = report(closed, case(2, morning + timedelta(hours=1)))
    assert text.index("intake-2") < text.index("intake-1")
    assert "NOT ACKNOWLEDGED" in text
    assert "acknowledged by dr-a after 41 s" in text
    assert "handed to crisis-line 2026-11-23 09:03" in text


def test_an_open_alert_of_an_earlier_day_stays_until_a_person_closes_it() -> None:
    text = report(case(7, datetime(2026, 11, 20, 12, tzinfo=UTC)))
    assert EMPTY in text
    assert "Still open (1)" in text


def test_an_alert_belongs_to_the_day_of_the_clinic_and_not_of_greenwich() -> None:
    late = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
    assert "1 alert was raised." in report(case(3, late))
    assert EMPTY in report(case(3, late), day=date(2026, 11, 22))


def test_a_repeated_delivery_is_one_case_and_loses_no_step() -> None:
    at = datetime(2026, 11, 23, 16, tzinfo=UTC)
    done = case(4, at, acknowledged_by="dr-a", acknowledged_at=at + timedelta(seconds=5))
    for order in ((done, case(4, at)), (case(4, at), done)):
        text = report(*order)
        assert "1 alert was raised." in text
        assert "acknowledged by dr-a after 5 s" in text


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 8), 23), ((2026, 11, 1), 25)])
def test_a_day_on_which_the_clocks_change_is_shorter_or_longer(
    day: tuple[int, int, int], hours: int
) -> None:
    start, end = bounds(date(*day), DENVER)
    assert end - start == timedelta(hours=hours)


@given(st.lists(st.integers(0, 47), max_size=20), st.data())
def test_every_alert_of_the_day_is_on_the_report_exactly_once(
    hours: list[int], data: st.DataObject
) -> None:
    start, end = bounds(date(2026, 11, 23), DENVER)
    cases = [
        case(
            n,
            start + timedelta(hours=hour - 12),
            closed_at=data.draw(st.sampled_from([None, start + timedelta(hours=hour)])),
        )
        for n, hour in enumerate(hours)
    ]
    made = daily(cases, date(2026, 11, 23), site="denver", zone=DENVER, now=NOON)
    listed = [one.id for one in (*made.still_open, *made.closed)]
    assert len(set(listed)) == len(listed)
    assert {one.id for one in cases if start <= one.raised_at < end} <= set(listed)
