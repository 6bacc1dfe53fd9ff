"""Decides how near a result is to its reference, and how a measurement stands beside a baseline."""

from __future__ import annotations

import json
import os
import platform
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise, permutations, product
from pathlib import Path

from rapidfuzz.distance import Levenshtein

Spans = Sequence[tuple[int, int]]
"""`[start, end)` pairs in characters of one text."""

Said = Sequence[tuple[str, str]]
"""What was said, in order: (speaker or role, text)."""

Spoke = Sequence[tuple[float, float, str]]
"""Who spoke when, in any order: (start, end, speaker), in seconds. Speakers may overlap."""


# A measurement and its baseline -------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One measurement: ours and, if there is one, a baseline's in the same run and unit.

    `lower_is_better` says which way the numbers run; None where neither way is better.
    """

    name: str
    ours: float
    unit: str
    baseline: float | None = None
    baseline_name: str | None = None
    lower_is_better: bool | None = False

    @property
    def ratio(self) -> float | None:
        """How many times better than the baseline we are: above 1 is better, whatever the unit.

        Where neither way is better it is ours over the baseline's; None without a baseline, and
        where it would be a division by zero.
        """
        if self.baseline is None:
            return None
        above, below = self.ours, self.baseline
        if self.lower_is_better:
            above, below = below, above
        return above / below if below else None

    def as_document(self) -> dict[str, str | float | None]:
        """The row as `build/bench.json` and `build/eval.json` hold it."""
        return {
            "name": self.name,
            "ours": _rounded(self.ours),
            "baseline": _rounded(self.baseline),
            "baseline_name": self.baseline_name,
            "ratio": _rounded(self.ratio),
            "unit": self.unit,
        }


def write(rows: Iterable[Row], path: Path) -> None:
    """Replaces the JSON document at `path`; every row of a document is from one run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([row.as_document() for row in rows], indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def rows_as_table(rows: Iterable[Row]) -> str:
    """A Markdown table, ratios first."""
    return as_table(
        ("measured", "ratio", "ours", "baseline", "unit", "the baseline is"),
        [
            (
                row.name,
                _shown(row.ratio),
                _shown(row.ours),
                _shown(row.baseline),
                row.unit,
                row.baseline_name or "",
            )
            for row in rows
        ],
    )


def as_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table with columns of even width."""
    widths = [max(len(line[n]) for line in (header, *lines)) for n in range(len(header))]
    cells = [header, ["-" * width for width in widths], *lines]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    )


def circumstances() -> str:
    """When and on what kind of machine this is measured; without its name or its owner's."""
    today = datetime.now(UTC).date().isoformat()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{today}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs{load}, "
        f"Python {platform.python_version()}"
    )


def _rounded(value: float | None) -> float | None:
    # A sum of many fractions that ought to be nothing is nothing.
    return None if value is None else float(f"{round(value, 9):.4g}")


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{round(value, 9):.3g}"


