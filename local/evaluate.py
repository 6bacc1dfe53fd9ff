"""Decides how well each room does on a folder of evaluation data that stays outside."""

from __future__ import annotations

import csv
import functools
import io
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from countersign import drafting, grounding
from countersign.errors import FileMissing, NotJson, Refusal
from countersign.grounding.reading import lines as note_lines
from countersign.note import Check, Note, Origin, Severity
from countersign.redaction import Person, Roster
from countersign.transcript import Role, Transcript, Turn, decode_utf8
from lambdas import engines
from local import deidentification, rivals, screen_cases
from local.bench import BUILD, prose, report
from local.corruptions import Planted, plantings
from local.evaluate_speech import speech
from local.scores import MaskScore, Row, as_table

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

# Identifiers that have a form of their own, unlike names and places.
STRUCTURED = frozenset(
    "DATE PHONE FAX EMAIL SSN MRN HEALTH_PLAN ACCOUNT LICENSE VEHICLE DEVICE URL IP AGE_90".split()
)
_TURN = re.compile(r"^\s*(?:\[(\w+)\]|([A-Za-z]\w{2,20}):)\s*(.*)$")
_TEMPLATE = "soap"


class Room(StrEnum):
    """What can be scored."""

    REDACTION = "redaction"
    SPEECH = "speech"
    GUARDS = "guards"
    DRAFTING = "drafting"
    SCREEN = "screen"


@app.command()
def evaluate(
    data: Annotated[str, typer.Argument(help="The folder; docs/measurements.md has its shape.")],
    rooms: Annotated[list[Room] | None, typer.Argument(help="Default: every room.")] = None,
    model: Annotated[str, typer.Option(help="base, tiny, or a model's folder.")] = "base",
    pairs: Annotated[int, typer.Option(min=1, help="Dialogue and note pairs in all.")] = 40,
    out: Annotated[Path, typer.Option(help="The same rows as JSON.")] = BUILD / "eval.json",
) -> None:
    """Print Markdown tables of scores on evaluation data; a ratio above 1 is better."""
    folder = Path(data)
    if not data or not folder.is_dir():
        raise FileMissing(
            f"there is no folder {data!r}", hint="Give a folder: make eval DATA=folder"
        )
    further: list[str] = []

    def scored(room: Room) -> Iterable[Row]:
        if room is Room.SPEECH:
            return speech(folder / "speech", model)
        if room is Room.REDACTION:
            rows, tables = redaction(folder / "pii")
        elif room is Room.SCREEN:
            return screen_cases.rows(engines.terms(), list(_patients(folder)))
        elif room is Room.GUARDS:
            rows, tables = guards(sample(folder, pairs))
        else:
            rows, tables = written(sample(folder, pairs))
        further.extend(tables)
        return rows

    report([(room.value, partial(scored, room)) for room in rooms or Room], out)
    for table in further:
        sys.stdout.write(f"\n{table}\n")


# Redaction ----------------------------------------------------------------------------------


class _Mark(BaseModel):
    model_config = ConfigDict(frozen=True)

    start: int
    end: int
    label: str


