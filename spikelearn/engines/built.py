"""How an engine's core is built: records of layers with their weights, keys, room for spikes, and what failed."""

from abc import abstractmethod
from typing import Any

import numpy as np

from spikelearn.core import trial
from spikelearn.core.apart import address_of
from spikelearn.core.layer import Network, Pathway, Spikes
from spikelearn.core.random import draw_extra, make_keys
from spikelearn.core.records import type_of
from spikelearn.core.registered import registered, with_code
from spikelearn.engines import checking, packing, schedules
from spikelearn.engines.carried import Carried
from spikelearn.engines.engine import DTYPES
from spikelearn.engines.explaining import explained
from spikelearn.engines.probing import Apical, Trace, Watch, give_apical, make_given, read_probe
from spikelearn.errors import InputError, NotFiniteError, described
from spikelearn.examples import Trains
from spikelearn.network import Network as Description
from spikelearn.weights import Weights


class Built(Carried):
    """Records of one network for an engine. Engines fill in what differs.

    Parameters
    ----------
    network : Network
        The network to simulate.
    weights : Weights
        Copied.
    dtype : str
        Type of the core's floats, ``"float32"`` or ``"float64"``.

    Raises
    ------
    InputError
        The weights do not fit the network, or its feedback is not registered.
    """

    # What it means that a trial could not be run. Buffers are so large that this is all but impossible.
    _failure: tuple[type[Exception], str] = (RuntimeError, "a buffer of spikes overflowed")
    _spiking = True
    _unit: float  # the engine's unit of time, ms
    _rate: float  # expected spikes of an input of intensity 1 in the unit
    _area: float  # of the synaptic kernel
    _settle: float  # lengths of `Phases` in the unit
    _window: float | None
    _test: float

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
        self._addresses: dict[Any, int] = {}
        self._chances = network.plateaus.cumulative()
        self._curves = packing.curves_of(network)

    @abstractmethod
    def _lengths(self, extra: np.ndarray) -> np.ndarray:
        """Return lengths of phases in the unit, given the extra lengths in ms."""

    @abstractmethod
    def _rooms(self, brightness: float, duration: float) -> list[packing.Room]:
        """Return what room a trial of so many units with an image of this sum needs: of the inputs and each layer."""

    @abstractmethod
    def _watched(self, net: Network, watch: Watch, duration: float) -> Network:
        """Return the network with a probe."""

    # -- building -------------------------------------------------------------------------------------------------

    def _fed(
        self,
        images: np.ndarray,
        trains: Trains | None,
        lengths: np.ndarray,
        seed: int,
        purpose: str,
        apical: Apical | None = None,
    ) -> Network:
        """Return the network with keys, room for the spikes of some showings, and those that are given."""
        self._check_trains(trains, lengths * self._unit)
        # Of the showing before there may be as many.
        most = 0 if trains is None else 2 * int(np.diff(trains.first).max(initial=0))
        self._make_room(images, lengths.sum(axis=1), most)
        net = self._keyed(seed, purpose)
        if trains is None and apical is None:
            return net
        model, slots = net.model._replace(given=make_given(trains, apical, self._unit)), len(net.inputs.first) - 2
        layers = [give_apical(layer, apical, self._slot, self._memory, slots) for layer in net.layers]
        return net._replace(model=model, layers=packing.link(net.inputs, layers))

    def _check_trains(self, trains: Trains | None, lengths: np.ndarray) -> None:
        """Raise `InputError` if these spikes cannot be shown in phases of so many ms."""
        if trains is not None and not self._spiking:
            raise InputError(
                f"{type(self.engine).__name__}() has no time, so input cannot change in it; take another engine"
            )
        if trains is not None:
            checking.check_trains(self.network, trains, lengths.sum(axis=1))

    def _training_schedule(self, extra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return lengths and windows of phases, given the extra lengths in ms, (showings, 2)."""
        return schedules.training(self.network.phases, self._lengths(extra), self._settle, self._window)

    def _keyed(self, seed: int, purpose: str) -> Network:
        keys = np.concatenate(
            [make_keys(seed, "plateaus", 1), make_keys(seed, "feedback", 1), make_keys(seed, "rule", 1)]
        )
        model = self._net.model._replace(keys=make_keys(seed, purpose, len(self._net.model.keys)))
        return self._net._replace(model=model, pathway=self._net.pathway._replace(keys=keys))

    def _with_code(self, compiled: Any, net: Network, *numbers: Any) -> tuple[Any, Network, list[Any]]:
        """Return the twin of a kernel for these numbers' and the curves' code, and what it is called with."""
        run, present = with_code(compiled, *numbers, *self._curves)
        net = packing.bend(net, present[len(numbers) :])
        apart, _ = with_code(trial.run_trial, *self._curves)
        known = apart, type_of(net)
        if known not in self._addresses:
            with explained(*self._parts()):
                self._addresses[known] = address_of(*known)
        return run, net._replace(present=self._addresses[known]), present[: len(numbers)]

    def _parts(self) -> list[Any]:
        """Return the descriptions whose kernels take part in every trial."""
        neurons = [*self.network.hidden_neurons, self.network.output]
        return [self.network.feedback, *self.network.curves, *(getattr(each, "plateau", None) for each in neurons)]

    def _extra(self, seed: int, first: int, n: int) -> np.ndarray:
        """Draw the extra lengths of the phases of `n` showings, ms."""
        phases = self.network.phases
        extra = np.empty((n, 2))
        key = make_keys(seed, "phases", 1)[0]
        draw_extra(key, first, phases.extra_mean, phases.extra_shape, extra)
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
            present=0,
            model=trial.with_engine(model),
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
        inputs, *spikes = (
            packing.grown(each, room, self._float) for (_, each), room in zip(self._populations(), rooms, strict=True)
        )
        below = [inputs, *spikes]
        layers = [self._roomy(*each) for each in zip(self._net.layers, spikes, below, strict=False)]
        if inputs is not self._net.inputs or any(
            new is not old for new, old in zip(layers, self._net.layers, strict=True)
        ):
            self._net = self._net._replace(inputs=inputs, layers=packing.link(inputs, layers))

    def _roomy(self, layer: Any, spikes: Spikes, below: Spikes) -> Any:
        """Return a layer with these spikes, the same one if it has them; engines add room for what arrives."""
        return layer if layer.spikes is spikes else layer._replace(spikes=spikes, fed=spikes)

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

    def _check(self, status: int, results: trial.Results, first_example: int, per_example: int = 1) -> None:
        showing, layer, quantity = results.failure.tolist()
        example = first_example + showing // per_example
        if status == trial.NOT_FINITE:
            name = "mean somatic potential" if quantity == trial.POTENTIAL else f"error by {self._rule_name}"
            raise NotFiniteError(
                f"the {name} of layer {layer + 1} is not finite at example {example}; "
                f"the learning rates are probably too large"
            )
        if status == trial.OVERFLOW:
            self._fail(example)

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
