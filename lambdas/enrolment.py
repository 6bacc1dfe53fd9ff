"""A clinician's voice print on its way: recording in, print into the vault, recording erased."""

from __future__ import annotations

import functools

from countersign import enrolment
from countersign.audit.event import Event
from countersign.enrolment import Enrolment, pseudo_session, whose
from countersign.erasure import confirm
from countersign.errors import KeyDestroyed, Refusal, SessionUnknown
from lambdas import policies
from lambdas.wiring import Ports

KIND = "voice"
# Written by the portal alone, under `voice-<person>`: the last number given out, and the numbers
# that still count, which are the enrolment in use and the one that may replace it.
POINTER = "enrolment"
# Written once per number, when its answer came: {"since", "seconds"} or {"failed"}.
OUTCOME = "print"


@functools.cache
def rules() -> Enrolment:
    """The site's rules for enrolling, parsed once per process."""
    return Enrolment.from_toml(policies.text("enrolment.toml"))


def pointer(ports: Ports, person_id: str) -> dict[str, object]:
    """The person's bookkeeping, perhaps empty."""
    return ports.records.facts(f"voice-{person_id}", POINTER) or {}


def numbers(ports: Ports, person_id: str) -> tuple[int, ...]:
    """The enrolments that still count, oldest first."""
    live = pointer(ports, person_id).get("numbers")
    return tuple(sorted(int(number) for number in live)) if isinstance(live, list) else ()


def current(ports: Ports, person_id: str) -> int | None:
    """The number of the enrolment in use; None when there is none. Needs `records`."""
    for number in reversed(numbers(ports, person_id)):
        outcome = ports.records.facts(pseudo_session(person_id, number), OUTCOME)
        if outcome is not None and "since" in outcome:
            return number
    return None


def print_of(ports: Ports, person_id: str) -> str | None:
    """The clinician's voice print as text, or None without one. Needs `records` and `vault`.

    It goes into the merge of that clinician's own sessions and nowhere else: no answer, no log and
    no ledger entry may hold it.
    """
    number = current(ports, person_id)
    if number is None:
        return None
    try:
        stored: bytes | None = ports.vault.get(pseudo_session(person_id, number), KIND)
    except KeyDestroyed:
        return None
    return None if stored is None else stored.decode("ascii")


def received(session_id: str, key: str, ports: Ports) -> None:
    """A recording for enrolling has arrived: the endpoint is asked for its print.

    One that nobody waits for any more is erased unheard. Needs `records`, `audio`, `speech` and
    `ledger`.
    """
    if not _waits(session_id, ports):
        erase(session_id, "enrolment-not-wanted", ports)
        return
    ports.ledger.append(_event(session_id, "audio.received", ports))
    ports.speech.enrol(session_id, key)


def answered(session_id: str, output_key: str, failure: str | None, ports: Ports) -> None:
    """The endpoint has answered: the print is kept, and everything else of it erased at once.

    Needs `records`, `audio`, `vault` and `ledger`.
    """
    if _waits(session_id, ports):
        code = failure or _keep(session_id, output_key, ports)
        if code is not None:
            ports.ledger.append(_event(session_id, "voice.refused", ports, reason=code))
            ports.records.put_facts(session_id, OUTCOME, {"failed": code})
    erase(session_id, "voice-print-made", ports)


def overdue(session_id: str, ports: Ports) -> None:
    """No answer came in time: the recording goes, and the clinician sees that it failed."""
    erase(session_id, "hard-limit", ports)
    if _waits(session_id, ports):
        ports.records.put_facts(session_id, OUTCOME, {"failed": "AudioLimit"})


def erase(session_id: str, rule: str, ports: Ports) -> None:
    """Erases recording and output of one enrolment, with a receipt; harmless when none is left."""
    now = ports.clock.now()
    receipt = confirm(ports.audio.erase(session_id, rule, now))
    if receipt.erased:
        summary = receipt.summary()
        event = _event(session_id, "audio.erased", ports, part=summary["hashes"]["receipt"])
        ports.ledger.append(event.model_copy(update=dict(summary)))


def _keep(session_id: str, output_key: str, ports: Ports) -> str | None:
    person_id, number = whose(session_id)
    try:
        found = enrolment.read_print(ports.audio.output(output_key), rules())
    except Refusal as refusal:
        return refusal.code
    ports.ledger.append(
        _event(session_id, "voice.enrolled", ports, counts={"seconds": round(found.seconds)})
    )
    try:
        ports.vault.put(session_id, KIND, found.voice.encode("ascii"))
    except KeyDestroyed:
        # Deleted while it was on its way: its key is gone, and nothing was stored.
        return "KeyDestroyed"
    outcome = {"since": ports.clock.now().isoformat(), "seconds": found.seconds}
    ports.records.put_facts(session_id, OUTCOME, outcome)
    for older in numbers(ports, person_id):
        if older < number:
            ports.vault.shred(pseudo_session(person_id, older))
    return None


def _waits(session_id: str, ports: Ports) -> bool:
    """Whether this enrolment still counts, and has no outcome yet."""
    person_id, number = whose(session_id)
    outcome = ports.records.facts(session_id, OUTCOME)
    return number in numbers(ports, person_id) and outcome is None


def _event(
    session_id: str,
    act: str,
    ports: Ports,
    *,
    part: str = "",
    counts: dict[str, int] | None = None,
    reason: str | None = None,
) -> Event:
    person_id, _ = whose(session_id)
    site = pointer(ports, person_id).get("site")
    if not isinstance(site, str):
        raise SessionUnknown("nobody asked for this enrolment")
    return Event(
        id="/".join(filter(None, (session_id, act, part))),
        at=ports.clock.now(),
        site=site,
        actor="countersign",
        role="system",
        act=act,
        subject=session_id,
        counts=counts or {},
        reason=reason,
    )
