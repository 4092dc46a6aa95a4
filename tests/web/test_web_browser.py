"""The page in a real browser: the tour from evidence to a designed trial, reload, two tabs, a killed server; no barrier by axe."""

from __future__ import annotations

import re
from typing import Any

import pytest

from web.figure_files import draw
from web.serving import AXE, Serving, opened, pooled, run_done

pytestmark = pytest.mark.browser


def step(page: Any, name: str) -> None:
    """Go to a step by the rail; the page that is left must not be read for it."""
    page.get_by_role("navigation", name="Steps").get_by_role("link", name=name).click()
    page.wait_for_url(re.compile(rf"/study/[^/]+/{name.lower()}(\?|$)"))


def test_the_tour_from_evidence_to_a_designed_trial(serving: Serving, browser: Any) -> None:
    errors: list[str] = []
    page = opened(browser, errors)
    page.goto(serving.base + "/")
    page.get_by_label("Name of the study").fill("tour")
    page.get_by_role("button", name="Make the study").click()
    page.wait_for_url("**/study/tour/evidence")

    # evidence: facets change the table and the address; a number opens its source, Escape closes it
    page.get_by_label("Pool set", exact=True).select_option("frontline-kmt2a-r")
    page.wait_for_url(re.compile("pool_set=frontline-kmt2a-r"))
    page.locator("#answer[aria-busy=false]").wait_for()
    number = page.locator("#answer td a.n").first
    number.click()
    drawer = page.locator("dialog.drawer")
    assert drawer.is_visible()
    assert "outcomes" in drawer.inner_text()
    page.keyboard.press("Escape")
    assert not drawer.is_visible()
    assert number.evaluate("e => e === document.activeElement")

    # figure: a drawn curve is uploaded and read, a corner is moved by keys and put back, and its patients are rebuilt
    step(page, "Figure")
    page.set_input_files("#file", draw(serving.folder / "trial.svg"))
    page.locator("#said", has_text="Read: grade").wait_for()
    page.get_by_role("radio", name="Control", exact=True).focus()
    page.keyboard.press("Space")
    page.locator("#over").focus()
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowDown")
    page.locator("#said", has_text="Saved: moved a point of Control").wait_for()
    page.click("#undo")
    page.locator("#said", has_text="Step 1 of 2").wait_for()
    page.reload()
    page.locator("#said", has_text="Step 1 of 2").wait_for()
    page.click("#rebuild")
    page.locator("#said", has_text="Patients rebuilt: grade").wait_for()
    page.get_by_role("link", name="On to patients and survival").click()
    page.locator("section#checks").wait_for()
    assert (serving.folder / "tour" / "curves" / "trial.curve.csv").is_file()

    # patients: what was rebuilt from the figure, with its models
    assert page.locator("svg.drawing").count() >= 2
    assert "Cure fraction" in page.locator("#answer").inner_text()

    # synthesis: a cohort left out moves the pooled value at once; the address holds it, and a reload shows the same
    step(page, "Synthesis")
    before = pooled(page)
    page.locator("input[name=without]").nth(1).check()
    page.wait_for_url(re.compile("without="))
    page.wait_for_function("v => document.querySelector('.key-figures .figure .v').innerText !== v", arg=before)
    after = pooled(page)
    page.reload()
    assert pooled(page) == after
    assert page.locator("input[name=without]").nth(1).is_checked()
    page.get_by_role("button", name="Keep in the report").click()
    page.wait_for_url("**/study/tour/report")

    # borrowing: the slider by keyboard; what the prior is worth falls
    step(page, "Borrowing")
    worth = page.locator(".key-figures .figure .v").nth(3).inner_text()
    page.get_by_label("Robust weight").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("v => document.querySelectorAll('.key-figures .figure .v')[3].innerText !== v", arg=worth)
    assert float(page.locator(".key-figures .figure .v").nth(3).inner_text()) < float(worth)

    # design: a field changes the plan; virtual trials run in the background
    step(page, "Design")
    power = pooled(page)
    page.locator("input[name='design.events']").fill("90")
    page.get_by_role("button", name="Evaluate").first.click()
    page.wait_for_url(re.compile("toml="))
    assert pooled(page) != power
    page.get_by_label("Virtual trials of each scenario").fill("3000")
    page.get_by_role("button", name="Simulate").click()
    page.wait_for_url(re.compile("trials=3000"))
    run_done(page)
    rejects = page.locator("#rates").inner_text()
    assert "3,000" in page.locator("#answer").inner_text() or "Rejects" in rejects

    # two tabs share the run; a killed server comes back to the same numbers at the same address
    other = opened(browser, errors)
    other.goto(page.url)
    run_done(other)
    assert other.locator("#rates").inner_text() == rejects
    assert errors == []
    serving.kill()
    serving.start()
    page.reload()
    run_done(page)
    assert page.locator("#rates").inner_text() == rejects

    # report: the question that was kept and the plan, as one page and as a site that opens from its folder
    step(page, "Report")
    chosen = page.locator("form#make input[name=sections]:checked")
    assert [box.input_value() for box in chosen.all()] == ["patients", "synthesis", "designs", "methods"]
    page.locator("form#make input[value=designs]").uncheck()
    page.locator("form#make input[value=patients]").uncheck()
    page.get_by_role("button", name="Make the report").click()
    run_done(page)
    page.get_by_role("link", name="What frontline-kmt2a-r says together").click()
    assert pooled(page) == after
    other.goto((serving.folder / "tour" / "report" / "index.html").as_uri())
    other.get_by_role("link", name="the report", exact=True).click()
    other.locator("#pool-1-synthesis a.n").first.click()
    assert other.locator("dialog.drawer").is_visible()
    assert [e for e in errors if "ERR_CONNECTION" not in e] == []


