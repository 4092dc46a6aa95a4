"""Fast code against slow plain twins: loops over patients, numeric derivatives by weight, simulation-free integrals."""

import itertools

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from nextarm.survival import (
    aalen_johansen,
    confidence_band,
    cox,
    fleming_harrington,
    kaplan_meier,
    kaplan_meier_arrays,
    log_rank,
    log_rank_arrays,
    make_patients,
    max_combo,
    milestone_difference,
    modestly_weighted,
    nelson_aalen,
    one_sample_log_rank,
    rmst,
)
from nextarm.survival.bands import bridge_stays, equal_precision_value, hall_wellner_value, wave_stays
from nextarm.survival.cox_design import cox_data
from nextarm.survival.cox_residuals import score_residuals
from nextarm.survival.normal_box import normal_box
from nextarm.survival.rank_scores import plain_scores, rank_scores
from nextarm.survival.table import replaced


def patients(seed, n=50, digits=1, entry=True, weight=True, causes=("a", "b"), strata=0):
    rng = np.random.default_rng(seed)
    time = np.maximum(np.round(rng.exponential(1.0, n), digits), 0.1)
    late = np.where(rng.random(n) < 0.5, np.round(rng.uniform(0, 1, n) * time, digits), 0.0)
    return make_patients(
        time,
        rng.integers(0, len(causes) + 1, n),
        arm=rng.integers(0, 2, n),
        arms=("0", "1"),
        causes=causes,
        entry=np.where(late < time, late, 0.0) if entry else None,
        weight=np.round(rng.uniform(0.5, 2.0, n), 2) if weight else None,
        stratum=rng.integers(0, strata, n) if strata else None,
    )


def plain(p):
    n = p.n
    return p.time, p.event, np.zeros(n) if p.entry is None else p.entry, np.ones(n) if p.weight is None else p.weight


def slow_curves(p, at):
    """S, H and the incidences at one time, patient by patient."""
    time, event, entry, w = plain(p)
    S, H, F = 1.0, 0.0, np.zeros(len(p.causes))
    for t in sorted({float(x) for x, e in zip(time, event, strict=True) if e and x <= at}):
        n = sum(w[i] for i in range(p.n) if (entry[i] < t or entry[i] == 0) and time[i] >= t)
        d = [sum(w[i] for i in range(p.n) if time[i] == t and event[i] == k + 1) for k in range(len(p.causes))]
        F = F + S * np.array(d) / n
        H += sum(d) / n
        S *= 1 - sum(d) / n
    return S, H, F


@pytest.mark.parametrize("seed", range(4))
def test_curves_are_those_of_plain_loops(seed):
    p = patients(seed)
    km, na, aj = kaplan_meier(p, arm=None), nelson_aalen(p), aalen_johansen(p)
    for at in (0.2, 0.7, 1.3):
        S, H, F = slow_curves(p, at)
        assert km.survival_at(at)[0] == pytest.approx(S, abs=1e-12)
        assert na.cumulative_hazard_at(at)[0] == pytest.approx(H, abs=1e-12)
        for k, cause in enumerate(p.causes):
            assert aj.incidence_at(at, cause)[0] == pytest.approx(F[k], abs=1e-12)


def by_weight(p, estimate):
    """Infinitesimal jackknife by numeric derivatives: sum over patients of (w dU/dw)^2."""
    total = 0.0
    for i in range(p.n):
        up, down = p.weight.copy(), p.weight.copy()
        h = 1e-5
        up[i] += h
        down[i] -= h
        slope = (estimate(replaced(p, weight=up)) - estimate(replaced(p, weight=down))) / (2 * h)
        total += (p.weight[i] * slope) ** 2
    return total


@pytest.mark.parametrize("seed", range(2))
def test_robust_variances_are_sums_of_squared_derivatives(seed):
    p = patients(seed + 10, n=30)
    at = 0.9
    assert kaplan_meier(p).at(at).standard_error ** 2 == pytest.approx(by_weight(p, lambda q: kaplan_meier(q).survival_at(at)[0]), rel=1e-6)
    na = nelson_aalen(p)
    row = np.searchsorted(na.time, at, side="right") - 1
    assert na.standard_error[row] ** 2 == pytest.approx(by_weight(p, lambda q: nelson_aalen(q).cumulative_hazard_at(at)[0]), rel=1e-6)
    aj = aalen_johansen(p)
    assert aj.standard_error[row, 1] ** 2 == pytest.approx(by_weight(p, lambda q: aalen_johansen(q).incidence_at(at, "b")[0]), rel=1e-6)
    assert rmst(p, tau=1.1).standard_error ** 2 == pytest.approx(by_weight(p, lambda q: rmst(q, tau=1.1).rmst), rel=1e-6)


