"""The page in a browser, 390 and 1280 pixels wide: nothing is wider than the screen, numbers open, tables sort.

Runs where a Chromium is installed; the page is put in a frame, since a headless window has a least width of its own.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nextarm.report import render_html
from report_example import example_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]

#: Runs in the page itself; what it finds is written to the title of the frame around it.
PROBE = """
addEventListener("load", () => {
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
  setTimeout(() => {
    found.back = document.activeElement === link;
    parent.document.getElementById("found").textContent = JSON.stringify(found);
  }, 50);
});
"""


def probe(folder: Path, width: int) -> dict:
    page = render_html(example_report())
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page).replace("</body>", f"<script>{PROBE}</script></body>")
    (folder / "page.html").write_text(page, encoding="utf-8")
    frame = f'<pre id="found"></pre><iframe src="page.html" style="border:0;width:{width}px;height:800px"></iframe>'
    (folder / "frame.html").write_text(frame, encoding="utf-8")
    call = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1400,900",
        "--virtual-time-budget=4000",
        "--dump-dom",
        (folder / "frame.html").as_uri(),
    ]
    dom = subprocess.run(call, capture_output=True, text=True, timeout=60, check=True).stdout
    found = re.search(r'<pre id="found">(.*?)</pre>', dom, re.S)
    assert found is not None
    import html

    result: dict = json.loads(html.unescape(found[1]))
    return result


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_works_at_this_width(tmp_path: Path, width: int) -> None:
    found = probe(tmp_path, width)
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


def test_on_paper_charts_fit_a_page_their_data_stay_folded_and_a_row_is_written_out_once(tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    (tmp_path / "page.html").write_text(render_html(example_report()), encoding="utf-8")
    with sync_api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 720, "height": 1000})
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
        browser.close()


def test_the_words_of_charts_stand_once_in_the_text_of_a_printed_page(tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    pdfium = pytest.importorskip("pypdfium2")
    (tmp_path / "page.html").write_text(render_html(example_report()), encoding="utf-8")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        page.emulate_media(media="print")
        drawing = page.locator(".drawing:visible").first
        drawing.evaluate("(d) => document.body.replaceChildren(d)")
        shown = letters(drawing.text_content() or "")
        page.pdf(path=str(tmp_path / "page.pdf"))
        browser.close()
    assert len(shown) > 20
    assert letters(pdfium.PdfDocument(tmp_path / "page.pdf")[0].get_textpage().get_text_range()) == shown


def letters(text: str) -> list[str]:
    return sorted(re.findall("[A-Za-z]", text))
