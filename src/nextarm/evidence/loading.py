"""Load a package: ``datapackage.json``, the tables it names, the packages it extends; then check everything.

A package is a folder with ``datapackage.json`` and one CSV file a table. It may extend others (``nextarm:extends``): their
rows come first, keys resolve over all of them, and nothing of theirs can be overwritten.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nextarm.core.errors import DataError, Problem
from nextarm.core.trail import Trail
from nextarm.evidence.checks import PackageCheck, check_rows
from nextarm.evidence.columns import Row
from nextarm.evidence.package import Package
from nextarm.evidence.reading import nearest, read_table
from nextarm.evidence.remarks import remarks
from nextarm.evidence.schema import RECORD_OF, TABLES

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

#: Packages shipped with the program.
BUNDLED: tuple[str, ...] = ("infant-all",)
DESCRIPTOR = "datapackage.json"
EXTENDS = "nextarm:extends"


@dataclass(frozen=True)
class Descriptor:
    """What ``datapackage.json`` says: name, title, packages extended, tables with their files."""

    name: str
    title: str = ""
    extends: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()


def package_folder(name_or_folder: str | Path) -> Traversable:
    """The folder of a bundled package or of a user's own; :class:`DataError` if there is none."""
    if str(name_or_folder) in BUNDLED:
        return files("nextarm.evidence").joinpath("data", str(name_or_folder))
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    what = f"package {str(name_or_folder)!r}"
    rule = "is neither a bundled package nor a folder"
    raise DataError(what, rule=rule, cure=f"Bundled: {', '.join(BUNDLED)}; `nextarm new FOLDER` makes an empty one")


def load_package(name_or_folder: str | Path = "infant-all") -> Package:
    """Load and check a package: a bundled name or a folder with ``datapackage.json``.

    Raises :class:`DataError` with every problem of every table at once, each with file, line and column.

    >>> package = load_package("infant-all")
    >>> package.arm("interfant-06-r").n
    484
    """
    if str(name_or_folder) in BUNDLED:
        return _load_bundled(str(name_or_folder))
    return _load(name_or_folder)


def check_package(name_or_folder: str | Path = "infant-all") -> tuple[Problem, ...]:
    """Every problem of a package; empty when it is sound. Raises only when there is no such package.

    >>> check_package("infant-all")
    ()
    """
    return tuple(_read(name_or_folder)[1])


def check_evidence(name_or_folder: str | Path = "infant-all") -> PackageCheck:
    """Check a package and say what it holds; :class:`DataError` with every problem if it is not sound.

    >>> check_evidence("infant-all").rows["outcomes"]
    150
    """
    package = load_package(name_or_folder)
    own = {name: sum(row.package == package.name for row in rows) for name, rows in package.tables()}
    found = remarks(package)
    note = f"{len(found)} remarks of a careful reader (not errors): rows that look odd beside others; see the JSON" if found else ""
    trail = Trail(method="Every rule of docs/evidence.md over every row", inputs=(str(name_or_folder),))
    return PackageCheck(trail=trail, warnings=(note,) if note else (), package=package.name, rows=own, remarks=found)


@cache
def _load_bundled(name: str) -> Package:
    return _load(name)


def _load(name_or_folder: str | Path) -> Package:
    package, problems = _read(name_or_folder)
    if problems:
        raise DataError(problems=problems)
    return package


def _read(name_or_folder: str | Path, above: tuple[str, ...] = ()) -> tuple[Package, list[Problem]]:
    folder = package_folder(name_or_folder)
    descriptor, problems = _read_descriptor(folder)
    base, base_problems = _read_bases(descriptor, folder, above)
    problems += base_problems
    tables: dict[str, tuple[Row, ...]] = {}
    broken: dict[str, frozenset[str]] = {}
    unread: set[str] = set()
    for table, file in descriptor.files:
        try:
            data = folder.joinpath(file).read_bytes()
        except OSError:
            cure = "Add the file or take the resource out of datapackage.json"
            problems.append(Problem(f"{file} is missing", DESCRIPTOR, f"resource {table!r} names it", cure))
            unread.add(table)
            continue
        read = read_table(data, RECORD_OF[table], file, descriptor.name)
        problems += read.problems
        tables[table], broken[table] = read.rows, read.broken_keys
        if read.problems and not read.rows and not read.broken_keys:
            unread.add(table)
    together = {name: (*getattr(base, name), *tables.get(name, ())) for name, _ in TABLES}
    extends = tuple(dict.fromkeys((*base.extends, *descriptor.extends)))
    package = replace(base, name=descriptor.name, title=descriptor.title, extends=extends, **cast(Any, together))
    problems += check_rows(package, broken_keys=broken, unread=frozenset(unread))
    return package, problems


