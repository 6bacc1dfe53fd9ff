"""One session, from consent to a verified ledger, through the doors that everybody else uses."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from countersign.audit.checkpoint import LogKey
from countersign.audit.event import read_event
from countersign.audit.verify import entries, verify_directory
from countersign.errors import FileMissing, LeakFound, LedgerBroken, Refusal, SpeechFailed
from countersign.redaction import read_roster
from countersign.segments import SETTLED, Ingest
from countersign.session import State
from countersign.transcript import Transcript
from lambdas import policies
from lambdas.adapters.audio import S3AudioStore
from lambdas.adapters.ledger import S3Log
from lambdas.adapters.signer import KmsSigner
from local import ledger_files, people, recorder, traces
from local.stack import BUILD, Clinic, Running

SAMPLE_ROSTER = people.SAMPLE / "roster.json"

# An hour of audio on two slow cores; a run that takes longer is not waiting but stuck.
_PATIENCE_SECONDS = 3600

# A stage is the time from one entry of the ledger to the next, by the functions' own clocks. The
# first begins with the arrival of the last segment: what was heard before it needs no waiting.
_STAGES = {
    "transcript.stored": "transcribe",
    "audio.erased": "erase",
    "transcript.redacted": "redact",
    "note.drafted": "draft",
    "review.opened": "ground",
    "note.signed": "sign",
    "note.delivered": "deliver",
    "session.closed": "close",
}


class StepRefused(Refusal):
    """The portal answered the demo with a refusal of its own."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self._code = code

    @property
    def code(self) -> str:
        return self._code


@dataclass
class Timed:
    """What took how long, in seconds and in order."""

    console: Console
    stages: list[dict[str, object]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str, words: str) -> Iterator[None]:
        started = time.perf_counter()
        with self.console.status(words):
            yield
        self.add(name, time.perf_counter() - started)
        self.console.print(f"[green]✓[/] {words} [dim]{self.stages[-1]['seconds']} s[/]")

    def add(self, name: str, seconds: float) -> None:
        self.stages.append({"name": name, "seconds": round(seconds, 3)})

    def say(self, words: str) -> None:
        self.console.print(f"[green]✓[/] {words}")


def run(
    *,
    audio: Path | None,
    roster: Path | None,
    template: str,
    auto_sign: bool,
    model: str,
    console: Console,
) -> dict[str, Any]:
    """Runs the demo and returns the document of docs/cli.md. The system is stopped at the end.

    Raises a `Refusal` when a step refuses, and leaves nothing running.
    """
    recording = audio or people.SAMPLE / "session.flac"
    if not recording.is_file():
        raise FileMissing(f"there is no recording {recording}")
    if roster is not None:
        if not roster.is_file():
            raise FileMissing(f"there is no roster {roster}")
        read_roster(roster.read_bytes())
    timed = Timed(console)
    clinic = Clinic(
        "demo",
        model=_model(model),
        seed=lambda running: people.seed(running, roster),
        progress=lambda words: console.print(f"  [dim]{words}[/]"),
    )
    with clinic:
        with timed.stage("set-up", "Deploy the synthesized template on this machine"):
            running = clinic.start()
        return _session(running, recording, roster or SAMPLE_ROSTER, template, auto_sign, timed)


def _model(name: str) -> str:
    """The folder of a model below build/models/, or a folder given as such."""
    return str(Path(name).resolve()) if "/" in name else f"whisper-{name}"


