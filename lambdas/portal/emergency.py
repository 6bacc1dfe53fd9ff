"""Reading in an emergency: a reason, a page to the compliance officer, an end."""

from __future__ import annotations

import functools
import hashlib
import secrets

from countersign import emergency
from countersign.access import Action
from countersign.emergency import Emergency, Grant
from countersign.errors import DraftChanged
from countersign.ports import Person
from lambdas import policies
from lambdas.portal import gate
from lambdas.wiring import Ports


@functools.cache
def rules() -> Emergency:
    """The site's rules for emergencies, parsed once per process."""
    return Emergency.from_toml(policies.text("emergency.toml"))


def break_glass(ports: Ports, person: Person, session_id: str, reason: str, words: str) -> Grant:
    """From now on `person` may read this session, until the time that the rules give.

    The entry in the ledger and the page to the compliance officer come first: without them nobody
    reads. The words go where only the compliance officer finds them, under a key of their own that
    outlives the session's. Raises `BadRequest` without a reason.
    """
    resource = gate.session_of(ports, session_id)
    allowed = gate.require(ports, person, Action.BREAK_GLASS, resource)
    given = emergency.grant(person.id, reason, words, ports.clock.now(), rules())
    once = secrets.token_hex(4)
    ports.ledger.append(
        gate.act_of(
            ports,
            person,
            "glass.broken",
            resource,
            part=f"{person.id}/{once}",
            rules=allowed,
            reason=given.reason,
            counts={"minutes": round(rules().minutes)},
            hashes={"words": hashlib.sha256(words.encode()).hexdigest()},
        )
    )
    ports.pager.tell(f"compliance_officer/{resource.session.site}", "glass.broken", session_id)
    ports.vault.put(f"glass-{session_id}", f"{person.id}.{once}", words.encode())
    known = ports.records.facts(session_id, gate.GLASS)
    grants = [*(known or {}).get("grants", []), given.model_dump(mode="json")]
    if not ports.records.swap_facts(session_id, gate.GLASS, known, {"grants": grants}):
        raise DraftChanged("somebody else opened this session at the same moment")
    return given


def standing(ports: Ports, person: Person, session_id: str) -> Grant | None:
    """The person's own grant that runs now, if there is one."""
    now = ports.clock.now()
    mine = [one for one in gate.grants(ports, session_id) if one.person == person.id]
    running = [one for one in mine if one.since <= now < one.until]
    return max(running, key=lambda one: one.until) if running else None