def slow_scores(p, weight_of):
    """Score of arm 1 and its variance: a sum over patients at risk at each event time."""
    time, event, entry, w = plain(p)
    U = V = 0.0
    for s in [None] if p.stratum is None else np.unique(p.stratum):
        rows = [i for i in range(p.n) if s is None or p.stratum[i] == s]
        S = 1.0
        for t in sorted({float(time[i]) for i in rows if event[i]}):
            risk = [i for i in rows if (entry[i] < t or entry[i] == 0) and time[i] >= t]
            dead = [i for i in risk if time[i] == t and event[i]]
            n, share = sum(w[i] for i in risk), sum(w[i] for i in risk if p.arm[i]) / sum(w[i] for i in risk)
            W, Y, d = weight_of(S), len(risk), len(dead)
            U += W * sum(w[i] * (p.arm[i] - share) for i in dead)
            if Y > 1:
                V += W**2 * d * (Y - d) / (Y * (Y - 1)) * sum((w[i] * (p.arm[i] - share)) ** 2 for i in risk)
            S *= 1 - sum(w[i] for i in dead) / n
    return U, V


@pytest.mark.parametrize(("entry", "weight", "strata"), itertools.product([False, True], [False, True], [0, 3]))
def test_rank_tests_are_those_of_plain_loops(entry, weight, strata):
    p = patients(20, n=60, entry=entry, weight=weight, strata=strata)
    for made, weight_of in (
        (log_rank(p), lambda S: 1.0),
        (fleming_harrington(p, p=0.5, q=1.0), lambda S: S**0.5 * (1 - S)),
        (modestly_weighted(p, s_star=0.6), lambda S: 1 / max(S, 0.6)),
    ):
        U, V = slow_scores(p, weight_of)
        assert made.z == pytest.approx(U / V**0.5, rel=1e-10)


