"""The Figure screen in a real browser: drop, look, correct by mouse, touch and keys, undo, reload, kill, two tabs, on to patients."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

import pytest

import nextarm
from web.figure_files import draw
from web.serving import AXE, Serving, opened

pytestmark = pytest.mark.browser
PASTE = """t => {
  const d = new DataTransfer();
  d.setData("text/plain", t);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: d, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def server(serving: Serving) -> Serving:
    nextarm.new_study(serving.folder / "mine")
    return serving


def said(page: Any, words: str) -> None:
    page.locator("#said", has_text=words).wait_for()


@pytest.fixture(scope="module")
def figure_read(server: Serving, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a figure that was dropped on the page and read."""
    errors: list[str] = []
    page = opened(browser, errors)
    page.goto(server.base + "/study/mine/figure")
    text = draw(tmp_path_factory.mktemp("drawn") / "trial.svg").read_text(encoding="utf-8")
    drop = "text => { const d = new DataTransfer(); d.items.add(new File([text], 'trial.svg')); return d; }"
    page.dispatch_event("#drop", "drop", {"dataTransfer": page.evaluate_handle(drop, text)})
    said(page, "Read: grade")
    assert errors == []
    assert page.locator("#over path[data-curve]").count() == 2
    assert page.input_value("#name-0") == "Control"
    page.context.close()
    return str(page.url)


@pytest.fixture
def figure(browser: Any, figure_read: str) -> str:
    """The same figure at its first step, whatever the test before did with it."""
    page = opened(browser, [])
    page.goto(figure_read)
    said(page, "Step")
    back = (
        "async (version) => (await fetch(location.pathname + '/go', {method: 'POST', body: JSON.stringify({step: 1, version}),"
        " headers: {'Content-Type': 'application/json'}})).status"
    )
    assert page.evaluate(back, kept(page)["version"]) == 200
    page.context.close()
    return figure_read


def at(page: Any, x: float, y: float) -> tuple[float, float]:
    """A place of the figure on the screen."""
    found = page.evaluate(
        "([x, y]) => { const s = document.getElementById('over'), r = s.getBoundingClientRect(), v = s.viewBox.baseVal;"
        " return [r.left + x / v.width * r.width, r.top + y / v.height * r.height]; }", [x, y],
    )  # fmt: skip
    return found[0], found[1]


def kept(page: Any) -> Any:
    return page.evaluate("fetch(location.pathname + '/view.json').then((r) => r.json())")


def test_marks_panel_and_places_without_a_curve(browser: Any, figure: str) -> None:
    errors: list[str] = []
    page = opened(browser, errors)
    page.goto(figure)
    said(page, "Step")
    page.get_by_label("Marks of Control").check()
    before = kept(page)["changes"]["curves"][0]["ticks"] or []
    page.locator("#over").focus()
    page.keyboard.press("Insert")
    said(page, "Saved: added a mark to Control")
    page.keyboard.press("Shift+ArrowRight")
    said(page, "Saved: moved a point of Control")
    after = kept(page)["changes"]["curves"][0]["ticks"]
    assert len(after) == len(before) + 1
    page.keyboard.press("Delete")
    said(page, "Saved: erased a mark of Control")
    assert sorted(kept(page)["changes"]["curves"][0]["ticks"]) == pytest.approx(sorted(before))
    box = kept(page)["reading"]["box"]
    page.get_by_label("Places without a curve").check()
    page.locator("#over").scroll_into_view_if_needed()
    one, two = at(page, box[0] + 30, box[3] - 50), at(page, box[0] + 90, box[3] - 20)
    page.mouse.move(*one)
    page.mouse.down()
    page.mouse.move(*two, steps=3)
    page.mouse.up()
    said(page, "Saved: marked a place without a curve")
    page.get_by_label("Edges of the panel").check()
    page.click("[data-do=add]")
    said(page, "Saved: marked the panel")
    marked = kept(page)["changes"]
    assert marked["region"] == pytest.approx(box, abs=0.01)
    assert marked["exclude"][0] == pytest.approx([box[0] + 30, box[3] - 50, box[0] + 90, box[3] - 20], abs=1.5)
    page.click("#again")
    said(page, "Read: grade")
    assert {k: kept(page)["changes"][k] for k in ("region", "exclude")} == {k: marked[k] for k in ("region", "exclude")}
    page.get_by_label("Edges of the panel").check()
    page.click("[data-do=delete]")
    said(page, "Saved: took away the panel")
    assert kept(page)["changes"]["region"] is None
    page.click("#undo")
    page.wait_for_function("() => /^Step/.test(document.getElementById('said').textContent)")
    assert kept(page)["changes"]["region"] == marked["region"]
    assert errors == []
    page.context.close()


def test_mouse_keys_undo_and_redo(browser: Any, figure: str) -> None:
    errors: list[str] = []
    page = opened(browser, errors)
    page.goto(figure)
    said(page, "Step 1")
    before = kept(page)["changes"]
    page.locator("#over").scroll_into_view_if_needed()
    axis, box = before["x_axis"], kept(page)["reading"]["box"]
    x, y = at(page, axis[2]["pixel"], box[3])
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 9, y, steps=3)
    assert page.locator("#loupe.on").is_visible()
    page.wait_for_function("() => parseFloat(document.querySelector('#axes td:nth-of-type(2)').textContent) > 2")  # while it is held
    assert kept(page)["step"] == 1
    page.mouse.up()
    said(page, "Saved: moved a point of time axis")
    moved = kept(page)
    assert moved["changes"]["x_axis"][2]["pixel"] > axis[2]["pixel"] + 3
    assert moved["adjusted"]["x_axis"]["residual_px"] > 2
    shown = page.locator("#axes tbody tr").first.locator("td").nth(1).inner_text()
    assert float(shown) == pytest.approx(moved["adjusted"]["x_axis"]["residual_px"], abs=0.006)
    page.keyboard.press("Control+z")
    said(page, "Step 1 of 2")
    assert kept(page)["changes"] == before
    page.keyboard.press("Control+y")
    said(page, "Step 2 of 2")
    assert kept(page)["changes"] == moved["changes"]
    page.click("#undo")
    said(page, "Step 1 of 2")

    page.get_by_role("radio", name="Control", exact=True).focus()  # a corner, by keys alone
    page.keyboard.press("Space")
    page.locator("#over").focus()
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+ArrowDown")
    said(page, "Saved: moved a point of Control")
    corner = kept(page)["changes"]["curves"][0]["corners"][1]
    assert corner[1] == pytest.approx(before["curves"][0]["corners"][1][1] + 1.1, abs=1e-3)
    assert "corner 2 of 5" in page.inner_text("#where")
    page.keyboard.press("Delete")
    said(page, "Saved: erased a corner of Control")
    assert len(kept(page)["changes"]["curves"][0]["corners"]) == 4
    page.keyboard.press("Insert")
    said(page, "Saved: added a corner to Control")
    page.keyboard.press("Control+z")
    said(page, "Step 3 of 4")
    page.keyboard.press("Control+z")
    said(page, "Step 2 of 4")
    page.keyboard.press("Control+z")
    said(page, "Step 1 of 4")
    assert kept(page)["changes"] == before
    assert errors == []
    page.context.close()


def test_a_finger_an_eraser_and_a_colour(browser: Any, figure: str) -> None:
    errors: list[str] = []
    page = opened(browser, errors, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(figure)
    said(page, "Step 1")
    before = kept(page)["changes"]
    page.get_by_role("radio", name="New drug", exact=True).check()
    page.get_by_role("radio", name="Eraser").check()
    page.locator("#over").scroll_into_view_if_needed()
    corners = before["curves"][1]["corners"]
    (x0, y0), (x1, y1) = at(page, corners[1][0] - 6, corners[1][1] - 6), at(page, corners[2][0] + 6, corners[2][1] + 6)
    touch = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [(x0, y0)]),
        ("touchMove", [((x0 + x1) / 2, (y0 + y1) / 2)]),
        ("touchMove", [(x1, y1)]),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})
    said(page, "Saved: erased a part of New drug")
    after = kept(page)["changes"]["curves"][1]["corners"]
    assert after == [corners[0], corners[3]]
    page.get_by_role("radio", name="Colour picker").check()
    x, y = at(page, (corners[1][0] + corners[2][0]) / 2, corners[1][1])
    page.touchscreen.tap(x, y)
    said(page, "Saved: picked a curve")
    assert kept(page)["changes"]["picks"][0]["colour"] == "#1f77b4"
    page.click("#undo")
    said(page, "Step 2 of 3")
    page.click("#undo")
    said(page, "Step 1 of 3")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert errors == []
    page.context.close()


def test_a_block_from_a_spreadsheet(browser: Any, figure: str) -> None:
    errors: list[str] = []
    page = opened(browser, errors)
    page.goto(figure)
    said(page, "Step 1")
    page.locator("[aria-label='Control at 12']").focus()
    page.evaluate(PASTE, "20\t13\tx\n33\t27\t21\n1\t\t\n")
    said(page, "Saved: pasted numbers at risk")
    assert kept(page)["changes"]["at_risk"] == [[40, 20, 13, 9, 5], [40, 33, 27, 21, 12]]
    assert page.inner_text("#pasted") == "5 cells pasted; 1 are not numbers and were left as they are; 1 lie beyond the table."
    page.locator("[aria-label='Control at 48']").fill("50")
    page.keyboard.press("Enter")
    page.locator("#alert", has_text="rise").wait_for()
    page.click("#undo")
    said(page, "Step 2")
    page.click("#undo")
    said(page, "Step 1")
    assert errors == []
    page.context.close()


def test_the_end_of_a_curve_and_its_last_corner_are_both_in_reach(browser: Any, figure: str) -> None:
    page = opened(browser, [])
    page.goto(figure)
    said(page, "Step 1")
    page.get_by_role("radio", name="Control", exact=True).check()
    page.locator("#over").scroll_into_view_if_needed()
    before = kept(page)["changes"]["curves"][0]
    x, y = before["corners"][-1]
    page.locator("#over").focus()
    page.keyboard.press("End")
    for _ in range(30):
        page.keyboard.press("Shift+ArrowLeft")  # the end of the line comes to its last corner, and not before it
    said(page, "Saved: moved a point of Control")
    sx, sy = at(page, x, y)
    page.mouse.click(sx, sy)
    page.locator("#where", has_text=f"corner {len(before['corners'])} of {len(before['corners'])}").wait_for()
    page.mouse.click(sx + 16, sy)
    page.locator("#where", has_text="end of the line").wait_for()
    page.click("#undo")
    said(page, "Step 1")
    page.context.close()


def test_a_wrong_entry_is_told_at_its_cell_and_what_stops_a_rebuilding_at_its_button(browser: Any, figure: str) -> None:
    errors: list[str] = []
    page = opened(browser, errors)
    page.goto(figure)
    said(page, "Step 1")
    cell = page.locator("[aria-label='Control at 12']")
    cell.fill("abc")
    page.keyboard.press("Tab")
    assert cell.get_attribute("aria-invalid") == "true"
    words = page.locator(f"#{cell.get_attribute('aria-describedby')}")
    assert words.inner_text() == '"abc" is not a whole number.'
    page.locator("[aria-label='Control at 24']").fill("13")  # another cell is kept; the wrong one stays, and is still told
    page.keyboard.press("Tab")
    said(page, "Saved: changed the numbers at risk")
    assert cell.input_value() == "abc"
    assert cell.get_attribute("aria-invalid") == "true"
    page.click("#rebuild")
    assert page.evaluate("document.activeElement.id") == "rebuild-alert"
    page.get_by_role("button", name="Go to it").click()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Control at 12"
    cell.fill("50")
    page.keyboard.press("Tab")
    said(page, "Saved")
    assert cell.get_attribute("aria-invalid") is None
    page.click("#rebuild")  # refused by the server: numbers at risk that rise
    page.locator("#rebuild-alert", has_text="rise").wait_for()
    assert page.evaluate("document.activeElement.id") == "rebuild-alert"
    button, told = page.locator("#rebuild").bounding_box(), page.locator("#rebuild-alert").bounding_box()
    assert 0 < told["y"] - button["y"] < 120
    page.locator("[aria-label='Patients of Control']").fill("forty")
    page.click("#rebuild")
    assert page.evaluate("document.activeElement.getAttribute('aria-invalid')") == "true"
    page.locator("[aria-label='Patients of Control']").fill("")
    for _ in range(2):
        page.click("#undo")
        page.wait_for_function("() => /^Step/.test(document.getElementById('said').textContent)")
    assert [e for e in errors if "422" not in e] == []
    page.context.close()


def test_two_tabs_do_not_overwrite_each_other(browser: Any, figure: str) -> None:
    errors: list[str] = []
    page = opened(browser, errors)
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(figure)
        said(tab, "Step 1")
    page.fill("#name-0", "Standard")
    page.keyboard.press("Enter")
    said(page, "Saved: named Standard")
    other.fill("#name-1", "New")
    other.keyboard.press("Enter")
    other.wait_for_selector("text=changed in another tab")
    assert [c["arm"] for c in kept(page)["changes"]["curves"]] == ["Standard", "New drug"]
    other.get_by_role("button", name="Put mine after it").click()
    said(other, "Saved: named New")
    assert [c["arm"] for c in kept(page)["changes"]["curves"]] == ["Control", "New"]
    other.click("#undo")
    said(other, "named Standard")
    assert [c["arm"] for c in kept(page)["changes"]["curves"]] == ["Standard", "New drug"]
    other.click("#undo")
    said(other, "Step 1")
    page.context.close()


def test_a_killed_server_and_a_reload_lose_nothing(browser: Any, server: Serving, figure: str) -> None:
    page = opened(browser, [])
    page.goto(figure)
    said(page, "Step 1")
    server.kill()
    page.fill("#name-0", "Chemotherapy")
    page.keyboard.press("Enter")
    said(page, "Not saved yet")
    server.start()
    said(page, "Saved: named Chemotherapy")
    page.reload()
    said(page, "Step 2 of 2")
    assert page.input_value("#name-0") == "Chemotherapy"
    page.click("#undo")
    said(page, "Step 1 of 2")
    page.context.close()


def test_on_to_patients(browser: Any, figure: str) -> None:
    errors: list[str] = []
    page = opened(browser, errors)
    page.goto(figure)
    said(page, "Step 1")
    page.click("#rebuild")
    said(page, "Patients rebuilt: grade")
    page.locator(".rail a", has_text="Patients").locator(".state", has_text=re.compile(r"^\d+ curves?$")).wait_for()
    assert page.locator("#over path.rebuilt").count() == 2
    assert page.locator("#arms tbody tr").first.locator("td").first.inner_text() == "40"
    assert page.locator("#checks tbody tr").count() > 6
    page.get_by_role("link", name="On to patients and survival").click()
    page.locator("h1", has_text="Patients and survival").wait_for()
    assert page.locator("section#checks").count() == 1
    assert errors == []
    page.context.close()


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_nothing_that_axe_finds(browser: Any, server: Serving, figure: str, theme: str, width: int) -> None:
    script = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    page = opened(browser, [], color_scheme=theme, viewport={"width": width, "height": 900}, bypass_csp=True)
    for address in (figure, server.base + "/study/mine/figure", server.base + "/study/infant-all/figure"):
        page.goto(address)
        if address == figure:
            said(page, "Step 1")
        page.evaluate(script)
        found = page.evaluate("options => axe.run(document, options)", AXE)
        assert [(v["id"], [n["target"] for n in v["nodes"]]) for v in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
