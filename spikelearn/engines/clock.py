"""The clock engine: forward Euler with a fixed step."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spikelearn.core import euler
from spikelearn.core.lanes import LANES
from spikelearn.core.layer import GROUP, PARTS
from spikelearn.core.layer import Network as CoreNetwork
from spikelearn.core.poisson import CountTable, count_bound
from spikelearn.engines import packing
from spikelearn.engines.base import Core
from spikelearn.engines.engine import Engine, check_dtype
from spikelearn.engines.packing import lanes_array, power_of_two
from spikelearn.engines.probing import Watch, make_probe, no_given, no_probe
from spikelearn.errors import InputError, check_range
from spikelearn.kinds import register
from spikelearn.network import Network
from spikelearn.neurons import SomaStep
from spikelearn.units import ms
from spikelearn.weights import Weights


@register(like=Engine)
@dataclass(frozen=True, kw_only=True)
class Clock:
    """Forward Euler with a fixed step and Poisson counts per step, in the authors' order of events.

    Parameters
    ----------
    dt : float
        Time step, ms. Phases, windows and the cut-off must be whole numbers of steps.
    dtype : str
        ``"float32"`` or ``"float64"``: the core's floats.
    """

    dt: float = 1.0 * ms
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_range("Clock.dt", self.dt, above=0, unit="ms")
        check_dtype("Clock.dtype", self.dtype)

    def steps(self, what: str, duration: float) -> int:
        """Return a duration in steps.

        Parameters
        ----------
        what : str
            Name of the duration in the message.
        duration : float
            Time, ms.

        Returns
        -------
        int
            Number of steps of `dt`.

        Raises
        ------
        InputError
            It is not a whole number of steps.
        """
        n = round(duration / self.dt)
        if n < 1 or abs(n * self.dt - duration) > 1e-9 * duration:
            raise InputError(f"{what}={duration:g} ms is not a whole number of steps of dt={self.dt:g} ms; change dt")
        return n

    @property
    def sampling(self) -> float:
        """Interval between samples of potentials where none is asked for: a step, ms."""
        return self.dt

    def check_interval(self, what: str, interval: float) -> None:
        """Raise `InputError` unless an interval is a whole number of steps."""
        self.steps(what, interval)

    def build(self, network: Network, weights: Weights) -> "ClockCore":
        """Return a simulator of a network at rest, in time steps."""
        return ClockCore(self, network, weights)


class ClockCore(Core):
    """Records of one network for the clock engine, and the calls that advance it.

    Parameters
    ----------
    engine : Clock
        Time step and type of floats.
    network : Network
        The network to simulate.
    weights : Weights
        Its weights; copied.

    Raises
    ------
    InputError
        The time step is too large, or does not divide a time of the network.
    """

    def __init__(self, engine: Clock, network: Network, weights: Weights) -> None:
        super().__init__(network, weights, engine.dtype)
        self.engine = engine
        self._unit = self._slot = engine.dt
        self._rate, self._area = network.rate_max * engine.dt, network.synapse.area(engine.dt)
        if self._rate > 1:
            raise InputError(
                f"dt={engine.dt:g} ms is too large: rate_max * dt = {self._rate:.3g} spikes a step, must be <= 1; "
                f"use dt <= {1 / network.rate_max:g} ms"
            )
        phases = network.phases
        self._settle = engine.steps("Phases.settle", phases.settle) if phases.settle else 0
        self._minimum = engine.steps("Phases.minimum", phases.minimum)
        self._test = engine.steps("Phases.test", phases.test)
        self._window = engine.steps("Phases.window", phases.window) if phases.window is not None else None
        steps = make_steps(network, engine.dt)
        cutoff, grain = network.synapse.cutoff, network.plateaus.grain
        self._memory = engine.steps("Synapse.cutoff", cutoff) if cutoff is not None else 0
        coupled, real = network.coupled, self._float
        model = euler.Euler(
            **make_filters(network, engine.dt, self._memory, real),
            rate_max=real(network.rate_max),
            teach=np.array([steps.off.current, steps.on.current], real),
            tables=make_tables(network, engine.dt, self._memory),
            counts=packing.group_counts(network, self._rate),
            keys=np.zeros((1 + 2 * network.n_layers, 4), np.uint32),
            memory=self._memory,
            grain=engine.steps("JitteredPlateaus.grain", grain) if grain else 0,
            rates=network.feedback_signal == "rates",
            coupled=coupled,
            echoes=coupled,
            elapsed=np.zeros(2, np.int64),
            weight=np.zeros(0),
            expected=np.zeros(network.sizes[0]),
            words=np.zeros((1, 64), np.uint32),
            gaps=np.zeros(64),
            probe=no_probe(network.n_layers, real),
            given=no_given(),
        )
        layers = [*((step, step) for step in steps.hidden), (steps.output, steps.on)]
        works = [self._make_work(n, *layer, model.counts) for n, layer in zip(network.sizes[1:], layers, strict=True)]
        self._build(model, works, weights)

    def _make_work(self, n: int, forward: SomaStep, target: SomaStep, counts: CountTable) -> euler.EulerWork:
        """Return the scratch of a layer of `n` neurons whose somata take these steps in the two phases."""
        real, blocks, groups = self._float, packing.n_blocks(n), packing.n_groups(n)
        rows = power_of_two(self._memory + euler.CHUNK)
        candidates = euler.CHUNK * counts.cdf.shape[1] + 1
        ring = lanes_array(blocks * rows, real)
        return euler.EulerWork(
            keep=np.array([forward.keep, target.keep], real),
            dendrite=real(forward.dendrite),
            apical=real(forward.apical),
            drive=ring,
            decay=lanes_array(blocks, real),
            rise=lanes_array(blocks, real),
            potential=lanes_array(PARTS * euler.CHUNK, real),
            drawn=np.zeros(groups, np.int64),
            held=np.zeros(groups, np.int64),
            words=np.zeros((groups * (candidates // GROUP + 3), GROUP), np.uint32),
            count_words=np.zeros((groups, GROUP), np.uint32),
            first_candidate=np.zeros(euler.CHUNK + 1, np.int64),
            lane=np.zeros(candidates, np.int64),
            draw=np.zeros(candidates),
            chance=lanes_array(-(-candidates // LANES), real),
            echo=np.zeros_like(ring),
            echo_decay=lanes_array(blocks, real),
            echo_rise=lanes_array(blocks, real),
            received=lanes_array(blocks, real),
        )

    def _lengths(self, extra: np.ndarray) -> np.ndarray:
        """Phases of ``minimum + extra``, the extra rounded down to a whole step."""
        return self._minimum + np.floor(extra / self.engine.dt).astype(np.int64)

    def _rooms(self, brightness: float, duration: float) -> list[packing.Room]:
        slots = self._memory + int(duration)
        brightest = [brightness, *self.network.sizes[1:]]
        return [
            packing.Room(count_bound(self._rate * (duration * n + self._memory * most)), slots, False)
            for n, most in zip(brightest, self.network.sizes, strict=True)
        ]

    def _make_room(self, images: np.ndarray, durations: np.ndarray, n_given: int = 0) -> None:
        super()._make_room(images, durations, n_given)
        model, slots = self._net.model, len(self._net.inputs.first)
        if len(model.weight) < slots:
            self._net = self._net._replace(model=model._replace(weight=np.zeros(slots)))

    def _watched(self, net: CoreNetwork, watch: Watch, duration: float) -> CoreNetwork:
        model = net.model
        probe = make_probe(watch, self.network.n_hidden > 0, duration, self._slot, self._float)
        # Rates that are fed back are known only while the outputs advance with the others.
        coupled = model.coupled or (probe.apical and model.rates)
        model = model._replace(probe=probe, coupled=coupled, echoes=coupled or probe.apical)
        return net._replace(model=model)


class Steps(NamedTuple):
    """Euler steps of the somata: of each hidden layer, of outputs, and of those that are taught to fire, or not to."""

    hidden: list[SomaStep]
    output: SomaStep
    on: SomaStep
    off: SomaStep


def make_steps(network: Network, dt: float) -> Steps:
    """Return the Euler coefficients of all somata; `InputError` where a step would be unstable."""
    output = network.output
    hidden = [neuron.soma_step(dt) for neuron in network.hidden_neurons]
    on, off = (output.soma_step(dt, e) for e in (output.e_excite, output.e_inhibit))
    return Steps(hidden, output.soma_step(dt), on, off)


def _kernel_steps(network: Network, dt: float) -> tuple[float, float, float]:
    """Return factors of the decaying and the rising exponential in a step, and the scale of their difference."""
    synapse = network.synapse
    scale = 1.0 / (synapse.tau_decay - synapse.tau_rise)
    return float(np.exp(-dt / synapse.tau_decay)), float(np.exp(-dt / synapse.tau_rise)), scale


def make_filters(network: Network, dt: float, memory: int, real: type) -> dict[str, Any]:
    """Coefficients of the synaptic filters in steps of `dt`, with a cut-off after `memory` steps (0: none)."""
    decay, rise, scale = _kernel_steps(network, dt)
    return dict(
        decay=real(decay),
        rise=real(rise),
        decay_cut=real(decay**memory if memory else 0),
        rise_cut=real(rise**memory if memory else 0),
        scale=real(scale),
    )


def make_tables(network: Network, dt: float, memory: int) -> euler.Tables:
    """Tabulate the synaptic kernel by age in steps of `dt`."""
    decay, rise, scale = _kernel_steps(network, dt)
    last = memory or math.ceil(50 * network.synapse.tau_decay / dt)
    # Python's powers: those of NumPy's arrays round by the machine.
    decay_power, rise_power = (np.array([factor**age for age in range(last + 1)]) for factor in (decay, rise))
    return euler.Tables(
        decay_power=decay_power,
        rise_power=rise_power,
        decay_sum=scale * (np.cumsum(decay_power) - 1),
        rise_sum=scale * (np.cumsum(rise_power) - 1),
    )
