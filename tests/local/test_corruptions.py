"""The corrupter plants one known error in a note, always the same for a seed."""

from __future__ import annotations

import pytest

from countersign.note import Check, Finding, Severity
from local.corruptions import plantings
from local.evaluate import finds
from tests.clinical import SESSION

NOTE = (
    "The patient reports feeling anxious about work. She sleeps about 4 hours a night. She takes "
    "Zoloft 50 mg twice daily and has taken it for 6 weeks. She denies thoughts of self-harm. She "
    "had panic attacks last week. I recommended a thought record."
)


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = zip(one, other, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def test_a_seed_always_plants_the_same_errors_and_another_seed_others() -> None:
    first = list(plantings(NOTE, SESSION, "a"))
    assert first == list(plantings(NOTE, SESSION, "a"))
    assert first != list(plantings(NOTE, SESSION, "b"))


@pytest.mark.parametrize("seed", ["a", "b", "c", "d"])
def test_each_error_stands_in_a_note_that_is_otherwise_unchanged(seed: str) -> None:
    for planted in plantings(NOTE, SESSION, seed):
        assert planted.note != NOTE
        assert 0 <= planted.start < planted.end <= len(planted.note)
        same = _common(planted.note, NOTE)
        tail = _common(planted.note[same:][::-1], NOTE[same:][::-1])
        changed = (same, len(planted.note) - tail)
        assert planted.start <= changed[1] and changed[0] <= planted.end
        assert changed[1] - changed[0] < 200


def test_every_kind_is_planted_where_the_note_allows_it() -> None:
    kinds = {planted.kind for planted in plantings(NOTE, SESSION, "a")}
    assert kinds == {
        "medication", "dose", "diagnosis", "number", "negation", "speaker", "quote", "scope",
        "consent",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("severity", "start", "end", "found"),
    [
        (Severity.BLOCK, 0, 0, True),
        (Severity.REVIEW, 2, -1, True),
        (Severity.HIGHLIGHT, 0, 0, False),
        (Severity.BLOCK, -200, 0, False),
    ],
)
def test_an_error_is_found_only_at_its_place_and_about_as_narrow(
    severity: Severity, start: int, end: int, found: bool
) -> None:
    planted = next(p for p in plantings(NOTE, SESSION, "a") if p.kind == "scope" and p.start > 200)
    finding = Finding(
        sentence="x",
        kind="scope",
        severity=severity,
        span=(planted.start + start, planted.end + end),
        why="x",
    )
    assert finds(Check(findings=(finding,), verdict="review"), planted) is found
