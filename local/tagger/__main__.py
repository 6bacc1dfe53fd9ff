"""Decides the weights of the learned tagger: `python -m local.tagger`, over `local/tagger/corpus`.

It needs scikit-learn (`make tagger` installs it) and takes a minute or two. The same corpus, policy
and scikit-learn give the same file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from countersign.redaction.learned import candidate, features
from countersign.redaction.lexicon import Lexicon
from countersign.redaction.policy import Policy
from countersign.redaction.text import Document
from countersign.redaction.weights import FORMAT, SCALE
from lambdas import policies
from local.tagger import corpus

# Less than this, in hundredths of a logit, decides nothing.
_LEAST = 4


def main(
    out: Annotated[Path, typer.Option(help="The file of weights.")],
    data: Annotated[Path, typer.Option(help="The folder of sentences.")] = corpus.HERE,
    variants: Annotated[int, typer.Option(min=1, help="How many times each sentence.")] = 16,
    strength: Annotated[float, typer.Option(help="Of the penalty on weights, inverse.")] = 1.0,
    seed: int = 1,
) -> None:
    """Train and write the weights."""
    # The weights that are to be made are not needed for making them.
    lists = {**policies.folder("lexicons", ".txt"), "redaction_tagger": FORMAT}
    policy = Policy.from_toml(policies.text("redaction.toml"), lists)
    told, known, weighed = _examples(policy, corpus.folder(data), variants, seed)
    vectors = DictVectorizer(sort=True)
    model = LogisticRegression(C=strength, max_iter=300)
    model.fit(vectors.fit_transform(told), known, sample_weight=weighed)
    names = list(model.classes_)
    by = {name: model.coef_[names.index(name)] for name in ("", "NAME", "GEO")}
    bias = {name: model.intercept_[names.index(name)] for name in by}
    lines = [
        "# Weights of countersign/redaction/learned.py, in hundredths, for a name and for a place.",
        "# Source: our own sentences in local/tagger/corpus, by `make tagger`; not to be edited.",
        f"# Corpus: {corpus.digest(data)}",
        FORMAT,
    ]
    rows = {"bias": (bias["NAME"] - bias[""], bias["GEO"] - bias[""])}
    for feature, column in vectors.vocabulary_.items():
        none = by[""][column]
        rows[feature] = (by["NAME"][column] - none, by["GEO"][column] - none)
    for feature, (person, place) in sorted(rows.items()):
        one, other = round(person * SCALE), round(place * SCALE)
        if max(abs(one), abs(other)) >= _LEAST:
            lines.append(f"{feature}\t{one}\t{other}")
    out.write_text("\n".join(lines) + "\n", "utf-8")
    typer.echo(f"{len(told)} examples, {len(lines) - 4} weights, {out.stat().st_size:,} bytes")


def _examples(
    policy: Policy, sentences: list[corpus.Sentence], variants: int, seed: int
) -> tuple[list[dict[str, int]], list[str], list[float]]:
    """The features of each word that may be a name, what it is, and its weight.

    A sentence without a name has no variants: all those of one weigh as much as it does.
    """
    lexicon = Lexicon(policy)
    names = corpus.Names(policy, seed)
    told: list[dict[str, int]] = []
    known: list[str] = []
    weighed: list[float] = []
    for sentence in sentences:
        made = {sentence, *(names.varied(sentence) for _ in range(variants - 1))}
        for variant in sorted(made, key=lambda variant: variant.text):
            document = Document.of(variant.text)
            flags = lexicon.flags(document)
            for index, label in enumerate(corpus.labels(variant, document.starts)):
                if label != "-" and candidate(document.words[index], flags[index]):
                    told.append(dict.fromkeys(features(document, flags, index), 1))
                    known.append(label)
                    weighed.append(1.0 / len(made))
    return told, known, weighed


if __name__ == "__main__":
    typer.run(main)
