r"""A recurrent network of rate units: a description without arrays, and one step of it.

.. math::
    \hat a_t = [a_{t-1}; x_t; 1],\quad h_t = W \hat a_t,\quad a_t = (1 - \alpha) a_{t-1} + \alpha f(h_t),\quad
    z_t = output(W_{out} [a_t; 1])

Rules need two derivatives, the step's own and the one that leads back in time:

.. math::
    D_t = \alpha f'(h_t),\quad J_t = \frac{\partial a_t}{\partial a_{t-1}} = diag(D_t) W_{rec} + (1 - \alpha) I

Rows of all arrays are the sequences of a batch. Conventions: Marschall, Cho & Savin, JMLR 21:135 (2020).
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.activations import Activation, Tanh
from spikelearn.ratenet.outputs import Output, Softmax
from spikelearn.temporal.connections import Connections, Dense
from spikelearn.temporal.weights import Weights


class Moment(Protocol):
    """What any network tells of one step; (batch, ...) arrays."""

    state: Any  # what the next step goes on from
    sent: np.ndarray  # what the readout receives, (batch, units)


class Network(Protocol):
    """What the loop needs of a network; `RecurrentNetwork` is one, `spiking.SpikingNetwork` another."""

    @property
    def n(self) -> int: ...  # noqa: D102
    @property
    def n_in(self) -> int: ...  # noqa: D102
    @property
    def n_out(self) -> int: ...  # noqa: D102
    @property
    def output(self) -> Output: ...  # noqa: D102

    def draw(self, rng: np.random.Generator) -> Weights:
        """Return the weights before learning."""

    def rest(self, batch: int) -> Any:
        """Return the state before a sequence."""

    def advance(self, weights: Weights, state: Any, x: np.ndarray) -> Any:
        """Return the `Moment` after `state`, with inputs `x`, (batch, inputs)."""


class Step(NamedTuple):
    """One step of a batch of rate networks.

    Attributes
    ----------
    state, sent : (batch, n) array
        Activity after the step, twice the same array: it is all that goes on, and what the readout receives.
    senders : (batch, n + n_in + 1) array
        What the recurrent weights were multiplied by: activity before the step, inputs, 1.
    slope : (batch, n) array
        Derivative D of a unit's new activity with respect to its summed input.
    """

    state: np.ndarray
    sent: np.ndarray
    senders: np.ndarray
    slope: np.ndarray


@dataclass(frozen=True, kw_only=True)
class RecurrentNetwork:
    """Rate units that receive each other's last activity.

    Parameters
    ----------
    n_in, n, n_out : int
        Inputs, units and outputs.
    alpha : float
        Share of the old activity that one step replaces, in (0, 1]; 1 / alpha is the time constant in steps.
    activation : Activation
    output : Output
        Function and loss of the outputs.
    connections : Connections
        Between units.
    """

    n_in: int
    n: int
    n_out: int
    alpha: float = 1.0
    activation: Activation = field(default_factory=Tanh)
    output: Output = field(default_factory=Softmax)
    connections: Connections = field(default_factory=Dense)

    def __post_init__(self) -> None:
        check_range("n_in", self.n_in, at_least=0, integer=True)
        for name in ("n", "n_out"):
            check_range(name, getattr(self, name), at_least=1, integer=True)
        check_range("alpha", self.alpha, above=0, at_most=1)

    def draw(self, rng: np.random.Generator) -> Weights:
        """Draw weights: inputs and readout Gaussian, of variance 1 / presynaptic number; biases are zero."""
        units, exists = self.connections.draw(self.n, rng)
        inputs = rng.standard_normal((self.n, self.n_in)) / np.sqrt(max(1, self.n_in))
        readout = rng.standard_normal((self.n_out, self.n)) / np.sqrt(self.n)
        return Weights(
            np.hstack([units, inputs, np.zeros((self.n, 1))]),
            np.hstack([readout, np.zeros((self.n_out, 1))]),
            np.hstack([exists, np.ones((self.n, self.n_in + 1), bool)]),
        )

    def rest(self, batch: int) -> np.ndarray:
        """Return activity of zero, (batch, n)."""
        return np.zeros((batch, self.n))

    def advance(self, weights: Weights, state: np.ndarray, x: np.ndarray) -> Step:
        """Return one step from activity `state`, (batch, n), with inputs `x`, (batch, n_in)."""
        senders = np.empty((len(state), weights.recurrent.shape[1]))
        senders[:, : self.n] = state
        senders[:, self.n : -1] = x
        senders[:, -1] = 1
        fast = self.activation.apply(senders @ weights.recurrent.T)
        slope = self.activation.slope(fast)
        if self.alpha < 1:
            slope *= self.alpha
            fast *= self.alpha
            fast += (1 - self.alpha) * state
        return Step(fast, fast, senders, slope)

    def forward(self, weights: Weights, step: Step, tangent: np.ndarray) -> np.ndarray:
        """Return ``J tangent``: where a small change of the activity before the step leads; (batch, n)."""
        onward = step.slope * (tangent @ weights.units.T)
        if self.alpha < 1:
            onward += (1 - self.alpha) * tangent
        return onward

    def backward(self, weights: Weights, step: Step, credit: np.ndarray) -> np.ndarray:
        """Return ``credit J``: what a gradient after the step means before it; (batch, n)."""
        sent_back = (step.slope * credit) @ weights.units
        if self.alpha < 1:
            sent_back += (1 - self.alpha) * credit
        return sent_back

    def jacobian(self, weights: Weights, step: Step) -> np.ndarray:
        """Return J of each sequence, (batch, n, n)."""
        J = step.slope[:, :, None] * weights.units
        if self.alpha < 1:
            np.einsum("bii->bi", J)[...] += 1 - self.alpha
        return J


def outputs(network: Network, weights: Weights, sent: np.ndarray) -> np.ndarray:
    """Return what the outputs are when the readout receives `sent`, (batch, n); (batch, n_out)."""
    return network.output.apply(sent @ weights.outward.T + weights.readout[:, -1])
