"""The acts that docs/audit.md lists are those that the code enters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ACT = re.compile(r"[a-z]+\.(?:[a-z_]+|…|[a-z_]+\.…)")
MAKERS = {"of_system", "of_intake", "act_of", "entry", "_event", "Event"}


def vocabulary() -> set[str]:
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    section = text.split("## The words of the entries")[1].split("\n## ")[0]
    table = "\n".join(line for line in section.splitlines() if line.startswith("|"))
    return {word for word in re.findall(r"`([^`]+)`", table) if ACT.fullmatch(word)}


def acts(tree: ast.AST) -> Iterator[str]:
    """Texts that look like acts; what the code fills in is written as three dots."""
    for node in ast.walk(tree):
        word = None
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            word = node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
            word = "".join(map(str, parts))
        if word is not None and ACT.fullmatch(word):
            yield word


def trees() -> Iterator[ast.AST]:
    for source in (*(ROOT / "lambdas").rglob("*.py"), ROOT / "countersign/audit/event.py"):
        yield ast.parse(source.read_text(encoding="utf-8"))


def given_to_makers() -> Iterator[str]:
    """The acts that are written where an event is made."""
    for tree in trees():
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            named = [given.value for given in call.keywords if given.arg == "act"]
            for given in [*(call.args if name in MAKERS else ()), *named]:
                yield from acts(given)


def test_every_act_that_is_entered_is_listed() -> None:
    entered = set(given_to_makers())
    assert len(entered) > 30
    assert entered - vocabulary() == set()


def test_every_act_that_is_listed_stands_in_the_code() -> None:
    assert vocabulary() - {word for tree in trees() for word in acts(tree)} == set()
