"""Weights: the arrays that learning changes, and how they are drawn before it.

Moment matching (the authors' initialisation; the paper gives the aim, not the formula): if inputs fire at ``nu``
and depolarise by ``v_mean``, the dendritic potentials of a layer with fan-in N have mean `v_mean` and SD `v_sd`.
"""

import math
from dataclasses import dataclass

import numpy as np

from spikelearn.errors import InputError, check_range
from spikelearn.feedback import SQRT12


@dataclass(frozen=True, kw_only=True)
class InitialWeights:
    """Targets of the moment matching (Methods; the formula is that of the code that the paper cites).

    Parameters
    ----------
    v_mean, v_sd : float
        Wanted mean and SD of dendritic potentials, relative to rest.
    bias_mean, bias_sd : float
        Mean and SD of the biases, relative to rest.
    apical_bias : float
        Strength, without unit, of a fixed bias of apical dendrites, ``c[l] = apical_bias * Y[l] u``: the potential that
        constant rates `u`, spikes/ms, of the neurons that feed back would add. These are uniform around zero, of the SD
        that forward weights have with the layer's size as fan-in. 0: none, as in the paper; 1: as in the code that it
        cites.
    activity : float
        Assumed presynaptic rate, as a fraction of `rate_max`.
    receptive_field : int, optional
        Side, pixels, of the square part of a square image that drives a neuron of the lowest layer before learning.
        Each neuron has its own, anywhere within the image, and weights of zero elsewhere; a layer that does not learn
        keeps them (Illing et al. 2019). None: the whole image.

    Raises
    ------
    InputError
        A number is out of its range.
    """

    v_mean: float = 3.0
    v_sd: float = 3.0
    bias_mean: float = 0.8
    bias_sd: float = 0.001
    apical_bias: float = 0.0
    activity: float = 0.25
    receptive_field: int | None = None

    def __post_init__(self) -> None:
        check_range("InitialWeights.v_mean", self.v_mean, above=0)
        check_range("InitialWeights.v_sd", self.v_sd, above=0)
        check_range("InitialWeights.bias_mean", self.bias_mean)
        check_range("InitialWeights.bias_sd", self.bias_sd, at_least=0)
        check_range("InitialWeights.apical_bias", self.apical_bias)
        check_range("InitialWeights.activity", self.activity, above=0, at_most=1)
        if self.receptive_field is not None:
            check_range("InitialWeights.receptive_field", self.receptive_field, at_least=1, integer=True, unit="pixels")

    def check(self, n_inputs: int) -> None:
        """Raise `InputError` unless images have room for the receptive fields.

        Parameters
        ----------
        n_inputs : int
            Number of pixels of an image.

        Raises
        ------
        InputError
            Images are not square, or smaller than a receptive field.
        """
        if self.receptive_field is None:
            return
        width = math.isqrt(n_inputs)
        if width**2 != n_inputs:
            raise InputError(
                f"InitialWeights.receptive_field={self.receptive_field} needs square images; {n_inputs} pixels are not "
                f"a square. Leave it out: every neuron is then driven by the whole image"
            )
        if self.receptive_field > width:
            raise InputError(
                f"InitialWeights.receptive_field={self.receptive_field} pixels do not fit into images of {width} x "
                f"{width}; {width} at most is possible"
            )

    def moments(self, fan_in: int, rate_max: float) -> tuple[float, float]:
        """Return mean and SD of the forward weights of a layer.

        Parameters
        ----------
        fan_in : int
            Number of presynaptic neurons.
        rate_max : float
            Highest firing rate, spikes/ms.

        Returns
        -------
        mean : float
            Mean of the weights: dendritic potential for a presynaptic average of 1 spike/ms.
        sd : float
            Standard deviation of the weights.

        Raises
        ------
        InputError
            No distribution has these moments.
        """
        nu = self.activity * rate_max
        n = fan_in
        v_square = self.v_sd**2 + self.v_mean**2
        mean = (self.v_mean - self.bias_mean) / (nu * n * self.v_mean)
        square = (
            v_square
            + nu**2 * (n - n**2) * mean**2 * self.v_mean**2
            - 2 * n * nu * self.bias_mean * self.v_mean * mean
            - self.bias_mean**2
        ) / (n * nu**2 * v_square)
        if not square > mean**2:
            raise InputError(
                f"InitialWeights: v_mean={self.v_mean:g}, v_sd={self.v_sd:g} cannot be had with "
                f"bias_mean={self.bias_mean:g} and fan-in {n}; raise v_sd or bring bias_mean closer to v_mean"
            )
        return mean, (square - mean**2) ** 0.5


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of a network; equal to others if every number is.

    Layer `l` counts from the first that has weights. The paper's W, b and Y (equations 1-4): a weight is the potential
    for a presynaptic average of 1 spike/ms, a bias a potential relative to rest.

    Parameters
    ----------
    W : tuple of (n_post, n_pre) float arrays
        Forward weights.
    b : tuple of (n_post,) float arrays
        Biases of the basal (output layer: only) dendrites.
    Y : tuple of (n_hidden, n_feeding) float arrays
        Feedback weights of each hidden layer, one column for each neuron that feeds back.
    c : tuple of (n_hidden,) float arrays, optional
        Biases of the apical dendrites of each hidden layer, which do not learn; zero by default.
    """

    W: tuple[np.ndarray, ...]
    b: tuple[np.ndarray, ...]
    Y: tuple[np.ndarray, ...]
    c: tuple[np.ndarray, ...] = ()

    def __post_init__(self) -> None:
        if len(self.c) == 0:
            object.__setattr__(self, "c", tuple(np.zeros_like(b) for b in self.b[:-1]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Weights):
            return NotImplemented
        return all(
            len(own) == len(given) and all(map(np.array_equal, own, given))
            for own, given in zip(vars(self).values(), vars(other).values(), strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays can change

    @property
    def arrays(self) -> list[np.ndarray]:
        """All arrays, of any shape, in the order W, b, Y, c."""
        return [array for layers in vars(self).values() for array in layers]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of neurons in each layer, input first."""
        return (self.W[0].shape[1], *(w.shape[0] for w in self.W))