class Marked(BaseModel):
    """One text whose identifiers are marked, and the names that an appointment would know."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    roster: tuple[str, ...] = ()
    spans: tuple[_Mark, ...] = ()

    @property
    def marks(self) -> list[tuple[int, int, str]]:
        """(start, end, label) of every identifier."""
        return [(span.start, span.end, span.label) for span in self.spans]


def read_marked(path: Path) -> list[Marked]:
    """The texts of a JSON Lines file; `NotJson` names the file and the line that is wrong."""
    found = []
    for number, line in enumerate(decode_utf8(path.read_bytes()).split("\n"), 1):
        if line.strip():
            try:
                found.append(Marked.model_validate_json(line))
            except ValidationError as error:
                raise NotJson(f"{path.name}, line {number}: {error.error_count()} faults") from None
    return found


def redaction(folder: Path) -> tuple[list[Row], list[str]]:
    """Recall, precision and clean texts touched, over every `*.jsonl` of the folder."""
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise FileMissing(f"there is no *.jsonl in {folder}")
    texts = [text for file in files for text in read_marked(file)]
    ours, bare, alone = MaskScore(), MaskScore(), MaskScore()
    rival, find = rivals.finder()
    share = functools.partial(_share, rival)
    for text in texts:
        _redact(text, ours, roster=True)
        _redact(text, alone, roster=False)
        bare.add(text.id, text.text, text.marks, find(text.text))
    groups: list[tuple[str, frozenset[str] | None]] = [("", None), (", structured", STRUCTURED)]
    groups += [(f", {label}", frozenset({label})) for label in sorted(ours.marked)]
    rows = [
        *(
            row
            for name, labels in groups
            for row in share(f"recall{name}", ours.recall(labels), bare.recall(labels))
        ),
        *share("precision", ours.precision, bare.precision),
        *share("clean texts touched", ours.clean_touched, bare.clean_touched, lower=True),
        *share("recall without rosters", alone.recall(), bare.recall()),
        *share("precision without rosters", alone.precision, bare.precision),
    ]
    misses = [(miss.id, miss.label, miss.why) for miss in ours.misses]
    heads = ("text", "label", "what is wrong")
    title = f"Redaction, what is wrong ({len(texts)} texts, with rosters)"
    tables = [f"{title}:\n\n{as_table(heads, misses)}"]
    for register in ("spoken", "lower", "cased"):
        score, plain = MaskScore(), MaskScore()
        for case in deidentification.cases(register):
            _mask(case.id, case.text, case.marks, case.roster, score)
            plain.add(case.id, case.text, case.marks, find(case.text))
        own = f"our own {register} texts"
        shaped = STRUCTURED & set(score.marked)
        rows += [
            *share(f"{own}, recall", score.recall(), plain.recall()),
            *share(f"{own}, recall, structured", score.recall(shaped), plain.recall(shaped)),
            *share(f"{own}, precision", score.precision, plain.precision),
            *share(
                f"{own}, clean ones touched", score.clean_touched, plain.clean_touched, lower=True
            ),
        ]
        wrong = [(miss.id, miss.label, miss.why) for miss in score.misses]
        tables.append(f"Redaction, {own}, what is wrong:\n\n{as_table(heads, wrong)}")
    return rows, tables


def _redact(text: Marked, score: MaskScore, *, roster: bool) -> None:
    known = Roster(people=tuple(Person(name=name) for name in text.roster)) if roster else None
    _mask(text.id, text.text, text.marks, known, score)


def _mask(
    id: str,
    text: str,
    marks: Sequence[tuple[int, int, str]],
    roster: Roster | None,
    score: MaskScore,
) -> None:
    try:
        found = engines.redaction().redact([text], roster).spans[0]
    except Refusal:
        score.refuse(id, marks)
        return
    score.add(id, text, marks, [(s.start, s.end, str(s.label)) for s in found])


def _share(
    rival: str, name: str, ours: float | None, bare: float | None, *, lower: bool = False
) -> Iterator[Row]:
    if ours is not None:
        theirs = None if bare is None else 100 * bare
        yield Row(f"redaction: {name}", 100 * ours, "%", theirs, rival, lower)


# Dialogues and the notes that people wrote of them --------------------------------------------


@dataclass(frozen=True)
class Pair:
    """A dialogue and the note, or the section of one, that a person wrote of it."""

    source: str
    id: str
    transcript: Transcript
    note: str


def read_pairs(file: Path, source: str) -> list[Pair]:
    """The pairs of a CSV file with a column `dialogue` and a `note` or `section_text`.

    What is not a dialogue of named speakers is left out.
    """
    pairs = []
    rows = csv.DictReader(io.StringIO(decode_utf8(file.read_bytes()), newline=""))
    for number, row in enumerate(rows, 1):
        note = (row.get("note") or row.get("section_text") or "").strip()
        turns = read_dialogue(row.get("dialogue") or "")
        if note and turns:
            pairs.append(Pair(source, f"{file.stem}/{number}", Transcript(turns=turns), note))
    return pairs


def read_dialogue(text: str) -> tuple[Turn, ...]:
    """The turns of "[doctor] …" or "Doctor: …" lines; a line without a speaker goes on."""
    said: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        found = _TURN.match(line)
        if found:
            said.append(((found[1] or found[2]).lower(), [found[3]]))
        elif said:
            said[-1][1].append(line)
    whole = [(who, " ".join(" ".join(parts).split())) for who, parts in said]
    return tuple(
        Turn(id=f"t{n}", speaker=who, role=_role(who), start=n * 10, end=n * 10 + 9, text=words)
        for n, (who, words) in enumerate(whole, 1)
        if words
    )


def _role(who: str) -> Role:
    if who in {"doctor", "docotr", "doctor_", "clinician", "therapist"}:
        return Role.THERAPIST
    return Role.PATIENT if who == "patient" else Role.OTHER


def sample(folder: Path, count: int) -> list[Pair]:
    """`count` pairs, as many from each of the two sets, spread evenly over its files in order."""
    sets = []
    for source in ("clinical_notes", "mts_notes"):
        files = sorted((folder / source).glob("*.csv"))
        pairs = [pair for file in files for pair in read_pairs(file, source)]
        if pairs:
            sets.append(pairs)
    if not sets:
        raise FileMissing(f"there is no *.csv in {folder}/clinical_notes or {folder}/mts_notes")
    share = -(-count // len(sets))
    return [pairs[n * len(pairs) // share] for pairs in sets for n in range(min(share, len(pairs)))]


def _patients(folder: Path) -> Iterator[str]:
    """What patients say in the dialogues of the data, sentence by sentence; nothing without any."""
    if not any((folder / name).is_dir() for name in ("clinical_notes", "mts_notes")):
        return
    for pair in sample(folder, 1_000_000):
        for turn in pair.transcript.turns:
            if turn.role is Role.PATIENT:
                yield from re.split(r"(?<=[.!?])\s+", turn.text)


@dataclass
class _Flags:
    """What the guards said about people's own sentences."""

    sentences: int = 0
    blocked: int = 0
    reviewed: int = 0
    notes: int = 0
    seconds: float = 0.0
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)


