"""Every screen as page, JSON and CSV; its charts and tables; what its actions save; the numbers are those of the verbs."""

from __future__ import annotations

import csv
import io
import re
from html import escape
from pathlib import Path

import polars as pl
import pytest
from starlette.testclient import TestClient

import nextarm
from nextarm.designs.plan import plan_from_toml
from nextarm.evidence import load_package
from nextarm.web.address import Query
from nextarm.web.against import EXAMPLES
from nextarm.web.app import web_app
from nextarm.web.design_fields import merged
from nextarm.web.patients import EXAMPLE_CURVE, EXAMPLE_RISK
from nextarm.web.registry import STEPS

BASE = "http://127.0.0.1:8765"
OWN = {"origin": BASE}
AT = "/study/infant-all"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    made = TestClient(web_app(tmp_path_factory.mktemp("studies")), base_url=BASE, follow_redirects=False)
    assert made.post(f"{AT}/start/new", data={"name": "mine"}, headers=OWN).status_code == 303
    return made


@pytest.mark.parametrize("study", ["infant-all", "mine"])
@pytest.mark.parametrize("step", [s.key for s in STEPS])
def test_every_screen_is_a_page_and_json_and_csv(client: TestClient, study: str, step: str) -> None:
    page = client.get(f"/study/{study}/{step}")
    assert page.status_code == 200, re.findall(r'class="note caution problems".*?</ul></div>', page.text, re.S)
    assert page.text.count("<h1") == 1
    assert 'aria-current="page"' in page.text
    data = client.get(f"/study/{study}/{step}.json").json()
    assert data["screen"]["step"] == step
    assert data["problems"] == []
    assert {n["trail"] for n in data["numbers"]} <= set(data["trails"])
    assert client.get(f"/study/{study}/{step}.csv").headers["content-type"].startswith("text/csv")


def test_the_pooled_value_is_the_verbs_and_moves_when_a_cohort_is_left_out(client: TestClient) -> None:
    where = f"{AT}/synthesis.json?pool_set=frontline-kmt2a-r&endpoint=EFS&time=5&window=1"
    shown = {n["name"]: n for n in client.get(where).json()["numbers"]}
    found = nextarm.pool(endpoint="EFS", pool_set="frontline-kmt2a-r", time=5, window=1)
    assert shown["pooled"]["value"] == found.estimate
    assert (shown["pooled"]["low"], shown["pooled"]["high"]) == (found.ci.low, found.ci.high)
    without = client.get(where + "&without=interfant-06-r").json()
    moved = {n["name"]: n for n in without["numbers"]}
    assert moved["pooled"]["value"] != shown["pooled"]["value"]
    assert moved["pooled.k"]["value"] == shown["pooled.k"]["value"] - 1
    trail = without["trails"][moved["pooled"]["trail"]]
    assert [left["reason"] for left in trail["left_out"]].count("left out by the reader") == 1
    assert not any("interfant-06-r" in row["key"] for row in trail["rows"])


@pytest.mark.parametrize("view", ["one-by-one", "trend", "competing", "findings"])
def test_the_other_views_of_a_synthesis(client: TestClient, view: str) -> None:
    assert client.get(f"{AT}/synthesis?view={view}").status_code == 200


def test_charts_and_tables_are_given_out(client: TestClient) -> None:
    page = client.get(f"{AT}/synthesis").text
    links = re.findall(r'href="(/study/infant-all/synthesis/[^"]+)"', page)
    kinds = {link.partition("?")[0].rsplit(".", 1)[-1] for link in links}
    assert kinds == {"svg", "png", "csv"}
    for link in links:
        answer = client.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200
    svg = client.get(next(x for x in links if ".svg" in x))
    assert svg.text.startswith("<svg")
    assert "sandbox" in svg.headers["content-security-policy"]
    assert client.get(next(x for x in links if ".png" in x)).content.startswith(b"\x89PNG")
    rows = list(csv.reader(io.StringIO(client.get(next(x for x in links if "/table/1.csv" in x)).text)))
    assert len({len(r) for r in rows}) == 1


