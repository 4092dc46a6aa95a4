"""prior.json: a prior with all that says what it is a prior of, so that whoever reads it back can refuse what does not fit.

It carries the end point, the time and the origin of time, the arms with their class of treatment, the kind of parameter, the
mixture (with its robust component, if any, last), and what it is worth.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import ClassVar

import numpy as np

from nextarm.borrowing.beta_mixture import BetaMixture
from nextarm.borrowing.cure_prior import MODELS, CurePrior
from nextarm.borrowing.fit_mixture import fit_mixture
from nextarm.borrowing.gamma_mixture import GammaMixture
from nextarm.borrowing.information import CURE, MEAN, PARAMETERS, PROBABILITY, RATE, SURVIVAL, Worth, worth
from nextarm.borrowing.map_prior import MapPrior
from nextarm.borrowing.mixtures import robust_share
from nextarm.borrowing.multinormal import MultinormalMixture
from nextarm.borrowing.normal_mixture import NormalMixture
from nextarm.borrowing.piecewise_prior import PiecewisePrior
from nextarm.borrowing.remission import EfsPrior, InductionTerm
from nextarm.core.errors import CallError, DataError, Problem, RefusedError, unreadable
from nextarm.core.result import Result, record
from nextarm.core.trail import Trail
from nextarm.core.units import FloatArray

#: The scale of the mixture for each kind of parameter.
SCALES = {
    SURVIVAL: "probability", PROBABILITY: "probability", RATE: "rate a year", "piecewise-hazards": "log hazard a year",
    "log-hazard": "log hazard a year", CURE: "estimation scale of the fit", MEAN: "natural",
}  # fmt: skip


@record
class PriorFile(Result):
    """A prior as it is written to and read from a file.

    ``parameter`` is one of survival, event-probability, event-rate, log-hazard, piecewise-hazards, mixture-cure, mean;
    ``names`` the parameters of the mixture, ``scale`` the scale it is on; ``time`` in years (None where the parameter has none);
    ``time_origin`` as the evidence has it; ``summary`` the predictive distribution in numbers before robustification.
    """

    parameter: str
    scale: str
    names: tuple[str, ...]
    endpoint: str
    time: float | None
    time_origin: str
    arms: tuple[str, ...]
    treatment_class: str
    backbone: str
    k: int
    likelihood: str
    model: str
    cuts: tuple[float, ...]
    mixture: BetaMixture | GammaMixture | NormalMixture | MultinormalMixture
    robust_weight: float
    divergence: float | None
    worth: tuple[Worth, ...]
    summary: dict[str, float | None]
    induction: InductionTerm | None = None

    shown: ClassVar[tuple[str, ...]] = ("parameter", "endpoint", "time", "time_origin", "k", "likelihood", "robust_weight", "divergence")

    def require(
        self,
        *,
        parameter: str | None = None,
        endpoint: str | None = None,
        time: float | None = None,
        time_origin: str | None = None,
        arm: str | None = None,
    ) -> None:
        """Raise :class:`RefusedError` listing everything in which this prior is of something else; None is not asked.

        An origin that was never stated does not fit a stated one.
        """
        asked: tuple[tuple[str, str | None, str], ...] = (
            ("parameter", parameter, self.parameter),
            ("endpoint", endpoint, self.endpoint),
            ("time_origin", time_origin, self.time_origin),
        )
        problems = [
            Problem(f"{name} = {own or 'not stated'}", "the prior", f"is asked to be {want}", "Make the prior of what the plan is about")
            for name, want, own in asked
            if want is not None and want != own
        ]
        if time is not None and (self.time is None or abs(time - self.time) > 1e-9):
            own = "no one time" if self.time is None else f"{self.time:g} years"
            problems.append(Problem(f"time = {own}", "the prior", f"is asked to be {time:g} years"))
        if arm is not None and arm not in self.arms:
            problems.append(Problem(f"arms = {', '.join(self.arms) or 'not stated'}", "the prior", f"do not hold {arm}"))
        if problems:
            raise RefusedError(problems=problems)


def read_prior(path: str | Path) -> PriorFile:
    """Read prior.json; :class:`DataError` says what is wrong with it."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"{file} is missing", cure="Make it with nextarm prior ... --json --out FILE") from None
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(file, error) from None
    made = PriorFile.from_json(text)
    if made.parameter not in PARAMETERS:
        raise DataError(f"parameter = {made.parameter!r}", where=file.name, rule=f"must be one of {', '.join(PARAMETERS)}")
    w = made.mixture.weights
    if not (w.ndim == 1 and w.size and np.isfinite(w).all() and (w >= 0.0).all() and abs(float(w.sum()) - 1.0) < 1e-6):
        raise DataError("the weights of the mixture", where=file.name, rule="must not be negative and must sum to 1")
    return made