def _session(
    running: Running, recording: Path, roster: Path, template: str, auto_sign: bool, timed: Timed
) -> dict[str, Any]:
    hale = people.sign_in(running.portal, people.THERAPIST.username)
    timed.say(f"{people.THERAPIST.name} signed in")
    session_id = _register(hale, template)
    refused = hale.post(f"/api/sessions/{session_id}/upload", json={"segment": 0})
    _expect_refusal(refused, "ConsentMissing")
    timed.say("Without a stored consent the upload is refused")
    _record(hale, session_id, recording, timed)
    store = S3AudioStore(running.client("s3"), running.outputs["IngestBucketName"])
    left = store.listing(session_id)
    timed.say(f"Versions and delete markers of the audio that are left: {len(left)}")
    okafor = people.sign_in(running.portal, people.OTHER_THERAPIST.username)
    _expect_refusal(okafor.get(f"/api/sessions/{session_id}/draft"), "AccessDenied")
    timed.say("A therapist of other patients is refused the transcript")
    draft = _asked(hale.get(f"/api/sessions/{session_id}/draft"))
    delivery: dict[str, Any] = {"resource": "DocumentReference", "id": "", "status": "waiting"}
    if auto_sign:
        with timed.stage("sign and deliver", "Countersign, put identifiers back, deliver, close"):
            draft = _complete(hale, session_id, draft)
            _read(hale, session_id, draft, timed)
            # A signature needs a sign-in that has just happened.
            hale = people.sign_in(running.portal, people.THERAPIST.username)
            _asked(
                hale.post(
                    f"/api/sessions/{session_id}/signature",
                    json={"digest": draft["digest"], "attestation": True},
                )
            )
            _wait(hale, session_id, State.CLOSED)
        delivery = _delivered(running, timed)
    ledger = _ledger(running, timed, session_id)
    with timed.stage("search", "Look for the session's names and words in logs and histories"):
        found = _search(running, draft, roster, ledger)
    timed.say(f"None among {found['lines']} lines in {found['places']} places")
    return {
        "session_id": session_id,
        "portal": running.portal,
        "stages": timed.stages,
        "audio_seconds": draft["transcript"]["duration"],
        "transcript": draft["transcript"],
        "note": draft["note"],
        "delivery": delivery,
        "audio_objects_left": len(left),
        "ledger": ledger,
        "traces": found,
    }


def _search(running: Running, draft: Any, roster: Path, ledger: dict[str, Any]) -> dict[str, int]:
    """Everything written for operators holds nothing of what was said, or the demo fails."""
    reader = ledger_files.DirectoryReader(ledger["directory"])
    found = traces.search(
        running,
        Transcript.model_validate(draft["transcript"]),
        read_roster(roster.read_bytes()),
        entries(reader, ledger["size"]),
    )
    if found.found:
        raise LeakFound(f"words of the session are in {', '.join(found.found)}")
    return {"places": found.places, "lines": found.lines}


def _register(client: httpx.Client, template: str) -> str:
    asked = {"patient_id": people.PATIENT, "template": template}
    return str(_asked(client.post("/api/sessions", json=asked))["id"])


def _send(client: httpx.Client, session_id: str, index: int, sent: recorder.Sent) -> None:
    """One segment: a ticket, then the bytes to where it leads."""
    place = {"segment": index, "starts_at": sent.starts_at, "seconds": sent.seconds}
    asked = {**place, "content_type": sent.content_type}
    ticket = _asked(client.post(f"/api/sessions/{session_id}/upload", json=asked))
    httpx.put(
        ticket["url"], content=sent.content, headers=ticket["headers"], timeout=60
    ).raise_for_status()


def _settled(client: httpx.Client, session_id: str, index: int) -> None:
    """Waits until a segment has become text, which takes less time than speaking the next one."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        session = _asked(client.get(f"/api/sessions/{session_id}"))
        states = {each["segment"]: each["state"] for each in session["segments"]}
        if states.get(index) in SETTLED or session["state"] == State.FAILED:
            return
        time.sleep(0.1)
    raise SpeechFailed(f"segment {index} is not transcribed after {_PATIENCE_SECONDS} s")


def _record(client: httpx.Client, session_id: str, recording: Path, timed: Timed) -> None:
    """From the patient's consent to a draft that waits for its signature."""
    _asked(client.post(f"/api/patients/{people.PATIENT}/consents", json={"days": 30}))
    timed.say("The patient's consent to recording and to AI processing is stored")
    parts = recorder.segments(recording, Ingest.from_toml(policies.text("retention.toml")))
    words = f"Upload the recording in {len(parts)} segments, each transcribed and erased at once"
    with timed.stage("upload", words):
        for index, part in enumerate(parts):
            if index:
                _settled(client, session_id, index - 1)
            _send(client, session_id, index, part)
    last_byte = time.perf_counter()
    _asked(client.post(f"/api/sessions/{session_id}/recording/end", json={"segments": len(parts)}))
    with timed.stage("process", "Transcribe the last one, redact, draft and check"):
        _wait(client, session_id, State.TRANSCRIBED)
        seconds = time.perf_counter() - last_byte
        _wait(client, session_id, State.AWAITING_SIGNATURE)
    timed.say(f"The transcript was complete {seconds:.1f} s after the last byte")


