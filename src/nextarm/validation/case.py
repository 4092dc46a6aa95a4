"""The case: one method on one data set against one expected value.

A case says what is computed, what is expected, how close it must come, and who says so. ``kind`` is the standing of the
expected value, from the strongest to the weakest: a paper's printed number, another program's output, a closed form, a
limit at which the method equals a known one, and an independent second implementation (ours, and so labelled).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

Kind = Literal["published", "other program", "closed form", "limit case", "second implementation"]
KINDS: tuple[str, ...] = get_args(Kind)

#: Kinds whose expected value was not made by this project.
OUTSIDE: tuple[str, ...] = ("published", "other program", "closed form")


@dataclass(frozen=True)
class Case:
    """One check.

    ``compute`` returns named numbers; each is compared with ``expected`` under the same name: ``|got - want| <=
    tolerance`` (or ``tolerance * |want|`` when ``relative``). ``source`` names the paper (with DOI) or the program with
    its version; ``reference`` the frozen file in ``validation/expected`` that holds the numbers, if any.
    """

    id: str
    title: str
    room: str
    kind: Kind
    source: str
    inputs: str
    compute: Callable[[], Mapping[str, float]]
    expected: Mapping[str, float]
    tolerance: float | Mapping[str, float]
    relative: bool = False
    reference: str = ""
    slow: bool = False

    def allowed(self, name: str) -> float:
        """The largest difference that still passes for the number ``name``."""
        tolerance = self.tolerance if isinstance(self.tolerance, int | float) else self.tolerance[name]
        return tolerance * abs(self.expected[name]) if self.relative else tolerance


@cache
def expected(name: str) -> dict[str, Any]:
    """Read the frozen reference file ``name`` (``validation/expected/name.json``)."""
    text = files("nextarm.validation").joinpath("expected", f"{name}.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def data_file(name: str) -> str:
    """Return the text of a small validation data set (``validation/data/name``)."""
    return files("nextarm.validation").joinpath("data", name).read_text(encoding="utf-8")
