r"""Weights averaged over the last stretch of learning, to test with: consolidated ones beside those that still move.

Learning online at a constant rate ends in a walk around the best weights, whose average lies nearer to them than any
step of it. With the weights `w` after every so many examples,

.. math:: \bar w \leftarrow \bar w + \max(1/k,\, 1 - e^{-T/\tau})\,(w - \bar w), \qquad k = 1, 2, \ldots

a plain mean at the start, then one that forgets with the time constant `tau`. Polyak & Juditsky (1992), SIAM Journal on
Control and Optimization 30; Benna & Fusi (2016), Nature Neuroscience 19, for synapses with a slow variable behind a
fast one.
"""

import math
from dataclasses import dataclass

from spikelearn.errors import check_range
from spikelearn.weights import Weights

EVERY = 500  # examples between two looks at the weights: T above


@dataclass(frozen=True, kw_only=True)
class Averaging:
    """Test with forward weights and biases averaged over learning; feedback is as it is.

    Parameters
    ----------
    examples : float
        Time constant of forgetting, examples, at least 500.

    Raises
    ------
    InputError
        `examples` is below 500.
    """

    examples: float = 20_000.0

    def __post_init__(self) -> None:
        check_range("Averaging.examples", self.examples, at_least=EVERY)

    def add(self, average: Weights | None, weights: Weights, trials: int) -> Weights:
        """Return the average after some examples, from the average before them.

        Parameters
        ----------
        average : Weights or None
            The average before; None at the first call.
        weights : Weights
            Present weights.
        trials : int
            Number of examples learned so far, a multiple of 500.

        Returns
        -------
        Weights
            The new average; feedback weights are the present ones.
        """
        if average is None:
            return weights
        share = max(EVERY / trials, 1 - math.exp(-EVERY / self.examples))
        return Weights(
            tuple(old + share * (new - old) for old, new in zip(average.W, weights.W, strict=True)),
            tuple(old + share * (new - old) for old, new in zip(average.b, weights.b, strict=True)),
            weights.Y,
            weights.c,
        )
