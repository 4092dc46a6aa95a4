"""The bundled tables against what their sources print and what their README promises."""

from __future__ import annotations

import math

import pytest

from nextarm.evidence import Package, load_package, remarks, shared_patients
from nextarm.evidence.schema import Outcome, decimal_year


@pytest.fixture(scope="module")
def package() -> Package:
    return load_package()


def outcome(package: Package, arm: str, endpoint: str, time: float, *, preferred: bool = True) -> Outcome:
    (row,) = [
        r for r in package.outcomes
        if (r.arm_id, r.endpoint, r.time_years) == (arm, endpoint, time) and (r.preferred is not False) == preferred
    ]  # fmt: skip
    return row


def test_the_tables_have_the_rows_they_were_made_with(package: Package) -> None:
    sizes = {name: len(rows) for name, rows in package.tables()}
    assert sizes == {
        "sources": 169, "studies": 62, "arms": 168, "outcomes": 150, "counts": 193, "agents": 36,
        "agent_evidence": 62, "trials_ongoing": 12, "risk_groups": 31, "genetics": 30, "comparisons": 6,
    }  # fmt: skip


def test_pool_sets_hold_the_arms_they_name(package: Package) -> None:
    sets: dict[str, set[str]] = {}
    for arm in package.arms:
        if arm.pool_set:
            sets.setdefault(arm.pool_set, set()).add(arm.arm_id)
    assert {name: len(arms) for name, arms in sets.items()} == {
        "frontline-kmt2a-r": 8, "frontline-kmt2a-g": 5, "frontline-kmt2a-r-after-induction": 2,
    }  # fmt: skip
    assert not sets["frontline-kmt2a-r"] & {"bfm9095-r", "aall0631-r-chemo"}
    for arms in sets.values():
        ordered = sorted(arms)
        assert all(shared_patients(package, a, b) == "" for i, a in enumerate(ordered) for b in ordered[i + 1 :])


def test_interfant_06_rearranged_is_derived_as_its_note_says(package: Package) -> None:
    """6-year EFS 46.1 % (SE 2.1) of 651 infants and 73.9 % (SE 3.6) of 167 KMT2A-germline infants (Pieters 2019, Stutterheim 2022)."""
    whole, germline = outcome(package, "interfant-06-all", "EFS", 6), outcome(package, "interfant-06-g", "EFS", 6)
    derived = outcome(package, "interfant-06-r", "EFS", 6)
    assert (whole.estimate, whole.se, whole.n) == (0.461, 0.021, 651)
    assert (germline.estimate, germline.se, germline.n) == (0.739, 0.036, 167)
    assert derived.n == 651 - 167
    assert derived.estimate == pytest.approx((651 * 0.461 - 167 * 0.739) / 484, abs=5e-4)
    assert derived.se == pytest.approx(math.sqrt((651 * 0.021) ** 2 - (167 * 0.036) ** 2) / 484, abs=5e-5)
    assert package.ref(derived).marks == ("derived", "conflict")
    set_aside = package.ref(outcome(package, "interfant-06-r", "EFS", 6, preferred=False))
    assert set_aside.marks == ("secondary", "conflict", "not-preferred")


@pytest.mark.parametrize(
    ("whole", "endpoint", "time", "parts"),
    [
        ("mll10-r", "EFS", 3, (("mll10-ir", 19), ("mll10-hr", 56))),
        ("mll9698-all", "EFS", 5, (("mll9698-r", 79), ("mll9698-g", 22))),
    ],
)
def test_a_whole_is_the_weighted_mean_of_its_parts(
    package: Package, whole: str, endpoint: str, time: float, parts: tuple[tuple[str, int], ...]
) -> None:
    n = sum(size for _, size in parts)
    mean = sum(outcome(package, arm, endpoint, time).estimate * size for arm, size in parts) / n
    assert outcome(package, whole, endpoint, time).estimate == pytest.approx(mean, abs=0.002)


def test_blinatumomab_keeps_its_two_data_locks_apart(package: Package) -> None:
    first, later = outcome(package, "blin", "DFS", 2), outcome(package, "blin", "DFS", 4)
    assert (first.estimate, first.ci_low, first.ci_high) == (0.816, 0.608, 0.92)
    assert (later.estimate, later.ci_low, later.ci_high) == (0.833, 0.645, 0.927)
    assert first.data_lock != later.data_lock
    assert "time origin not stated" in package.ref(first).marks
    # 25 of 30 without an event: four relapses and a death in remission.
    assert later.estimate == pytest.approx(25 / 30, abs=5e-4)
    assert outcome(package, "blin", "CIR", 4).estimate == pytest.approx(4 / 30, abs=5e-4)