def test_the_robust_weight_lowers_what_a_prior_is_worth(client: TestClient) -> None:
    def worth(share: str) -> float:
        data = client.get(f"{AT}/borrowing.json?arms=blin&endpoint=DFS&time=4&robust={share}&control=").json()
        return float({n["name"]: n["value"] for n in data["numbers"]}["ess.moment"])

    assert worth("0.5") < worth("0.2") < worth("0")
    found = nextarm.prior(arms=("blin",), endpoint="DFS", time=4, tau_scale=0.3, robust=0.2)
    assert worth("0.2") == pytest.approx(next(w.patients for w in found.worth if w.method == "moment"))


def test_a_comparison_is_called_historical_and_is_the_verbs(client: TestClient) -> None:
    answer = client.get(f"{AT}/borrowing.json?arms=blin&endpoint=DFS&time=4&control=interfant-06-histctrl").json()
    shown = {n["name"]: n for n in answer["numbers"]}
    found = nextarm.compare("blin", "interfant-06-histctrl", endpoint="DFS", time=4)
    assert shown["difference"]["value"] == found.difference
    assert "not randomised" in client.get(f"{AT}/borrowing").text


def test_facts_are_those_of_the_verb_and_lead_to_their_row(client: TestClient) -> None:
    query = "pool_set=frontline-kmt2a-g&endpoint=EFS"
    found = nextarm.evidence(pool_set="frontline-kmt2a-g", endpoint="EFS")
    assert client.get(f"{AT}/evidence.csv?{query}").text == found.to_csv()
    data = client.get(f"{AT}/evidence.json?{query}").json()
    for number in data["numbers"]:
        if number["name"].startswith("row-"):
            assert len(data["trails"][number["trail"]]["rows"]) == 1


def test_the_risk_group_calculator(client: TestClient) -> None:
    page = client.get(f"{AT}/evidence?view=risk&protocol=Interfant-06").text
    assert "p.kmt2a_status" in page
    shown = client.get(f"{AT}/evidence.json?view=risk&protocol=Interfant-06&p.kmt2a_status=germline").json()
    frame = pl.DataFrame({"kmt2a_status": ["germline"]})
    group = nextarm.classify(frame, protocol="Interfant-06").groups[0].group
    assert shown["problems"] == []
    assert f'<p class="lead">{group}.</p>' in client.get(f"{AT}/evidence?view=risk&protocol=Interfant-06&p.kmt2a_status=germline").text
    assert client.get(f"{AT}/evidence?view=risk&protocol=Interfant-06&p.age_days=-4").status_code == 422


ROW = {
    "study_name": "Own trial",
    "label": "all infants",
    "new_subtype": "KMT2A-r",
    "new_class": "chemotherapy",
    "row_endpoint": "EFS",
    "time_years": "3",
    "time_origin": "diagnosis",
    "estimate": "0.5",
    "n": "20",
    "where_seen": "abstract",
}


def test_a_row_needs_a_source_and_is_saved_with_it(client: TestClient) -> None:
    refused = client.post("/study/mine/evidence/add", data=ROW, headers=OWN)
    assert refused.status_code == 422
    assert "source" in refused.text
    assert 'value="Own trial"' in refused.text, "what was typed is kept"
    source = {"author": "Example", "year": "2026", "title": "An example", "doi": "https://example.org/own"}
    wrong = client.post("/study/mine/evidence/add", data=ROW | source | {"estimate": "1.5"}, headers=OWN)
    assert wrong.status_code == 422
    assert client.get("/study/mine/evidence?view=facts").status_code == 200, "a refused row leaves the study sound"
    saved = client.post("/study/mine/evidence/add", data=ROW | source, headers=OWN)
    assert saved.status_code == 303
    rows = client.get(saved.headers["location"].replace("/evidence?", "/evidence.json?")).json()
    assert [n["value"] for n in rows["numbers"] if re.fullmatch(r"row-.*-\d+", n["name"])] == [0.5]


