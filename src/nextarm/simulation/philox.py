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
from numpy.typing import NDArray

WordArray = NDArray[np.uint32]

#: What a draw is for; the last word of the counter. The order of stratum s is drawn for ``ORDER + s``.
PATIENT, STRATUM, REFERENCE, AFTER, RESPONSE, ORDER = 0, 1, 3, 4, 5, 16

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@njit(cache=True, inline="always")
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Ten rounds of Philox4x32: four words from four counter words and two key words, each a uint64 below 2**32."""
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@njit(cache=True)
def fill_patients(seed: Any, block: int, first: int, a: WordArray, b: WordArray, c: WordArray, d: WordArray) -> None:
    """One draw a patient: words 0 to 2 into ``a``, ``b``, ``c`` (trials, patients), word 3 into ``d`` (trials, patients or more).

    Row 0 is trial ``first`` of the block.
    """
    k0, k1 = seed & _LOW, seed >> _HALF
    patients = a.shape[1]
    for t in range(a.shape[0]):
        trial = np.uint64(first + t)
        for i in range(patients):
            w0, w1, w2, w3 = philox(np.uint64(i), trial, np.uint64(block), np.uint64(PATIENT), k0, k1)
            a[t, i] = w0
            b[t, i] = w1
            c[t, i] = w2
            d[t, i] = w3
        for i in range(patients, d.shape[1]):
            d[t, i] = philox(np.uint64(i), trial, np.uint64(block), np.uint64(PATIENT), k0, k1)[3]


@njit(cache=True)
def fill_words(seed: Any, block: int, first: int, purpose: int, out: WordArray) -> None:
    """Fill ``out`` (trials, indices) with word 0 of each index."""
    k0, k1 = seed & _LOW, seed >> _HALF
    for t in range(out.shape[0]):
        trial = np.uint64(first + t)
        for i in range(out.shape[1]):
            out[t, i] = philox(np.uint64(i), trial, np.uint64(block), np.uint64(purpose), k0, k1)[0]
