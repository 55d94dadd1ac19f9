r"""How a layer receives the one below: all of it, or a patch of an image for each unit.

.. math::
    dense:\; a_i = \sum_j W_{ij} h_j,\qquad
    local:\; a_{pc} = \sum_{j \in patch(p)} W_{pc,j} h_j

for unit c at place p of the image that a layer makes. Locally connected layers are convolutions without the sharing of
weights, which no synapse could do: each unit has weights of its own for its patch, a row of the matrix. Patches are
square, what would lie beyond the border of the image is 0, and in place of pooling there are strides.

Source: Bartunov et al., NeurIPS 2018, arXiv:1807.04587.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from spikelearn.errors import InputError, check_range

__all__ = ["Connection", "Dense", "Local"]


class Connection(Protocol):
    """Contract of how `post` units receive what `pre` units send, with weights of a `shape`."""

    @property
    def pre(self) -> int:
        """Units that send."""

    @property
    def post(self) -> int:
        """Units that receive."""

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the weights."""

    @property
    def fans(self) -> int:
        """Weights of a unit that receives and of one that sends, together, away from the border of an image."""

    @property
    def reverse(self) -> "Connection":
        """The connection the other way, from those that receive to those that send."""

    def turn(self, W: np.ndarray) -> np.ndarray:
        """Return weights as those of `reverse`, with which it sends back what backpropagation would.

        Parameters
        ----------
        W : (post, inputs of a unit) array
            Weights.

        Returns
        -------
        (rows, columns) array
            A view, of the shape of `reverse`.
        """

    def synapses(self) -> np.ndarray:
        """Return which weights there are.

        Returns
        -------
        (post, inputs of a unit) float64 array
            1; 0 for the weights of what would lie beyond the border of an image, which have no effect.
        """

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Draw weights, uniform as Glorot & Bengio (2010) propose.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        (post, inputs of a unit) float64 array
            Weights.
        """

    def send(self, W: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return what the units receive.

        Parameters
        ----------
        W : (post, inputs of a unit) array
            Weights.
        h : (n, pre) array
            Activities, an example a row.

        Returns
        -------
        (n, post) array
            Sums of weights times activities.
        """

    def correlate(self, error: np.ndarray, h: np.ndarray, out: np.ndarray) -> None:
        """Sum over examples, for each weight, the error of the unit that receives times the activity sent.

        Parameters
        ----------
        error : (n, post) array
            Errors.
        h : (n, pre) array
            Activities.
        out : (post, inputs of a unit) array
            Where to write.
        """


