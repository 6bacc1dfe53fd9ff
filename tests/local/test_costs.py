"""`countersign cost` prints one document, and docs/cost.md holds the tables that the code makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from countersign.errors import BadQuestion
from local import costs
from local.cli import app

RUN = CliRunner()


def test_the_command_prints_one_document() -> None:
    found = json.loads(RUN.invoke(app, ["cost", "--sessions-per-day", "100", "--json"]).stdout)
    assert found["prices_dated"] == costs.tables()[0].dated
    assert found["sessions_per_month"] == 2200
    parts = sum(each["usd_per_month"] for each in found["services"])
    assert parts == pytest.approx(found["usd_per_month"], abs=0.1)
    assert found["usd_per_session"] == pytest.approx(found["usd_per_month"] / 2200, rel=1e-3)


def test_longer_sessions_cost_more() -> None:
    assert costs.document(20, 90)["usd_per_month"] > costs.document(20, 25)["usd_per_month"]


def test_a_month_without_sessions_has_no_price_per_session() -> None:
    found = costs.document(0)
    assert found["usd_per_session"] is None
    assert found["usd_per_month"] == found["idle_usd_per_month"]


def test_people_get_a_table() -> None:
    shown = RUN.invoke(app, ["cost", "--sessions-per-day", "3"]).stdout
    assert "SageMaker" in shown
    assert costs.tables()[0].dated in shown


def test_less_than_nothing_is_refused() -> None:
    with pytest.raises(BadQuestion):
        RUN.invoke(app, ["cost", "--sessions-per-day=-4", "--json"], catch_exceptions=False)


def test_the_document_holds_the_tables_that_the_code_makes() -> None:
    text = (Path(__file__).parents[2] / "docs" / "cost.md").read_text()
    assert costs.markdown() in text, "paste what `python -m local.costs` prints into docs/cost.md"
