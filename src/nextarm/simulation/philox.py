"""The counter-based generator of the virtual trials, compiled: Philox4x32-10.

A number is a function of where it stands, not of what was drawn before: the key is the seed, the counter is (index,
trial, block, purpose), 32 bits each. Any patient of any trial can therefore be drawn alone, two places never share a
number, and no state has to be carried between workers. Reference: Salmon et al. 2011, doi 10.1145/2063384.2063405;
the known answers of its authors' program are in the tests.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from nextarm.core.units import FloatArray

#: What a draw is for; the last word of the counter.
PATIENT, DROPOUT, ORDER, REFERENCE = 0, 1, 2, 3

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_UP, _DOWN, _UNIT = np.uint64(21), np.uint64(11), 2.0**-53


@njit(cache=True, inline="always")
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Ten rounds of Philox4x32: four words from four counter words and two key words, each a uint64 below 2**32."""
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@njit(cache=True, inline="always")
def _uniform(high: Any, low: Any) -> Any:
    """A uniform on [0, 1) of 53 bits from two words."""
    return np.float64(np.int64((high << _UP) | (low >> _DOWN))) * _UNIT


@njit(cache=True)
def fill_pairs(seed: Any, block: int, first: int, purpose: int, a: FloatArray, b: FloatArray) -> None:
    """Fill ``a`` and ``b`` (trials, indices) with uniforms; row 0 is trial ``first`` of the block."""
    k0, k1 = seed & _LOW, seed >> _HALF
    for t in range(a.shape[0]):
        trial = np.uint64(first + t)
        for i in range(a.shape[1]):
            w0, w1, w2, w3 = philox(np.uint64(i), trial, np.uint64(block), np.uint64(purpose), k0, k1)
            a[t, i] = _uniform(w0, w1)
            b[t, i] = _uniform(w2, w3)


@njit(cache=True)
def fill_words(seed: Any, block: int, first: int, purpose: int, out: Any) -> None:
    """Fill ``out`` (trials, 4 times indices) with 32-bit words as uint32."""
    k0, k1 = seed & _LOW, seed >> _HALF
    for t in range(out.shape[0]):
        trial = np.uint64(first + t)
        for i in range(out.shape[1] // 4):
            w0, w1, w2, w3 = philox(np.uint64(i), trial, np.uint64(block), np.uint64(purpose), k0, k1)
            out[t, 4 * i] = w0
            out[t, 4 * i + 1] = w1
            out[t, 4 * i + 2] = w2
            out[t, 4 * i + 3] = w3
