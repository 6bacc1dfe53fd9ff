"""Decides what a file of the learned tagger's weights looks like."""

from __future__ import annotations

from typing import Final

from countersign.errors import BadPolicy

# Whoever changes what a feature is counts it up.
FORMAT: Final = "countersign-tagger 1"
# Weights are whole numbers of hundredths of a logit.
SCALE: Final = 100


def read_weights(text: str) -> dict[str, tuple[int, int]]:
    """The weights in a file's text: the format, then a feature and its two numbers in each line.

    Raises `BadPolicy` when the file is of another format or a line is broken.
    """
    lines = [line for line in text.split("\n") if line and not line.startswith("# ")]
    if not lines or lines[0] != FORMAT:
        raise BadPolicy(f"redaction: the tagger's weights are not of the format {FORMAT!r}")
    weights: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(lines[1:], start=2):
        try:
            feature, person, place = line.split("\t")
            weights[feature] = (int(person), int(place))
        except ValueError:
            raise BadPolicy(
                f"redaction: the tagger's weights are broken in line {number}"
            ) from None
    return weights
