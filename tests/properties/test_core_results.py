"""Results read back equal from their own JSON, whatever they hold; what must not be written is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextarm.core.errors import DataError
from nextarm.core.result import Interval, Result, record
from nextarm.core.trail import LeftOut, RowRef, Source, Trail
from nextarm.core.units import FloatArray, IntArray

finite = st.floats(allow_nan=False, allow_infinity=False)
words = st.text(max_size=20)
rows = st.builds(RowRef, table=words, line=st.integers(1, 10**6), key=words, source_id=words, marks=st.tuples(words))
trails = st.builds(
    Trail,
    method=words,
    rows=st.lists(rows, max_size=3).map(tuple),
    left_out=st.lists(st.builds(LeftOut, row=rows, reason=words), max_size=2).map(tuple),
    sources=st.lists(st.builds(Source, source_id=words, year=st.none() | st.integers(1900, 2100)), max_size=2).map(tuple),
    seed=st.none() | st.integers(0, 2**64 - 1),
)


@record
class Sample(Result):
    """A result that uses every kind of field."""

    estimate: float
    reached: float | None
    interval: Interval
    curve: FloatArray
    counts: IntArray
    by_arm: dict[str, float]
    pairs: tuple[tuple[str, float], ...] = ()


samples = st.builds(
    Sample,
    trail=trails,
    warnings=st.lists(words, max_size=2).map(tuple),
    estimate=finite,
    reached=st.none() | finite,
    interval=st.builds(Interval, low=finite, high=finite),
    curve=st.lists(finite | st.just(math.nan), max_size=6).map(lambda v: np.array(v, np.float64)),
    counts=st.lists(st.integers(-(2**60), 2**60), max_size=6).map(lambda v: np.array(v, np.int64)),
    by_arm=st.dictionaries(words, finite, max_size=3),
    pairs=st.lists(st.tuples(words, finite), max_size=3).map(tuple),
)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(samples)
def test_a_result_reads_back_equal(sample: Sample) -> None:
    text = sample.to_json()
    json.loads(text, parse_constant=lambda c: pytest.fail(f"{c} in JSON"))
    assert Sample.from_json(text) == sample


@settings(deadline=None, max_examples=20, derandomize=True)
@given(samples, finite)
def test_a_changed_number_makes_an_unequal_result(sample: Sample, other: float) -> None:
    from dataclasses import replace

    changed = replace(sample, estimate=other)
    assert (changed == sample) == (other == sample.estimate)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_number_outside_its_domain_is_not_written(bad: float) -> None:
    sample = Sample(
        trail=Trail(method="m"),
        estimate=bad,
        reached=None,
        interval=Interval(low=0, high=1),
        curve=np.zeros(1),
        counts=np.zeros(1, np.int64),
        by_arm={},
    )
    with pytest.raises(ValueError, match="estimate"):
        sample.to_json()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"kind": "Other"}', '{"kind": "Sample"}', '{"kind": "Sample", "trail": 3}', '{"kind": "Sample", "surprise": 1}'],
)
def test_text_that_is_no_such_result_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        Sample.from_json(text)
