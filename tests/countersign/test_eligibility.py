"""A payer's answer is read whole, and what it does not say plainly is never called covered."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from countersign.errors import BadX12, EmptyInput, Refusal
from countersign.intake.eligibility import Answer, Covered, Status, read_answers, unanswered
from local.cli import app

ISA = (
    "ISA*00*          *00*          *ZZ*PAYER          *ZZ*CLINIC         "
    "*261120*0900*^*00501*000000001*0*P*:~"
)
GS = "GS*HB*PAYER*CLINIC*20261120*0900*1*X*005010X279A1~"
TOP = (
    "HL*1**20*1~NM1*PR*2*NORTH HEALTH*****PI*12345~PER*IC*HELP*TE*8005550100~"
    "HL*2*1*21*1~NM1*1P*2*HARBOR CLINIC*****XX*1234567893~"
    "HL*3*2*22*0~TRN*2*ABC1*9999999999~NM1*IL*1*DOE*JANE*Q***MI*W123~DMG*D8*19800102*F~"
)


def answer(*segments: str, top: str = TOP, cut: bool = False) -> str:
    """A 271 with these segments for one subscriber; `cut` leaves its end out."""
    inner = "BHT*0022*11*1*20261120*0900~" + top + "".join(f"{each}~" for each in segments)
    count = inner.count("~") + 2
    end = "" if cut else f"SE*{count}*0001~GE*1*1~IEA*1*000000001~"
    return f"{ISA}{GS}ST*271*0001*005010X279A1~{inner}{end}"


def read(*segments: str) -> Answer:
    return read_answers(answer(*segments))[0]


def test_an_active_plan_with_outpatient_mental_health_is_read_in_plain_fields() -> None:
    found = read(
        "DTP*346*D8*20260101",
        "EB*1*IND*30**GOLD PPO",
        "EB*1**MH^98",
        "EB*B*IND*CF***27*25*****Y",
        "EB*B*IND*CF***27*60*****N",
        "EB*A*IND*MH*****.2***N*Y",
        "EB*C*IND*30***23*1500*****Y",
        "EB*C*IND*30***29*420.5*****Y",
        "EB*G*IND*30***23*6000*****Y",
        "EB*G*IND*30***29*5100*****Y",
        "EB*F*IND*MH***23***VS*30*N*Y",
        "EB*F*IND*MH***29***VS*22*N*Y",
    )
    assert found.status is Status.ACTIVE
    assert found.mental_health is Covered.YES
    assert found.plan == "GOLD PPO"
    assert found.person is not None
    assert (found.person.name, found.person.id, found.born) == ("JANE Q DOE", "W123", "1980-01-02")
    assert found.payer is not None
    assert found.payer.contacts == ("HELP, 8005550100",)
    cost = found.in_network
    assert (cost.copay, cost.coinsurance) == ("25.00", "20")
    assert (cost.deductible, cost.deductible_remaining) == ("1500.00", "420.50")
    assert (cost.out_of_pocket, cost.out_of_pocket_remaining) == ("6000.00", "5100.00")
    assert (cost.visits, cost.visits_remaining) == ("30 calendar year", "22")
    assert cost.prior_authorization == "not required"
    assert found.out_of_network.copay == "60.00"
    assert "Outpatient mental-health care is covered." in found.words


def test_an_inactive_plan_covers_nothing() -> None:
    found = read("EB*6**30")
    assert (found.status, found.mental_health) == (Status.INACTIVE, Covered.NO)


def test_an_active_plan_that_says_nothing_of_our_care_leaves_it_unknown() -> None:
    found = read("EB*1**30^98^UC", "EB*B**98***27*40*****Y")
    assert (found.status, found.mental_health) == (Status.ACTIVE, Covered.NOT_KNOWN)
    assert found.in_network.copay == ""


def test_inpatient_care_alone_is_not_outpatient_care() -> None:
    assert read("EB*1**30", "EB*1**A7^CE").mental_health is Covered.NOT_KNOWN


def test_care_that_is_not_covered_is_said() -> None:
    found = read("EB*1**30", "EB*I**MH")
    assert found.mental_health is Covered.NO
    assert "Outpatient mental-health care is not covered." in found.words


@pytest.mark.parametrize(
    "segments",
    [
        ("EB*1**30", "EB*6**30"),
        ("EB*5**30",),
        ("EB*V**30",),
        ("EB*B**MH***27*20*****Y",),
        ("DTP*347*D8*20260101", "EB*1**30"),
        ("DTP*346*D8*20270101", "EB*1**30"),
        ("DTP*291*RD8*20250101-20251231", "EB*1**30"),
        ("EB*1**30", "DTP*347*D8*20200101"),
        ("AAA*N**75*C",),
        ("AAA*Y**42*R", "EB*1**30"),
        (),
    ],
)
def test_what_is_unclear_is_not_verified_and_never_covered(segments: tuple[str, ...]) -> None:
    found = read(*segments)
    assert found.status is Status.NOT_VERIFIED
    assert found.mental_health is Covered.NOT_KNOWN


def test_a_contradiction_about_our_care_is_not_known() -> None:
    assert read("EB*1**30", "EB*1**MH", "EB*I**MH").mental_health is Covered.NOT_KNOWN
    both = read("EB*1**30", "EB*1**MH********Y", "EB*I**MH*********N")
    assert both.status is Status.ACTIVE


def test_an_answer_that_is_cut_off_is_not_verified() -> None:
    found = read_answers(answer("EB*1**30", "EB*1**MH", cut=True))[0]
    assert found.status is Status.NOT_VERIFIED
    assert "cut off" in " ".join(found.warnings)


def test_a_rejection_says_why_and_what_to_do() -> None:
    found = read("AAA*N**75*C")
    assert found.rejections[0].code == "75"
    assert found.words[1] == "The payer does not find the subscriber. Correct it and ask again."


@pytest.mark.parametrize("level", ["20", "21"])
def test_a_rejection_above_the_patient_counts_for_the_patient(level: str) -> None:
    after = "PI*12345~" if level == "20" else "XX*1234567893~"
    top = TOP.replace(after, f"{after}AAA*Y**51*N~")
    found = read_answers(answer("EB*1**30", top=top))[0]
    assert found.status is Status.NOT_VERIFIED
    assert found.rejections[0].at in ("the payer", "the provider")


def test_a_rejection_before_any_patient_is_an_answer_too() -> None:
    top = "HL*1**20*0~NM1*PR*2*NORTH HEALTH*****PI*12345~AAA*Y**42*P~"
    found = read_answers(answer(top=top))
    assert [each.status for each in found] == [Status.NOT_VERIFIED]
    assert found[0].person is None


def test_a_dependent_has_the_subscriber_beside() -> None:
    dependent = "HL*4*3*23*0~TRN*2*ABC2*9999999999~NM1*03*1*DOE*SAM~DMG*D8*20150304*M~INS*N*19~"
    found = read_answers(answer("EB*1**30", "EB*1**MH", top=TOP + dependent))
    assert len(found) == 1
    assert found[0].person is not None
    assert found[0].person.name == "SAM DOE"
    assert found[0].subscriber is not None
    assert found[0].subscriber.id == "W123"
    assert found[0].relation == "child"


def test_two_subscribers_are_two_answers() -> None:
    other = "EB*1**30~HL*4*2*22*0~NM1*IL*1*ROE*ANN****MI*W999~"
    found = read_answers(answer("EB*6**30", top=TOP + other))
    assert [each.status for each in found] == [Status.ACTIVE, Status.INACTIVE]


def test_what_hangs_on_a_benefit_stays_with_it() -> None:
    found = read(
        "EB*1**30",
        "EB*F**MH",
        "HSD*VS*20***23*1",
        "REF*9F*PA-7",
        "DTP*292*RD8*20260101-20261231",
        "MSG*CALL BEFORE THE TENTH VISIT",
        "III*ZZ*11",
        "LS*2120",
        "NM1*VN*2*CALM VENDOR*****PI*77",
        "PER*IC**TE*8005550111",
        "LE*2120",
        "EB*R**30",
        "LS*2120",
        "NM1*PRP*2*OTHER PLAN*****PI*88",
        "LE*2120",
    )
    limit = found.benefits[1]
    assert limit.delivery == ("20 visits, 1 calendar year",)
    assert limit.references == ("9F PA-7",)
    assert limit.dates[0].end == "2026-12-31"
    assert limit.messages == ("CALL BEFORE THE TENTH VISIT",)
    assert limit.places == ("11",)
    assert limit.parties[0].name == "CALM VENDOR"
    assert limit.parties[0].contacts == ("8005550111",)
    assert found.other_payers[0].name == "OTHER PLAN"
    assert found.in_network.visits == "20 visits, 1 calendar year"


def test_an_unknown_segment_is_kept_and_shown() -> None:
    assert read("ZZZ*what*is this", "EB*1**30").unknown == ("ZZZ*what*is this",)


@pytest.mark.parametrize("end", ["~", "~\n", "~\r\n", "\n", "'", "\x1c"])
@pytest.mark.parametrize("element", ["*", "|", "\x1d"])
def test_the_separators_are_the_senders_own(end: str, element: str) -> None:
    text = answer("EB*1**30**GOLD", "EB*1**MH^98").replace("*", element).replace("~", end)
    found = read_answers(text)[0]
    assert (found.status, found.mental_health) == (Status.ACTIVE, Covered.YES)
    assert found.plan == "GOLD"


def test_a_trimmed_header_and_leading_blanks_are_read() -> None:
    trimmed = "ISA*00**00**ZZ*PAYER*ZZ*CLINIC*261120*0900*^*00501*000000001*0*P*:~"
    assert (
        read_answers("\ufeff \n" + answer("EB*1**30").replace(ISA, trimmed))[0].status == "active"
    )


def test_two_interchanges_are_both_read() -> None:
    text = answer("EB*1**30") + "\n" + answer("EB*6**30").replace("*", "|")
    assert [each.status for each in read_answers(text)] == [Status.ACTIVE, Status.INACTIVE]


def test_the_day_asked_about_decides() -> None:
    text = answer("DTP*291*RD8*20260101-20261231", "EB*1**30")
    assert read_answers(text)[0].status is Status.ACTIVE
    assert read_answers(text, date(2027, 1, 2))[0].status is Status.NOT_VERIFIED


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", EmptyInput),
        ("  \n", EmptyInput),
        ("hello", BadX12),
        ("ISA", BadX12),
        ("ISA*00*", BadX12),
        (answer().replace("ST*271", "ST*835"), BadX12),
        (ISA + GS, BadX12),
    ],
)
def test_what_is_no_answer_is_refused(text: str, error: type[Refusal]) -> None:
    with pytest.raises(error):
        read_answers(text)


def test_a_rejected_form_is_an_answer_that_verifies_nothing() -> None:
    text = f"{ISA}GS*FA*P*C*20261120*0900*1*X*005010X231A1~ST*999*0001~AK1*HS*1~IK5*R*5~SE*4*0001~"
    found = read_answers(text)[0]
    assert found.status is Status.NOT_VERIFIED
    assert "IK5*R*5" in found.unknown


def test_no_answer_at_all_is_not_verified() -> None:
    assert unanswered("the payer did not answer in time").words == (
        "Coverage not verified: the payer did not answer in time.",
    )


@given(st.lists(st.integers(0, 400), max_size=6), st.integers(0, 400))
def test_no_damage_makes_a_traceback_or_an_inactive_plan_covered(
    drops: list[int], cut: int
) -> None:
    text = answer("DTP*346*D8*20260101", "EB*6**30", "EB*B**MH***27*20*****Y")
    damaged = [char for at, char in enumerate(text) if at not in drops]
    try:
        found = read_answers("".join(damaged[: len(damaged) - cut]))
    except Refusal:
        return
    assert all(each.mental_health is not Covered.YES for each in found)


def test_the_command_prints_one_document(tmp_path: Path) -> None:
    file = tmp_path / "answer.271"
    file.write_text(answer("EB*1**30**GOLD", "EB*1**MH"))
    asked = ["eligibility", "--x12", str(file)]
    found = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert (found["status"], found["mental_health"], found["plan"]) == ("active", "yes", "GOLD")
    assert found["others"] == []
    said = CliRunner().invoke(app, asked).stdout
    assert "Coverage is active (GOLD)." in said
