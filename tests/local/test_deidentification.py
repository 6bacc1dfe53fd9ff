"""Our own marked texts are read exactly, and redaction does no worse on them than it did."""

from __future__ import annotations

import pytest

from countersign.errors import Refusal
from countersign.redaction.policy import LABELS
from lambdas import engines
from local.deidentification import FOLDER, Case, cases
from local.scores import MaskScore


def _score(register: str) -> MaskScore:
    score = MaskScore()
    for case in cases(register):
        try:
            spans = engines.redaction().redact([case.text], case.roster).spans[0]
        except Refusal:
            score.refuse(case.id, case.marks)
            continue
        found = [(span.start, span.end, str(span.label)) for span in spans]
        score.add(case.id, case.text, case.marks, found)
    return score


def _marked(case: Case) -> str:
    text = case.text
    for start, end, label in reversed(case.marks):
        text = f"{text[:start]}[[{label}|{text[start:end]}]]{text[end:]}"
    return text.replace("\n", "\\n")


@pytest.mark.parametrize("register", ["spoken", "lower", "cased"])
def test_the_marks_stand_where_the_file_has_them(register: str) -> None:
    lines = (FOLDER / f"{register}.txt").read_text().splitlines()
    written = [line.strip() for line in lines if line.strip() and line[0] not in "@#"]
    assert [_marked(case) for case in cases(register)] == written


def test_every_identifier_of_the_rule_is_marked_somewhere() -> None:
    marked = {
        label
        for register in ("spoken", "lower", "cased")
        for case in cases(register)
        for _, _, label in case.marks
    }
    assert marked == set(LABELS)


@pytest.mark.parametrize(
    ("register", "recall", "precision", "touched"),
    [("spoken", 0.95, 0.98, 0.05), ("lower", 0.9, 0.97, 0.07), ("cased", 0.9, 0.94, 0.16)],
)
def test_redaction_stays_as_good_as_it_is(
    register: str, recall: float, precision: float, touched: float
) -> None:
    score = _score(register)
    assert (score.recall() or 0.0) >= recall
    assert (score.precision or 0.0) >= precision
    assert score.clean_touched is not None
    assert score.clean_touched <= touched


def test_a_name_of_the_roster_is_always_masked() -> None:
    missed = []
    for case in cases("spoken"):
        assert case.roster is not None
        known = {
            word.lower()
            for person in case.roster.people
            for name in (person.name, *person.aliases)
            for word in name.split()
        }
        masked = {
            at
            for span in engines.redaction().redact([case.text], case.roster).spans[0]
            for at in range(span.start, span.end)
        }
        missed += [
            case.id
            for start, end, label in case.marks
            if label == "NAME"
            and known & set(case.text[start:end].split())
            and not masked.issuperset(range(start, end))
        ]
    assert not missed
