"""The command line as a user types it: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from command import Done, fresh, run

ROOT = Path(__file__).resolve().parents[2]
PLAN = ROOT / "src/nextarm/studies/infant_all/plan.toml"
CURVE = "time,survival\n0,1\n6,0.9\n12,0.8\n24,0.7\n36,0.65\n48,0.65\n"
AT_RISK = "time,at_risk\n0,40\n12,31\n24,25\n36,18\n48,9\n"


def good(*words: str, cwd: Path | None = None, start: Callable[..., Done] = run) -> str:
    done = start(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def strict(text: str) -> dict[str, object]:
    return json.loads(text, parse_constant=lambda c: pytest.fail(f"{c} in JSON"))


def test_help_names_every_verb_and_each_has_an_example() -> None:
    words = good("--help", start=fresh)
    verbs = re.findall(r"^  ([a-z]+)  ", words, re.M)
    assert {"evidence", "new", "reconstruct", "fit", "pool", "compare", "prior", "design", "simulate", "report", "verify", "serve"} <= set(
        verbs
    )
    for verb in verbs:
        assert "Example: nextarm" in " ".join(good(verb, "--help").split()), verb


def test_designs_are_listed_and_a_card_gives_a_plan_to_start_from(tmp_path: Path) -> None:
    assert "  toxicity-monitoring " in good("designs", start=fresh)
    good("designs", "exact-binomial", "--example", "--out", str(tmp_path / "plan.toml"))
    assert strict(good("design", str(tmp_path / "plan.toml"), "--json"))["kind_of_design"] == "exact-binomial"
    done = run("designs", "--example")
    assert done.returncode != 0
    assert "an example is of one kind" in done.stderr


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys, nextarm.cli; "
        "heavy = [m for m in ('numpy', 'scipy', 'polars', 'numba', 'altair', 'pydantic', 'rich') if m in sys.modules]; print(heavy)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_evidence_in_every_format() -> None:
    filters = ("--endpoint", "EFS", "--subtype", "KMT2A-r")
    csv = good("evidence", *filters, "--format", "csv", start=fresh)
    rows = strict(good("evidence", *filters, "--json"))
    assert len(csv.splitlines()) - 1 == len(rows["cells"]) > 20  # type: ignore[arg-type]
    assert "pieters2019" in good("evidence", *filters, "--format", "bibtex")
    assert "interfant-06-r" in good("evidence", *filters)


def test_check_is_clean_on_the_bundled_package() -> None:
    out = good("evidence", "--check")
    assert re.search(r"outcomes\s+150\s+0", out)


def test_a_broken_package_lists_its_problems_as_json_too(tmp_path: Path) -> None:
    good("new", "mine", cwd=tmp_path)
    arms = tmp_path / "mine" / "arms.csv"
    arms.write_text(arms.read_text() + "a1,nowhere,,,A,any,all,chemotherapy,,3,\na2,interfant-06,,,A,any,all,chemotherapy,,-3,\n")
    done = run("evidence", "--check", "--package", "mine", "--json", cwd=tmp_path)
    assert done.returncode == 3
    problems = strict(done.stdout)["problems"]
    assert {"nowhere" in p["what"] for p in problems} == {True, False}  # type: ignore[attr-defined]
    assert all("arms.csv" in p["where"] for p in problems)  # type: ignore[attr-defined]


def test_a_new_study_is_sound_and_its_plan_designs(tmp_path: Path) -> None:
    good("new", "my-study", cwd=tmp_path, start=fresh)
    assert "outcomes" in good("evidence", "--check", "--package", "my-study", cwd=tmp_path)
    assert "power" in good("design", "my-study/plan.toml", cwd=tmp_path, start=fresh)
    again = run("new", "my-study", cwd=tmp_path)
    assert again.returncode == 6
    assert "my-study" in again.stderr
    good("new", "blank", "--empty", cwd=tmp_path)
    none = run("evidence", "--package", "blank", cwd=tmp_path)
    assert "no row of outcomes fits the package. The package has none yet: fill its outcomes.csv" in none.stderr
    assert "Traceback" not in none.stderr


def test_classify_says_group_and_reason(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(
        "id,kmt2a_status,age_days,wbc_1e9_per_l,day8_prednisone_response\n1,germline,200,10,good\n2,rearranged,90,400,good\n3,rearranged,90,,good\n"
    )
    out = good("evidence", "classify", "--protocol", "Interfant-06", "p.csv", cwd=tmp_path, start=fresh)
    groups = [line.split(",")[5] for line in out.splitlines()[1:]]
    assert groups == ["LR", "HR", "undetermined"]


def test_reconstruct_writes_patients_and_versions(tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_text(CURVE)
    (tmp_path / "nar.csv").write_text(AT_RISK)
    words = ("reconstruct", "curve.csv", "--at-risk", "nar.csv", "--unit", "months", "--versions", "5")
    out = good(*words, "--out", "patients.csv", "--versions-out", "all.csv", cwd=tmp_path, start=fresh)
    assert "40 patients" in out
    patients = (tmp_path / "patients.csv").read_text().splitlines()
    assert patients[0].split(",")[:3] == ["time", "event", "arm"]
    assert len(patients) == 41
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 5 * 40 + 1
    data = strict(good(*words, "--json", cwd=tmp_path))
    assert data["patients"]["unit"] == "months"  # type: ignore[index]


def test_pool_from_evidence_and_from_a_file_agree(tmp_path: Path) -> None:
    rows = strict(
        good("pool", "--endpoint", "EFS", "--pool-set", "frontline-kmt2a-r", "--time", "5", "--window", "1", "--json", start=fresh)
    )
    (tmp_path / "data.csv").write_text("study,estimate,se\n" + "".join(f"{s['label']},{s['estimate']},0.05\n" for s in rows["studies"]))  # type: ignore[index,attr-defined]
    plain = strict(good("pool", "data.csv", "--json", cwd=tmp_path))
    assert plain["k"] == rows["k"]
    percent = (tmp_path / "data.csv").read_text()
    (tmp_path / "percent.csv").write_text(
        "study,estimate,se\n"
        + "".join(f"{a},{float(b) * 100},{float(c) * 100}\n" for a, b, c in (x.rsplit(",", 2) for x in percent.splitlines()[1:]))
    )
    assert strict(good("pool", "percent.csv", "--percent", "--json", cwd=tmp_path))["estimate"] == pytest.approx(
        plain["estimate"], abs=1e-12
    )
    refused = run("pool", "percent.csv", cwd=tmp_path)
    assert refused.returncode == 3
    assert "--percent" in refused.stderr


def test_fit_gives_the_curve_and_a_model_with_cure(tmp_path: Path) -> None:
    rows = [f"{t},1" for t in (0.2, 0.3, 0.4, 0.6, 0.7, 0.9, 1.1, 1.4)] + [f"{t},0" for t in (3, 4, 5, 5, 6, 6, 7, 7)]
    (tmp_path / "p.csv").write_text("time,event\n" + "\n".join(rows) + "\n")
    curve = good("fit", "p.csv", cwd=tmp_path, start=fresh).splitlines()
    assert curve[1].split()[:5] == ["0.2", "16", "1", "0", "0.9375"]
    model = strict(good("fit", "p.csv", "--model", "mixture-cure:weibull", "--json", cwd=tmp_path))
    assert model["kind"] == "Fit"
    assert "cure_fraction" in good("fit", "p.csv", "--model", "mixture-cure:weibull", cwd=tmp_path)


def test_compare_prints_the_bias_that_would_undo_it_and_refuses_other_origins() -> None:
    words = ("compare", "--arm", "blin", "--endpoint", "DFS", "--time", "4")
    out = good(*words, "--control", "interfant-06-histctrl", start=fresh)
    assert "historical control" in out
    assert re.search(r"points_tips\s+0\.19", out)
    assert "time origin not stated" in out
    other = ("compare", "--arm", "blin", "--control", "mll03-r", "--endpoint", "OS", "--time", "4")
    refused = run(*other)
    assert refused.returncode == 5
    assert "--assume-origin" in refused.stderr
    assert "assumed equal" in good(*other, "--assume-origin")


def test_prior_from_one_arm_is_labelled_and_treatments_are_not_mixed(tmp_path: Path) -> None:
    out = good("prior", "--arms", "blin", "--endpoint", "DFS", "--time", "4", "--likelihood", "normal", "--tau-scale", "0.3", start=fresh)
    assert "one study" in out
    assert "effective sample size" in out
    mixed = run("prior", "--arms", "blin,mll03-r", "--endpoint", "OS", "--time", "4")
    assert mixed.returncode == 5
    assert "different treatment" in mixed.stderr
    (tmp_path / "h.csv").write_text("study,events,n\na,23,107\nb,12,44\nc,19,51\nd,9,39\ne,39,139\nf,6,20\ng,9,78\nh,10,35\n")
    found = strict(good("prior", "h.csv", "--json", cwd=tmp_path))
    assert found["kind"] == "PriorFile"
    assert found["parameter"] == "event-probability"
    assert found["summary"]["mean"] == pytest.approx(0.2583, abs=5e-4)


def test_simulate_keeps_its_blocks_and_a_second_call_gives_the_same(tmp_path: Path) -> None:
    words = ("simulate", str(PLAN), "--trials", "3000", "--seed", "5", "--quiet", "--out", str(tmp_path / "run"))
    good(*words)
    first = (tmp_path / "run" / "results.json").read_bytes()
    good(*words, "--workers", "2", start=fresh)
    assert (tmp_path / "run" / "results.json").read_bytes() == first
    other = run("simulate", str(PLAN), "--trials", "3000", "--seed", "6", "--out", str(tmp_path / "run"))
    assert other.returncode == 6
    assert "seed" in other.stderr


def test_design_and_simulate_speak_of_the_same_trial() -> None:
    power = strict(good("design", str(PLAN), "--json"))["power"]
    found = strict(good("simulate", str(PLAN), "--trials", "2048", "--seed", "3", "--json"))
    own = found["scenarios"][0]  # type: ignore[index]
    rate = sum(own["rejected_by_look"]) / own["trials"]
    assert rate == pytest.approx(power, abs=4 * (0.25 / 2048) ** 0.5 + 0.01)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("evidence", "--endpoint", "EFX"), 2, "EFS"),
        (("evidence", "--format", "xml"), 2, "bibtex"),
        (("evidence", "--endpoint", "TRM", "--subtype", "KMT2A-r"), 2, "endpoint"),
        (("evidence", "--package", "nowhere"), 3, "nowhere"),
        (("evidence", "classify", "--protocol", "None", "x.csv"), 2, "protocol"),
        (("nonsense",), 2, "nonsense"),
        (("simulate",), 2, "plan"),
        (("design", "missing.toml"), 4, "missing.toml"),
        (("pool", "missing.csv"), 3, "missing.csv"),
        (("pool",), 2, "pool"),
        (("pool", "--endpoint", "EFS", "--pool-set", "nowhere", "--time", "5"), 2, "frontline-kmt2a-r"),
        (("pool", "--endpoint", "EFS", "--pool-set", "frontline-kmt2a-r", "--time", "9"), 5, "9"),
        (("reconstruct", "missing.csv"), 3, "missing.csv"),
        (("report", "other-study"), 2, "infant-all"),
        (("verify", "--room", "kitchen"), 2, "survival"),
        (("match", "p.csv", "--baseline", "b.csv", "--replicates", "9"), 2, "--replicates without --common"),
        (
            ("match", "p.csv", "--baseline", "b.csv", "--common", "a", "--published", "0.8,0.6,1.1", "--covariates", "age"),
            2,
            "--covariates with --common",
        ),
    ],
)
def test_what_is_wrong_is_said_once_with_its_exit_code(words: tuple[str, ...], code: int, said: str, tmp_path: Path) -> None:
    done = run(*words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_exit_code_6(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = run("report", "infant-all", "--out", str(tmp_path / "file" / "folder"))
    assert done.returncode == 6, done.stderr
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
def test_an_interrupted_report_leaves_the_old_files(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("the old report")
    command = [sys.executable, "-m", "nextarm.cli", "report", "infant-all", "--out", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ})
    maps = Path(f"/proc/{process.pid}/maps")  # with numpy its work has begun; while Python itself starts, nobody can answer Ctrl-C
    while "_multiarray_umath" not in maps.read_text():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert "interrupted" in said
    assert (tmp_path / "report.html").read_text() == "the old report"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_closed_pipe_is_not_an_error() -> None:
    command = f"{sys.executable} -m nextarm.cli evidence --endpoint EFS --format csv | head -1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("study_id")


def test_look_says_the_decision_and_what_may_come() -> None:
    said = good("look", str(PLAN), "--events", "48", "--z", "1.9", start=fresh)
    assert "decision: go on (80 events planned)" in said
    assert "conditional power" in said
    found = strict(good("look", str(PLAN), "--events", "48", "--z", "1.9", "--events", "80", "--z", "2.1", "--json"))
    assert found["decision"] == "reject"
    assert found["final"]["bias_adjusted"] > found["final"]["estimate"]


def test_design_prints_whole_patients_and_keeps_exact_ones_in_json(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(good("designs", "log-rank", "--example").replace("rate = 60.0", "rate = 60.11"), encoding="utf-8")
    assert re.search(r"^n +181$", good("design", str(plan), "--error-trials", "0"), re.MULTILINE)
    assert strict(good("design", str(plan), "--error-trials", "0", "--json"))["n"] == pytest.approx(180.33)


def test_design_says_the_true_type_one_error_of_a_log_rank_test() -> None:
    found = strict(good("design", str(PLAN), "--error-trials", "5000", "--json"))
    assert found["true_error"]["trials"] == 5000
    assert abs(found["true_error"]["type1_error"] - 0.025) < 0.01
    assert strict(good("design", str(PLAN), "--error-trials", "0", "--json"))["true_error"] is None
