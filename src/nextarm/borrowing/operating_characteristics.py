"""Frequentist operating characteristics of every borrowing method when the history has drifted.

A randomised trial (60 treated, 30 controls) borrows for its control arm from 100 historical patients whose data are those
expected under the historical truth. The current control's hazard is the historical one times ``exp(drift)``; the treated hazard
is the control's times the hazard ratio. Treatment is called better when the posterior probability of it is above 0.975.
Positive drift: controls of today do worse than those of the past, which hides an effect; negative: it feigns one.

Given the history each method is a fixed prior of the control's parameters (the self-adapting mixture: two priors and a weight
that depends on the data), so posteriors are products on one grid. Binary trials are enumerated, the others simulated.
``saved`` is how many more controls a trial without borrowing needs for the same power without drift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nextarm.borrowing.arm_data import BinaryData, ExposureData, binary_data, exposure_data, first_prior
from nextarm.borrowing.commensurate import commensurate_grids
from nextarm.borrowing.joint_mixture import JointMixture
from nextarm.borrowing.multinormal import MultinormalMixture
from nextarm.borrowing.power_prior import power_nodes, powered
from nextarm.borrowing.tau_nodes import tau_nodes
from nextarm.core.random import block_stream
from nextarm.core.units import FloatArray, IntArray
from nextarm.synthesis import TauPrior, half_normal

TREATED, CONTROLS, HISTORY = 60, 30, 100
DRIFTS = (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)
METHODS = (
    "no borrowing", "pooling", "power prior, a0 = 0.5", "normalised power prior", "commensurate prior", "robust predictive prior",
    "self-adapting mixture",
)  # fmt: skip
FORMS = ("binary", "exponential", "piecewise-exponential", "mixture-cure")
#: Hazard ratio of the alternative, threshold of the posterior probability.
EFFECT, THRESHOLD = 0.5, 0.975
#: Sizes of the control arm at which a trial without borrowing is looked at.
SIZES = (30, 35, 40, 50, 60, 75, 90, 120, 160)
COMMENSURATE, PREDICTIVE, ROBUST = half_normal(0.5), half_normal(0.25), 0.2
#: Clinically relevant differences of the self-adapting mixture: of a probability, of a log hazard.
DELTA_P, DELTA_HAZARD = 0.15, math.log(1.5)
#: Historical truth: share with the event, hazard a year, hazards before and after one year, cure fraction.
P0, RATE0, RATES0, CURE0 = 0.5, 0.35, (0.5, 0.15), 0.5
FOLLOW_UP = (2.0, 4.0)
SIMULATIONS = {"exponential": 20_000, "piecewise-exponential": 6_000, "mixture-cure": 20_000}
_HORIZON = 3.0


@dataclass(frozen=True)
class Characteristic:
    """Type I error and power of a method at a drift, each with its Monte-Carlo standard error (0 where enumerated)."""

    form: str
    method: str
    drift: float
    type1_error: float
    type1_se: float
    power: float
    power_se: float


@dataclass(frozen=True, eq=False)
class _Priors:
    """Prior of the control on the grid for each method (points,), and the two parts and the rule of the adapting mixture."""

    fixed: dict[str, FloatArray]
    informative: FloatArray
    vague: FloatArray


def operating_characteristics(form: str) -> tuple[Characteristic, ...]:
    """Every method at every drift for one kind of data."""
    run = {"binary": _binary, "exponential": _exponential, "piecewise-exponential": _piecewise, "mixture-cure": _cure}[form]
    found = []
    for drift in DRIFTS:
        null, effect, n = run(drift, 1.0, CONTROLS), run(drift, EFFECT, CONTROLS), SIMULATIONS.get(form)
        for method in METHODS:
            one, two = null[method], effect[method]
            se = [math.sqrt(p * (1.0 - p) / n) if n else 0.0 for p in (one, two)]
            found.append(Characteristic(form, method, drift, one, se[0], two, se[1]))
    return tuple(found)


def controls_saved(form: str, found: tuple[Characteristic, ...]) -> dict[str, float | None]:
    """How many more controls a trial without borrowing needs for each method's power without drift; None beyond the largest size."""
    run = {"binary": _binary, "exponential": _exponential, "piecewise-exponential": _piecewise, "mixture-cure": _cure}[form]
    power = [run(0.0, EFFECT, n)["no borrowing"] for n in SIZES]
    level = np.maximum.accumulate(power)
    saved: dict[str, float | None] = {}
    for row in found:
        if row.drift == 0.0:
            at = row.power
            saved[row.method] = None if at > level[-1] else float(np.interp(at, level, SIZES)) - CONTROLS
    return saved


