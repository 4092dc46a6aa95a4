"""The page: one file, no request, every link leads somewhere, every chart has words and data."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from html.parser import HTMLParser

import pytest

from nextarm.evidence import MARKS as ROW_MARKS
from nextarm.report import KeyFigures, Report, Section, ledger_of, number, render_html, say
from nextarm.report.marks import MARKS
from nextarm.synthesis.estimates import BINOMIAL, FROM_COUNTS
from nextarm.synthesis.joined import CARRIED
from nextarm.synthesis.read_curves import NO_CENSORING
from report_example import example_charts, example_report


class Page(HTMLParser):
    """Collects elements with attributes, in order, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture(scope="module")
def html() -> str:
    return render_html(example_report())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_addresses_stand_only_in_links_and_words(html: str) -> None:
    without_links = re.sub(r'<a href="[^"]*"', "<a", html)
    attributes = re.findall(r"<[^>]*https?://[^>]*>", without_links)
    assert attributes == []


def test_nothing_is_loaded(page: Page, html: str) -> None:
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"link", "img", "iframe", "object", "embed", "video", "audio", "source", "base", "form"}
    assert not any("src" in attrs for _, attrs in page.elements)
    assert "@import" not in html
    assert "url(http" not in html
    assert "fetch(" not in html
    assert "XMLHttpRequest" not in html


def test_the_policy_names_the_one_script(page: Page, html: str) -> None:
    policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    assert len(scripts) == len(page.all("script")) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy


def test_ids_are_unique_and_every_inner_link_resolves(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    for attrs in page.all("a"):
        href = attrs["href"] or ""
        if href.startswith("#"):
            assert href[1:] in ids, href
    for _, attrs in page.elements:
        for name in ("aria-labelledby", "data-trail"):
            if name in attrs:
                assert attrs[name] in ids


def test_every_number_has_its_entry_and_the_way_back(page: Page) -> None:
    ids = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
    book = ledger_of(example_report())
    assert len(book.entries) > 150
    for entry in book.entries:
        assert entry.anchor in ids
        assert f"at-{entry.number.name}" in ids
    assert {f"trail-{i + 1}" for i in range(len(book.trails))} <= ids


def test_every_chart_has_two_drawings_words_and_a_table(html: str, page: Page) -> None:
    charts = example_charts()
    drawings = [a for a in page.all("svg") if a.get("role") == "img"]
    assert len(drawings) == 2 * len(charts)
    assert all(a["aria-label"] for a in drawings)
    for chart in charts:
        figure = html.split(f'id="{chart.id}"')[1].split("</figure>")[0]
        assert figure.count("<table") == 1
        assert "Data of this chart" in figure
        assert figure.count("<svg") == 2


def test_tables_have_captions_headings_and_scopes(page: Page) -> None:
    tables = page.all("table")
    assert len(tables) == len(page.all("caption")) == len(example_charts()) + 2
    assert all("scope" in a for a in page.all("th"))
    boxes = [a for a in page.all("div") if (a.get("class") or "").startswith("table ")]
    assert all(a["tabindex"] == "0" and a["role"] == "region" and a["aria-labelledby"] for a in boxes)


def test_landmarks_headings_and_skip_link(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    for tag in ("main", "nav", "header", "footer", "title"):
        assert len(page.all(tag)) == 1, tag
    assert page.all("a")[0] == {"class": "skip", "href": "#main"}
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_no_drawing_keeps_a_colour_or_font_of_its_own(html: str) -> None:
    for drawing in re.findall(r"<svg.*?</svg>", html, re.S):
        assert "#fe01" not in drawing
        assert "font-family" not in drawing
        found = set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawing))
        assert {c for c in found if not c.startswith("var(--")} <= {"none", "transparent"}


def test_both_themes_are_in_the_page(html: str) -> None:
    assert "prefers-color-scheme:dark" in html
    assert ':root[data-theme="dark"]' in html
    assert "localStorage" in html


def test_a_report_without_numbers_or_charts_renders() -> None:
    text = render_html(Report("Bare", "", (Section("one", "One", (), ()),)))
    assert "Every number" not in text
    assert "<h1>Bare</h1>" in text


def test_rendering_is_the_same_each_time(html: str) -> None:
    assert render_html(example_report()) == html


def test_a_number_shows_its_marks_in_words() -> None:
    report = example_report()
    figure = number(0.4, "percent", name="x", trail=ledger_of(report).trails[1], marks=("assumption", "my own mark"))
    text = render_html(Report("t", "", (Section("one", "One", say("It is ", figure, "."), (KeyFigures(((figure, "label"),)),)),)))
    assert '<span class="vh"> (assumption)</span>' in text
    assert '<span aria-hidden="true">†</span><span class="vh"> (my own mark)</span>' in text


def test_every_mark_that_the_rooms_give_has_a_letter_of_its_own() -> None:
    given = {*ROW_MARKS, BINOMIAL, FROM_COUNTS, CARRIED, NO_CENSORING, "different times", "observed", "reconstructed", "simulated"}
    letters = {mark.name: mark.sign for mark in MARKS}
    assert given <= set(letters)
    assert len(set(letters.values())) == len(letters)
    assert "†" not in letters.values()
