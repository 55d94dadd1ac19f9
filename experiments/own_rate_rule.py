"""A learning rule of one's own: feedback alignment whose random feedback drifts a little with every minibatch.

Does alignment survive when its fixed point moves? Run it: ``python experiments/own_rate_rule.py``.
"""

from dataclasses import dataclass

import spikelearn as sl
from spikelearn.ratenet import FeedbackRule, fit
from spikelearn.ratenet.delta import draw_feedback


@dataclass(frozen=True, kw_only=True)
class DriftingFeedback(FeedbackRule):
    """``Y <- sqrt(1 - drift) Y + sqrt(drift) Y_new``: the distribution stays, the weights do not."""

    drift: float = 0.01

    def start(self, network, parameters, rng):  # what the rule remembers: state.memory
        return draw_feedback(network, rng)

    def feedback(self, state):  # what carries errors down
        return state.memory

    def learn(self, state, batch, rng):  # a minibatch: the contract's step, then our own
        super().learn(state, batch, rng)
        for Y, new in zip(state.memory, draw_feedback(state.network, rng), strict=True):
            Y *= (1 - self.drift) ** 0.5
            Y += self.drift**0.5 * new


if __name__ == "__main__":
    for drift in (0.0, 0.01, 1.0):
        rule = DriftingFeedback(drift=drift, batch=32)
        *_, last = fit(rule.network((64, 100, 10)), rule, sl.load("digits"), seed=1, epochs=10)
        print(f"drift {drift}: {last.test_error:.1f} % wrong, {last.angle[0]:.0f} degrees to backprop")
