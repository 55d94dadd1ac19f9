r"""e-prop: spiking neurons keep eligibility traces, and a learning signal turns them into changes of weights.

The gradient is the sum over time of (total derivative of the loss by a spike) times (what the synapse did to that spike
inside its own neuron). e-prop puts the direct derivative, through the readout, in place of the total one, so nothing
has to come back from the future:

.. math::
    \bar z_i(t) = a \bar z_i(t-1) + \hat z_i(t),\quad e_{ji}(t) = \psi_j(t) (\bar z_i(t) - \beta_j \epsilon_{ji}(t)) \\
    \epsilon_{ji}(t+1) = \rho\, \epsilon_{ji}(t) + e_{ji}(t),\quad
    \bar e_{ji}(t) = \kappa \bar e_{ji}(t-1) + e_{ji}(t),\quad
    \Delta W_{ji}(t) = (1 - \kappa) L_j(t) \bar e_{ji}(t),\quad L(t) = B (y_t - y^*_t)

For leaky units beta is 0. With B the transposed readout this is the exact gradient of the loss if spikes that reach
other units, and a unit's own reset, are taken as given.

Source: Bellec et al., Nature Communications 11:3625 (2020).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from spikelearn.errors import InputError
from spikelearn.temporal.feedback import Feedback, Symmetric
from spikelearn.temporal.network import Network
from spikelearn.temporal.rule import Rule, State
from spikelearn.temporal.spiking import SpikingNetwork, SpikingStep
from spikelearn.temporal.weights import Weights


@dataclass
class Traces:
    """Of a batch.

    Attributes
    ----------
    received : (batch, n + n_in + 1) array
        Filtered presynaptic activity, the same for all neurons.
    slow : (batch, adaptive, n + n_in + 1) array
        What each synapse did to the adaptation of its neuron.
    eligible : (batch, n, n + n_in + 1) array
        Filtered eligibility.
    fresh : (batch, n, n + n_in + 1) array
        Room for the eligibility of a step.
    """

    received: np.ndarray
    slow: np.ndarray
    eligible: np.ndarray
    fresh: np.ndarray

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield what is remembered from step to step."""
        yield from (self.received, self.slow, self.eligible)


@dataclass(frozen=True, kw_only=True)
class EProp(Rule):
    """Learning by eligibility traces times learning signals (Bellec et al. 2020).

    Parameters
    ----------
    feedback : Feedback
        How errors reach the neurons: `Symmetric`, or `Random`, which is local.
    """

    feedback: Feedback = field(default_factory=Symmetric)

    def check(self, network: Network) -> None:
        """Raise `InputError` for a network that does not spike."""
        if not isinstance(network, SpikingNetwork):
            raise InputError(
                f"EProp trains spiking networks, got a {type(network).__name__}; use SpikingNetwork, or RFLO, which "
                f"is the same idea for rate units"
            )

    def start(self, network: Network, weights: Weights, rng: np.random.Generator) -> np.ndarray | None:
        """Draw the feedback weights, (outputs, units)."""
        return self.feedback.draw(weights, rng)

    def begin(self, state: State, batch: int) -> Traces:
        """Return traces of zero."""
        n, m = state.weights.recurrent.shape
        eligible = np.zeros((batch, n, m))
        slow = np.zeros((batch, state.network.adaptive, m))
        return Traces(np.zeros((batch, m)), slow, eligible, np.empty_like(eligible))

    def step(self, state: State, step: SpikingStep, error: np.ndarray | None, rng: np.random.Generator) -> bool:
        """Update the traces; where there is a loss, multiply them by the learning signals."""
        network, traces = state.network, state.memory
        fixed = network.n - network.adaptive
        traces.received *= network.decay
        traces.received += step.senders
        e = np.multiply(step.psi[:, :, None], traces.received[:, None, :], out=traces.fresh)
        if network.adaptive:
            e[:, fixed:] -= (network.beta * step.psi[:, fixed:, None]) * traces.slow
            traces.slow *= network.rho
            traces.slow += e[:, fixed:]
        traces.eligible *= network.kappa
        traces.eligible += e
        if error is None:
            return False
        signal = (1 - network.kappa) / len(error) * self.feedback.send(state.fixed, state.weights, error)
        state.gradient.recurrent[...] += np.einsum("bj,bji->ji", signal, traces.eligible)
        return True
