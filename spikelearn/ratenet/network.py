r"""A rate network: a description without arrays, and its forward pass.

.. math::
    h^0 = x,\quad a^l = W^l h^{l-1} + b^l,\quad h^l = f(a^l),\quad h^L = output(a^L)

Rows are examples, so a dense layer is ``h @ W.T + b`` with ``W`` (post, pre); `spikelearn.ratenet.connections` has
those that see an image patch by patch. In code layers are counted from 0: ``W[l]`` leads from ``h[l]`` to
``h[l + 1]``; lists of errors, slopes and feedback weights have the index of that ``W``.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spikelearn.errors import InputError, check_range, described
from spikelearn.ratenet.activations import Activation, Clip, Logistic, Tanh
from spikelearn.ratenet.connections import Connection, Dense, Local
from spikelearn.ratenet.outputs import Output, Softmax
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.units import Deterministic, StochasticBinary, Units

__all__ = ["Activity", "RateNetwork"]

TEST_BATCH = 1000  # images at a time where nothing is learned


class Activity(NamedTuple):
    """A forward pass.

    Parameters
    ----------
    h : list of (n, sizes[l]) arrays
        Activity that each layer sends on, input and output included.
    slope : list of (n, sizes[l + 1]) arrays
        Derivative of each hidden layer's activity with respect to its pre-activation.
    """

    h: list[np.ndarray]
    slope: list[np.ndarray]


@dataclass(frozen=True, kw_only=True)
class RateNetwork:
    """Layers of rate units.

    Parameters
    ----------
    sizes : tuple of int
        Units of each layer, input first, at least input and output.
    activation : Activation
        Function of the hidden layers.
    output : Output
        Function and loss of the output layer.
    units : Units
        How hidden units transmit their activity while learning.
    dtype : str
        ``"float32"``, or ``"float64"`` for checks.
    local : tuple of Local
        How the lowest layers see the image; all others are dense.

    Raises
    ------
    InputError
        A size or the dtype is not as above, or units and activation, or sizes and local layers, do not fit.
    """

    sizes: tuple[int, ...]
    activation: Activation = field(default_factory=Tanh)
    output: Output = field(default_factory=Softmax)
    units: Units = field(default_factory=Deterministic)
    dtype: str = "float32"
    local: tuple[Local, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.sizes, Iterable):
            raise InputError(
                f"sizes must be the number of units in each layer, such as (784, 256, 10), got {described(self.sizes)}"
            )
        object.__setattr__(self, "sizes", tuple(self.sizes))
        if len(self.sizes) < 2:
            raise InputError(f"sizes={self.sizes} must have at least an input and an output layer, such as (784, 10)")
        for size in self.sizes:
            check_range("sizes", size, at_least=1, integer=True)
        if self.dtype not in ("float32", "float64"):
            raise InputError(f"dtype={self.dtype!r} must be 'float32' or 'float64'")
        if isinstance(self.units, StochasticBinary) and not isinstance(self.activation, Logistic | Clip):
            raise InputError(f"StochasticBinary needs activities in 0..1; use Logistic() rather than {self.activation}")
        object.__setattr__(self, "local", tuple(self.local))
        for k, (local, sizes) in enumerate(zip(self.local, pairwise(self.sizes), strict=False)):
            if (local.pre, local.post) != sizes:
                raise InputError(f"local[{k}] leads from {local.pre} to {local.post} units, but sizes say {sizes}")
        if len(self.local) > self.n_hidden:
            raise InputError(f"{len(self.local)} local layers, but sizes {self.sizes} have {self.n_hidden} hidden ones")

    @property
    def n_layers(self) -> int:
        """Number of layers with weights."""
        return len(self.sizes) - 1

    @property
    def n_hidden(self) -> int:
        """Number of hidden layers."""
        return len(self.sizes) - 2

    @cached_property
    def connections(self) -> tuple[Connection, ...]:
        """How each layer receives the one below, lowest first."""
        return (*self.local, *(Dense(pre, post) for pre, post in pairwise(self.sizes[len(self.local) :])))

    @property
    def numbers(self) -> int:
        """Weights and biases, counted."""
        return sum(math.prod(connection.shape) + connection.post for connection in self.connections)

    def draw(self, rng: np.random.Generator) -> Parameters:
        """Draw weights, uniform as Glorot & Bengio (2010) propose; biases are zero.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        `Parameters`
            Weights and biases of the network's dtype.
        """
        parameters = Parameters(self.connections, self.dtype)
        for W, connection in zip(parameters.W, self.connections, strict=True):
            W[:] = connection.draw(rng)
        return parameters

    def drive(self, parameters: Parameters, layer: int, h: np.ndarray) -> np.ndarray:
        """Return the pre-activations of one layer from the activities of the layer below.

        Parameters
        ----------
        parameters : Parameters
            Weights and biases.
        layer : int
            0 is the first layer with weights.
        h : (n, sizes[layer]) array
            Activities that the layer receives.

        Returns
        -------
        (n, sizes[layer + 1]) array
            Sums of weights times activities, and biases.
        """
        a = self.connections[layer].send(parameters.W[layer], h)
        a += parameters.b[layer]
        return a

    def layer(self, parameters: Parameters, layer: int, h: np.ndarray) -> np.ndarray:
        """Return the activities of one layer, hidden or output, from those of the layer below.

        Parameters
        ----------
        parameters : Parameters
            Weights and biases.
        layer : int
            0 is the first layer with weights.
        h : (n, sizes[layer]) array
            Activities that the layer receives.

        Returns
        -------
        (n, sizes[layer + 1]) array
            Its own activities.
        """
        a = self.drive(parameters, layer, h)
        return self.output.apply(a) if layer == self.n_layers - 1 else self.activation.apply(a)

    def forward(self, parameters: Parameters, x: np.ndarray, rng: np.random.Generator) -> Activity:
        """Run the network as in training: hidden units transmit as `units` describes.

        Parameters
        ----------
        parameters : Parameters
            Weights and biases.
        x : (n, inputs) array
            Intensities, 0..1.
        rng : numpy.random.Generator
            Source of the draws of hidden units.

        Returns
        -------
        Activity
            Activities of all layers, and slopes of the hidden ones.
        """
        h, slopes = [x], []
        for layer in range(self.n_hidden):
            mean = self.layer(parameters, layer, h[-1])
            sent, slope = self.units.transmit(mean, self.activation.slope(mean), rng)
            h.append(sent)
            slopes.append(slope)
        h.append(self.layer(parameters, self.n_layers - 1, h[-1]))
        return Activity(h, slopes)

    def outputs(self, parameters: Parameters, x: np.ndarray) -> np.ndarray:
        """Run the network as at test: hidden units transmit their mean.

        Parameters
        ----------
        parameters : Parameters
            Weights and biases.
        x : (n, inputs) array
            Intensities, 0..1.

        Returns
        -------
        (n, sizes[-1]) array
            Activities of the output layer.
        """
        for layer in range(self.n_hidden):
            x = self.units.mean(self.layer(parameters, layer, x))
        return self.layer(parameters, self.n_layers - 1, x)
