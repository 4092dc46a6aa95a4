"""The Design screen: every kind of design from its card to virtual trials; designs, scenarios and assumptions laid over a plan by forms."""

from __future__ import annotations

import re
import threading
import time
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

import nextarm
from nextarm import verbs
from nextarm.core.errors import CallError
from nextarm.designs.plan import plan_from_toml
from nextarm.web.app import web_app
from nextarm.web.design_fields import fields_of
from nextarm.web.design_runs import LONGEST

BASE = "http://127.0.0.1:8765"
OWN = {"origin": BASE}
AT = "/study/infant-all/design"
CARDS = {card.kind: card.example for card in nextarm.designs().cards}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    made = TestClient(web_app(tmp_path_factory.mktemp("studies")), base_url=BASE, follow_redirects=False)
    made.post("/study/infant-all/start/new", data={"name": "mine"}, headers=OWN)
    return made


def finished(client: TestClient, where: str) -> Any:
    """The screen as JSON once its run is no longer active."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        data = client.get(where.replace("/design?", "/design.json?")).json()
        if data["screen"]["run"]["state"] not in ("waiting", "running"):
            return data
        time.sleep(0.02)
    raise AssertionError("the run did not end")


@pytest.mark.parametrize("kind", CARDS)
def test_every_kind_goes_from_its_card_to_virtual_trials(client: TestClient, kind: str) -> None:
    page = client.get(f"{AT}?card={kind}")
    assert page.status_code == 200
    form = page.text[page.text.index('<form id="trials"') :]
    assert 'name="trials"' in form[: form.index("</form>")]
    where = client.post(f"{AT}/simulate", data={"toml": CARDS[kind], "trials": "40", "seed": "2"}, headers=OWN).headers["location"]
    data = finished(client, where)
    assert (data["screen"]["run"]["state"], data["problems"]) == ("done", [])
    assert any(n["name"].startswith("as-planned.") and n["value"] is not None for n in data["numbers"])
    # the form by fields gives the same plan back
    again = client.post(f"{AT}/set", data={"toml": CARDS[kind], "trial.milestone": ""}, headers=OWN)
    assert again.status_code == 422
    assert 'aria-invalid="true"' in again.text


def lay(client: TestClient, plan: str, *, at: str = AT, **sent: str) -> Any:
    return client.post(f"{at}/lay", data={"toml": plan, **{k.replace("__", "."): v for k, v in sent.items()}}, headers=OWN)


def plan_of(answer: Any) -> str:
    assert answer.status_code == 303, re.findall(r'class="what">.*?</li>', answer.text)
    return parse_qs(urlsplit(answer.headers["location"]).query)["toml"][0] + "\n"


def wrong_fields(answer: Any) -> list[str]:
    """The names of the fields that are marked as wrong, each described by the words beside it."""
    assert answer.status_code == 422
    found = []
    for tag in re.findall(r'<(?:input|select)[^>]*aria-invalid="true"[^>]*>', answer.text):
        described = re.search(r'aria-describedby="([^ "]+)', tag)
        name = re.search(r' name="([^"]+)"', tag)
        assert described
        assert name
        assert f'id="{described[1]}"' in answer.text
        found.append(name[1])
    return found


def test_designs_are_added_changed_and_removed(client: TestClient) -> None:
    plan = CARDS["log-rank"]
    offered = re.findall(
        r'<option value="([a-z0-9-]+)"', re.findall(r'<select id="add-compare.*?</select>', client.get(f"{AT}?card=log-rank").text, re.S)[0]
    )
    assert offered == list(nextarm.beside(plan_from_toml(plan)).designs)
    for place, kind in enumerate(("group-sequential-log-rank", "max-combo", "log-rank"), start=1):
        answer = lay(client, plan, table="compare", place=str(place), do="add", **{f"compare__{place}__kind": kind})
        assert answer.headers["location"].endswith(f"#compare-{place}")
        plan = plan_of(answer)
    assert [t.design["kind"] for t in plan_from_toml(plan).compare] == ["group-sequential-log-rank", "max-combo", "log-rank"]
    assert "add-compare" not in client.get(AT, params={"toml": plan}).text, "four designs are the most"
    assert lay(client, plan, table="compare", place="4", do="add", compare__4__kind="log-rank").status_code == 422
    plan = plan_of(lay(client, plan, table="compare", place="1", compare__1__name="looks", compare__1__design__events="60"))
    assert (plan_from_toml(plan).compare[0].name, plan_from_toml(plan).compare[0].design["events"]) == ("looks", 60)
    wrong = lay(client, plan, table="compare", place="1", compare__1__name="looks", compare__1__design__alpha="0.9")
    assert wrong_fields(wrong) == ["compare.1.design.alpha"]
    assert 'value="0.9"' in wrong.text
    assert wrong_fields(lay(client, plan, table="compare", place="3", compare__3__name="looks")) == ["compare.3.name"]
    plan = plan_of(lay(client, plan, table="compare", place="2", do="remove"))
    assert [t.design["kind"] for t in plan_from_toml(plan).compare] == ["group-sequential-log-rank", "log-rank"]


def test_a_scenario_without_effect_and_one_of_ones_own(client: TestClient) -> None:
    plan = CARDS["log-rank"]
    plan = plan_of(lay(client, plan, table="scenario", place="2", do="add", scenario__2__name="none", scenario__2__start="no effect"))
    scenario = dict(plan_from_toml(plan).scenarios())["none"]
    at = scenario.survival_at(3.0)
    assert at["treatment"] == pytest.approx(at["control"])
    plan = plan_of(lay(client, plan, table="scenario", place="3", do="add", scenario__3__name="slow"))
    same = "The scenario slow is the same as the plan"
    shown = client.get("/study/infant-all/design", params={"toml": plan}).text
    assert same in shown
    assert "The scenario none is the same" not in shown
    slow = {"scenario__3__name": "slow", "scenario__3__accrual__rate": "30"}
    plan = plan_of(lay(client, plan, table="scenario", place="3", **slow))
    assert dict(plan_from_toml(plan).scenarios())["slow"].accrual.rate == 30
    assert same not in client.get("/study/infant-all/design", params={"toml": plan}).text
    wrong = lay(client, plan, table="scenario", place="3", **{**slow, "scenario__3__accrual__rate": "-1"})
    assert wrong_fields(wrong) == ["scenario.3.accrual.rate"]
    plan = plan_of(lay(client, plan, table="scenario", place="3", **{**slow, "scenario__3__accrual__rate": ""}))
    assert "accrual" not in plan_from_toml(plan).to_data()["scenario"][2]
    assert wrong_fields(lay(client, plan, table="scenario", place="4", do="add", scenario__4__name="")) == ["scenario.4.name"]
    plan = plan_of(lay(client, plan, table="scenario", place="1", do="remove"))
    assert [name for name, _ in plan_from_toml(plan).scenarios()] == ["plan", "none", "slow"]


def test_two_assumptions_make_a_map_whose_numbers_are_the_verbs(client: TestClient) -> None:
    key = "arms.{}.survival.cure_fraction"
    one = {"table": "grid", "place": "1", "do": "add", "grid__1__key": key.format("treatment"), "grid__1__values": "0.6, .7"}
    plan = plan_of(lay(client, CARDS["log-rank"], **one))
    two = {"table": "grid", "place": "2", "do": "add", "grid__2__key": key.format("control")}
    for values in ("0.6, 0.5", "0.4, 1.4", "0.4; x", "0.5", ""):
        assert wrong_fields(lay(client, plan, **two, grid__2__values=values)) == ["grid.2.values"], values
    plan = plan_of(lay(client, plan, **two, grid__2__values="0.4, 0.5"))
    where = client.post(f"{AT}/simulate", data={"toml": plan, "trials": "200", "seed": "2"}, headers=OWN).headers["location"]
    finished(client, where)
    chart = next(link for link in re.findall(r'href="([^"]+)"', client.get(where).text) if "/chart/power-map-1.svg" in link)
    drawing = client.get(chart.replace("&amp;", "&")).text
    assert "cure fraction, treatment" in drawing, "which of two assumptions of one name"
    found = nextarm.simulate(plan_from_toml(plan), trials=200, seed=2)
    for cell in (s for s in found.scenarios if s.at):
        assert f">{100 * cell.rejection.value:.0f} %<" in drawing.replace("\u202f", " ").replace("\xa0", " ")
    plan = plan_of(lay(client, plan, table="grid", place="1", do="remove"))
    assert [table.key for table in plan_from_toml(plan).grid] == [key.format("control")]


def test_a_plan_too_long_for_an_address_becomes_a_file_of_the_study(client: TestClient, tmp_path: Path) -> None:
    plan = CARDS["log-rank"].replace('name = "example', f'name = "{"long " * (LONGEST // 5)}')
    refused = client.post(f"{AT}/set", data={"toml": plan, "accrual.rate": "70"}, headers=OWN)
    assert refused.status_code == 422
    assert "too long for an address" in refused.text
    made = client.post("/study/mine/design/set", data={"toml": plan, "accrual.rate": "70"}, headers=OWN)
    assert re.fullmatch(r"/study/mine/design\?plan=long-plan-[0-9a-f]{8}#answer", made.headers["location"])
    assert "rate = 70" in client.get(made.headers["location"].replace("/design?", "/design.json?")).json()["screen"]["plan"]


def test_forms_that_no_page_made_change_nothing(client: TestClient) -> None:
    plan = CARDS["log-rank"]
    for sent in (
        {},
        {"table": "design", "place": "1"},
        {"table": "compare", "place": "1"},
        {"table": "compare", "place": "0", "do": "remove"},
        {"table": "scenario", "place": "2", "do": "remove"},
        {"table": "compare", "place": "1", "do": "add", "compare__1__kind": "boin"},
        {"table": "grid", "place": "1", "do": "add", "grid__1__key": "design.alpha", "grid__1__values": "0.1, 0.2"},
    ):
        assert lay(client, plan, **sent).status_code == 422, sent
    assert lay(client, "x = [", table="compare", place="1", do="add").status_code == 422


def test_designs_added_for_comparison_are_still_there_when_one_comes_back(client: TestClient) -> None:
    client.post("/study/infant-all/start/new", data={"name": "left"}, headers=OWN)
    at, plan = "/study/left/design", CARDS["log-rank"]
    assert "last worked on" not in client.get(at).text
    plan = plan_of(lay(client, plan, at=at, table="compare", place="1", do="add", compare__1__kind="group-sequential-log-rank"))
    client.get("/study/left/evidence")
    back = client.get(at)
    assert "last worked on" in back.text
    assert "Designs side by side: this plan&#39;s and 1 more" in back.text
    assert client.get(f"{at}.json").json()["screen"]["plan"].strip() == plan.strip()
    # what was broken by hand, or is a plan no more, does not stand in the way
    kept = client.app.state.server.home.folder / "left" / "design" / "latest.txt"  # type: ignore[attr-defined]
    for text in ("toml=x", "plan=gone", "\x00", "toml=%ff"):
        kept.write_text(text)
        assert client.get(at).status_code == 200, text
    # a plan written as text is kept too; a wrong one is refused and leaves what was there
    client.post(f"{at}/text", data={"toml": CARDS["boin"]}, headers=OWN)
    assert client.post(f"{at}/text", data={"toml": "x = ["}, headers=OWN).status_code == 422
    assert client.get(f"{at}.json").json()["screen"]["plan"].strip() == CARDS["boin"].strip()
    # the bundled study is for reading: nothing is written, and the example stands there again
    lay(client, CARDS["log-rank"], table="compare", place="1", do="add", compare__1__kind="max-combo")
    assert "and 1 more" not in client.get(AT).text


def test_what_each_design_can_do_stands_side_by_side(client: TestClient) -> None:
    plan = CARDS["log-rank"]
    for place, kind in enumerate(("group-sequential-log-rank", "max-combo"), start=1):
        plan = plan_of(lay(client, plan, table="compare", place=str(place), do="add", **{f"compare__{place}__kind": kind}))
    page = client.get(AT, params={"toml": plan}).text
    table = page[page.index("The designs side by side, by formula") :]
    found = client.get(f"{AT}.json", params={"toml": plan}).json()["numbers"]
    shown = [n["value"] for n in found if n["name"].endswith(".power") and n["name"].startswith("design")]
    assert shown == [nextarm.design(made, error_trials=0).power for _, made in plan_from_toml(plan).designs()]
    assert table.index("Power") < table.index("all it says")


@pytest.mark.parametrize("kind", ["gated-endpoints", "cure-fraction", "bop2-time-to-event", "top", "boin", "rolling-six"])
def test_a_design_by_virtual_trials_answers_with_few_of_them_first(client: TestClient, kind: str) -> None:
    plan = CARDS[kind].replace("example:", "first few:")
    first = client.get(AT, params={"toml": plan})
    assert "data-rough" in first.text
    assert "first from 1,000 virtual trials" in first.text
    assert "whole=yes" in first.text, "without scripts a link leads to the whole"
    whole = client.get(AT, params={"toml": plan}, headers={"nextarm-whole": "yes"})
    assert "data-rough" not in whole.text
    assert "data-rough" not in client.get(AT, params={"toml": plan}).text, "what has been worked out is not asked for again"
    found = nextarm.design(plan_from_toml(plan))
    numbers = {n["name"]: n["value"] for n in client.get(f"{AT}.json", params={"toml": plan}).json()["numbers"]}
    assert numbers["design.power"] == found.power
    few = nextarm.design(plan_from_toml(plan), trials=1_000)
    assert "1,000 virtual trials" in few.trail.method
    assert few.power == pytest.approx(found.power, abs=5 * (0.25 / 1_000) ** 0.5)
    assert few.power != found.power


def test_by_formula_fewer_trials_change_nothing() -> None:
    plan = plan_from_toml(CARDS["log-rank"])
    assert nextarm.design(plan, trials=1_000, error_trials=0).to_json() == nextarm.design(plan, error_trials=0).to_json()
    with pytest.raises(CallError, match="at least 1,000"):
        nextarm.design(plan, trials=10)


@pytest.mark.parametrize("kind", CARDS)
def test_each_wrong_field_is_told_at_its_field_and_nothing_becomes_a_default(client: TestClient, kind: str) -> None:
    data = tomllib.loads(CARDS[kind])
    for i, field in enumerate(fields_of(data)):
        wrong = "nonsense" if field.kind == "select" else ("abc", "-7", "1e30", "nan")[i % 4]
        answer = client.post(f"{AT}/set", data={"toml": CARDS[kind], field.name: wrong}, headers=OWN)
        if answer.status_code == 303:  # a name, or a value that this field may have: the plan has it and is shown
            tree: Any = tomllib.loads(plan_of(answer))
            for name in field.name.split("."):
                tree = tree[name]
            assert wrong in (tree, [tree]) or float(wrong) == tree, (field.name, wrong, tree)
            assert client.get(answer.headers["location"]).status_code == 200
        else:
            assert wrong_fields(answer) == [field.name], wrong
            assert "Traceback" not in answer.text


def test_a_margin_as_large_as_the_controls_survival_is_refused(client: TestClient) -> None:
    # before: no control's survival was left over which type I error is shown, and the page failed
    answer = client.post(f"{AT}/set", data={"toml": CARDS["bayes-two-arm"], "design.margin": "0.9999999999"}, headers=OWN)
    assert wrong_fields(answer) == ["design.margin"]
    # of what only goes together the field that was changed is marked
    rate = client.post(f"{AT}/set", data={"toml": CARDS["toxicity-monitoring"], "accrual.rate": "0.5"}, headers=OWN)
    assert wrong_fields(rate) == ["accrual.rate"]
    assert "design.first = 3: must be at most the 1 patients of the accrual" in rate.text


def test_a_formula_that_takes_long_does_not_keep_the_page_waiting(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, design = threading.Event(), verbs.design

    def slow(plan: Any, **options: Any) -> Any:
        gate.wait(300)
        return design(plan, **options)

    monkeypatch.setattr(verbs, "design", slow)
    plan = CARDS["exact-binomial"].replace("example:", "slowly:")
    first = client.get(AT, params={"toml": plan}).text
    assert "Being worked out." in first
    assert "data-rough" in first
    gate.set()
    whole = client.get(AT, params={"toml": plan}, headers={"nextarm-whole": "yes"}).text
    assert "Being worked out." not in whole
    assert "Characteristics" in whole


def test_a_card_sends_to_other_designs_by_their_titles_with_a_way_to_their_cards(client: TestClient) -> None:
    page = client.get(f"{AT}?card=bop2").text
    assert page.count('see <a href="#card-bayes-one-arm">One arm, Bayesian, time to event</a>') == 2  # its table, and the list of cards
    assert '<li id="card-bayes-one-arm">' in page
    assert 'see <a href="#card-bop2-time-to-event">BOP2 for a time to event</a> or <a href="#card-cure-fraction">' in page
    assert '<a href="#card-simon-two-stage">Simon&#39;s two stages</a>: one look' in page
    assert not re.findall(rf">[^<]*\bsee ({'|'.join(CARDS)})\b", page)


def test_after_virtual_trials_their_answer_stands_first_and_the_rest_is_folded(client: TestClient) -> None:
    where = client.post(f"{AT}/simulate", data={"toml": CARDS["log-rank"], "trials": "40", "seed": "5"}, headers=OWN).headers["location"]
    finished(client, where)
    page = client.get(where).text
    assert re.findall(r'<section id="([a-z-]+)" class="body"', page) == ["rates", "more", "characteristics"]
    folds = re.findall(r"<summary>([^<]+)", page)
    assert {"The plan by fields", "When does the trial end?", "What does one such trial look like?", "Characteristics"} <= set(folds)
    assert "The plan by fields" not in re.findall(r"<summary>([^<]+)", client.get(f"{AT}?card=log-rank").text)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("duration = ", "duration = -", "duration"),
        ("[accrual]", "[accrual", "[accrual"),
        ('kind = "log-rank"', 'kind = "log-rank"\nalpha = 2.0', "alpha"),
    ],
)
def test_a_wrong_plan_text_is_open_at_its_line(client: TestClient, old: str, new: str, line: str) -> None:
    text = CARDS["log-rank"].replace(old, new, 1)
    answer = client.post(f"{AT}/text", data={"toml": text}, headers=OWN)
    assert answer.status_code == 422
    form = answer.text[: answer.text.index("</textarea>")]
    area = form[form.rindex("<textarea") :]
    assert 'aria-invalid="true"' in area
    assert text.splitlines()[int(re.findall(r'data-line="(\d+)"', area)[0]) - 1].startswith(line)
    assert answer.text.count('aria-invalid="true"') == 1
    assert "<summary>The plan as text" not in answer.text  # it is not folded
    # a field that is changed is told at the field, as before
    other = client.post(f"{AT}/set", data={"toml": CARDS["log-rank"], "accrual.duration": "-3"}, headers=OWN).text
    assert "<summary>The plan as text" in other
