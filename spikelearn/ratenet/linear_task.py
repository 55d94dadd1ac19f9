r"""The linear task of the feedback alignment paper: 30-20-10 linear units learn a random linear map, online.

.. math::
    y = W_1 W_0 x,\quad t = T x,\quad T_{ij} \sim U(-1, 1),\; x \sim N(0, I),\quad
    W_0, W_1 \sim U(-\omega, \omega),\; B \sim U(-\tfrac12, \tfrac12) \\
    \Delta W_1 = -\eta (y - t) h^T,\quad \Delta W_0 = -\eta (F (y - t)) x^T,\quad h = W_0 x

without biases, one fresh sample an update, the same samples for every rule. F is ``W_1^T`` for backpropagation, the
fixed ``B`` for feedback alignment, ``pinv(W_1)`` for pseudo-backpropagation, whose step of the hidden activities is
that of Gauss and Newton. The error is ``|T - W_1 W_0|^2 / |T|^2``, the expectation over x of the paper's held-out one.

Source: Lillicrap, Cownden, Tweed & Akerman, arXiv:1411.0247 (2014), Task 1 and Figure 4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.activations import Identity
from spikelearn.ratenet.angles import mean_angles
from spikelearn.ratenet.delta_rule import DeltaRule, FeedbackRule
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.optimisers import SGD
from spikelearn.ratenet.outputs import LinearOutput
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, State
from spikelearn.ratenet.rules import Backprop, FeedbackAlignment, NodePerturbation, Shallow
from spikelearn.ratenet.streams import stream

FEEDBACK = 0.5  # range of B
N_ANGLE = 200  # samples over which angles are averaged


@dataclass(frozen=True, kw_only=True)
class PseudoBackprop(FeedbackRule):
    """Feedback through the pseudo-inverse of the forward weights."""

    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the pseudo-inverses."""
        return [np.linalg.pinv(W) for W in state.parameters.W[1:]]


@dataclass(frozen=True, kw_only=True)
class UniformFeedback(FeedbackAlignment):
    """Feedback alignment with the paper's range of feedback weights."""

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw the feedback weights."""
        return [rng.uniform(-FEEDBACK, FEEDBACK, each.reverse.shape) for each in network.connections[1:]]


@dataclass(frozen=True, kw_only=True)
class HiddenPerturbation(NodePerturbation):
    """Node perturbation of the hidden layer; the output has its exact error. The paper's control."""

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return noise times what it changed, and the output's error."""
        output, (_, h, y) = state.network.output, activity.h
        noise = self.noise * rng.standard_normal(h.shape)
        rise = output.loss(y + noise @ state.parameters.W[1].T, target) - output.loss(y, target)
        return [noise * rise[:, None] / self.noise**2, output.error(y, target)]


@dataclass(frozen=True, kw_only=True)
class LinearTask:
    """The task and its initial weights.

    Parameters
    ----------
    sizes : tuple of int
    omega : float
        Range of the initial weights.
    """

    sizes: tuple[int, int, int] = (30, 20, 10)
    omega: float = 0.01

    def __post_init__(self) -> None:
        check_range("LinearTask.omega", self.omega, at_least=0)

    def state(self, rule: DeltaRule, seed: int) -> tuple[State, np.ndarray]:
        """Return a network before it learns, and the map to learn, (outputs, inputs)."""
        network = RateNetwork(sizes=self.sizes, activation=Identity(), output=LinearOutput(), dtype="float64")
        parameters = Parameters(network.connections, network.dtype)
        rng = stream(seed, "weights")
        for W in parameters.W:
            W[:] = rng.uniform(-self.omega, self.omega, W.shape)
        memory = rule.start(network, parameters, stream(seed, "rule"))
        T = stream(seed, "task").uniform(-1, 1, (self.sizes[-1], self.sizes[0]))
        return State(network, parameters, memory, SGD(rate=0).start(0, network.dtype), parameters.zeros_like()), T


@dataclass(frozen=True)
class Point:
    """What is measured on the way.

    Attributes
    ----------
    sample : int
        Samples learned from so far.
    error : float
        Normalised squared error.
    angle_backprop, angle_pseudo : float
        Degrees between the hidden teaching signal and that of backpropagation, or of the pseudo-inverse.
    """

    sample: int
    error: float
    angle_backprop: float
    angle_pseudo: float


RULES: dict[str, DeltaRule] = {
    "shallow": Shallow(),
    "perturbation": HiddenPerturbation(),
    "backprop": Backprop(),
    "feedback alignment": UniformFeedback(),
    "pseudo-backprop": PseudoBackprop(),
}


def learn(
    rule: DeltaRule, rate: float, *, seed: int, samples: int, every: int, task: LinearTask | None = None
) -> Iterator[Point]:
    """Learn sample by sample; yield before the first and after each `every` of them."""
    check_range("rate", rate, above=0)
    check_range("every", every, at_least=1, integer=True)
    task = task or LinearTask()
    state, T = task.state(rule, seed)
    inputs, drawn = stream(seed, "inputs"), stream(seed, "learning")
    held = stream(seed, "held out").standard_normal((N_ANGLE, task.sizes[0]))
    yield _measure(rule, state, T, held, 0, seed)
    for sample in range(1, samples + 1):
        x = inputs.standard_normal((1, task.sizes[0]))
        gradient = rule.gradients(state, Batch(x, x @ T.T), drawn)
        for W, change in zip(state.parameters.W, gradient.W, strict=True):  # there are no biases
            W -= rate * change
        if sample % every == 0:
            yield _measure(rule, state, T, held, sample, seed)


def _measure(rule: DeltaRule, state: State, T: np.ndarray, held: np.ndarray, sample: int, seed: int) -> Point:
    W0, W1 = state.parameters.W
    batch = Batch(held, held @ T.T)
    error = float(np.square(T - W1 @ W0).sum() / np.square(T).sum())
    teaching = rule.teaching(state, batch, stream(seed, "angle", sample))
    if teaching is None:
        return Point(sample, error, float("nan"), float("nan"))
    others = [other.teaching(state, batch, stream(seed, "angle", sample)) for other in (Backprop(), PseudoBackprop())]
    found = [mean_angles(teaching, other)[0] for other in others if other is not None]
    return Point(sample, error, *found)