SCREENS = (
    "/",
    "/study/infant-all/evidence?pool_set=frontline-kmt2a-g",
    "/study/infant-all/evidence?view=agents",
    "/study/infant-all/evidence?view=pooled&time=5&without=interfant-99-r",
    "/study/infant-all/evidence?view=timeline",
    "/study/infant-all/evidence?view=study&protocol=Interfant-06",
    "/study/infant-all/evidence?view=risk&protocol=Interfant-06",
    "/study/infant-all/patients",
    "/study/infant-all/synthesis?view=all",
    "/study/infant-all/borrowing",
    "/study/infant-all/borrowing?view=patients&a_origin=diagnosis&b_origin=diagnosis&drift=frontline-kmt2a-r",
    "/study/infant-all/design",
    "/study/infant-all/design?card=platform",
    "/study/infant-all/design?toml=x",
    "/study/infant-all/report",
    "/study/infant-all/trust",
    "/nothing-here",
)


def test_another_view_brings_the_form_that_asks_for_it(serving: Serving, browser: Any) -> None:
    errors: list[str] = []
    page = opened(browser, errors)
    page.goto(serving.base + "/study/infant-all/borrowing")
    page.get_by_label("Show", exact=True).focus()
    page.get_by_label("Show", exact=True).select_option("patients")
    page.get_by_label("Treated", exact=True).wait_for()
    assert page.evaluate("document.activeElement.name") == "view"
    for side in ("Treated", "Control"):
        page.get_by_label(f"{side}: time from").select_option("randomisation")
        page.wait_for_url(re.compile(f"{'a' if side == 'Treated' else 'b'}_origin=randomisation"))
    page.locator("#answer").get_by_text("What the two groups differ by").first.wait_for()
    assert errors == []


