"""What all engines share: weights in the core's blocked order, and the calls of the compiled loops."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from spikelearn.core import learn, trial
from spikelearn.core.feedback import Fixed, Pathway
from spikelearn.core.jit import kernel, uncached
from spikelearn.core.lanes import LANES
from spikelearn.core.layout import FORWARD, TARGET, Averages, n_feeding
from spikelearn.core.probe import Given, Probe
from spikelearn.core.random import draw_extra, make_keys
from spikelearn.engines.packing import check_weights, lanes_array, make_layout, n_sources, pack, unpack
from spikelearn.engines.probing import Stimulus, Trace, Watch, make_given, make_probe, read_probe
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
    v_output: np.ndarray  # (examples, outputs) float64, mean somatic potential in the forward phase
    trace: Trace | None  # of a watched example


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

    # What it means that a trial could not be run. Buffers are so large that this is all but impossible.
    _failure: tuple[type[Exception], str] = (RuntimeError, "a buffer of spikes overflowed")
    _net: Any  # the engine's record of what the kernels need
    _state: Any  # what is carried from example to example
    _work: Any  # scratch
    _unit: float  # the engine's unit of time, ms
    _step: float  # shortest time between samples of potentials, ms
    _rate: float  # expected spikes of an input of intensity 1 in that unit

    def __init__(self, network: Network, weights: Weights, dtype: str) -> None:
        check_weights(network, weights)
        self.network = network
        self._float = DTYPES[dtype]
        self._layout = make_layout(network.sizes, network.feeding)
        self._packed = pack(self._layout, weights, self._float)
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

    @abstractmethod
    def _watching(self, net: Any, probe: Probe, given: Given | None) -> tuple[Any, Any]:
        """Return network and scratch for a trial that is watched and perhaps given spikes."""

    # -- weights and state, in the user's order -------------------------------------------------------------------

    @property
    def weights(self) -> Weights:
        """The present weights, a copy."""
        return unpack(self._layout, self._packed)

    @weights.setter
    def weights(self, weights: Weights) -> None:
        check_weights(self.network, weights)
        for own, new in zip(self._packed, pack(self._layout, weights, self._float), strict=True):
            own[:] = new

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
        watch: Watch | None = None,
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
        watch : Watch, optional
            What to keep of a single example.

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
        net, work = self._keyed(seed, "training"), self._work
        if watch is not None:
            net, work = self._watching(net, self._probe(watch, Stimulus(), schedule.lengths[0]), None)
        constants = rule.constants()
        run = trial.train_chunk if _of_package(constants) and _of_package(other) else _train_chunk_uncached
        status = run(
            net, self._state, work, self._averages, constants, other,
            self.network.feedback.plan(), self._trial, self._errors, images, labels, first_example, schedule,
            self._rate, np.array(learning_rates, np.float64), self.network.carry_state, results,
        )  # fmt: skip
        self._check(status, results, first_example)
        self._check_weights(first_example + n)
        trace = None if watch is None else self._trace(work.probe, watch, schedule.lengths[0])
        return Chunk(results.prediction, results.loss, results.angle, results.v_output, trace)

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

    def record(
        self,
        intensity: np.ndarray,
        label: int | None,
        *,
        seed: int,
        example: int,
        watch: Watch | None = None,
        stimulus: Stimulus | None = None,
    ) -> Trace:
        """Run one trial and keep what `watch` names; weights do not change. Looking does not change what is seen.

        Parameters
        ----------
        intensity : (n_inputs,) float array
        label : int or None
            None: a test trial, without target phase, of a network at rest. Otherwise state is carried as in `train`.
        seed, example : int
            As in `train` and `test`: the trial with these numbers there has the same spikes.
        watch : Watch, optional
            By default everything, at every step.
        stimulus : Stimulus, optional
            Spikes to use instead of drawn ones.
        """
        intensity = self._check_trial(intensity, label)
        watch = self.everything() if watch is None else watch
        self._make_room(intensity[None])
        if label is None or not self.network.carry_state:
            self.rest()
        if label is None:
            lengths, windows = (part[0] for part in self._test_schedule(1))
            windows[TARGET] = windows[FORWARD]  # there is no such phase, but spikes are averaged for the plateaus
        else:
            lengths, windows = (part[0] for part in self._training_schedule(self._extra(seed, example, 1)))
        net = self._keyed(seed, "evaluation" if label is None else "training")
        probe = self._probe(watch, stimulus or Stimulus(), lengths)
        given = make_given(self._layout, stimulus or Stimulus(), self._unit)
        net, work = self._watching(net, probe, given)
        plan = Fixed() if label is None else self.network.feedback.plan()
        done = trial.watch_trial(
            plan, net, self._state, work, self._averages, intensity, -1 if label is None else int(label), example,
            lengths, windows, self._rate,
        )  # fmt: skip
        if not done:
            self._fail(example)
        return self._trace(probe, watch, lengths)

    def everything(self) -> Watch:
        """Return what watches all there is to see."""
        n_layers = self.network.n_layers
        return Watch(tuple(np.arange(n) for n in self.network.sizes[1:]), (True,) * (n_layers + 1), every=self._step)

    def rest(self) -> None:
        """Forget all activity."""
        trial.rest(self._state)

    # -- building -------------------------------------------------------------------------------------------------

    def _keyed(self, seed: int, purpose: str) -> Any:
        keys = np.concatenate([make_keys(seed, "plateaus", 1), make_keys(seed, "feedback", 1)])
        pathway = self._net.pathway._replace(keys=keys)
        return self._net._replace(keys=make_keys(seed, purpose, self._net.keys.shape[0]), pathway=pathway)

    def _extra(self, seed: int, first_example: int, n: int) -> np.ndarray:
        """Draw the extra lengths of the phases of `n` training examples, ms."""
        phases = self.network.phases
        extra = np.empty((n, 2))
        key = make_keys(seed, "phases", 1)[0]
        draw_extra(key, first_example, phases.extra_mean, phases.extra_shape, extra)
        return extra

    def _make_averages(self) -> Averages:
        n_blocks = len(self._layout.lanes)
        hidden_blocks = int(self._layout.first_block[self.network.n_hidden])
        return Averages(
            v_soma=lanes_array(n_blocks, self._float),
            activity=lanes_array(n_blocks, self._float),
            psp=np.zeros(n_sources(self._layout)),
            echo=np.zeros((2 * len(self.network.plateaus.cumulative()), n_feeding(self._layout))),
            early=np.zeros((2, hidden_blocks * LANES), np.int64),
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
            feedback=self._packed.feedback,
            feedback_row=layout.feedback_row,
            feeding=layout.feeding,
        )

    def _make_pathway(self, grain: float) -> Pathway:
        return Pathway(
            rates=self.network.feedback_signal == "rates",
            grain=float(grain),
            early=self.network.plateaus.cumulative(),
            keys=np.zeros((2, 4), np.uint32),
            words=np.zeros((1, LANES), np.uint32),
            normals=np.zeros(LANES),
        )

    @property
    def _scales(self) -> tuple[float, float, float, Any]:
        """What a probe needs of the engine: unit of time, step, highest rate, type of floats."""
        return self._unit, self._step, self._rate, self._float

    def _probe(self, watch: Watch, stimulus: Stimulus, lengths: np.ndarray) -> Probe:
        return make_probe(self._layout, watch, stimulus, float(lengths.sum()), *self._scales)

    def _trace(self, probe: Probe, watch: Watch, lengths: np.ndarray) -> Trace:
        grain = self.network.plateaus.grain
        return read_probe(self._layout, probe, watch, self._averages, lengths, self._unit, grain)

    def _results(self, n: int) -> trial.Results:
        return trial.Results(
            prediction=np.zeros(n, np.int64),
            loss=np.zeros((n, self.network.n_layers)),
            angle=np.full((n, self.network.n_hidden), np.nan),
            v_output=np.zeros((n, self.network.sizes[-1])),
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

    def _fail(self, example: int) -> None:
        error, message = self._failure
        raise error(f"{message} (at example {example})")

    def _check(self, status: int, results: trial.Results, first_example: int) -> None:
        if status == trial.NOT_FINITE:
            example, layer, quantity = results.failure.tolist()
            name = "mean somatic potential" if quantity == trial.POTENTIAL else "error"
            raise NotFiniteError(
                f"the {name} of layer {layer + 1} is not finite at example {first_example + example}; "
                f"the learning rates are probably too large"
            )
        if status == trial.OVERFLOW:
            self._fail(first_example + int(results.failure[0]))

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