def test_modest_weights_by_time_are_those_by_height():
    p = patients(21, entry=False, weight=False)
    pooled = kaplan_meier(p)
    height = float(pooled.survival_at(0.8)[0])
    assert modestly_weighted(p, t_star=0.8).z == pytest.approx(modestly_weighted(p, s_star=height).z, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_compiled_short_ways_agree_with_the_engines(seed):
    p = patients(30 + seed, n=80, entry=False, weight=False, strata=2)
    z, pv = log_rank_arrays(p.time, p.event, p.arm)
    plain_test = log_rank(p, stratified=False)
    assert (z, pv) == pytest.approx((plain_test.z, plain_test.p_value), rel=1e-12)
    short, engine = plain_scores(p), rank_scores(p, [lambda t, S: np.ones_like(t)])
    for name in ("score", "covariance", "observed", "expected"):
        np.testing.assert_allclose(getattr(short, name), getattr(engine, name), rtol=1e-11, atol=1e-12)
    times, S, se = kaplan_meier_arrays(p.time, p.event)
    km = kaplan_meier(p)
    np.testing.assert_allclose(S, km.survival, rtol=1e-12)
    np.testing.assert_allclose(se[S > 0], km.standard_error[S > 0], rtol=1e-12)
    np.testing.assert_array_equal(times, km.time)


@pytest.mark.parametrize("rank", [2, 3])
def test_normal_box_against_scipy(rank):
    rng = np.random.default_rng(rank)
    A = rng.normal(size=(rank, rank))
    R = A @ A.T
    R /= np.sqrt(np.outer(np.diag(R), np.diag(R)))
    law = multivariate_normal(cov=R, maxpts=2_000_000, abseps=1e-8, releps=1e-8)
    assert normal_box(R, -1.7, 1.7) == pytest.approx(law.cdf(np.full(rank, 1.7), lower_limit=np.full(rank, -1.7)), abs=2e-6)
    assert normal_box(R, -np.inf, 0.8) == pytest.approx(law.cdf(np.full(rank, 0.8)), abs=2e-6)


def test_normal_box_of_dependent_members_is_an_integral_over_a_disc():
    # Z3 = (Z1 + Z2)/sqrt 2: rank 2. Slow twin: a fine two-dimensional grid.
    R = np.array([[1, 0, 0.5**0.5], [0, 1, 0.5**0.5], [0.5**0.5, 0.5**0.5, 1]])
    x = (np.arange(4000) + 0.5) / 4000 * 4 - 2
    inside = np.abs(x[:, None] + x[None, :]) <= 2 * 2**0.5
    grid = norm.pdf(x)[:, None] * norm.pdf(x)[None, :] * (x[1] - x[0]) ** 2
    assert normal_box(R, -2.0, 2.0) == pytest.approx(float((grid * inside).sum()), abs=1e-5)


def test_max_combo_of_one_weight_is_that_test():
    p = patients(40, entry=False, weight=False)
    alone, single = max_combo(p, weights=[(0, 1)]), fleming_harrington(p, p=0, q=1)
    assert alone.p_value == pytest.approx(single.p_value, rel=1e-9)
    assert alone.p_one_sided == pytest.approx(single.p_one_sided, rel=1e-9)


def test_max_combo_p_lies_between_the_best_single_and_bonferroni():
    p = patients(41, n=100, entry=False, weight=False)
    made = max_combo(p)
    best = 2 * norm.sf(made.statistic)
    assert best <= made.p_value <= 4 * best
    assert np.linalg.matrix_rank(made.correlation, tol=1e-8) == 3


def test_bridge_and_wave_by_matrix_steps():
    """Both boundary problems by a fine chain of one-step transitions, extrapolated to continuous time."""

    def chain(c, steps, kernel, start):
        x = np.linspace(-c, c, 401)
        w = np.full(x.size, x[1] - x[0])
        w[[0, -1]] /= 2
        f = start(x)
        K = kernel(x[:, None], x[None, :])
        for _ in range(steps):
            f = (f * w) @ K
        return float((f * w).sum())

    def wave(c, T, steps):
        rho = np.exp(-T / steps)
        return chain(c, steps, lambda a, b: norm.pdf(b, rho * a, np.sqrt(1 - rho**2)), norm.pdf)

    c, T = 2.5, 1.0
    coarse, fine = wave(c, T, 100), wave(c, T, 400)
    # Watching at steps misses crossings by an amount that falls as the root of the step.
    assert wave_stays(c, T) == pytest.approx(2 * fine - coarse, abs=2e-3)
    assert wave_stays(c, 0.0) == pytest.approx(norm.cdf(c) - norm.cdf(-c), abs=1e-6)
    assert bridge_stays(1.2, 0.0, 1.0) == pytest.approx(
        1 - 2 * sum((-1) ** (k - 1) * np.exp(-2 * k * k * 1.44) for k in range(1, 9)), abs=1e-10
    )
    assert bridge_stays(0.8, 0.3, 0.3 + 1e-7) == pytest.approx(norm.cdf(0.8 / 0.21**0.5) * 2 - 1, abs=1e-3)


def test_critical_values_grow_with_the_stretch_watched():
    hall = [hall_wellner_value(0.1, a, 0.95) for a in (0.2, 0.5, 0.8)]
    wave = [equal_precision_value(0.1, a, 0.95) for a in (0.2, 0.5, 0.8)]
    assert hall == sorted(hall)
    assert hall[-1] < 1.3581
    assert wave == sorted(wave)
    assert wave[0] > 1.96


def test_band_of_few_early_events_among_many_is_that_of_brownian_motion():
    # With a = j / n the bridge is Brownian motion W there: P(|W(s)| <= c, 1 <= s <= 4) by its sine series between two walls.
    def stays(c):
        x, w = (c * part for part in np.polynomial.legendre.leggauss(100))
        k = np.arange(1, 100, 2)[:, None]
        rest = 4 / (k * np.pi) * np.sin(k * np.pi * (x + c) / (2 * c)) * np.exp(-((k * np.pi / (2 * c)) ** 2) * 1.5)
        return float((w * norm.pdf(x) * rest.sum(axis=0)).sum())

    n = 1_000_000
    for level in (0.5, 0.95):
        c = hall_wellner_value(1 / n, 4 / n, level) * n**0.5
        assert stays(c) == pytest.approx(level, abs=2e-6)
    happened = np.zeros(20_000, int)
    happened[:4] = 1
    band = confidence_band(kaplan_meier(make_patients(np.arange(1.0, 20_001.0), happened)))
    assert band.critical_value == pytest.approx(4.482795 / 20_000**0.5, rel=2e-4)
    assert confidence_band(kaplan_meier(make_patients([1.0, 2.0, 3.0], [1, 1, 0])), end=1.0).time.tolist() == [1.0]
    one = confidence_band(kaplan_meier(make_patients(np.arange(1.0, 20_001.0), happened)), end=1.0)
    assert one.critical_value == pytest.approx(norm.ppf(0.975) * (one.a_low * (1 - one.a_low)) ** 0.5, rel=1e-9)


def test_band_holds_the_pointwise_limits():
    p = patients(42, n=80, entry=False, weight=False)
    km = kaplan_meier(p, interval="plain")
    for kind in ("hall-wellner", "equal-precision"):
        band = confidence_band(km, kind=kind, transform="plain")
        rows = np.searchsorted(km.time, band.time)
        assert (band.low <= band.survival).all()
        if kind == "equal-precision":
            assert (band.low <= km.ci_low[rows] + 1e-12).all()
            assert (band.high >= km.ci_high[rows] - 1e-12).all()


@pytest.mark.parametrize("ties", [True, False])
def test_score_residuals_sum_to_the_gradient(ties):
    p = patients(50, n=60, strata=2)
    x = np.random.default_rng(1).normal(size=p.n)
    data = cox_data(p, covariates={"x": x}, arm=True, stratified=None, efron=ties)
    beta = np.array([0.3, -0.2])
    value, gradient, information = data.likelihood(beta)
    np.testing.assert_allclose(data.weight @ score_residuals(data, beta), gradient, rtol=1e-10, atol=1e-11)
    h = 1e-5
    for a in range(2):
        step = np.eye(2)[a] * h
        up, down = data.likelihood(beta + step), data.likelihood(beta - step)
        assert (up[0] - down[0]) / (2 * h) == pytest.approx(gradient[a], rel=1e-6)
        np.testing.assert_allclose((down[1] - up[1]) / (2 * h), information[a], rtol=1e-5, atol=1e-7)
    assert np.isfinite(value)


def test_robust_cox_variance_is_the_jackknife_by_weight():
    p = patients(51, n=30, entry=False)
    robust = cox(p, arm=True, ties="breslow", robust=True, stratified=False)
    assert robust.standard_error[0] ** 2 == pytest.approx(
        by_weight(p, lambda q: cox(q, arm=True, ties="breslow", robust=False).coefficient[0]), rel=1e-4
    )


def test_one_sample_variance_with_an_estimated_reference():
    new, old = patients(60, n=25, entry=False, weight=False), patients(61, n=60, entry=False, weight=False)
    limit = float(old.time.max())
    new = replaced(new, time=np.minimum(new.time, limit))
    made = one_sample_log_rank(new, old)
    extra = 0.0
    for t in sorted({float(x) for x, e in zip(old.time, old.event, strict=True) if e}):
        d = int(((old.time == t) & (old.event > 0)).sum())
        extra += (new.time >= t).sum() ** 2 * d / (old.time >= t).sum() ** 2
    H = [sum(((old.time == t) & (old.event > 0)).sum() / (old.time >= t).sum() for t in np.unique(old.time) if t <= x) for x in new.time]
    assert made.expected == pytest.approx(sum(H), rel=1e-12)
    assert made.reference_variance == pytest.approx(extra, rel=1e-12)
    assert made.z == pytest.approx((new.events - sum(H)) / (sum(H) + extra) ** 0.5, rel=1e-12)
    fixed = one_sample_log_rank(new, old, sampling_error="fixed")
    assert abs(fixed.z) > abs(made.z)
    assert fixed.warnings


def test_milestone_p_is_the_level_at_which_the_interval_meets_zero():
    p = patients(70, n=80, entry=False, weight=False)
    made = milestone_difference(p, milestone=0.7)
    again = milestone_difference(p, milestone=0.7, level=1 - made.p_value)
    assert min(abs(again.ci.low), abs(again.ci.high)) < 1e-9
