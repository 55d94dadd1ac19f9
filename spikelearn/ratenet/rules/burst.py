r"""Burst-dependent plasticity: events go up, the share of them that are bursts comes down.

Event rates ``e_l = s(W e_{l-1} + b)`` with s logistic. At the output, an event is a burst with probability ``p_b``, or
with a teacher ``p^t``,

.. math::
    p^t = p_b ((t - e)(1 - e) + 1),\quad b = p_b e,\quad b^t = p^t e

and in hidden layers dendrites decode the bursts above, without (b) and with a teacher (b^t):

.. math::
    u = (Y b_{above}) (1 - e),\quad p = s(u),\quad b = p e,\qquad \delta = b - b^t,\quad
    \Delta W = -\eta\, \delta\, e_{below}^T / (p_b 4^{-k})

with k the number of layers above: each passes a factor of about 1/4, the slope of s, and the output one of ``p_b``;
without this division lower layers hardly learn. For the output delta is the gradient of the squared loss.

Feedback weights are fixed and random.

Source: Payeur, Guerguiev, Zenke, Richards & Naud, Nature Neuroscience 24:1010 (2021), rate form, ``p_b = 0.2``; without
its recurrent inhibition, which keeps u near 0, where s is linear.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn.errors import InputError, check_range
from spikelearn.ratenet.activations import Logistic
from spikelearn.ratenet.delta_rule import FeedbackRule
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.outputs import SquaredLogistic
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import State
from spikelearn.ratenet.shared import need_deterministic_hidden


@dataclass(frozen=True, kw_only=True)
class BurstPropagation(FeedbackRule):
    """Burst-dependent plasticity of rates, with fixed random feedback.

    Parameters
    ----------
    burst : float
        Probability that an event of the output is a burst, without a teacher.
    feedback_sd : float
        Standard deviation of the feedback weights.
    """

    burst: float = 0.2
    feedback_sd: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("BurstPropagation.burst", self.burst, above=0, at_most=1)
        check_range("BurstPropagation.feedback_sd", self.feedback_sd, above=0)

    def network(self, sizes: Sequence[int]) -> RateNetwork:
        """Describe a network of logistic units with a squared loss."""
        return RateNetwork(sizes=tuple(sizes), activation=Logistic(), output=SquaredLogistic())

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` for a network without hidden layers, or with other units."""
        need_deterministic_hidden(self, network)
        if not isinstance(network.activation, Logistic) or not isinstance(network.output, SquaredLogistic):
            raise InputError("BurstPropagation needs Logistic() and SquaredLogistic(); use its own network()")

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw the feedback weights."""
        above = [connection.reverse for connection in network.connections[1:]]
        drawn = (each.synapses() * rng.standard_normal(each.shape) for each in above)
        return [(self.feedback_sd * Y).astype(network.dtype) for Y in drawn]

    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the fixed feedback weights."""
        return state.memory

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return the differences of burst rates without and with a teacher, divided by their usual size."""
        e = activity.h[-1]
        bursts = self.burst * e
        taught = bursts * ((target - e) * (1 - e) + 1)
        scale = self.burst
        errors = [(bursts - taught) / scale]
        layers = list(zip(state.network.connections[1:], activity.h[1:-1], self.feedback(state), strict=True))
        for connection, e, Y in reversed(layers):
            down = connection.reverse
            bursts, taught = (e * Logistic().apply(down.send(Y, b) * (1 - e)) for b in (bursts, taught))
            scale /= 4
            errors.append((bursts - taught) / scale)
        return errors[::-1]
