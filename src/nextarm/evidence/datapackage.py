"""Write ``datapackage.json`` (Data Package v2, Table Schema v2) from the record types.

The committed file is the output of :func:`descriptor_text`; a test compares the two, so the types, units, keys and
constraints that the program checks are the ones the file declares. https://datapackage.org/standard/data-package/
"""

from __future__ import annotations

import json
from typing import Any

from nextarm.evidence.columns import TYPE_NAMES, Field, Row, fields_of, key_of
from nextarm.evidence.schema import TABLES

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
TABLE_PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
CC_BY = {
    "name": "CC-BY-4.0",
    "path": "https://creativecommons.org/licenses/by/4.0/",
    "title": "Creative Commons Attribution 4.0 International",
}

#: What the descriptors of the bundled packages say besides their tables.
BUNDLED_TITLES: dict[str, str] = {
    "infant-all": "Published facts on acute lymphoblastic leukaemia in infants",
}


def descriptor(name: str, *, title: str = "", version: str = "1.0.0", extends: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the descriptor of a package with all tables, as JSON data.

    ``extends`` becomes ``nextarm:extends``. Foreign keys into tables that a package shares with one it extends cannot be
    declared in a Data Package (they reach over packages), so an extending package declares none; the program's own check
    resolves them.
    """
    data: dict[str, Any] = {"$schema": PROFILE, "name": name, "title": title or name, "version": version, "licenses": [CC_BY]}
    if extends:
        data["nextarm:extends"] = list(extends)
    data["resources"] = [_resource(table, record, foreign=not extends) for table, record in TABLES]
    return data


def descriptor_text(name: str, *, title: str = "", extends: tuple[str, ...] = ()) -> str:
    """Return the descriptor as the text of the file.

    >>> '"name": "my-study"' in descriptor_text("my-study", extends=("infant-all",))
    True
    """
    title = title or BUNDLED_TITLES.get(name, "")
    return json.dumps(descriptor(name, title=title, extends=extends), indent=2, ensure_ascii=False) + "\n"


def _resource(table: str, record: type[Row], *, foreign: bool) -> dict[str, Any]:
    description = (record.__doc__ or "").strip().splitlines()[0]
    return {
        "name": table,
        "path": f"{table}.csv",
        "type": "table",
        "description": f"One row: {description[0].lower()}{description[1:]}",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": _schema(record, foreign=foreign),
    }


def _schema(record: type[Row], *, foreign: bool) -> dict[str, Any]:
    columns = fields_of(record)
    schema: dict[str, Any] = {
        "$schema": TABLE_PROFILE,
        "fields": [_field(f, alone=len(key_of(record)) == 1) for f in columns],
        "missingValues": [""],
    }
    if key := [f.header for f in key_of(record)]:
        schema["primaryKey"] = key
    if foreign:
        keys = []
        for field in columns:
            if field.column.refers:
                table, column = field.column.refers.split(".")
                # A reference within one table names no resource (Table Schema v2).
                target = {} if dict(TABLES)[table] is record else {"resource": table}
                keys.append({"fields": [field.header], "reference": target | {"fields": [column]}})
        if keys:
            schema["foreignKeys"] = keys
    return schema


def _field(field: Field, *, alone: bool) -> dict[str, Any]:
    column = field.column
    data: dict[str, Any] = {"name": field.header, "type": TYPE_NAMES[field.kind], "description": column.description}
    if column.unit:
        data["unit"] = column.unit
    if field.kind is bool:
        data |= {"trueValues": ["yes"], "falseValues": ["no"]}
    rules: dict[str, Any] = {}
    if field.required:
        rules["required"] = True
    if column.unique or (column.key and alone):
        rules["unique"] = True
    whole = field.kind is int
    if column.minimum is not None:
        rules["minimum"] = int(column.minimum) if whole else column.minimum
    if column.maximum is not None:
        rules["maximum"] = int(column.maximum) if whole else column.maximum
    if column.choices:
        rules["enum"] = list(column.choices)
    if column.pattern:
        rules["pattern"] = f"^(?:{column.pattern})$"
    if rules:
        data["constraints"] = rules
    return data
