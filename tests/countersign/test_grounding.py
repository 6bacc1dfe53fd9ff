"""The guards find what was not said, at the right place, and let faithful rewordings pass."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countersign.errors import BadNote, BadPolicy, EmptyInput, NotJson, NotUtf8
from countersign.grounding import Lexicons, check, read_note
from countersign.note import EvidenceSpan, Note, Origin, Section, Sentence
from countersign.transcript import Role
from tests.clinical import POLICIES, SESSION, lexicons, transcript


def found(text: str) -> list[tuple[str, str, str]]:
    result = check(text, SESSION, lexicons())
    return [(f.kind, f.severity.value, text[f.span[0] : f.span[1]]) for f in result.findings]


@pytest.mark.parametrize(
    ("sentence", "kind", "where"),
    [
        ("Patient takes fluoxetine every morning.", "medication", "fluoxetine"),
        ("Patient takes Prozac every morning.", "medication", "Prozac"),
        ("Patient was also given agomelatine.", "medication", "agomelatine"),
        ("Patient takes sertraline 100 mg every morning.", "dose", "100 mg"),
        ("Patient takes one hundred milligrams of Zoloft.", "dose", "one hundred milligrams"),
        ("The session concerned schizophrenia.", "diagnosis", "schizophrenia"),
        ("She had panic attacks 5 times last week.", "number", "5"),
        ("She sleeps about 9 hours a night.", "number", "9"),
        ("Thought record is due before Thursday.", "date", "Thursday"),
        ("Symptoms began on March 3, 2019.", "date", "March 3, 2019"),
        ("Symptoms began on [DATE_7].", "date", "[DATE_7]"),
        ("Patient denies homicidal ideation.", "negation", "homicidal ideation"),
        ("No auditory hallucinations.", "negation", "auditory hallucinations"),
        ("Patient denies panic attacks.", "negation", "panic attacks"),
        ("Patient endorses suicidal ideation.", "negation", "suicidal ideation"),
        ("Patient denies gambling debts.", "negation", "gambling debts"),
        ('Patient stated, "I only sleep about six hours a night."', "quote", "six"),
        ('Patient stated, "Nobody has ever understood me at all."', "quote",
         "Nobody has ever understood me at all"),
        ('Therapist stated, "I only sleep about four hours a night."', "speaker", "Therapist"),
        ("Suicide risk is low.", "scope", "Suicide risk"),
        ("Continue weekly EMDR for trauma processing.", "scope", "Continue weekly"),
        ("Refer to psychiatry for evaluation.", "scope", "Refer to"),
        ("Patient verbally consented to recording.", "consent", "verbally consented"),
        ("Patient appeared tearful.", "emotion", "tearful"),
        ("Affect was flat.", "emotion", "flat"),
    ],
)  # fmt: skip
def test_what_was_not_said_blocks_at_its_place(sentence: str, kind: str, where: str) -> None:
    assert (kind, "block", where) in found(sentence)
    assert check(sentence, SESSION, lexicons()).verdict == "block"


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("Patient has bipolar disorder.", "diagnosis"),
        ("Diagnosis: generalized anxiety disorder.", "diagnosis"),
        ("Patient suggested practicing the breathing exercise and keeping a thought record.",
         "speaker"),
        ("She has been taking it for 6 months.", "number"),
        ("Patient takes Zoloft 4 mg.", "dose"),
    ],
)  # fmt: skip
def test_what_may_be_wrong_asks_for_a_look(sentence: str, kind: str) -> None:
    assert any(f[0] == kind and f[1] in {"review", "block"} for f in found(sentence))


@pytest.mark.parametrize(
    "sentence",
    [
        "Patient reports feeling anxious about work.",
        "Patient takes sertraline 50 mg daily.",
        "Patient is taking Zoloft, 50mg, each morning.",
        "She has taken sertraline for 6 weeks.",
        "Sleeps about 4 hours per night.",
        "Patient denies suicidal ideation.",
        "Patient denies thoughts of self-harm.",
        "She had 3 panic attacks last week.",
        "Patient's sister has bipolar disorder.",
        'Patient stated, "I only sleep about four hours a night."',
        'Patient stated, "I only sleep about 4 hours a night."',
        "The therapist asked the patient to practice the breathing exercise twice a day.",
        "Last seen on [DATE_1].",
        "Patient's goal is to return to running.",
    ],
)
def test_a_faithful_rewording_passes(sentence: str) -> None:
    assert found(sentence) == []


def test_every_error_of_a_text_is_found_once_and_in_its_own_place() -> None:
    text = "Patient takes fluoxetine. She sleeps 9 hours. Suicide risk is low. Goal: running."
    assert found(text) == [
        ("medication", "block", "fluoxetine"),
        ("number", "block", "9"),
        ("scope", "block", "Suicide risk"),
    ]


def test_spans_of_a_note_count_in_its_sentences_joined_by_one_space() -> None:
    sentences = (
        Sentence(id="s1", text="Patient sleeps badly.", origin=Origin.STATEMENT),
        Sentence(id="s2", text="Patient takes Prozac.", origin=Origin.STATEMENT),
    )
    note = Note(template="soap", sections=(Section(name="Subjective", sentences=sentences),))
    finding = check(note, SESSION, lexicons()).findings[0]
    text = " ".join(sentence.text for sentence in sentences)
    assert text[finding.span[0] : finding.span[1]] == "Prozac"
    assert finding.sentence == "Patient takes Prozac."


def test_gaps_and_a_clinicians_own_words_are_not_checked() -> None:
    sentences = (
        Sentence(
            id="s1", text="Risk assessment: [clinician to complete]", origin=Origin.PLACEHOLDER
        ),
        Sentence(id="s2", text="Suicide risk is low today.", origin=Origin.CLINICIAN),
    )
    note = Note(template="soap", sections=(Section(name="Assessment", sentences=sentences),))
    assert check(note, SESSION, lexicons()).verdict == "pass"


def test_an_invented_sentence_cannot_hide_as_a_placeholder() -> None:
    sentence = Sentence(
        id="s1",
        text="The suicide risk of this patient was carefully assessed and found to be low by us.",
        origin=Origin.PLACEHOLDER,
    )
    note = Note(template="soap", sections=(Section(name="Assessment", sentences=(sentence,)),))
    assert check(note, SESSION, lexicons()).verdict == "block"


def test_an_answered_question_must_be_answered_so() -> None:
    honest = 'Patient denies: asked "Have you had any thoughts of hurting yourself?", answered "No, nothing like that."'  # noqa: E501
    turned = 'Patient denies: asked "Any panic attacks?", answered "Yeah, three times last week."'
    crossed = 'Patient denies: asked "Any panic attacks?", answered "No, nothing like that."'
    assert found(honest) == []
    assert ("negation", "block", "denies") in found(turned)
    assert ("negation", "block", "denies") in found(crossed)


_CUT = transcript(
    ("T", "Have you had any thoughts of hurting yourself?"),
    ("P", "No, no thoughts of hurting myself, nothing like that, I'm just tired."),
    ("P", "I don't think I want to die. I haven't had any real panic attacks lately."),
    ("P", "If I lose my job I will drink again. I am not going back to the hospital."),
    ("P", "No, I feel fine at home. I can't sleep at night. I'm unhappy with my job."),
    ("P", "No... bad dreams at night. I feel calm but my sleep is bad."),
)


@pytest.mark.parametrize(
    ("sentence", "severity"),
    [
        ('Patient reports: "thoughts of hurting myself, nothing like that, I\'m just tired."',
         "block"),
        ('Patient stated, "thoughts of hurting myself."', "block"),
        ('Patient stated, \u201cthoughts of hurting myself.\u201d', "block"),
        ('Patient stated, "I want to die."', "block"),
        ('Patient stated, "I … want to die."', "block"),
        ('Patient reported "real panic attacks" this week.', "block"),
        ('Patient stated, "I will drink again."', "review"),
        ('Patient stated, "I am" when asked.', "review"),
        ('Patient stated, "going back to the hospital."', "block"),
        ('Patient reported "bad dreams at night."', "review"),
        ('Patient stated, "happy with my job."', "block"),
    ],
)  # fmt: skip
def test_a_quotation_cut_off_from_its_negation_is_found(sentence: str, severity: str) -> None:
    findings = check(sentence, _CUT, lexicons()).findings
    assert ("quote", severity) in [(f.kind, f.severity.value) for f in findings]
    assert check(sentence, _CUT, lexicons()).verdict == severity


@pytest.mark.parametrize(
    "sentence",
    [
        'Patient denies "thoughts of hurting myself."',
        'Patient stated, "no thoughts of hurting myself."',
        'Patient stated, "I\'m just tired."',
        'Patient stated, "I don\'t … want to die."',
        'Patient stated, "I feel fine at home."',
        'Patient stated, "my sleep is bad."',
        'Patient does not report "real panic attacks."',
        'Clinician: "Have you had any thoughts of hurting yourself?"',
    ],
)
def test_a_quotation_that_keeps_its_meaning_passes(sentence: str) -> None:
    assert check(sentence, _CUT, lexicons()).verdict == "pass"


def test_a_quotation_may_stand_anywhere_it_was_said_whole() -> None:
    said = transcript(("P", "I feel no shame at all."), ("P", "I know shame at all."))
    assert check('Patient: "shame at all."', said, lexicons()).verdict == "pass"
    asked = transcript(("T", "Thoughts of suicide?"), ("P", "I have no thoughts of suicide"))
    assert check('Patient reports: "thoughts of suicide"', asked, lexicons()).verdict == "block"


@settings(deadline=None)
@given(
    st.sampled_from(["no", "not", "never", "don't", "without", "haven't had any", "isn't"]),
    st.lists(st.sampled_from("um uh really much".split()), max_size=2),
    st.sampled_from(["thoughts of hurting anyone", "drinking at night", "panic at work"]),
)
def test_a_quotation_that_begins_after_a_negation_never_passes(
    negation: str, between: list[str], quoted: str
) -> None:
    said = transcript(("P", " ".join(["I", negation, *between, quoted, "now."])))
    assert check(f'Patient reports: "{quoted}"', said, lexicons()).verdict != "pass"


def test_a_denial_holds_with_the_patients_own_statement() -> None:
    said = transcript(("P", "I haven't had any nightmares since the spring."))
    assert check("Patient denies nightmares.", said, lexicons()).verdict == "pass"
    assert check("Patient denies flashbacks.", said, lexicons()).verdict == "block"


def test_a_question_without_an_answer_is_no_denial() -> None:
    said = transcript(("T", "Any thoughts of suicide?"), ("P", "That's a big question."))
    assert check("Patient denies suicidal ideation.", said, lexicons()).verdict == "review"


def test_consent_that_was_asked_and_given_is_for_review() -> None:
    said = transcript(("T", "Is it okay if I record this session?"), ("P", "Yes, that's fine."))
    assert check("Patient consented to recording.", said, lexicons()).verdict == "review"


def test_a_misheard_drug_name_is_for_review_and_a_sound_alike_blocks() -> None:
    said = transcript(("P", "I take sertrolene at night and hydroxyzine."))
    assert check("Patient takes sertraline.", said, lexicons()).verdict == "review"
    assert check("Patient takes hydralazine.", said, lexicons()).verdict == "block"


def test_dates_are_compared_by_their_parts() -> None:
    said = transcript(("P", "It began on the third of March and I moved in June."))
    assert check("Onset March 3rd; moved in June.", said, lexicons()).verdict == "pass"
    assert check("Moved in 06/2021.", said, lexicons()).verdict == "review"
    for wrong in ("Onset March 4.", "Onset April 3.", "Onset 3/4/2021.", "Moved in July."):
        assert check(wrong, said, lexicons()).verdict == "block", wrong


def test_a_medication_that_is_taken_is_not_denied() -> None:
    assert check("Patient is not taking Zoloft.", SESSION, lexicons()).verdict == "review"


def test_a_sentence_turned_round_asks_for_a_look() -> None:
    said = transcript(("P", "My new job is not going well and I am not seeing friends."))
    assert check("Patient reports the new job is going well.", said, lexicons()).verdict == "review"
    assert check("Patient reports the job is not going well.", said, lexicons()).verdict == "pass"


def test_unknown_speakers_cannot_be_contradicted() -> None:
    said = transcript(("U", "I have been sleeping very badly since the move."))
    note = 'Patient stated, "I have been sleeping very badly since the move."'
    assert check(note, said, lexicons()).verdict == "pass"


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        (b"", EmptyInput),
        (b"  \n", EmptyInput),
        (b"\xff\xfe{", NotUtf8),
        (b"{not json", NotJson),
        (b"[]", BadNote),
        (b"{}", BadNote),
        (b'{"text": 3}', BadNote),
        (b'{"text": "  "}', EmptyInput),
        (b'{"template": "soap", "sections": [{"sentences": []}]}', BadNote),
    ],
)
def test_a_note_that_cannot_be_read_is_refused(raw: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        read_note(raw)


def test_a_note_is_read_in_both_forms() -> None:
    assert read_note(b'{"text": "Patient is well."}') == "Patient is well."
    span = EvidenceSpan(turn="t1", start=0, end=4)
    sentence = Sentence(id="s1", text="x", origin=Origin.QUOTE, evidence=(span,))
    note = Note(template="dap", sections=(Section(name="Data", sentences=(sentence,)),))
    assert read_note(note.model_dump_json()) == note
    assert note.sentences()[0].speaker_role is Role.UNKNOWN


def test_a_broken_lexicon_names_its_file_and_line() -> None:
    texts = {p.name: p.read_text() for p in (POLICIES / "lexicons").glob("*.toml")}
    broken = texts["medications.toml"].replace(
        '"fluvoxamine | Luvox | fluvoxamin, luvocks"', '"fluvoxamine | Luvox"'
    )
    line = next(
        n for n, text in enumerate(broken.splitlines(), 1) if '"fluvoxamine | Luvox"' in text
    )
    with pytest.raises(BadPolicy, match=rf"medications\.toml, line {line}:"):
        Lexicons.from_toml({**texts, "medications.toml": broken})
    with pytest.raises(BadPolicy, match="scope"):
        Lexicons.from_toml({k: v for k, v in texts.items() if k != "scope.toml"})


def test_sentences_of_another_engine_need_neither_id_nor_origin() -> None:
    raw = '{"sections": [{"name": "S", "sentences": [{"text": "1"}, {"id": "b", "text": "2"}]}]}'
    note = read_note(raw)
    assert isinstance(note, Note)
    assert [sentence.id for sentence in note.sections[0].sentences] == ["s1", "b"]


@pytest.mark.parametrize(
    ("question", "answered", "true", "false"),
    [
        (
            "Did you pull over?",
            "I couldn't.",
            "He did not pull over.",
            "He says he pulled over.",
        ),
        (
            "What then?",
            "I feared he'd yell. He didn't.",
            "He did not yell.",
            "She says he yelled.",
        ),
        ("And your foot?", "I have less pain now.", "There is less pain.", "There is more pain."),
    ],
)
def test_short_answers_and_comparisons_turn_what_was_said(
    question: str, answered: str, true: str, false: str
) -> None:
    session = transcript(("T", question), ("P", answered))
    assert check(true, session, lexicons()).verdict == "pass"
    assert check(false, session, lexicons()).verdict == "review"
