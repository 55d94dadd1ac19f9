"""Feedback pathways: the weights ``Y[l]`` to the apical dendrites of hidden layer `l`, and what becomes of them.

One frozen class per pathway, with two methods: `draw` returns the weights at the start, `plan` what a core does with
them during training; a third, `check`, may refuse a network. Which layer feeds back, and whether spikes or rates, is
the network's affair (`Network.feedback_from`, `feedback_signal`). To add a pathway, write another class.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from spikelearn.core.feedback import Fixed, Learned, Mirrored, Tied, Twinned
from spikelearn.errors import InputError, check_range
from spikelearn.kinds import register

SQRT12 = 12.0**0.5  # width of a uniform distribution over its standard deviation

Feeding = tuple[int, ...]
Arrays = list[np.ndarray]


class Feedback(Protocol):
    """Contract of a feedback pathway: a frozen dataclass, registered by ``spikelearn.register(like=Feedback)``.

    It may also have a method ``check(feeding)``, which raises `InputError` where feedback does not come from the layers
    that it needs. Making one with a number out of its range raises `InputError`, too.
    """

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw the feedback weights of each hidden layer.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of the draws.
        forward : list of (n_post, n_pre) arrays
            Forward weights of all layers, lowest first.
        scales : list of float
            For each hidden layer the SD of forward weights with its size as fan-in.
        feeding : tuple of int
            For each hidden layer the layer that feeds back to it; 0 is the first with weights.

        Returns
        -------
        list of (n_hidden, n_feeding) float64 arrays
            Weights ``Y[l]`` of each hidden layer, lowest first.
        """

    def plan(self) -> Any:
        """Return the plan of the weights in training, for the compiled kernels.

        Returns
        -------
        NamedTuple
            Of a class registered by `spikelearn.core.feedback.register_plan`.
        """


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class RandomFeedback:
    """Independent uniform weights of mean zero for each hidden layer, straight from the layer that feeds back.

    The Methods of the paper have such weights, without a number for their SD.

    Parameters
    ----------
    gain : float
        SD of the weights, in units of the SD of forward weights with the layer's size as fan-in.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range("RandomFeedback.gain", self.gain)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw the weights of each hidden layer."""
        sizes = [W.shape[0] for W in forward]
        return [
            self.gain * _uniform(rng, (sizes[layer], sizes[above]), scales[layer])
            for layer, above in enumerate(feeding)
        ]

    def plan(self) -> Fixed:
        """Return the plan of fixed weights."""
        return Fixed()


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class ProductFeedback:
    """Weights as those of `RandomFeedback` for the last hidden layer, and products of random matrices below.

    ``Y[l] = R[l] @ Y[l+1]`` with ``R[l]`` (hidden l, hidden l+1), uniform, of the SD that belongs to the size of layer
    `l`. The weights of lower layers are large: SD about 9 for 500-100. Where each layer receives feedback from the one
    above it, the weights are the ``R[l]`` themselves. Not in the paper: the numerics of the code that it cites.

    Parameters
    ----------
    gain : float
        Factor of all weights.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range("ProductFeedback.gain", self.gain)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw the weights of each hidden layer."""
        sizes = [W.shape[0] for W in forward]
        drawn: Arrays = []
        upper = np.eye(sizes[-1])
        for layer in reversed(range(len(feeding))):
            factor = _uniform(rng, (sizes[layer], sizes[layer + 1]), scales[layer])
            upper = _product(factor, upper)
            drawn.insert(0, self.gain * (factor if feeding[layer] == layer + 1 else upper))
        return drawn

    def plan(self) -> Fixed:
        """Return the plan of fixed weights."""
        return Fixed()


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class SparseFeedback:
    """Weights of another pathway, of which a fraction is zero and the rest `gain` times as large (figure 8).

    Parameters
    ----------
    fraction_zero : float
        Fraction of zeros within [0, 1), of each ``Y[l]``, rounded down to a whole number of weights.
    gain : float
        Factor of the weights that are left: 5 in figure 8B, 1 in its supplement.
    base : RandomFeedback or ProductFeedback
        Pathway that draws the weights.
    """

    fraction_zero: float = 0.8
    gain: float = 5.0
    base: RandomFeedback | ProductFeedback = field(default_factory=ProductFeedback)

    def __post_init__(self) -> None:
        check_range("SparseFeedback.fraction_zero", self.fraction_zero, at_least=0, below=1)
        check_range("SparseFeedback.gain", self.gain)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw the weights of each hidden layer."""
        drawn = [self.gain * Y for Y in self.base.draw(rng, forward, scales, feeding)]
        for Y in drawn:
            Y.ravel()[rng.permutation(Y.size)[: int(self.fraction_zero * Y.size)]] = 0
        return drawn

    def plan(self) -> Fixed:
        """Return the plan of fixed weights."""
        return Fixed()


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class PooledFeedback:
    """Weights of another pathway, the same from all outputs of a class. Not in the paper.

    The base draws weights from one neuron of each class, and every output of the class has ``1 / population`` of them.
    So an apical dendrite receives the mean of a population: the noise of the fed-back spikes falls as populations grow,
    and the mean input stays.

    Parameters
    ----------
    population : int
        Number of outputs for each class, as in the network.
    base : RandomFeedback or ProductFeedback
        Pathway that draws the weights.
    """

    population: int
    base: RandomFeedback | ProductFeedback = field(default_factory=RandomFeedback)

    def __post_init__(self) -> None:
        check_range("PooledFeedback.population", self.population, at_least=1, integer=True)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw the weights of each hidden layer."""
        output = len(forward) - 1
        drawn = self.base.draw(rng, [*forward[:-1], forward[-1][:: self.population]], scales, feeding)
        return [
            np.repeat(Y / self.population, self.population, axis=1) if source == output else Y
            for Y, source in zip(drawn, feeding, strict=True)
        ]

    def plan(self) -> Fixed:
        """Return the plan of fixed weights."""
        return Fixed()


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class SymmetricFeedback:
    """The forward weights transposed, which follow them as they change (figure 8D).

    Where a layer receives feedback from the output layer past others, the product of the transposed weights in between.

    Parameters
    ----------
    noise : float
        SD of normal noise on every weight, drawn anew for every example. Figure 8D has 0.05, which the paper calls the
        variance; here so little does no harm, unlike published. ``experiments/drifting.py`` has noise that does.
    """

    noise: float = 0.0

    def __post_init__(self) -> None:
        check_range("SymmetricFeedback.noise", self.noise, at_least=0)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Return the transposed weights, without noise."""
        drawn: Arrays = []
        upper = np.eye(forward[-1].shape[0])
        for layer in reversed(range(len(feeding))):
            factor = forward[layer + 1].T
            upper = _product(factor, upper)
            drawn.insert(0, factor.copy() if feeding[layer] == layer + 1 else upper)
        return drawn

    def plan(self) -> Tied:
        """Return the plan of weights that follow the forward weights, with the SD of the noise."""
        return Tied(self.noise)


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class LearnedFeedback:
    """Weights that learn to invert the layers above: plateau potentials approach the rates that caused them.

    Gradient descent on the inverse loss, half the square of ``rate_max * sigmoid(V) - alpha`` in the forward phase,
    with respect to the feedback weights. Not in the paper; in the last version of the authors' code, while the one that
    the paper cites takes a fifth of this step. Weights of zero stay zero, so `SparseFeedback` can be the base; its gain
    is applied once, at the start.

    Parameters
    ----------
    rate : float
        Learning rate of the feedback weights.
    base : RandomFeedback, ProductFeedback or SparseFeedback
        Pathway that draws the weights at the start.
    """

    rate: float = 0.1
    base: RandomFeedback | ProductFeedback | SparseFeedback = field(default_factory=ProductFeedback)

    def __post_init__(self) -> None:
        check_range("LearnedFeedback.rate", self.rate, at_least=0)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw the weights of each hidden layer."""
        return self.base.draw(rng, forward, scales, feeding)

    def plan(self) -> Learned:
        """Return the plan of weights that learn, with their learning rate."""
        return Learned(self.rate)


