from __future__ import annotations

import pytest

from countersign.drafting.doubts import flags
from countersign.note import EvidenceSpan
from countersign.sounds import CORRECTED, SOUND_ALIKE
from countersign.transcript import Doubt, Role, Transcript, Turn, Word
from tests.clinical import lexicons

TEXT = "I sleep badly. I take lamotrigine at night."
NIGHT = TEXT.index("I take")


def said(*warnings: Doubt, words: bool = True) -> Transcript:
    spoken = tuple(
        Word(start=at, end=at + 1, text=f" {word}", probability=0.99)
        for at, word in enumerate(TEXT.split())
    )
    turn = Turn(
        id="t1",
        role=Role.PATIENT,
        start=0,
        end=len(spoken),
        text=TEXT,
        words=spoken if words else (),
    )
    return Transcript(turns=(turn,), warnings=warnings)


def flagged(transcript: Transcript, start: int = 0, end: int = len(TEXT)) -> tuple[str, ...]:
    span = EvidenceSpan(turn="t1", start=start, end=end)
    return flags((span,), Role.PATIENT, transcript, lexicons())


ALIKE = Doubt(code=SOUND_ALIKE, start=5, end=6, candidates=("lamotrigine", "lamivudine"))


def test_a_sound_alike_medication_flags_its_sentence_whatever_its_probability() -> None:
    assert flagged(said()) == ()
    assert flagged(said(ALIKE)) == ("doubtful_medication",)


def test_it_flags_no_sentence_that_rests_on_other_words() -> None:
    assert flagged(said(ALIKE), end=NIGHT) == ()
    assert flagged(said(ALIKE), start=NIGHT) == ("doubtful_medication",)
    assert flagged(said(ALIKE.model_copy(update={"start": 50.0, "end": 51.0}))) == ()


def test_without_word_times_it_may_be_anywhere_in_its_turn() -> None:
    assert flagged(said(ALIKE, words=False), end=NIGHT) == ("doubtful_medication",)


@pytest.mark.parametrize(
    ("candidates", "found"),
    [
        (("lamotrigine", "la motor gene"), ("doubtful_medication",)),
        (("EMDR", "EMD are"), ()),
    ],
)
def test_a_medication_put_in_by_sound_is_doubtful_and_another_term_is_not(
    candidates: tuple[str, ...], found: tuple[str, ...]
) -> None:
    corrected = Doubt(code=CORRECTED, start=5, end=6, candidates=candidates)
    assert flagged(said(corrected)) == found
