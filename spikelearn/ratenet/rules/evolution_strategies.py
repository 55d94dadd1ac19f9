r"""Evolution strategies: a cloud of networks around the present one says in which direction the loss falls.

.. math::
    \epsilon_k \sim N(0, I),\quad L_k^\pm = L(w \pm s \epsilon_k),\quad
    g = \frac{1}{2 n s} \sum_{k=1}^n \left(u(L_k^+) - u(L_k^-)\right) \epsilon_k

All 2n losses are of the same minibatch. With ``u(L) = L`` the mean of g over draws is the gradient of the smoothed loss
``E L(w + s eps)`` for any s, because even terms cancel in a mirrored pair. On a quadratic loss that is the gradient of
the loss itself. With ranks for u, a large loss weighs no more than the second largest, and g is a direction only.

Source: Salimans, Ho, Chen, Sidor & Sutskever, arXiv:1703.03864 (2017), with its mirrored sampling, ranks and Adam;
without its weight decay. It draws thousands of networks for each step; here there are tens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.stats import rankdata

from spikelearn.errors import check_range
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.optimisers import Adam, Optimiser
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, Rule, State
from spikelearn.ratenet.shared import mean_loss, need_deterministic


class Shaping(Protocol):
    """What losses count for."""

    def utilities(self, losses: np.ndarray) -> np.ndarray:
        """Return one number for each loss, larger for larger losses; an array of the same shape."""


@dataclass(frozen=True)
class Losses:
    """Losses as they are."""

    def utilities(self, losses: np.ndarray) -> np.ndarray:
        """Return the losses."""
        return losses


@dataclass(frozen=True)
class Ranks:
    """Ranks among all losses, spread evenly from -1/2 to 1/2; equal losses share the mean of their ranks."""

    def utilities(self, losses: np.ndarray) -> np.ndarray:
        """Return the centred ranks."""
        return (rankdata(losses).reshape(losses.shape) - 1) / (losses.size - 1) - 0.5


@dataclass(frozen=True, kw_only=True)
class EvolutionStrategies(Rule):
    """A gradient from the losses of mirrored pairs of disturbed networks (Salimans et al. 2017).

    Takes memory for ``pairs`` times the number of weights.

    Parameters
    ----------
    noise : float
        Standard deviation s of the disturbance.
    pairs : int
        Mirrored pairs n in each step.
    shaping : Ranks or Losses
        What losses count for.
    """

    optimiser: Optimiser = Adam(rate=0.01)
    noise: float = 0.05
    pairs: int = 16
    shaping: Shaping = Ranks()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("EvolutionStrategies.noise", self.noise, above=0)
        check_range("EvolutionStrategies.pairs", self.pairs, at_least=1, integer=True)

    def check(self, network: RateNetwork) -> None:
        """Refuse units that draw: the networks must differ in the weights only."""
        need_deterministic(self, network)

    def gradients(self, state: State, batch: Batch, rng: np.random.Generator) -> Parameters:
        """Return the direction in which the cloud's loss rises."""
        disturbed, centre = state.parameters.copy(), state.parameters.flat
        draws = rng.standard_normal((self.pairs, len(centre)), centre.dtype)

        def loss(flat: np.ndarray) -> float:
            disturbed.flat[:] = flat
            return mean_loss(state.network, disturbed, batch)

        state.gradient.flat[:] = search_gradient(loss, centre, draws, self.noise, self.shaping)
        return state.gradient


def search_gradient(
    loss: Callable[[np.ndarray], float], centre: np.ndarray, draws: np.ndarray, noise: float, shaping: Shaping
) -> np.ndarray:
    """Return g of the module's equation; (size,) array.

    Parameters
    ----------
    loss : callable
        Returns a number, given an array like `centre`.
    centre : (size,) array
    draws : (pairs, size) array
        Standard normal.
    noise : float
        Standard deviation s.
    shaping : Ranks or Losses
    """
    losses = np.array([[loss(centre + noise * draw), loss(centre - noise * draw)] for draw in draws])
    up, down = shaping.utilities(losses).T
    return ((up - down) / (2 * noise * len(draws))).astype(centre.dtype) @ draws
