"""Imports of exports: what is drafted, what is listed as broken, what is refused; nothing is lost."""

from __future__ import annotations

import csv
import io
import json

import pytest

from nextarm.core.errors import CallError, DataError
from nextarm.evidence.drafts import Drafts, clean_doi, draft, drafts_from_text, read_drafts, source_key, year_in

RIS = """\
TY  - JOUR
AU  - Pieters, Rob
AU  - De Lorenzo, Paola
PY  - 2019/03/01
TI  - Outcome of infants
  treated with Interfant-06
JO  - J Clin Oncol
DO  - https://doi.org/10.1200/JCO.19.00261
ER  -

stray words
TY  - JOUR
AU  - Nobody
ER  -
TY  - JOUR
AU  - Pieters, R
TI  - The same again
DO  - 10.1200/jco.19.00261
ER  -
TY  - JOUR
AU  - Pieters, R
PY  - 2019
TI  - =HYPERLINK("x")
"""

NBIB = """\
PMID- 31283407
TI  - Outcome of Infants Younger Than 1 Year With ALL:
      Results From Interfant-06.
FAU - Pieters, Rob
AU  - Pieters R
DP  - 2019 Sep 1
TA  - J Clin Oncol
LID - 10.1200/JCO.19.00261 [doi]

PMID- 17658395
AU  - Pieters R
DP  - 2007
broken line

PMID- 30000001
TI  - A third
AU  - van der Sluis IM
DP  - 2023 Apr
"""


def article(pmid, title, extra=""):
    return (
        f"<PubmedArticle><MedlineCitation><PMID Version='1'>{pmid}</PMID><Article>"
        f"<Journal><JournalIssue><PubDate><Year>2019</Year></PubDate>"
        f"</JournalIssue><ISOAbbreviation>J Clin Oncol</ISOAbbreviation></Journal><ArticleTitle>{title}</ArticleTitle>"
        f"<ELocationID EIdType='doi'>10.1200/x.{pmid}</ELocationID>"
        f"<AuthorList><Author><LastName>Pieters</LastName></Author></AuthorList>{extra}"
        "</Article></MedlineCitation></PubmedArticle>"
    )


HEAD = '<?xml version="1.0"?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle//EN" "https://example.org/pubmed.dtd">\n<PubmedArticleSet>\n'

STUDY = {
    "protocolSection": {
        "identificationModule": {"nctId": "NCT00550992", "briefTitle": "Infants with ALL", "acronym": "Interfant-06"},
        "statusModule": {
            "overallStatus": "COMPLETED",
            "startDateStruct": {"date": "2006-01"},
            "lastUpdatePostDateStruct": {"date": "2020-02-02"},
        },
        "sponsorCollaboratorsModule": {"leadSponsor": {"name": "DCOG"}},
        "designModule": {"designInfo": {"allocation": "RANDOMIZED"}, "enrollmentInfo": {"count": 651, "type": "ACTUAL"}},
        "eligibilityModule": {"maximumAge": "365 Days"},
    },
    "resultsSection": {
        "outcomeMeasuresModule": {
            "outcomeMeasures": [
                {
                    "title": "Event-free survival",
                    "timeFrame": "6 years",
                    "unitOfMeasure": "percentage of participants",
                    "paramType": "NUMBER",
                    "dispersionType": "95% Confidence Interval",
                    "groups": [{"id": "OG000", "title": "KMT2A-r"}],
                    "denoms": [{"units": "Participants", "counts": [{"groupId": "OG000", "value": "484"}]}],
                    "classes": [
                        {
                            "categories": [
                                {"measurements": [{"groupId": "OG000", "value": "36.4", "lowerLimit": "31.9", "upperLimit": "40.8"}]}
                            ]
                        }
                    ],
                },
                {
                    "title": "Remission",
                    "unitOfMeasure": "Participants",
                    "groups": [{"id": "OG000", "title": "KMT2A-r"}],
                    "classes": [{"categories": [{"title": "CR", "measurements": [{"groupId": "OG000", "value": "440"}]}]}],
                },
                {
                    "title": "Time to neutrophils",
                    "unitOfMeasure": "days",
                    "groups": [{"id": "OG000", "title": "KMT2A-r"}],
                    "classes": [{"categories": [{"measurements": [{"groupId": "OG000", "value": "21", "spread": "3"}]}]}],
                },
            ]
        }
    },
}


def whole(found: Drafts) -> bool:
    in_records = [m for m in found.malformed if m.where.startswith(("record", "article", "study"))]
    return found.records == len(found.of("sources")) + len(in_records) + len(found.duplicates)


def test_ris():
    found = drafts_from_text(RIS)
    assert found.format == "ris"
    first = found.rows[0].cells
    assert first["source_id"] == "pieters2019"
    assert first["title_short"] == "Outcome of infants treated with Interfant-06"
    assert first["doi"] == "10.1200/JCO.19.00261"
    assert found.rows[1].cells["source_id"] == "pieters2019b"
    assert [m.reason for m in found.malformed] == ["stands outside a record (TY to ER)", "has no title"]
    assert "the same as pieters2019" in found.duplicates[0]
    assert whole(found)


def test_formula_cells_are_disarmed_in_csv():
    rows = list(csv.DictReader(io.StringIO(drafts_from_text(RIS).to_csv("sources"))))
    assert rows[1]["title_short"].startswith("'=HYPERLINK")
    assert rows[1]["where_read"].startswith("record at line")


