"""The command line: one JSON document or a refusal in words, and never a traceback."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from countersign.audit.checkpoint import WitnessKey
from local import cli
from tests.audit_logs import Files, Key, event, leaves, published

TRANSCRIPT: dict[str, Any] = {
    "turns": [
        {
            "id": "t1",
            "role": "therapist",
            "start": 0,
            "end": 4,
            "text": "How have you been sleeping, Marisol?",
        },
        {
            "id": "t2",
            "role": "patient",
            "start": 4,
            "end": 9,
            "text": "I sleep about four hours and I feel anxious at work every day.",
        },
    ]
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Calls the command as the console script does: (exit code, standard output)."""

    def called(*arguments: str, stdin: bytes = b"") -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["countersign", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), capsys.readouterr().out

    return called


@pytest.fixture
def transcript(tmp_path: Path) -> str:
    path = tmp_path / "transcript.json"
    path.write_text(json.dumps(TRANSCRIPT))
    return str(path)


def code_of(printed: str) -> str:
    lines = printed.splitlines()
    assert len(lines) == 1
    return str(json.loads(lines[0])["error"]["code"])


BROKEN = {
    "nothing": (b"", "EmptyInput"),
    "blank": (b" \n\n", "EmptyInput"),
    "not UTF-8": (b"\xff\xfe{", "NotUtf8"),
    "no turns": (b'{"turns": []}', "BadTranscript"),
    "overlapping": (
        b'{"turns": [{"id": "a", "start": 0, "end": 5, "text": "x"},'
        b' {"id": "b", "start": 3, "end": 6, "text": "y"}]}',
        "BadTranscript",
    ),
    "before the beginning": (
        b'{"turns": [{"id": "a", "start": -1, "end": 5, "text": "x"}]}',
        "BadTranscript",
    ),
    "backwards": (
        b'{"turns": [{"id": "a", "start": 5, "end": 1, "text": "x"}]}',
        "BadTranscript",
    ),
    "the same id twice": (
        b'{"turns": [{"id": "a", "start": 0, "end": 1, "text": "x"},'
        b' {"id": "a", "start": 1, "end": 2, "text": "y"}]}',
        "BadTranscript",
    ),
    "endless": (b'{"turns": [{"id": "a", "start": 0, "end": 1e999, "text": "x"}]}', None),
    "not JSON": (b"once upon a time", "NotJson"),
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("command", ["draft", "redact", "screen"])
def test_broken_input_is_refused_by_its_name(
    run: Any, tmp_path: Path, command: str, what: str
) -> None:
    content, code = BROKEN[what]
    path = tmp_path / "input"
    path.write_bytes(content)
    exit_code, printed = run(command, str(path), "--json")
    assert exit_code == 1
    assert code_of(printed) == code or code is None


@pytest.mark.parametrize("command", ["draft", "redact", "screen", "transcribe"])
def test_a_file_that_is_not_there_is_said_to_be_missing(run: Any, command: str) -> None:
    exit_code, printed = run(command, "nowhere.json", "--json")
    assert (exit_code, code_of(printed)) == (1, "FileMissing")


@pytest.mark.parametrize(
    "arguments", [("draft",), ("transcribe", "x", "--channels", "left"), ("fly",), ("audit",)]
)
def test_wrong_usage_is_exit_code_2(run: Any, arguments: tuple[str, ...]) -> None:
    exit_code, printed = run(*arguments)
    assert exit_code == 2
    assert "{" not in printed or "Usage" in printed


def test_a_refusal_without_json_is_prose_on_standard_error(run: Any) -> None:
    exit_code, printed = run("draft", "nowhere.json")
    assert (exit_code, printed) == (1, "")


def test_redact_reads_lines_and_answers_in_lines(run: Any, tmp_path: Path) -> None:
    roster = tmp_path / "roster.json"
    roster.write_text(json.dumps({"people": [{"name": "Marisol Vega", "role": "patient"}]}))
    lines = b'{"id": "a", "text": "this is marisol"}\n\n{"id": 7, "text": "nothing here"}\n'
    exit_code, printed = run("redact", "-", "--roster", str(roster), "--json", stdin=lines)
    assert exit_code == 0
    first, second = (json.loads(line) for line in printed.splitlines())
    (span,) = first["spans"]
    assert "this is marisol"[span["start"] : span["end"]] == "marisol"
    assert first["text"] == f"this is {span['surrogate']}"
    assert second == {"id": "7", "text": "nothing here", "spans": []}


def test_redact_names_the_line_that_is_wrong(run: Any) -> None:
    lines = b'{"id": "a", "text": "fine"}\n{"id": "b"}\n'
    exit_code, printed = run("redact", "-", "--json", stdin=lines)
    assert exit_code == 1
    assert "line 2" in json.loads(printed)["error"]["message"]


def test_a_draft_passes_its_own_check(run: Any, transcript: str, tmp_path: Path) -> None:
    exit_code, printed = run("draft", transcript, "--json")
    assert exit_code == 0
    note = json.loads(printed)
    assert note["template"] == "soap"
    path = tmp_path / "note.json"
    path.write_text(printed)
    exit_code, printed = run("check-note", str(path), transcript, "--json")
    assert exit_code == 0
    assert json.loads(printed)["verdict"] == "pass"


def test_an_invented_dose_is_blocked_where_it_stands(
    run: Any, transcript: str, tmp_path: Path
) -> None:
    text = "Patient takes sertraline 200 mg daily. Patient feels anxious at work."
    path = tmp_path / "note.json"
    path.write_text(json.dumps({"text": text}))
    exit_code, printed = run("check-note", str(path), transcript, "--json")
    check = json.loads(printed)
    assert exit_code == 0
    assert check["verdict"] == "block"
    spans = [text[slice(*finding["span"])] for finding in check["findings"]]
    assert any("sertraline" in span or "200" in span for span in spans)


@pytest.mark.parametrize("template", ["dap", "birp", "girp", "sirp"])
def test_every_template_drafts(run: Any, transcript: str, template: str) -> None:
    exit_code, printed = run("draft", transcript, "--template", template, "--json")
    assert exit_code == 0
    assert json.loads(printed)["template"] == template


@pytest.mark.parametrize(
    ("option", "code"),
    [(("--template", "haiku"), "TemplateUnknown"), (("--drafter", "muse"), "DrafterUnknown")],
)
def test_what_is_not_there_to_choose_is_refused(
    run: Any, transcript: str, option: tuple[str, str], code: str
) -> None:
    exit_code, printed = run("draft", transcript, *option, "--json")
    assert (exit_code, code_of(printed)) == (1, code)


def test_screen_answers_line_by_line_and_never_with_a_level(run: Any) -> None:
    lines = b'{"id": "1", "text": "I want to kill myself"}\n{"id": "2", "text": "see you Monday"}\n'
    exit_code, printed = run("screen", "-", "--json", stdin=lines)
    assert exit_code == 0
    first, second = (json.loads(line) for line in printed.splitlines())
    assert first["crisis"] is True
    assert second["crisis"] is False
    assert set(first) == {"id", "crisis", "urgent", "spans"}
    assert set(first["spans"][0]) == {"start", "end", "term", "kind", "status"}


def test_a_directory_that_holds_no_log_does_not_verify(run: Any, tmp_path: Path) -> None:
    exit_code, printed = run("audit", "verify", str(tmp_path), "--json")
    assert exit_code == 1
    assert json.loads(printed)["verified"] is False


def laid_out(log: Files, directory: Path) -> str:
    for path, content in log.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    return str(directory)


def test_a_log_is_written_as_fhir_if_it_verifies(run: Any, tmp_path: Path) -> None:
    log = laid_out(published(leaves(3)), tmp_path / "log")
    exit_code, printed = run("audit", "fhir", log, "--json")
    written = [json.loads(line) for line in printed.splitlines()]
    assert exit_code == 0 and [each["resourceType"] for each in written] == ["AuditEvent"] * 3
    (tmp_path / "log" / "tile" / "0" / "000.p" / "3").write_bytes(bytes(96))
    exit_code, printed = run("audit", "fhir", log, "--json")
    assert exit_code == 1 and code_of(printed) == "LedgerBroken"


def test_a_witness_who_did_not_cosign_is_missed(run: Any, tmp_path: Path) -> None:
    log = laid_out(published(leaves(3)), tmp_path / "log")
    witness = tmp_path / "witness.vkey"
    witness.write_text(f"{WitnessKey('witness.example', Key('witness').public_key())}\n")
    exit_code, printed = run("audit", "verify", log, "--witness", str(witness), "--json")
    assert exit_code == 1
    assert [each["kind"] for each in json.loads(printed)["breaks"]] == ["witness"]


def test_a_log_is_exported_brought_up_to_date_and_proven_from(run: Any, tmp_path: Path) -> None:
    early = laid_out(published(leaves(3)), tmp_path / "early")
    late = laid_out(published(leaves(9), sizes=(3,)), tmp_path / "late")
    copy, key = str(tmp_path / "copy"), tmp_path / "vkey"
    key.write_text(Key().vkey())
    for source, size in ((early, 3), (late, 9)):
        exit_code, printed = run(
            "audit", "export", copy, "--from", source, "--vkey", str(key), "--json"
        )
        report = json.loads(printed)
        assert exit_code == 0 and report["verified"] and report["size"] == size
        assert {"size", "root", "checkpoint", "verified", "breaks"} <= set(report)
    exit_code, printed = run("audit", "prove", copy, event(4).id, "--json")
    proven = json.loads(printed)
    assert exit_code == 0 and proven["verified"] and proven["event"]["id"] == event(4).id
    (tmp_path / "proof").write_text(proven["proof"])
    exit_code, printed = run("audit", "verify", str(tmp_path / "proof"), "--vkey", str(key))
    assert exit_code == 0 and "verified" in printed


def test_an_export_of_a_log_that_was_set_back_says_so(run: Any, tmp_path: Path) -> None:
    copy = str(tmp_path / "copy")
    run("audit", "export", copy, "--from", laid_out(published(leaves(9)), tmp_path / "log"))
    back = laid_out(published(leaves(9)[:4]), tmp_path / "back")
    exit_code, printed = run("audit", "export", copy, "--from", back, "--json")
    assert exit_code == 1
    assert "rollback" in {each["kind"] for each in json.loads(printed)["breaks"]}


def test_there_must_be_a_log_to_export(run: Any, tmp_path: Path) -> None:
    exit_code, printed = run(
        "audit", "export", str(tmp_path / "copy"), "--from", str(tmp_path / "none"), "--json"
    )
    assert exit_code == 1 and code_of(printed) == "FileMissing"
    assert not (tmp_path / "copy").exists()


def test_access_is_decided_by_the_rules_of_the_portal(run: Any, tmp_path: Path) -> None:
    amy, ben = (
        {
            "uid": {"type": "User", "id": name},
            "attrs": {"site": "main", "licensed": True},
            "parents": [{"type": "Role", "id": "clinician"}],
        }
        for name in ("amy", "ben")
    )
    hers = {"__entity": {"type": "User", "id": "amy"}}
    patient = {
        "uid": {"type": "Patient", "id": "p"},
        "attrs": {"site": "main", "clinicians": [hers]},
        "parents": [],
    }
    session = {
        "uid": {"type": "Session", "id": "s"},
        "attrs": {
            "site": "main",
            "patient": {"__entity": {"type": "Patient", "id": "p"}},
            "clinician": hers,
        },
        "parents": [],
    }
    path = tmp_path / "entities.json"
    path.write_text(json.dumps([amy, ben, patient, session]))
    asked = ("SignNote", 'Session::"s"', "--entities", str(path), "--json")
    exit_code, printed = run("access", 'User::"amy"', *asked)
    assert exit_code == 0
    own = json.loads(printed)
    assert own["decision"] == "allow"
    assert own["policies"]
    exit_code, printed = run("access", "User::ben", *asked)
    assert (exit_code, json.loads(printed)["decision"]) == (0, "deny")
    exit_code, _ = run("access", "ben", *asked)
    assert exit_code == 2