def _joint_density(mixture: JointMixture, theta: FloatArray) -> FloatArray:
    """Density on the logit or log axis at every point of the grid of each parameter: (j parameters) outer, normalised."""
    axes = []
    for j in range(mixture.first.shape[1]):
        a, b = mixture.first[:, j, None], mixture.second[:, j, None]
        if mixture.family == "beta":
            from scipy.special import betaln

            log = -a * np.logaddexp(0.0, -theta) - b * np.logaddexp(0.0, theta) - betaln(a, b)
        else:
            from scipy.special import gammaln

            log = a * np.log(b) + a * theta - b * np.exp(theta) - gammaln(a)
        axes.append(np.exp(log))
    if len(axes) == 1:
        return np.asarray(mixture.weights @ axes[0], np.float64)
    joint: FloatArray = np.einsum("m,mi,mj->ij", mixture.weights, axes[0], axes[1])
    return joint.ravel()


def _smeared(history: BinaryData | ExposureData, tau: TauPrior, theta: FloatArray) -> FloatArray:
    """The commensurate prior of the control on the grid, tau integrated out."""
    nodes, cells, _ = commensurate_grids(history, None, tau, first_prior(history, None))
    weights = nodes.weights / nodes.weights.sum()
    held = weights > 1e-9
    axes = [np.array([np.interp(theta, c.theta, row, left=0.0, right=0.0) for row in c.given_tau[held]]) for c in cells]
    if len(axes) == 1:
        return np.asarray(weights[held] @ axes[0], np.float64)
    joint: FloatArray = np.einsum("m,mi,mj->ij", weights[held], axes[0], axes[1])
    return joint.ravel()


def _priors(history: BinaryData | ExposureData, theta: FloatArray) -> _Priors:
    start = first_prior(history, None)

    def at(a0: FloatArray, weights: FloatArray) -> FloatArray:
        made = powered(history, a0, start)
        assert isinstance(made, JointMixture)
        return _joint_density(JointMixture(family=made.family, weights=weights, first=made.first, second=made.second), theta)

    one = np.ones(1)
    nodes, log_w = power_nodes((1.0, 1.0))
    vague, full = at(np.zeros(1), one), at(one, one)
    fixed = {
        "no borrowing": vague,
        "pooling": full,
        "power prior, a0 = 0.5": at(np.array([0.5]), one),
        "normalised power prior": at(nodes, np.exp(log_w)),
        "commensurate prior": _smeared(history, COMMENSURATE, theta),
        "robust predictive prior": (1.0 - ROBUST) * _smeared(history, PREDICTIVE, theta) + ROBUST * vague,
    }
    return _Priors(fixed, full, vague)


def _decide(priors: _Priors, likelihood: FloatArray, better: FloatArray, weight: FloatArray) -> dict[str, FloatArray]:
    """Probability that treatment is better under each method, (trials,).

    ``likelihood`` (trials, points) of the control, ``better`` (trials, points) the probability that treatment is better than a
    control at the point, ``weight`` (trials,) of the history in the adapting mixture.
    """
    out = {}
    for name, prior in priors.fixed.items():
        post = likelihood * prior
        out[name] = (post * better).sum(axis=1) / post.sum(axis=1)
    mixed = likelihood * (weight[:, None] * priors.informative + (1.0 - weight[:, None]) * priors.vague)
    out["self-adapting mixture"] = (mixed * better).sum(axis=1) / mixed.sum(axis=1)
    return out


