"""One event, one spelling: the bytes that are hashed are the only ones that mean it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.audit.event import Event, EventAtAGlance, glance, read_event
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


OTHER_BYTES = [
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
    event(1).leaf().replace(b"main", b"ma\xffin"),
    event(1).leaf() + b"\n" + event(2).leaf(),
    event(1).leaf().replace(b"12:00:01Z", b"12:00:01"),
    event(1).leaf().replace(b"12:00:01Z", b"12:00:01.500Z"),
    event(1).leaf().replace(b"12:00:01Z", b"12:00:60Z"),
    event(1).leaf().replace(b'"turns":1', b'"turns":1.0'),
    event(1).leaf().replace(b'"turns":1', b'"turns":true'),
    event(1).leaf().replace(b'"turns":1', b'"turns":01'),
    event(1).leaf().replace(b'"turns":1', b'"turns":1,"turns":1'),
    event(1).leaf().replace(b'"turns":1', b'"turns":1,"a":1'),
    event(1).leaf().replace(b'{"turns":1}', b"{}"),
    event(1).leaf().replace(b'"main"', b'"m\\u0061in"'),
]


@pytest.mark.parametrize("leaf", OTHER_BYTES)
def test_other_bytes_are_no_event(leaf: bytes) -> None:
    with pytest.raises(ValueError):
        read_event(leaf)


def test_the_same_act_at_another_moment_or_in_another_run_is_the_same_act() -> None:
    later = event(1, at=event(9).at, run="another-run")
    assert later.identity() == event(1).identity()
    assert event(1, counts={"turns": 2}).identity() != event(1).identity()
    assert Event.model_validate(event(1).model_dump()).identity() == event(1).identity()


# At a glance --------------------------------------------------------------------------------


def test_what_is_seen_at_a_glance_has_the_fields_of_an_event() -> None:
    assert EventAtAGlance.__struct_fields__ == tuple(sorted(Event.model_fields))


def test_canonical_leaves_are_read_at_a_glance() -> None:
    made = [
        event(1),
        event(2, reason="\u00fc\u2028\U0001f9e0"),
        event(3, hashes={"b": "1", "a": "2"}),
    ]
    seen = glance([each.leaf() for each in made])
    assert seen is not None
    assert [(one.id, one.at, one.site) for one in seen] == [(e.id, e.at, e.site) for e in made]


@pytest.mark.parametrize("leaf", OTHER_BYTES)
def test_other_bytes_are_never_passed_at_a_glance(leaf: bytes) -> None:
    assert glance([leaf]) is None
    assert glance([event(7).leaf(), leaf, event(8).leaf()]) is None


def test_leaves_that_are_cut_at_another_place_are_not_passed_at_a_glance() -> None:
    one, two = event(1).leaf(), event(2).leaf()
    assert glance([one[:30], one[30:] + b"\n" + two]) is None
    assert glance([one + b"\n" + two, b""]) is None


PIECES = st.sampled_from(
    [
        *b' null " , {} [] -0 1e2 \\n +00:00 +02:00 Z .5 60 "run":null,'.split(b" "),
        *(b" ", b"\n", b"\0", b"\x7f", b"\xff", b"\xc0\x80", b"9" * 5000),
    ]
)


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_whatever_is_passed_at_a_glance_is_an_event(data: st.DataObject) -> None:
    full = event(2, hashes={"a": "b"}, policies=("p",), run="r", reason="\u00e9")
    leaf = bytearray(data.draw(st.sampled_from([event(1).leaf(), full.leaf()])))
    for _ in range(data.draw(st.integers(0, 2))):
        start = data.draw(st.integers(0, len(leaf)))
        stop = start + data.draw(st.integers(0, 12))
        leaf[start:stop] = data.draw(st.one_of(PIECES, st.binary(max_size=2)))
    seen = glance([bytes(leaf)])
    if seen is not None:
        read = read_event(bytes(leaf))
        assert (seen[0].id, seen[0].at, seen[0].site) == (read.id, read.at, read.site)