@dataclass(frozen=True)
class Dense:
    """Each unit receives all units of the other layer; weights are (post, pre).

    Parameters
    ----------
    pre : int
        Units that send.
    post : int
        Units that receive.
    """

    pre: int
    post: int

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the weights."""
        return self.post, self.pre

    @property
    def fans(self) -> int:
        """``pre + post``."""
        return self.pre + self.post

    @property
    def reverse(self) -> "Dense":
        """The connection the other way."""
        return Dense(self.post, self.pre)

    def turn(self, W: np.ndarray) -> np.ndarray:
        """Return the transpose."""
        return W.T

    def synapses(self) -> np.ndarray:
        """Return ones."""
        return np.ones(self.shape)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Draw weights of variance ``2 / fans``."""
        return _glorot(self, rng)

    def send(self, W: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return ``h W^T``."""
        return h @ W.T

    def correlate(self, error: np.ndarray, h: np.ndarray, out: np.ndarray) -> None:
        """Write ``error^T h``."""
        np.matmul(error.T, h, out=out)


@dataclass(frozen=True, kw_only=True)
class Local:
    """Each unit receives a patch of an image; weights are (post, kernel * kernel * channels of the image).

    Activities are images row by row, pixel by pixel, the channels of a pixel side by side. The layer makes
    ``ceil(rows / stride)`` by ``ceil(columns / stride)`` pixels.

    Parameters
    ----------
    image : (rows, columns, channels) of int
        What is received.
    kernel : int
        Side of a patch, at most that of the image.
    channels : int
        Units at each place.
    stride : int
        Pixels from one patch to the next, at most `kernel`.

    Raises
    ------
    InputError
        A number is out of its range.
    """

    image: tuple[int, int, int]
    kernel: int
    channels: int
    stride: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", tuple(self.image))
        if len(self.image) != 3:
            raise InputError(f"Local.image={self.image} must be rows, columns and channels, such as (28, 28, 1)")
        for name in ("kernel", "channels", "stride"):
            check_range(f"Local.{name}", getattr(self, name), at_least=1, integer=True)
        for size in self.image:
            check_range("Local.image", size, at_least=1, integer=True)
        if self.kernel > min(self.image[:2]):
            raise InputError(
                f"Local.kernel={self.kernel} is larger than the image, {self.image[0]} x {self.image[1]}; "
                f"allowed: 1 to {min(self.image[:2])}"
            )
        if self.stride > self.kernel:
            raise InputError(
                f"Local.stride={self.stride} leaves out pixels between patches of {self.kernel} x {self.kernel}; "
                f"allowed: 1 to {self.kernel}"
            )

    @property
    def out(self) -> tuple[int, int, int]:
        """The image that the layer makes: rows, columns, channels."""
        rows, columns, _ = self.image
        return math.ceil(rows / self.stride), math.ceil(columns / self.stride), self.channels

    @property
    def pre(self) -> int:
        """Units that send."""
        return math.prod(self.image)

    @property
    def post(self) -> int:
        """Units that receive."""
        return math.prod(self.out)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the weights."""
        return self.post, self.kernel**2 * self.image[2]

    @property
    def fans(self) -> int:
        """``kernel^2 (channels + channels of the image)``."""
        return self.kernel**2 * (self.channels + self.image[2])

    @property
    def reverse(self) -> "_Reversed":
        """The connection the other way, with weights of the same shape."""
        return _Reversed(self)

    def turn(self, W: np.ndarray) -> np.ndarray:
        """Return the same weights."""
        return W

    def synapses(self) -> np.ndarray:
        """Return 1 where the patch of a unit lies on the image, else 0."""
        return np.repeat(self._patches(np.ones((1, self.pre)))[:, 0], self.channels, axis=0)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Draw weights of variance ``2 / fans``."""
        return self.synapses() * _glorot(self, rng)

    def send(self, W: np.ndarray, h: np.ndarray) -> np.ndarray:
        """Return what the units receive, place by place."""
        a = np.empty((len(h), self._places, self.channels), h.dtype)
        np.matmul(self._patches(h), self._by_place(W).transpose(0, 2, 1), out=a.transpose(1, 0, 2))
        return a.reshape(len(h), self.post)

    def send_back(self, W: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Return what arrives at each pixel, summed over the patches that it is part of.

        Parameters
        ----------
        W : (post, inputs of a unit) array
            Weights.
        error : (n, post) array
            What the units send.

        Returns
        -------
        (n, pre) array
            What arrives.
        """
        n, k, (rows, columns, channels) = len(error), self.kernel, self.image
        parts = error.reshape(n, self._places, self.channels).transpose(1, 0, 2) @ self._by_place(W)
        padded = np.zeros((n, *self._padded), error.dtype)
        for place, part in enumerate(parts):
            y, x = (self.stride * at for at in divmod(place, self.out[1]))
            padded[:, y : y + k, x * channels : (x + k) * channels] += part.reshape(n, k, k * channels)
        (top, left), across = self._border, columns * channels
        return padded[:, top : top + rows, left * channels : left * channels + across].reshape(n, self.pre)

    def correlate(self, error: np.ndarray, h: np.ndarray, out: np.ndarray) -> None:
        """Write the sums place by place."""
        assert out.flags.c_contiguous  # else they would be written to a copy
        by_place = error.reshape(len(h), self._places, self.channels).transpose(1, 2, 0)
        np.matmul(by_place, self._patches(h), out=self._by_place(out))

    @property
    def _places(self) -> int:
        return self.out[0] * self.out[1]

    @property
    def _padded(self) -> tuple[int, int]:
        """Rows, and columns times channels, of the image with its border of zeros."""
        rows, columns = ((size - 1) * self.stride + self.kernel for size in self.out[:2])
        return rows, columns * self.image[2]

    @property
    def _border(self) -> tuple[int, int]:
        """Rows above and columns left of the image; what is odd of it lies below and on the right."""
        rows, columns = self._padded[0], self._padded[1] // self.image[2]
        return (rows - self.image[0]) // 2, (columns - self.image[1]) // 2

    def _by_place(self, W: np.ndarray) -> np.ndarray:
        return W.reshape(self._places, self.channels, -1)

    def _patches(self, h: np.ndarray) -> np.ndarray:
        """Return the patch of each place, (places, n, inputs of a unit)."""
        n, k, (rows, columns, channels) = len(h), self.kernel, self.image
        padded = np.zeros((n, *self._padded), h.dtype)
        (top, left), across = self._border, columns * channels
        padded[:, top : top + rows, left * channels : left * channels + across] = h.reshape(n, rows, across)
        windows = sliding_window_view(padded, (k, k * channels), axis=(1, 2))  # type: ignore[call-overload]
        chosen = windows[:, :: self.stride, :: self.stride * channels]
        return chosen.transpose(1, 2, 0, 3, 4).reshape(self._places, n, k * k * channels)


@dataclass(frozen=True)
class _Reversed:
    """From the places of a locally connected layer back to the pixels of their patches."""

    local: Local

    @property
    def pre(self) -> int:
        return self.local.post

    @property
    def post(self) -> int:
        return self.local.pre

    @property
    def shape(self) -> tuple[int, int]:
        return self.local.shape

    @property
    def fans(self) -> int:
        return self.local.fans

    @property
    def reverse(self) -> Local:
        return self.local

    def turn(self, W: np.ndarray) -> np.ndarray:
        return W

    def synapses(self) -> np.ndarray:
        return self.local.synapses()

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        return self.local.draw(rng)

    def send(self, W: np.ndarray, h: np.ndarray) -> np.ndarray:
        return self.local.send_back(W, h)

    def correlate(self, error: np.ndarray, h: np.ndarray, out: np.ndarray) -> None:
        self.local.correlate(h, error, out)


def _glorot(connection: Connection, rng: np.random.Generator) -> np.ndarray:
    limit = math.sqrt(6 / connection.fans)
    return rng.uniform(-limit, limit, connection.shape)