def test_an_added_trial_in_a_pool_set_moves_what_is_pooled(client: TestClient) -> None:
    client.post("/study/infant-all/start/new", data={"name": "pooled"}, headers=OWN)
    where = "/study/pooled/synthesis.json?pool_set=frontline-kmt2a-r&endpoint=EFS&time=5&window=1"

    def value() -> tuple[float, float]:
        data = client.get(where).json()
        named = {n["name"]: n["value"] for n in data["numbers"]}
        return named["pooled"], named["pooled.k"]

    before, cohorts = value()
    source = {"author": "Example", "year": "2026", "title": "An example", "doi": "https://example.org/own"}
    row = ROW | source | {"time_years": "5", "estimate": "0.9", "n": "100", "where_seen": "abstract"}
    other = client.post("/study/pooled/evidence/add", data=row | {"study_name": "Not pooled"}, headers=OWN)
    assert other.status_code == 303
    assert value() == (before, cohorts), "an arm of no set is not pooled"
    both = client.post("/study/pooled/evidence/add", data=row | {"new_pool": "frontline-kmt2a-r", "own_pool": "mine"}, headers=OWN)
    assert both.status_code == 422
    assert client.post("/study/pooled/evidence/add", data=row | {"new_pool": "frontline-kmt2a-r"}, headers=OWN).status_code == 303
    after, more = value()
    assert more == cohorts + 1
    assert after == pytest.approx(
        nextarm.pool(
            pool_set="frontline-kmt2a-r", endpoint="EFS", time=5, window=1, package=client.app.state.server.home.folder / "pooled"
        ).estimate
    )
    assert after > before + 0.01


def test_a_curve_is_saved_and_rebuilt(client: TestClient) -> None:
    form = {
        "name": "own-curve",
        "unit": "months",
        "percent": "yes",
        "curve_csv": "0\t100\n6\t90\n12\t80\n24\t70\n36\t65",
        "risk_csv": "0 40\n12 31\n36 18",
    }
    made = client.post("/study/mine/patients/add", data=form, headers=OWN)
    assert made.status_code == 303
    data = client.get(made.headers["location"].replace("/patients?", "/patients.json?")).json()
    numbers = {n["name"]: n["value"] for n in data["numbers"]}
    assert 40 in numbers.values()
    patients = client.get(made.headers["location"].replace("/patients?", "/patients.csv?")).text
    assert len(patients.splitlines()) == 41
    broken = client.post("/study/mine/patients/add", data=form | {"curve_csv": "0 1\n6 x"}, headers=OWN)
    assert broken.status_code == 422
    assert "must be a number" in broken.text
    absent = client.post("/study/mine/patients/add", data=form | {"curve_csv": "time,foo\n0,1\n6,0.8"}, headers=OWN)
    assert absent.status_code == 422
    assert "column survival is missing" in absent.text


def test_the_design_screen_offers_the_card_of_every_kind(client: TestClient) -> None:
    page = client.get(f"{AT}/design").text
    for card in nextarm.designs().cards:
        assert f"card={card.kind}" in page, card.kind


def test_a_curve_saved_without_a_table_forgets_the_table_of_an_earlier_one(client: TestClient) -> None:
    form = {"name": "twice", "unit": "years", "curve_csv": "0 1\n1 0.9\n2 0.8\n3 0.7", "risk_csv": "0 40\n2 12", "n": "40"}
    shown = []
    for sent in (form, form | {"risk_csv": "", "n": "55"}):
        made = client.post("/study/mine/patients/add", data=sent, headers=OWN)
        assert made.status_code == 303
        shown.append(client.get(made.headers["location"]).text)
    assert "twice.at-risk.csv" in shown[0]  # in the trail of its numbers
    assert "twice.at-risk.csv" not in shown[1]
    assert "55" in shown[1]