# A finding points at an error when it is at most this many characters longer than the error.
_WIDER = 40


def finds(check: Check, planted: Planted) -> bool:
    """Whether a block or a review stands at the wrong words and is about as narrow as they are."""
    return any(
        finding.severity is not Severity.HIGHLIGHT
        and finding.span[0] < planted.end
        and planted.start < finding.span[1]
        and finding.span[1] - finding.span[0] <= planted.end - planted.start + _WIDER
        for finding in check.findings
    )


def planted(pairs: Sequence[Pair]) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """(errors planted, errors found) by kind and by how; one error in each copy of a note."""
    lexicons = engines.lexicons()
    many: Counter[tuple[str, str]] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    for pair in pairs:
        for error in plantings(pair.note, pair.transcript, pair.id):
            many[error.kind, error.how] += 1
            if finds(grounding.check(error.note, pair.transcript, lexicons), error):
                found[error.kind, error.how] += 1
    return many, found


def guards(pairs: Sequence[Pair]) -> tuple[list[Row], list[str]]:
    """How many sentences that a person wrote the guards would stop, by the set they are from.

    And how many errors they find that `local/corruptions.py` planted in those notes, by kind.
    """
    lexicons = engines.lexicons()
    found: dict[str, _Flags] = {}
    for pair in pairs:
        flags = found.setdefault(pair.source, _Flags())
        began = time.perf_counter()
        check = grounding.check(pair.note, pair.transcript, lexicons)
        flags.seconds += time.perf_counter() - began
        flags.notes += 1
        flags.kinds.update((finding.kind, finding.severity.value) for finding in check.findings)
        for line in note_lines(pair.note):
            flags.sentences += 1
            severities = {
                finding.severity
                for finding in check.findings
                if line.start <= finding.span[0] < line.start + len(line.text)
            }
            if Severity.BLOCK in severities:
                flags.blocked += 1
            elif Severity.REVIEW in severities:
                flags.reviewed += 1
    rows = []
    for source, flags in found.items():
        name = f"guards, {source} ({flags.notes} notes, {flags.sentences} sentences)"
        whole = max(flags.sentences, 1)
        blocked, reviewed = flags.blocked / whole, flags.reviewed / whole
        rows += [
            Row(f"{name}: human sentences blocked", 100 * blocked, "%", lower_is_better=True),
            Row(f"{name}: sent to review", 100 * reviewed, "%", lower_is_better=True),
            Row(f"{name}: time per note", flags.seconds / flags.notes, "s", lower_is_better=True),
        ]
    counts = sum((flags.kinds for flags in found.values()), Counter[tuple[str, str]]())
    many, hits = planted(pairs)
    lines = sum(flags.sentences for flags in found.values())
    detail = []
    for kind in dict.fromkeys(kind for kind, _ in many):
        ways = [how for k, how in many if k == kind]
        whole = sum(many[kind, how] for how in ways)
        share = 100 * sum(hits[kind, how] for how in ways) / whole
        rows.append(Row(f"guards: planted {kind} errors found ({whole})", share, "%"))
        blocks, reviews = counts[kind, "block"], counts[kind, "review"]
        detail.append(
            (kind, "all", str(whole), f"{share:.0f} %", _percent(blocks, lines),
             _percent(reviews, lines))
        )  # fmt: skip
        for how in ways if len(ways) > 1 else ():
            n = many[kind, how]
            detail.append((kind, how, str(n), f"{100 * hits[kind, how] / n:.0f} %", "", ""))
    table = as_table(
        ("kind", "severity", "findings"),
        [(kind, severity, str(n)) for (kind, severity), n in counts.most_common()],
    )
    side = as_table(
        ("kind", "how", "planted", "found", "human sentences: blocks", "reviews"), detail
    )
    return rows, [
        f"Guards, errors found beside findings per sentence that people wrote:\n\n{side}",
        f"Guards, findings on what people wrote:\n\n{table}",
    ]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"


