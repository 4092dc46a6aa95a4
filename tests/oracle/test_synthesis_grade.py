"""Risk of bias and GRADE: the tools' rules walked by hand, unknown words, what numbers hint and never rate."""

from __future__ import annotations

import pytest

from nextarm.core.errors import CallError, DataError
from nextarm.synthesis import StudyEstimate, pool
from nextarm.synthesis.grade import DOMAINS, Downgrade, SummaryOfFindings, certainty, finding, hints, summary_of_findings
from nextarm.synthesis.risk_of_bias import BIAS_TOOLS, BiasJudgement, BiasTable, bias_from_csv, bias_table, bias_tool, overall_judgement

STUDIES = [StudyEstimate(label=x, estimate=s, se=0.05, n=100, time=t) for x, s, t in (("A", 0.4, 4.0), ("B", 0.5, 5.0), ("C", 0.45, 5.0))]


def judged(study, tool, words):
    return [
        BiasJudgement(study=study, tool=tool, domain=d, judgement=w, reason="read")
        for d, w in zip(bias_tool(tool).domains, words, strict=True)
    ]


@pytest.mark.parametrize(
    ("tool", "words", "want"),
    [
        ("rob2", ("low",) * 5, "low"),
        ("rob2", ("low", "some concerns", "low", "low", "low"), "some concerns"),
        ("rob2", ("low", "some concerns", "high", "low", "low"), "high"),
        ("rob2", ("low", "", "high", "low", "low"), "high"),
        ("rob2", ("low", "", "low", "low", "low"), "not judged"),
        ("robins-i", ("low",) * 6 + ("moderate",), "moderate"),
        ("robins-i", ("critical", "no information", *("low",) * 5), "critical"),
        ("robins-i", ("serious", "no information", *("low",) * 5), "serious"),
        ("robins-i", ("moderate", "no information", *("low",) * 5), "no information"),
        ("quips", ("low", "moderate", "low", "high", "low", "low"), "high"),
    ],
)
def test_overall(tool, words, want):
    assert overall_judgement(bias_tool(tool), words) == want


def test_domains_are_those_of_the_tools():
    assert [len(t.domains) for t in BIAS_TOOLS] == [5, 7, 6]


def test_table_and_json():
    found = bias_table([*judged("A", "quips", ("low",) * 6), *judged("B", "quips", ("high",) + ("low",) * 5)[:3]])
    assert [s.overall for s in found.studies] == ["low", "high"]
    assert found.table().height == 14
    assert "B" in " ".join(found.warnings)
    assert BiasTable.from_json(found.to_json()) == found


def test_every_unknown_word_is_named():
    cells = [
        BiasJudgement(study="A", tool="rob3", domain="x", judgement="low"),
        BiasJudgement(study="", tool="rob2", domain="randomisation", judgement="low"),
        BiasJudgement(study="A", tool="rob2", domain="luck", judgement="fine"),
        *judged("B", "rob2", ("low",) * 5),
        BiasJudgement(study="B", tool="rob2", domain="randomisation", judgement="high"),
    ]
    with pytest.raises(DataError, match="5 problems"):
        bias_table(cells)
    with pytest.raises(CallError):
        bias_tool("newcastle")


def test_csv():
    found = bias_from_csv("study,tool,domain,judgement\nA,rob2,randomisation,some concerns\n")
    assert found.studies[0].overall == "not judged"
    assert "no reason" in found.warnings[0]
    for text in ("study,tool\nA,rob2\n", "study,tool,domain,judgement,colour\n", "study,tool,domain,judgement\n", ""):
        with pytest.raises(DataError):
            bias_from_csv(text)


def rated(**changes):
    return [Downgrade(domain=d, rating=changes.get(d.replace(" ", "_"), "not serious"), reason="because") for d in DOMAINS]


def test_certainty_goes_down_and_not_below_very_low():
    assert certainty(rated(imprecision="serious")) == "moderate"
    assert certainty(rated(imprecision="serious", inconsistency="very serious")) == "very low"
    assert certainty(rated(imprecision="very serious", inconsistency="very serious", risk_of_bias="very serious")) == "very low"
    assert certainty(rated(imprecision="serious"), start="low") == "very low"


def test_ratings_are_checked():
    for bad in (
        rated()[:4],
        [*rated(), Downgrade(domain="imprecision", rating="serious", reason="x")],
        [*rated()[:4], Downgrade(domain="luck", rating="serious", reason="x")],
        [*rated()[:4], Downgrade(domain="publication bias", rating="grave", reason="x")],
        [*rated()[:4], Downgrade(domain="publication bias", rating="serious")],
    ):
        with pytest.raises(DataError):
            certainty(bad)
    with pytest.raises(CallError):
        certainty(rated(), start="certain")


def test_finding_per_100_with_hints():
    pooled = pool(STUDIES)
    bias = bias_table(judged("A", "quips", ("high",) + ("low",) * 5))
    line = finding("EFS", pooled, rated(indirectness="serious"), time=5.0, bias=bias)
    assert line.per_100 == pytest.approx(100 * pooled.estimate)
    assert line.patients == 300
    assert line.certainty == "moderate"
    said = " ".join(line.hints)
    assert f"hold {pooled.studies[0].weight:.0%} of the weight" in said
    assert "not judged: B, C" in said
    assert "4 to 5 years" in said
    assert "no test is valid" in said
    assert not any("serious" in h for h in hints(pooled))


def test_summary():
    pooled = pool(STUDIES)
    found = summary_of_findings("infants", [finding("EFS", pooled, rated())], trails={"EFS": pooled.trail})
    assert found.table()["certainty"].to_list() == ["high"]
    assert len(found.trail.rows) == 3
    assert SummaryOfFindings.from_json(found.to_json()) == found
    with pytest.raises(CallError):
        summary_of_findings("infants", [])
    with pytest.raises(CallError, match="probability"):
        finding("HR", pool([StudyEstimate(label=x, estimate=1.4, se=0.1) for x in "AB"], measure="log", probability=False), rated())
