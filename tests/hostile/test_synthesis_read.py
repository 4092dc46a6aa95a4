"""A reviewer's own CSV or frame: what is read, and every error with its row and column."""

from __future__ import annotations

import pandas as pd
import polars as pl
import pytest

from nextarm.core.errors import CallError, DataError
from nextarm.evidence import load_package
from nextarm.synthesis import pool, select_for_pooling
from nextarm.synthesis.read import read_studies


@pytest.fixture
def written(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "studies.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


GOOD = "study,estimate,se,n,events,time,year,group\nA,0.4,0.05,100,60,5,1999.5,COG\nB,0.5,,80,,5,,\n\n"


def test_columns_are_read(written):
    a, b = read_studies(written(GOOD))
    assert (a.label, a.estimate, a.se, a.n, a.events, a.time, a.year, a.group) == ("A", 0.4, 0.05, 100, 60, 5.0, 1999.5, "COG")
    assert (b.se, b.events, b.year, b.group) == (None, None, None, "")
    assert (a.row.table, a.row.line) == ("studies.csv", 2)
    assert pool([a, b]).k == 2


def test_header_may_be_in_capitals_with_a_byte_order_mark(written):
    assert read_studies(written("\ufeffStudy, Estimate ,SE\nA,0.4,0.1\n"))[0].se == 0.1


@pytest.mark.parametrize("empty", ["", "NA", "nan", "n/a", "null", "None", "."])
def test_words_for_empty(written, empty):
    assert read_studies(written(f"study,estimate,se,n\nA,0.4,{empty},50\n"))[0].se is None


def test_events_of_n_make_the_proportion(written):
    study = read_studies(written("study,events,n\nA,0,20\nB,5,20\n"))
    assert [s.estimate for s in study] == [0.0, 0.25]


def test_percent_divides_only_what_is_a_percentage(written):
    study = read_studies(written("study,estimate,se,ci_low,ci_high,n,time\nA,40,5,30,50,100,5\n"), percent=True)[0]
    assert (study.estimate, study.se, study.ci_low, study.ci_high) == (0.4, 0.05, 0.3, 0.5)
    assert (study.n, study.time) == (100, 5.0)


def test_moderators_by_name(written):
    study = read_studies(written("study,estimate,se,cns\nA,0.4,0.1,0.3\nB,0.4,0.1,\n"), moderators=("cns",))
    assert study[0].moderators == {"cns": 0.3}
    assert study[1].moderators == {}


def test_number_column_as_moderator_stays_where_it_is(written):
    study = read_studies(written("study,estimate,se,year\nA,0.4,0.1,2001\n"), moderators=("year",))[0]
    assert (study.year, study.moderators) == (2001.0, {})


def test_other_quantities_need_no_bounds(written):
    assert read_studies(written("study,estimate,se\nA,1.7,0.1\n"), probability=False)[0].estimate == 1.7


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(frame):
    made = frame({"study": ["A", "B"], "estimate": [0.4, 0.5], "se": [0.1, None]})
    a, b = read_studies(made)
    assert (a.estimate, b.se, a.row.table) == (0.4, None, "data")


BROKEN = [
    ("study,estimate,se,colour\nA,0.4,0.1,red\n", "column 'colour'"),
    ("name,estimate,se\nA,0.4,0.1\n", "column 'study' is missing"),
    ("study,se\nA,0.1\n", "column 'estimate' is missing"),
    ("study,events\nA,1\n", "column 'estimate' is missing"),
    ("study,estimate,se\n,0.4,0.1\n", "study is empty"),
    ("study,estimate,se\nA,,0.1\n", "estimate is empty"),
    ("study,estimate,se\nA,40,5\n", "Use --percent"),
    ("study,estimate,se\nA,-0.1,0.1\n", "must lie between 0 and 1"),
    ("study,estimate,se\nA,400,0.1\n", "must lie between 0 and 1"),
    ("study,estimate,se\nA,40%,0.1\n", "leave out the sign"),
    ('study,estimate,se\nA,"0,4",0.1\n', "Write decimals with a point"),
    ("study,estimate,se\nA,inf,0.1\n", "must be finite"),
    ("study,events,n\nA,7,5\n", "must lie between 0 and n = 5"),
    ("study,events,n\nA,-1,5\n", "must lie between 0 and n = 5"),
    ("study,estimate,se\nA,0.4\n", "2 values"),
    ("study,estimate,se\nA,0.4,0.1,9\n", "4 values"),
    ("study,estimate,se\n", "no studies"),
    ("study,estimate,estimate\nA,0.4,0.5\n", "stands twice"),
    ("study,events,n\nA,1,5.5\n", "must be a whole number"),
    ("", "is empty"),
    ("study\0,estimate\n", "not a CSV"),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
def test_broken_files(written, text, said):
    with pytest.raises(DataError) as caught:
        read_studies(written(text))
    assert said in str(caught.value)


def test_all_problems_at_once_with_their_rows(written):
    with pytest.raises(DataError) as caught:
        read_studies(written("study,estimate,se\nA,x,0.1\n,0.4,0.1\nC,40,0.1\n"))
    text = str(caught.value)
    assert "row 2" in text
    assert "row 3" in text
    assert "row 4" in text


def test_row_numbers_count_empty_lines(written):
    assert [s.row.line for s in read_studies(written("study,estimate,se\nA,0.4,0.1\n\n,,\nB,0.5,0.1\n"))] == [2, 5]


def test_moderator_that_is_not_there(written):
    with pytest.raises(DataError, match="column 'cns' is missing"):
        read_studies(written("study,estimate,se\nA,0.4,0.1\n"), moderators=("cns",))


def test_missing_binary_and_other_things(tmp_path, written):
    with pytest.raises(DataError, match="missing"):
        read_studies(tmp_path / "none.csv")
    with pytest.raises(DataError, match="UTF-8"):
        read_studies(written("study,estimate\nMünchen,0.4\n", encoding="latin-1"))
    with pytest.raises(DataError, match="is a folder"):
        read_studies(tmp_path)
    with pytest.raises(DataError, match="data frame"):
        read_studies(42)
    with pytest.raises(DataError):
        read_studies(pl.DataFrame({"study": [], "estimate": []}))


@pytest.mark.parametrize("se", ["1e9", "1e-12"])
def test_a_standard_error_no_probability_has_is_refused(written, se):
    rows = read_studies(written(f"study,estimate,se\nA,0.5,{se}\nB,0.4,0.1\nC,0.3,0.1\n"))
    with pytest.raises(DataError, match="not plausible for a probability"):
        pool(rows)


def test_precisions_too_far_apart_to_weigh_are_refused(written):
    rows = read_studies(written("study,estimate,se\nA,0.5,1e9\nB,0.4,0.1\nC,0.3,1e-12\n"), probability=False)
    with pytest.raises(DataError, match="must not differ by more than"):
        pool(rows, measure="identity", probability=False)


@pytest.mark.parametrize("change", [{"time": float("nan")}, {"time": -1.0}, {"time": 4.0, "window": float("nan")}])
def test_times_that_are_no_numbers_of_years_are_refused(change):
    with pytest.raises(CallError, match="must be a number of years"):
        select_for_pooling(load_package("infant-all"), pool_set="frontline-kmt2a-r", endpoint="EFS", **change)


def test_estimates_made_from_counts_are_said_to_be_the_share_with_the_event(written):
    counted = pool(read_studies(written("study,n,events\nA,100,60\nB,80,40\n")))
    printed = pool(read_studies(written("study,estimate,n,events\nA,0.4,100,60\nB,0.5,80,40\n")))
    assert any("the share WITH the event; for survival give n minus events" in w for w in counted.warnings)
    assert not any("WITH the event" in w for w in printed.warnings)
    assert counted.studies[0].estimate == 0.6


def test_a_file_and_a_package_are_not_pooled_at_once(written):
    from nextarm import verbs
    from nextarm.core.errors import CallError

    with pytest.raises(CallError, match="package and studies of a file"):
        verbs.pool(written("study,estimate,se\na,0.5,0.1\nb,0.6,0.1\n"), package="nope")
