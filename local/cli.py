"""The command line: every stage of the system on files, and the whole of it as a demo."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from countersign.errors import (
    DrafterUnknown,
    EmptyInput,
    FileMissing,
    NotJson,
    Refusal,
)
from countersign.transcript import Transcript, decode_utf8, read_transcript

if TYPE_CHECKING:
    from countersign.audit.tiles import Reader
    from countersign.audit.verify import Report
    from inference.pipeline import Channels

CHANNELS = ("auto", "split", "mix")

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Machines transcribe, redact and draft; a licensed human countersigns.",
)
audit_app = typer.Typer(no_args_is_help=True, help="Check the audit trail, offline.")
app.add_typer(audit_app, name="audit")

prose = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Exactly one JSON document on stdout.")]
File = Annotated[str, typer.Argument(help="A file, or - for standard input.")]


def main() -> None:
    """Runs a command: exit 0 done, 1 refused, 2 wrong usage."""
    try:
        app()
    except Refusal as refusal:
        _refuse(refusal, "--json" in sys.argv)
        sys.exit(1)


def _refuse(refusal: Refusal, as_json: bool) -> None:
    if as_json:
        _emit(refusal.as_document())
    else:
        prose.print(f"[bold red]Refused[/] ({refusal.code}): {refusal.message}", highlight=False)
        prose.print(refusal.advice, style="dim", highlight=False)


def _emit(document: Any) -> None:
    if isinstance(document, BaseModel):
        document = document.model_dump(mode="json")
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


def _say(text: str) -> None:
    """One line for a person, as it is: no markup in it is ours."""
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def _read(name: str) -> bytes:
    """The bytes of a file or of standard input; `FileMissing`, `EmptyInput`."""
    if name == "-":
        raw = sys.stdin.buffer.read()
    else:
        path = Path(name)
        if not path.is_file():
            raise FileMissing(f"there is no file {name}")
        raw = path.read_bytes()
    if not raw.strip():
        raise EmptyInput(f"{name} is empty")
    return raw


def _lines(name: str) -> list[tuple[str, str]]:
    """(id, text) of a JSON Lines file, or of a transcript's turns; `NotJson` names the line."""
    text = decode_utf8(_read(name))
    whole = _parsed(text)
    if isinstance(whole, dict) and "turns" in whole:
        return [(turn.id, turn.text) for turn in read_transcript(text).turns]
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        item = _parsed(line)
        if (
            not isinstance(item, dict)
            or not isinstance(item.get("text"), str)
            or not isinstance(item.get("id"), str | int)
        ):
            raise NotJson(f'line {number} is not a JSON object {{"id", "text"}}')
        found.append((str(item["id"]), item["text"]))
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


@contextmanager
def _working(what: str) -> Iterator[None]:
    with prose.status(what):
        yield


# One stage at a time ------------------------------------------------------------------------


@app.command()
def transcribe(
    audio: Annotated[str, typer.Argument(help="Any recording that ffmpeg reads.")],
    vocabulary: Annotated[str | None, typer.Option(help="Clinic terms, one a line.")] = None,
    enrol: Annotated[str | None, typer.Option(help="The clinician's voice, alone.")] = None,
    speakers: Annotated[int | None, typer.Option(min=1, max=8)] = None,
    channels: Annotated[str, typer.Option(help="auto, split or mix.")] = "auto",
    model: Annotated[str, typer.Option(help="base, tiny, or a model's folder.")] = "base",
    as_json: Json = False,
) -> None:
    """Turn a recording into attributed turns."""
    from inference.pipeline import Pipeline
    from inference.settings import Settings

    if channels not in CHANNELS:
        raise typer.BadParameter(f"channels is one of {', '.join(CHANNELS)}")
    terms = decode_utf8(_read(vocabulary)).splitlines() if vocabulary else []
    recording = _read(audio) if audio == "-" else Path(audio)
    with _working("Transcribing"):
        transcript = Pipeline(Settings().with_model(model)).transcribe(
            recording,
            speakers=speakers,
            hotwords=tuple(term.strip() for term in terms if term.strip()),
            channels=cast("Channels", channels),
            enrol=Path(enrol) if enrol else None,
        )
    if as_json:
        _emit(transcript)
    else:
        _show_turns(transcript)