def evidenced(note: Note, transcript: Transcript) -> tuple[int, int]:
    """(sentences whose every evidence span lies in a turn's text, sentences that need evidence).

    A gap that is left for the clinician says nothing and needs none.
    """
    lengths = {turn.id: len(turn.text) for turn in transcript.turns}
    need = [s for s in note.sentences() if s.origin is not Origin.PLACEHOLDER]
    resolved = [
        s
        for s in need
        if s.evidence and all(span.end <= lengths.get(span.turn, -1) for span in s.evidence)
    ]
    return len(resolved), len(need)


def written(pairs: Sequence[Pair]) -> tuple[list[Row], list[str]]:
    """Length, evidence, guards' verdicts and time of our own drafts of the dialogues."""
    template, lexicons = engines.template(_TEMPLATE), engines.lexicons()
    rows = []
    for source in dict.fromkeys(pair.source for pair in pairs):
        own = [pair for pair in pairs if pair.source == source]
        words = theirs = resolved = need = blocked = 0
        seconds = 0.0
        for pair in own:
            began = time.perf_counter()
            note = drafting.draft(pair.transcript, template, lexicons)
            seconds += time.perf_counter() - began
            said = [s.text for s in note.sentences() if s.origin is not Origin.PLACEHOLDER]
            words += sum(len(text.split()) for text in said)
            theirs += len(pair.note.split())
            counts = evidenced(note, pair.transcript)
            resolved, need = resolved + counts[0], need + counts[1]
            verdict = grounding.check(note, pair.transcript, lexicons).verdict
            blocked += verdict == "block"
        name, many = f"drafting, {source} ({len(own)} dialogues)", len(own)
        rows.append(
            Row(f"{name}: words of a draft, gaps not counted", words / many, "words",
                theirs / many, "the person's note", None)
        )  # fmt: skip
        if need:
            rows.append(Row(f"{name}: sentences with evidence", 100 * resolved / need, "%"))
        rows += [
            Row(f"{name}: drafts that guards block", 100 * blocked / many, "%",
                lower_is_better=True),
            Row(f"{name}: time per draft", seconds / many, "s", lower_is_better=True),
        ]  # fmt: skip
    return rows, []


def main() -> None:
    """Scores a folder: exit 0 done, 1 refused, 2 wrong usage."""
    try:
        app()
    except Refusal as refusal:
        prose.print(f"Refused ({refusal.code}): {refusal.message}\n{refusal.advice}", markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
