import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from countersign.errors import FileMissing, NotJson
from countersign.note import EvidenceSpan, Note, Origin, Section, Sentence
from countersign.transcript import Role
from local import evaluate
from tests import clinical

DIALOGUE = """[doctor] how have you been sleeping since we last met ?
[patient] i sleep about four hours a night and i feel anxious about work .
it is worse on mondays .
[doctor] are you still taking the zoloft ?
[patient] yes , fifty milligrams every morning .
[patient_guest] she forgets it now and then .
"""
NOTE = "The patient sleeps about four hours a night. She takes Zoloft 50 mg. She drinks 9 beers."
MARKED = [
    {
        "id": "A1",
        "text": "this is maya whitfield calling about tuesday",
        "roster": ["Maya Whitfield"],
        "spans": [{"start": 8, "end": 22, "label": "NAME"}],
    },
    {"id": "A2", "text": "i took the sertraline with breakfast as we said", "spans": []},
    {
        "id": "A3",
        "text": "the word gratitude is marked as if it were a name here",
        "spans": [{"start": 9, "end": 18, "label": "OTHER"}],
    },
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "pii").mkdir(parents=True)
    (folder / "pii" / "own.jsonl").write_text("\n".join(map(json.dumps, MARKED)) + "\n")
    for source, columns in (
        ("clinical_notes", ("dialogue", "note")),
        ("mts_notes", ("dialogue", "section_text")),
    ):
        (folder / source).mkdir()
        with (folder / source / "own.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerow((DIALOGUE, NOTE))
            writer.writerow(("nobody is named here", NOTE))
    return folder


def run(data: Path | str, *arguments: str) -> tuple[str, list[dict[str, object]]]:
    out = Path(data).parent / "eval.json"
    result = CliRunner().invoke(
        evaluate.app, [str(data), *arguments, "--out", str(out)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout, json.loads(out.read_text())


def value(rows: list[dict[str, object]], name: str) -> object:
    return next(row["ours"] for row in rows if str(row["name"]).endswith(name))


def test_redaction_is_scored_and_misses_are_named_by_id_and_label_only(data: Path) -> None:
    printed, rows = run(data, "redaction")
    assert value(rows, "recall, NAME") == 100
    assert value(rows, "recall, OTHER") == 0
    assert value(rows, "redaction: recall") == 50
    assert value(rows, "clean texts touched") == 0
    assert ["A3", "OTHER", "left"] in [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines()
    ]
    assert "gratitude" not in printed and "maya" not in printed


def test_guards_are_scored_on_what_people_wrote(data: Path) -> None:
    printed, rows = run(data, "guards", "--pairs", "2")
    names = [str(row["name"]) for row in rows]
    assert names[0].startswith("guards, clinical_notes (1 notes, 3 sentences)")
    assert value(rows, "human sentences blocked") == pytest.approx(100 / 3, rel=0.01)
    assert "number" in printed and "beers" not in printed


def test_our_drafts_have_evidence_for_every_sentence(data: Path) -> None:
    _, rows = run(data, "drafting", "--pairs", "2")
    assert value(rows, "clinical_notes (1 dialogues): sentences with evidence") == 100
    assert value(rows, "clinical_notes (1 dialogues): drafts that guards block") == 0


def test_missing_parts_of_the_data_are_skipped_with_a_line(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    printed, rows = run(tmp_path / "data")
    # The screen's sets are in the repository.
    assert {row["name"].partition(",")[0] for row in rows} == {"screen"}
    for room in ("redaction", "speech", "guards", "drafting"):
        assert f"{room}: not measured." in printed


@pytest.mark.parametrize("folder", ["", "no/such/folder"])
def test_a_missing_folder_is_refused_with_exit_code_1(
    folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FileMissing):
        CliRunner().invoke(evaluate.app, [folder], catch_exceptions=False)
    monkeypatch.setattr("sys.argv", ["evaluate", folder])
    with pytest.raises(SystemExit) as ended:
        evaluate.main()
    assert ended.value.code == 1
    assert capsys.readouterr().out == ""


def test_a_broken_line_is_refused_by_its_number_not_its_words(data: Path) -> None:
    (data / "pii" / "own.jsonl").write_text('\n{"id": "A1", "words": "maya"}\n')
    with pytest.raises(NotJson, match=r"own\.jsonl, line 2") as refused:
        evaluate.read_marked(data / "pii" / "own.jsonl")
    assert "maya" not in str(refused.value)


def test_a_dialogue_is_read_as_turns_in_either_notation() -> None:
    turns = evaluate.read_dialogue(DIALOGUE)
    assert [turn.role for turn in turns] == [
        Role.THERAPIST, Role.PATIENT, Role.THERAPIST, Role.PATIENT, Role.OTHER
    ]  # fmt: skip
    assert turns[1].text.endswith("it is worse on mondays .")
    again = evaluate.read_dialogue("Doctor: Any pain?\n Patient:  No. \nGuest_family: A little.")
    assert [(turn.role, turn.text) for turn in again] == [
        (Role.THERAPIST, "Any pain?"),
        (Role.PATIENT, "No."),
        (Role.OTHER, "A little."),
    ]
    assert evaluate.read_dialogue("nobody speaks") == ()


def test_pairs_are_spread_evenly_over_a_set(data: Path) -> None:
    with (data / "clinical_notes" / "own.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("dialogue", "note"))
        writer.writerows((DIALOGUE, f"note {n}") for n in range(10))
    chosen = evaluate.sample(data, 4)
    assert [pair.note for pair in chosen if pair.source == "clinical_notes"] == ["note 0", "note 5"]


def test_a_span_outside_of_its_turn_is_no_evidence() -> None:
    transcript = clinical.transcript(("P", "I sleep badly."))

    def note(*spans: EvidenceSpan) -> Note:
        said = Sentence(id="s1", text="I sleep badly.", origin=Origin.QUOTE, evidence=spans)
        gap = Sentence(id="s2", text="[clinician to complete]", origin=Origin.PLACEHOLDER)
        return Note(template="soap", sections=(Section(name="S", sentences=(said, gap)),))

    inside = EvidenceSpan(turn="t1", start=0, end=14)
    assert evaluate.evidenced(note(inside), transcript) == (1, 1)
    assert evaluate.evidenced(note(), transcript) == (0, 1)
    for wrong in (inside.model_copy(update={"end": 15}), inside.model_copy(update={"turn": "t2"})):
        assert evaluate.evidenced(note(inside, wrong), transcript) == (0, 1)
