"""On Design the null scenario follows the null of the form; one called null that is none is told above the answer."""

from __future__ import annotations

import re
from typing import Any

import pytest

from web.serving import Serving, opened

pytestmark = pytest.mark.browser


def test_the_null_scenario_follows_the_form_and_an_own_value_stays_with_a_caution(serving: Serving, browser: Any) -> None:
    errors: list[str] = []
    page = opened(browser, errors)
    page.goto(serving.base + "/study/infant-all/design?card=exact-binomial")
    scenario = page.locator("input[name='scenario.1.arms.treatment.response']")
    assert scenario.input_value() == "0.4"
    page.locator("input[name='design.null_response']").fill("0.45")
    page.get_by_role("button", name="Evaluate").first.click()
    page.wait_for_url(re.compile("toml="))
    assert scenario.input_value() == "0.45"
    assert page.get_by_text("is not the design's null").count() == 0

    page.get_by_text("Scenarios: 1 other truth").click()
    page.get_by_text("Scenario 1: null").click()
    scenario.fill("0.5")
    page.locator("form:has(input[name='scenario.1.arms.treatment.response'])").get_by_role("button", name="Evaluate").click()
    page.get_by_text("The scenario null is not the design's null").first.wait_for()
    page.locator("input[name='design.null_response']").fill("0.4")
    page.get_by_role("button", name="Evaluate").first.click()
    page.wait_for_url(re.compile(r"null_response\+%3D\+0\.4%0A"))
    assert scenario.input_value() == "0.5"  # put there by hand
    page.get_by_text("The scenario null is not the design's null").first.wait_for()
    assert errors == []
