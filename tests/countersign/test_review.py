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
    ReviewTooFast,
    SectionUnseen,
    SentenceUnknown,
    SignInStale,
    SurrogateUnknown,
)
from countersign.note import PLACEHOLDER, Check, Note
from countersign.review import Header, Read, Signing, readable_by
from countersign.transcript import Doubt, Role, Speaker, Transcript, Turn, Word

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


# Medications that sound alike --------------------------------------------------------------------


def heard(*words: tuple[str, float], at: float = 10.0) -> Transcript:
    """One turn of one-second words with their probabilities; the third may be two medications."""
    spoken = tuple(
        Word(start=at + n, end=at + n + 1, text=f" {word}", probability=sure)
        for n, (word, sure) in enumerate(words)
    )
    turn = Turn(
        id="t1",
        speaker="S2",
        role=Role.PATIENT,
        start=at,
        end=at + len(words),
        text=" ".join(word for word, _ in words),
        words=spoken,
    )
    alike = ("lamotrigine", "lamivudine")
    doubt = Doubt(code="sound_alike_medication", start=at + 2, end=at + 3, candidates=alike)
    return Transcript(turns=(turn,), warnings=(doubt,))


SAID = heard(("I", 0.9), ("take", 0.9), ("lamotrigine", 0.97), ("daily", 0.9))


def resting(text: str, start: int, end: int, *flags: str) -> Note:
    evidence = [{"turn": "t1", "start": start, "end": end}]
    return note({"id": "s1", "text": text, "evidence": evidence, "flags": flags})


TAKES = resting("Takes lamotrigine daily.", 0, 25, "doubtful_medication")


def kinds(draft: Note, found: Check | None = None, said: Transcript = SAID) -> list[str]:
    return [point.kind for point in review.open_points(draft, found, SIGNING, said)]


def test_a_medication_that_another_sounds_like_is_asked_about_however_sure_it_was() -> None:
    (point,) = review.open_points(TAKES, None, SIGNING, SAID)
    assert (point.kind, point.choices) == (
        "sound_alike_medication",
        ("lamotrigine", "lamivudine"),
    )
    assert not point.confirmable
    assert kinds(review.confirm(TAKES, "s1")) == ["sound_alike_medication"]


def test_a_candidate_is_offered_once_however_it_is_spelt() -> None:
    twice = ("Lamotrigine", "lamivudine", "lamotrigine")
    doubt = SAID.warnings[0].model_copy(update={"candidates": twice})
    said = SAID.model_copy(update={"warnings": (doubt,)})
    (choice,) = review.choices(TAKES.sentences()[0], said)
    assert choice.candidates == ("Lamotrigine", "lamivudine")
    changed, _ = review.hear(TAKES, None, "s1", said, 12.0, "lamivudine")
    assert changed.sentences()[0].text == "Takes lamivudine daily."


def test_a_sentence_that_rests_on_other_words_is_not_asked_about_it() -> None:
    assert kinds(resting("He takes it.", 0, 6)) == []


def test_a_turn_without_word_times_may_hold_it_anywhere() -> None:
    bare = SAID.model_copy(update={"turns": (SAID.turns[0].model_copy(update={"words": ()}),)})
    assert kinds(TAKES, said=bare) == ["sound_alike_medication"]


def test_saying_that_it_was_heard_right_keeps_every_word() -> None:
    changed, _ = review.hear(TAKES, None, "s1", SAID, 12.0, "lamotrigine")
    assert changed.sentences()[0].text == "Takes lamotrigine daily."
    review.require_complete(changed, None, SIGNING, SAID)


def test_saying_that_it_was_the_other_writes_that_one_and_can_be_taken_back() -> None:
    changed, _ = review.hear(TAKES, None, "s1", SAID, 12.0, "lamivudine")
    assert changed.sentences()[0].text == "Takes lamivudine daily."
    review.require_complete(changed, None, SIGNING, SAID)
    back, _ = review.hear(changed, None, "s1", SAID, 12.0, "lamotrigine")
    assert back.sentences()[0].text == "Takes lamotrigine daily."
    (choice,) = review.choices(back.sentences()[0], SAID)
    assert choice.chosen == "lamotrigine"


