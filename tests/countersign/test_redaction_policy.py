"""The policy file names all 18 identifiers, and half a policy is none."""

from __future__ import annotations

import tomllib

import pytest

from countersign.errors import BadPolicy
from countersign.redaction import Policy, lists_named
from lambdas import policies

TEXT = policies.text("redaction.toml")
LISTS = {name: policies.text(name) for name in lists_named(TEXT)}


def test_each_identifier_of_the_rule_has_its_letter_and_its_reason() -> None:
    kinds = tomllib.loads(TEXT)["kind"]
    letters = [kind["citation"].removeprefix("45 CFR 164.514(b)(2)(i)") for kind in kinds]
    assert letters == [f"({letter})" for letter in "ABCDEFGHIJKLMNOPQR"]
    assert all(kind["replaced"] for kind in kinds)
    assert all(kind["why"] for kind in kinds if kind["kept"])


def test_each_word_list_says_where_it_comes_from() -> None:
    for name, text in LISTS.items():
        assert "Source" in "".join(text.splitlines(keepends=True)[:4]), name


def test_lists_may_be_given_by_their_stem() -> None:
    stems = {name.rpartition("/")[2].removesuffix(".txt"): text for name, text in LISTS.items()}
    assert len(Policy.from_toml(TEXT, stems).kinds) == 18


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("", LISTS),
        ("version = ", LISTS),
        (TEXT, {}),
        (TEXT, {**LISTS, "lexicons/names_given.txt": "# only a comment\n"}),
        (TEXT.replace('label = "SSN"', 'label = "SOCIAL"'), LISTS),
        (TEXT.replace('label = "SSN"', 'label = "MRN"'), LISTS),
        (TEXT.replace("version = 1", "version = 2"), LISTS),
        (TEXT.replace('languages = ["en"]', 'languages = ["fr"]'), LISTS),
        (TEXT.replace("limit = 90", "limit = 95"), LISTS),
        (TEXT + "\n[surprise]\nx = 1\n", LISTS),
    ],
)
def test_a_policy_that_does_not_load_whole_is_refused(text: str, lists: dict[str, str]) -> None:
    with pytest.raises(BadPolicy):
        Policy.from_toml(text, lists)


def test_a_policy_without_lists_names_none() -> None:
    with pytest.raises(BadPolicy):
        lists_named("version = 1")