def test_designs_scenarios_and_a_map_by_keyboard_and_one_trial_played(serving: Serving, browser: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    errors: list[str] = []
    page = opened(browser, errors, viewport={"width": 390, "height": 844}, has_touch=True)
    page.goto(serving.base + "/study/infant-all/design?card=log-rank")

    # by keyboard: a fold is opened, a design chosen and added; the page comes back at its form
    page.locator("summary", has_text="Designs side by side").focus()
    page.keyboard.press("Enter")
    page.locator("#add-compare select").focus()
    page.keyboard.type("Group")
    page.locator("#add-compare button").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**#compare-1")
    alpha = page.locator("[name='compare.1.design.alpha']")
    assert alpha.is_visible()
    # what is refused is told at its field, which has the focus
    alpha.fill("0.9")
    alpha.press("Enter")
    page.locator("#compare-1 .field-problem").wait_for()
    assert page.evaluate("document.activeElement.name") == "compare.1.design.alpha"
    page.locator("[name='compare.1.design.alpha']").fill("0.025")
    page.keyboard.press("Enter")
    page.wait_for_url("**#compare-1")
    # by touch: the two cure fractions
    for place, arm, values in (("1", "treatment", "0.6, 0.7"), ("2", "control", "0.4, 0.5")):
        if place == "1":
            page.locator("summary", has_text="Assumptions that vary").tap()
        page.locator("#add-grid select").select_option(f"arms.{arm}.survival.cure_fraction")
        page.locator("#add-grid input[name$=values]").fill(values)
        page.locator("#add-grid button").tap()
        page.wait_for_url(f"**#grid-{place}")
    page.get_by_label("Virtual trials of each scenario").fill("2500")
    page.get_by_role("button", name="Simulate").tap()
    run_done(page)
    assert page.locator("figure#power-map-1 svg, figure#power-map-2 svg").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    # another screen and back: the bundled study writes nothing, this tab has kept the plan
    steps, place = page.get_by_role("navigation", name="Steps"), page.url
    for step in ("Trust", "Design"):
        if not steps.get_by_role("link", name=step).is_visible():
            steps.locator("summary").click()
        steps.get_by_role("link", name=step).click()
        page.wait_for_url(re.compile(f"/{step.lower()}"))
    assert page.url == place.removesuffix("#answer")
    run_done(page)
    result = Axe().run(page, options=AXE).response
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in result["violations"]] == []

    # one trial: all of it at first; to its first look; by arrow keys; played and paused
    page.locator("summary", has_text="What does one such trial look like?").click()
    said, slider, play = page.locator("#one-trial-1 output"), page.locator("#one-trial-1-time"), page.locator("#one-trial-1-play")
    assert "180 (90 + 90) entered" in said.inner_text()
    slider.focus()
    page.keyboard.press("Home")
    assert said.inner_text().startswith("At 0.00 years: 0 entered, 0 events")
    curtain = "e => Number(e.querySelector('.curtain').getAttribute('width'))"
    whole = page.locator("#one-trial-1").evaluate(curtain)
    page.keyboard.press("ArrowRight")
    assert said.inner_text().startswith("At 0.05 years")
    play.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("w => Number(document.querySelector('#one-trial-1 .curtain').getAttribute('width')) < 0.9 * w", arg=whole)
    assert play.inner_text() == "Pause"
    page.keyboard.press("Enter")
    paused = said.inner_text()
    assert play.inner_text() == "Play"
    page.wait_for_timeout(300)
    assert said.inner_text() == paused
    page.locator("#one-trial-1-look").click()
    assert re.search(r"Look 1 of \d at ", said.inner_text())
    page.emulate_media(reduced_motion="reduce")
    play.wait_for(state="hidden")
    assert page.locator("#one-trial-1-look").is_visible()
    assert [e for e in errors if "422" not in e] == []


#: Each address as a light page of 1280 pixels, then the same page dark on a telephone.
LOOKS = (("light", 1280), ("dark", 390))


def test_no_barrier_by_axe_and_nothing_wider_than_a_telephone(serving: Serving, browser: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    errors: list[str] = []
    found: list[str] = []
    page = opened(browser, errors)
    axe = Axe()
    for screen in SCREENS:
        page.set_viewport_size({"width": LOOKS[0][1], "height": 900})
        page.goto(serving.base + screen)
        for theme, width in LOOKS:
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": 900})
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 0:
                found.append(f"{screen}, {width}: {wide} pixels too wide")
            result = axe.run(page, options=AXE).response
            found += [f"{screen}, {theme}: {v['id']} ({v['impact']}) {[n['target'] for n in v['nodes']][:3]}" for v in result["violations"]]
    assert not found, "\n".join(found)
    assert [e for e in errors if "422" not in e and "404" not in e] == []
