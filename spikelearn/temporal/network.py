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

__all__ = ["Moment", "Network", "RecurrentNetwork", "Step"]


class Moment(Protocol):
    """Contract of one step of any network; arrays are (batch, ...)."""

    state: Any  # what the next step goes on from
    sent: np.ndarray  # what the readout receives, (batch, units)


class Network(Protocol):
    """Contract of a network, as the loop uses it: `RecurrentNetwork` and `spiking.SpikingNetwork` keep it."""

    @property
    def n(self) -> int:
        """Number of units."""

    @property
    def n_in(self) -> int:
        """Number of inputs."""

    @property
    def n_out(self) -> int:
        """Number of outputs."""

    @property
    def output(self) -> Output:
        """Function and loss of the outputs."""

    def draw(self, rng: np.random.Generator) -> Weights:
        """Return the weights before learning.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        Weights
            Initial weights.
        """

    def rest(self, batch: int) -> Any:
        """Return the state before a sequence.

        Parameters
        ----------
        batch : int
            Number of sequences side by side.

        Returns
        -------
        object
            State before the first step.
        """

    def advance(self, weights: Weights, state: Any, x: np.ndarray) -> Any:
        """Return the next step of a batch of sequences.

        Parameters
        ----------
        weights : Weights
            Present weights.
        state : object
            State after the step before, or `rest`.
        x : (batch, inputs) array
            Inputs of the step.

        Returns
        -------
        Moment
            Activity at the step.
        """


class Step(NamedTuple):
    """One step of a batch of rate networks.

    Parameters
    ----------
    state, sent : (batch, n) arrays
        Activity after the step, twice the same array: the state for the next step, and the input of the readout.
    senders : (batch, n + n_in + 1) array
        Factors of the recurrent weights: activity before the step, inputs, 1.
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
        Number of inputs, units and outputs.
    alpha : float
        Share of the old activity that one step replaces, in (0, 1]; 1 / alpha is the time constant in steps.
    activation : Activation
        Function of the units.
    output : Output
        Function and loss of the outputs.
    connections : Connections
        Existing connections between units, and their initial weights.

    Raises
    ------
    InputError
        A size or `alpha` is out of its range.
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
        """Return activity of zero.

        Returns
        -------
        (batch, n) array
            Activity of zero.
        """
        return np.zeros((batch, self.n))

    def advance(self, weights: Weights, state: np.ndarray, x: np.ndarray) -> Step:
        """Return one step of a batch of sequences.

        Parameters
        ----------
        weights : Weights
            Present weights.
        state : (batch, n) array
            Activity before the step.
        x : (batch, n_in) array
            Inputs of the step.

        Returns
        -------
        Step
            Activity after the step, and the derivatives that rules need.
        """
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
        """Return ``J tangent``: the change after a step that follows from a small change before it.

        Parameters
        ----------
        weights : Weights
            Present weights.
        step : Step
            The step.
        tangent : (batch, n) array
            Change of the activity before the step.

        Returns
        -------
        (batch, n) array
            Change of the activity after the step.
        """
        onward = step.slope * (tangent @ weights.units.T)
        if self.alpha < 1:
            onward += (1 - self.alpha) * tangent
        return onward

    def backward(self, weights: Weights, step: Step, credit: np.ndarray) -> np.ndarray:
        """Return ``credit J``: the gradient before a step that follows from one after it.

        Parameters
        ----------
        weights : Weights
            Present weights.
        step : Step
            The step.
        credit : (batch, n) array
            Gradient with respect to the activity after the step.

        Returns
        -------
        (batch, n) array
            Gradient with respect to the activity before the step.
        """
        sent_back = (step.slope * credit) @ weights.units
        if self.alpha < 1:
            sent_back += (1 - self.alpha) * credit
        return sent_back

    def jacobian(self, weights: Weights, step: Step) -> np.ndarray:
        """Return J, the derivative of the activity after a step with respect to that before it.

        Parameters
        ----------
        weights : Weights
            Present weights.
        step : Step
            The step.

        Returns
        -------
        (batch, n, n) array
            One matrix for each sequence.
        """
        J = step.slope[:, :, None] * weights.units
        if self.alpha < 1:
            np.einsum("bii->bi", J)[...] += 1 - self.alpha
        return J


def outputs(network: Network, weights: Weights, sent: np.ndarray) -> np.ndarray:
    """Return what the outputs are when the readout receives `sent`, (batch, n); (batch, n_out)."""
    return network.output.apply(sent @ weights.outward.T + weights.readout[:, -1])
