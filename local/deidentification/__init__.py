"""Decides what the marked texts of our own are: what redaction is measured on without other data.

`spoken.txt`, `lower.txt` and `cased.txt` hold a text a line, `[[LABEL|identifier]]` in place. A
line that begins with `@` is the roster of the lines below it: `p=` patient, `c=` clinician, `r=`
relatives, `o=` others, with aliases in brackets; `pl=` places, `org=` organizations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from countersign.redaction import Person, Roster
from countersign.redaction.roster import Part

FOLDER: Final = Path(__file__).parent
_MARK: Final = re.compile(r"\[\[([A-Z_0-9]+)\|(.+?)\]\]", re.DOTALL)
_NAMED: Final = re.compile(r"(.+?)\s*\((.+)\)")
_PARTS: Final = {
    "p": Part.PATIENT,
    "c": Part.CLINICIAN,
    "r": Part.RELATIVE,
    "o": Part.OTHER,
}


@dataclass(frozen=True)
class Case:
    """A text, its identifiers as (start, end, label), and what the appointment would know."""

    id: str
    text: str
    marks: tuple[tuple[int, int, str], ...]
    roster: Roster | None


def cases(register: str) -> list[Case]:
    """The texts of one register: `spoken`, `lower` or `cased`."""
    return list(_cases(register, (FOLDER / f"{register}.txt").read_text()))


def _cases(register: str, text: str) -> Iterator[Case]:
    roster: Roster | None = None
    count = 0
    for line in text.splitlines():
        if line.startswith("@"):
            roster = _roster(line[1:])
        elif line.strip() and not line.startswith("#"):
            count += 1
            said, marks = _unmarked(line.strip().replace("\\n", "\n"))
            yield Case(f"{register} {count}", said, marks, roster)


def _unmarked(line: str) -> tuple[str, tuple[tuple[int, int, str], ...]]:
    pieces: list[str] = []
    marks: list[tuple[int, int, str]] = []
    size = end = 0
    for match in _MARK.finditer(line):
        before = line[end : match.start()]
        size += len(before)
        marks.append((size, size + len(match[2]), match[1]))
        pieces += (before, match[2])
        size += len(match[2])
        end = match.end()
    return "".join((*pieces, line[end:])), tuple(marks)


def _roster(line: str) -> Roster:
    people: list[Person] = []
    things: dict[str, list[str]] = {"pl": [], "org": []}
    for field in filter(None, (part.strip() for part in line.split(";"))):
        key, _, names = field.partition("=")
        for name in (item.strip() for item in names.split(",")):
            if key in things:
                things[key].append(name)
                continue
            named = _NAMED.fullmatch(name)
            aliases = tuple(alias.strip() for alias in named[2].split("/")) if named else ()
            people.append(
                Person(name=named[1] if named else name, role=_PARTS[key], aliases=aliases)
            )
    return Roster(
        people=tuple(people), places=tuple(things["pl"]), organizations=tuple(things["org"])
    )