def test_versions_hazard_and_those_at_risk_are_those_of_the_verbs(client: TestClient) -> None:
    answer = client.get(f"{AT}/patients.json?unit=months&band=versions&model=weibull&at=2").json()
    shown = {n["name"]: n for n in answer["numbers"]}
    curve, risk = (pl.read_csv(io.StringIO(t)) for t in (EXAMPLE_CURVE, EXAMPLE_RISK))
    made = nextarm.reconstruct(curve, at_risk=risk, unit="months", seed=1)
    each = [float(nextarm.fit(made.versions, version=k).survival_at(2.0)[0]) for k in made.versions.versions]
    between = shown["all.versions.2"]
    assert (between["low"], between["high"]) == (min(each), max(each))
    assert shown["all.at-risk.2"]["value"] == int((made.patients.time >= 2.0).sum())
    pieces = nextarm.fit(made.patients, model="piecewise-exponential", cuts=(0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5))
    first = next(n for n in answer["numbers"] if n["name"].startswith("hazard.rebuilt-patients"))
    assert first["value"] == pytest.approx(float(pieces.hazard(0.25).estimate[0]))


def test_patients_against_patients_and_drift_are_those_of_the_verbs(client: TestClient) -> None:
    rows = ["time,event", *(f"{t / 10},{int(t % 3 > 0)}" for t in range(2, 42))]
    saved = client.post("/study/mine/borrowing/patients", data={"name": "own", "patients_csv": "\n".join(rows)}, headers=OWN)
    assert saved.status_code == 303
    query = "view=patients&a=%3Down&a_unit=years&a_origin=diagnosis&b=example-earlier&b_origin=diagnosis&at=2&drift=frontline-kmt2a-r"
    answer = client.get(f"/study/mine/borrowing.json?{query}").json()
    assert answer["problems"] == []
    shown = {n["name"]: n for n in answer["numbers"]}
    own = nextarm.read_patients(pl.read_csv(io.StringIO("\n".join(rows))), time_origin="diagnosis")
    curve, risk = (pl.read_csv(io.StringIO(t)) for t in (EXAMPLES["example-earlier"].curve, EXAMPLES["example-earlier"].at_risk))
    earlier = nextarm.reconstruct(curve, at_risk=risk, unit="months", seed=1).versions
    found = nextarm.compare_patients(
        own, earlier, milestones=(2.0,), endpoint="EFS", cure_model=None, treated_origin="diagnosis", control_origin="diagnosis"
    )
    assert shown["effect.hazard-ratio"]["value"] == found.hazard_ratio.estimate
    drift = nextarm.drift("frontline-kmt2a-r", endpoint="EFS", time=5.0, window=1.0)
    array = nextarm.sensitivity(found.milestones[0], drift=drift)
    assert shown["sensitivity.rows"]["value"] == len(array.rows) == len(nextarm.sensitivity(found.milestones[0]).rows) + 2
    unstated = client.get(f"/study/mine/borrowing?{query.replace('a_origin=diagnosis', 'a_origin=not-stated')}")
    assert "These two cannot be compared" in unstated.text
    broken = client.post("/study/mine/borrowing/patients", data={"name": "bad", "patients_csv": "time,event\n1,7\nx,1"}, headers=OWN)
    assert broken.status_code == 422


@pytest.mark.parametrize("card", ["group-sequential-log-rank", "one-arm-milestone", "exact-binomial", "boin", "bayes-one-arm", "platform"])
def test_a_card_says_when_to_use_it_and_its_plan_is_evaluated(client: TestClient, card: str) -> None:
    data = client.get(f"{AT}/design.json?card={card}").json()
    assert data["problems"] == []
    written = nextarm.designs(card).cards[0]
    assert data["screen"]["plan"].strip() == written.example.strip()
    page = client.get(f"{AT}/design?card={card}").text
    assert written.doi in page
    assert escape(written.not_when[0].replace("`", "")) in page
    power = next(n["value"] for n in data["numbers"] if n["name"] == "design.power")
    assert 0.3 < power < 1.0


def test_fields_change_the_plan_and_wrong_ones_are_told(client: TestClient) -> None:
    plan = nextarm.designs("log-rank").cards[0].example
    made = client.post(f"{AT}/design/set", data={"toml": plan, "accrual.rate": "80", "design.alpha": ""}, headers=OWN)
    assert made.status_code == 303
    data = client.get(made.headers["location"].replace("/design?", "/design.json?")).json()
    assert "rate = 80" in data["screen"]["plan"]
    wrong = client.post(f"{AT}/design/set", data={"toml": plan, "accrual.rate": "-3"}, headers=OWN)
    assert wrong.status_code == 422
    assert 'value="-3"' in wrong.text
    assert client.post(f"{AT}/design/set", data={"toml": plan, "accrual.rate": "many"}, headers=OWN).status_code == 422