def _asked(answer: httpx.Response) -> Any:
    """The JSON of a successful answer; raises the portal's own refusal."""
    if answer.is_success:
        return answer.json()
    try:
        error = answer.json()["error"]
        refusal = StepRefused(error["code"], error["message"], error["hint"])
    except (ValueError, KeyError, TypeError):
        refusal = StepRefused(
            "PortalFailed", f"the portal answered HTTP {answer.status_code}", "Look at build/local."
        )
    raise refusal


def _expect_refusal(answer: httpx.Response, code: str) -> None:
    """The demo shows a refusal; a door that stands open ends it."""
    given = answer.json().get("error", {}).get("code") if answer.status_code >= 400 else None
    if given != code:
        raise StepRefused(
            "NotRefused", f"expected {code}, got {given or answer.status_code}", "Do not deploy."
        )


def _wait(client: httpx.Client, session_id: str, state: State) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        session = _asked(client.get(f"/api/sessions/{session_id}"))
        if session["state"] == state or _is_past(session["state"], state):
            return
        if session["state"] in (State.FAILED, State.LOCKED):
            code = session.get("failure") or "SessionFailed"
            raise StepRefused(
                code,
                f"the session ended as {session['state']}",
                "The recording was erased and the clinician told; write this note by hand.",
            )
        time.sleep(0.25)
    raise SpeechFailed(f"the session is not {state} after {_PATIENCE_SECONDS} s")


def _is_past(state: str, awaited: State) -> bool:
    order = list(State)
    ways = order[: order.index(State.CLOSED) + 1]
    return state in ways and ways.index(State(state)) > ways.index(awaited)


def _complete(client: httpx.Client, session_id: str, draft: Any) -> Any:
    """What a hurried but honest clinician does: confirms what may be confirmed, strikes gaps."""
    for sentence_id in dict.fromkeys(point["sentence"] for point in draft["open"]):
        points = [point for point in draft["open"] if point["sentence"] == sentence_id]
        act = "confirm" if all(point["confirmable"] for point in points) else "strike"
        draft = _asked(
            client.patch(
                f"/api/sessions/{session_id}/draft/sentences/{sentence_id}",
                json={"version": draft["version"], act: True},
            )
        )
    return draft


def _read(client: httpx.Client, session_id: str, draft: Any, timed: Timed) -> None:
    """Says of each section that it was read, and waits as long as that takes."""
    readable = draft["readable_by"]
    for number in range(len(draft["note"]["sections"])):
        seen = client.post(f"/api/sessions/{session_id}/draft/sections/{number}/seen", json={})
        readable = _asked(seen)["readable_by"]
    left = (datetime.fromisoformat(readable) - datetime.now(UTC)).total_seconds()
    if left > 0:
        timed.say(f"Nobody signs faster than they can read: {left:.0f} more seconds")
        time.sleep(left + 1)


def _delivered(running: Running, timed: Timed) -> dict[str, Any]:
    """What the record system itself says that it holds."""
    found = httpx.get(f"{running.fhir}/DocumentReference", timeout=20).raise_for_status().json()
    documents = [entry["resource"] for entry in found.get("entry", [])]
    timed.say(f"The record system holds {len(documents)} signed document")
    if not documents:
        raise StepRefused("NotDelivered", "the record system holds no document", "See its log.")
    return {"resource": "DocumentReference", "id": documents[-1]["id"], "status": "created"}