def _read_bases(descriptor: Descriptor, folder: Traversable, above: tuple[str, ...]) -> tuple[Package, list[Problem]]:
    base = Package(name=descriptor.name)
    problems: list[Problem] = []
    here = str(folder)
    for name in descriptor.extends:
        target: str | Path = name if name in BUNDLED else Path(here) / name
        if str(target) in above or name == descriptor.name or len(above) > 8:
            problems.append(Problem(f"{EXTENDS} = {name!r}", DESCRIPTOR, "packages must not extend each other in a circle"))
            continue
        try:
            other, found = (load_package(name), []) if name in BUNDLED else _read(target, (*above, here))
        except DataError as error:
            problems += [Problem(f"{EXTENDS}: {p.what}", DESCRIPTOR, p.rule, p.cure) for p in error.problems]
            continue
        problems += [Problem(p.what, f"{other.name}/{p.where}", p.rule, p.cure) for p in found]
        together = {table: (*getattr(base, table), *getattr(other, table)) for table, _ in TABLES}
        base = replace(base, extends=tuple(dict.fromkeys((*base.extends, *other.extends))), **cast(Any, together))
    return base, problems


def _read_descriptor(folder: Traversable) -> tuple[Descriptor, list[Problem]]:
    """Read ``datapackage.json``; without a usable one the tables found in the folder are still read and checked."""
    present = tuple((name, f"{name}.csv") for name, _ in TABLES if folder.joinpath(f"{name}.csv").is_file())
    fallback = Descriptor(name=Path(str(folder)).name, files=present)
    cure = "`nextarm new FOLDER` makes one"
    try:
        data = json.loads(folder.joinpath(DESCRIPTOR).read_text(encoding="utf-8-sig"))
    except OSError:
        return fallback, [Problem(f"{DESCRIPTOR} is missing", str(folder), "a package needs one", cure)]
    except UnicodeDecodeError:
        return fallback, [Problem("the file is not UTF-8", DESCRIPTOR)]
    except (json.JSONDecodeError, RecursionError) as error:
        where = f"{DESCRIPTOR} line {error.lineno}" if isinstance(error, json.JSONDecodeError) else DESCRIPTOR
        return fallback, [Problem("the file is not JSON", where, getattr(error, "msg", "nested too deeply"))]
    if not isinstance(data, dict):
        return fallback, [Problem("the file is not a JSON object", DESCRIPTOR, "a Data Package is an object", cure)]
    problems: list[Problem] = []
    name, title = data.get("name"), data.get("title", "")
    if not (isinstance(name, str) and name):
        problems.append(Problem(f"name = {name!r}", DESCRIPTOR, "must name the package in words without spaces"))
        name = fallback.name
    raw = data.get(EXTENDS, [])
    extends = [raw] if isinstance(raw, str) else raw
    if not (isinstance(extends, list) and all(isinstance(e, str) and e for e in extends)):
        problems.append(Problem(f"{EXTENDS} = {raw!r}", DESCRIPTOR, "must be a package name, a folder or a list of them"))
        extends = []
    resources, found = _read_resources(data.get("resources"))
    problems += found
    problems += [
        Problem(f"{file} is not listed", DESCRIPTOR, "every table in the folder must be a resource", "List it or move it away")
        for table, file in present
        if table not in dict(resources) and not found
    ]
    return Descriptor(name, title if isinstance(title, str) else "", tuple(extends), resources or present), problems


def _read_resources(resources: object) -> tuple[tuple[tuple[str, str], ...], list[Problem]]:
    if not isinstance(resources, list) or not resources:
        return (), [Problem("resources is missing or empty", DESCRIPTOR, "must list the tables of the package")]
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for number, resource in enumerate(resources):
        where = f"{DESCRIPTOR}, resource {number + 1}"
        name = resource.get("name") if isinstance(resource, dict) else None
        path = resource.get("path") if isinstance(resource, dict) else None
        if not isinstance(name, str) or name not in RECORD_OF:
            cure = nearest(str(name), RECORD_OF) or f"Tables are {', '.join(RECORD_OF)}"
            problems.append(Problem(f"name = {name!r}", where, "is not a table of an evidence package", cure))
        elif name in found:
            problems.append(Problem(f"name = {name!r}", where, "stands twice"))
        elif path != f"{name}.csv":
            problems.append(Problem(f"path = {path!r}", where, f"must be '{name}.csv', beside {DESCRIPTOR}"))
        else:
            found[name] = path
    order = {table: number for number, (table, _) in enumerate(TABLES)}
    return tuple(sorted(found.items(), key=lambda item: order[item[0]])), problems
