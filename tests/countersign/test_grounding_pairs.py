"""On made-up therapy sessions the guards find what was planted and let faithful sentences pass."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from countersign.grounding import check
from countersign.note import Severity
from tests.clinical import lexicons, transcript

PAIRS = Path(__file__).parent / "pairs"
# The bars of issue 5, in percent of what was planted.
BARS = {"medication": 95, "dose": 95, "diagnosis": 95, "number": 95, "date": 95} | dict.fromkeys(
    ("negation", "speaker", "quote", "scope", "consent"), 90
)


# What the later sets must not fall below, in percent of each kind: the bars are not met on them
# for negations, speakers and one medication (docs/drafting.md).
FLOOR = 75
NEGATION_FLOOR = 65


@dataclass
class Score:
    """What was planted and found, by kind, and what was said of faithful sentences."""

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    faithful: int = 0
    blocked: list[str] = field(default_factory=list)
    reviewed: list[str] = field(default_factory=list)

    def rate(self, kind: str) -> float:
        return 100 * self.found[kind] / self.planted[kind]


def score(name: str) -> Score:
    scored = Score()
    for pair in tomllib.loads((PAIRS / f"{name}.toml").read_text())["pair"]:
        said = transcript(*((turn[0], turn[3:]) for turn in pair["turns"]))
        for sentence in pair["faithful"]:
            scored.faithful += 1
            verdict = check(sentence, said, lexicons()).verdict
            if verdict == "block":
                scored.blocked.append(sentence)
            elif verdict == "review":
                scored.reviewed.append(sentence)
        # One by one, so that no finding is counted for another error.
        for planted in pair["planted"]:
            kind, wrong, sentence = planted.split(" | ")
            scored.planted[kind] += 1
            start = sentence.find(wrong)
            end = start + len(wrong) if start >= 0 else len(sentence)
            near = any(
                finding.span[0] < end + 25
                and max(start, 0) - 25 < finding.span[1]
                and finding.severity is not Severity.HIGHLIGHT
                for finding in check(sentence, said, lexicons()).findings
            )
            if near:
                scored.found[kind] += 1
            else:
                scored.missed.append(planted)
    return scored


@pytest.mark.parametrize("name", sorted(path.stem for path in PAIRS.glob("*.toml")))
def test_what_is_planted_in_hand_written_pairs_is_found(name: str) -> None:
    scored = score(name)
    assert len(scored.blocked) <= 0.05 * scored.faithful, scored.blocked
    assert len(scored.reviewed) <= 0.15 * scored.faithful, scored.reviewed
    for kind, bar in BARS.items():
        if kind not in scored.planted:
            continue
        floor = NEGATION_FLOOR if kind == "negation" else FLOOR
        least = bar if name == "development" else floor
        assert scored.rate(kind) >= least, scored.missed