def draw_forward(
    rng: np.random.Generator, sizes: tuple[int, ...], initial: InitialWeights, rate_max: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Draw forward weights and biases, uniform with the matched moments.

    Returns
    -------
    W, b : lists of (n_post, n_pre) and (n_post,) float64 arrays
    """
    forward, biases = [], []
    for layer, (n_pre, n_post) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        field = initial.receptive_field if layer == 0 else None
        mean, sd = initial.moments(n_pre if field is None else field**2, rate_max)
        forward.append(mean + SQRT12 * sd * (rng.random((n_post, n_pre)) - 0.5))
        biases.append(initial.bias_mean + SQRT12 * initial.bias_sd * (rng.random(n_post) - 0.5))
        if field is not None:
            forward[0][~_draw_fields(rng, n_post, math.isqrt(n_pre), field)] = 0.0
    return forward, biases


def _draw_fields(rng: np.random.Generator, n: int, width: int, field: int) -> np.ndarray:
    """Draw which pixels of an image each neuron's receptive field holds: (n, width * width) bool."""
    first = rng.integers(0, width - field, (2, n, 1), endpoint=True)
    rows, columns = (first <= np.arange(width)) & (np.arange(width) < first + field)
    return (rows[:, :, None] & columns[:, None, :]).reshape(n, width * width)


def draw_apical_biases(
    rng: np.random.Generator, feedback: list[np.ndarray], scales: list[float], initial: InitialWeights
) -> list[np.ndarray]:
    """Draw the fixed biases of apical dendrites, given feedback weights ``Y[l]``; `scales` as feedback is drawn with.

    Returns
    -------
    list of (n_hidden,) float64 arrays
    """
    drawn = []
    for Y, scale in zip(feedback, scales, strict=True):
        rates = initial.apical_bias * SQRT12 * scale * (rng.random((1, Y.shape[1])) - 0.5)
        bias = np.zeros(len(Y))
        for part in (rates * Y).T:  # in order: the same bits on every machine
            bias += part
        drawn.append(bias)
    return drawn
