"""The binomial predictive prior by quadrature beside NumPyro's sampler on the same model: a check, not a test.

Needs the extra `bayes` (pip install -e '.[bayes]'); run by hand: `python bench/numpyro_check.py`. The eight studies are those of
RBesT's AS data; beta ~ N(0, 2), tau ~ half-normal(1).
"""

from __future__ import annotations

import time

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax import random
from numpyro.infer import MCMC, NUTS

from nextarm.borrowing import map_prior_binomial

R = np.array([23, 12, 19, 9, 39, 6, 9, 10])
N = np.array([107, 44, 51, 39, 139, 20, 78, 35])
WARMUP, SAMPLES = 500, 2000


def model() -> None:
    """Logit-normal study effects, not centred."""
    mean = numpyro.sample("mean", dist.Normal(0.0, 2.0))
    tau = numpyro.sample("tau", dist.HalfNormal(1.0))
    with numpyro.plate("studies", len(R)):
        step = numpyro.sample("step", dist.Normal(0.0, 1.0))
        numpyro.sample("r", dist.BinomialLogits(total_count=jnp.array(N), logits=mean + tau * step), obs=jnp.array(R))


def main() -> None:
    """Print both, with the sampler's standard error."""
    start = time.process_time()
    run = MCMC(NUTS(model), num_warmup=WARMUP, num_samples=SAMPLES, num_chains=2, chain_method="sequential", progress_bar=False)
    run.run(random.PRNGKey(1))
    draws = run.get_samples()
    new = np.asarray(draws["mean"]) + np.asarray(draws["tau"]) * np.random.default_rng(1).standard_normal(len(draws["tau"]))
    p = 1.0 / (1.0 + np.exp(-new))
    sampled = time.process_time() - start
    start = time.process_time()
    ours = map_prior_binomial(R.tolist(), N.tolist())
    rows = (
        ("mean", p.mean(), ours.mean, p.std() / np.sqrt(len(p) / 4)),
        ("sd", p.std(), ours.sd, None),
        ("median", np.median(p), ours.median, None),
        ("2.5 %", np.quantile(p, 0.025), ours.ci.low, None),
        ("97.5 %", np.quantile(p, 0.975), ours.ci.high, None),
        ("tau, mean", np.asarray(draws["tau"]).mean(), ours.tau_mean, None),
    )
    print(f"{'':12} NumPyro  quadrature   (NumPyro {sampled:.1f} s, quadrature {time.process_time() - start:.3f} s of CPU)")
    for name, theirs, mine, se in rows:
        print(f"{name:12} {theirs:.4f}   {mine:.4f}" + (f"   sampler's standard error about {se:.4f}" if se is not None else ""))


if __name__ == "__main__":
    main()
