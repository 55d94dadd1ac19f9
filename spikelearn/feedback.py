"""Feedback pathways: the fixed random weights ``Y[l]`` from the output layer to the apical dendrites of layer `l`.

One frozen class per pathway, with one method, `draw`. To add one, write another and name it in `Feedback`.
"""

from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range

SQRT12 = 12.0**0.5  # width of a uniform distribution over its standard deviation


@dataclass(frozen=True, kw_only=True)
class RandomFeedback:
    """Broadcast: each hidden layer has its own zero-mean uniform weights straight from the outputs.

    Their SD is `gain` times that of forward weights with the layer's size as fan-in.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range("RandomFeedback.gain", self.gain)

    def draw(self, rng: np.random.Generator, sizes: tuple[int, ...], scales: list[float]) -> list[np.ndarray]:
        """Draw ``Y[l]``, (hidden l, output), for each hidden layer.

        Parameters
        ----------
        rng : numpy.random.Generator
        sizes : tuple of int
            All layers, input first.
        scales : list of float
            SD of forward weights with fan-in ``sizes[l + 1]``, for each hidden layer `l`.
        """
        return [self.gain * _uniform(rng, (n, sizes[-1]), sd) for n, sd in zip(sizes[1:-1], scales, strict=True)]


@dataclass(frozen=True, kw_only=True)
class ProductFeedback:
    """As `RandomFeedback` for the last hidden layer; lower ones see it through further random matrices.

    ``Y[l] = R[l] @ Y[l+1]`` with ``R[l]`` (hidden l, hidden l+1), uniform, of the SD that belongs to the size of
    layer `l`. The authors' numerics; the weights of lower layers come out large (SD about 9 for 500-100).
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range("ProductFeedback.gain", self.gain)

    def draw(self, rng: np.random.Generator, sizes: tuple[int, ...], scales: list[float]) -> list[np.ndarray]:
        """Draw ``Y[l]``, (hidden l, output), for each hidden layer; parameters as `RandomFeedback.draw`."""
        upper = np.eye(sizes[-1])
        drawn: list[np.ndarray] = []
        for n, sd in zip(reversed(sizes[1:-1]), reversed(scales), strict=True):
            upper = _uniform(rng, (n, upper.shape[0]), sd) @ upper
            drawn.insert(0, self.gain * upper)
        return drawn


Feedback = RandomFeedback | ProductFeedback


def _uniform(rng: np.random.Generator, shape: tuple[int, int], sd: float) -> np.ndarray:
    return SQRT12 * sd * (rng.random(shape) - 0.5)
