"""A log line that could carry what a person said does not pass the check."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.log_check import complaints, main


@pytest.mark.parametrize(
    "line",
    [
        'logger.info(f"Event: {json.dumps(event)}")',
        'logger.info("got %s", event)',
        'logger.info("got", extra={"text": turn.text})',
        'logger.info("got", extra=fields)',
        'logger.info("got", extra={**fields})',
        'logger.exception("failed")',
        'logger.error("failed", exc_info=True)',
        "logger.warning(str(error))",
        'log.info("got", transcript)',
        'logging.info("said %s", turn.text)',
    ],
)
def test_a_line_that_may_carry_words_is_named(line: str) -> None:
    assert complaints(Path("x.py"), line), line


@pytest.mark.parametrize(
    "line",
    [
        'logger.info("done", extra={"session_id": session.id, "milliseconds": 3})',
        'logger.info("%s in %.2f s", call.inference_id, seconds)',
        'client.info("not a log")',
    ],
)
def test_ids_counts_and_durations_pass(line: str) -> None:
    assert complaints(Path("x.py"), line) == []


def test_the_rooms_pass() -> None:
    assert main() == 0
