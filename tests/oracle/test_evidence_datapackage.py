"""The descriptor is generated from the record types, so that what is declared and what is checked cannot drift."""

from __future__ import annotations

import csv
import json
from importlib.resources import files

import pytest

from nextarm.evidence.columns import fields_of
from nextarm.evidence.datapackage import descriptor, descriptor_text
from nextarm.evidence.schema import TABLES

FOLDER = files("nextarm.evidence").joinpath("data", "infant-all")


def test_the_committed_descriptor_is_the_generated_one() -> None:
    assert FOLDER.joinpath("datapackage.json").read_text(encoding="utf-8") == descriptor_text("infant-all")


@pytest.mark.parametrize("table", [name for name, _ in TABLES])
def test_the_header_of_a_table_is_its_record(table: str) -> None:
    with FOLDER.joinpath(f"{table}.csv").open(encoding="utf-8") as lines:
        header = next(csv.reader(lines))
    assert header == [f.header for f in fields_of(dict(TABLES)[table])]


def test_every_column_says_what_it_is_and_every_number_has_a_unit() -> None:
    plain = {"estimate", "ci_low", "ci_high", "n"}  # of comparisons (their unit is `measure`) and of models
    for resource in descriptor("x")["resources"]:
        for field in resource["schema"]["fields"]:
            assert field["description"], (resource["name"], field["name"])
            if field["type"] in ("number", "integer"):
                assert field.get("unit") or field["name"] in plain, (resource["name"], field["name"])


def test_keys_and_constraints_are_declared() -> None:
    tables = {r["name"]: r["schema"] for r in descriptor("x")["resources"]}
    assert tables["arms"]["primaryKey"] == ["arm_id"]
    assert tables["risk_groups"]["primaryKey"] == ["protocol", "group"]
    assert {"fields": ["parent_arm_id"], "reference": {"fields": ["arm_id"]}} in tables["arms"]["foreignKeys"]
    assert {"fields": ["source_id"], "reference": {"resource": "sources", "fields": ["source_id"]}} in tables["outcomes"]["foreignKeys"]
    estimate = next(f for f in tables["outcomes"]["fields"] if f["name"] == "estimate")
    assert estimate["type"] == "number"
    assert estimate["constraints"] == {"required": True, "minimum": 0, "maximum": 1}


def test_a_package_that_extends_says_so_and_declares_no_keys_into_itself() -> None:
    data = json.loads(descriptor_text("mine", extends=("infant-all",)))
    assert data["nextarm:extends"] == ["infant-all"]
    assert all("foreignKeys" not in r["schema"] for r in data["resources"])