def test_fields_that_are_not_of_the_form_change_nothing() -> None:
    data = {"trial": {"name": "x", "endpoint": "EFS", "milestone": 3.0}, "design": {"kind": "log-rank"}, "arms": {}}
    sent = Query((("design.kind", "other"), ("design.__class__", "x"), ("reference.row", "y"), ("trial.milestone", "2")))
    assert merged(data, sent) == {**data, "trial": {"name": "x", "endpoint": "EFS", "milestone": 2}}


def test_a_plan_is_saved_in_the_study(client: TestClient) -> None:
    assert (
        client.post(
            "/study/mine/design/save", data={"toml": nextarm.designs("log-rank").cards[0].example, "name": "second"}, headers=OWN
        ).status_code
        == 303
    )
    assert client.get("/study/mine/design.json?plan=second").json()["screen"]["plan"] == nextarm.designs("log-rank").cards[0].example
    assert client.post("/study/mine/design/save", data={"toml": "x = [", "name": "third"}, headers=OWN).status_code == 422


def test_nothing_stays_when_a_study_is_broken_from_outside(client: TestClient, tmp_path: Path) -> None:
    other = TestClient(web_app(tmp_path), base_url=BASE, raise_server_exceptions=False)
    other.post(f"{AT}/start/new", data={"name": "broken"}, headers=OWN)
    (tmp_path / "broken" / "outcomes.csv").write_text("not,the,header\n1,2,3\n")
    for step in ("evidence", "synthesis", "borrowing"):
        answer = other.get(f"/study/broken/{step}")
        assert answer.status_code == 422
        assert "outcomes.csv" in answer.text
    assert other.get("/").status_code == 200


def test_trials_left_out_move_the_pooled_value_and_the_assurance(client: TestClient) -> None:
    question = "view=pooled&pool_set=frontline-kmt2a-r&endpoint=EFS&time=5&window=1"
    answer = client.get(f"{AT}/evidence.json?{question}&without=interfant-99-r").json()
    shown = {n["name"]: n["value"] for n in answer["numbers"]}
    about = {"pool_set": "frontline-kmt2a-r", "endpoint": "EFS", "time": 5, "window": 1}
    assert shown["chosen.pooled"] == nextarm.pool(**about, without=["interfant-99-r"]).estimate
    assert shown["all.all.pooled"] == nextarm.pool(**about).estimate != shown["chosen.pooled"]
    plan = plan_from_toml(str(nextarm.designs("log-rank").cards[0].example))
    prior = nextarm.prior(**about, without=["interfant-99-r"])
    moved = plan.changed({"trial": {"endpoint": "EFS", "milestone": 5.0, "time_origin": prior.time_origin}})
    assert shown["chosen.averaged"] == nextarm.assurance(moved, prior=prior, nodes=12, sizes=(1.0,)).assurance
    assert shown["all.averaged"] != shown["chosen.averaged"]
    assert "interfant-99-r" not in prior.arms
    assert client.get(f"{AT}/evidence?view=pooled&without=nobody").status_code == 422


def test_facets_that_no_row_fits_are_an_empty_answer(client: TestClient) -> None:
    answer = client.get(f"{AT}/evidence?subtype=KMT2A-g&endpoint=CIR&agent=venetoclax")
    assert answer.status_code == 200
    assert "No row fits." in answer.text
    assert "No row of outcomes fits" in answer.text
    assert client.get(f"{AT}/evidence?subtype=unheard-of").status_code == 422


