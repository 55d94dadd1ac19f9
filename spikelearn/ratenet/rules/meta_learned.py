r"""A learned local rule: one small network, the same for all hidden weights, says how each of them changes.

For the weight w from a unit that sends h to one that sends y, it sees eight numbers of the synapse and its two cells;
angle brackets are means over the minibatch, and e is the output's error through fixed random weights (direct feedback):

.. math::
    \phi = (& \langle e f'(a) h \rangle, \langle e h \rangle, \langle y h \rangle, \langle y \rangle \langle h \rangle,
    \langle h \rangle, \langle y \rangle, \langle e f'(a) \rangle, w) \\
    g = & v \cdot \hat\phi + u \cdot \tanh(A \hat\phi + c),\qquad w \leftarrow w - step(g)

Each number is divided by its root mean square over the layer. Biases are weights from a unit that always sends 1. The
optimiser makes the step, and the output layer learns by the delta rule. With v = (1, 0, ...) and u = 0 each layer's g
is that of direct feedback alignment, up to a factor; with -1 for the third number, it is Hebb's rule.

`FOUND` was found by evolution strategies on digits: `experiments/meta_rule.py`. Source: Metz, Maheswaranathan, Cheung &
Sohl-Dickstein, ICLR 2019, arXiv:1804.00222. Their rule has no labels, its network sees other numbers of each neuron,
and was trained with the gradient through the learning itself, by hundreds of workers.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spikelearn.errors import InputError, check_choice
from spikelearn.ratenet.delta import outer_means
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, State
from spikelearn.ratenet.rules.direct_feedback import DirectFeedback
from spikelearn.ratenet.rules.meta_numbers import FOUND
from spikelearn.ratenet.shared import need_dense

SEEN = ("credit x pre", "error x pre", "post x pre", "mean post x mean pre", "pre", "post", "credit", "weight")
EACH = len(SEEN) + 2  # numbers of a unit: its weights, its bias, its weight to the output


@dataclass(frozen=True)
class UpdateNet:
    """What says how a weight changes: a linear part, and tanh units.

    Parameters
    ----------
    numbers : tuple of float
        v, then the rows of A, c and u.
    """

    numbers: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.numbers) < len(SEEN) or (len(self.numbers) - len(SEEN)) % EACH:
            raise InputError(
                f"UpdateNet of {len(self.numbers)} numbers: it needs {len(SEEN)}, and {EACH} more for each tanh unit"
            )

    def __repr__(self) -> str:
        return f"UpdateNet({len(self.numbers)} numbers, {zlib.crc32(np.array(self.numbers).tobytes()):08x})"

    @classmethod
    def linear(cls, weights: Mapping[str, float]) -> "UpdateNet":
        """Return a net without tanh units, from its weights by their names in `SEEN`; those left out are zero."""
        for name in weights:
            check_choice("UpdateNet.linear", name, SEEN)
        return cls(tuple(float(weights.get(name, 0)) for name in SEEN))

    @classmethod
    def draw(cls, units: int, rng: np.random.Generator) -> "UpdateNet":
        """Draw a net with so many tanh units, from normal distributions; c is zero."""
        v = rng.standard_normal(len(SEEN)) / np.sqrt(len(SEEN))
        A = rng.standard_normal(units * len(SEEN)) / np.sqrt(len(SEEN))
        u = rng.standard_normal(units) / np.sqrt(units)
        return cls(tuple(np.concatenate([v, A, np.zeros(units), u]).tolist()))

    def change(self, seen: np.ndarray) -> np.ndarray:
        """Return g for (8, n) numbers of n weights; (n,) array."""
        units = (len(self.numbers) - len(SEEN)) // EACH
        numbers = np.array(self.numbers, seen.dtype)
        v, A, c, u = np.split(numbers, np.cumsum([len(SEEN), units * len(SEEN), units]))
        hidden = A.reshape(units, len(SEEN)) @ seen
        hidden += c[:, None]
        np.tanh(hidden, out=hidden)
        return v @ seen + u @ hidden


HEBB = UpdateNet.linear({"post x pre": -1})
BOUNDED_HEBB = UpdateNet.linear({"post x pre": -1, "weight": 1})  # weights decay


@dataclass(frozen=True, kw_only=True)
class MetaLearned(DirectFeedback):
    """A local rule that was learned itself (after Metz, Maheswaranathan, Cheung & Sohl-Dickstein 2019).

    Parameters
    ----------
    net : UpdateNet
        By default the one that was found.
    """

    net: UpdateNet = field(default_factory=lambda: UpdateNet(FOUND))

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` for local layers."""
        need_dense(self, network)

    def gradients(self, state: State, batch: Batch, rng: np.random.Generator) -> Parameters:
        """Return what the net says of each hidden weight, and the delta rule's gradient for the output."""
        activity = self.forward(state, batch.x, rng)
        error = self.output_error(state.network, activity, batch.target)
        gradient = outer_means(state.gradient, [None] * state.network.n_hidden + [error], activity.h)
        for layer, Y in enumerate(state.memory):
            W, b = state.parameters.W[layer], state.parameters.b[layer]
            h, y = activity.h[layer : layer + 2]
            changes = self.net.change(seen_by(W, b, h, y, error @ Y.T, activity.slope[layer])).reshape(len(W), -1)
            gradient.W[layer][:], gradient.b[layer][:] = changes[:, :-1], changes[:, -1]
        return gradient

    def teaching(self, state: State, batch: Batch, rng: np.random.Generator) -> list[np.ndarray] | None:
        """Return None: a weight's change is no product with an error of its unit."""
        return None


def seen_by(W: np.ndarray, b: np.ndarray, h: np.ndarray, y: np.ndarray, e: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return what the net sees of each weight of a layer, its bias after each row of weights; (8, post * (pre + 1)).

    Parameters
    ----------
    W, b : (post, pre) and (post,) array
    h, y : (n, pre) and (n, post) array
        What is received and sent.
    e, slope : (n, post) array
        Feedback, and the derivative of y.
    """
    post, pre = W.shape
    h = np.concatenate([h, np.ones((len(h), 1), h.dtype)], axis=1) / h.dtype.type(len(h))
    credit, mean_h, mean_y = e * slope, h.sum(axis=0), y.mean(axis=0)
    seen = np.empty((len(SEEN), post, pre + 1), W.dtype)
    for row, signal in zip(seen, (credit, e, y), strict=False):
        np.matmul(signal.T, h, out=row)
    seen[3] = np.outer(mean_y, mean_h)
    seen[4] = mean_h
    seen[5] = mean_y[:, None]
    seen[6] = credit.mean(axis=0)[:, None]
    seen[7, :, :-1], seen[7, :, -1] = W, b
    seen = seen.reshape(len(SEEN), -1)
    size = np.sqrt(np.square(seen).mean(axis=1, keepdims=True))
    seen /= np.where(size > 0, size, 1)
    return seen
