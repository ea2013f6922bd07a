"""The posterior of the bivariate model by the No-U-Turn sampler, the effects of the studies sampled with everything else.

A second way to `accuracy_bayes`, which integrates those effects out: two samplers that share nothing but the priors. NumPyro is an extra.
Hoffman MD, Gelman A. J Mach Learn Res 2014; 15: 1593-623. Phan D et al. arXiv:1912.11554. Split R-hat: Gelman A et al. Bayesian Data Analysis, 3rd ed.
"""
from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from osteon.stats.accuracy_bayes import Posterior, Priors
from osteon.stats.accuracy_bootstrap import Draws
from osteon.stats.accuracy_table import Tables

WATCHED = ("mu", "tau", "z")  # the five parameters whose chains are judged


class Chains(NamedTuple):
    """The posterior, the worst split R-hat of its five parameters, and the transitions that diverged."""

    posterior: Posterior
    r_hat: float
    divergent: int


def nuts(tables: Tables, priors: Priors | None = None, *, count: int = 4000, chains: int = 2, warm_up: int = 1000, seed: int = 0) -> Chains:
    """``count`` draws of ``chains`` chains in turn; raises ValueError where NumPyro is not installed."""
    try:
        from jax import random
        from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
        from numpyro.infer import MCMC, NUTS
    except ImportError as error:
        raise ValueError("nuts: NumPyro is not installed; expected the extra 'bayes' (pip install 'osteon[bayes]')") from error
    priors = Priors() if priors is None else priors
    chain = MCMC(NUTS(_model, target_accept_prob=0.9), num_warmup=warm_up, num_samples=-(-count // chains), num_chains=chains,
                 chain_method="sequential", progress_bar=False)
    chain.run(random.PRNGKey(seed), tables.events.astype(np.int32), tables.totals.astype(np.int32), priors, extra_fields=("diverging",))
    found: dict[str, np.ndarray] = {name: np.asarray(values, float) for name, values in chain.get_samples(group_by_chain=True).items()}
    watched = [found[name].reshape(*found[name].shape[:2], -1)[..., k] for name in WATCHED for k in range(found[name][0, 0].size)]
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in found.items()}
    tau, rho = flat["tau"], np.tanh(flat["z"])
    across = rho * tau[:, 0] * tau[:, 1]
    psi = np.array([[tau[:, 0] ** 2, across], [across, tau[:, 1] ** 2]]).transpose(2, 0, 1)
    least = min(float(effective_sample_size(w)) for w in watched)
    return Chains(Posterior(Draws(flat["mu"], psi), least, len(psi)), max(float(split_gelman_rubin(w)) for w in watched),
                  int(np.asarray(chain.get_extra_fields()["diverging"]).sum()))


def _model(events: Any, totals: Any, priors: Priors) -> None:
    """Binomial counts (k, 2) of true positives and true negatives, logits bivariate normal about the mean; effects standardised (non-centred)."""
    import numpyro
    from jax import numpy as jnp
    from numpyro import distributions as dist

    mu = numpyro.sample("mu", dist.Normal(0.0, priors.mean).expand([2]))
    tau = numpyro.sample("tau", dist.HalfNormal(priors.tau).expand([2]))
    z = numpyro.sample("z", dist.Normal(0.0, priors.fisher_z))
    with numpyro.plate("studies", len(totals)):
        effect = numpyro.sample("effect", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
    rho = jnp.tanh(z)
    apart = jnp.stack([effect[:, 0], rho * effect[:, 0] + jnp.sqrt(1 - rho * rho) * effect[:, 1]], axis=1)
    numpyro.sample("counts", dist.BinomialLogits(mu + tau * apart, totals), obs=events)
