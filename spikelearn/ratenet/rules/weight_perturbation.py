r"""Weight perturbation: all weights are disturbed at random, and keep what made the loss smaller.

.. math::
    \Delta W = -\eta \frac{L(W + s \xi) - L(W)}{s}\, \xi,\quad \xi \sim N(0, I)

One number, the change of a minibatch's mean loss, for all weights: noisier than node perturbation by about the number
of inputs, so that it is by far the slowest rule here. Units have no teaching signal.

Source: Werfel, Xie & Seung, Neural Computation 17:2699 (2005).
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.optimisers import SGD, Optimiser
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, Rule, State
from spikelearn.ratenet.shared import mean_loss, need_deterministic


@dataclass(frozen=True, kw_only=True)
class WeightPerturbation(Rule):
    """A gradient from the loss with and without noise in the weights.

    Parameters
    ----------
    noise : float
        Standard deviation s of the noise in the weights.
    """

    optimiser: Optimiser = SGD(rate=1e-3)
    noise: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("WeightPerturbation.noise", self.noise, above=0)

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` for units that draw: the two passes must differ in the weights only."""
        need_deterministic(self, network)

    def gradients(self, state: State, batch: Batch, rng: np.random.Generator) -> Parameters:
        """Return the noise times the change of the loss that it caused."""
        disturbed, gradient = state.parameters.copy(), state.gradient
        rng.standard_normal(dtype=gradient.flat.dtype, out=gradient.flat)
        disturbed.flat += self.noise * gradient.flat
        before, after = (mean_loss(state.network, each, batch) for each in (state.parameters, disturbed))
        gradient.flat *= (after - before) / self.noise
        return gradient