# Words --------------------------------------------------------------------------------------

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
_TEENS = "fifteen sixteen seventeen eighteen nineteen"
_NUMBERS = {word: n for n, word in enumerate(f"{_UNITS} {_TEENS}".split())} | {
    word: n * 10
    for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12,
    **{f"{word}th": n for word, n in _NUMBERS.items() if n not in (0, 1, 2, 3, 5, 8, 9, 12)},
    **{f"{word[:-1]}ieth": n for word, n in _NUMBERS.items() if word.endswith("y")},
}  # fmt: skip
_WRITTEN_OTHERWISE = {
    "dr": "doctor", "mr": "mister", "mg": "milligrams", "mgs": "milligrams",
    "milligram": "milligrams", "ok": "okay", "alright": "all right",
}  # fmt: skip
_TOKEN = re.compile(r"[0-9]+|[^\W\d_]+")
_SPELLED = re.compile(r"\b[A-Z](?:[ .-][A-Z])+\b(?!')")
_CONTRACTED = (
    ("won't", "will not"), ("can't", "can not"), ("cannot", "can not"), ("n't", " not"),
    ("'m", " am"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"), ("%", " percent "),
)  # fmt: skip


def spoken(text: str) -> list[str]:
    """The words of a text as they are compared: no case, no punctuation, numbers digit by digit.

    "Fifty milligrams", "50 mg" and "50mg" are the same three words; so are "four one five" and
    "415", "P H Q" and "PHQ", "I'm" and "I am". Hesitations ("um", "uh") are not counted as words.
    """
    plain = text.replace("\u2019", "'")
    plain = _SPELLED.sub(lambda found: re.sub(r"[ .-]", "", found[0]), plain).casefold()
    for short, full in _CONTRACTED:
        plain = re.sub(rf"{short}(?!\w)", full, plain)
    plain = re.sub(r"(?<=\w)'(?=\w)", "", plain)
    tokens = [
        word
        for token in _TOKEN.findall(re.sub(r"(?<=[0-9])(st|nd|rd|th)\b", "", plain))
        for word in _WRITTEN_OTHERWISE.get(token, token).split()
        if word not in {"um", "uh", "hmm", "mm"}
    ]
    return list(_digits(tokens))


def _digits(tokens: Sequence[str]) -> Iterator[str]:
    place = 0
    while place < len(tokens):
        value, used = _number(tokens, place)
        if used:
            yield from str(value)
        elif tokens[place].isdigit():
            yield from tokens[place]
        else:
            yield tokens[place]
        place += max(used, 1)


def _number(tokens: Sequence[str], place: int) -> tuple[int, int]:
    """The value of the number words from `place` on and how many they are; (0, 0) for none."""
    value, used = _below_hundred(tokens, place)
    if not used and tokens[place] == "a" and tokens[place + 1 : place + 2] == ["hundred"]:
        value, used = 1, 1
    if not used:
        return 0, 0
    while place + used < len(tokens) and tokens[place + used] in ("hundred", "thousand"):
        value *= 100 if tokens[place + used] == "hundred" else 1000
        used += 1
        joined = place + used + 1 < len(tokens) and tokens[place + used] == "and"
        more, further = _below_hundred(tokens, place + used + joined)
        if further:
            value, used = value + more, used + joined + further
    return value, used


def _below_hundred(tokens: Sequence[str], place: int) -> tuple[int, int]:
    words = tokens[place : place + 2]
    numbers = _NUMBERS | _ORDINALS
    if not words or words[0] not in numbers:
        return 0, 0
    value = numbers[words[0]]
    tens = words[0] in _NUMBERS and value >= 20
    if tens and len(words) == 2 and 1 <= numbers.get(words[1], 0) <= 9:
        return value + numbers[words[1]], 2
    return value, 1


@dataclass(frozen=True)
class WordErrors:
    """The fewest edits that make the reference into what was recognized, in words."""

    words: int
    substituted: int
    dropped: int
    invented: int

    @property
    def rate(self) -> float:
        """Word error rate: all edits over the words of the reference; above 1 is possible."""
        edits = self.substituted + self.dropped + self.invented
        return edits / self.words if self.words else float(bool(edits))


def word_errors(reference: str, recognized: str) -> WordErrors:
    """Counts the errors of a recognized text, both texts read by `spoken`."""
    true, heard = spoken(reference), spoken(recognized)
    kinds = Counter(edit.tag for edit in Levenshtein.editops(true, heard))
    return WordErrors(len(true), kinds["replace"], kinds["delete"], kinds["insert"])


def speaker_word_error_rate(reference: Said, recognized: Said) -> float:
    """cpWER: the word error rate when each speaker's words are compared with one speaker's.

    Speakers are matched one to one so that the rate is least (Watanabe et al., CHiME-6, 2020); the
    names of speakers do not matter. A word under the wrong voice counts twice, as in the paper.
    """
    true = [spoken(text) for text in _by_speaker(reference).values()]
    heard = [spoken(text) for text in _by_speaker(recognized).values()]
    size = max(len(true), len(heard))
    true += [[] for _ in range(size - len(true))]
    heard += [[] for _ in range(size - len(heard))]
    edits = [[Levenshtein.distance(one, other) for other in heard] for one in true]
    least = min(
        sum(edits[n][m] for n, m in enumerate(order)) for order in permutations(range(size))
    )
    words = sum(map(len, true))
    return least / words if words else float(bool(least))


def rightly_attributed(reference: Said, recognized: Said) -> float:
    """The share of recognized words of the reference that stand under the very same name.

    Words are aligned over the whole session; a word heard wrongly still has a speaker, a dropped
    one has none and does not count.
    """
    true = [(word, who) for who, text in reference for word in spoken(text)]
    heard = [(word, who) for who, text in recognized for word in spoken(text)]
    pairs = [
        (true[code.src_start + n][1], heard[code.dest_start + n][1])
        for code in Levenshtein.opcodes([w for w, _ in true], [w for w, _ in heard])
        if code.tag in ("equal", "replace")
        for n in range(code.src_end - code.src_start)
    ]
    return sum(one == other for one, other in pairs) / len(pairs) if pairs else 0.0


def _by_speaker(said: Said) -> dict[str, str]:
    whole: dict[str, str] = {}
    for who, text in said:
        whole[who] = f"{whole.get(who, '')} {text}"
    return whole


# Who spoke when -----------------------------------------------------------------------------


def rttm(lines: Iterable[str]) -> list[tuple[float, float, str]]:
    """Who spoke when, from the SPEAKER lines of an RTTM file (NIST RT-09, appendix A).

    Raises `ValueError` for a SPEAKER line without a start, a duration or a name.
    """
    spoke = []
    for line in lines:
        match line.split():
            case ["SPEAKER", _file, _channel, start, duration, _words, _kind, who, *_]:
                spoke.append((float(start), float(start) + float(duration), who))
            case ["SPEAKER", *_]:
                raise ValueError(f"not a SPEAKER line of an RTTM file: {line!r}")
    return spoke


@dataclass(frozen=True)
class SpeakerErrors:
    """The parts of the diarization error, in seconds."""

    spoken: float
    missed: float
    invented: float
    confused: float

    @property
    def rate(self) -> float:
        """All errors over the reference's speech; above 1 is possible."""
        errors = self.missed + self.invented + self.confused
        return errors / self.spoken if self.spoken else float(bool(errors))


def diarization_error(reference: Spoke, found: Spoke, collar: float = 0.25) -> float:
    """DER: the share of the reference's speech that is missed, invented or under another voice.

    As NIST's md-eval has it (RT-09 evaluation plan, section 6.1): overlapped speech counts for
    each speaker, nothing is scored within `collar` seconds of a boundary of the reference, and
    speakers are matched one to one so that the error is least.
    """
    return speaker_errors(reference, found, collar).rate


def speaker_errors(reference: Spoke, found: Spoke, collar: float = 0.25) -> SpeakerErrors:
    """The parts of `diarization_error`."""
    true, heard = _united(reference), _united(found)
    collars = [
        (edge - collar, edge + collar) for spans in true.values() for span in spans for edge in span
    ]
    edges = {
        edge
        for spans in (*true.values(), *heard.values(), collars)
        for span in spans
        for edge in span
    }
    shared: dict[tuple[str, str], float] = defaultdict(float)
    spoken_for = missed = invented = paired = 0.0
    for start, end in pairwise(sorted(edges)):
        middle = (start + end) / 2
        if _covers(collars, middle):
            continue
        speaking = [who for who, spans in true.items() if _covers(spans, middle)]
        given = [who for who, spans in heard.items() if _covers(spans, middle)]
        length = end - start
        spoken_for += length * len(speaking)
        missed += length * max(0, len(speaking) - len(given))
        invented += length * max(0, len(given) - len(speaking))
        paired += length * min(len(speaking), len(given))
        for pair in product(speaking, given):
            shared[pair] += length
    confused = paired - _best_match([[shared[one, other] for other in heard] for one in true])
    return SpeakerErrors(spoken_for, missed, invented, max(0.0, confused))


def _united(spoke: Spoke) -> dict[str, list[tuple[float, float]]]:
    """Each speaker's spans, in order, those that touch made one."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for start, end, who in sorted(spoke):
        own = spans.setdefault(who, [])
        if own and start <= own[-1][1]:
            own[-1] = (own[-1][0], max(own[-1][1], end))
        elif end > start:
            own.append((start, end))
    return spans


def _covers(spans: Iterable[tuple[float, float]], moment: float) -> bool:
    return any(start <= moment < end for start, end in spans)


def _best_match(shared: Sequence[Sequence[float]]) -> float:
    """The most that rows and columns share when each has at most one partner."""
    best = {frozenset[int](): 0.0}
    for row in shared:
        longer = dict(best)
        for (used, total), column in product(best.items(), range(len(row))):
            if column not in used and row[column]:
                key = used | {column}
                longer[key] = max(longer.get(key, 0.0), total + row[column])
        best = longer
    return max(best.values())


# Masks --------------------------------------------------------------------------------------


def fully_masked(text: str, span: tuple[int, int], found: Spans) -> bool:
    """Whether no letter and no digit of the identifier at `span` is left outside of `found`."""
    return all(
        any(start <= place < end for start, end in found)
        for place in range(*span)
        if text[place].isalnum()
    )


def touches(span: tuple[int, int], others: Spans) -> bool:
    """Whether a span shares a character with one of the others."""
    return any(span[0] < end and start < span[1] for start, end in others)


@dataclass(frozen=True)
class Miss:
    """One thing that redaction got wrong, by the text's id and a label; never by its words."""

    id: str
    label: str
    why: str  # "left", "left in part", "masked for nothing" or "refused"


@dataclass
class MaskScore:
    """What redaction found and left over a set of marked texts; add the texts one by one."""

    marked: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    found: int = 0
    right: int = 0
    clean: int = 0
    touched: int = 0
    misses: list[Miss] = field(default_factory=list)

    def add(
        self,
        id: str,
        text: str,
        marked: Sequence[tuple[int, int, str]],
        found: Sequence[tuple[int, int, str]],
    ) -> None:
        """Scores one text: `marked` are its identifiers and `found` what was masked, labelled."""
        masks = [(start, end) for start, end, _ in found]
        places = [(start, end) for start, end, _ in marked]
        for start, end, label in marked:
            self.marked[label] += 1
            if fully_masked(text, (start, end), masks):
                self.masked[label] += 1
            else:
                part = touches((start, end), masks)
                self.misses.append(Miss(id, label, "left in part" if part else "left"))
        for start, end, label in found:
            self.found += 1
            if touches((start, end), places):
                self.right += 1
            else:
                self.misses.append(Miss(id, label, "masked for nothing"))
        if not marked:
            self.clean += 1
            self.touched += bool(found)

    def refuse(self, id: str, marked: Sequence[tuple[int, int, str]]) -> None:
        """Counts a text that was refused: its identifiers are not masked, and a clean text is
        touched."""
        for _, _, label in marked:
            self.marked[label] += 1
            self.misses.append(Miss(id, label, "refused"))
        if not marked:
            self.clean += 1
            self.touched += 1
            self.misses.append(Miss(id, "no identifier", "refused"))

    def recall(self, labels: Iterable[str] | None = None) -> float | None:
        """The share of identifiers (of these labels) that are masked whole; None for none."""
        wanted = self.marked if labels is None else set(labels)
        whole = sum(self.marked[label] for label in wanted)
        return sum(self.masked[label] for label in wanted) / whole if whole else None

    @property
    def precision(self) -> float | None:
        """The share of masks that touch an identifier; None when nothing was masked."""
        return self.right / self.found if self.found else None

    @property
    def clean_touched(self) -> float | None:
        """The share of texts without an identifier in which something was masked."""
        return self.touched / self.clean if self.clean else None
