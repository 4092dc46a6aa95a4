"""Broken files say row and column; degenerate data give a result with a warning or a refusal, never NaN in silence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nextarm.core.errors import CallError, DataError, RefusedError
from nextarm.survival import (
    aalen_johansen,
    confidence_band,
    cox,
    gray_test,
    kaplan_meier,
    log_rank,
    log_rank_arrays,
    make_patients,
    max_combo,
    median_follow_up,
    milestone_difference,
    modestly_weighted,
    nelson_aalen,
    one_sample_log_rank,
    read_patients,
    rmst,
    rmst_difference,
    schoenfeld_test,
)


def read(tmp_path, text, **options):
    path = tmp_path / "p.csv"
    path.write_text(text, encoding="utf-8")
    return read_patients(path, **options)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("time,event\n", "no patients"),
        ("time\n1\n", "column 'event' is missing"),
        ("t,event\n1,1\n", "column 'time' is missing"),
        ("id,Time,Status\na,1,1\n", r"found id, time, status. Is status meant\? Name it event: 1 event, 0 censored"),
        ("time;event\n5,5;1\n", "parted by semicolons in p.csv row 1"),
        ("time\tevent\n5.5\t1\n", "parted by tabs in p.csv row 1"),
        ("time,event\n1,1\n-2,0\n", "row 3, column time"),
        ("time,event\n1,1\n2,2\n", "row 3, column event"),
        ("time,event\n1,1\n,0\n", "row 3, column time: must not be empty"),
        ("time,event\nNaN,1\n", "row 2, column time"),
        ("time,event\n1,x\n", "row 2, column event: must be a number"),
        ("time,event\n1;5,1\n", "column time: must be a number"),
        ("time,event\ninf,1\n", "must be finite"),
        ("time,event\n1,1,1\n", "row 2"),
        ("time,time,event\n1,1,1\n", "twice"),
        ("time,event\n1,1\n\n2,0\n", "row 3"),
        ("time,event,arm\n1,1,\n", "row 2, column arm"),
        ("time,event,cause\n1,1,\n", "must name the cause"),
        ("time,event,entry\n1,1,1\n", "row 2, column entry"),
        ("time,event,entry\n1,1,-1\n", "must not be negative"),
        ("time,event,weight\n1,1,0\n", "row 2, column weight"),
        ("time,event,version\n1,1,1.5\n", "row 2, column version"),
        ("time,event,stratum\n1,1,\n", "row 2, column stratum"),
    ],
)
def test_a_broken_file_says_where(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        read(tmp_path, text)


def test_all_problems_are_said_at_once_but_no_more_than_ten(tmp_path):
    with pytest.raises(DataError) as caught:
        read(tmp_path, "time,event\n" + "-1,5\n" * 30)
    assert len(caught.value.problems) == 10


def test_a_missing_or_binary_file(tmp_path):
    with pytest.raises(DataError, match="missing"):
        read_patients(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="holds other than text"):
        read_patients(tmp_path / "b.csv")
    with pytest.raises(DataError, match="path of a CSV file or a data frame"):
        read_patients(7)
    with pytest.raises(CallError, match="unit"):
        read_patients(tmp_path / "none.csv", "fortnights")


def test_units_frames_and_causes_are_read(tmp_path):
    text = "\ufefftime, event ,arm,cause,stratum,note\n12,1,b,relapse,east,x\n24,0,a,,west,y\n6,1,b,death,east,z\n"
    p = read(tmp_path, text, unit="months")
    assert p.time.tolist() == [1.0, 2.0, 0.5]
    assert (p.arms, p.causes, p.unit) == (("b", "a"), ("relapse", "death"), "months")
    assert p.event.tolist() == [1, 0, 2]
    assert p.stratum.tolist() == [0, 1, 0]
    for frame in (p.to_frame(), pd.DataFrame(p.to_frame().to_dict(as_series=False))):
        again = read_patients(frame)
        np.testing.assert_array_equal(again.time, p.time)
        np.testing.assert_array_equal(again.event, p.event)
    assert read(tmp_path, text, arms=("a", "b")).arm.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"time": [1.0, np.nan]},
        {"time": [1.0, -1.0]},
        {"time": [], "event": []},
        {"event": [1, 2]},
        {"event": [1]},
        {"event": [1, 0.5]},
        {"entry": [0.5, 3.0]},
        {"weight": [1.0, np.inf]},
        {"weight": [1.0, 0.0]},
    ],
)
def test_a_table_is_checked_however_it_is_made(wrong):
    with pytest.raises(DataError):
        make_patients(**({"time": [1.0, 2.0], "event": [1, 0]} | wrong))


def test_unknown_names_are_refused():
    p = make_patients([1, 2, 3, 4], [1, 0, 1, 1], arm=list("aabb"), version=[1, 1, 2, 2])
    for call in (
        lambda: p.for_arm("c"),
        lambda: p.for_version(9),
        lambda: kaplan_meier(p),
        lambda: kaplan_meier(p.for_version(1), level=95),
        lambda: kaplan_meier(p.for_version(1), interval="wide"),
        lambda: kaplan_meier(p.for_version(1), variance="naive"),
        lambda: kaplan_meier(p.for_version(1)).quantile(1.0),
        lambda: kaplan_meier(p.for_version(1)).survival_at(-1),
        lambda: kaplan_meier(p.for_version(1)).at_risk_at(1, "during"),
        lambda: log_rank(p.for_version(1)),
        lambda: gray_test(p, cause="flood"),
        lambda: cox(p.for_version(1)),
        lambda: p.where(np.zeros(4, bool)),
        lambda: make_patients([1], [1], arm=["x"], arms=("a", "b")),
        lambda: make_patients([1, 2], [1, 1], stratum=[1, 1]).where([]),
    ):
        with pytest.raises(CallError):
            call()


def all_censored():
    return make_patients([1, 2, 3, 4], [0, 0, 0, 0], arm=list("aabb"))


def test_nobody_falls():
    p = all_censored()
    km = kaplan_meier(p)
    assert any("exact" in w for w in km.warnings)
    assert km.median.time is None
    assert km.median.warnings
    assert km.at(0.5).ci.low == pytest.approx(0.025**0.25)
    assert km.exact.all()
    test = log_rank(p)
    assert (test.p_value, test.df) == (1.0, 0)
    assert test.warnings
    assert max_combo(p).p_value == 1.0
    assert log_rank_arrays(p.time, p.event, p.arm) == (0.0, 1.0)
    assert nelson_aalen(p).cumulative_hazard[-1] == 0
    assert aalen_johansen(p).incidence.sum() == 0
    assert rmst(p).warnings
    difference = milestone_difference(p, milestone=1.5)
    assert difference.p_value == 1.0
    assert difference.ci.low < 0 < difference.ci.high
    assert rmst_difference(p).p_value == 1.0
    for call in (lambda: cox(p), lambda: schoenfeld_test(p), lambda: confidence_band(km)):
        with pytest.raises(RefusedError):
            call()


def test_everybody_falls_at_once_and_one_patient_alone():
    km = kaplan_meier(make_patients([1, 1, 1], [1, 1, 1]))
    assert km.survival.tolist() == [0.0]
    assert (km.ci_low[0], km.standard_error[0]) == (0.0, 0.0)
    assert 0 < km.ci_high[0] < 1
    assert km.survival_at(5).tolist() == [0.0]
    alone = kaplan_meier(make_patients([1], [0]))
    assert np.isfinite([alone.ci_low[0], alone.ci_high[0]]).all()
    assert median_follow_up(make_patients([1], [0])).time == 1.0


def test_beyond_follow_up_is_missing_and_says_so():
    km = kaplan_meier(make_patients([1, 2], [1, 0]))
    assert np.isnan(km.survival_at(3))[0]
    late = km.at(3.0)
    assert late.survival is None
    assert late.warnings
    with pytest.raises(RefusedError, match="follow-up"):
        rmst(make_patients([1, 2], [1, 0]), tau=3.0)
    with pytest.raises(RefusedError, match="ends before"):
        milestone_difference(make_patients([1, 2, 3, 4], [1, 0, 1, 0], arm=list("aabb")), milestone=3.0)


def test_a_risk_set_that_empties_under_delayed_entry_warns():
    p = make_patients([1.0, 5, 6, 7], [1, 1, 0, 1], entry=[0.0, 2, 2, 2])
    km = kaplan_meier(p)
    assert km.survival[-1] == 0.0
    assert any("delayed entry" in w for w in km.warnings)


def test_monotone_likelihood_is_found_and_named():
    p = make_patients([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], arm=list("aaabbb"))
    fit = cox(p, covariates={"x": [0.1, -0.3, 0.2, 0.4, -0.2, 0.0]})
    assert "arm: b" in fit.monotone
    assert any("monotone" in w for w in fit.warnings)
    assert np.isnan(fit.coefficient[0])
    assert fit.likelihood_ratio > 0
    assert type(fit).from_json(fit.to_json()) == fit
    with pytest.raises(RefusedError):
        schoenfeld_test(p)


def test_covariates_that_cannot_be_used():
    p = make_patients([1, 2, 3, 4], [1, 1, 0, 1], arm=list("abab"))
    for bad in ({"x": [1, 1, 1, 1]}, {"x": [0, 1, 0, 1]}, {"x": [1, 2]}, {"x": list("abcd")}, {"x": [1, 2, np.nan, 4]}):
        with pytest.raises(CallError):
            cox(p, covariates=bad)
    with pytest.raises(CallError, match="cluster"):
        cox(p, cluster=[1, 2])


def test_calls_without_sense():
    p = make_patients([1, 2, 3, 4], [1, 1, 0, 1], arm=list("abab"), weight=[1, 2, 1, 1])
    with pytest.raises(RefusedError):
        gray_test(p, cause="event")
    with pytest.raises(CallError):
        aalen_johansen(p, variance="aalen")
    with pytest.raises(CallError):
        modestly_weighted(p)
    with pytest.raises(CallError):
        log_rank(p, stratified=True)
    with pytest.raises(CallError):
        max_combo(make_patients([1, 2, 3], [1, 1, 1], arm=list("abc")))
    with pytest.raises(RefusedError, match="beyond the last reference patient"):
        one_sample_log_rank(make_patients([5.0], [0]), make_patients([1.0, 2], [1, 0]))
    with pytest.raises(CallError, match="needs reference patients"):
        one_sample_log_rank(make_patients([1.0], [0]), Flat(), sampling_error="estimated")
    with pytest.raises(RefusedError, match="no events are expected"):
        one_sample_log_rank(make_patients([1.0], [0]), Flat())


class Flat:
    def cumulative_hazard(self, t):
        return 0.0 * np.asarray(t)


def test_the_origin_of_patients_survives_the_file(tmp_path: Path) -> None:
    path = tmp_path / "patients.csv"
    made = make_patients([1.0, 2.0], [1, 0], origin="reconstructed")
    path.write_text(made.to_frame().write_csv(), encoding="utf-8")
    assert read_patients(path).origin == "reconstructed"
    assert read_patients(path, origin="simulated").origin == "simulated"
    assert "origin" not in make_patients([1.0], [1]).to_frame().columns


@pytest.mark.parametrize(("origins", "says"), [(("observed", "simulated"), "one value a file"), (("a", "a"), "must be one of observed")])
def test_an_origin_that_cannot_be(tmp_path: Path, origins: tuple[str, str], says: str) -> None:
    path = tmp_path / "patients.csv"
    path.write_text(f"time,event,origin\n1,1,{origins[0]}\n2,0,{origins[1]}\n", encoding="utf-8")
    with pytest.raises(DataError, match=says):
        read_patients(path)


def test_a_folder_or_a_picture_is_called_what_it_is(tmp_path):
    with pytest.raises(DataError, match=r"is a folder: must be a UTF-8 text file\. Name a file in it"):
        read_patients(tmp_path)
    (tmp_path / "p.csv").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(DataError, match="holds other than text"):
        read_patients(tmp_path / "p.csv")


def test_months_read_as_years_are_asked_about(tmp_path):
    text = "time,event\n5,1\n12,0\n40,1\n60,0\n"
    asked = "times are read as years, and the longest is 60"
    for estimate in (kaplan_meier, nelson_aalen, lambda p: rmst(p, tau=50.0)):
        assert any(asked in w for w in estimate(read(tmp_path, text)).warnings)
        assert not any("read as years" in w for w in kaplan_meier(read(tmp_path, text, unit="months")).warnings)
    assert not any("read as years" in w for w in kaplan_meier(read(tmp_path, "time,event\n5,1\n29,0\n")).warnings)