def prior_file(
    found: MapPrior | EfsPrior | CurePrior | PiecewisePrior,
    *,
    parameter: str = "",
    endpoint: str = "",
    time: float | None = None,
    time_origin: str = "not-stated",
    arms: tuple[str, ...] = (),
    treatment_class: str = "",
    backbone: str = "",
    robust: float = 0.0,
    horizon: float | None = None,
    sigma: float | None = None,
    components: int | None = None,
) -> PriorFile:
    """Fit the mixture, add the robust component of weight ``robust``, and put everything a reader needs beside it.

    The robust component is uniform (probabilities), worth one event at the median (rates), or normal around the prior's
    mean with the spread of one event or one patient.
    """
    share = robust_share(robust)
    if isinstance(found, EfsPrior):
        made = prior_file(
            found.prior, parameter=parameter or SURVIVAL, endpoint="EFS", time=found.time, time_origin="diagnosis", arms=arms,
            treatment_class=treatment_class, backbone=backbone, robust=share, horizon=horizon, components=components,
        )  # fmt: skip
        return PriorFile(**{**vars(made), "induction": found.induction})
    summary: dict[str, float | None]
    if isinstance(found, CurePrior):
        mixture: BetaMixture | GammaMixture | NormalMixture | MultinormalMixture = found.predictive.merged()
        assert isinstance(mixture, MultinormalMixture)
        # The vague component: any cure fraction (logistic sd 1.8), latency parameters within a factor of about 7.
        vague = [1.8, *[1.0] * (len(found.names) - 1)]
        mixture = mixture.robustify(share, mean=found.means, sd=vague) if share else mixture
        off = _largest_gap(found.predictive, mixture) if not share else None
        parts = _cure_worth(mixture)
        summary = {"mean": found.cure_fraction_mean, "sd": found.cure_fraction_sd, "median": found.cure_fraction_median}
        summary |= {"low": found.cure_fraction_ci.low, "high": found.cure_fraction_ci.high}
        return _made(
            found, CURE, names=MODELS[found.model], mixture=mixture, divergence=off, parts=parts, summary=summary, endpoint=endpoint,
            time=None, time_origin=time_origin, arms=arms, treatment_class=treatment_class, backbone=backbone, robust=share, k=found.k,
            likelihood="mixture-cure", model=found.model,
        )  # fmt: skip
    if isinstance(found, PiecewisePrior):
        mixture = _pieces(found)
        if share:
            mixture = mixture.robustify(share, mean=mixture.means_of(), sd=[1.0] * len(found.pieces))
        summary = {f"median {i + 1}": p.median for i, p in enumerate(found.pieces)}
        names = tuple(f"log hazard {i + 1}" for i in range(len(found.pieces)))
        return _made(
            found, "piecewise-hazards", names=names, mixture=mixture, divergence=None, parts=(), summary=summary, endpoint=endpoint,
            time=None, time_origin=time_origin, arms=arms, treatment_class=treatment_class, backbone=backbone, robust=share, k=found.k,
            likelihood="piecewise-exponential", cuts=found.cuts,
        )  # fmt: skip
    kind = parameter or _kind_of(found)
    family = {"probability": "beta", "rate a year": "gamma"}.get(SCALES.get(kind, ""), "normal")
    fits = {"beta": ("logit", "cloglog", "identity"), "gamma": ("log",)}.get(family, ("identity",))
    if found.measure not in fits:
        raise CallError(f"parameter = {kind!r}", rule=f"cannot be on the {found.measure} scale: needs {' or '.join(fits)}")
    fitted = fit_mixture(found, family=family, components=components)
    plain = fitted.mixture
    if isinstance(plain, BetaMixture):
        mixture = plain.robustify(share) if share else plain
    elif isinstance(plain, GammaMixture):
        mixture = plain.robustify(share, mean=found.median, years=1.0 / found.median) if share else plain
    else:
        wide = sigma or 10.0 * plain.sd()
        mixture = plain.robustify(share, mean=plain.mean(), sd=wide) if share else plain
    summary = {"mean": found.mean, "sd": found.sd, "median": found.median, "low": found.ci.low, "high": found.ci.high}
    summary |= {"tau_mean": found.tau_mean, "tau_median": found.tau_median}
    return _made(
        found, kind, names=(kind,), mixture=mixture, divergence=fitted.divergence,
        parts=worth(mixture, parameter=kind, horizon=horizon, sigma=sigma), summary=summary, endpoint=endpoint, time=time,
        time_origin=time_origin, arms=arms, treatment_class=treatment_class, backbone=backbone, robust=share, k=found.k,
        likelihood=found.likelihood, more=fitted.warnings[len(found.warnings) :],
    )  # fmt: skip