def _show_turns(transcript: Transcript) -> None:
    table = Table(box=None, show_header=False, padding=(0, 1))
    for turn in transcript.turns:
        table.add_row(f"{turn.start:7.1f}", turn.role.value, turn.text)
    Console().print(table)


@app.command()
def redact(
    file: File,
    roster: Annotated[str | None, typer.Option(help="The appointment's known names.")] = None,
    as_json: Json = False,
) -> None:
    """Replace identifiers in JSON Lines {"id", "text"} or in a transcript."""
    from countersign.redaction import read_roster
    from lambdas import engines

    lines = _lines(file)
    known = read_roster(_read(roster)) if roster else None
    redaction = engines.redaction().redact([text for _, text in lines], known)
    for (line_id, _), text, spans in zip(lines, redaction.texts, redaction.spans, strict=True):
        if as_json:
            shown = [
                {"start": s.start, "end": s.end, "label": s.label, "surrogate": s.surrogate}
                for s in spans
            ]
            _emit({"id": line_id, "text": text, "spans": shown})
        else:
            _say(f"{line_id}\t{text}")


@app.command()
def draft(
    transcript: File,
    template: Annotated[str, typer.Option(help="soap, dap, birp, girp or sirp.")] = "soap",
    drafter: Annotated[str, typer.Option()] = "extractive",
    as_json: Json = False,
) -> None:
    """Draft a note in which every sentence points at what was said."""
    from countersign import drafting
    from lambdas import engines

    if drafter != "extractive":
        raise DrafterUnknown(f"there is no drafter {drafter!r} on this machine")
    note = drafting.draft(
        read_transcript(_read(transcript)), engines.template(template), engines.lexicons()
    )
    if as_json:
        _emit(note)
        return
    for section in note.sections:
        Console().print(f"[bold]{section.name}[/]")
        for sentence in section.sentences:
            _say(f"  {sentence.text}")