def _ledger(running: Running, timed: Timed, session_id: str) -> dict[str, Any]:
    """Exports the published log, verifies it with the key that KMS holds, and reads the stages."""
    directory = BUILD / "local" / "demo" / "ledger"
    log = S3Log(running.client("s3"), running.outputs["LedgerBucketName"])
    with timed.stage("verify", "Export the audit log and recompute all of it"):
        # What an earlier run exported is another log.
        shutil.rmtree(directory, ignore_errors=True)
        ledger_files.export(log, directory)
        signer = KmsSigner(running.client("kms"), running.outputs["SigningKeyArn"])
        reader = ledger_files.DirectoryReader(directory)
        origin = (reader.read("checkpoint") or b"").split(b"\n", 1)[0].decode()
        report = verify_directory(reader, str(LogKey(origin, signer.public_key())))
    if not report.verified:
        found = ", ".join(sorted({each.kind for each in report.breaks}))
        raise LedgerBroken(f"the exported log does not verify: {found}")
    before: datetime | None = None
    stored = False
    for leaf in entries(reader, report.size):
        event = read_event(leaf)
        if event.subject != session_id:
            continue
        stored = stored or event.act == "transcript.stored"
        if event.act == "audio.received":
            before = event.at
        elif stored and event.act in _STAGES and before is not None:
            timed.add(_STAGES[event.act], (event.at - before).total_seconds())
            before = event.at
    return {
        "size": report.size,
        "root": report.root,
        "checkpoint": report.checkpoint,
        "verified": report.verified,
        "directory": str(directory),
    }


def summarize(document: dict[str, Any], console: Console) -> None:
    """What a clinic's IT lead wants to know of a demo, on one screen."""
    table = Table(title="What just happened", show_header=False, title_justify="left", box=None)
    table.add_column(style="bold")
    table.add_column()
    turns = document["transcript"]["turns"]
    words = sum(len(turn["text"].split()) for turn in turns)
    sentences = [s for section in document["note"]["sections"] for s in section["sentences"]]
    evidence = sum(bool(s["evidence"]) for s in sentences)
    ledger, delivery = document["ledger"], document["delivery"]
    table.add_row("Recording", f"{document['audio_seconds']:.0f} s, two people, with consent")
    table.add_row("Transcript", f"{len(turns)} turns, {words} words, attributed")
    table.add_row("Audio left", f"{document['audio_objects_left']} objects, versions or markers")
    table.add_row("Draft", f"{len(sentences)} sentences, {evidence} with their evidence")
    table.add_row("Record", f"{delivery['resource']} {delivery['status']} {delivery['id']}")
    verified = "[green]verified[/]" if ledger["verified"] else "[bold red]NOT verified[/]"
    table.add_row("Audit log", f"{ledger['size']} entries, {verified}, in {ledger['directory']}")
    console.print()
    console.print(table)
    stages = ", ".join(f"{s['name']} {s['seconds']} s" for s in document["stages"])
    console.print(f"\n[dim]{stages}[/]")
    if delivery["status"] == "waiting":
        console.print("\nThe draft waits for a signature. `make serve` opens the portal.")


def serve(*, port: int, model: str, console: Console) -> None:
    """Keeps the portal open on loopback until it is interrupted, with a draft to review."""
    clinic = Clinic(
        "serve",
        model=_model(model),
        keep=True,
        seed=people.seed,
        progress=lambda words: console.print(f"  [dim]{words}[/]"),
    )
    with clinic:
        running = clinic.start(port=port, fresh=False)
        timed = Timed(console)
        hale = people.sign_in(running.portal, people.THERAPIST.username)
        console.print(f"\nThe portal is at [bold]{running.portal}[/]")
        for staff in people.STAFF:
            console.print(f"  {staff.username:<26} {people.PASSWORD}  [dim]{staff.what}[/]")
        waiting = _asked(hale.get("/api/sessions", params={"state": State.AWAITING_SIGNATURE}))
        if not waiting["sessions"]:
            console.print("Preparing a draft from the sample session:")
            _record(hale, _register(hale, "soap"), people.SAMPLE / "session.flac", timed)
        console.print("Press Ctrl-C to stop; drafts are kept for the next time.")
        while not (dead := clinic.dead()):
            time.sleep(1)
        raise SpeechFailed(f"ended by itself: {', '.join(dead)}; see build/local/serve/")
