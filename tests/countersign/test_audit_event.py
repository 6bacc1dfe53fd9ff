"""One event, one spelling: the bytes that are hashed are the only ones that mean it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.audit.event import Event, read_event
from tests.audit_logs import event

WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]),
    min_size=1,
    max_size=20,
)


def test_a_leaf_is_sorted_json_without_empty_fields() -> None:
    leaf = event(3).leaf()
    assert leaf.startswith(b'{"act":"transcribed","actor":')
    assert b" " not in leaf and b"policies" not in leaf and b"run" not in leaf
    assert json.loads(leaf)["at"] == "2026-11-02T12:00:03Z"


def test_a_time_is_told_in_utc_and_needs_a_zone() -> None:
    east = datetime(2026, 11, 2, 14, 0, 3, tzinfo=timezone(timedelta(hours=2)))
    assert event(3, at=east).leaf() == event(3).leaf()
    with pytest.raises(ValueError, match="zone"):
        event(3, at=datetime(2026, 11, 2, 12))


@settings(deadline=None)
@given(
    WORDS,
    st.datetimes(timezones=st.just(UTC)),
    st.dictionaries(WORDS, st.integers(0, 10**9), max_size=3),
    st.lists(WORDS, max_size=3),
)
def test_leaves_come_back_as_the_same_event(
    word: str, at: datetime, counts: dict[str, int], policies: list[str]
) -> None:
    made = event(1, id=word, at=at, counts=counts, policies=tuple(policies), reason=word)
    assert read_event(made.leaf()) == made


@pytest.mark.parametrize(
    "leaf",
    [
        b"",
        b"{}",
        b"one",
        event(1).leaf() + b" ",
        event(1).leaf().replace(b'{"act"', b'{ "act"'),
        event(1).leaf().replace(b'"site"', b'"run":null,"site"'),
        event(1).leaf().replace(b'"}', b'","patient":"x"}'),
        event(1).leaf().replace(b"12:00:01Z", b"12:00:01+00:00"),
        event(1).leaf().replace(b"12:00:01Z", b"13:00:01+01:00"),
        event(1).leaf().replace(b"{", b'{"act":"other",', 1),
        b"\xff" + event(1).leaf(),
    ],
)
def test_other_bytes_are_no_event(leaf: bytes) -> None:
    with pytest.raises(ValueError):
        read_event(leaf)


def test_the_same_act_at_another_moment_or_in_another_run_is_the_same_act() -> None:
    later = event(1, at=event(9).at, run="another-run")
    assert later.identity() == event(1).identity()
    assert event(1, counts={"turns": 2}).identity() != event(1).identity()
    assert Event.model_validate(event(1).model_dump()).identity() == event(1).identity()
