"""What all engines share: weights in the core's blocked order, and the calls of the compiled loops."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from spikelearn.core import learn, trial
from spikelearn.core.jit import kernel, uncached
from spikelearn.core.lanes import LANES
from spikelearn.core.layout import FORWARD, TARGET, Averages, Layout
from spikelearn.core.layout import Weights as CoreWeights
from spikelearn.core.random import draw_extra, make_keys
from spikelearn.errors import InputError, NotFiniteError, check_range, nearest
from spikelearn.network import Network
from spikelearn.weights import Weights

DTYPES: dict[str, Any] = {"float32": np.float32, "float64": np.float64}


def check_dtype(where: str, dtype: str) -> None:
    """Raise `InputError` unless the core's floats can be of this type."""
    if dtype not in DTYPES:
        raise InputError(f"{where}={dtype!r} is unknown; {nearest(str(dtype), DTYPES)}")


class Chunk(NamedTuple):
    """What training on a chunk of examples returns, by example."""

    prediction: np.ndarray  # (examples,) int64
    loss: np.ndarray  # (examples, layers) float64
    angle: np.ndarray  # (examples, hidden layers) float64, degrees; NaN without a rule to compare with


class Core(ABC):
    """Arrays of one network for an engine, and the calls that advance it. Engines fill in what differs.

    Parameters
    ----------
    network : Network
    weights : Weights
        Copied.
    dtype : str
        Of the core's floats.
    """

    _net: Any  # the engine's record of what the kernels need
    _state: Any  # what is carried from example to example
    _work: Any  # scratch
    _rate: float  # expected spikes of an input of intensity 1 in the engine's unit of time

    def __init__(self, network: Network, weights: Weights, dtype: str) -> None:
        check_weights(network, weights)
        self.network = network
        self._float = DTYPES[dtype]
        self._layout = make_layout(network.sizes)
        self._packed = self._pack(weights)
        self._averages = self._make_averages()
        self._trial = self._make_trial()

    @abstractmethod
    def _training_schedule(self, extra: np.ndarray) -> trial.Schedule:
        """Return phases and windows, given the extra lengths in ms, (examples, 2)."""

    @abstractmethod
    def _test_schedule(self, n: int) -> trial.Schedule:
        """Return phases and windows of `n` test images."""

    @abstractmethod
    def _make_room(self, images: np.ndarray) -> None:
        """Let the buffers of spikes hold those of the brightest of the images."""

    # -- weights and state, in the user's order -------------------------------------------------------------------

    @property
    def weights(self) -> Weights:
        """The present weights, a copy."""
        layout, packed = self._layout, self._packed
        n_outputs = self.network.sizes[-1]
        forward, biases, feedback = [], [], []
        for layer, n in enumerate(layout.sizes):
            blocks = range(layout.first_block[layer], layout.first_block[layer + 1])
            n_pre = self.network.sizes[layer]
            rows = [packed.forward[layout.weight_row[b] : layout.weight_row[b] + n_pre].T for b in blocks]
            forward.append(np.concatenate(rows)[:n].copy())
            biases.append(packed.bias[blocks.start : blocks.stop].ravel()[:n].copy())
            if layer < self.network.n_hidden:
                rows = [packed.feedback[b * n_outputs : (b + 1) * n_outputs].T for b in blocks]
                feedback.append(np.concatenate(rows)[:n].copy())
        return Weights(tuple(forward), tuple(biases), tuple(feedback))

    def state(self) -> dict[str, np.ndarray]:
        """Return what is carried from example to example, a copy: restoring it continues bit for bit."""
        n = int(self._state.n_recent[0])
        arrays = self._state._asdict()
        del arrays["n_recent"]
        return {name: a[:n].copy() if name.startswith("recent_") else a.copy() for name, a in arrays.items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state that `state` returned for the same network and engine."""
        own = self._state._asdict()
        del own["n_recent"]
        for name, array in own.items():
            if name not in state:
                raise InputError(f"state has no {name!r}; it was written by another engine")
            given, fits = state[name], state[name].shape == array.shape
            if name.startswith("recent_"):
                fits = given.ndim == 1 and len(given) <= len(array) and len(given) == len(state["recent_source"])
            if not fits or given.dtype != array.dtype:
                raise InputError(
                    f"state {name!r} of shape {given.shape} {given.dtype} does not fit this network: "
                    f"it needs {array.shape} {array.dtype}"
                )
        for name, array in own.items():
            array[: len(state[name])] = state[name]
        self._state.n_recent[0] = len(state["recent_source"])
        # What is remembered may come from images far brighter than those that follow.
        self._make_room(np.ones((1, self.network.sizes[0]), np.float32))

    # -- the compiled loops ---------------------------------------------------------------------------------------

    def train(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        seed: int,
        first_example: int,
        learning_rates: tuple[float, ...],
        rule: Any,
        compare: Any = None,
    ) -> Chunk:
        """Train on a chunk of examples, in order.

        Parameters
        ----------
        images : (examples, n_inputs) float32 array
            Intensities in [0, 1].
        labels : (examples,) int64 array
        seed, first_example : int
            They fix every draw: example `k` of the chunk is trial ``first_example + k`` of the seed.
        learning_rates : tuple of float
            One for each layer with weights.
        rule : Rule
        compare : Rule, optional
            A second rule; its errors are not applied, but the angle to them is returned.

        Raises
        ------
        InputError
            Images, labels or learning rates do not fit the network.
        NotFiniteError
            A potential or an error became NaN or infinite; the message names layer, quantity and example.
        """
        images, labels = self._check_images(images), self._check_labels(images, labels)
        self._check_learning_rates(learning_rates)
        n = len(images)
        results = self._results(n)
        schedule = self._training_schedule(self._extra(seed, first_example, n))
        self._make_room(images)
        other = Silent() if compare is None else compare.constants()
        self._errors[1][:] = 0  # Silent leaves them as they are
        constants = rule.constants()
        run = trial.train_chunk if _of_package(constants) and _of_package(other) else _train_chunk_uncached
        status = run(
            self._keyed(seed, "training"), self._state, self._work, self._averages, constants, other,
            self._trial, self._errors, images, labels, first_example, schedule, self._rate,
            np.array(learning_rates, np.float64), self.network.carry_state, results,
        )  # fmt: skip
        self._check(status, results, first_example)
        self._check_weights(first_example + n)
        return Chunk(results.prediction, results.loss, results.angle)

    def test(self, images: np.ndarray, *, seed: int, first_example: int) -> np.ndarray:
        """Show images, each to the network at rest; return the predicted classes, (images,) int64."""
        images = self._check_images(images)
        n = len(images)
        results = self._results(n)
        self._make_room(images)
        status = trial.test_chunk(
            self._keyed(seed, "evaluation"), self._state, self._work, self._averages, images,
            first_example, self._test_schedule(n), self._rate, results,
        )  # fmt: skip
        self._check(status, results, first_example)
        return results.prediction

    def rest(self) -> None:
        """Forget all activity."""
        trial.rest(self._state)

    # -- building -------------------------------------------------------------------------------------------------

    def _keyed(self, seed: int, purpose: str) -> Any:
        return self._net._replace(keys=make_keys(seed, purpose, self._net.keys.shape[0]))

    def _extra(self, seed: int, first_example: int, n: int) -> np.ndarray:
        """Draw the extra lengths of the phases of `n` training examples, ms."""
        phases = self.network.phases
        extra = np.empty((n, 2))
        key = make_keys(seed, "phases", 1)[0]
        draw_extra(key, first_example, phases.extra_mean, phases.extra_shape, extra)
        return extra

    def _pack(self, weights: Weights) -> CoreWeights:
        layout = self._layout
        n_blocks = len(layout.lanes)
        hidden_blocks = layout.first_block[self.network.n_hidden]
        n_outputs = self.network.sizes[-1]
        packed = CoreWeights(
            forward=lanes_array(_weight_rows(layout), self._float),
            bias=lanes_array(n_blocks, self._float),
            feedback=lanes_array(hidden_blocks * self.network.sizes[-1], self._float),
        )
        for layer, n in enumerate(layout.sizes):
            for place, block in enumerate(range(layout.first_block[layer], layout.first_block[layer + 1])):
                cells = slice(place * LANES, min((place + 1) * LANES, n))
                lanes = slice(0, cells.stop - cells.start)
                row = layout.weight_row[block]
                n_pre = self.network.sizes[layer]
                packed.forward[row : row + n_pre, lanes] = weights.W[layer][cells].T
                packed.bias[block, lanes] = weights.b[layer][cells]
                if layer < self.network.n_hidden:
                    packed.feedback[block * n_outputs : (block + 1) * n_outputs, lanes] = weights.Y[layer][cells].T
        return packed

    def _make_averages(self) -> Averages:
        n_blocks = len(self._layout.lanes)
        hidden_blocks = int(self._layout.first_block[self.network.n_hidden])
        return Averages(
            v_soma=lanes_array(n_blocks, self._float),
            activity=lanes_array(n_blocks, self._float),
            psp=np.zeros((2, n_sources(self._layout))),
            apical=lanes_array(2 * hidden_blocks, self._float),
            plateau=lanes_array(2 * hidden_blocks, self._float),
            predicted=lanes_array(n_blocks, self._float),
            slope=lanes_array(n_blocks, self._float),
        )

    def _make_trial(self) -> learn.Trial:
        layout, averages = self._layout, self._averages
        first = layout.first_block[:-1] * LANES
        self._errors = tuple(lanes_array(len(layout.lanes), self._float) for _ in range(2))
        return learn.Trial(
            first=first,
            stop=first + layout.sizes,
            v_forward=averages.v_soma.reshape(-1),
            activity_target=averages.activity.reshape(-1),
            predicted=averages.predicted.reshape(-1),
            slope=averages.slope.reshape(-1),
            plateau_forward=averages.plateau.reshape(2, -1)[FORWARD],
            plateau_target=averages.plateau.reshape(2, -1)[TARGET],
            dendrite_gain=np.array(self.network.dendrite_gains),
            rate_max=self._float(self.network.rate_max),
            forward=self._packed.forward,
            weight_row=layout.weight_row,
        )

    def _results(self, n: int) -> trial.Results:
        return trial.Results(
            prediction=np.zeros(n, np.int64),
            loss=np.zeros((n, self.network.n_layers)),
            angle=np.full((n, self.network.n_hidden), np.nan),
            failure=np.zeros(3, np.int64),
        )

    # -- what is given, and failures -----------------------------------------------------------------------------

    def _check_images(self, images: np.ndarray) -> np.ndarray:
        """Return images as the kernels want them; `InputError` unless they are intensities of this network's inputs."""
        n_inputs = self.network.sizes[0]
        if not isinstance(images, np.ndarray) or images.dtype.kind != "f":
            what = getattr(images, "dtype", type(images).__name__)
            raise InputError(f"intensities must be an array of floats within 0..1, got {what}; use astype")
        if images.ndim != 2 or images.shape[1] != n_inputs:
            raise InputError(
                f"intensities of shape {images.shape[1:]} an image do not fit a network with {n_inputs} inputs; "
                f"each image must be of shape ({n_inputs},)"
            )
        low, high = images.min(initial=0.0), images.max(initial=0.0)
        if not (low >= 0 and high <= 1):  # true for NaN
            bad = ~((images >= 0) & (images <= 1))
            image, pixel = divmod(int(bad.argmax()), n_inputs)
            value = str(images[image, pixel]).replace("nan", "NaN")
            raise InputError(f"intensity {value} at image {image}, input {pixel}; must be finite and within 0..1")
        return np.ascontiguousarray(images, np.float32)

    def _check_labels(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return labels as the kernels want them; `InputError` unless there is an output for each image's."""
        n_outputs = self.network.sizes[-1]
        given = np.asarray(labels)
        if given.dtype.kind not in "iu" or given.shape != (len(images),):
            raise InputError(
                f"labels must be integers, one for each of the {len(images)} images, got {given.dtype} of shape "
                f"{given.shape}"
            )
        bad = (given < 0) | (given >= n_outputs)
        if bad.any():
            raise InputError(f"label {given[bad][0]} at image {bad.argmax()}; must be within 0..{n_outputs - 1}")
        return np.ascontiguousarray(given, np.int64)

    def _check_trial(self, intensity: np.ndarray, label: int | None) -> np.ndarray:
        """Return one image as the kernels want it; `InputError` unless it and its label, if any, fit the network."""
        image: np.ndarray = self._check_images(np.asarray(intensity)[None])[0]
        if label is not None:
            self._check_labels(image[None], np.asarray([label]))
        return image

    def _check_learning_rates(self, rates: tuple[float, ...]) -> None:
        if len(rates) != self.network.n_layers:
            raise InputError(
                f"{len(rates)} learning rates {tuple(rates)} for a network of {self.network.n_layers} layers with "
                f"weights; give one for each"
            )
        for rate in rates:
            check_range("learning_rates", rate, at_least=0)

    def _check(self, status: int, results: trial.Results, first_example: int) -> None:
        if status == trial.NOT_FINITE:
            example, layer, quantity = results.failure.tolist()
            name = "mean somatic potential" if quantity == trial.POTENTIAL else "error"
            raise NotFiniteError(
                f"the {name} of layer {layer + 1} is not finite at example {first_example + example}; "
                f"the learning rates are probably too large"
            )
        if status == trial.OVERFLOW:
            raise RuntimeError(f"a buffer of spikes overflowed at example {first_example + int(results.failure[0])}")

    def _check_weights(self, example: int) -> None:
        layout, packed = self._layout, self._packed
        for layer in range(self.network.n_layers):
            blocks = slice(layout.first_block[layer], layout.first_block[layer + 1])
            rows = slice(layout.weight_row[blocks.start], (*layout.weight_row, len(packed.forward))[blocks.stop])
            if not (np.isfinite(packed.forward[rows]).all() and np.isfinite(packed.bias[blocks]).all()):
                raise NotFiniteError(
                    f"a weight or bias of layer {layer + 1} is not finite before example {example}; "
                    f"the learning rates are probably too large"
                )


def check_weights(network: Network, weights: Weights) -> None:
    """Raise `InputError` unless every array of the weights has the shape that the network needs."""
    sizes = network.sizes
    if weights.W and weights.sizes != sizes:
        raise InputError(f"weights of sizes {weights.sizes} do not fit a network of sizes {sizes}")
    wanted = {
        "W": list(zip(sizes[1:], sizes[:-1], strict=True)),
        "b": [(n,) for n in sizes[1:]],
        "Y": [(n, sizes[-1]) for n in sizes[1:-1]],
    }
    for name, shapes in wanted.items():
        given = [np.shape(array) for array in getattr(weights, name)]
        if given != shapes:
            raise InputError(
                f"Weights.{name} of shapes {given} do not fit a network of sizes {sizes}: it needs {shapes}"
            )


class Silent(NamedTuple):
    """Constants of the rule that says nothing; stands where no rule is compared with."""


@kernel
def _no_errors(rule, trial, layer, error):
    """Leave the errors as they are, zero."""


learn.register_rule(Silent, _no_errors)
_train_chunk_uncached = uncached(trial.train_chunk)


def _of_package(constants: Any) -> bool:
    """Tell whether the code of this rule is part of the package, so that the cache of compiled code watches it."""
    return type(constants).__module__.startswith("spikelearn.")


def lanes_array(rows: int, real: type) -> np.ndarray:
    """Return a zero (rows, 64) array that starts on a cache line, so that no load or store of lanes straddles two."""
    line = 64
    size = rows * LANES * np.dtype(real).itemsize
    raw = np.zeros(size + line, np.uint8)
    start = -raw.ctypes.data % line
    return raw[start : start + size].view(real).reshape(rows, LANES)


def make_layout(sizes: tuple[int, ...]) -> Layout:
    """Lay a network out in blocks: which neurons, sources and weights are where."""
    post = np.array(sizes[1:], np.int64)
    blocks = -(-post // LANES)
    first_block = np.concatenate([[0], np.cumsum(blocks)])
    padded = -(-np.array(sizes, np.int64) // LANES) * LANES
    lanes, rows = [], [0]
    for n_pre, n_post in zip(padded[:-1], post, strict=True):
        for block in range(-(-n_post // LANES)):
            lanes.append(min(LANES, n_post - block * LANES))
            rows.append(rows[-1] + n_pre)
    return Layout(
        sizes=post,
        first_block=first_block,
        lanes=np.array(lanes, np.int64),
        first_source=np.concatenate([[0], np.cumsum(padded[:-1])]),
        weight_row=np.array(rows[:-1], np.int64),
    )


def n_sources(layout: Layout) -> int:
    """Return the number of sources, padded: inputs and all neurons."""
    return int(layout.first_source[-1]) + LANES * output_blocks(layout)


def _weight_rows(layout: Layout) -> int:
    last = len(layout.sizes) - 1
    return int(layout.weight_row[-1] + layout.first_source[last + 1] - layout.first_source[last])


def output_blocks(layout: Layout) -> int:
    """Return the number of blocks of the output layer."""
    return int(layout.first_block[-1] - layout.first_block[-2])
