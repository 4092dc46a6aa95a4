"""The page in a browser, 390 and 1280 pixels wide: nothing is wider than the screen, numbers open, tables sort.

Runs where a Chromium is installed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from nextarm.report import render_html
from report_example import example_report
from web.serving import opened

pytestmark = pytest.mark.browser

#: What a reader does on the page; gives what is found.
PROBE = """async () => {
  const found = {};
  const wide = () => document.documentElement.scrollWidth;
  found.folded = wide();
  document.querySelectorAll("main details").forEach((d) => { d.open = true; });
  found.unfolded = wide();
  found.drawings = [...document.querySelectorAll("svg")].filter((s) => s.getBoundingClientRect().width > 0)
    .map((s) => s.getBoundingClientRect().right);
  found.boxes = [...document.querySelectorAll(".table")].map((t) => t.getBoundingClientRect().right);
  const link = document.getElementById("at-plateau.pooled");
  link.focus();
  link.click();
  const dialog = document.querySelector("dialog");
  found.opened = dialog.open;
  found.dialog = dialog.textContent;
  found.inside = dialog.contains(document.activeElement);
  dialog.close();
  const head = document.querySelector("table[data-sortable] thead th:nth-child(2)");
  const rows = () => [...head.closest("table").tBodies[0].rows].filter((r) => !r.classList.contains("group"));
  const order = () => rows().map((r) => Number(r.cells[1].dataset.sort));
  head.querySelector("button").click();
  found.ascending = order();
  head.querySelector("button").click();
  found.descending = order();
  found.sorted = head.getAttribute("aria-sort");
  const before = getComputedStyle(document.body).backgroundColor;
  document.querySelector("button.theme").click();
  found.themed = before !== getComputedStyle(document.body).backgroundColor;
  await new Promise((done) => setTimeout(done, 50));
  found.back = document.activeElement === link;
  return found;
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_works_at_this_width(tmp_path: Path, browser: Any, width: int) -> None:
    errors: list[str] = []
    page = opened(browser, errors, viewport={"width": width, "height": 800})
    (tmp_path / "page.html").write_text(render_html(example_report()), encoding="utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    found = page.evaluate(PROBE)
    assert errors == []
    assert found["folded"] <= width
    assert found["unfolded"] <= width, "with all tables open, no sideways scroll of the page"
    assert len(found["drawings"]) == 8
    assert max(found["drawings"]) <= width
    assert max(found["boxes"]) <= width
    assert found["opened"]
    assert found["inside"], "the focus is in the dialog"
    assert found["back"], "and returns to the number when it closes"
    assert "Trial B, EFS at 4 years" in found["dialog"]
    assert "outcomes.csv, line 19" in found["dialog"]
    assert found["ascending"] == sorted(found["ascending"])
    assert found["descending"] == sorted(found["descending"], reverse=True)
    assert found["sorted"] == "descending"
    assert found["themed"]


def test_on_paper_charts_fit_a_page_their_data_stay_folded_and_a_row_is_written_out_once(tmp_path: Path, browser: Any) -> None:
    (tmp_path / "page.html").write_text(render_html(example_report()), encoding="utf-8")
    page = opened(browser, [], viewport={"width": 720, "height": 1000})
    page.goto((tmp_path / "page.html").as_uri())
    rows = page.locator(".trail .rows li:not(.source):not(:has(.reason))")
    keys = [row.locator(".key").inner_text() for row in rows.all() if row.locator(".key").count()]
    assert len(keys) > len(set(keys)), "the example names rows twice"
    assert page.locator("#every-number .where:visible").count() >= len(keys)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    shown = [row.locator(".key").inner_text() for row in rows.all() if row.locator(".where:visible").count()]
    assert sorted(shown) == sorted(set(keys))
    assert page.locator("details.more:not(.data):not([open])").count() == 0
    assert page.locator("details.data .inside:visible").count() == 0
    paper = 205 / 25.4 * 96 + 1
    assert all(box["height"] <= paper for box in (d.bounding_box() for d in page.locator(".wide svg.drawing").all()) if box)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]:not(.toc details)").count() == 0


def test_the_words_of_charts_stand_once_in_the_text_of_a_printed_page(tmp_path: Path, browser: Any) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    (tmp_path / "page.html").write_text(render_html(example_report()), encoding="utf-8")
    page = opened(browser, [])
    page.goto((tmp_path / "page.html").as_uri())
    page.emulate_media(media="print")
    drawing = page.locator(".drawing:visible").first
    drawing.evaluate("(d) => document.body.replaceChildren(d)")
    shown = letters(drawing.text_content() or "")
    page.pdf(path=str(tmp_path / "page.pdf"))
    assert len(shown) > 20
    assert letters(pdfium.PdfDocument(tmp_path / "page.pdf")[0].get_textpage().get_text_range()) == shown


def letters(text: str) -> list[str]:
    return sorted(re.findall("[A-Za-z]", text))