def test_the_name_keeps_its_place_in_the_sentence() -> None:
    draft = resting("Lamotrigine daily, not lamotrigines.", 0, 25)
    changed, _ = review.hear(draft, None, "s1", SAID, 12.0, "lamivudine")
    assert changed.sentences()[0].text == "Lamivudine daily, not lamotrigines."


def test_what_the_check_found_is_still_open_after_the_name_changed() -> None:
    text = "Takes lamotrigine, 500 mg."
    draft, found = resting(text, 0, 25), check("block", text)
    changed, followed = review.hear(draft, found, "s1", SAID, 12.0, "lamivudine")
    assert kinds(changed, followed) == ["dose"]
    # The check is stored first: with the note as it was, nothing is lost either.
    assert kinds(draft, followed) == ["sound_alike_medication", "dose"]


def test_another_word_that_was_hard_to_hear_is_still_asked_about() -> None:
    said = heard(("sertraline", 0.2), ("and", 0.9), ("lamotrigine", 0.9), ("daily", 0.9))
    draft = resting("Takes both.", 0, 30, "doubtful_medication")
    assert kinds(draft, said=said) == ["sound_alike_medication", "doubtful_medication"]


@pytest.mark.parametrize(("at", "name"), [(11.0, "lamivudine"), (12.0, "lithium")])
def test_only_what_is_in_doubt_is_chosen_and_only_among_the_candidates(
    at: float, name: str
) -> None:
    with pytest.raises(BadRequest):
        review.hear(TAKES, None, "s1", SAID, at, name)


def test_a_sentence_without_the_name_is_for_the_clinicians_own_words() -> None:
    draft = resting("Takes a mood stabilizer.", 0, 25)
    with pytest.raises(BadRequest) as refused:
        review.hear(draft, None, "s1", SAID, 12.0, "lamivudine")
    assert "own words" in refused.value.advice
    own = review.rewrite(draft, "s1", "Takes lamivudine.", {})
    assert kinds(own) == []
    assert kinds(review.strike(draft, "s1")) == []


def test_every_doubt_has_words_for_people() -> None:
    for code in (
        "unheard_speech", "low_confidence", "repetition", "unlikely_rate", "phantom_removed",
        "speaker_uncertain", "role_uncertain", "sound_alike_medication", "overlapping_speech",
        "low_level", "noisy", "missing_audio", "corrected_term",
    ):  # fmt: skip
        assert code in SIGNING.heard
        assert "_" not in SIGNING.hearing(code)
    assert SIGNING.hearing("a_new_one") == SIGNING.heard["other"]


# Whose voice is whose ----------------------------------------------------------------------------


def voices(*roles: Role, basis: str = "content") -> Transcript:
    turns = tuple(
        Turn(id=f"t{n}", speaker=f"S{n}", role=role, start=n, end=n + 1, text="Yes.")
        for n, role in enumerate(roles, 1)
    )
    speakers = tuple(
        Speaker(id=f"S{n}", role=role, confidence=0.6, basis=basis)
        for n, role in enumerate(roles, 1)
    )
    doubt = Doubt(code="role_uncertain", start=0, end=4)
    return Transcript(turns=turns, speakers=speakers, warnings=(doubt,))


def roles(transcript: Transcript) -> list[str]:
    assert [turn.role for turn in transcript.turns] == [one.role for one in transcript.speakers]
    return [str(one.role) for one in transcript.speakers]


def test_naming_one_of_two_voices_names_the_other() -> None:
    unknown = voices(Role.UNKNOWN, Role.UNKNOWN)
    named = review.name_speaker(unknown, "S2", Role.THERAPIST)
    assert roles(named) == ["patient", "therapist"]
    assert {(one.basis, one.confidence) for one in named.speakers} == {("human", 1.0)}
    assert named.warnings == ()


