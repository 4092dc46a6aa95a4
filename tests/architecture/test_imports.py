"""The rooms and what each may import (docs/architecture.md); walked in the source, nothing is run."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src" / "nextarm"
ROOMS = (
    "core", "evidence", "survival", "figures", "patients", "synthesis", "borrowing", "designs", "simulation",
    "report", "studies", "validation", "verbs", "cli", "web",
)  # fmt: skip
#: The two outermost rooms see only the door, the plan schema, the errors and the report; `cli` starts `web`, late.
OUTER = {
    "cli": ("nextarm.verbs", "nextarm.designs.plan", "nextarm.core.errors", "nextarm.report", "nextarm.web"),
    "web": ("nextarm.verbs", "nextarm.designs.plan", "nextarm.core.errors", "nextarm.report"),
}
CORE_FILES = {"__init__.py", "errors.py", "trail.py", "result.py", "random.py", "units.py"}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "yaml", "requests", "urllib.request", "httpx", "aiohttp", "fitz", "sksurv"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


def modules() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(SRC).parts[0]
    return first.removesuffix(".py")


@cache
def read(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside a function, in absolute form."""
    names: set[str] = set()
    package = ("nextarm", *path.relative_to(SRC).parts[:-1])
    for node in ast.walk(read(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join((*package[: len(package) - node.level + 1], *filter(None, [base])))
            names.update(f"{base}.{alias.name}" for alias in node.names)
            names.add(base)
    return names


def test_every_folder_is_a_known_room() -> None:
    rooms = {room_of(path) for path in modules()} - {"__init__", "__main__"}
    assert rooms <= set(ROOMS)
    for room in rooms - {"verbs", "cli"}:
        text = ast.get_docstring(ast.parse((SRC / room / "__init__.py").read_text(encoding="utf-8"))) or ""
        assert "May import" in text, f"{room}/__init__.py must say what the room is and what it may import"


def test_a_room_imports_only_from_rooms_above() -> None:
    found = []
    for path in modules():
        room = room_of(path)
        if room in ("__init__", "__main__"):
            continue
        for name in imported(path):
            if not name.startswith("nextarm"):
                continue
            target = name.split(".")[1] if "." in name else "__init__"
            if target in ("__version__", "__init__", room):
                continue
            if room in OUTER:
                if not (name.startswith(OUTER[room]) or name in ("nextarm.designs", "nextarm.core")):
                    found.append(f"{path} imports {name}")
            elif ROOMS.index(target) >= ROOMS.index(room):
                found.append(f"{path} imports {name}: {target} is not above {room}")
    assert found == []


def test_core_holds_its_five_files_only() -> None:
    assert {p.name for p in (SRC / "core").iterdir() if p.suffix == ".py"} == CORE_FILES


def test_core_stands_on_the_standard_library_and_numpy() -> None:
    for path in (SRC / "core").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:  # top level only: polars may be imported inside a function
            if isinstance(node, ast.Import):
                assert all(a.name.split(".")[0] not in ("scipy", "polars", "pandas") for a in node.names), path


def test_no_way_to_run_a_users_text() -> None:
    found = [f"{path} imports {name}" for path in modules() for name in imported(path) & FORBIDDEN_MODULES]
    for path in modules():
        for node in ast.walk(read(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
                found.append(f"{path} line {node.lineno} calls {node.func.id}")
            if isinstance(node, ast.keyword) and node.arg == "shell":
                found.append(f"{path} line {node.value.lineno} starts a shell")
    assert found == []


def test_no_drawer_of_odds_and_ends() -> None:
    for path in SRC.rglob("*"):
        assert path.stem not in ("utils", "util", "helpers", "common", "misc"), path


def test_files_stay_small() -> None:
    assert [path for path in modules() if len(path.read_text(encoding="utf-8").splitlines()) > 600] == []


def test_every_public_name_is_documented() -> None:
    found = []
    for path in modules():
        tree = read(path)
        if not ast.get_docstring(tree):
            found.append(f"{path} has no docstring")
        scopes: list[ast.Module | ast.ClassDef] = [tree]
        while scopes:
            for node in scopes.pop().body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                    if not ast.get_docstring(node):
                        found.append(f"{path} line {node.lineno}: {node.name} has no docstring")
                    if isinstance(node, ast.ClassDef):
                        scopes.append(node)
    assert found == []
