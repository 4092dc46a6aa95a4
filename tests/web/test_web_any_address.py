"""Any address, any form: the answer is a page or a refusal, never a failure of the server."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import nextarm
from nextarm.web.app import web_app
from nextarm.web.registry import STEPS

BASE = "http://127.0.0.1:8765"
NAMES = (
    "view",
    "table",
    "endpoint",
    "subtype",
    "era",
    "protocol",
    "pool_set",
    "arm",
    "time",
    "window",
    "margin",
    "measure",
    "method",
    "interval",
    "assume_origin",
    "without",
    "curve",
    "unit",
    "n",
    "at",
    "model",
    "arms",
    "robust",
    "tau",
    "tau_scale",
    "control",
    "toml",
    "plan",
    "card",
    "trials",
    "seed",
    "room",
    "name",
    "p.age_days",
    "p.kmt2a_status",
)
EXAMPLES = tuple(c.example for c in nextarm.designs().cards[:4])
KNOWN = (
    "EFS",
    "DFS",
    "OS",
    "frontline-kmt2a-r",
    "frontline-kmt2a-g",
    "KMT2A-r",
    "Interfant-06",
    "interfant-06-r",
    "blin",
    "interfant-06-histctrl",
    "study",
    "risk",
    "agents",
    "timeline",
    "trend",
    "findings",
    "competing",
    "one-by-one",
    "counts",
    "logit",
    "log",
    "identity",
    "dl",
    "wald",
    "months",
    "weibull",
    "gompertz",
    "kaplan-meier",
    "yes",
    "simon-two-stage",
    "log-rank",
    "0",
    "-1",
    "1",
    "3",
    "5",
    "1e308",
    "nan",
    "inf",
    "0.5",
    "1999-2005",
    "9999999999999999999",
    "../x",
    "",
    "²",
    "[trial]",
    "\u202e",
    "1,2,x",
)
VALUES = st.sampled_from(KNOWN) | st.text(max_size=20)
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=8), VALUES), max_size=6)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    made = TestClient(web_app(tmp_path_factory.mktemp("studies")), base_url=BASE, raise_server_exceptions=False, follow_redirects=False)
    made.post("/study/infant-all/start/new", data={"name": "mine"}, headers={"origin": BASE})
    return made


SETTINGS = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(SETTINGS, max_examples=30)
@given(
    step=st.sampled_from([s.key for s in STEPS]),
    kind=st.sampled_from(["", ".json", ".csv"]),
    study=st.sampled_from(["infant-all", "mine"]),
    pairs=PAIRS,
)
def test_any_address_is_answered(client: TestClient, step: str, kind: str, study: str, pairs: list[tuple[str, str]]) -> None:
    answer = client.get(f"/study/{study}/{step}{kind}", params=[p for p in pairs if p[0] != "trials"])
    assert answer.status_code in (200, 400, 404, 422), answer.text[:300]
    if kind == ".json" and answer.status_code != 400:
        assert answer.headers["content-type"].startswith("application/json")


ACTIONS = [(s.key, a) for s in STEPS for a in s.actions if a not in ("make", "verify", "simulate")]
FIELDS = st.sampled_from(
    [
        "name",
        "toml",
        "curve_csv",
        "risk_csv",
        "unit",
        "percent",
        "arm_id",
        "row_endpoint",
        "estimate",
        "time_years",
        "accrual.rate",
        "design.looks",
        "design.alpha",
        "arms.control.allocation",
        "where_seen",
        "title",
        "doi",
        "source_id",
        "ci_low",
    ]
)
TEXTS = (
    st.sampled_from(
        [
            "time,survival\n0,1\n1,0.5",
            "time,at_risk\n0,10",
            "0 1\n1 2",
            "x",
            *EXAMPLES,
            "0.5",
            "[0.6, 1]",
            "a,b\n1",
        ]
    )
    | VALUES
)


@SETTINGS
@given(place=st.sampled_from(ACTIONS), study=st.sampled_from(["infant-all", "mine"]), form=st.dictionaries(FIELDS, TEXTS, max_size=6))
def test_any_form_is_answered(client: TestClient, place: tuple[str, str], study: str, form: dict[str, str]) -> None:
    answer = client.post(f"/study/{study}/{place[0]}/{place[1]}", data=form, headers={"origin": BASE})
    assert answer.status_code in ((303, 400, 422) if form else (400, 415, 422)), answer.text[:300]


@SETTINGS
@given(path=st.text(alphabet="/.%abc2feEstudy-infant", min_size=1, max_size=40))
def test_any_path_is_answered(client: TestClient, path: str) -> None:
    assert client.get("/" + path.lstrip("/")).status_code in (200, 303, 307, 400, 404, 422)
