"""The page by keyboard alone: each screen's main action by Tab, Enter, Space and arrows, the focus seen at every step; and the frame.

The frame: the rail leads back to where a step was left, a slow answer and a server that is gone are told.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from web.figure_files import draw
from web.serving import Serving, opened, pooled

pytestmark = pytest.mark.browser

#: What has the focus: in words, whether it is seen (an outline or a frame of its own, inside the window) and where it stands.
FOCUS = """() => {
  const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
  const lined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  const inside = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const all = [...document.querySelectorAll('*')];
  return {words: `${e.tagName} ${e.id || e.name || e.textContent.trim().slice(0, 40)}`, seen: lined && inside, place: all.indexOf(e)};
}"""


def walk(page: Any, selector: str, most: int = 150) -> None:
    """Tab until ``selector`` has the focus: each step moves on, in the order of the page, to something that is seen."""
    before = page.evaluate(FOCUS)
    for _ in range(most):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUS)
        assert now["seen"], f"the focus is not seen at {now['words']}"
        assert now["place"] > before["place"], f"Tab goes from {before['words']} to {now['words']}"
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        before = now
    raise AssertionError(f"{selector} is not reached by {most} times Tab; last at {before['words']}")


def opens(page: Any, step: str) -> None:
    """Go to a step by the rail."""
    page.reload()
    walk(page, f".rail a[href*='/{step}']")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/{step}"))


def test_the_line_by_keyboard_alone(serving: Serving, browser: Any) -> None:
    errors: list[str] = []
    page = opened(browser, errors, viewport={"width": 1280, "height": 800})
    page.goto(serving.base + "/")
    walk(page, "input[name=name]")
    page.keyboard.type("keys")
    page.keyboard.press("Enter")
    page.wait_for_url("**/study/keys/evidence")

    # the way past the rail, then a facet, a number, its drawer, back at the number
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate(FOCUS)["seen"]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    walk(page, "select[name=pool_set]")
    page.keyboard.type("frontline-kmt2a-g")
    page.wait_for_url(re.compile("pool_set=frontline-kmt2a-g"))
    page.locator("#answer[aria-busy=false]").wait_for()
    walk(page, "#answer td a.n")
    here = page.evaluate("document.activeElement.id")
    page.keyboard.press("Enter")
    assert page.locator("dialog.drawer").is_visible()
    for _ in range(6):  # a dialog keeps the focus, or gives it to the browser's own bar
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || document.activeElement.closest('dialog.drawer') !== null")
    page.keyboard.press("Escape")
    assert not page.locator("dialog.drawer").is_visible()
    assert page.evaluate("document.activeElement.id") == here

    # synthesis: a cohort left out
    opens(page, "synthesis")
    before = pooled(page)
    walk(page, "input[value=interfant-99-r]")
    page.keyboard.press("Space")
    page.wait_for_function("v => document.querySelector('.key-figures .figure .v').innerText !== v", arg=before)
    assert page.evaluate("document.activeElement.name") == "without", "the answer comes without taking the focus"

    # borrowing: the slider
    opens(page, "borrowing")
    walk(page, "input[name=robust]")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile("robust="))

    # patients: a model beside the curve
    opens(page, "patients")
    walk(page, "input[name=model]")
    page.keyboard.press("Space")
    page.wait_for_url(re.compile("model="))

    # design: a field of the plan
    opens(page, "design")
    walk(page, "input[name='design.events']")
    page.keyboard.press("Control+A")
    page.keyboard.type("90")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("toml="))

    # figure: dropped by the file field, its handles by keys, and out again; the report's and the validation's button
    opens(page, "figure")
    walk(page, "#file")
    page.set_input_files("#file", draw(serving.folder / "keys.svg"))
    page.locator("#said", has_text="Read: grade").wait_for()
    page.evaluate("document.activeElement.blur()")
    walk(page, "#over")
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowRight")
    page.locator("#said", has_text="Saved").wait_for()
    walk(page, "#rebuild")
    opens(page, "report")
    walk(page, "#make button")
    opens(page, "trust")
    walk(page, "main form button")
    assert errors == []


def test_the_rail_leads_back_to_where_a_step_was_left_and_the_open_step_to_its_beginning(serving: Serving, browser: Any) -> None:
    page = opened(browser, [])
    page.goto(serving.base + "/study/infant-all/evidence")
    link = page.get_by_role("navigation", name="Steps").get_by_role("link", name="Evidence")
    page.get_by_label("Subtype", exact=True).select_option("KMT2A-g")
    page.wait_for_url(re.compile("subtype=KMT2A-g"))
    page.locator("#answer[aria-busy=false]").wait_for()
    page.goto(serving.base + "/study/infant-all/synthesis")
    assert "as you left it" in link.inner_text()
    link.click()
    page.wait_for_url(re.compile("subtype=KMT2A-g"))
    assert page.get_by_label("Subtype", exact=True).input_value() == "KMT2A-g"
    assert "as you left it" not in link.inner_text()
    link.click()
    page.wait_for_url("**/study/infant-all/evidence")
    page.goto(serving.base + "/study/infant-all/synthesis?time=x")  # a question that is refused is no place to come back to
    page.goto(serving.base + "/study/infant-all/evidence")
    steps = page.get_by_role("navigation", name="Steps")
    assert "as you left it" not in steps.inner_text()


def test_a_slow_answer_and_a_server_that_is_gone_are_told_and_the_page_is_kept(serving: Serving, browser: Any) -> None:
    page = opened(browser, [])
    page.goto(serving.base + "/study/infant-all/synthesis")
    held: list[Any] = []
    page.route(re.compile(r"/synthesis\?"), lambda route: held.append(route))
    window = page.locator("[name=window]")
    window.fill("2")
    window.blur()
    page.locator("#answer .told", has_text="Still computing").wait_for()
    assert page.locator("#answer[aria-busy=true]").count() == 1
    held[0].continue_()
    page.locator("#answer[aria-busy=false]").wait_for()
    assert page.locator(".told").count() == 0
    page.get_by_role("button", name="Pool", exact=True).click()  # the same question again: what stands below answers it
    page.locator("#answer .told", has_text=re.compile("^Still computing.$")).wait_for()
    held[-1].continue_()
    page.locator("#answer[aria-busy=false]").wait_for()
    after = pooled(page)
    page.unroute(re.compile(r"/synthesis\?"))
    page.route(re.compile(r"/synthesis\?"), lambda route: route.abort())
    window.fill("1")
    window.blur()
    page.locator("#answer .told[role=alert]", has_text="does not answer").wait_for()
    assert pooled(page) == after
    assert window.input_value() == "1"


def test_a_question_that_waits_for_its_turn_says_nothing_of_the_answer_to_a_later_one(serving: Serving, browser: Any) -> None:
    page = opened(browser, [])
    page.clock.install()
    page.goto(serving.base + "/study/infant-all/synthesis")
    page.route(re.compile(r"/synthesis\?.*window=2"), lambda route: route.fulfill(status=429, body="busy"))
    window = page.locator("[name=window]")
    with page.expect_response(re.compile("window=2")):
        window.fill("2")
        window.blur()
        page.clock.run_for(40)
    window.fill("0.5")
    window.blur()
    page.clock.run_for(40)
    page.wait_for_url(re.compile("window=0.5"))
    page.locator("#answer[aria-busy=false]").wait_for()
    page.clock.run_for(900)
    assert page.locator(".told").count() == 0


def test_a_table_is_unfolded_by_its_link_and_sorted_folded(serving: Serving, browser: Any) -> None:
    page = opened(browser, [], viewport={"width": 390, "height": 844})
    page.goto(serving.base + "/study/infant-all/evidence")
    assert page.evaluate("document.documentElement.scrollHeight") < 8000
    rows = page.locator("#facts tbody tr:visible")
    assert rows.count() == 12
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Estimate").click()
    lowest = [
        float(t.split()[0].rstrip("%\u202f").replace("\u202f", ""))
        for t in page.locator("#facts tbody tr:visible td:nth-child(3) .v").all_inner_texts()
    ]
    assert lowest == sorted(lowest)
    assert rows.count() == 12
    page.emulate_media(media="print")
    assert rows.count() > 100
    page.emulate_media(media="screen")
    page.get_by_role("link", name="Show all").click()
    page.wait_for_url(re.compile("rows=all"))
    assert rows.count() > 100


def test_a_broken_study_says_what_and_where_on_every_screen_that_needs_it(serving: Serving, browser: Any) -> None:
    page = opened(browser, [])
    page.goto(serving.base + "/")
    page.get_by_label("Name of the study").fill("broken")
    page.get_by_role("button", name="Make the study").click()
    page.wait_for_url("**/study/broken/evidence")
    Path(serving.folder / "broken" / "sources.csv").unlink()
    for step in ("evidence", "synthesis", "borrowing", "report"):
        page.goto(f"{serving.base}/study/broken/{step}")
        assert "sources.csv is missing" in page.locator("#answer .problems").inner_text()
        assert "not readable" in page.get_by_role("navigation", name="Steps").inner_text()
    for step in ("start", "figure", "patients", "design", "trust"):
        page.goto(f"{serving.base}/study/broken/{step}")
        assert page.locator("#answer .problems").count() == 0


def test_a_long_list_is_narrowed_by_words_what_is_chosen_stays(serving: Serving, browser: Any) -> None:
    errors: list[str] = []
    page = opened(browser, errors)
    page.goto(serving.base + "/study/infant-all/borrowing")
    boxes, shown = page.locator("#prior-arms-list label"), page.locator("#prior-arms-list label:visible")
    every = boxes.count()
    assert every > 100
    search = page.get_by_label("Arms of the history: narrow the list")
    search.focus()
    page.keyboard.type("INTERFANT 99")
    said = page.locator("fieldset.boxes .narrowed").inner_text()
    fits = [t for t in boxes.all_text_contents() if "interfant" in t.lower() and "99" in t]
    assert said == f"{len(fits)} of {every} fit."
    assert shown.count() == len(fits) + 1  # the arm that is ticked stays in view
    address = page.url
    page.keyboard.press("Enter")  # asks nothing: the first that fits has the focus
    assert page.url == address
    first = page.evaluate("document.activeElement.closest('label').textContent.trim()")
    assert first in [t.strip() for t in fits]
    page.keyboard.press("Space")
    page.wait_for_url(re.compile("arms=interfant-99"))
    search.focus()
    page.keyboard.press("Escape")
    assert shown.count() == every
    # one of a long list: the menu holds what fits, and what is chosen
    menu = page.get_by_label("Historical control", exact=True)
    chosen = menu.input_value()
    page.get_by_label("Historical control: narrow the list").fill("jplsg")
    values = menu.locator("option").evaluate_all("found => found.map((o) => o.value)")
    assert menu.input_value() == chosen
    assert chosen in values
    assert 1 < len(values) < 30
    assert errors == []
