"""The boards in a real browser: an alert is seen within two seconds and answered by one key."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from lambdas import alerts
from tests.journeys.desk import LOOKS, Desk
from tests.portal import COMPLIANCE, DESK, DIRECTOR, ON_DUTY, OPERATIONS, PATIENT, settle


@pytest.mark.parametrize("desk", LOOKS, indirect=True)
def test_an_alert_appears_within_two_seconds_and_is_answered_by_one_key(desk: Desk) -> None:
    page, ports = desk.page, desk.house.ports
    desk.sign_in(DESK.name)
    page.get_by_role("link", name="Alerts").click()
    expect(page.get_by_text("No alert is open.")).to_be_visible()
    desk.keep("alerts-none")
    page.get_by_role("button", name="Sound").click()
    expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "true")
    began = time.perf_counter()
    alerts.lift(ports, "north", "intake.crisis", "i-0001")
    expect(page.get_by_role("button", name="I deal with it")).to_be_visible(timeout=2000)
    assert time.perf_counter() - began < 2.0
    expect(page).to_have_title("(1) Alerts · Countersign")
    expect(page.locator("#alert-state")).to_have_text("A new alert.")
    desk.keep("alerts-open")
    page.keyboard.press("a")
    expect(page.get_by_text("No alert is open.")).to_be_visible()
    expect(page.get_by_text(f"answered by {DESK.id}")).to_be_visible()
    expect(page).to_have_title("Alerts · Countersign")
    desk.keep("alerts-answered")
    assert [one.answered_by for one in alerts.listed(ports, "north")] == [DESK.id]
    assert desk.complaints == []


def test_a_board_that_lost_its_connection_says_so(desk: Desk) -> None:
    desk.sign_in(ON_DUTY.name)
    desk.page.get_by_role("link", name="Alerts").click()
    desk.page.context.set_offline(True)
    expect(desk.page.locator("#alert-state")).to_contain_text("this list may be old")
    desk.page.context.set_offline(False)
    expect(desk.page.locator("#alert-state")).to_have_text("")
    desk.house.ports.identity.expired.add(ON_DUTY.id)
    expect(desk.page.locator("#alert-state")).to_contain_text("Your sign-in has run out")


@pytest.mark.parametrize("desk", LOOKS, indirect=True)
def test_the_compliance_officer_searches_proves_and_looks_what_exists(desk: Desk) -> None:
    settle(desk.house)
    page = desk.page
    desk.sign_in(COMPLIANCE.name)
    page.get_by_role("link", name="Audit").click()
    desk.keep("audit")
    page.get_by_label("What", exact=True).select_option("draft.read")
    page.get_by_role("button", name="Search").click()
    entry = page.locator("tbody td:last-child code").first.inner_text()
    desk.keep("audit-search")
    page.get_by_label("Entry (its id").fill(entry)
    page.get_by_role("button", name="Make the proof").click()
    expect(page.locator("pre")).to_contain_text("a proof of")
    desk.keep("audit-proof")
    page.get_by_label("Patient (the id)").fill(PATIENT)
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_role("cell", name="awaiting signature")).to_be_visible()
    desk.keep("audit-patient")
    assert PATIENT not in "".join(desk.bridge.asked)
    assert desk.complaints == []


@pytest.mark.parametrize("desk", LOOKS, indirect=True)
def test_the_directors_and_the_operations_tables(desk: Desk) -> None:
    shown = settle(desk.house)
    body = {"digest": shown["digest"], "attestation": True}
    desk.house.ask("POST", "/api/sessions/s-0001/signature", json_body=body)
    page = desk.page
    desk.sign_in(DIRECTOR.name)
    page.get_by_role("link", name="Quality").click()
    expect(page.get_by_role("cell", name="Dana Reyes")).to_be_visible()
    desk.keep("quality")
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("cell", name="signed")).to_be_visible()
    desk.keep("usage")
    desk.page.context.clear_cookies()
    desk.sign_in(OPERATIONS.name)
    expect(page.get_by_role("link", name="Quality")).to_have_count(0)
    expect(page.get_by_role("link", name="Usage")).to_be_visible()
    desk.keep("home-operations")
    assert desk.complaints == []
