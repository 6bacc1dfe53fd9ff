"""How the screen does on the sets that it was mended on: a guard against going back.

The held-out set is not here: nothing is mended on it. `make eval` measures it.
"""

from __future__ import annotations

import pytest

from countersign.errors import NotJson
from lambdas import engines
from local.screen_cases import FOLDER, HELD_OUT, CaseKind, alerting, read_cases, rows

MENDED = sorted(path for path in FOLDER.glob("*.txt") if path.stem != HELD_OUT)


def texts(*kinds: CaseKind) -> list[str]:
    return [case.text for path in MENDED for case in read_cases(path) if case.kind in kinds]


@pytest.mark.parametrize("kind", [CaseKind.FIRST_PERSON, CaseKind.WIDER, CaseKind.SPANISH])
def test_a_human_is_called_for_what_a_human_must_see(kind: CaseKind) -> None:
    known = texts(kind)
    found = alerting(known, engines.terms())
    missed = sorted(set(known) - set(found))
    assert len(found) >= 0.97 * len(known), missed


@pytest.mark.parametrize(
    ("kind", "most"),
    [(CaseKind.FIGURE, 0.05), (CaseKind.REMOTE, 0.05), (CaseKind.EVERYDAY, 0.01)],
)
def test_nobody_is_called_for_what_only_looks_like_it(kind: CaseKind, most: float) -> None:
    known = texts(kind)
    found = alerting(known, engines.terms())
    assert len(found) <= most * len(known), found


def test_every_set_is_measured_kind_by_kind() -> None:
    measured = [row.name for row in rows(engines.terms())]
    for path in (*MENDED, FOLDER / f"{HELD_OUT}.txt"):
        assert any(f"screen, {path.stem.replace('_', ' ')}, " in name for name in measured)


@pytest.mark.parametrize("text", ["a sentence\n", "## no such kind\nx\n"])
def test_a_broken_set_is_refused(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("sets") / "x.txt"
    path.write_text(text)
    with pytest.raises(NotJson):
        read_cases(path)
