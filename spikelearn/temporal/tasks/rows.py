"""Images row by row: the class is asked after the last row. MNIST has 28 steps of 28 pixels; any data set will do."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from spikelearn import datasets
from spikelearn.errors import InputError
from spikelearn.examples import Images, images_of
from spikelearn.ratenet.outputs import Output, Softmax
from spikelearn.temporal.task import Sequences, wrong_percent


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Square images, a row a step. No source: a common task of this kind.

    Parameters
    ----------
    data : str
        Data set, as `spikelearn.load` takes it. Training images come in random order, all before any comes again.
    """

    data: str = "mnist"
    output: Output = field(default_factory=Softmax, init=False)
    optimum: None = field(default=None, init=False)
    quality: str = field(default="wrong (%)", init=False)

    @property
    def n_in(self) -> int:
        """Number of pixels of a row."""
        return _side(self.data)

    @property
    def n_out(self) -> int:
        """Number of classes."""
        return _load(self.data)[0].n_classes

    @property
    def chance(self) -> float:
        """Mean loss without memory, nats, where classes are equally frequent."""
        return float(np.log(self.n_out))

    def sequences(self, rng: np.random.Generator, batch: int) -> Iterator[Sequences]:
        """Yield batches of training images."""
        images = _load(self.data)[0]
        order = rng.permutation(len(images))
        while True:
            while len(order) < batch:
                order = np.concatenate([order, rng.permutation(len(images))])
            yield self._shown(images, order[:batch])
            order = order[batch:]

    def held_out(self, n: int = 2000) -> Sequences:
        """Return the first `n` test images, or all if there are fewer.

        Parameters
        ----------
        n : int
            Number of images.

        Returns
        -------
        Sequences
            The images as one batch.
        """
        images = _load(self.data)[1]
        return self._shown(images, np.arange(min(n, len(images))))

    def _shown(self, images: Images, index: np.ndarray) -> Sequences:
        side = self.n_in
        x = images.intensities(index).reshape(len(index), side, side).transpose(1, 0, 2)
        target = np.broadcast_to(np.eye(images.n_classes)[images.y[index]], (side, len(index), images.n_classes))
        return Sequences(x.astype(float), target, np.arange(side) == side - 1)

    def judge(self, outputs: np.ndarray, shown: Sequences) -> float:
        """Return the percentage of wrong classes."""
        return wrong_percent(outputs, shown)


@lru_cache(maxsize=2)
def _load(data: str) -> tuple[Images, Images]:
    found = datasets.load(data)
    return images_of(found.train, "rows of images"), images_of(found.test, "rows of images")


def _side(data: str) -> int:
    pixels = _load(data)[0].n_inputs
    side = round(pixels**0.5)
    if side * side != pixels:
        raise InputError(f"Rows: images of {data!r} have {pixels} pixels, which make no square; choose square images")
    return side
