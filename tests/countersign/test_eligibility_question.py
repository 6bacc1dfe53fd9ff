"""A question to a payer is a whole 270, and carries no more than it must."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from countersign.delivery.x12 import segments, transaction_sets
from countersign.errors import BadQuestion
from countersign.intake.eligibility_question import due, question, write

FIELDS: dict[str, object] = {
    "payer_name": "NORTH HEALTH",
    "payer_id": "12345",
    "clinic_name": "HARBOR CLINIC",
    "npi": "1234567893",
    "member": "W123",
    "family": "DOE",
    "given": "JANE",
    "born": date(1980, 1, 2),
    "sex": "F",
    "day": date(2026, 11, 24),
    "trace": "ABC-1",
    "sender": "CLINIC",
    "receiver": "PAYER",
    "control": 7,
}
AT = datetime(2026, 11, 21, 6, 5, tzinfo=UTC)


def test_the_segments_count_and_the_numbers_agree() -> None:
    text = write(question(**FIELDS), AT)
    found = segments(text)
    only = next(iter(transaction_sets(found)))
    assert (only.kind, only.whole, only.counted) == ("270", True, True)
    assert len(text.split("~")[0]) == 105
    names = [each.name for each in found]
    assert names[0:3] == ["ISA", "GS", "ST"]
    assert found[0][13] == "000000007"
    assert found[-1][2] == found[0][13]
    asked = next(each for each in found if each.name == "EQ")
    assert asked.repeated(1) == ("30", "MH", "CF")


def test_a_dependent_stands_under_the_subscriber() -> None:
    fields = FIELDS | {
        "dependent_family": "DOE",
        "dependent_given": "SAM",
        "dependent_born": date(2015, 3, 4),
    }
    found = segments(write(question(**fields), AT))
    levels = [(each[1], each[2], each[3], each[4]) for each in found if each.name == "HL"]
    assert levels == [
        ("1", "", "20", "1"),
        ("2", "1", "21", "1"),
        ("3", "2", "22", "1"),
        ("4", "3", "23", "0"),
    ]
    assert sum(each.name == "TRN" for each in found) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("npi", "1234567890"),
        ("npi", "12345"),
        ("member", ""),
        ("family", "DO*E"),
        ("given", "JA~NE"),
        ("family", "DO^E"),
        ("control", 0),
        ("born", "soon"),
        ("trace", ""),
        ("dependent_family", "DOE"),
    ],
)
def test_what_a_payer_could_not_read_is_refused_by_field(field: str, value: object) -> None:
    with pytest.raises(BadQuestion) as refused:
        question(**FIELDS | {field: value})
    assert str(value) not in refused.value.message or value in ("", 0)


@pytest.mark.parametrize(
    ("today", "answered", "ask"),
    [
        (date(2026, 11, 1), None, True),
        (date(2026, 11, 20), date(2026, 11, 1), False),
        (date(2026, 11, 21), date(2026, 11, 1), True),
        (date(2026, 11, 21), date(2026, 11, 20), False),
    ],
)
def test_a_payer_is_asked_at_intake_and_three_days_ahead(
    today: date, answered: date | None, ask: bool
) -> None:
    assert due(date(2026, 11, 24), today, answered) is ask


_READER = """
const {X12Parser} = require("node-x12");
const found = new X12Parser(true).parse(require("fs").readFileSync(0, "utf8"));
const only = found.functionalGroups[0].transactions[0];
console.log(JSON.stringify(only.segments.map(s => [s.tag, ...s.elements.map(e => e.value)])));
"""


def test_an_independent_reader_reads_the_same() -> None:
    text = write(question(**FIELDS), AT)
    read = subprocess.run(  # node, with a script of our own
        ["node", "-e", _READER],  # whichever node the machine has
        input=text,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    only = next(iter(transaction_sets(segments(text))))
    assert json.loads(read.stdout) == [[each.name, *each.elements] for each in only.segments]