def test_roles_that_were_the_wrong_way_round_are_turned_with_one_click() -> None:
    wrong = voices(Role.PATIENT, Role.THERAPIST)
    assert roles(review.name_speaker(wrong, "S1", Role.THERAPIST)) == ["therapist", "patient"]
    assert roles(review.name_speaker(wrong, "S2", Role.PATIENT)) == ["therapist", "patient"]


def test_naming_somebody_else_says_nothing_of_the_other_voice_and_is_kept() -> None:
    named = review.name_speaker(voices(Role.UNKNOWN, Role.UNKNOWN), "S2", Role.OTHER)
    assert roles(named) == ["unknown", "other"]
    assert len(named.warnings) == 1
    assert roles(review.name_speaker(named, "S1", Role.THERAPIST)) == ["therapist", "other"]


def test_among_three_only_the_named_one_is_named() -> None:
    three = voices(Role.UNKNOWN, Role.UNKNOWN, Role.UNKNOWN)
    assert roles(review.name_speaker(three, "S3", Role.THERAPIST)) == [
        "unknown",
        "unknown",
        "therapist",
    ]


def test_a_transcript_without_a_list_of_voices_gets_one() -> None:
    bare = voices(Role.UNKNOWN, Role.UNKNOWN).model_copy(update={"speakers": ()})
    assert roles(review.name_speaker(bare, "S1", Role.THERAPIST)) == ["therapist", "patient"]


@pytest.mark.parametrize(("speaker", "role"), [("S9", Role.OTHER), ("S1", Role.UNKNOWN)])
def test_a_voice_that_is_not_there_and_a_role_that_is_none_are_refused(
    speaker: str, role: Role
) -> None:
    with pytest.raises(BadRequest):
        review.name_speaker(voices(Role.UNKNOWN, Role.UNKNOWN), speaker, role)


# Reading ------------------------------------------------------------------------------------


def written(*texts: str) -> Note:
    return note(*({"id": f"s{number}", "text": text} for number, text in enumerate(texts)))


@given(
    words=st.integers(0, 3000),
    early=st.floats(0, 1, exclude_max=True),
    before=st.one_of(st.none(), st.integers(-600, 600)),
)
def test_a_note_is_signed_from_the_moment_on_at_which_it_can_have_been_read(
    words: int, early: float, before: int | None
) -> None:
    draft = written(" ".join(["word"] * words) or "word")
    opened = NOON
    signed_before = None if before is None else opened + timedelta(seconds=before)
    read = Read(opened_at=opened, drafted=1, seen=(0,))
    began = max(filter(None, (opened, signed_before)))
    ready = readable_by(draft, began, SIGNING)
    review.require_read(draft, read, ready, SIGNING, signed_before)
    soon = began + (ready - began) * early
    if soon < ready:
        with pytest.raises(ReviewTooFast):
            review.require_read(draft, read, soon, SIGNING, signed_before)


def test_what_the_clinician_wrote_or_struck_needs_no_reading() -> None:
    draft = review.rewrite(written("one two three", "four five"), "s0", "my own words now", {})
    assert review.words_to_read(draft) == 2
    assert review.words_to_read(review.strike(draft, "s1")) == 0


def test_without_having_opened_it_nobody_has_read_it() -> None:
    with pytest.raises(SectionUnseen, match="Plan"):
        review.require_read(written("one"), None, datetime.now(UTC), SIGNING, None)


def test_a_sign_in_is_fresh_for_as_long_as_the_policy_says() -> None:
    now = NOON
    limit = timedelta(minutes=SIGNING.sign_in_minutes)
    review.require_fresh(now - limit, now, SIGNING)
    with pytest.raises(SignInStale):
        review.require_fresh(now - limit - timedelta(microseconds=1), now, SIGNING)
