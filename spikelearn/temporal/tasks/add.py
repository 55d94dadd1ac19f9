r"""The add task: the odds of a bit depend on two bits some steps ago, and what each is worth is known exactly.

.. math::
    x_t \sim Bernoulli(1/2),\quad p_t = \tfrac12 + \tfrac12 x_{t - t_1} - \tfrac14 x_{t - t_2}

Inputs are x and 1 - x, targets p and 1 - p. The cross-entropy of the best answer is the mean entropy of p given what is
remembered: with H(p) the entropy, (H(1/2) + H(1) + H(1/4) + H(3/4)) / 4 = 0.4545 nats with both bits, 0.5192 with the
nearer or 0.6277 with the farther one only, and H(5/8) = 0.6616 without memory.

Sources: Pitis, "Recurrent neural networks in TensorFlow I" (2016); Marschall, Cho & Savin, JMLR 21:135 (2020).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from spikelearn.errors import InputError, check_range
from spikelearn.ratenet.outputs import Output, Softmax
from spikelearn.temporal.task import Sequences


@dataclass(frozen=True, kw_only=True)
class Add:
    """Sequences of random bits.

    Parameters
    ----------
    lags : (int, int)
        Lags t_1 and t_2, steps.
    length : int
        Number of steps of a sequence. The first ones, whose bits would lie before it, are not scored.
    """

    lags: tuple[int, int] = (5, 9)
    length: int = 100
    n_in: int = field(default=2, init=False)
    n_out: int = field(default=2, init=False)
    output: Output = field(default_factory=Softmax, init=False)
    quality: str = field(default="wrong (%)", init=False)

    def __post_init__(self) -> None:
        for lag in self.lags:
            check_range("Add.lags", lag, at_least=1, integer=True)
        if self.lags[0] == self.lags[1]:
            raise InputError(f"Add.lags={self.lags} must be two different numbers of steps, such as (5, 9)")
        check_range("Add.length", self.length, at_least=max(self.lags) + 1, integer=True)

    @property
    def optimum(self) -> float:
        """Mean loss with both bits remembered, nats."""
        return (entropy(1 / 2) + entropy(1.0) + entropy(1 / 4) + entropy(3 / 4)) / 4

    @property
    def one_bit(self) -> tuple[float, float]:
        """Mean loss with the bit of the first lag only, and with that of the second only, nats."""
        return (entropy(3 / 8) + entropy(7 / 8)) / 2, (entropy(3 / 4) + entropy(1 / 2)) / 2

    @property
    def chance(self) -> float:
        """Mean loss without memory, nats."""
        return entropy(5 / 8)

    def sequences(self, rng: np.random.Generator, batch: int) -> Iterator[Sequences]:
        """Yield batches of random bits, and the odds that follow from them."""
        first, second = self.lags
        start = max(self.lags)
        scored = np.arange(self.length) >= start
        while True:
            bits = rng.integers(0, 2, (self.length, batch)).astype(float)
            p = np.full(bits.shape, 0.5)
            p[start:] += 0.5 * bits[start - first : self.length - first]
            p[start:] -= 0.25 * bits[start - second : self.length - second]
            yield Sequences(np.stack([bits, 1 - bits], axis=2), np.stack([p, 1 - p], axis=2), scored)

    def judge(self, outputs: np.ndarray, shown: Sequences) -> float:
        """Return the percentage of steps at which the less likely class is preferred, where one of them is."""
        p, q = shown.target[shown.scored, :, 0], outputs[:, :, 0]
        return 100 * float(((p - 0.5) * (q - 0.5) < 0).mean() / max(1e-9, (p != 0.5).mean()))


def entropy(p: float) -> float:
    """Return the entropy of a coin, nats."""
    return -sum(q * math.log(q) for q in (p, 1 - p) if q > 0)
