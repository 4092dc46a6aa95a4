"""Patients against patients on the Borrowing screen, kept by a click: the report has the numbers of the screen."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from compared_patients import study_to_compare
from web.serving import Serving, opened, run_done

pytestmark = pytest.mark.browser


def test_a_comparison_is_kept_by_clicks_and_the_report_shows_its_numbers(serving: Serving, browser: Any) -> None:
    errors: list[str] = []
    study = study_to_compare(serving.folder / "compared")
    page = opened(browser, errors)
    page.goto(serving.base + "/study/compared/borrowing")
    page.get_by_label("Show", exact=True).select_option("patients")
    page.get_by_label("Treated", exact=True).wait_for()
    assert page.get_by_role("button", name="Keep in the report").count() == 0  # the examples are evidence of nothing
    for side, source in (("Treated", "=ours"), ("Control", "=registry")):
        page.get_by_label(side, exact=True).select_option(source)
        page.get_by_label(f"{side}: unit of time").select_option("years")
        page.get_by_label(f"{side}: time from").select_option("diagnosis")
    page.get_by_label("Weight the control on covariates of both").fill("age, cns")
    page.get_by_role("button", name="Compare").click()
    page.locator("#answer").get_by_text("What the weights balance").first.wait_for()
    screen = [v.inner_text() for v in page.locator("#answer .key-figures .figure .v").all()]
    shown = json.loads(page.request.get(page.url.replace("/borrowing?", "/borrowing.json?")).text())["numbers"]
    page.get_by_role("button", name="Keep in the report").click()
    page.wait_for_url("**/study/compared/report")
    assert page.get_by_label("Borrowing: ours against registry: EFS at 2 years").is_checked()
    sections = page.locator("input[name=sections]")
    for i in range(sections.count()):
        if sections.nth(i).get_attribute("value") != "comparisons":
            sections.nth(i).uncheck()
    page.get_by_role("button", name="Make the report").click()
    page.wait_for_url(re.compile("sections=comparisons"))
    run_done(page)
    page.goto(serving.base + "/study/compared/report/file/report.html")
    page.get_by_role("heading", name="a comparison with a historical control, not randomised").wait_for()
    assert [v.inner_text() for v in page.locator(".key-figures .figure .v").all()] == screen
    made = json.loads((study / "report" / "results.json").read_text())["numbers"]
    report = {n["name"]: (n["value"], n["low"], n["high"]) for n in made}
    assert {f"comparison-1.{n['name']}": (n["value"], n["low"], n["high"]) for n in shown} == report
    assert errors == []
