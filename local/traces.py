"""Decides whether anything a patient said can be read in logs, workflow histories or the ledger."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from countersign.redaction import Roster
from countersign.transcript import Transcript
from local.stack import Running

# Four words in a row are no accident; single ones such as "session" are.
_PHRASE = 4
_NAME = 4


@dataclass(frozen=True)
class Search:
    """How many lines were read, in how many places, and the places where something was found."""

    places: int
    lines: int
    found: tuple[str, ...]


def search(
    running: Running, transcript: Transcript, roster: Roster, leaves: Iterable[bytes]
) -> Search:
    """Reads everything the running system wrote for operators, and looks for the session in it."""
    needles = sorted(needles_of(transcript, roster))
    pattern = re.compile("|".join(map(re.escape, needles)))
    places, lines, found = set(), 0, set()
    written = _written(running)
    for place, line in (*written, *(("ledger", leaf.decode()) for leaf in leaves)):
        places.add(place)
        lines += 1
        if pattern.search(_plain(line)):
            found.add(place)
    return Search(places=len(places), lines=lines, found=tuple(sorted(found)))


def needles_of(transcript: Transcript, roster: Roster) -> set[str]:
    """What would give the session away: names of its roster, and any four words in a row."""
    names = {
        part
        for person in roster.people
        for name in (person.name, *person.aliases)
        for part in _plain(name).split()
        if len(part) >= _NAME and part != "doctor"
    }
    phrases = {
        " ".join(words[at : at + _PHRASE])
        for words in (_plain(turn.text).split() for turn in transcript.turns)
        for at in range(len(words) - _PHRASE + 1)
    }
    return {f" {needle} " for needle in names | phrases}


def _plain(text: str) -> str:
    return f" {' '.join(re.findall(r'[a-z0-9]+', text.lower()))} "


def _written(running: Running) -> Iterator[tuple[str, str]]:
    logs = running.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            for events in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                yield from ((name, event["message"]) for event in events["events"])
    yield from _histories(running)


def _histories(running: Running) -> Iterator[tuple[str, str]]:
    states: Any = running.client("stepfunctions")
    for output in ("SessionWorkflowArn", "IntakeWorkflowArn"):
        listed = states.list_executions(stateMachineArn=running.outputs[output])["executions"]
        for run in listed:
            pages = states.get_paginator("get_execution_history").paginate(
                executionArn=run["executionArn"]
            )
            for page in pages:
                yield from ((output, json.dumps(e, default=str)) for e in page["events"])