def _binary(drift: float, ratio: float, controls: int) -> dict[str, float]:
    """Enumerated: every number of events in either arm, with its probability."""
    from scipy.special import betainc
    from scipy.stats import binom

    history = binary_data(round(P0 * HISTORY), HISTORY)
    theta = np.linspace(-8.0, 8.0, 1601)
    priors = _priors(history, theta)
    p = 1.0 / (1.0 + np.exp(-theta))
    events = np.arange(controls + 1.0)
    log = -events[:, None] * np.logaddexp(0.0, -theta) - (controls - events)[:, None] * np.logaddexp(0.0, theta)
    likelihood = np.exp(log - log.max(axis=1, keepdims=True))
    centre = (history.events + 1.0) / (history.n + 2.0)

    def log_l(at: float) -> FloatArray:
        return np.asarray(events * math.log(at) + (controls - events) * math.log1p(-at), np.float64)

    weight = 1.0 / (1.0 + np.exp(np.maximum(log_l(centre - DELTA_P), log_l(centre + DELTA_P)) - log_l(centre)))
    hazard = -math.log(1.0 - P0) * math.exp(drift)
    chance_c = binom.pmf(events, controls, 1.0 - math.exp(-hazard))
    treated = np.arange(TREATED + 1.0)
    chance_t = binom.pmf(treated, TREATED, 1.0 - math.exp(-hazard * ratio))
    rejected = dict.fromkeys(METHODS, 0.0)
    for r, chance in zip(treated, chance_t, strict=True):
        below = np.broadcast_to(betainc(r + 1.0, TREATED - r + 1.0, p), likelihood.shape)  # treated events fewer
        for name, value in _decide(priors, likelihood, below, weight).items():
            rejected[name] += float(chance * (chance_c @ (value > THRESHOLD)))
    return rejected


def _followed(g: np.random.Generator, n: int, trials: int, rates: tuple[float, ...]) -> tuple[IntArray, FloatArray]:
    """Events and years of follow-up in one or two pieces (cut at 1 year), (trials, pieces)."""
    hazard = g.exponential(size=(trials, n))
    time = hazard / rates[0] if len(rates) == 1 else np.where(hazard < rates[0], hazard / rates[0], 1.0 + (hazard - rates[0]) / rates[1])
    censored = g.uniform(*FOLLOW_UP, size=(trials, n))
    seen, event = np.minimum(time, censored), time <= censored
    if len(rates) == 1:
        return event.sum(axis=1, keepdims=True), seen.sum(axis=1, keepdims=True)
    early = time <= 1.0
    events = np.stack([(event & early).sum(axis=1), (event & ~early).sum(axis=1)], axis=1)
    years = np.stack([np.minimum(seen, 1.0).sum(axis=1), np.maximum(seen - 1.0, 0.0).sum(axis=1)], axis=1)
    return events, years


def _expected(rates: tuple[float, ...]) -> ExposureData:
    """The history: events (rounded) and years that its truth makes one expect."""
    u = FOLLOW_UP[0] + (FOLLOW_UP[1] - FOLLOW_UP[0]) * (np.arange(4000) + 0.5) / 4000
    if len(rates) == 1:
        years = HISTORY * float(np.mean(-np.expm1(-rates[0] * u) / rates[0]))
        return exposure_data(round(rates[0] * years), years)
    early = HISTORY * -math.expm1(-rates[0]) / rates[0]
    late = HISTORY * math.exp(-rates[0]) * float(np.mean(-np.expm1(-rates[1] * (u - 1.0)) / rates[1]))
    return exposure_data([round(rates[0] * early), round(rates[1] * late)], [early, late], cuts=[1.0])


