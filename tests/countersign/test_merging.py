"""Segments become one transcript: no word lost, none doubled, and the same people throughout."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countersign import voiceprint
from countersign.errors import NoSpeech
from countersign.merging import MISSING, SPEAKER_UNSURE, Segment, merge
from countersign.roles import Roles
from countersign.sounds import Sounds
from countersign.transcript import Doubt, Role, Speaker, Transcript, Turn, Word

ROLES = Roles(
    confident_above=0.8,
    clinician=("how have you been", "tell me more", "let's"),
    patient=("i feel", "i've been", "my mother"),
)

SCRIPT = (
    ("amy", "How have you been since we last met? Tell me more about your sleep."),
    ("kim", "I sleep about four hours. I feel tired, and I keep thinking about work."),
    ("amy", "What goes through your mind when you lie awake?"),
    ("kim", "No, no, no. It is my mother. I worry that I let her down again and again."),
    ("amy", "Let's look at that thought. What would you say to a friend?"),
    ("kim", "I would say that she does her best. I feel that is true of me as well."),
    ("amy", "And the sertraline, do you still take it in the morning?"),
    ("kim", "Yes. Fifty milligrams, every morning, with my breakfast."),
    ("amy", "Then let's keep the diary going, and see each other in two weeks."),
    ("kim", "Thank you. I feel a little lighter now than when I came in."),
)


def print_of(person: str, noise: float = 0.0, seed: int = 0) -> str:
    """A voice print; two people's are far apart, one person's differ by the noise."""
    own = random.Random(person)  # noqa: S311 (a fixture)
    other = random.Random(f"{person}{seed}")  # noqa: S311
    return voiceprint.encode([own.gauss(0, 1) + noise * other.gauss(0, 1) for _ in range(256)])


def spoken(script: Sequence[tuple[str, str]] = SCRIPT) -> list[tuple[str, Word]]:
    """Who says which word when: 0.3 s a word, a pause after each sentence and speaker."""
    clock, found = 0.5, []
    for who, text in script:
        for word in text.split():
            found.append((who, Word(start=clock, end=round(clock + 0.3, 3), text=word)))
            clock = round(clock + (0.75 if word[-1] in ".?" else 0.3), 3)
        clock = round(clock + 0.4, 3)
    return found


def heard(
    words: Sequence[tuple[str, Word]],
    start: float,
    end: float,
    *,
    shift: float = 0.0,
    names: dict[str, str] | None = None,
    prints: bool = True,
    cut_words: bool = True,
) -> Transcript | None:
    """What the endpoint hears of the words between `start` and `end`; words at the edge in part."""
    inside: list[tuple[str, Word]] = []
    for who, word in words:
        first, last = max(word.start, start), min(word.end, end)
        part = (last - first) / (word.end - word.start)
        if part <= (0.3 if cut_words else 0.999):
            continue
        text = word.text
        if part < 0.999:
            size = max(1, round(len(text) * part))
            text = text[:size] if word.end > end else text[-size:]
        at = max(0.0, first - start + shift)
        inside.append((who, Word(start=at, end=max(at, last - start + shift), text=text)))
    if not inside:
        return None
    order = {who: f"S{n}" for n, who in enumerate(dict.fromkeys(w for w, _ in inside), start=1)}
    called = names or order
    turns: list[tuple[str, list[Word]]] = []
    for who, word in inside:
        if turns and turns[-1][0] == who:
            turns[-1][1].append(word)
        else:
            turns.append((who, [word]))
    seconds = {who: sum(w.end - w.start for n, w in inside if n == who) for who in order}
    return Transcript(
        duration=end - start,
        model="tiny",
        compute_seconds=1.0,
        turns=tuple(
            Turn(
                id=f"t{n}",
                speaker=called[who],
                start=own[0].start,
                end=own[-1].end,
                text=" ".join(word.text for word in own),
                words=tuple(own),
            )
            for n, (who, own) in enumerate(turns, start=1)
        ),
        speakers=tuple(
            Speaker(
                id=called[who],
                seconds=seconds[who],
                voice=print_of(who, 0.5, round(start)) if prints else "",
            )
            for who in order
        ),
    )


def cut(
    words: Sequence[tuple[str, Word]], edges: Sequence[float], overlap: float, **how: object
) -> list[Segment]:
    """The session in segments that reach over each edge by half the overlap."""
    whole = [0.0, *edges, words[-1][1].end + 1.0]
    found = []
    for index, (first, last) in enumerate(pairwise(whole)):
        start = max(0.0, first - overlap / 2)
        end = min(whole[-1], last + overlap / 2)
        transcript = heard(words, start, end, **how)  # type: ignore[arg-type]
        found.append(Segment(index, start, end - start, transcript, silent=transcript is None))
    return found


def text_of(transcript: Transcript) -> list[str]:
    return [word for turn in transcript.turns for word in turn.text.split()]


WORDS = spoken()
ALL = [word.text for _, word in WORDS]
END = WORDS[-1][1].end


# Seams ---------------------------------------------------------------------------------------


def test_a_single_segment_stays_as_it_is() -> None:
    whole = heard(WORDS, 0.0, END + 1)
    assert whole is not None
    merged = merge([Segment(0, 0.0, END + 1, whole)], ROLES)
    assert [t.text for t in merged.turns] == [t.text for t in whole.turns]
    assert [t.words for t in merged.turns] == [t.words for t in whole.turns]
    assert [t.id for t in merged.turns] == [f"t{n}" for n in range(1, len(whole.turns) + 1)]
    assert merged.duration == whole.duration


edges_of = st.lists(
    st.floats(4.0, END - 4.0), min_size=1, max_size=5, unique_by=lambda edge: round(edge / 5)
).map(sorted)


@settings(deadline=None, max_examples=50)
@given(edges=edges_of, overlap=st.floats(1.2, 2.0), seed=st.integers(0, 999))
def test_wherever_it_is_cut_no_word_is_lost_or_doubled(
    edges: list[float], overlap: float, seed: int
) -> None:
    segments = cut(WORDS, edges, overlap)
    whole = merge(segments, ROLES, speakers=2)
    assert text_of(whole) == ALL
    shuffled = [*segments, *segments[: seed % len(segments)]]
    random.Random(seed).shuffle(shuffled)  # noqa: S311 (a fixture)
    assert merge(shuffled, ROLES, speakers=2) == whole


# By the time of a word alone, the second "no" would be the first.
@example(edges=[15.0], overlap=1.5, shifts=[0.0, -0.25, 0.0, 0.0, 0.0, 0.0])
@settings(deadline=None, max_examples=50)
@given(
    edges=edges_of,
    overlap=st.floats(1.4, 2.0),
    shifts=st.lists(st.floats(-0.3, 0.3), min_size=6, max_size=6),
)
def test_clocks_that_differ_lose_and_double_nothing(
    edges: list[float], overlap: float, shifts: list[float]
) -> None:
    segments = [
        Segment(
            each.index,
            each.starts_at,
            each.duration,
            heard(WORDS, each.starts_at or 0, (each.starts_at or 0) + each.duration, shift=shift),
        )
        for each, shift in zip(cut(WORDS, edges, overlap), shifts, strict=False)
    ]
    merged = merge(segments, ROLES, speakers=2)
    assert text_of(merged) == ALL
    for before, after in pairwise(merged.turns):
        assert after.start >= before.end - 0.02


def test_a_turn_that_runs_over_a_seam_is_one_turn() -> None:
    middle = WORDS[20][1].end
    merged = merge(cut(WORDS, [middle], 1.5), ROLES, speakers=2)
    assert len(merged.turns) == len(SCRIPT)
    assert merged.turns[1].text == SCRIPT[1][1]


def test_where_two_hear_different_words_one_of_them_is_believed() -> None:
    def said(*words: tuple[float, float, str]) -> Transcript:
        own = tuple(Word(start=a, end=b, text=t) for a, b, t in words)
        text = " ".join(w.text for w in own)
        return Transcript(
            duration=10.0,
            turns=(Turn(id="t1", start=own[0].start, end=own[-1].end, text=text, words=own),),
        )

    first = Segment(0, 0.0, 10.0, said((7.0, 7.4, "I"), (8.6, 9.1, "wreck"), (9.5, 9.9, "a")))
    second = Segment(1, 8.5, 10.0, said((0.1, 0.6, "recognize"), (1.0, 1.4, "speech")))
    merged = merge([first, second], ROLES)
    assert " ".join(text_of(merged)) in ("I recognize speech", "I wreck speech")


def test_a_word_that_the_cut_went_through_is_taken_from_where_it_is_whole() -> None:
    words = [
        ("amy", Word(start=float(n), end=n + 0.9, text=t))
        for n, t in enumerate(
            "one two three four five six seven eight nine ten eleven twelve".split()
        )
    ]
    merged = merge(cut(words, [6.5], 1.0), ROLES)
    assert text_of(merged) == [word.text for _, word in words]


# What is missing -----------------------------------------------------------------------------


def test_a_segment_that_never_came_is_a_doubt_with_its_times() -> None:
    segments = cut(WORDS, [10.0, 20.0, 30.0], 1.5)
    segments[1] = Segment(1, segments[1].starts_at, segments[1].duration)
    merged = merge(segments, ROLES, speakers=2)
    (gap,) = [doubt for doubt in merged.warnings if doubt.code == MISSING]
    assert (gap.start, gap.end) == (10.75, 19.25)
    assert merged.duration == round(END + 1, 3)


def test_a_segment_of_unknown_place_lies_between_its_neighbours() -> None:
    segments = cut(WORDS, [10.0, 20.0], 1.5)
    segments[1] = Segment(1, None)
    (gap,) = [d for d in merge(segments, ROLES, speakers=2).warnings if d.code == MISSING]
    assert (gap.start, gap.end) == (10.75, 19.25)


def test_silence_is_no_gap() -> None:
    segments = cut(WORDS, [10.0], 1.5)
    quiet = Segment(2, END + 1, 30.0, None, silent=True)
    merged = merge([*segments, quiet], ROLES, speakers=2)
    assert not [doubt for doubt in merged.warnings if doubt.code == MISSING]
    assert merged.duration == round(END + 31, 3)


def test_a_session_without_a_word_is_none() -> None:
    with pytest.raises(NoSpeech):
        merge([Segment(0, 0.0, 30.0, None, silent=True)], ROLES)


def test_doubts_move_with_their_words_and_one_over_a_seam_is_one() -> None:
    segments = cut(WORDS, [10.0], 2.0)
    doubted = []
    for each, (start, end) in zip(segments, ((9.0, 11.0), (0.0, 3.0)), strict=True):
        assert each.transcript is not None
        warnings = (
            Doubt(code="noisy", start=start, end=end),
            Doubt(code="role_uncertain", start=0, end=1),
        )
        changed = each.transcript.model_copy(update={"warnings": warnings})
        doubted.append(Segment(each.index, each.starts_at, each.duration, changed))
    merged = merge(doubted, ROLES, speakers=2)
    (noisy,) = [doubt for doubt in merged.warnings if doubt.code == "noisy"]
    assert (noisy.start, noisy.end) == (9.0, 12.0)
    assert "role_uncertain" not in {doubt.code for doubt in merged.warnings}


# Names ---------------------------------------------------------------------------------------


def test_a_name_that_was_misheard_is_put_right_and_shown() -> None:
    def word(at: float, text: str, probability: float = 0.98) -> Word:
        return Word(start=at, end=at + 0.4, text=text, probability=probability)

    own = (
        word(1.0, "Good"),
        word(1.5, "morning,"),
        word(2.0, "mariss", 0.3),
        word(2.4, "all,", 0.35),
        word(3.0, "come"),
        word(3.5, "in."),
    )
    text = "Good morning, mariss all, come in."
    said = Transcript(
        duration=5.0, turns=(Turn(id="t1", start=1.0, end=3.9, text=text, words=own),)
    )
    merged = merge([Segment(0, 0.0, 5.0, said)], ROLES, names=Sounds(["Marisol"]))
    assert merged.turns[0].text == "Good morning, Marisol, come in."
    assert [w.text for w in merged.turns[0].words] == [
        "Good",
        "morning,",
        "Marisol,",
        "come",
        "in.",
    ]
    (doubt,) = [d for d in merged.warnings if d.code == "corrected_term"]
    assert doubt.candidates[0] == "Marisol"


def test_a_name_is_not_put_in_the_place_of_what_was_clear() -> None:
    whole = merge(cut(WORDS, [10.0], 1.5), ROLES, names=Sounds(["Fryend", "Lettor"]), speakers=2)
    assert text_of(whole) == ALL


# Who is who ----------------------------------------------------------------------------------


def test_people_keep_their_names_though_each_segment_numbers_them_anew() -> None:
    merged = merge(cut(WORDS, [8.0, 16.0, 24.0, 32.0], 1.5), ROLES, speakers=2)
    spoken_by = {"amy": set(), "kim": set()}  # type: dict[str, set[str]]
    for (who, _), turn in zip(SCRIPT, merged.turns, strict=True):
        spoken_by[who].add(turn.speaker)
    assert spoken_by == {"amy": {"S1"}, "kim": {"S2"}}
    assert {turn.role for turn in merged.turns} == {Role.THERAPIST, Role.PATIENT}


def test_the_enrolled_voice_is_the_therapist_whatever_is_said() -> None:
    merged = merge(cut(WORDS, [8.0, 16.0], 1.5), ROLES, print_of("kim", 0.3, 77), speakers=2)
    assert {s.id: (s.role, s.basis) for s in merged.speakers} == {
        "S1": (Role.PATIENT, "enrolment"),
        "S2": (Role.THERAPIST, "enrolment"),
    }


def test_no_voice_print_is_left_in_the_whole() -> None:
    merged = merge(cut(WORDS, [8.0, 16.0], 1.5), ROLES, print_of("amy"), speakers=2)
    assert all(speaker.voice == "" for speaker in merged.speakers)
    assert all(speaker.seconds > 0 for speaker in merged.speakers)


def test_one_voice_that_was_divided_in_two_is_one_again() -> None:
    alone = [("amy", Word(start=1.0 * n, end=n + 0.8, text=f"word{n}")) for n in range(30)]
    other = [("kim", Word(start=31.0 + n, end=31.8 + n, text=f"reply{n}")) for n in range(20)]
    segments = cut([*alone, *other], [15.0, 30.5], 1.5)
    first = segments[0].transcript
    assert first is not None
    turns = tuple(
        turn.model_copy(
            update={
                "id": f"h{n}",
                "speaker": f"S{n}",
                "words": part,
                "start": part[0].start,
                "end": part[-1].end,
                "text": " ".join(w.text for w in part),
            }
        )
        for turn in first.turns
        for n, part in ((1, turn.words[:7]), (2, turn.words[7:]))
    )
    speakers = tuple(
        Speaker(id=f"S{n}", seconds=6.0, voice=print_of("amy", 0.2, n)) for n in (1, 2)
    )
    divided = first.model_copy(update={"turns": turns, "speakers": speakers})
    segments[0] = Segment(0, 0.0, segments[0].duration, divided)
    merged = merge(segments, ROLES, speakers=2)
    assert [turn.speaker for turn in merged.turns] == ["S1", "S2"]


def test_without_prints_the_words_in_the_overlap_say_who_it_is() -> None:
    names = [{"amy": "S1", "kim": "S2"}, {"amy": "S2", "kim": "S1"}]
    middle = WORDS[20][1].end
    segments = []
    for each, called in zip(cut(WORDS, [middle], 2.0), names, strict=True):
        start = each.starts_at or 0.0
        told = heard(WORDS, start, start + each.duration, names=called, prints=False)
        segments.append(Segment(each.index, start, each.duration, told))
    merged = merge(segments, ROLES, speakers=2)
    assert [t.speaker for t in merged.turns] == ["S1", "S2"] * (len(SCRIPT) // 2)


def test_a_voice_that_cannot_be_matched_is_a_doubt() -> None:
    segments = cut(WORDS, [20.0], 1.5)
    alone = Transcript(
        duration=10.0,
        turns=(Turn(id="t1", speaker="S1", start=2.0, end=3.0, text="Mm, yes."),),
        speakers=(Speaker(id="S1", seconds=0.4),),
    )
    merged = merge([*segments, Segment(2, END + 5, 10.0, alone)], ROLES, speakers=2)
    assert SPEAKER_UNSURE in {doubt.code for doubt in merged.warnings}
    assert len(merged.speakers) == 2


def test_three_voices_of_one_segment_stay_three() -> None:
    script = (*SCRIPT[:2], ("lee", "I am her brother and I feel the same about our mother."))
    words = spoken((*script, *script))
    merged = merge(cut(words, [12.0, 22.0], 1.5), ROLES)
    assert len(merged.speakers) == 3
    assert text_of(merged) == [word.text for _, word in words]


def test_the_policy_of_the_product_is_one_that_merging_takes() -> None:
    import tomllib

    policy = Path(__file__).parents[2] / "policies" / "speech.toml"
    assert Roles.model_validate(tomllib.loads(policy.read_text("utf-8"))["roles"])
