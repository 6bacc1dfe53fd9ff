"""A signed note is corrected by a difference that says exactly what changed, and no more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.addendum import Signer, difference, write
from countersign.errors import BadRequest

SIGNER = Signer(
    session_id="s-1",
    clinician="Dana Reyes",
    licence="PSY-1",
    signed_at=datetime(2026, 11, 2, tzinfo=UTC),
    digest="0" * 64,
)
NOTE = "PLAN\nContinue the sleep diary.\nMeet in two weeks.\n"

# Lines that look like a difference's own marks are what a careless reader of one trips over.
lines = st.lists(
    st.one_of(
        st.sampled_from(["", "-", "--", "-- a", "+++", "@@ -1 +1 @@", "@", "No entry.", " x"]),
        st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=20),
    ),
    max_size=12,
)


@given(before=lines, after=lines)
def test_the_difference_holds_each_removed_and_each_added_line(
    before: list[str], after: list[str]
) -> None:
    found = difference(*("".join(f"{line}\n" for line in one) for one in (before, after)))
    removed = [line.text for line in found if line.kind == "removed"]
    added = [line.text for line in found if line.kind == "added"]
    rest = list(before)
    for line in removed:
        rest.remove(line)
    for line in added:
        rest.append(line)
    assert sorted(rest) == sorted(after)
    assert bool(removed or added) is (before != after)


def test_what_is_signed_says_what_why_and_to_which_note() -> None:
    made = write(NOTE, NOTE.replace("two", "three"), " The  date\nwas wrong. ", 1, SIGNER)
    assert made.text.splitlines() == [
        "Addendum 1 to the progress note of session s-1",
        f"signed on 2026-11-02, SHA-256 {'0' * 64}",
        "Clinician: Dana Reyes, licence PSY-1",
        "Reason: The date was wrong.",
        "",
        "Lines marked - no longer hold; lines marked + hold instead or as well.",
        "  Continue the sleep diary.",
        "- Meet in two weeks.",
        "+ Meet in three weeks.",
    ]
    assert made.after == NOTE.replace("two", "three")


@pytest.mark.parametrize("after", [NOTE, NOTE.replace("\n", "\r\n"), NOTE + "\n\n", NOTE.strip()])
def test_a_text_that_only_differs_in_blanks_is_no_addendum(after: str) -> None:
    with pytest.raises(BadRequest, match="nothing is changed"):
        write(NOTE, after, "why", 1, SIGNER)


@pytest.mark.parametrize(
    ("after", "reason"), [("x", ""), ("x", "  \n"), ("x", "y" * 501), ("x" * 60_001, "why")]
)
def test_without_a_reason_or_beyond_all_measure_there_is_no_addendum(
    after: str, reason: str
) -> None:
    with pytest.raises(BadRequest):
        write(NOTE, after, reason, 1, SIGNER)
