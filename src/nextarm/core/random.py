"""Block random streams: block k of a seed is the same whoever draws it, in whatever order.

Virtual trials are drawn in blocks of :data:`BLOCK_TRIALS`. Each block has its own counter-based generator (Philox,
Salmon et al. 2011, doi 10.1145/2063384.2063405) keyed by (seed, block), so results do not depend on the number of
workers, on the order of blocks or on how often a run was killed and resumed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nextarm.core.errors import CallError

BLOCK_TRIALS = 1024


def block_stream(seed: int, block: int, purpose: int = 0) -> np.random.Generator:
    """Return the generator of ``block`` under ``seed``.

    ``purpose`` separates streams that must not share draws (0: patients; other numbers as a caller needs).
    All three are integers from 0 to 2**64 - 1 (``purpose`` to 2**32 - 1); otherwise :class:`CallError`.
    """
    if not 0 <= seed < 2**64:
        raise CallError(f"seed = {seed}", rule="must be an integer from 0 to 2**64 - 1")
    if block < 0 or not 0 <= purpose < 2**32:
        raise CallError(f"block = {block}, purpose = {purpose}", rule="must not be negative")
    return np.random.Generator(np.random.Philox(key=[seed, block], counter=[0, 0, 0, purpose << 32]))


def blocks_of(trials: int, size: int = BLOCK_TRIALS) -> Iterator[tuple[int, int]]:
    """Yield (block number, trials in it) for ``trials`` virtual trials; the last block may be short."""
    if trials < 1:
        raise CallError(f"trials = {trials}", rule="must be at least 1")
    for block, first in enumerate(range(0, trials, size)):
        yield block, min(size, trials - first)
