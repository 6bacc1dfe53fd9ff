"""Decides what the sentences of a note are, whoever wrote it, and where each stands in its text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from countersign.errors import BadNote, EmptyInput, NotJson
from countersign.grounding.marks import quoted_spans
from countersign.grounding.words import sentence_spans
from countersign.note import PLACEHOLDER, Note, Origin, Sentence
from countersign.transcript import decode_utf8

# Our own choice: a shorter line is an item of a list rather than one that an editor wrapped.
_WRAP = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of a note; `start` is its first character in the note's text."""

    text: str
    start: int
    section: str = ""
    sentence: Sentence | None = None

    @property
    def exempt(self) -> bool:
        """Gaps left for a human and words that a human wrote are not drafts."""
        if self.sentence is None:
            return False
        if self.sentence.origin is Origin.PLACEHOLDER:
            return self.text.endswith(PLACEHOLDER) and len(self.text) < len(PLACEHOLDER) + 60
        return self.sentence.origin is Origin.CLINICIAN


def lines(note: Note | str) -> tuple[Line, ...]:
    """The sentences of a note in order; a `Note`'s text is its sentences joined by one space."""
    return tuple(_of_text(note) if isinstance(note, str) else _of_note(note))


def _of_text(text: str) -> Iterator[Line]:
    section = ""
    for start, end in _whole_spans(text):
        piece = text[start:end]
        if piece.endswith(":") or (piece.isupper() and len(piece) < 60 and piece[-1:] not in ".!?"):
            section = piece.rstrip(":").lower()
        yield Line(piece, start, section)


def _whole_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Sentences, where a quotation of several and a line that was only wrapped are not cut."""
    quoted = quoted_spans(text)
    spans: list[tuple[int, int]] = []
    for start, end in sentence_spans(text):
        if spans and (
            any(low < start < high and spans[-1][1] > low for low, high in quoted)
            or _wrapped(text, spans[-1], start)
        ):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)


def _wrapped(text: str, before: tuple[int, int], start: int) -> bool:
    gap = text[before[1] : start]
    line = text[text.rfind("\n", 0, before[1]) + 1 : before[1]]
    return (
        gap.strip(" \t") == "\n"
        and len(line) >= _WRAP
        and line[-1] not in ".!?:;"
        and text[start].islower()
    )


def _of_note(note: Note) -> Iterator[Line]:
    start = 0
    for section in note.sections:
        for sentence in section.sentences:
            yield Line(sentence.text, start, section.name.lower(), sentence)
            start += len(sentence.text) + 1


def _numbered(document: dict[str, object]) -> object:
    """The sections, where sentences of another engine get the id and origin that they lack."""
    sections = document["sections"]
    if not isinstance(sections, list):
        return sections
    count = 0
    numbered: list[object] = []
    for section in sections:
        sentences = section.get("sentences") if isinstance(section, dict) else None
        if not isinstance(sentences, list):
            numbered.append(section)
            continue
        own: list[object] = []
        for sentence in sentences:
            count += 1
            lacking = {"id": f"s{count}", "origin": "statement"}
            own.append({**lacking, **sentence} if isinstance(sentence, dict) else sentence)
        numbered.append({**section, "sentences": own})
    return numbered


def read_note(raw: bytes | str) -> Note | str:
    """A note as `countersign draft --json` prints it, or the text of `{"text": "…"}`.

    Raises `EmptyInput`, `NotUtf8`, `NotJson` or `BadNote`, whose message names the field, never the
    words.
    """
    text = raw if isinstance(raw, str) else decode_utf8(raw)
    if not text.strip():
        raise EmptyInput("the note is empty")
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise NotJson("the note is not valid JSON") from None
    if not isinstance(document, dict):
        raise BadNote("the note must be a JSON object")
    if "sections" not in document:
        free = document.get("text")
        if not isinstance(free, str):
            raise BadNote("the note has neither `sections` nor `text`")
        if not free.strip():
            raise EmptyInput("the note's text is empty")
        return free
    try:
        return Note.model_validate({"template": "", **document, "sections": _numbered(document)})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "note"
        raise BadNote(f"{where}: {first['msg']}") from None