def test_nbib():
    found = drafts_from_text(NBIB)
    assert found.format == "nbib"
    assert [r.cells["source_id"] for r in found.rows] == ["pieters2019", "vandersluis2023"]
    assert found.rows[0].cells["pmid"] == "31283407"
    assert found.rows[0].cells["doi"] == "10.1200/JCO.19.00261"
    assert found.rows[0].cells["title_short"].endswith("Results From Interfant-06.")
    assert {m.reason for m in found.malformed} == {"is neither a tag with a value nor the rest of one", "has no title"}
    assert whole(found)


def test_pubmed_xml_keeps_what_stands_beside_a_broken_article():
    text = (
        HEAD
        + article(1, "One &amp; <i>two</i>")
        + "\n"
        + article(2, "broken <b>")
        + "\n"
        + article(3, "&alpha;")
        + article(4, "")
        + article(5, "Five")
        + "<PubmedArticle><Medline"
    )
    found = drafts_from_text(text)
    assert [r.cells["pmid"] for r in found.rows] == ["1", "5"]
    assert found.rows[0].cells["title_short"] == "One & two"
    assert len(found.malformed) == 4
    assert "line 4" in found.malformed[0].where or "line 5" in found.malformed[0].where
    assert whole(found)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><PubmedArticleSet>' + article(1, "&b;") + "</PubmedArticleSet>",
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><PubmedArticleSet>' + article(1, "&a;") + "</PubmedArticleSet>",
    ],
)
def test_entities_refuse_the_file(text):
    with pytest.raises(DataError, match="entities"):
        drafts_from_text(text)


def test_inner_declarations_are_malformed():
    found = drafts_from_text(HEAD + "<PubmedArticle><!DOCTYPE a></PubmedArticle>" + article(2, "Two"))
    assert len(found.malformed) == 1
    assert len(found.rows) == 1


def test_clinical_trials():
    found = drafts_from_text(json.dumps({"studies": [STUDY, {"protocolSection": {}}, STUDY, 7]}))
    assert found.format == "clinicaltrials-json"
    study = found.of("studies")[0].cells
    assert (study["study_id"], study["registry_id"], study["n_total"], study["enrol_start"]) == (
        "nct00550992",
        "NCT00550992",
        "651",
        "2006-01",
    )
    assert "enrol_end" not in study
    outcome = found.of("outcomes")[0]
    assert (outcome.cells["estimate"], outcome.cells["ci_low"], outcome.cells["ci_high"], outcome.cells["n"]) == (
        "0.364",
        "0.319",
        "0.408",
        "484",
    )
    assert {"endpoint", "time_origin"} <= set(outcome.missing)
    assert "time frame: 6 years" in outcome.cells["note"]
    counts = found.of("counts")
    assert counts[0].cells["events"] == "440"
    assert "events" not in counts[1].cells
    assert "21 days" in counts[1].cells["note"]
    assert [a.cells["arm_id"] for a in found.of("arms")] == ["nct00550992-kmt2a-r"]
    assert len(found.malformed) == 2
    assert len(found.duplicates) == 1
    assert whole(found)
    assert drafts_from_text(json.dumps(STUDY)).records == 1
    assert drafts_from_text(json.dumps([STUDY])).records == 1


def test_broken_results_lose_no_study_in_silence():
    broken = json.loads(json.dumps(STUDY))
    broken["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"] = [{"groups": [{}]}]
    found = drafts_from_text(json.dumps([broken]))
    assert found.rows == ()
    assert len(found.malformed) == 1


@pytest.mark.parametrize("text", ["", "   \n", "hello", "{not json", '{"a": 1}', "[]", "<html></html>"])
def test_not_an_export(text):
    with pytest.raises(DataError):
        drafts_from_text(text)


def test_known_sources_are_duplicates_and_keep_their_names():
    found = drafts_from_text(NBIB, known=[("pieters2019", "10.1200/JCO.19.00261", ""), ("vandersluis2023", "", "")])
    assert "the same as pieters2019" in found.duplicates[0]
    assert found.rows[0].cells["source_id"] == "vandersluis2023b"


def test_number_is_no_registry_export():
    with pytest.raises(DataError, match="no study"):
        drafts_from_text("5", format="clinicaltrials-json")


def test_files(tmp_path):
    path = tmp_path / "export.ris"
    path.write_text("\ufeff" + RIS, encoding="utf-8")
    assert read_drafts(path).rows[0].where.startswith("export.ris record at line 1")
    with pytest.raises(DataError, match="missing"):
        read_drafts(tmp_path / "none.ris")
    with pytest.raises(CallError, match="format"):
        read_drafts(path, format="endnote")
    (tmp_path / "bad").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="UTF-8"):
        read_drafts(tmp_path / "bad")
    with pytest.raises(CallError, match="table"):
        read_drafts(path).to_csv("papers")


def test_small_pieces():
    taken: set[str] = set()
    assert [source_key("Li", "2020", taken) for _ in range(28)][-1] == "li2020-28"
    assert source_key("", "", set()) == "unnamedundated"
    assert clean_doi("see doi:10.1000/abc.") == "10.1000/abc"
    assert year_in("1987 Spring") == "1987"
    assert year_in("12345") == ""
    with pytest.raises(KeyError):
        draft("sources", {"colour": "red"}, "here")
