"""Every hostile file ends in one plain message: no crash, no hang, no traceback. The files are served by locked processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from figures_hostile import corpus

pytest.importorskip("PIL")
pytest.importorskip("pypdfium2")
FILES = corpus()
#: Files that a library answers by ending its process (it cannot go on without memory); the door turns that into a message.
MAY_END_THE_CHILD = {"pdf-stream-bomb"}
#: 40 megapixels: within the limit, but what follows may not find room; the child ends with a code of its own, which the door tells.
MAY_WANT_MEMORY = {"png-bomb-within-limit"}
#: Broken only in parts that do not matter: these are figures and may be read.
MAY_BE_READ = {
    "pdf-claims-pages", "pdf-deep-arrays", "pdf-empty-page", "pdf-huge-page", "pdf-negative-page", "pdf-length-wrong",
    "pdf-object-stream-garbage",
    "pdf-script", "pdf-xref-loop", "pdf-xref-past-end", "pdf-page-tree-loop", "svg-script", "svg-viewbox-zero", "svg-viewbox-text",
    "svg-utf-16-said-utf-8",
}  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("hostile")
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    script, found, after = Path(__file__).resolve().parents[1] / "serve_corpus.py", dict[str, dict[str, Any]](), ""
    for _ in range(10):
        ran = subprocess.run([sys.executable, str(script), str(folder), after], capture_output=True, text=True, timeout=600, check=False)
        lines = [json.loads(line) for line in ran.stdout.splitlines()]
        found |= {line["done"]: line for line in lines if "done" in line}
        if ran.returncode == 0:
            return found
        after = [line["begin"] for line in lines if "begin" in line][-1]
        found[after] = {"died": ran.returncode, "said": ran.stderr[-2000:]}
    return found


def test_the_corpus_is_large_enough() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_hostile_file_gets_one_message(name: str, answers: dict[str, dict[str, Any]]) -> None:
    answer = answers[name]
    if "died" in answer:
        assert name in MAY_END_THE_CHILD, answer
        return
    if answer["read"]:
        assert name in MAY_BE_READ
        return
    if answer["error"] == "MemoryError":
        assert name in MAY_WANT_MEMORY
        return
    assert answer["error"] in ("DataError", "FigureRefused", "CallError")
    assert len(answer["problems"]) == 1
    what, _, rule, _ = answer["problems"][0]
    assert what
    assert "Traceback" not in what + rule
    assert "object at 0x" not in what + rule


def test_what_a_drawing_refers_to_is_not_in_the_answer(answers: dict[str, dict[str, Any]]) -> None:
    for name in ("svg-file-entity", "svg-http-entity", "svg-parameter-entity", "svg-billion-laughs", "svg-many-entities"):
        assert answers[name]["error"] == "DataError", name
        said = " ".join(answers[name]["problems"][0])
        assert "entity" in said or "entities" in said or "not well-formed" in said
        assert "root:" not in said
