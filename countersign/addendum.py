"""Decides how a signed note is corrected: it stays as it is, and the difference is signed."""

from __future__ import annotations

import difflib
from datetime import datetime
from itertools import islice

from pydantic import BaseModel, ConfigDict

from countersign.errors import BadRequest

# About twenty printed pages.
_MOST_CHARACTERS = 60_000
_MOST_REASON = 500


class Line(BaseModel):
    """A line that is `removed`, `added` or `kept`; of long kept stretches only the edges are."""

    model_config = ConfigDict(frozen=True)

    kind: str
    text: str


class Addendum(BaseModel):
    """A correction: the note as it reads from now on, why, and what that changes.

    `text` is the exact text that is signed; `after` the whole note that it leads to.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    reason: str
    lines: tuple[Line, ...]
    after: str
    text: str


class Signer(BaseModel):
    """Who signs, and what the addendum is to."""

    model_config = ConfigDict(frozen=True)

    session_id: str
    clinician: str
    licence: str
    signed_at: datetime
    digest: str


def difference(before: str, after: str) -> tuple[Line, ...]:
    """The lines that differ, each with one kept line around it for its place."""
    old, new = before.splitlines(), after.splitlines()
    found: list[Line] = []
    # The first two lines name the files; then a line that begins with @ opens each stretch.
    for line in islice(difflib.unified_diff(old, new, n=1, lineterm=""), 2, None):
        if line.startswith("@"):
            continue
        kind = {"-": "removed", "+": "added"}.get(line[:1], "kept")
        found.append(Line(kind=kind, text=line[1:]))
    return tuple(found)


def write(before: str, after: str, reason: str, number: int, signer: Signer) -> Addendum:
    """The addendum that turns `before` into `after`.

    Raises `BadRequest` when nothing changes, when no reason is given, and for texts that are too
    long.
    """
    tidy = "\n".join(line.rstrip() for line in after.replace("\r\n", "\n").splitlines()).strip()
    tidy += "\n"
    why = " ".join(reason.split())
    if not why:
        raise BadRequest("reason: say why the note is changed")
    if len(why) > _MOST_REASON:
        raise BadRequest(f"reason: at most {_MOST_REASON} characters")
    if len(tidy) > _MOST_CHARACTERS:
        raise BadRequest(f"text: a note has at most {_MOST_CHARACTERS} characters")
    lines = difference(before, tidy)
    if not any(line.kind != "kept" for line in lines):
        raise BadRequest("text: nothing is changed", hint="Change the text, then compare again.")
    signs = {"removed": "- ", "added": "+ ", "kept": "  "}
    text = "\n".join(
        [
            f"Addendum {number} to the progress note of session {signer.session_id}",
            f"signed on {signer.signed_at:%Y-%m-%d}, SHA-256 {signer.digest}",
            f"Clinician: {signer.clinician}, licence {signer.licence}",
            f"Reason: {why}",
            "",
            "Lines marked - no longer hold; lines marked + hold instead or as well.",
            *(signs[line.kind] + line.text for line in lines),
        ]
    )
    return Addendum(number=number, reason=why, lines=lines, after=tidy, text=text + "\n")