@app.command("check-note")
def check_note(note: File, transcript: File, as_json: Json = False) -> None:
    """Compare any draft with the transcript it claims to come from."""
    from countersign import grounding
    from lambdas import engines

    check = grounding.check(
        grounding.read_note(_read(note)), read_transcript(_read(transcript)), engines.lexicons()
    )
    if as_json:
        _emit(check)
        return
    for finding in check.findings:
        Console().print(
            f"{finding.severity}\t{finding.kind}\t{finding.why}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    Console().print(f"verdict: {check.verdict}")


@app.command()
def screen(file: File, as_json: Json = False) -> None:
    """Find words in intake forms that a human must see at once. Never a level of risk."""
    from countersign import intake
    from lambdas import engines

    terms = engines.terms()
    for line_id, text in _lines(file):
        found = intake.screen(text, terms).model_dump(mode="json")
        if as_json:
            _emit({"id": line_id, **found})
        else:
            named = "crisis" if found["crisis"] else "urgent" if found["urgent"] else "no term"
            _say(f"{line_id}\t{named}")


@app.command()
def deliver(
    note: File,
    fhir: Annotated[str, typer.Option(help="The record system's FHIR R4 base URL.")],
    as_json: Json = False,
) -> None:
    """Send a signed note to the record system, once."""
    from countersign.delivery.document import document_reference, read_signed_note, search_token
    from lambdas.adapters.ehr import FhirEhr

    document = document_reference(read_signed_note(_read(note)))
    delivered = FhirEhr(fhir).deliver(document, search_token(document))
    result = {"resource": delivered.resource, "id": delivered.id, "status": delivered.status}
    if as_json:
        _emit(result)
    else:
        Console().print(f"{delivered.resource}/{delivered.id} {delivered.status}")


@app.command()
def access(
    who: Annotated[str, typer.Argument(help='A Cedar entity, such as User::"amy".')],
    action: Annotated[str, typer.Argument(help="Such as SignNote; policies/access names them.")],
    resource: Annotated[str, typer.Argument(help='A Cedar entity, such as Session::"s-1".')],
    entities: Annotated[str, typer.Option(help="Cedar entities, as a JSON list.")],
    as_json: Json = False,
) -> None:
    """Ask the access rules who may do what, and which rule says so."""
    from lambdas.portal.gate import rules

    given = _parsed(decode_utf8(_read(entities)))
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise NotJson("the entities are not a JSON list of Cedar entities")
    decision = rules().judge(_entity(who), action, _entity(resource), given)
    said = "allow" if decision.allowed else "deny"
    if as_json:
        _emit({"decision": said, "policies": list(decision.policy_ids)})
    else:
        _say(f"{said}\t{', '.join(decision.policy_ids)}")


def _entity(reference: str) -> dict[str, str]:
    kind, found, name = reference.partition("::")
    if not found or not kind or not name.strip('"'):
        raise typer.BadParameter(f'{reference} is not a Cedar entity, such as User::"amy"')
    return {"type": kind, "id": name.strip('"')}


# The audit trail ----------------------------------------------------------------------------

Directory = Annotated[Path, typer.Argument(help="A log in C2SP tlog-tiles form, or a proof.")]


@audit_app.command("export")
def audit_export(
    directory: Annotated[Path, typer.Argument(help="Where to; an older export is brought on.")],
    source: Annotated[
        str | None,
        typer.Option("--from", help="s3://BUCKET or a directory; default: the last demo's log."),
    ] = None,
    vkey: Annotated[Path | None, typer.Option(help="The log's public key.")] = None,
    as_json: Json = False,
) -> None:
    """Copy a published log into a directory, to be kept and checked, and check it."""
    from botocore.exceptions import BotoCoreError, ClientError

    from countersign.errors import LedgerUnavailable
    from local.ledger_files import DirectoryReader, export, open_log
    from local.stack import BUILD

    key = decode_utf8(_read(str(vkey))).strip() if vkey else None
    before = directory / "checkpoint"
    kept = decode_utf8(_read(str(before))) if before.is_file() else None
    try:
        written = export(open_log(source or str(BUILD / "local" / "demo" / "ledger")), directory)
    except (BotoCoreError, ClientError) as error:
        raise LedgerUnavailable(f"the bucket cannot be read: {error}") from error
    prose.print(f"{written} files written to {directory}", highlight=False)
    _judge(_verified(DirectoryReader(directory), key, kept), as_json)


@audit_app.command("verify")
def audit_verify(
    directory: Directory,
    vkey: Annotated[Path | None, typer.Option(help="The log's public key.")] = None,
    since: Annotated[Path | None, typer.Option(help="A checkpoint kept from before.")] = None,
    witness: Annotated[
        list[Path] | None,
        typer.Option(help="The key of a witness who must have cosigned; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Recompute the whole log and say what is wrong, and where."""
    from countersign.audit.verify import verify_proof
    from countersign.errors import BadLogKey
    from local.ledger_files import DirectoryReader

    key = decode_utf8(_read(str(vkey))).strip() if vkey else None
    if directory.is_file():
        if key is None:
            raise BadLogKey("a proof is checked against the log's key: give --vkey")
        _judge(verify_proof(_read(str(directory)), key), as_json)
    else:
        kept = decode_utf8(_read(str(since))) if since else None
        asked = [decode_utf8(_read(str(file))).strip() for file in witness or ()]
        _judge(_verified(DirectoryReader(directory), key, kept, asked), as_json)


def _verified(
    reader: Reader, key: str | None, kept: str | None, witnesses: Sequence[str] = ()
) -> Report:
    from countersign.audit.verify import verify_directory
    from local.ledger_files import in_processes

    return verify_directory(reader, key, kept, witnesses=witnesses, spread=in_processes)


def _judge(report: Report, as_json: bool) -> None:
    """Shows a verification; exit 1 if anything is broken."""
    if as_json:
        _emit(report)
    else:
        _say(f"{report.size} entries, root {report.root}")
        for note in report.notes:
            prose.print(note, style="dim", markup=False, highlight=False)
        for found in report.breaks:
            where = "the log" if found.index is None else f"entry {found.index}"
            _say(f"{found.kind} at {where}: {found.why}")
        Console().print("[green]verified[/]" if report.verified else "[bold red]NOT verified[/]")
    if not report.verified:
        raise typer.Exit(1)


@audit_app.command("prove")
def audit_prove(directory: Directory, event_id: str, as_json: Json = False) -> None:
    """An inclusion proof of one event, as text that other tools can check."""
    from countersign.audit.verify import prove, verify_proof
    from local.ledger_files import DirectoryReader

    reader = DirectoryReader(directory)
    proof = prove(reader, event_id)
    if as_json:
        # prove has read the key, or refused.
        report = verify_proof(proof, decode_utf8(reader.read("vkey") or b""))
        _emit({"proof": proof} | report.model_dump(mode="json"))
    else:
        sys.stdout.write(proof)


@app.command()
def cost(
    sessions_per_day: Annotated[float, typer.Option(help="Sessions recorded on a working day.")],
    minutes: Annotated[float, typer.Option(help="How long a session is.")] = 50.0,
    clinicians: Annotated[
        float | None, typer.Option(help="Who signs in; default: counted from the sessions.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What a month on AWS costs, by service, from a price table with its date."""
    from local import costs

    if as_json:
        _emit(costs.document(sessions_per_day, minutes, clinicians))
    else:
        costs.show(costs.document(sessions_per_day, minutes, clinicians), Console())


@app.command()
def eligibility(
    x12: Annotated[str, typer.Option("--x12", help="A payer's 271, or - for standard input.")],
    on: Annotated[
        str | None,
        typer.Option(help="The day asked about; default: when it answered."),
    ] = None,
    as_json: Json = False,
) -> None:
    """What a payer's answer says of a patient's coverage, in plain fields."""
    from datetime import date

    from countersign.errors import BadQuestion
    from countersign.intake.eligibility import read_answers

    try:
        day = date.fromisoformat(on) if on else None
    except ValueError:
        raise BadQuestion(f"{on!r} is not a day as YYYY-MM-DD") from None
    read = read_answers(decode_utf8(_read(x12)), day)
    answers = [answer.model_dump(mode="json") for answer in read]
    if as_json:
        _emit(answers[0] | {"others": answers[1:]})
        return
    for answer in answers:
        who = (answer["person"] or {}).get("name", "")
        sys.stdout.write("\n".join((*([who] if who else []), *answer["words"])) + "\n")


@audit_app.command("fhir")
def audit_fhir(
    directory: Annotated[Path, typer.Argument(help="A log in C2SP tlog-tiles form.")],
    vkey: Annotated[Path | None, typer.Option(help="The log's public key.")] = None,
    as_json: Json = False,
) -> None:
    """Every entry of a log that verifies as a FHIR R4 AuditEvent: JSON Lines, asked for or not."""
    from countersign.audit.disclosure import audit_event
    from countersign.audit.event import read_event
    from countersign.audit.verify import entries
    from countersign.errors import LedgerBroken
    from local.ledger_files import DirectoryReader

    reader = DirectoryReader(directory)
    report = _verified(reader, decode_utf8(_read(str(vkey))).strip() if vkey else None, None)
    for found in report.breaks:
        raise LedgerBroken(f"{found.kind}: {found.why}")
    for index, leaf in enumerate(entries(reader, report.size)):
        sys.stdout.write(json.dumps(audit_event(read_event(leaf), index)) + "\n")


# The whole way ------------------------------------------------------------------------------


@app.command()
def demo(
    audio: Annotated[str | None, typer.Option(help="Another recording of a session.")] = None,
    roster: Annotated[str | None, typer.Option(help="The names known to that session.")] = None,
    template: Annotated[str, typer.Option()] = "soap",
    auto_sign: Annotated[bool, typer.Option(help="Sign as the demo clinician.")] = False,
    model: Annotated[str, typer.Option(help="base, tiny, or a model's folder.")] = "base",
    as_json: Json = False,
) -> None:
    """Run one session from consent to a verified ledger, on this machine."""
    from local import demonstration

    document = demonstration.run(
        audio=Path(audio) if audio else None,
        roster=Path(roster) if roster else None,
        template=template,
        auto_sign=auto_sign,
        model=model,
        console=prose,
    )
    if as_json:
        _emit(document)
    else:
        demonstration.summarize(document, Console())


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=1024, max=65535)] = 8000,
    model: Annotated[str, typer.Option(help="base, tiny, or a model's folder.")] = "base",
) -> None:
    """The portal with demo people, on loopback only."""
    from local import demonstration

    demonstration.serve(port=port, model=model, console=prose)


if __name__ == "__main__":
    main()
