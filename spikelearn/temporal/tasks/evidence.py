"""Evidence accumulation: cues on the left and on the right, a delay, and then the side that had more of them.

Four groups of inputs spike as Poisson processes: left and right while their cue lasts, one while the answer is due, one
all the time as noise. Sides are drawn with probability `bias` or 1 - `bias`, which is drawn for each sequence. Small by
default (5 cues, 220 ms); the published form has 7 cues of 100 ms and lasts 2250 ms.
Source: Bellec et al., Nature Communications 11:3625 (2020), after Morcos & Harvey, Nature Neuroscience 19:1672 (2016).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from spikelearn.errors import InputError, check_range
from spikelearn.ratenet.outputs import Output, Softmax
from spikelearn.temporal.task import Sequences, wrong_percent


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Cues to count.

    Parameters
    ----------
    cues : int
        Number of cues; odd, so that one side has more.
    cue, pause, delay, recall : int
        Numbers of steps of 1 ms: of a cue, between two, from the last pause to the answer, and of the answer, which is
        scored.
    group : int
        Number of inputs in each of the four groups.
    rate : float
        Rate of an active input, spikes/ms.
    bias : float
        Probability of the less likely side.
    """

    cues: int = 5
    cue: int = 20
    pause: int = 10
    delay: int = 50
    recall: int = 20
    group: int = 10
    rate: float = 0.04
    bias: float = 0.3
    n_out: int = field(default=2, init=False)
    output: Output = field(default_factory=Softmax, init=False)
    optimum: None = field(default=None, init=False)  # above 0, as a cue may have no spikes
    chance: float = field(default=math.log(2), init=False)
    quality: str = field(default="wrong (%)", init=False)

    def __post_init__(self) -> None:
        for name in ("cues", "cue", "recall", "group"):
            check_range(f"Evidence.{name}", getattr(self, name), at_least=1, integer=True)
        for name in ("pause", "delay"):
            check_range(f"Evidence.{name}", getattr(self, name), at_least=0, integer=True)
        if self.cues % 2 == 0:
            raise InputError(f"Evidence.cues={self.cues} must be odd, or both sides may have as many")
        check_range("Evidence.rate", self.rate, above=0, at_most=1, unit="spikes/ms")
        check_range("Evidence.bias", self.bias, at_least=0, at_most=1)

    @property
    def n_in(self) -> int:
        """Number of inputs: left, right, recall and noise."""
        return 4 * self.group

    @property
    def length(self) -> int:
        """Number of steps of a sequence."""
        return self.cues * (self.cue + self.pause) + self.delay + self.recall

    def sequences(self, rng: np.random.Generator, batch: int) -> Iterator[Sequences]:
        """Yield batches of cues as spikes."""
        scored = np.arange(self.length) >= self.length - self.recall
        while True:
            p_right = rng.choice((self.bias, 1 - self.bias), batch)
            right = rng.random((self.cues, batch)) < p_right
            rates = np.zeros((self.length, batch, 4))
            for k, side in enumerate(right):
                start = k * (self.cue + self.pause)
                rates[start : start + self.cue, np.arange(batch), side.astype(int)] = self.rate
            rates[scored, :, 2] = self.rate
            rates[:, :, 3] = self.rate
            x = rng.random((self.length, batch, 4, self.group)) < rates[..., None]
            more = (right.sum(axis=0) > self.cues / 2).astype(int)
            target = np.broadcast_to(np.eye(2)[more], (self.length, batch, 2))
            yield Sequences(x.reshape(self.length, batch, -1).astype(float), target, scored)

    def judge(self, outputs: np.ndarray, shown: Sequences) -> float:
        """Return the percentage of wrong answers."""
        return wrong_percent(outputs, shown)
