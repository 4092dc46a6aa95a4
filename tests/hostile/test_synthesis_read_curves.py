"""Curve files of strangers: what is read, what is refused, and that nothing is lost on the way."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from nextarm import verbs
from nextarm.core.errors import CallError, DataError
from nextarm.synthesis import pool_curves, read_curves
from nextarm.synthesis.read_curves import NO_CENSORING, curve_estimates
from nextarm.validation.case import data_file


@pytest.fixture
def folder(tmp_path):
    def write(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        return tmp_path

    return write


GOOD = "time,survival,at_risk\n0,1,50\n1,0.8,40\n2,0.6,25\n"
OTHER = "time,survival,n\n1,0.7,60\n2,0.5,60\n"


def test_the_published_curve_comes_back_from_a_folder(tmp_path):
    """Combescure's data set, one file a study: the printed pooled survival (metaSurvival, S2)."""
    rows = list(csv.DictReader(io.StringIO(data_file("msurv_cabibbo.csv"))))
    for name in dict.fromkeys(r["Study"] for r in rows):
        own = sorted((float(r["Time"]), r["Survival"], r["NbRisk"]) for r in rows if r["Study"] == name)
        text = "time,survival,nbrisk\n" + "".join(f"{t},{s},{n}\n" for t, s, n in own)
        (tmp_path / f"study {int(name):02d}.csv").write_text(text, encoding="utf-8")
    found = verbs.pool(curves=tmp_path)
    assert found.survival[:6] == pytest.approx([0.93524921, 0.82628083, 0.70123428, 0.61766270, 0.53060766, 0.44916320], abs=1e-8)
    every = sorted({float(r["Time"]) for r in rows})
    exact = verbs.pool(curves=tmp_path, times=every)
    assert exact.survival[:6] == pytest.approx([0.93524921, 0.82628083, 0.70123428, 0.61766270, 0.53060766, 0.44916320], abs=1e-8)


def test_numbers_at_risk_from_a_figure_from_n_and_from_standard_errors(folder):
    a, b = read_curves(folder(a=GOOD, b=OTHER))
    assert a.at_risk.tolist() == [50.0, 40.0]
    assert b.at_risk.tolist() == pytest.approx([60.0, 42.0])
    assert NO_CENSORING in b.row.marks
    # Greenwood of 20 of 100 dead, then 10 of 80: both numbers at risk are found again.
    v1 = 0.2 / (0.8 * 100)
    v2 = v1 + 0.125 / (0.875 * 80)
    text = f"time,survival,se\n1,0.8,{0.8 * v1**0.5}\n2,0.7,{0.7 * v2**0.5}\n"
    (c,) = read_curves(folder(c=text) / "c.csv")
    assert c.at_risk == pytest.approx([100.0, 80.0])
    assert [e.se for e in curve_estimates([c])] == pytest.approx([0.8 * v1**0.5, 0.7 * v2**0.5])


def test_a_digitised_curve_is_read_as_steps_in_its_unit(folder):
    rng = np.random.default_rng(1)
    time = np.sort(rng.uniform(0.1, 48.0, 40))
    text = "time,survival,at_risk\n0,1,40\n" + "".join(f"{t:.3f},{1 - (i + 1) / 50:.3f},\n" for i, t in enumerate(time))
    (curve,) = read_curves(folder(a=text), unit="months", times=[1.0, 2.0])
    assert curve.survival == pytest.approx([1 - (time <= 12.0).sum() / 50, 1 - (time <= 24.0).sum() / 50], abs=1e-3)


def test_one_file_with_a_column_of_studies_and_all_three_models(folder):
    text = "study,time,survival,n\nA,1,0.8,50\nA,2,0.6,50\nB,1,0.7,60\nB,2,0.5,60\nC,1,0.75,40\nC,2,0.7,40\n"
    path = folder(all=text) / "all.csv"
    for model in ("combescure", "multivariate", "increments"):
        found = pool_curves(path, model=model)
        assert found.k == 3
        assert found.survival.tolist() == sorted(found.survival.tolist(), reverse=True)
        assert "taken as n S: A, B, C" in found.trail.assumptions[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,survival,n\n1,80,50\n", "--percent"),
        ("time,survival,n\n1,0.5,50\n2,0.6,50\n", "must not rise"),
        ("time,survival,n\n2,0.5,50\n1,0.4,50\n", "must be above the time before"),
        ("time,survival,n\n-1,0.5,50\n", "must be 0 or more"),
        ("time,survival,n\n1,,50\n", "survival is empty"),
        ("time,survival,n\n1,0.5,0\n", "n = 0"),
        ("time,survival,n\n1,half,50\n", "must be a number"),
        ("time,survival\n1,0.5\n", "needs one of the columns"),
        ("time,surviving,n\n1,0.5,50\n", "is not known"),
        ("time,survival,n,n\n1,0.5,50,50\n", "stands twice"),
        ("time,survival,n\n", "no points"),
        ("time,survival,n\n1,0.5\n", "must have 3 like the header"),
        ("", "is empty"),
        ("time,survival,n\n60,0.5,50\n", "--unit"),
        ("time,survival,se\n1,0.5,-0.1\n", "must not be below 0"),
        ("time,survival,n\n0,1,50\n", "no time above 0"),
    ],
)
def test_broken_files_name_file_and_row(folder, text, said):
    with pytest.raises(DataError) as caught:
        read_curves(folder(good=GOOD, broken=text))
    assert said in str(caught.value)
    assert "broken" in str(caught.value)


def test_every_broken_file_is_listed_at_once(folder):
    with pytest.raises(DataError) as caught:
        read_curves(folder(a="time,survival,n\n1,80,50\n", b="time,survival,n\n1,0.5,-5\n"))
    assert len(caught.value.problems) == 2


def test_places_that_hold_nothing(tmp_path):
    with pytest.raises(DataError, match="no CSV file"):
        read_curves(tmp_path)
    with pytest.raises(DataError, match="is missing"):
        read_curves(tmp_path / "nowhere")


def test_options_that_do_not_fit(folder):
    path = folder(a=GOOD, b=OTHER)
    with pytest.raises(CallError, match="curve model"):
        pool_curves(path, model="spline")
    with pytest.raises(CallError, match="above 0"):
        pool_curves(path, times=[-1.0])
    with pytest.raises(CallError, match="unit"):
        pool_curves(path, unit="moons")
    with pytest.raises(CallError, match="on their own"):
        verbs.pool(curves=path, endpoint="EFS")
    with pytest.raises(CallError, match="belong to curves"):
        verbs.pool(path / "a.csv", times=[1.0])
    with pytest.raises(DataError, match="reaches 30 years"):
        pool_curves(path, times=[30.0])


def test_the_same_study_in_two_files_is_refused(folder):
    text = "study,time,survival,n\nA,1,0.8,50\n"
    with pytest.raises(DataError, match="stands in two files"):
        read_curves(folder(x=text, y=text))
