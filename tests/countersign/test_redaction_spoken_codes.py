"""Numbers, dates, handles and file names as people say them are marked whole, and doses are not."""

from __future__ import annotations

import pytest

from countersign.redaction import Engine, Policy
from lambdas import policies


@pytest.fixture(scope="module")
def engine() -> Engine:
    folder = policies.folder("lexicons", ".txt")
    return Engine(Policy.from_toml(policies.text("redaction.toml"), folder))


def _left(engine: Engine, text: str, value: str) -> str:
    """The letters and digits of `value` that redaction leaves in `text`."""
    spans = engine.redact([text]).spans[0]
    masked = {index for span in spans for index in range(span.start, span.end)}
    begin = text.index(value)
    return "".join(
        text[index]
        for index in range(begin, begin + len(value))
        if text[index].isalnum() and index not in masked
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("she was admitted on eleven nine twenty one after the fall", "eleven nine twenty one"),
        ("born six thirty nineteen fifty eight in a barn", "six thirty nineteen fifty eight"),
        ("addendum to my note of four seventeen twenty two", "four seventeen twenty two"),
        ("the last refill was on eight six and then nothing", "eight six"),
        ("she was born the fourth of the ninth sixty three", "the fourth of the ninth sixty three"),
        ("is it the eleventh or the twelfth that you can do", "the eleventh"),
        ("is it the eleventh or the twelfth that you can do", "the twelfth"),
        ("the funeral was thursday the fifteenth and i missed it", "the fifteenth"),
        ("excused from work 5/2\u20135/6 by this office", "5/2"),
        ("excused from work 5/2\u20135/6 by this office", "5/6"),
        ("my grandmother passed at ninety six in her own bed", "ninety six"),
        ("call three one two five five five oh one two two or my sister",
         "three one two five five five oh one two two"),
        ("five five five oh one two two no wait oh one three three", "oh one three three"),
        ("the plate is d as in dog four one k l m on a van", "d as in dog four one k l m"),
        ("my insta is at quiet harbor six one if you want it", "at quiet harbor six one"),
        ("online she goes by moon underscore pastry", "moon underscore pastry"),
        ("he has w w w dot tide letters dot example on his card",
         "w w w dot tide letters dot example"),
        ("write to tall pete thirty one at example dot com", "pete thirty one at example dot com"),
        ("saved it as last_summer.png on the drive", "last_summer.png"),
        ("the file is porch underscore oh three dot j p g", "porch underscore oh three dot j p g"),
        ("the address is one ninety two dot zero dot two dot one forty", "one ninety two dot"),
        ("they wrote lic. LCSW 20441 under my name", "LCSW 20441"),
        ("member number KQT 7710 2245 01, group none", "KQT 7710 2245 01"),
        ("that is wolfpie#3391 on discord", "wolfpie#3391"),
    ],
)  # fmt: skip
def test_what_identifies_is_masked_whole(engine: Engine, text: str, value: str) -> None:
    assert _left(engine, text, value) == ""


@pytest.mark.parametrize(
    "text",
    [
        "i am on two ten of it and she was on three fifty before",
        "they have me on two twenty five twice a day",
        "my instagram is down again today",
        "she lives on the fourteenth floor and hates the lift",
        "it was the sixteenth time he said it",
        "people thought that in the nineteenth century",
        "blood pressure was one twenty over eighty and pulse seventy two",
        "he came back w/o his coat and w/ a cough",
        "he sat at sign number four until the bus came",
    ],
)
def test_doses_orders_and_measures_stay(engine: Engine, text: str) -> None:
    assert engine.redact([text]).texts == (text,)