def _exponential(drift: float, ratio: float, controls: int) -> dict[str, float]:
    from scipy.special import gammainc

    history, trials = _expected((RATE0,)), SIMULATIONS["exponential"]
    theta = np.linspace(-4.0, 2.0, 401)
    priors = _priors(history, theta)
    rate = RATE0 * math.exp(drift)
    rejected = dict.fromkeys(METHODS, 0)
    for block in range(trials // 2000):
        d, t = _followed(block_stream(5, block, 71), controls, 2000, (rate,))
        dt, tt = _followed(block_stream(5, block, 72), TREATED, 2000, (rate * ratio,))
        log = d * theta - t * np.exp(theta)
        better = gammainc(0.5 + dt, (0.5 + tt) * np.exp(theta))  # treated hazard below the control's
        weight = _hazard_weight(history, d, t)
        for name, value in _decide(priors, np.exp(log - log.max(axis=1, keepdims=True)), better, weight).items():
            rejected[name] += int((value > THRESHOLD).sum())
    return {name: count / trials for name, count in rejected.items()}


def _hazard_weight(history: ExposureData, events: IntArray, years: FloatArray) -> FloatArray:
    start = first_prior(history, None)
    centre = (np.array(history.events) + start[0]) / (np.array(history.years) + start[1])
    total, expected = events.sum(axis=1), years @ centre
    against = np.maximum(*(s * DELTA_HAZARD * total - expected * math.exp(s * DELTA_HAZARD) for s in (-1.0, 1.0)))
    return np.asarray(1.0 / (1.0 + np.exp(against + expected)), np.float64)


def _piecewise(drift: float, ratio: float, controls: int) -> dict[str, float]:
    """Treatment is better where its cumulative hazard at three years is lower."""
    history, trials = _expected(RATES0), SIMULATIONS["piecewise-exponential"]
    theta = np.linspace(-4.6, 1.0, 85)
    priors = _priors(history, theta)
    rate = np.exp(theta)
    total = (rate[:, None] + (_HORIZON - 1.0) * rate[None, :]).ravel()
    edges = np.linspace(-3.0, 1.8, 161)
    place = np.clip(np.searchsorted(edges, np.log(total)), 0, edges.size)
    bins = np.zeros((total.size, edges.size + 1))
    bins[np.arange(total.size), place] = 1.0
    now = tuple(r * math.exp(drift) for r in RATES0)
    rejected = dict.fromkeys(METHODS, 0)

    def likelihood(d: IntArray, t: FloatArray) -> FloatArray:
        one, two = (d[:, [j]] * theta - t[:, [j]] * rate for j in (0, 1))
        one, two = np.exp(one - one.max(axis=1, keepdims=True)), np.exp(two - two.max(axis=1, keepdims=True))
        return np.asarray((one[:, :, None] * two[:, None, :]).reshape(d.shape[0], -1), np.float64)

    for block in range(trials // 500):
        d, t = _followed(block_stream(6, block, 73), controls, 500, now)
        dt, tt = _followed(block_stream(6, block, 74), TREATED, 500, (now[0] * ratio, now[1] * ratio))
        after = (likelihood(dt, tt) * priors.vague) @ bins
        after /= after.sum(axis=1, keepdims=True)
        below = np.cumsum(after, axis=1) - after / 2.0  # treated cumulative hazard below the middle of each bin
        like, weight = likelihood(d, t), _hazard_weight(history, d, t)
        mixed = weight[:, None] * ((like * priors.informative) @ bins) + (1.0 - weight[:, None]) * ((like * priors.vague) @ bins)
        for name in METHODS:
            post = mixed if name == "self-adapting mixture" else (like * priors.fixed[name]) @ bins
            value = (post * below).sum(axis=1) / post.sum(axis=1)
            rejected[name] += int((value > THRESHOLD).sum())
    return {name: count / trials for name, count in rejected.items()}


#: Covariance of one patient's worth of (logit cure fraction, log shape, log scale), Weibull latency with shape 1.3 and scale 0.9.
_UNIT: dict[float, FloatArray] = {}


def _unit_covariance(cured: float) -> FloatArray:
    """From a fit to 4,000 simulated patients of this truth, times their number."""
    if cured not in _UNIT:
        from nextarm.survival import make_patients
        from nextarm.survival.fit import fit_model

        g, n = block_stream(9, round(1e4 * cured), 75), 4000
        time = np.where(g.random(n) < cured, np.inf, 0.9 * g.weibull(1.3, n))
        seen = g.uniform(*FOLLOW_UP, size=n)
        fit = fit_model(make_patients(np.minimum(time, seen), (time <= seen).astype(int)), model="mixture-cure:weibull")
        assert fit.covariance is not None
        _UNIT[cured] = fit.covariance * n
    return _UNIT[cured]


def _cure(drift: float, ratio: float, controls: int) -> dict[str, float]:
    """Normal estimates of three parameters; drift and effect are hazard ratios that act on the cure fraction (its log is multiplied)."""
    trials = SIMULATIONS["mixture-cure"]
    latency = np.array([math.log(1.3), math.log(0.9)])

    def truth(cured: float) -> FloatArray:
        return np.concatenate([[math.log(cured / (1.0 - cured))], latency])

    now = CURE0 ** math.exp(drift)
    treated = now**ratio
    wide = np.diag([1.8**2, 1.0, 1.0])
    vague = MultinormalMixture(weights=np.ones(1), means=np.concatenate([[0.0], latency])[None], covariances=wide[None])
    history, v0 = truth(CURE0), _unit_covariance(CURE0) / HISTORY
    v, vt = _unit_covariance(round(now, 4)) / controls, _unit_covariance(round(treated, 4)) / TREATED
    g = block_stream(7, 0, 76)
    y = truth(now) + g.standard_normal((trials, 3)) @ np.linalg.cholesky(v).T
    yt = truth(treated) + block_stream(7, 0, 77).standard_normal((trials, 3)) @ np.linalg.cholesky(vt).T
    mean_t, var_t = _marginal(vague, yt, vt)

    def power(a0: FloatArray, weights: FloatArray) -> MultinormalMixture:
        precision = a0[:, None, None] * np.linalg.inv(v0) + np.linalg.inv(wide)
        covariances = np.asarray(np.linalg.inv(precision), np.float64)
        right = a0[:, None] * (np.linalg.inv(v0) @ history) + np.linalg.inv(wide) @ vague.means[0]
        return MultinormalMixture(weights=weights, means=np.einsum("mij,mj->mi", covariances, right), covariances=covariances)

    def around(tau: TauPrior) -> MultinormalMixture:
        nodes = tau_nodes(tau, math.sqrt(float(v0[0, 0])))
        own = np.linalg.inv(np.linalg.inv(v0) + np.linalg.inv(wide))
        centre = own @ (np.linalg.inv(v0) @ history + np.linalg.inv(wide) @ vague.means[0])
        w = nodes.weights / nodes.weights.sum()
        held = w > 1e-9
        covariances = np.asarray(own + nodes.taus[held, None, None] ** 2 * np.eye(3), np.float64)
        return MultinormalMixture(weights=w[held] / w[held].sum(), means=np.tile(centre, (int(held.sum()), 1)), covariances=covariances)

    nodes, log_w = power_nodes((1.0, 1.0))
    near, full = around(PREDICTIVE), power(np.ones(1), np.ones(1))
    robust = MultinormalMixture(
        weights=np.append((1.0 - ROBUST) * near.weights, ROBUST), means=np.concatenate([near.means, vague.means]),
        covariances=np.concatenate([near.covariances, vague.covariances]),
    )  # fmt: skip
    priors = {
        "no borrowing": vague,
        "pooling": full,
        "power prior, a0 = 0.5": power(np.array([0.5]), np.ones(1)),
        "normalised power prior": power(nodes, np.exp(log_w)),
        "commensurate prior": around(COMMENSURATE),
        "robust predictive prior": robust,
    }
    out = {name: float((_better(prior, y, v, mean_t, var_t) > THRESHOLD).mean()) for name, prior in priors.items()}
    inverse, cured = np.linalg.inv(v), 1.0 / (1.0 + math.exp(-float(full.means[0, 0])))
    log_l = []
    for shift in (0.0, -DELTA_P, DELTA_P):
        at = full.means[0].copy()
        at[0] = math.log((cured + shift) / (1.0 - cured - shift))
        log_l.append(-0.5 * np.einsum("ni,ij,nj->n", y - at, inverse, y - at))
    w = 1.0 / (1.0 + np.exp(np.maximum(log_l[1], log_l[2]) - log_l[0]))
    parts = [(_density_of(m, y, v), _better(m, y, v, mean_t, var_t)) for m in (full, vague)]
    first, second = w * parts[0][0], (1.0 - w) * parts[1][0]
    value = (first * parts[0][1] + second * parts[1][1]) / (first + second)
    return out | {"self-adapting mixture": float((value > THRESHOLD).mean())}


def _marginal(prior: MultinormalMixture, y: FloatArray, v: FloatArray) -> tuple[FloatArray, float]:
    """Posterior mean (trials,) and variance of the first parameter under a prior of one component."""
    gain = prior.covariances[0] @ np.linalg.inv(prior.covariances[0] + v)
    means = prior.means[0] + (y - prior.means[0]) @ gain.T
    return means[:, 0], float((prior.covariances[0] - gain @ prior.covariances[0])[0, 0])


def _density_of(prior: MultinormalMixture, y: FloatArray, v: FloatArray) -> FloatArray:
    total = prior.covariances[0] + v
    off = y - prior.means[0]
    made: FloatArray = np.exp(-0.5 * np.einsum("ni,ij,nj->n", off, np.linalg.inv(total), off)) / math.sqrt(float(np.linalg.det(total)))
    return made


def _better(prior: MultinormalMixture, y: FloatArray, v: FloatArray, mean_t: FloatArray, var_t: float) -> FloatArray:
    """Probability that the treated cure fraction is higher, (trials,)."""
    from scipy.special import ndtr

    top = np.zeros(y.shape[0])
    total = np.zeros(y.shape[0])
    for w, mean, covariance in zip(prior.weights, prior.means, prior.covariances, strict=True):
        one = MultinormalMixture(weights=np.ones(1), means=mean[None], covariances=covariance[None])
        share = w * _density_of(one, y, v)
        m, s2 = _marginal(one, y, v)
        top += share * ndtr((mean_t - m) / math.sqrt(var_t + s2))
        total += share
    return top / total
