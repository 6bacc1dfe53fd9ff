"""The learned tagger: what it adds to the rules, what its file holds, and where it came from."""

from __future__ import annotations

import dataclasses

import pytest

from countersign.errors import BadPolicy
from countersign.redaction import Engine, Policy, RuleTagger
from countersign.redaction.weights import FORMAT, SCALE, read_weights
from lambdas import policies
from local.tagger import corpus

POLICY = Policy.from_toml(policies.text("redaction.toml"), policies.folder("lexicons", ".txt"))


def _masked(text: str, engine: Engine) -> list[str]:
    return [text[span.start : span.end] for span in engine.redact([text]).spans[0]]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("then oluwaseyi slammed the car door and drove off", "oluwaseyi"),
        ("we were at the lake when ximalli called me a liar", "ximalli"),
    ],
)
def test_a_name_that_no_list_and_no_cue_has_is_found_by_its_surroundings(
    text: str, name: str
) -> None:
    assert not any(name in sentence.text for sentence in corpus.folder(corpus.HERE))
    assert _masked(text, Engine(POLICY, RuleTagger(POLICY))) == []
    assert _masked(text, Engine(POLICY)) == [name]


@pytest.mark.parametrize(
    "text",
    [
        "the wellbutrin and the lamictal together make me shake",
        "she scored a nineteen on the beck and a twelve on the hamilton",
        "i moved to oregon and then back to texas",
        "you will have to hope and pray like the rest of us",
    ],
)
def test_what_the_policy_keeps_is_not_for_it_to_take(text: str) -> None:
    timid = Engine(POLICY)
    bold = Engine(dataclasses.replace(POLICY, sure=0.3))
    assert _masked(text, timid) == _masked(text, bold) == []


def test_more_is_masked_the_less_sure_it_must_be() -> None:
    texts = [sentence.text for sentence in corpus.folder(corpus.HERE)[:400]]

    def count(sure: float) -> int:
        engine = Engine(dataclasses.replace(POLICY, sure=sure))
        return sum(len(_masked(text, engine)) for text in texts)

    assert count(0.3) > count(0.75) > count(0.99)


def test_the_weights_are_those_of_the_corpus_in_the_repository() -> None:
    text = policies.text("lexicons/redaction_tagger.txt")
    made = f"# Corpus: {corpus.digest(corpus.HERE)}"
    assert made in text.splitlines()[:4], "the corpus has changed: run `make tagger`"


def test_a_sentence_keeps_its_names_in_every_variant() -> None:
    names = corpus.Names(POLICY, seed=7)
    marked = '{"text": "Then [[NAME|Priya Nair]] left [[GEO|Boise]], and [[NAME|Al]] stayed."}'
    (sentence,) = corpus.read(marked)
    made = {names.varied(sentence) for _ in range(40)}
    assert len(made) > 20
    for variant in made:
        assert [label for _, _, label in variant.spans] == ["NAME", "GEO", "NAME"]
        for start, end, _ in variant.spans:
            assert variant.text[start:end].strip() == variant.text[start:end] != ""
            assert not variant.text[end : end + 1].isalnum()


@pytest.mark.parametrize(
    "text", ["", "countersign-tagger 0\na\t1\t2", f"{FORMAT}\na\t1", f"{FORMAT}\na\tone\ttwo"]
)
def test_a_broken_file_of_weights_is_refused(text: str) -> None:
    with pytest.raises(BadPolicy):
        read_weights(text)


def test_weights_are_whole_hundredths() -> None:
    weights = read_weights(f"# a comment\n{FORMAT}\nf1\t{SCALE}\t-{SCALE}\n")
    assert weights == {"f1": (100, -100)}
