"""Screening tables and risk-of-bias tables of strangers: counted exactly, or refused with the row and the rule."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from nextarm import verbs
from nextarm.cli.app import app
from nextarm.core.errors import CallError, DataError
from nextarm.report.charts import chart, traffic_light
from nextarm.synthesis import BiasJudgement, ScreenedRecord, bias_table, bias_tool, prisma_flow, screening_from_csv
from report_example import screened

HEAD = "record,source_type,source,removed,screening,retrieved,assessment,reason,study\n"
GOOD = HEAD + (
    "a,database,MEDLINE,duplicate,,,,,\n"
    "b,database,MEDLINE,,exclude,,,,\n"
    "c,database,Embase,,include,no,,,\n"
    "d,register,CT.gov,,include,yes,exclude,wrong age,\n"
    "e,database,Embase,,include,yes,include,,Trial 1\n"
    "f,other,citations,,,yes,include,,Trial 1\n"
)


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "screening.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_every_record_is_counted_once_at_each_step(written):
    flow = screening_from_csv(written(GOOD))
    m = flow.main
    assert (m.identified, sum(n for _, n in m.removed), m.screened, m.excluded, m.sought, m.not_retrieved, m.assessed) == (
        5,
        1,
        4,
        1,
        3,
        1,
        2,
    )
    assert m.reasons == (("wrong age", 1),)
    assert flow.other is not None
    assert (flow.other.identified, flow.other.assessed) == (1, 1)
    assert (flow.reports, flow.studies) == (2, 1)
    assert not flow.warnings


@pytest.mark.parametrize("seed", range(3))
def test_the_boxes_add_up(seed):
    flow = prisma_flow(screened()[seed:])
    for s in (flow.main, flow.other):
        assert s is not None
        assert s.identified == sum(n for _, n in s.by_source)
        assert s.assessed == s.reports_included + sum(n for _, n in s.reasons)
        assert s.sought == s.not_retrieved + s.assessed
    assert flow.main.identified == sum(n for _, n in flow.main.removed) + flow.main.screened
    assert flow.main.screened == flow.main.excluded + flow.main.sought
    assert flow.reports == flow.main.reports_included + flow.other.reports_included


def test_open_decisions_are_counted_and_told(written):
    flow = screening_from_csv(written(HEAD + "a,database,,,,,,,\nb,database,,,include,,,,\nc,database,,,include,yes,,,\n"))
    assert flow.main.awaiting == 3
    assert "3 records await a decision" in flow.warnings[0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,paper,,,,,,,", "must be one of database, register, other"),
        ("a,database,,duplicate,include,,,,", "cannot follow removed"),
        ("a,database,,,exclude,yes,,,", "cannot follow screening"),
        ("a,database,,,include,no,include,,T", "cannot follow retrieved"),
        ("a,database,,,,yes,,,", "needs screening before it"),
        ("a,database,,,include,,include,,T", "needs retrieved before it"),
        ("a,database,,,include,yes,exclude,,", "reason is empty"),
        ("a,database,,,include,yes,include,,", "study is empty"),
        ("a,other,,,include,yes,include,,T", "start at retrieval"),
        (",database,,,exclude,,,,", "record is empty"),
        ("a,database,,maybe,,,,,", "must be one of"),
        ("a,database,,", "must have 9 like the header"),
        ("a,database,,,exclude,,,,\na,database,,,exclude,,,,", "stands in row 2 already"),
    ],
)
def test_records_that_contradict_themselves(written, row, said):
    with pytest.raises(DataError) as caught:
        screening_from_csv(written(HEAD + row + "\n"))
    assert said in str(caught.value)
    assert "screening.csv row" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"), [("", "is missing"), (HEAD, "at least one row"), ("record,source_type,colour\nx,database,red\n", "must be one of")]
)
def test_tables_that_are_none(written, text, said):
    with pytest.raises(DataError, match=said):
        screening_from_csv(written(text))


def test_missing_and_binary_files(tmp_path, written):
    with pytest.raises(DataError, match="is missing"):
        screening_from_csv(tmp_path / "no.csv")
    path = tmp_path / "binary.csv"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match="UTF-8"):
        screening_from_csv(path)


def test_a_hostile_name_stays_text_in_the_drawing(written):
    text = HEAD + "a,database,<script>alert(1)</script>,,exclude,,,,\n"
    made = chart(screening_from_csv(written(text)), id="prisma", title="x")
    from nextarm.report.charts.svg import draw

    assert "<script" not in draw(made.wide)


def test_lights_take_one_tool_and_at_least_one_study():
    cells = [BiasJudgement(study="A", tool=t, domain=bias_tool(t).domains[0], judgement="low") for t in ("rob2", "quips")]
    with pytest.raises(CallError, match="one tool"):
        traffic_light(bias_table(cells), id="x", title="x")


@pytest.mark.parametrize("kind", ["forest", "cumulative", "influence", "trend"])
def test_charts_from_a_file_of_studies_are_written_in_three_formats(tmp_path, kind):
    path = tmp_path / "data.csv"
    path.write_text("study,estimate,se,year\n" + "".join(f"{x},{0.4 + 0.02 * i},0.05,{2000 + i}\n" for i, x in enumerate("ABCD")))
    done = CliRunner().invoke(app, ["chart", kind, str(path), "--out", str(tmp_path / "out")], catch_exceptions=False)
    assert done.exit_code == 0
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {f"{kind}{w}{e}" for w in ("", "-narrow") for e in (".svg", ".png", ".vl.json")}
    assert (tmp_path / "out" / f"{kind}.png").read_bytes().startswith(b"\x89PNG")


def test_the_other_charts_and_an_unknown_word(tmp_path, written):
    assert len(verbs.chart("prisma", written(GOOD), out=tmp_path / "out")) == 6
    bias = tmp_path / "bias.csv"
    bias.write_text("study,tool,domain,judgement\n" + "".join(f"A,rob2,{d},low\n" for d in bias_tool("rob2").domains))
    assert len(verbs.chart("bias", bias, out=tmp_path / "out")) == 6
    (tmp_path / "curves").mkdir()
    for x in "ab":
        (tmp_path / "curves" / f"{x}.csv").write_text("time,survival,n\n1,0.8,50\n2,0.6,50\n")
    assert len(verbs.chart("curve", tmp_path / "curves", out=tmp_path / "out")) == 6
    with pytest.raises(CallError, match="must be one of prisma"):
        verbs.chart("pie", bias, out=tmp_path)
    with pytest.raises(DataError, match="is missing"):
        verbs.chart("bias", tmp_path / "no.csv", out=tmp_path)


def test_a_record_alone():
    assert prisma_flow([ScreenedRecord(record="a", source_type="other")]).main.identified == 0
