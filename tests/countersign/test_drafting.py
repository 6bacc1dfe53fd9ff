"""A draft says only what was said, leaves out what is not clinical, and leaves gaps to humans."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countersign.drafting import draft
from countersign.grounding import check
from countersign.grounding.words import FILLERS, sentence_spans, tokenize
from countersign.note import PLACEHOLDER, Note, Origin, Sentence
from countersign.transcript import Role, Transcript
from tests.clinical import SESSION, TEMPLATES, doubted, lexicons, template, transcript

ATTRIBUTION = frozenset(
    "patient reports clinician other unidentified speaker denies affirms asked answered".split()
)


def soap(said: Transcript) -> Note:
    return draft(said, template("soap"), lexicons())


def section(note: Note, name: str) -> tuple[Sentence, ...]:
    return next(s.sentences for s in note.sections if s.name == name)


def text_of(note: Note) -> str:
    return " ".join(sentence.text for sentence in note.sentences())


def assert_grounded(note: Note, said: Transcript) -> None:
    for sentence in note.sentences():
        if sentence.origin is Origin.PLACEHOLDER:
            assert sentence.text.endswith(PLACEHOLDER) and not sentence.evidence
            continue
        assert sentence.evidence, sentence.text
        heard: set[str] = set()
        for span in sentence.evidence:
            turn = said.turn(span.turn)
            assert span.end <= len(turn.text)
            words = turn.text[span.start : span.end]
            heard |= {token.text for token in tokenize(words)}
        spoken = {token.text for token in tokenize(sentence.text)}
        assert spoken - heard <= ATTRIBUTION, sentence.text


_TURNS = st.lists(
    st.tuples(
        st.sampled_from("TPOU"),
        st.one_of(
            st.sampled_from([turn.text for turn in SESSION.turns]),
            st.lists(
                st.sampled_from(
                    'I feel sad . Do you sleep ? No, no yes never [DATE_1] " “ ” … fifty mg Zoloft '
                    "and but kill myself homework try to weather bipolar 14 times a week ; risk is "
                    "low start Prozac um so hmm, uh… er maybe if I'm not hardly Well, ... "
                    "[PHONE_1] without\n".split(" ")
                ),
                min_size=1,
                max_size=60,
            ).map(" ".join),
            st.text(max_size=40),
        ),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(_TURNS, st.sampled_from(TEMPLATES))
def test_every_word_of_any_draft_was_said_where_its_evidence_points(
    turns: list[tuple[str, str]], name: str
) -> None:
    said = transcript(*turns)
    note = draft(said, template(name), lexicons())
    assert_grounded(note, said)
    assert len({sentence.id for sentence in note.sentences()}) == len(note.sentences())
    for part in note.sections:
        if part.name.lower() in {"assessment", "plan"}:
            assert all(
                s.speaker_role is Role.THERAPIST
                for s in part.sentences if s.origin is not Origin.PLACEHOLDER
            )  # fmt: skip


@settings(max_examples=300, deadline=None)
@example([("T", "Any thoughts of suicide?"), ("P", "No, no thoughts of hurting myself.")], "soap")
@example([("P", "Um, uh no… thoughts of suicide I never had. No. Sleep is bad.")], "soap")
@given(_TURNS, st.sampled_from(TEMPLATES))
def test_nothing_but_fillers_of_a_sentence_stays_outside_a_quotation(
    turns: list[tuple[str, str]], name: str
) -> None:
    said = transcript(*turns)
    for sentence in draft(said, template(name), lexicons()).sentences():
        for span in sentence.evidence:
            text = said.turn(span.turn).text
            for low, high in sentence_spans(text):
                if low < span.start < high:
                    before = {t.text for t in tokenize(text[low : span.start])}
                    assert all(is_filler(word) for word in before), sentence.text
                if low < span.end < high:
                    assert not tokenize(text[span.end : high]), sentence.text


def is_filler(word: str) -> bool:
    """Also "ummm": a filler however long drawn out."""
    return re.sub(r"(.)\1+", r"\1", word) in {re.sub(r"(.)\1+", r"\1", f) for f in FILLERS}


@settings(max_examples=100, deadline=None)
@given(_TURNS)
def test_no_spoken_words_enter_a_note_twice(turns: list[tuple[str, str]]) -> None:
    said = transcript(*turns)
    seen: list[tuple[str, int, int]] = []
    for sentence in soap(said).sentences():
        for span in sentence.evidence:
            for turn, start, end in seen:
                assert turn != span.turn or span.end <= start or end <= span.start
        seen += [(s.turn, s.start, s.end) for s in sentence.evidence]


@settings(max_examples=150, deadline=None)
@example([("O", "0MG")])
@given(_TURNS)
def test_our_guards_never_block_our_own_draft(turns: list[tuple[str, str]]) -> None:
    said = transcript(*turns)
    assert check(soap(said), said, lexicons()).verdict != "block"


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_template_drafts_the_session_and_passes_the_guards(name: str) -> None:
    note = draft(SESSION, template(name), lexicons())
    assert_grounded(note, SESSION)
    assert check(note, SESSION, lexicons()).verdict == "pass"
    assert note.template == name
    assert "four hours a night" in text_of(note)


def test_small_talk_and_scheduling_are_left_out_with_their_reason() -> None:
    note = soap(SESSION)
    reasons = {left.turn: left.reason for left in note.left_out}
    assert reasons["t1"] in {"small_talk", "greeting"}
    assert reasons["t2"] == "small_talk"
    assert reasons["t19"] == "scheduling"
    for word in ("sunshine", "weather", "highway", "front desk"):
        assert word not in text_of(note)


def test_every_turn_is_in_the_note_or_left_out_and_never_both() -> None:
    note = soap(SESSION)
    used = {span.turn for s in note.sentences() for span in s.evidence}
    left = {item.turn for item in note.left_out}
    assert used | left == {turn.id for turn in SESSION.turns}
    assert not used & left


def test_surrogates_stay_as_they_are() -> None:
    assert "My manager [PERSON_1] keeps moving the deadlines." in text_of(soap(SESSION))


def test_a_denial_rests_on_the_question_and_the_answer() -> None:
    denial = next(s for s in soap(SESSION).sentences() if "denies" in s.text)
    assert denial.origin is Origin.STATEMENT
    assert [span.turn for span in denial.evidence] == ["t7", "t8"]
    assert "hurting yourself" in denial.text and "No, nothing like that." in denial.text


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        ("Any thoughts of suicide?", "That's a hard question for me."),
        ("Any thoughts of suicide?", "Yes, a few times."),
        ("You haven't had thoughts of suicide, have you?", "No."),
    ],
)
def test_what_is_no_clear_denial_is_not_written_as_one(question: str, reply: str) -> None:
    note = soap(transcript(("T", question), ("P", reply)))
    assert "denies" not in text_of(note)


def test_a_question_that_nobody_answered_is_not_content() -> None:
    note = soap(transcript(("T", "Do you ever think about suicide?")))
    assert "suicide" not in text_of(note)
    assert [(left.turn, left.reason) for left in note.left_out] == [("t1", "clinician_question")]


def test_assessment_and_plan_are_the_clinicians_words() -> None:
    note = soap(SESSION)
    assert any("real progress" in s.text for s in section(note, "Assessment"))
    assert any("twice a day" in s.text for s in section(note, "Plan"))
    said = transcript(
        ("P", "I think my plan is to practice breathing every day. I notice progress.")
    )
    other = soap(said)
    for name in ("Assessment", "Plan"):
        assert all(s.origin is Origin.PLACEHOLDER for s in section(other, name))


def test_risk_diagnosis_and_mental_status_are_gaps() -> None:
    note = soap(SESSION)
    gaps = [s.text for s in note.sentences() if s.origin is Origin.PLACEHOLDER]
    for label in ("Risk assessment", "Diagnosis", "Mental status", "Start and stop time"):
        assert f"{label}: {PLACEHOLDER}" in gaps
    assert {"risk_level", "diagnosis", "emotion_inference", "treatment_plan"} <= set(note.refused)


def test_a_prescription_and_a_risk_level_are_refused_even_when_spoken() -> None:
    said = transcript(
        ("P", "I feel down and I take Zoloft."),
        ("T", "I'm going to increase the Zoloft to seventy-five milligrams."),
        ("T", "I think your suicide risk is low."),
    )
    note = soap(said)
    assert "seventy-five" not in text_of(note) and "risk is low" not in text_of(note)
    assert {"prescription", "risk_level"} <= set(note.refused)


def test_an_unknown_speaker_is_no_source_of_assessment_or_plan_and_is_flagged() -> None:
    said = transcript(
        ("U", "I'd like you to practice the breathing exercise every day."),
        ("U", "I've been feeling really anxious at night."),
    )
    note = soap(said)
    for name in ("Objective", "Assessment", "Plan"):
        assert all(s.origin is Origin.PLACEHOLDER for s in section(note, name))
    spoken = [s for s in note.sentences() if s.evidence]
    assert spoken and all("speaker_unconfirmed" in s.flags for s in spoken)
    assert all(s.text.startswith("Unidentified speaker") for s in spoken)


def test_a_repetition_is_said_once_with_all_its_evidence() -> None:
    said = transcript(
        ("P", "I feel anxious about work all the time."),
        ("T", "Tell me more."),
        ("P", "I really feel anxious about work all the time."),
    )
    spoken = [s for s in soap(said).sentences() if s.evidence]
    assert len(spoken) == 1
    assert {span.turn for span in spoken[0].evidence} == {"t1", "t3"}


def test_a_contradiction_is_not_a_repetition() -> None:
    said = transcript(("P", "I sleep well at night."), ("P", "I don't sleep well at night."))
    assert len([s for s in soap(said).sentences() if s.evidence]) == 2


@pytest.mark.parametrize(
    ("text", "doubtful", "flag"),
    [
        ("I take Zoloft every morning.", "Zoloft", "doubtful_medication"),
        ("I sleep four hours.", "four", "doubtful_number"),
        ("I think about suicide at night.", "suicide", "doubtful_harm"),
    ],
)
def test_the_recognizers_doubt_is_carried_into_the_sentence(
    text: str, doubtful: str, flag: str
) -> None:
    assert flag in soap(doubted(text, doubtful)).sentences()[0].flags
    assert soap(doubted(text)).sentences()[0].flags == ()
    assert soap(doubted(text, "I")).sentences()[0].flags == ()


@pytest.mark.parametrize("said", ["Okay.", "Mm-hmm, yeah.", "12", "…", "Hello there"])
def test_next_to_nothing_said_gives_gaps_and_no_more(said: str) -> None:
    note = soap(transcript(("P", said)))
    assert all(s.origin is Origin.PLACEHOLDER for s in note.sentences())


def test_the_no_of_an_answer_is_never_cut_off_and_the_answer_never_quoted_again() -> None:
    reply = "No, no thoughts of hurting myself, nothing like that, I'm just tired."
    question = "Have you had any thoughts of hurting yourself or of not wanting to be alive?"
    said = transcript(("T", question), ("P", reply))
    for name in TEMPLATES:
        spoken = [s.text for s in draft(said, template(name), lexicons()).sentences() if s.evidence]
        assert spoken == [f'Asked "{question}", patient answered "{reply}"']


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("No, I don't feel sad at work any more.", "No, I don't feel sad at work any more."),
        ("Well, for it, my manager was angry.", "Well, for it, my manager was angry."),
        ("Maybe I feel anxious at night.", "Maybe I feel anxious at night."),
        ("Yeah, no, I sleep badly every night.", "Yeah, no, I sleep badly every night."),
        ("Um, uh, I feel sad every night.", "I feel sad every night."),
        ("Hmm... I never feel sad at night.", "I never feel sad at night."),
        ("Never. Panic attacks at work are over.", "Never. Panic attacks at work are over."),
        ("No... thoughts of suicide at all.", "No... thoughts of suicide at all."),
        ("I'm not. thinking of suicide.", "I'm not. thinking of suicide."),
        ("Mm-mm, I feel no anxiety at work.", "Mm-mm, I feel no anxiety at work."),
        ("Uh-uh, I feel anxious at work.", "Uh-uh, I feel anxious at work."),
    ],
)
def test_only_fillers_are_cut_off(text: str, quote: str) -> None:
    spoken = [s.text for s in soap(transcript(("P", text))).sentences() if s.evidence]
    assert spoken == [f'Patient reports: "{quote}"']


def test_a_long_sentence_is_quoted_whole_or_not_at_all() -> None:
    tail = ", and then my boss called, and I felt anxious again" * 6
    text = f"I would hurt myself if it were not for my daughter{tail}."
    assert len(text.split()) > 60
    quoted = [s.text for s in soap(transcript(("P", text))).sentences() if s.evidence]
    assert quoted == [f'Patient reports: "{text}"']
    rambling = "I felt anxious at work" + ", and then I felt anxious again" * 30 + "."
    note = soap(transcript(("P", rambling)))
    assert [(left.turn, left.reason) for left in note.left_out] == [("t1", "length")]


def test_quotation_marks_within_a_quotation() -> None:
    text = 'My friend said "I want to die. I mean it." and I felt anxious.'
    said = transcript(("P", text))
    note = soap(said)
    assert [s.text for s in note.sentences() if s.evidence] == [
        f"Patient reports: \u201c{text}\u201d"
    ]
    assert check(note, said, lexicons()).verdict == "pass"
    both = soap(transcript(("P", 'I felt \u201cdown\u201d and "low" and anxious.')))
    assert [(left.turn, left.reason) for left in both.left_out] == [("t1", "quotation_marks")]


_FORMS = re.compile(
    r'(?:Patient reports: "[^"]+"|Other speaker: "[^"]+"|Unidentified speaker: "[^"]+"'
    r'|Clinician: "[^"]+"|Asked "[^"]+", patient answered "[^"]+"\.?'
    r'|Patient (?:denies|affirms): asked "[^"]+", answered "[^"]+"\.?)'
)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_sentence_has_one_of_the_fixed_forms(name: str) -> None:
    for said in (SESSION, THERAPY):
        for sentence in draft(said, template(name), lexicons()).sentences():
            if sentence.evidence:
                assert _FORMS.fullmatch(sentence.text), sentence.text


@pytest.mark.parametrize(
    ("question", "reply", "form"),
    [
        ("Any panic attacks?", "No.", 'Patient denies: asked "{q}", answered "{r}"'),
        ("Any panic attacks?", "No", 'Patient denies: asked "{q}", answered "{r}".'),
        ("Any panic attacks?", "Yes, last Tuesday.",
         'Patient affirms: asked "{q}", answered "{r}"'),
        ("Any panic attacks?", "No, but last week I did.", 'Asked "{q}", patient answered "{r}"'),
        ("Any panic attacks?", "Not really.", 'Asked "{q}", patient answered "{r}"'),
        ("Any panic attacks?", "I don't think so.", 'Asked "{q}", patient answered "{r}"'),
        ("Any panic attacks?", "I have a brother.", 'Asked "{q}", patient answered "{r}"'),
        ("Any panic attacks?", "One on Tuesday, right before a meeting, ten minutes or so.",
         'Asked "{q}", patient answered "{r}"'),
        ("Any thoughts of suicide?", "Well, sometimes I think they would be better off without me.",
         'Asked "{q}", patient answered "{r}"'),
    ],
)  # fmt: skip
def test_a_question_and_its_answer(question: str, reply: str, form: str) -> None:
    said = transcript(("T", question), ("P", reply))
    note = soap(said)
    assert [s.text for s in note.sentences() if s.evidence] == [form.format(q=question, r=reply)]
    assert check(note, said, lexicons()).verdict == "pass"


THERAPY = transcript(
    ("P", "Morning, Dr. [CLINICIAN_1]."),
    ("T", "Let me confirm this for the chart. Can you tell me your full name and date of birth?"),
    ("P", "[PATIENT_1], [DATE_1]."),
    ("T", "Thank you. to, and what is the best number to reach you?"),
    ("P", "Use my cell, it's [PHONE_1]."),
    ("T", "I want to point out that you used the skill in the moment. Let's look at that thought. "
          "What is the evidence for it, and what is the evidence against it?"),
    ("P", "Well, for it, my manager was short with me. Against it, I got a good review."),
    ("T", "How much do you believe it now, from 0 to 100."),
    ("P", "I'd say about 60. It was 90 before."),
    ("T", "For homework, I'd like you to fill in a thought record once a day, okay?"),
    ("P", "Okay."),
)  # fmt: skip


def test_greetings_and_identity_checks_are_left_out_with_their_reason() -> None:
    reasons = {left.turn: left.reason for left in soap(THERAPY).left_out}
    assert reasons == {
        "t1": "greeting",
        "t2": "identity_check",
        "t3": "identity_check",
        "t4": "identity_check",
        "t5": "identity_check",
        "t11": "backchannel",
    }


def test_an_answer_to_an_identity_check_that_speaks_of_harm_stays() -> None:
    said = transcript(
        ("T", "What is the best number to reach you?"),
        ("P", "I wanted to kill myself last night, so call my sister."),
    )
    assert "kill myself" in text_of(soap(said))


@pytest.mark.parametrize(
    ("name", "where"),
    [("soap", "Objective"), ("dap", "Interventions"), ("birp", "Intervention"),
     ("girp", "Intervention"), ("sirp", "Intervention")],
)  # fmt: skip
def test_what_the_clinician_did_is_the_intervention(name: str, where: str) -> None:
    note = draft(THERAPY, template(name), lexicons())
    held = section(note, where)
    text = " ".join(s.text for s in held)
    assert "used the skill in the moment" in text and "evidence against it?" in text
    assert all(s.speaker_role is Role.THERAPIST for s in held if s.evidence)
    assert f"Intervention used: {PLACEHOLDER}" not in text
    if name in {"birp", "girp", "sirp"}:
        assert "Against it, I got a good review." in " ".join(
            s.text for s in section(note, "Response")
        )
    assert check(note, THERAPY, lexicons()).verdict == "pass"


def test_a_tag_makes_no_question_of_homework() -> None:
    plan = " ".join(s.text for s in section(soap(THERAPY), "Plan"))
    assert "fill in a thought record once a day, okay?" in plan
    assert 'answered "Okay."' not in text_of(soap(THERAPY))


def test_a_rating_is_asked_and_answered() -> None:
    pair = 'Asked "How much do you believe it now, from 0 to 100.", patient answered "I\'d say about 60. It was 90 before."'  # noqa: E501
    assert pair in [s.text for s in soap(THERAPY).sentences()]


def test_a_question_that_prescribes_or_rates_risk_is_not_written_down() -> None:
    said = transcript(
        ("T", "I will increase the Zoloft to a hundred milligrams, any side effects?"),
        ("P", "No."),
    )
    assert all(s.origin is Origin.PLACEHOLDER for s in soap(said).sentences())


def test_a_long_session_gives_a_note_of_clinical_length_in_time() -> None:
    themes = ("sleep", "work", "drinking", "panic", "school", "money", "my marriage")
    turns: list[tuple[str, str]] = []
    for n in range(330):
        theme = themes[n % len(themes)]
        turns.append(("T", f"How did things go with {theme} in week number {n}?"))
        turns.append(
            ("P", f"I felt anxious about {theme} and lay awake for {n} minutes. My boss called.")
        )
    said = transcript(*turns)
    began = time.perf_counter()
    note = soap(said)
    assert time.perf_counter() - began < 2
    assert 150 <= len(text_of(note).split()) <= 450
    assert_grounded(note, said)