def test_the_example_says_which_side_of_a_time_is_at_risk_and_that_no_cure_is_not_excluded(client: TestClient) -> None:
    # 33 are followed to 12 months or longer, two of them fall then: the printed 31 are those after.
    data = client.get(f"{AT}/patients.json").json()
    seen = {n["name"]: n["value"] for n in data["numbers"]}
    assert [seen[f"all.at-risk.{t}"] for t in (1, 2, 3)] == [33, 26, 19]
    assert [seen[f"all.at-risk-after.{t}"] for t in (1, 2, 3)] == [31, 25, 18]
    page = client.get(f"{AT}/patients").text
    assert "at risk just after 12" in page
    assert "counted just after the events" in page
    assert "do not exclude that nobody" in page
    assert "nobody is cured is NOT excluded" in page


def test_an_agent_is_offered_once_and_no_filter_is_not_called_as_a_value_is(client: TestClient) -> None:
    page = client.get(f"{AT}/evidence").text
    assert page.count("pinometostat") == 2  # the value of the choice and its word
    assert '<option value="any">any (arms that say so)</option>' in page
    assert ">any</option>" not in page
    assert '<option value="" selected>all</option>' in page
    assert "daratumumab" in client.get(f"{AT}/evidence?agent=dara").text


def test_a_long_table_shows_its_first_rows_and_the_address_of_all_while_files_have_them_all(client: TestClient) -> None:
    where = f"{AT}/evidence?subtype=KMT2A-r"
    rows = len(nextarm.evidence(subtype="KMT2A-r").cells)
    assert rows > 40
    short = client.get(where).text
    table = short[short.index('<table data-sortable role="table">') :].partition("</table>")[0]
    assert table.count('<tr role="row">') - 1 == 12  # and the head
    assert table.count('<tr role="row" class="rest">') == rows - 12, "hidden by style on a screen only, so that print has them"
    link = re.search(r'The first 12 of (\d+) rows\. <a href="([^"#]+)#table-1">', short)
    assert link is not None
    assert int(link[1]) == rows
    whole = client.get(link[2].replace("&amp;", "&")).text
    assert 'class="rest"' not in whole
    assert f'href="{where}#table-1">Show the first 12</a>' in whole
    assert len(client.get(where.replace("?", ".csv?")).text.splitlines()) == rows + 1
    few = client.get(f"{AT}/evidence?pool_set=frontline-kmt2a-g").text
    assert "Show all" not in few, "a few rows more than are shown first are shown too"


def test_the_drawer_of_a_row_says_what_its_marks_say(client: TestClient) -> None:
    data = client.get(f"{AT}/evidence.json").json()
    named = {n["name"]: data["trails"][n["trail"]] for n in data["numbers"]}
    package = load_package()
    seen = set()
    for row in package.outcomes:
        trail, marks = named[f"row-outcomes-{row.line}"], package.ref(row).marks
        apart = {"derived": "computed from printed", "secondary": "quoted in a later", "news": "in a news text"}
        wanted = [words for mark, words in apart.items() if mark in marks] or ["as printed in the source"]
        wanted += ["another source prints a different value"] if "conflict" in marks else []
        assert all(words in trail["method"] for words in wanted), (row.line, trail["method"])
        seen |= set(marks)
        if row.n is not None and "derived" in marks:
            assert "the row is marked derived" in named[f"row-outcomes-{row.line}.n"]["method"]
    assert {"derived", "secondary", "news", "conflict", "not-preferred", "not found again"} <= seen
    counts = client.get(f"{AT}/evidence.json?table=counts").json()["numbers"]
    rates = [n for n in counts if n["name"].endswith(".rate")]
    assert len(rates) == sum(c.events is None and c.printed_rate is not None for c in package.counts) > 10


def test_a_restricted_mean_stands_with_its_time_and_each_time_has_a_heading_of_its_own(client: TestClient) -> None:
    page = client.get(f"{AT}/borrowing?view=patients&at=1,+2").text
    assert re.search(r"RMST difference, years, up to \d\.\d\d years", page)
    heads = re.findall(r"<h2[^>]*>([^<]*)</h2>", page)
    assert [h for h in heads if h.startswith("How wrong")] == ["How wrong could it be? At 1 year", "How wrong could it be? At 2 years"]
    assert "Restriction time of RMST, years" in client.get(f"{AT}/design?card=rmst-difference").text
