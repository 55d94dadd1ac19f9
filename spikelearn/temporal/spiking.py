r"""A recurrent network of leaky integrate-and-fire units, some of them with a threshold that adapts; a step is 1 ms.

.. math::
    v_t = a v_{t-1} + W \hat z_t - \theta z_{t-1},\quad \hat z_t = [z_{t-1}; x_t; 1],\quad a = e^{-1/\tau_m} \\
    b_t = \rho b_{t-1} + z_{t-1},\quad A_t = \theta + \beta b_t,\quad z_t = H(v_t - A_t),\quad
    r_t = \kappa r_{t-1} + (1 - \kappa) z_t

The readout receives the filtered spikes r. A spike has no derivative; in its place rules use

.. math::
    \psi_t = \frac{\gamma}{\theta} \max(0, 1 - |v_t - A_t| / \theta)

which is zero while a unit is refractory. Units do not receive themselves, and have no bias. Source: Bellec et al.,
Nature Communications 11:3625 (2020).
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.outputs import Output, Softmax
from spikelearn.temporal.weights import Weights

__all__ = ["SpikingNetwork", "SpikingState", "SpikingStep"]


class SpikingState(NamedTuple):
    """State of a batch of spiking networks, for the next step.

    Parameters
    ----------
    v : (batch, n) array
        Potentials, without unit: a spike through a weight of 1 adds 1.
    adaptation : (batch, adaptive) array
        Filtered spikes of the adaptive units.
    spikes : (batch, n) array
        1 where a unit spiked, else 0.
    filtered : (batch, n) array
        Filtered spikes, as the readout receives them.
    wait : (batch, n) int array
        Steps for which a unit stays refractory.
    """

    v: np.ndarray
    adaptation: np.ndarray
    spikes: np.ndarray
    filtered: np.ndarray
    wait: np.ndarray  # steps for which the unit stays refractory


class SpikingStep(NamedTuple):
    """One step of a batch of spiking networks.

    Parameters
    ----------
    state : SpikingState
        State after the step.
    sent : (batch, n) array
        Filtered spikes, the input of the readout.
    senders : (batch, n + n_in + 1) array
        Factors of the recurrent weights: spikes before the step, inputs, 1.
    psi : (batch, n) array
        Pseudo-derivative of a spike with respect to the potential.
    """

    state: SpikingState
    sent: np.ndarray
    senders: np.ndarray
    psi: np.ndarray


@dataclass(frozen=True, kw_only=True)
class SpikingNetwork:
    """Leaky integrate-and-fire units first, adaptive ones last.

    Parameters
    ----------
    n_in, n, n_out : int
        Number of inputs, units and outputs.
    adaptive : int
        Number of units with adaptive thresholds.
    output : Output
        Function and loss of the outputs.
    tau_membrane, tau_output, tau_adaptation : float
        Time constants, ms.
    threshold : float
        Potential of a spike, without unit: one spike through a weight of 1 adds 1 to the potential.
    beta : float
        Rise of an adaptive unit's threshold after a spike.
    refractory : int
        Number of steps without a spike after one.
    gamma : float
        Height of psi at the threshold, times `threshold`.

    Raises
    ------
    InputError
        A number is out of its range.
    """

    n_in: int
    n: int
    n_out: int
    adaptive: int = 0
    output: Output = field(default_factory=Softmax)
    tau_membrane: float = 20.0
    tau_output: float = 20.0
    tau_adaptation: float = 200.0
    threshold: float = 1.0
    beta: float = 0.2
    refractory: int = 0
    gamma: float = 0.3

    def __post_init__(self) -> None:
        check_range("n_in", self.n_in, at_least=0, integer=True)
        for name in ("n", "n_out"):
            check_range(name, getattr(self, name), at_least=1, integer=True)
        check_range("adaptive", self.adaptive, at_least=0, at_most=self.n, integer=True)
        for name in ("tau_membrane", "tau_output", "tau_adaptation"):
            check_range(name, getattr(self, name), above=0, unit="ms")
        for name in ("threshold", "gamma"):
            check_range(name, getattr(self, name), above=0)
        check_range("beta", self.beta, at_least=0)
        check_range("refractory", self.refractory, at_least=0, integer=True)

    @property
    def decay(self) -> float:
        """Share of the potential that one step keeps, a."""
        return math.exp(-1 / self.tau_membrane)

    @property
    def kappa(self) -> float:
        """Share of the filtered spikes that one step keeps."""
        return math.exp(-1 / self.tau_output)

    @property
    def rho(self) -> float:
        """Share of the adaptation that one step keeps."""
        return math.exp(-1 / self.tau_adaptation)

    def draw(self, rng: np.random.Generator) -> Weights:
        """Draw weights: Gaussian, of variance 1 / presynaptic number."""
        n, n_in = self.n, self.n_in
        units, inputs, readout = (
            rng.standard_normal((post, pre)) / np.sqrt(max(1, pre))
            for post, pre in ((n, n), (n, n_in), (self.n_out, n))
        )
        others = ~np.eye(n, dtype=bool)
        return Weights(
            np.hstack([units * others, inputs, np.zeros((n, 1))]),
            np.hstack([readout, np.zeros((self.n_out, 1))]),
            np.hstack([others, np.ones((n, n_in), bool), np.zeros((n, 1), bool)]),
        )

    def rest(self, batch: int) -> SpikingState:
        """Return potentials of zero, and no spikes."""
        zero = np.zeros((batch, self.n))
        return SpikingState(zero, np.zeros((batch, self.adaptive)), zero, zero, np.zeros((batch, self.n), int))

    def advance(self, weights: Weights, state: SpikingState, x: np.ndarray) -> SpikingStep:
        """Return one step of a batch of sequences; inputs are spikes, or currents."""
        batch, fixed = len(state.v), self.n - self.adaptive
        senders = np.empty((batch, weights.recurrent.shape[1]))
        senders[:, : self.n] = state.spikes
        senders[:, self.n : -1] = x
        senders[:, -1] = 1
        v = self.decay * state.v + senders @ weights.recurrent.T - self.threshold * state.spikes
        adaptation = self.rho * state.adaptation + state.spikes[:, fixed:]
        distance = v - self.threshold
        distance[:, fixed:] -= self.beta * adaptation
        ready = state.wait == 0
        spikes = ((distance > 0) & ready).astype(float)
        wait = np.where(spikes > 0, self.refractory, np.maximum(state.wait - 1, 0))
        psi = np.maximum(0, 1 - abs(distance) / self.threshold) * ready
        psi *= self.gamma / self.threshold
        filtered = self.kappa * state.filtered + (1 - self.kappa) * spikes
        return SpikingStep(SpikingState(v, adaptation, spikes, filtered, wait), filtered, senders, psi)
