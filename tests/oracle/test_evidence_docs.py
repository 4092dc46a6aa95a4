"""The examples of docs/evidence.md run as written."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs" / "evidence.md"


@pytest.mark.skipif(not DOCS.is_file(), reason="not a checkout")
def test_the_examples_of_the_page_run() -> None:
    result = doctest.testfile(str(DOCS), module_relative=False)
    assert result.attempted >= 10
    assert result.failed == 0