@pytest.mark.parametrize(
    ("arm", "endpoint", "time", "marks"),
    [
        ("interfant-99-r", "EFS", 4, {"secondary"}),
        ("p9407-r", "EFS", 5, {"secondary"}),
        ("aall0631-g", "EFS", 3, {"derived"}),
        ("ccg1953-all", "EFS", 5, {"derived SE"}),
        ("aall0631-r-chemo", "EFS", 3, {"SE type not stated", "time origin not stated"}),
        ("interfant-06-hr", "OS", 6, {"secondary"}),
        ("mll98-r-hsct", "EFS", 3, {"secondary", "time origin not stated"}),
        ("interfant-06-all", "EFS", 6, {"not found again"}),
        ("mll9698-g", "EFS", 5, set()),
        ("blin", "OS", 4, {"news", "time origin not stated"}),
        ("cibmtr", "OS", 2, {"not infant-specific"}),
    ],
)
def test_what_a_reader_must_know_is_marked(package: Package, arm: str, endpoint: str, time: float, marks: set[str]) -> None:
    ref = package.ref(outcome(package, arm, endpoint, time))
    assert set(ref.marks) == marks
    assert ref.table == "outcomes"
    assert ref.key == f"{arm} {endpoint} {time} years" + (" (long-term report (2026))" if arm == "blin" else "")


def test_every_conflict_in_a_note_is_marked(package: Package) -> None:
    for _, rows in package.tables():
        for row in rows:
            if "conflict:" in getattr(row, "note", ""):
                assert "conflict" in package.ref(row).marks


def test_enrolment_is_read_to_the_end_of_what_was_printed(package: Package) -> None:
    assert package.study("interfant-99").enrolment == (1999.0, 2006.0)
    assert package.study("interfant-06").mid_enrolment == 2011.5
    assert package.study("mll10").enrolment == (2011.0, 2015.0)
    assert package.study("p9407").mid_enrolment is None
    assert package.ref(package.study("interfant-06")).marks == ("enrolment secondary",)
    assert package.ref(package.study("aall0631")).marks == ("enrolment derived",)
    assert decimal_year("2011-01-01") == 2011.0
    assert decimal_year("2011-12-31", end=True) == pytest.approx(2012.0)


def test_a_printed_rate_is_read_from_the_note(package: Package) -> None:
    (death,) = [c for c in package.counts if (c.arm_id, c.what) == ("interfant-99-all", "induction_death")]
    assert (death.events, death.rate) == (None, 0.038)
    assert "printed rate" in package.ref(death).marks
    (relapse,) = [c for c in package.counts if (c.arm_id, c.what) == ("pogpilot-all", "relapse")]
    assert relapse.rate == 24 / 33


def test_who_shares_patients_is_known(package: Package) -> None:
    assert shared_patients(package, "jshct-all", "mll10-hr")
    assert shared_patients(package, "cogpool-chemo", "p9407-c3-gt90-r")
    assert shared_patients(package, "interfant-06-r", "interfant-06-hr").endswith("nothing says that they are disjoint")
    assert shared_patients(package, "interfant-06-r", "interfant-06-g") == ""
    assert shared_patients(package, "aall0631-r-chemo", "aall0631-r-lest") == ""
    assert shared_patients(package, "aall0631-r-tp1pos", "aall0631-r-lest")
    assert shared_patients(package, "interfant-99-r", "interfant-06-r") == ""


def test_the_careful_reader_finds_what_is_documented(package: Package) -> None:
    said = [str(r) for r in remarks(package)]

    def one(start: str, words: str) -> None:
        assert any(s.startswith(start) and words in s for s in said), (start, words)

    one("outcomes.csv line 122 (blin DFS 4", "lies above 0.816 at 2")
    one("outcomes.csv line 131 (chopi RFS", "lies above OS 0.62")
    one("outcomes.csv line 144 (beijing-baoding-all", "average 0.508")
    one("outcomes.csv line 112 (hsct-murray-c", "the arm had chemotherapy")
    one("outcomes.csv line 13 (cogpool-chemo", "starts at not-stated, diagnosis")
    one("genetics.csv line 20", "33 of 175 is 0.189")
    one("arms.csv line 61 (interfant-06-hr)", "not recorded as part of interfant-06-r")
    one("sources.csv line 159 (vandersluis2023b)", "has the url of vandersluis2023")
    one("outcomes.csv line 15 (p9407-c3 OS", "1.58 times the binomial SE")