def component_words(found: PriorFile) -> list[str]:
    """The components of the mixture in words, one line each."""
    m = found.mixture
    if isinstance(m, BetaMixture):
        made = [f"Beta({a:.2f}, {b:.2f})" for a, b in zip(m.a, m.b, strict=True)]
    elif isinstance(m, GammaMixture):
        made = [f"Gamma({a:.2f}, {b:.2f} years)" for a, b in zip(m.shapes, m.rates, strict=True)]
    elif isinstance(m, NormalMixture):
        made = [f"N({a:.3f}, {b:.3f}^2)" for a, b in zip(m.means, m.sds, strict=True)]
    else:
        made = []
        for mean, covariance in zip(m.means, m.covariances, strict=True):
            sds = np.sqrt(np.diagonal(covariance))
            made.append("; ".join(f"{n} {a:.3f} (sd {b:.3f})" for n, a, b in zip(found.names, mean, sds, strict=True)))
    return [f"{w:.3f} {text}" for w, text in zip(m.weights, made, strict=True)]


def worth_lines(found: PriorFile) -> list[str]:
    """The components of the mixture in words, and what it is worth by three definitions, one line each."""
    lines = [f"  {text}" for text in component_words(found)]
    for part in found.worth:
        head = f"effective sample size, {part.method:<7}"
        if part.patients is None and part.events is None:
            lines.append(f"{head} not defined: {part.why}")
            continue
        named = ((part.patients, "patients"), (part.events, "events"), (part.years, "years"))
        said = ", ".join(f"{value:.1f} {name}" for value, name in named if value is not None)
        lines.append(f"{head} {said}  ({part.conversion or part.why})")
    return lines


def _kind_of(found: MapPrior) -> str:
    if found.likelihood in ("poisson", "exponential") or found.measure == "log":
        return RATE
    return {"cloglog": SURVIVAL, "logit": PROBABILITY}.get(found.measure, MEAN)


