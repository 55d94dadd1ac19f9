"""What all engines share: records of layers with their weights, and the calls of the compiled loops."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from spikelearn.core import trial
from spikelearn.core.feedback import Fixed
from spikelearn.core.layer import FORWARD, TARGET, Network, Pathway, Spikes
from spikelearn.core.random import draw_extra, make_keys
from spikelearn.core.registered import registered, with_code
from spikelearn.core.rules import Silent
from spikelearn.engines import checking, packing
from spikelearn.engines.carried import Carried
from spikelearn.engines.engine import DTYPES
from spikelearn.engines.explaining import explained
from spikelearn.engines.probing import Stimulus, Trace, Watch, give_apical, make_given, read_probe
from spikelearn.errors import InputError, NotFiniteError, described
from spikelearn.network import Network as Description
from spikelearn.weights import Weights


class Chunk(NamedTuple):
    """What training on a chunk of examples returns, by example."""

    prediction: np.ndarray  # (examples,) int64
    loss: np.ndarray  # (examples, layers) float64
    angle: np.ndarray  # (examples, hidden layers) float64, degrees; NaN without a rule to compare with
    v_output: np.ndarray  # (examples, outputs) float64, mean somatic potential in the forward phase
    trace: Trace | None  # of a watched example


class Core(Carried):
    """Records of one network for an engine, and the calls that advance it. Engines fill in what differs.

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
    _spiking = True
    _unit: float  # the engine's unit of time, ms
    _rate: float  # expected spikes of an input of intensity 1 in the unit
    _area: float  # of the synaptic kernel

    def __init__(self, network: Description, weights: Weights, dtype: str) -> None:
        packing.check_weights(network, weights)
        plan = network.feedback.plan()
        try:
            registered(type(plan))
        except TypeError as error:
            raise InputError(
                f"{type(network.feedback).__name__}.plan() returned {described(plan)}, and {error}; "
                f"see spikelearn.core.feedback.register_plan"
            ) from error
        self.network = network
        self._float = DTYPES[dtype]
        self._rules: tuple[Any, Any] = (None, None)  # that it is prepared for
        self._chances = network.plateaus.cumulative()
        self._curves = packing.curves_of(network)

    @abstractmethod
    def _training_schedule(self, extra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return lengths and windows of phases, given the extra lengths in ms, (examples, 2)."""

    @abstractmethod
    def _test_schedule(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return lengths and windows of `n` test images."""

    @abstractmethod
    def _rooms(self, brightness: float, duration: float) -> list[packing.Room]:
        """Return what room a trial of so many units with an image of this sum needs: of the inputs and each layer."""

    @abstractmethod
    def _watched(self, net: Network, watch: Watch, duration: float) -> Network:
        """Return the network with a probe."""

    # -- the compiled loops ---------------------------------------------------------------------------------------

    def train(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        targets: np.ndarray | None = None,
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
        targets : (examples, classes) float array, optional
            What share of each class is taught; by default all of the label's.
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
        self.prepare(rule, compare)
        images = checking.check_images(self.network, images)
        labels = checking.check_labels(self.network, images, labels)
        targets = checking.check_targets(self.network, labels, targets)
        checking.check_learning_rates(self.network, learning_rates)
        n = len(images)
        results = self._results(n)
        lengths, windows = self._training_schedule(self._extra(seed, first_example, n))
        self._make_room(images, lengths.sum(axis=1))
        net = self._keyed(seed, "training")
        if watch is not None:
            net = self._watched(net, watch, float(lengths[0].sum()) * self._unit)
        run, net, (constants, other, plan) = self._with_code(
            trial.train_chunk,
            net,
            rule.constants(),
            Silent() if compare is None else compare.constants(),
            self.network.feedback.plan(),
        )
        schedule = trial.Schedule(first_example, lengths, windows, self._rate, targets)
        with explained(rule, compare, *self._parts()):
            status = run(
                net, constants, other, plan, images, labels, schedule,
                np.array(learning_rates, np.float64), self.network.carry_state, results,
            )  # fmt: skip
        self._check(status, results, first_example)
        self._check_finite(first_example + n)
        trace = None if watch is None else self._trace(net, watch, lengths[0])
        if compare is None:
            results.angle[:] = np.nan
        return Chunk(results.prediction, results.loss, results.angle, results.v_output, trace)

    def test(self, images: np.ndarray, *, seed: int, first_example: int) -> np.ndarray:
        """Show images, each to the network at rest; return the predicted classes, (images,) int64."""
        return self.look(images, seed=seed, first_example=first_example)[0]

    def look(
        self, images: np.ndarray, *, seed: int, first_example: int, returns: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Show images, each to the network at rest.

        Parameters
        ----------
        images : (images, n_inputs) float array
        seed, first_example : int
            As in `train`.
        returns : str, optional
            ``"potentials"`` or ``"counts"`` of spikes, from the settling time on.

        Returns
        -------
        prediction : (images,) int64 array
        seen : (images, neurons of all layers, inputs first) array
            float64 potentials, of inputs 0, or int64 counts; if none were asked for, of no image.
        """
        images = checking.check_images(self.network, images)
        if returns == "counts" and not self._spiking:
            raise InputError("there are no spikes to count without time: ask for potentials, or take another engine")
        n, width = len(images), sum(self.network.sizes)
        results = self._results(n)._replace(
            potentials=np.zeros((n if returns == "potentials" else 0, width)),
            counts=np.zeros((n if returns == "counts" else 0, width), np.int64),
        )
        lengths, windows = self._test_schedule(n)
        self._make_room(images, lengths.sum(axis=1))
        schedule = trial.Schedule(first_example, lengths, windows, self._rate, self._no_targets(n))
        run, net, _ = self._with_code(trial.test_chunk, self._keyed(seed, "evaluation"))
        with explained(*self._parts()):
            status = run(net, images, schedule, results)
        self._check(status, results, first_example)
        return results.prediction, results.counts if returns == "counts" else results.potentials

    def record(
        self,
        intensity: np.ndarray,
        label: int | None,
        *,
        target: np.ndarray | None = None,
        seed: int,
        example: int,
        watch: Watch | None = None,
        stimulus: Stimulus | None = None,
        state: Mapping[str, np.ndarray] | None = None,
    ) -> Trace:
        """Run one trial and keep what `watch` names; weights do not change. Looking does not change what is seen.

        Parameters
        ----------
        intensity : (n_inputs,) float array
        label : int or None
            None, and no target: a test trial, without target phase, of a network at rest. Otherwise state is carried as
            in `train`.
        target : (classes,) float array, optional
            What share of each class is taught.
        seed, example : int
            As in `train` and `test`: the trial with these numbers there has the same spikes.
        watch : Watch, optional
            By default everything, at every step.
        stimulus : Stimulus, optional
            Spikes to use instead of drawn ones.
        state : mapping of str to array, optional
            In which to begin, as `state` returned it.
        """
        intensity = checking.check_trial(self.network, intensity, label)
        watch, stimulus = self.everything() if watch is None else watch, stimulus or Stimulus()
        testing = label is None and target is None
        if state is not None:
            self.restore(state)
        elif testing or not self.network.carry_state:
            self.rest()
        if testing:
            lengths, windows = self._test_schedule(1)
            windows[0, TARGET] = windows[0, FORWARD]  # there is no such phase, but spikes are averaged for the plateaus
        else:
            lengths, windows = self._training_schedule(self._extra(seed, example, 1))
        n_given = 0 if stimulus.inputs is None else len(stimulus.inputs[0])
        self._make_room(intensity[None], lengths.sum(axis=1), n_given)
        duration = float(lengths.sum()) * self._unit
        if stimulus.apical is not None:
            trial.settle(self._net)  # of the trial before apical dendrites remember what its neurons emitted
        net = self._keyed(seed, "evaluation" if testing else "training")
        slots = len(net.inputs.first) - 2
        net = net._replace(
            model=net.model._replace(given=make_given(stimulus, self._unit)),
            layers=packing.link(
                net.inputs,
                [give_apical(layer, stimulus, self._slot, self._memory, slots) for layer in net.layers],
            ),
        )
        net = self._watched(net, watch, duration)
        run, net, (plan,) = self._with_code(
            trial.watch_trial, net, Fixed() if testing else self.network.feedback.plan()
        )
        targets = self._no_targets(1)
        if not testing:
            targets = checking.check_targets(
                self.network, np.array([0 if label is None else label]), None if target is None else target[None]
            )
        schedule = trial.Schedule(example, lengths, windows, self._rate, targets)
        with explained(*self._parts()):
            done = run(net, plan, intensity, schedule)
        if not done:
            self._fail(example)
        return self._trace(net, watch, lengths[0])

    def everything(self) -> Watch:
        """Return what watches all there is to see."""
        n_layers = self.network.n_layers
        return Watch(tuple(np.arange(n) for n in self.network.sizes[1:]), (True,) * (n_layers + 1), every=self._slot)

    def rest(self) -> None:
        """Forget all activity."""
        trial.rest(self._net)

    # -- building -------------------------------------------------------------------------------------------------

    def _keyed(self, seed: int, purpose: str) -> Network:
        keys = np.concatenate(
            [make_keys(seed, "plateaus", 1), make_keys(seed, "feedback", 1), make_keys(seed, "rule", 1)]
        )
        model = self._net.model._replace(keys=make_keys(seed, purpose, len(self._net.model.keys)))
        return self._net._replace(model=model, pathway=self._net.pathway._replace(keys=keys))

    def _with_code(self, compiled: Any, net: Network, *numbers: Any) -> tuple[Any, Network, list[Any]]:
        """Return the twin of a kernel for these numbers' and the curves' code, and what it is called with."""
        run, present = with_code(compiled, *numbers, *self._curves)
        return run, packing.bend(net, present[len(numbers) :]), present[: len(numbers)]

    def _parts(self) -> list[Any]:
        """Return the descriptions whose kernels take part in every trial."""
        neurons = [*self.network.hidden_neurons, self.network.output]
        return [self.network.feedback, *self.network.curves, *(getattr(each, "plateau", None) for each in neurons)]

    def _extra(self, seed: int, first_example: int, n: int) -> np.ndarray:
        """Draw the extra lengths of the phases of `n` training examples, ms."""
        phases = self.network.phases
        extra = np.empty((n, 2))
        key = make_keys(seed, "phases", 1)[0]
        draw_extra(key, first_example, phases.extra_mean, phases.extra_shape, extra)
        return extra

    def _build(self, model: Any, works: list[Any], weights: Weights) -> None:
        """Make the network's records from the engine's."""
        rooms = self._rooms(0.0, 0.0)
        traced, shifts = self._memory == 0, len(self._chances)
        populations = [
            packing.make_spikes(n, shifts, room, traced, self._float)
            for n, room in zip(self.network.sizes, rooms, strict=True)
        ]
        self._net = Network(
            model=model,
            inputs=populations[0],
            layers=packing.link(
                populations[0],
                [
                    packing.make_layer(self.network, number, spikes, work, self._area, self._float)
                    for number, (spikes, work) in enumerate(zip(populations[1:], works, strict=True))
                ],
            ),
            pathway=Pathway(self._chances, np.zeros((3, 4), np.uint32), np.zeros((1, 64), np.uint32), np.zeros(64)),
        )
        self._net = packing.bend(self._net, self._curves)
        packing.set_weights(self._net.layers, weights)

    def _make_room(self, images: np.ndarray, durations: np.ndarray, n_given: int = 0) -> None:
        """Let the buffers hold the spikes of the brightest image in the longest trial, and what is remembered."""
        brightness = float(images.sum(axis=1, dtype=np.float64).max(initial=0.0))
        rooms = self._rooms(brightness, float(durations.max(initial=0.0)))
        rooms[0] = rooms[0]._replace(capacity=rooms[0].capacity + n_given)
        inputs, *layers = (
            packing.grown(spikes, room, self._float)
            for (_, spikes), room in zip(self._populations(), rooms, strict=True)
        )
        self._net = self._net._replace(
            inputs=inputs,
            layers=packing.link(
                inputs,
                [
                    self._roomy(layer, spikes, below)
                    for layer, spikes, below in zip(self._net.layers, layers, [inputs, *layers], strict=False)
                ],
            ),
        )

    def _roomy(self, layer: Any, spikes: Spikes, below: Spikes) -> Any:
        """Return a layer with these spikes; engines add room for what arrives."""
        return layer._replace(spikes=spikes, fed=spikes)

    def _trace(self, net: Network, watch: Watch, lengths: np.ndarray) -> Trace:
        grain = self.network.plateaus.grain
        return read_probe(net, watch, lengths, self._unit, self._slot, self._memory, grain)

    def _no_targets(self, n: int) -> np.ndarray:
        return np.zeros((n, self.network.n_classes))

    def _results(self, n: int) -> trial.Results:
        return trial.Results(
            prediction=np.zeros(n, np.int64),
            loss=np.zeros((n, self.network.n_layers)),
            angle=np.full((n, self.network.n_hidden), np.nan),
            v_output=np.zeros((n, self.network.sizes[-1])),
            potentials=np.zeros((0, 0)),
            counts=np.zeros((0, 0), np.int64),
            failure=np.zeros(3, np.int64),
        )

    # -- failures -------------------------------------------------------------------------------------------------

    def _fail(self, example: int) -> None:
        error, message = self._failure
        raise error(f"{message} (at example {example})")

    def _check(self, status: int, results: trial.Results, first_example: int) -> None:
        if status == trial.NOT_FINITE:
            example, layer, quantity = results.failure.tolist()
            name = "mean somatic potential" if quantity == trial.POTENTIAL else f"error by {self._rule_name}"
            raise NotFiniteError(
                f"the {name} of layer {layer + 1} is not finite at example {first_example + example}; "
                f"the learning rates are probably too large"
            )
        if status == trial.OVERFLOW:
            self._fail(first_example + int(results.failure[0]))

    def _check_finite(self, example: int) -> None:
        for layer in self._net.layers:
            changed = {"weight": layer.weights, "bias": layer.bias, "feedback weight": layer.feedback}
            changed |= {f"number that {self._rule_name} keeps": array for array in packing.kept(layer)}
            for name, array in changed.items():
                if not np.isfinite(array).all():
                    raise NotFiniteError(
                        f"a {name} of layer {layer.number + 1} is not finite before example {example}; "
                        f"the learning rates are probably too large"
                    )
