"""Block k of a seed is the same whoever draws it, and no two blocks share their draws."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from nextarm.core.errors import CallError
from nextarm.core.random import block_stream, blocks_of


def draw(block: int) -> list[float]:
    return block_stream(20261123, block).random(7).tolist()


def test_a_block_does_not_depend_on_order_or_process() -> None:
    here = [draw(block) for block in range(6)]
    assert [draw(block) for block in reversed(range(6))] == here[::-1]
    program = (
        "import json; from nextarm.core.random import block_stream as b; "
        "print(json.dumps([b(20261123, k).random(7).tolist() for k in (5, 3, 1)]))"
    )
    elsewhere = json.loads(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout)
    assert elsewhere == [here[5], here[3], here[1]]


def test_a_block_is_frozen() -> None:
    """The first draws of the stream, kept so that a change of generator cannot pass unseen (limit of reproducibility)."""
    assert block_stream(1, 0).integers(0, 2**32, 4).tolist() == FROZEN


FROZEN = [1969390303, 1303814779, 3133017647, 3645176323]


def test_blocks_seeds_and_purposes_are_apart() -> None:
    draws = [block_stream(seed, block, purpose).random(50) for seed in (1, 2) for block in (0, 1) for purpose in (0, 1)]
    together = np.concatenate(draws)
    assert len(np.unique(together)) == together.size


def test_blocks_cover_the_trials() -> None:
    assert list(blocks_of(2500, 1024)) == [(0, 1024), (1, 1024), (2, 452)]


@pytest.mark.parametrize(
    "call", [lambda: block_stream(-1, 0), lambda: block_stream(2**64, 0), lambda: block_stream(0, -1), lambda: list(blocks_of(0))]
)
def test_impossible_streams_are_refused(call) -> None:
    with pytest.raises(CallError):
        call()
