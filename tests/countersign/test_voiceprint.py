from __future__ import annotations

import base64
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign import voiceprint
from countersign.errors import BadTranscript


def drawn(seed: int) -> list[float]:
    draw = random.Random(seed)  # noqa: S311
    return [draw.gauss(0, 0.1) for _ in range(256)]


vectors = st.integers(0, 2**32).map(drawn)


def axis(number: int) -> list[float]:
    return [1.0 if place == number else 0.0 for place in range(256)]


def cosine(one: list[float], other: list[float]) -> float:
    product = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return product / math.hypot(*one) / math.hypot(*other)


@given(vectors, vectors)
def test_text_keeps_how_much_two_voices_resemble_one_another(
    one: list[float], other: list[float]
) -> None:
    found = voiceprint.resemblance(voiceprint.encode(one), voiceprint.encode(other))
    assert found == pytest.approx(cosine(one, other), abs=0.02)


@given(vectors)
def test_a_voice_is_itself_at_any_length(vector: list[float]) -> None:
    text = voiceprint.encode(vector)
    assert len(text) == 344
    assert voiceprint.encode([value * 4 for value in vector]) == text
    assert voiceprint.resemblance(text, text) == pytest.approx(1.0)


def test_prints_that_share_nothing_do_not_resemble_one_another() -> None:
    one, other = voiceprint.encode(axis(1)), voiceprint.encode(axis(2))
    assert voiceprint.resemblance(one, other) == 0.0


def test_the_mean_leans_to_the_voice_that_spoke_longer() -> None:
    one, other = voiceprint.encode(axis(1)), voiceprint.encode(axis(2))
    middle = voiceprint.mean([(one, 30.0), (other, 10.0)])
    assert voiceprint.resemblance(middle, one) == pytest.approx(3 / math.sqrt(10), abs=0.005)
    assert voiceprint.resemblance(middle, other) == pytest.approx(1 / math.sqrt(10), abs=0.005)


@given(st.lists(st.tuples(vectors.map(voiceprint.encode), st.floats(0.1, 100)), max_size=4))
def test_the_mean_does_not_depend_on_the_order(prints: list[tuple[str, float]]) -> None:
    assert voiceprint.mean(prints) == voiceprint.mean(prints[::-1])


def test_absent_prints_are_passed_over() -> None:
    one = voiceprint.encode(axis(1))
    assert voiceprint.mean([("", 8.0), (one, 2.0), (voiceprint.encode(axis(2)), 0.0)]) == one
    assert voiceprint.mean([]) == ""
    assert voiceprint.mean([("", 8.0)]) == ""


def test_opposite_prints_have_no_mean() -> None:
    one, opposite = voiceprint.encode(axis(1)), voiceprint.encode([-v for v in axis(1)])
    with pytest.raises(BadTranscript):
        voiceprint.mean([(one, 1.0), (opposite, 1.0)])
    with pytest.raises(ValueError, match="less than nothing"):
        voiceprint.mean([(one, -1.0)])


@pytest.mark.parametrize(
    "text",
    ["", "no base64!", "é", base64.b64encode(bytes(256)).decode(), base64.b64encode(b"x").decode()],
)
def test_a_text_that_is_no_print_is_refused(text: str) -> None:
    with pytest.raises(BadTranscript):
        voiceprint.resemblance(text, voiceprint.encode(axis(1)))


@pytest.mark.parametrize("vector", [[], [1.0], [0.0] * 256, [math.nan] * 256, [math.inf] * 256])
def test_values_without_a_direction_are_refused(vector: list[float]) -> None:
    with pytest.raises(ValueError, match="256"):
        voiceprint.encode(vector)
