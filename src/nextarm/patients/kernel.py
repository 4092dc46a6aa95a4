"""The fast forward sums and backward draws over a chain of steps (see :mod:`nextarm.patients.chain` for the model).

After every step the kernel keeps, for each state (n at risk, D deaths so far), the summed weight of all ways that lead
there and the mean and variance of the product-limit survival over them. Survival is not a function of the state (it
depends on the order of deaths and censorings), so the ways into a state are merged by matching two moments, and every
reading updates mean and variance as a Kalman filter does: the reading anchors the curve and errors do not add up.
:mod:`nextarm.patients.plain` says the same slowly.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

CENSOR, DEATH, READ, RISK = 0, 1, 2, 3
BETWEEN, AT_LEAST, AT_MOST = 0, 1, 2
#: Weight of a reading that has nothing to do with the curve; keeps one bad click from killing every way.
STRAY = 1e-12
_SMALL = 1e-9
_ROOT2 = math.sqrt(2.0)
_ROOT2PI = math.sqrt(2.0 * math.pi)


@nb.njit(cache=True)
def _phi(z):  # type: ignore[no-untyped-def]
    return math.exp(-0.5 * z * z) / _ROOT2PI


@nb.njit(cache=True)
def _upper(z):  # type: ignore[no-untyped-def]
    return 0.5 * math.erfc(z / _ROOT2)


@nb.njit(cache=True)
def _read(weight, mean, var, y, half, sd, side):  # type: ignore[no-untyped-def]
    """Weigh one state by a reading and update its survival; returns (weight, mean, variance)."""
    s = math.sqrt(sd * sd + var)
    if side == BETWEEN:
        low, high = (y - half - mean) / s, (y + half - mean) / s
        like = _upper(low) - _upper(high) if low > 0.0 else _upper(-high) - _upper(-low)
        if var > 1e-4 * (sd * sd + half * half) and like > 1e-8:
            p_low, p_high = _phi(low), _phi(high)
            r = (p_low - p_high) / like
            mean = mean + var * r / s
            shrink = 1.0 - var / (s * s) * (r * r - (low * p_low - high * p_high) / like)
            var = var * min(max(shrink, 0.0), 1.0)
    else:
        sign = 1.0 if side == AT_LEAST else -1.0
        z = sign * (mean - (y - sign * half)) / s
        like = _upper(-z)
        if var > 0.0 and like > 1e-8:
            r = _phi(z) / like
            mean = mean + sign * var * r / s
            var = max(var * (1.0 - var * r * (r + z) / (s * s)), 0.0)
    return weight * (like + STRAY), mean, var


@nb.njit(cache=True)
def _first_death_weight(n, p, least):  # type: ignore[no-untyped-def]
    """Binomial weight of ``least`` deaths of n, conditional on at least that many (``least`` is 0 or 1)."""
    none = math.exp(n * math.log1p(-p)) if p < 1.0 else 0.0
    if least == 0:
        return none
    if p * n < 1e-9:
        return 1.0
    return none * n * p / (1.0 - p) / (1.0 - none) if p < 1.0 else 1.0


@nb.njit(cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def forward(kind, a, b, most, lump, tail_share, side, sd, ref, window, start, n0, weight, mean, var):  # type: ignore[no-untyped-def]
    """Fill ``weight``, ``mean``, ``var`` (flat, step k from ``start[k]``) and return the log marginal likelihood.

    ``kind`` names the step; ``a``, ``b`` are (rate, least) of CENSOR, (hazard, least) of DEATH (at most ``most``, about
    ``lump`` if they come in a lump: a geometric law with weight ``tail_share``), (value, half width) of
    READ with error ``sd`` and ``side``, (n, -) of RISK. ``window[k]`` = first n, last n, first D, last D kept after
    step k. The state before the first step is n0 at risk, no deaths. Minus infinity when no way is left.
    """
    total = 0.0
    sn0, sn1, sd0, sd1 = n0, n0, 0, 0
    w_old, m_old, v_old = np.ones(1), np.ones(1), np.zeros(1)
    for k in range(kind.size):
        n_low, n_high, d_low, d_high = window[k, 0], window[k, 1], window[k, 2], window[k, 3]
        rows, cols, wide = n_high - n_low + 1, d_high - d_low + 1, sd1 - sd0 + 1
        size = rows * cols
        w, m, v = weight[start[k] : start[k] + size], mean[start[k] : start[k] + size], var[start[k] : start[k] + size]
        for i in range(size):
            w[i] = 0.0
            m[i] = 0.0
            v[i] = 0.0
        r0 = ref[k]
        first, last = max(d_low, sd0), min(d_high, sd1)
        if kind[k] == CENSOR:
            least = int(b[k])
            for n in range(sn0, sn1 + 1):
                g = math.exp(-a[k])
                c = 0
                while n - least - c >= n_low:
                    target = n - least - c
                    if target <= n_high:
                        base, source = (target - n_low) * cols - d_low, (n - sn0) * wide - sd0
                        for d in range(first, last + 1):
                            x = g * w_old[source + d]
                            e = m_old[source + d] - r0
                            w[base + d] += x
                            m[base + d] += x * e
                            v[base + d] += x * (e * e + v_old[source + d])
                    c += 1
                    g *= a[k] / c
                    if c > a[k] and g < _SMALL:
                        break
        elif kind[k] == DEATH:
            p = -math.expm1(-a[k])
            odds = p / (1.0 - p)
            least = int(b[k])
            for n in range(max(sn0, 1), sn1 + 1):
                g = _first_death_weight(n, p, least)
                ratio = 1.0 - 1.0 / (2.0 + lump[k])
                tail = tail_share * (1.0 - ratio)
                for j in range(least, min(n, most[k], n - n_low) + 1):
                    h = g + tail
                    if n - j <= n_high:
                        f = (n - j) / n
                        base, source = (n - j - n_low) * cols + j - d_low, (n - sn0) * wide - sd0
                        for d in range(max(d_low - j, sd0), min(d_high - j, sd1) + 1):
                            x = h * w_old[source + d]
                            e = m_old[source + d] * f - r0
                            w[base + d] += x
                            m[base + d] += x * e
                            v[base + d] += x * (e * e + v_old[source + d] * f * f)
                    g *= odds * (n - j) / (j + 1)
                    tail *= ratio
            if sn0 == 0 and least == 0 and n_low == 0:
                for d in range(first, last + 1):
                    x = w_old[d - sd0]
                    e = m_old[d - sd0] - r0
                    w[d - d_low] += x
                    m[d - d_low] += x * e
                    v[d - d_low] += x * (e * e + v_old[d - sd0])
        else:
            for n in range(max(n_low, sn0), min(n_high, sn1) + 1):
                base, source = (n - n_low) * cols - d_low, (n - sn0) * wide - sd0
                for d in range(first, last + 1):
                    x = w_old[source + d]
                    if x < 1e-300:
                        continue
                    if kind[k] == READ:
                        x, q, u = _read(x, m_old[source + d], v_old[source + d], a[k], b[k], sd[k], side[k])
                        w[base + d], m[base + d], v[base + d] = x, q, u
                    else:
                        w[base + d], m[base + d], v[base + d] = x, m_old[source + d], v_old[source + d]
        mass = 0.0
        for i in range(size):
            mass += w[i]
        if not mass > 0.0:
            return -np.inf
        total += math.log(mass)
        for i in range(size):
            if w[i] > 1e-290:
                if kind[k] < READ:
                    q = m[i] / w[i]
                    v[i] = max(v[i] / w[i] - q * q, 0.0)
                    m[i] = q + r0
                w[i] /= mass
            else:
                w[i] = 0.0
                m[i] = r0
                v[i] = 0.0
        sn0, sn1, sd0, sd1 = n_low, n_high, d_low, d_high
        w_old, m_old, v_old = w, m, v
    return total


@nb.njit(cache=True)
def backward(kind, a, b, most, lump, tail_share, ref, floor, window, start, n0, weight, mean, var, final, uniform, normal, count):  # type: ignore[no-untyped-def]
    """Draw ways through the chain: ``count[i, k]`` = deaths or censorings of draw i in step k.

    ``final[i]`` is the deaths of draw i at the end or -1 (free); ``uniform`` (draws, steps + 1) and ``normal`` (draws)
    are the random numbers. The survival of a draw is drawn at the end and followed back: a predecessor is weighed by
    how well its mean survival meets it, with variance never below ``floor``. Returns False where a draw got stuck.
    """
    steps = kind.size
    good = True
    for i in range(uniform.shape[0]):
        k = steps - 1
        cols = window[k, 3] - window[k, 2] + 1
        size = (window[k, 1] - window[k, 0] + 1) * cols
        mass = 0.0
        for s in range(size):
            if final[i] < 0 or window[k, 2] + s % cols == final[i]:
                mass += weight[start[k] + s]
        if not mass > 0.0:
            good = False
            continue
        goal, s, seen = uniform[i, steps] * mass, -1, 0.0
        for t in range(size):
            if final[i] < 0 or window[k, 2] + t % cols == final[i]:
                x = weight[start[k] + t]
                if x > 0.0:
                    s = t
                    seen += x
                    if seen >= goal:
                        break
        n, d = window[k, 0] + s // cols, window[k, 2] + s % cols
        x_now = mean[start[k] + s] + normal[i] * math.sqrt(var[start[k] + s])
        for k in range(steps - 1, -1, -1):
            if kind[k] >= READ:
                count[i, k] = 0
                continue
            if k > 0:
                n_low, n_high, d_low, d_high = window[k - 1, 0], window[k - 1, 1], window[k - 1, 2], window[k - 1, 3]
                base = start[k - 1]
            else:
                n_low, n_high, d_low, d_high, base = n0, n0, 0, 0, -1
            least = int(b[k])
            cols = d_high - d_low + 1
            p = -math.expm1(-a[k])
            chosen, chosen_mean, chosen_var, seen = -1, 1.0, 0.0, 0.0
            u = uniform[i, k]
            g = math.exp(-a[k])
            for c in range(least, n_high - n + 1):
                death = kind[k] == DEATH
                before, d_before = n + c, d - c if death else d
                if death and (d_before < d_low or c > most[k]):
                    break
                if death:
                    if before == 0:
                        g = 1.0
                    else:
                        g = _first_death_weight(before, p, least)
                        for j in range(least, c):
                            g *= p / (1.0 - p) * (before - j) / (j + 1)
                        ratio = 1.0 - 1.0 / (2.0 + lump[k])
                        g += tail_share * (1.0 - ratio) * ratio ** (c - least)
                elif c > least:
                    g *= a[k] / (c - least)
                    if c - least > a[k] and g < _SMALL:
                        break
                if before < n_low or d_before < d_low or d_before > d_high:
                    continue
                if base >= 0:
                    s = base + (before - n_low) * cols + d_before - d_low
                    x, q, v = weight[s], mean[s], var[s]
                else:
                    x, q, v = 1.0, 1.0, 0.0
                if x <= 0.0:
                    continue
                f = n / before if death and before > 0 else 1.0
                if f > 0.0:
                    spread = v * f * f + floor[k]
                    miss = x_now - q * f
                    e = miss * miss / spread
                    x *= g * math.exp(-0.5 * min(e, 200.0)) / math.sqrt(spread)
                else:
                    x *= g
                if not x > 0.0:
                    continue
                seen += x
                # One pass: keep the newcomer with probability x / seen, renewing the uniform each time.
                if u * seen < x or seen <= x:
                    chosen, chosen_mean, chosen_var = c, q, v
                    u = min(u * seen / x, 1.0 - 1e-16)
                else:
                    u = (u * seen - x) / (seen - x)
            if chosen < 0:
                good = False
                count[i, : k + 1] = -1
                break
            count[i, k] = chosen
            if kind[k] == DEATH:
                f = n / (n + chosen) if n + chosen > 0 else 1.0
                x_now = x_now / f if f > 0.0 else chosen_mean + 0.5 * math.sqrt(chosen_var)
                d -= chosen
            n += chosen
            if x_now > 1.0:
                x_now = 1.0
    return good