def _made(
    found: MapPrior | CurePrior | PiecewisePrior, kind: str, *, names: tuple[str, ...],
    mixture: BetaMixture | GammaMixture | NormalMixture | MultinormalMixture, divergence: float | None, parts: tuple[Worth, ...],
    summary: dict[str, float | None], endpoint: str, time: float | None, time_origin: str, arms: tuple[str, ...], treatment_class: str,
    backbone: str, robust: float, k: int, likelihood: str, model: str = "", cuts: tuple[float, ...] = (), more: tuple[str, ...] = (),
) -> PriorFile:  # fmt: skip
    if kind not in PARAMETERS:
        raise CallError(f"parameter = {kind!r}", rule=f"must be one of {', '.join(PARAMETERS)}")
    said = (f"a vague component has weight {robust:g}",) if robust else ()
    before = found.trail
    return PriorFile(
        trail=Trail(
            method=before.method, reference=before.reference, rows=before.rows, left_out=before.left_out, sources=before.sources,
            assumptions=(*before.assumptions, *said), inputs=before.inputs, seed=before.seed,
        ),
        warnings=(*found.warnings, *more),
        parameter=kind, scale=SCALES[kind], names=names, endpoint=endpoint, time=time, time_origin=time_origin, arms=arms,
        treatment_class=treatment_class, backbone=backbone, k=k, likelihood=likelihood, model=model, cuts=cuts, mixture=mixture,
        robust_weight=robust, divergence=divergence, worth=parts, summary=summary,
    )  # fmt: skip


def _cure_worth(mixture: MultinormalMixture) -> tuple[Worth, ...]:
    """What the prior of the cure fraction is worth in patients of known cure status, through its beta mixture."""
    from scipy.special import expit, ndtr

    edges = np.linspace(-9.0, 9.0, 721)
    theta = mixture.marginal(0)
    below = ndtr((edges[:, None] - theta.means) / theta.sds) @ theta.weights
    mass = np.diff(below)
    centre: FloatArray = expit((edges[1:] + edges[:-1]) / 2.0)
    fitted = fit_mixture((centre, mass / mass.sum())).mixture
    assert isinstance(fitted, BetaMixture)
    return tuple(
        Worth(
            method=p.method, patients=p.patients, events=p.events, years=None, why=p.why,
            conversion=f"{p.conversion}; a patient counts with the cure status known" if p.conversion else "",
        )
        for p in worth(fitted, parameter=SURVIVAL)
    )  # fmt: skip


def _largest_gap(one: MultinormalMixture, other: MultinormalMixture) -> float:
    """The largest difference of two marginal distribution functions."""
    gap = 0.0
    for j, (m, s) in enumerate(zip(one.means_of().tolist(), one.sds().tolist(), strict=True)):
        x = m + s * np.linspace(-4.0, 4.0, 161)
        gap = max(gap, float(np.abs(one.marginal(j).cdf(x) - other.marginal(j).cdf(x)).max()))
    return gap


def _pieces(found: PiecewisePrior) -> MultinormalMixture:
    """Log hazards of the pieces: one normal a slice of a shared tau; two normals a piece, all combined, where the taus differ."""
    if found.shared_tau:
        parts = [[_moments(g.x, g.density) for g in pieces] for pieces in found.slices]
        means = np.array([[m for m, _ in row] for row in parts])
        variances = np.array([[v for _, v in row] for row in parts])
        weights = np.array(found.shares)
    else:
        fits = []
        for piece in found.pieces:
            x, mass = piece.predictive.masses()
            fitted = fit_mixture((x, mass / mass.sum()), family="normal", components=2 if len(found.pieces) <= 6 else 1).mixture
            assert isinstance(fitted, NormalMixture)
            fits.append(fitted)
        places = list(itertools.product(*(range(f.components) for f in fits)))
        weights = np.array([math.prod(float(f.weights[i]) for f, i in zip(fits, p, strict=True)) for p in places])
        means = np.array([[float(f.means[i]) for f, i in zip(fits, p, strict=True)] for p in places])
        variances = np.array([[float(f.sds[i]) ** 2 for f, i in zip(fits, p, strict=True)] for p in places])
    return MultinormalMixture(weights=weights / weights.sum(), means=means, covariances=variances[:, :, None] * np.eye(means.shape[1]))


def _moments(x: FloatArray, density: FloatArray) -> tuple[float, float]:
    mass = density * np.gradient(x)
    mass = mass / mass.sum()
    mean = float(mass @ x)
    return mean, float(mass @ (x - mean) ** 2)
