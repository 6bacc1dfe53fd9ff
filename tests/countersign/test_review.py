"""What must be settled before a signature, for how long, and which bytes are signed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign import review
from countersign.errors import (
    BadPolicy,
    BadRequest,
    ReviewClosed,
    ReviewIncomplete,
    SentenceUnknown,
    SurrogateUnknown,
)
from countersign.note import PLACEHOLDER, Check, Note
from countersign.review import Header, Signing

POLICIES = Path(__file__).parents[2] / "policies"
SIGNING = Signing.from_toml((POLICIES / "signing.toml").read_text(encoding="utf-8"))
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
HEADER = Header(session_id="s-1", held_on=NOON, clinician="Dana Reyes", licence="PSY-1")
TABLE = {"[PATIENT_1]": "Priscilla"}


def note(*sentences: dict[str, object]) -> Note:
    filled = [{"origin": "statement", **one} for one in sentences]
    return Note.model_validate(
        {"template": "soap", "sections": [{"name": "Plan", "sentences": filled}]}
    )


def check(severity: str, sentence: str = "Takes 500 mg.") -> Check:
    finding = {
        "sentence": sentence,
        "kind": "dose",
        "severity": severity,
        "span": (6, 12),
        "why": "The session says 50.",
    }
    return Check.model_validate({"findings": [finding], "verdict": "review"})


PLAIN = note({"id": "s1", "text": "[PATIENT_1] keeps the diary."})


def test_a_settled_note_may_be_signed() -> None:
    review.require_complete(PLAIN, None, SIGNING)


def test_a_placeholder_has_to_be_filled_or_struck() -> None:
    draft = note(
        {"id": "s1", "text": "Kept."},
        {"id": "s2", "text": f"Mood: {PLACEHOLDER}", "origin": "placeholder"},
    )
    with pytest.raises(ReviewIncomplete, match="1 sentence "):
        review.require_complete(draft, None, SIGNING)
    review.require_complete(review.strike(draft, "s2"), None, SIGNING)
    review.require_complete(review.rewrite(draft, "s2", "Mood: even.", {}), None, SIGNING)


def test_a_placeholder_cannot_be_confirmed_nor_hidden_in_own_words() -> None:
    draft = note({"id": "s1", "text": PLACEHOLDER, "origin": "placeholder"})
    kept = review.rewrite(draft, "s1", f"Mood: {PLACEHOLDER}", {})
    for still_open in (review.confirm(draft, "s1"), kept):
        with pytest.raises(ReviewIncomplete):
            review.require_complete(still_open, None, SIGNING)


def test_a_flag_is_settled_by_a_confirmation_that_can_be_taken_back() -> None:
    draft = note({"id": "s1", "text": "Sleeps.", "flags": ["speaker_unconfirmed"]})
    with pytest.raises(ReviewIncomplete):
        review.require_complete(draft, None, SIGNING)
    confirmed = review.confirm(draft, "s1")
    review.require_complete(confirmed, None, SIGNING)
    with pytest.raises(ReviewIncomplete):
        review.require_complete(review.confirm(confirmed, "s1", False), None, SIGNING)


def test_a_blocking_finding_takes_more_than_a_confirmation() -> None:
    draft = review.confirm(note({"id": "s1", "text": "Takes 500 mg."}), "s1")
    with pytest.raises(ReviewIncomplete):
        review.require_complete(draft, check("block"), SIGNING)
    own_words = review.rewrite(draft, "s1", "Takes 50 mg.", {})
    review.require_complete(own_words, check("block"), SIGNING)


@pytest.mark.parametrize(("severity", "asked"), [("block", 1), ("review", 1), ("highlight", 0)])
def test_what_a_finding_asks_for_is_the_sites_policy(severity: str, asked: int) -> None:
    draft = note({"id": "s1", "text": "Takes 500 mg."})
    assert len(review.open_points(draft, check(severity), SIGNING)) == asked


def test_a_note_of_struck_sentences_only_is_nothing_to_sign() -> None:
    with pytest.raises(ReviewIncomplete, match="nothing to sign"):
        review.require_complete(review.strike(PLAIN, "s1"), None, SIGNING)


def test_striking_is_undone_by_putting_back() -> None:
    assert review.strike(review.strike(PLAIN, "s1"), "s1", False) == PLAIN


def test_an_unknown_sentence_is_refused() -> None:
    with pytest.raises(SentenceUnknown):
        review.strike(PLAIN, "s9")


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 4001])
def test_an_empty_or_endless_sentence_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        review.rewrite(PLAIN, "s1", text, TABLE)


def test_an_invented_token_is_refused_when_it_is_typed() -> None:
    with pytest.raises(SurrogateUnknown):
        review.rewrite(PLAIN, "s1", "[PATIENT_2] keeps it.", TABLE)


def test_the_review_closes_at_the_minute_the_policy_says() -> None:
    review.require_open(NOON, NOON + timedelta(hours=23, minutes=59), SIGNING.window)
    with pytest.raises(ReviewClosed, match="24 hours"):
        review.require_open(NOON, NOON + timedelta(hours=24), SIGNING.window)
    with pytest.raises(ReviewClosed):
        review.require_open(None, NOON, SIGNING.window)


def test_the_signed_text_has_names_the_signer_and_the_machines_part() -> None:
    text = review.render(PLAIN, TABLE, HEADER, SIGNING)
    assert "Priscilla keeps the diary." in text
    assert "[PATIENT_1]" not in text
    assert "AI" in text
    assert "signed by Dana Reyes, licence PSY-1" in text
    assert "consent" not in text.lower()


def test_struck_sentences_are_not_in_the_signed_text() -> None:
    text = review.render(review.strike(PLAIN, "s1"), TABLE, HEADER, SIGNING)
    assert "diary" not in text
    assert "No entry." in text


def test_an_altered_token_never_reaches_the_signed_text() -> None:
    with pytest.raises(SurrogateUnknown):
        review.render(note({"id": "s1", "text": "[PATIENT_7] rests."}), TABLE, HEADER, SIGNING)


@given(st.text(alphabet="abc é\n{}%<>", min_size=1).filter(str.strip))
def test_the_text_to_sign_is_the_same_every_time_and_holds_what_was_typed(words: str) -> None:
    draft = review.rewrite(PLAIN, "s1", words, TABLE)
    stored = Note.model_validate_json(draft.model_dump_json())
    first = review.render(draft, TABLE, HEADER, SIGNING)
    assert review.digest(first) == review.digest(review.render(stored, TABLE, HEADER, SIGNING))
    assert " ".join(words.split()) in first


def test_the_policys_window_is_the_workflows() -> None:
    workflow = POLICIES.parent / "lambdas" / "session" / "workflow.asl.json"
    states = json.loads(workflow.read_text(encoding="utf-8"))["States"]
    assert states["AwaitSignature"]["TimeoutSeconds"] == SIGNING.window.total_seconds()


@pytest.mark.parametrize("text", ["window_hours = ", "window_hours = 0\n", 'windows = "x"'])
def test_a_broken_policy_is_named(text: str) -> None:
    with pytest.raises(BadPolicy, match=r"signing\.toml"):
        Signing.from_toml(text)
