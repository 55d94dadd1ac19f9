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
    """A frozen dataclass, made known by ``spikelearn.register(like=Feedback)``.

    It may have a method ``check(feeding)``, too, which raises `InputError` where feedback comes from elsewhere than it
    needs.
    """

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw ``Y[l]`` for each hidden layer; parameters as `RandomFeedback.draw`."""

    def plan(self) -> Any:
        """Return a NamedTuple of a class registered by `spikelearn.core.feedback.register_plan`."""


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class RandomFeedback:
    """Each hidden layer has its own zero-mean uniform weights straight from the layer that feeds back.

    Their SD is `gain` times that of forward weights with the layer's size as fan-in.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range("RandomFeedback.gain", self.gain)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw ``Y[l]`` for each hidden layer.

        Parameters
        ----------
        rng : numpy.random.Generator
        forward : list of (n_post, n_pre) arrays
            All forward weights.
        scales : list of float
            SD of forward weights with the size of hidden layer `l` as fan-in.
        feeding : tuple of int
            The layer that feeds back to hidden layer `l`; 0 is the first with weights.

        Returns
        -------
        list of (hidden l, neurons that feed back to it) float64 arrays
        """
        sizes = [W.shape[0] for W in forward]
        return [
            self.gain * _uniform(rng, (sizes[layer], sizes[above]), scales[layer])
            for layer, above in enumerate(feeding)
        ]

    def plan(self) -> Fixed:
        """Return what the core does with the weights during training."""
        return Fixed()


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class ProductFeedback:
    """As `RandomFeedback` for the last hidden layer; lower ones hear the output through further random matrices.

    ``Y[l] = R[l] @ Y[l+1]`` with ``R[l]`` (hidden l, hidden l+1), uniform, of the SD that belongs to the size of
    layer `l`. The authors' numerics; the weights of lower layers come out large (SD about 9 for 500-100). Where each
    layer hears from the one above it, the weights are the ``R[l]`` themselves.
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        check_range("ProductFeedback.gain", self.gain)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw ``Y[l]`` for each hidden layer; parameters as `RandomFeedback.draw`."""
        sizes = [W.shape[0] for W in forward]
        drawn: Arrays = []
        upper = np.eye(sizes[-1])
        for layer in reversed(range(len(feeding))):
            factor = _uniform(rng, (sizes[layer], sizes[layer + 1]), scales[layer])
            upper = factor @ upper
            drawn.insert(0, self.gain * (factor if feeding[layer] == layer + 1 else upper))
        return drawn

    def plan(self) -> Fixed:
        """Return what the core does with the weights during training."""
        return Fixed()


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class SparseFeedback:
    """Other feedback, of which a fraction of all weights is zero and the rest `gain` times as large (figure 8).

    Parameters
    ----------
    fraction_zero : float
        Within [0, 1): of each ``Y[l]``, rounded down to a whole number of weights.
    gain : float
        5 in figure 8B; 1 in its supplement.
    base : RandomFeedback or ProductFeedback
    """

    fraction_zero: float = 0.8
    gain: float = 5.0
    base: RandomFeedback | ProductFeedback = field(default_factory=ProductFeedback)

    def __post_init__(self) -> None:
        check_range("SparseFeedback.fraction_zero", self.fraction_zero, at_least=0, below=1)
        check_range("SparseFeedback.gain", self.gain)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw ``Y[l]`` for each hidden layer; parameters as `RandomFeedback.draw`."""
        drawn = [self.gain * Y for Y in self.base.draw(rng, forward, scales, feeding)]
        for Y in drawn:
            Y.ravel()[rng.permutation(Y.size)[: int(self.fraction_zero * Y.size)]] = 0
        return drawn

    def plan(self) -> Fixed:
        """Return what the core does with the weights during training."""
        return Fixed()


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class PooledFeedback:
    """Other feedback, the same from all outputs of a class: apical dendrites hear the mean of its population.

    The base draws weights from one neuron of each class, and every output of the class has ``1 / population`` of them.
    So the noise of the fed-back spikes falls as populations grow, and what they say on average stays. Not in the paper.

    Parameters
    ----------
    population : int
        Outputs for each class, as in the network.
    base : RandomFeedback or ProductFeedback
    """

    population: int
    base: RandomFeedback | ProductFeedback = field(default_factory=RandomFeedback)

    def __post_init__(self) -> None:
        check_range("PooledFeedback.population", self.population, at_least=1, integer=True)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw ``Y[l]`` for each hidden layer; parameters as `RandomFeedback.draw`."""
        output = len(forward) - 1
        drawn = self.base.draw(rng, [*forward[:-1], forward[-1][:: self.population]], scales, feeding)
        return [
            np.repeat(Y / self.population, self.population, axis=1) if source == output else Y
            for Y, source in zip(drawn, feeding, strict=True)
        ]

    def plan(self) -> Fixed:
        """Return what the core does with the weights during training."""
        return Fixed()


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class SymmetricFeedback:
    """The forward weights transposed, following them as they change (figure 8D).

    Where a layer hears from the output through others, the product of the transposed weights in between.

    Parameters
    ----------
    noise : float
        SD of normal noise on every weight, drawn anew for every example. (0.05 in figure 8D, which calls it variance;
        here so little does no harm, unlike published; ``experiments/drifting.py`` has noise that does.)
    """

    noise: float = 0.0

    def __post_init__(self) -> None:
        check_range("SymmetricFeedback.noise", self.noise, at_least=0)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Return the transposed weights, without noise; parameters as `RandomFeedback.draw`."""
        drawn: Arrays = []
        upper = np.eye(forward[-1].shape[0])
        for layer in reversed(range(len(feeding))):
            factor = forward[layer + 1].T
            upper = factor @ upper
            drawn.insert(0, factor.copy() if feeding[layer] == layer + 1 else upper)
        return drawn

    def plan(self) -> Tied:
        """Return what the core does with the weights during training."""
        return Tied(self.noise)


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class LearnedFeedback:
    """Other feedback that learns to invert the layers above it: plateaus come to tell the rates that caused them.

    Gradient descent on the inverse loss, half the square of ``rate_max * sigmoid(V) - alpha`` in the forward phase,
    with respect to the feedback weights. Not in the paper; in the last version of the authors' code, while the one that
    the paper cites takes a fifth of this step. Weights of zero stay zero, so it goes together with `SparseFeedback`,
    whose gain is applied once, at the start.

    Parameters
    ----------
    rate : float
        Learning rate of the feedback weights.
    base : RandomFeedback, ProductFeedback or SparseFeedback
        At the start.
    """

    rate: float = 0.1
    base: RandomFeedback | ProductFeedback | SparseFeedback = field(default_factory=ProductFeedback)

    def __post_init__(self) -> None:
        check_range("LearnedFeedback.rate", self.rate, at_least=0)

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw ``Y[l]`` for each hidden layer; parameters as `RandomFeedback.draw`."""
        return self.base.draw(rng, forward, scales, feeding)

    def plan(self) -> Learned:
        """Return what the core does with the weights during training."""
        return Learned(self.rate)


@dataclass(frozen=True, kw_only=True)
class _FollowsForward:
    """What feedback has in common that comes to follow the forward weights of the layer above."""

    base: RandomFeedback | ProductFeedback = field(default_factory=RandomFeedback)

    def check(self, feeding: Feeding) -> None:
        """Raise `InputError` unless every hidden layer is fed from the layer above it."""
        if any(source != layer + 1 for layer, source in enumerate(feeding)):
            raise InputError(
                f"{type(self).__name__} needs the layer above each hidden layer to feed back, but with several hidden "
                f"layers feedback_from='output' is not that; set feedback_from='above'"
            )

    def draw(self, rng: np.random.Generator, forward: Arrays, scales: list[float], feeding: Feeding) -> Arrays:
        """Draw ``Y[l]`` for each hidden layer; parameters as `RandomFeedback.draw`."""
        return self.base.draw(rng, forward, scales, feeding)


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class KolenPollack(_FollowsForward):
    """Other feedback that changes as the forward weights above it do, while both decay: they come to agree.

    Every change of the weight from one neuron up to another is made to the weight back, too, and both shrink by a
    fraction in every example, so their difference does: no weight is ever handed over. For feedback from the layer
    above, and rules that change weights by error x presynaptic average. Kolen & Pollack (1994), IEEE World Congress
    on Computational Intelligence; for deep networks Akrout et al. (2019), NeurIPS 32.

    Parameters
    ----------
    decay : float
        Within [0, 1): fraction of weights, forward (but those from the inputs) and back, that an example takes away.
    base : RandomFeedback or ProductFeedback
        At the start.
    """

    decay: float = 3e-5

    def __post_init__(self) -> None:
        check_range("KolenPollack.decay", self.decay, at_least=0, below=1)

    def plan(self) -> Twinned:
        """Return what the core does with the weights during training."""
        return Twinned(self.decay)


@register(like=Feedback)
@dataclass(frozen=True, kw_only=True)
class WeightMirror(_FollowsForward):
    """Other feedback that learns from noise what the forward weights above it are.

    After each example every hidden layer in turn is active by normal noise `x` alone, the layer above answers with the
    potentials ``W x``, and the weights back learn by ``Y += rate * (x (W x)^T - Y)``, whose mean is ``W^T``: each
    synapse knows what it sent and received. For feedback from the layer above. Akrout, Wilson, Humphreys, Lillicrap &
    Tweed (2019), Deep learning without weight transport, NeurIPS 32.

    Parameters
    ----------
    rate : float
        Within (0, 1]: a mean over the last ``1 / rate`` examples or so, with noise of about ``sqrt(rate * n / 2)``
        weights, for `n` neurons in the layer.
    base : RandomFeedback or ProductFeedback
        At the start.
    """

    rate: float = 3e-4

    def __post_init__(self) -> None:
        check_range("WeightMirror.rate", self.rate, above=0, at_most=1)

    def plan(self) -> Mirrored:
        """Return what the core does with the weights during training."""
        return Mirrored(self.rate)


def _uniform(rng: np.random.Generator, shape: tuple[int, int], sd: float) -> np.ndarray:
    return SQRT12 * sd * (rng.random(shape) - 0.5)
