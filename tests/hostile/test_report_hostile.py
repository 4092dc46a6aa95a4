"""Hostile text in every place, folders that cannot be written, writes that fail half way."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from nextarm.core.errors import DataError, OutputError
from nextarm.core.trail import LeftOut, RowRef, Source, Trail
from nextarm.report import (
    Code,
    Column,
    DataTable,
    Definitions,
    Details,
    Emphasis,
    Heading,
    Link,
    Note,
    Report,
    RowGroup,
    Section,
    Strong,
    number,
    paragraph,
    read_results,
    render_html,
    say,
    write_report,
    write_texts,
)
from nextarm.report.charts import Bar, Bubble, MatrixRow, bars, bubble_trend, heatmap, matrix
from report_example import HOSTILE, example_report

BAD = "<img src=x onerror=alert(1)>\"'&{{ 7*7 }}</script></style>"


def hostile_report() -> Report:
    source = Source(BAD, BAD, 2020, BAD, BAD, doi='x"><script>', pmid=BAD, url="javascript:alert(1)")
    row = RowRef(BAD, 1, BAD, BAD, (BAD,), BAD)
    trail = Trail(BAD, BAD, (row,), (LeftOut(row, BAD),), (source,), (BAD,), (BAD,))
    n = number(None, name="n", trail=trail, missing=BAD, marks=(BAD,))
    blocks = (
        paragraph(BAD, Emphasis(BAD), Strong(BAD), Link(BAD, f"https://example.org/{BAD}"), n),
        Heading(BAD),
        Note("caution", say(BAD)),
        DataTable(BAD, (BAD, Column(BAD, BAD)), (RowGroup(BAD), (BAD, BAD), (say(BAD, n), n))),
        Definitions(((BAD, say(BAD)),)),
        Code(BAD, BAD),
        Details(BAD, (paragraph(BAD),)),
        bars([Bar(BAD, 0.4, 0.3, 0.5, BAD, BAD, (BAD,))], id="b", title=BAD, axis=BAD, trail=trail, caption=say(BAD)),
        matrix([MatrixRow(BAD, {BAD: 2}, group=BAD, note=BAD)], id="m", title=BAD, levels=(BAD,), trail=trail),
        heatmap([[0.5]], id="h", title=BAD, x=(BAD,), y=(BAD,), x_title=BAD, y_title=BAD, trail=trail),
        bubble_trend([Bubble(BAD, 2000, 0.4, group=BAD)], id="t", title=BAD, x_title=BAD, y_title=BAD, trail=trail),
    )
    return Report(BAD, BAD, (Section("one", BAD, say(BAD), blocks), Section("two", BAD, say(BAD))), made_on=BAD, notes=(BAD,))


def test_no_text_becomes_markup() -> None:
    html = render_html(hostile_report())
    assert "<img" not in html
    assert html.count("<script") == html.count("</script>") == 1
    assert html.count("<style") == html.count("</style>") == 1
    assert not re.search(r"<[^>]*\sonerror=alert[^>]*>", re.sub(r'"[^"]*"', '""', html))
    assert "javascript:" not in html
    assert "49" not in re.sub(r"\d[\d.,]+", "", html)
    assert "{{ 7*7 }}" in html


def test_hostile_labels_reach_the_page_as_words() -> None:
    html = render_html(example_report())
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in html
    assert HOSTILE not in html


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    written = write_report(example_report(), tmp_path / "deep" / "out")
    assert sorted(p.name for p in (tmp_path / "deep" / "out").iterdir()) == ["charts", "report.html", "results.json"]
    assert len(written.charts) == 8
    assert all(p.read_text("utf-8").startswith("<svg") for p in written.charts)
    assert len(read_results(written.results.read_text("utf-8"))) == written.numbers
    assert written.html.read_text("utf-8").endswith("</html>\n")


def test_charts_are_written_as_png_where_wished(tmp_path: Path) -> None:
    chart = bars([Bar("a", 0.4)], id="b", title="t", axis="x", trail=Trail("m"))
    report = Report("t", "", (Section("one", "One", (), (chart,)),))
    written = write_report(report, tmp_path, png=True)
    assert [p.name for p in written.charts] == ["b.svg", "b.png"]
    assert written.charts[1].read_bytes().startswith(b"\x89PNG")


def test_an_unwritable_folder_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match="cannot write") as error:
        write_report(Report("t", "", ()), tmp_path / "file")
    assert error.value.exit_code == 6
    assert (tmp_path / "file").read_text() == "kept"


def test_a_write_that_fails_leaves_the_old_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = tmp_path / "report.html"
    good.write_text("old")
    real = os.replace

    def full(source: str, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        write_texts({good: "new", tmp_path / "results.json": "{}"})
    monkeypatch.setattr(os, "replace", real)
    assert good.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_an_interruption_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: str, mode: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "chmod", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_texts({tmp_path / "a": "1"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"numbers": [{}], "trails": {}}', '{"numbers": [{"name": "a", "trail": "t9"}], "trails": {}}']
)
def test_what_is_not_a_results_file_is_said_to_be_none(text: str) -> None:
    with pytest.raises(DataError):
        read_results(text)
