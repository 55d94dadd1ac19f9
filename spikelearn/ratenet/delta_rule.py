r"""Rules that give each unit an error and leave the rest to the delta rule.

They derive from `DeltaRule` and write `errors`. Most of them send the output error down through feedback weights layer
by layer; these derive from `FeedbackRule` and name the weights:

.. math::
    \delta^L = h^L - t \;(error\ of\ the\ output),\quad \delta^l = (Y^l \delta^{l+1}) \circ f'(a^l),\quad
    \Delta W^l = -\eta \langle \delta^l (h^{l-1})^T \rangle,\quad \Delta b^l = -\eta \langle \delta^l \rangle

Angle brackets are means over the minibatch.
"""

import math
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from spikelearn.ratenet.angles import angle
from spikelearn.ratenet.delta import outer_means, send_back, turned
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, Rule, State

__all__ = ["DeltaRule", "FeedbackRule"]


class DeltaRule(Rule):
    """Base of rules that define an error for every unit; weights then follow the delta rule."""

    @abstractmethod
    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return the error of every unit.

        Parameters
        ----------
        state : State
            The network while it learns.
        activity : Activity
            The forward pass.
        target : (n, outputs) array
            1 for the class, else 0.
        rng : numpy.random.Generator
            Source of the rule's draws.

        Returns
        -------
        sequence of (n, units) arrays or None
            One for each layer with weights, lowest first; None for a layer that does not learn.
        """

    def _errors(
        self, state: State, batch: Batch, rng: np.random.Generator
    ) -> tuple[Activity, Sequence[np.ndarray | None]]:
        activity = self.forward(state, batch.x, rng)
        return activity, self.errors(state, activity, batch.target, rng)

    def gradients(self, state: State, batch: Batch, rng: np.random.Generator) -> Parameters:
        """Return the mean over the minibatch of error times presynaptic activity."""
        activity, errors = self._errors(state, batch, rng)
        return outer_means(state.gradient, errors, activity.h)

    def teaching(self, state: State, batch: Batch, rng: np.random.Generator) -> list[np.ndarray] | None:
        """Return the errors of the hidden layers."""
        hidden = self._errors(state, batch, rng)[1][:-1]
        return None if any(error is None for error in hidden) else list(hidden)  # type: ignore[arg-type]


class FeedbackRule(DeltaRule):
    """Base of rules that send the output error down, layer by layer, through feedback weights."""

    @abstractmethod
    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the feedback weights into each hidden layer.

        Parameters
        ----------
        state : State
            The network while it learns.

        Returns
        -------
        list of (units, units of the layer above) arrays
            One for each hidden layer, lowest first; from a local layer of the shape of its own weights.
        """

    def kept(self, network: RateNetwork) -> int:
        """Return the number of weights above the lowest hidden layer: feedback has as many."""
        return sum(math.prod(connection.shape) for connection in network.connections[1:])

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return the output error, sent down through the feedback weights."""
        error = self.output_error(state.network, activity, target)
        return send_back(state.network.connections, error, self.feedback(state), activity.slope)

    def alignment(self, state: State) -> tuple[float, ...]:
        """Return the angle between each feedback matrix and the transpose of the weights it stands for."""
        return tuple(angle(Y, W) for Y, W in zip(self.feedback(state), turned(state.parameters), strict=True))