@dataclass(frozen=True, kw_only=True)
class _FollowsForward:
    """Base of feedback that approaches the forward weights of the layer above (Akrout et al. 2019).

    Parameters
    ----------
    base : RandomFeedback or ProductFeedback
        Pathway that draws the weights at the start.
    """

    base: RandomFeedback | ProductFeedback = field(default_factory=RandomFeedback)

    def check(self, feeding: Feeding) -> None:
        """Raise `InputError` unless every hidden layer receives feedback from the layer above it.

        Parameters
        ----------
        feeding : tuple of int
            For each hidden layer the layer that feeds back to it; 0 is the first with weights.

        Raises
        ------
        InputError
            A layer receives feedback from another layer.
        """
        if any(source != layer + 1 for layer, source in enumerate(feeding)):
            raise InputError(
                f"{type(self).__name__} needs the layer above each hidden layer to feed back, but with several hidden "
                f"layers feedback_from='output' is not that; set feedback_from='above'"
            )

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw the weights of each hidden layer."""
        return self.base.draw(rng, forward, scales, feeding)


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class KolenPollack(_FollowsForward):
    """Weights that get the same changes and the same decay as the forward weights above, so that they come to agree.

    Every change of the weight from one neuron up to another is made to the weight back, too, and both shrink by a
    fraction in every example. So their difference shrinks, and no weight is copied. For feedback from the layer above,
    and rules that change weights by error x presynaptic average. Kolen & Pollack (1994), IEEE World Congress on
    Computational Intelligence; for deep networks Akrout et al. (2019), NeurIPS 32.

    Parameters
    ----------
    base : RandomFeedback or ProductFeedback
        Pathway that draws the weights at the start.
    decay : float
        Fraction of the weights that an example takes away, within [0, 1): of feedback weights, and of forward weights
        except those from the inputs.
    """

    decay: float = 3e-5

    def __post_init__(self) -> None:
        check_range("KolenPollack.decay", self.decay, at_least=0, below=1)

    def plan(self) -> Twinned:
        """Return the plan of weights that change with the forward weights, with the decay."""
        return Twinned(self.decay)


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class WeightMirror(_FollowsForward):
    """Weights that learn from noise to equal the forward weights above.

    After each example every hidden layer in turn is active by normal noise `x` alone, and the layer above answers with
    the potentials ``W x``. The weights back learn by ``Y += rate * (x (W x)^T - Y)``, whose mean is ``W^T``, from what
    each synapse sent and received. For feedback from the layer above. Akrout, Wilson, Humphreys, Lillicrap & Tweed
    (2019), Deep learning without weight transport, NeurIPS 32.

    Parameters
    ----------
    base : RandomFeedback or ProductFeedback
        Pathway that draws the weights at the start.
    rate : float
        Learning rate within (0, 1]: the weights are a mean over the last ``1 / rate`` examples or so, with noise of
        about ``sqrt(rate * n / 2)`` weights, for `n` neurons in the layer.
    """

    rate: float = 3e-4

    def __post_init__(self) -> None:
        check_range("WeightMirror.rate", self.rate, above=0, at_most=1)

    def plan(self) -> Mirrored:
        """Return the plan of weights that learn from noise, with their learning rate."""
        return Mirrored(self.rate)


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the matrix product, summed in order: BLAS rounds by the machine and the number of threads."""
    total = np.zeros((len(left), right.shape[1]))
    for column, row in zip(left.T, right, strict=True):
        total += column[:, None] * row
    return total


def _uniform(rng: np.random.Generator, shape: tuple[int, int], sd: float) -> np.ndarray:
    return SQRT12 * sd * (rng.random(shape) - 0.5)
