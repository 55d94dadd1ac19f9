r"""Influence balancing: a linear network in which looking back too little moves the weight the wrong way, for ever.

.. math::
    s_t = A s_{t-1} + \theta v,\quad A = \tfrac12 (I + \text{first superdiagonal}),\quad
    v_i = +1 (i \le 10), -1 (i > 10),\quad L = \tfrac12 (s_1 - 1)^2

The one parameter raises the near units and lowers the far ones, which outweigh them later: with 23 units the fixed
point is :math:`s_1 = 2 \sum_i v_i \theta = -6 \theta`, so the optimum is theta = -1/6, but the immediate effect on s_1
has the other sign. Here theta v is the network's bias, so the gradient by theta is v times that by the bias.

Source: Tallec & Ollivier, arXiv:1702.05043 (2017), section 5; constants as in Vicol, Metz & Sohl-Dickstein, ICML 2021.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.activations import Identity
from spikelearn.ratenet.outputs import LinearOutput
from spikelearn.ratenet.streams import stream
from spikelearn.temporal.network import RecurrentNetwork, outputs
from spikelearn.temporal.rule import Rule, State
from spikelearn.temporal.weights import Weights

__all__ = ["InfluenceBalancing", "learn"]

TARGET = np.ones((1, 1))


@dataclass(frozen=True, kw_only=True)
class InfluenceBalancing:
    """The linear network, and the parameter that it learns.

    Parameters
    ----------
    n, positive : int
        Number of units, and of those whose activity the parameter raises.
    theta : float
        Parameter before learning.

    Raises
    ------
    InputError
        There are fewer than 2 units, or `positive` is not within 1 and ``n - 1``.
    """

    n: int = 23
    positive: int = 10
    theta: float = 0.5

    def __post_init__(self) -> None:
        check_range("InfluenceBalancing.n", self.n, at_least=2, integer=True)
        check_range("InfluenceBalancing.positive", self.positive, at_least=1, at_most=self.n - 1, integer=True)

    @property
    def v(self) -> np.ndarray:
        """Factor of the parameter in each unit's input, (n,) array without unit."""
        return np.where(np.arange(self.n) < self.positive, 1.0, -1.0)

    @property
    def optimum(self) -> float:
        """Value of the parameter at whose fixed point the loss is zero."""
        return 1 / (2 * self.v.sum())

    def state(self, rule: Rule, seed: int) -> State:
        """Return the network before learning.

        Parameters
        ----------
        rule : Rule
            How it assigns credit.
        seed : int
            Fixes the rule's own arrays.

        Returns
        -------
        State
            The network with its initial weights.

        Raises
        ------
        InputError
            The rule cannot train the network.
        """
        network = RecurrentNetwork(n_in=0, n=self.n, n_out=1, activation=Identity(), output=LinearOutput())
        A = 0.5 * (np.eye(self.n) + np.eye(self.n, k=1))
        readout = np.zeros((1, self.n + 1))
        readout[0, 0] = 1
        recurrent = np.column_stack([A, self.theta * self.v])
        weights = Weights(recurrent, readout, recurrent != 0)
        rule.check(network)
        return State(network, weights, rule.start(network, weights, stream(seed, "rule")), None, weights.zeros_like())


def learn(
    rule: Rule, rate: float, *, gap: int = 1, seed: int = 1, task: InfluenceBalancing | None = None
) -> Iterator[float]:
    """Yield the parameter after each update, without end.

    Parameters
    ----------
    rule : Rule
        How it assigns credit.
    rate : float
        Learning rate of the gradient descent.
    gap : int
        Number of steps from one loss to the next. `Truncated` with this window looks back to the loss before.
    seed : int
        Fixes all that the rule draws.
    task : InfluenceBalancing, optional
        The network; by default that of the paper.

    Yields
    ------
    float
        The parameter theta.

    Raises
    ------
    InputError
        `rate` is not above 0, or `gap` is below 1.
    """
    check_range("rate", rate, above=0)
    check_range("gap", gap, at_least=1, integer=True)
    task = task or InfluenceBalancing()
    state, v, theta, rng = task.state(rule, seed), task.v, task.theta, stream(seed, "learning")
    network, weights, nothing = state.network, state.weights, np.zeros((1, 0))
    state.memory, activity = rule.begin(state, 1), np.ones((1, task.n))
    while True:
        for t in range(gap):
            step = network.advance(weights, activity, nothing)
            activity, error = step.state, None
            if t == gap - 1:
                error = network.output.error(outputs(network, weights, step.sent), TARGET)
            if rule.step(state, step, error, rng):
                theta -= rate * float(state.gradient.recurrent[:, -1] @ v)
                state.gradient.recurrent[...] = 0
                weights.recurrent[:, -1] = theta * v
        yield theta
