"""The clock engine: forward Euler with a fixed step."""

import math
from dataclasses import dataclass

import numpy as np

from spikelearn.core import clock, trial
from spikelearn.core.lanes import LANES
from spikelearn.core.poisson import count_bound, count_table
from spikelearn.core.probe import Given, Probe
from spikelearn.engines.base import Core, check_dtype
from spikelearn.engines.packing import feeding_blocks, lanes_array, n_sources
from spikelearn.engines.probing import Stimulus, make_given, make_probe, no_watch
from spikelearn.errors import InputError, check_range
from spikelearn.network import Network
from spikelearn.units import ms
from spikelearn.weights import Weights


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
        """Return a duration in steps; `InputError` unless it is a whole number of them."""
        n = round(duration / self.dt)
        if n < 1 or abs(n * self.dt - duration) > 1e-9 * duration:
            raise InputError(f"{what}={duration:g} ms is not a whole number of steps of dt={self.dt:g} ms; change dt")
        return n

    def build(self, network: Network, weights: Weights) -> "ClockCore":
        """Return a simulator of `network` with a copy of `weights`, at rest."""
        return ClockCore(self, network, weights)


class ClockCore(Core):
    """Arrays of one network for the clock engine, and the calls that advance it.

    Parameters
    ----------
    engine : Clock
    network : Network
    weights : Weights
        Copied.
    """

    def __init__(self, engine: Clock, network: Network, weights: Weights) -> None:
        super().__init__(network, weights, engine.dtype)
        self.engine = engine
        self._unit = self._step = engine.dt
        self._rate = network.rate_max * engine.dt
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
        somas = make_somas(network, engine.dt, self._float)
        memory = engine.steps("Synapse.cutoff", network.synapse.cutoff) if network.synapse.cutoff is not None else 0
        grain = network.plateaus.grain
        self._net = clock.Network(
            layout=self._layout,
            weights=self._packed,
            somas=somas,
            filters=make_filters(network, engine.dt, memory, self._float),
            tables=make_tables(network, engine.dt, memory),
            candidates=count_table([self._rate * n for n in self._layout.lanes]),
            keys=np.zeros((1 + 2 * network.n_layers, 4), np.uint32),
            memory=memory,
            coupled=network.n_hidden > 0 and network.hidden.g_apical > 0,
            echoes=network.n_hidden > 0 and network.hidden.g_apical > 0,
            pathway=self._make_pathway(engine.steps("JitteredPlateaus.grain", grain) if grain else 0),
            rate_max=self._float(network.rate_max),
        )
        self._state = self._make_state()
        self._work = self._make_work()

    def _training_schedule(self, extra: np.ndarray) -> trial.Schedule:
        """Phases of ``minimum + extra``, the extra rounded down to a whole step; windows at their ends."""
        lengths = self._minimum + np.floor(extra / self.engine.dt).astype(np.int64)
        windows = np.empty((len(extra), 2, 2), np.int64)
        ends = np.cumsum(lengths, axis=1)
        windows[:, :, 1] = ends
        windows[:, :, 0] = ends - (lengths - self._settle if self._window is None else self._window)
        return trial.Schedule(lengths, windows)

    def _test_schedule(self, n: int) -> trial.Schedule:
        windows = np.zeros((n, 2, 2), np.int64)
        windows[:, 0] = self._settle, self._test
        lengths = np.zeros((n, 2), np.int64)
        lengths[:, 0] = self._test
        return trial.Schedule(lengths, windows)

    def _watching(self, net: clock.Network, probe: Probe, given: Given | None) -> tuple[clock.Network, clock.Work]:
        if given is not None:
            self._make_room_for(len(given.input_source))
        # Rates that are fed back are known only while the outputs advance with the others.
        coupled = net.coupled or (probe.apical and net.pathway.rates)
        net = net._replace(coupled=coupled, echoes=coupled or probe.apical)
        return net, self._work._replace(probe=probe, given=given or self._work.given)

    def _make_state(self) -> clock.State:
        n_blocks = len(self._layout.lanes)
        recent = count_bound(self._rate * sum(self.network.sizes) * self._net.memory) if self._net.memory else 0
        return clock.State(
            v_soma=lanes_array(n_blocks, self._float),
            trace=np.zeros((2, n_sources(self._layout))),
            recent_source=np.zeros(recent, np.int32),
            recent_row=np.zeros(recent, np.int32),
            n_recent=np.zeros(1, np.int64),
        )

    def _make_work(self) -> clock.Work:
        n_blocks, n_feeding = len(self._layout.lanes), feeding_blocks(self._layout)
        rows = self._net.memory + clock.SEGMENT
        capacity = clock.SEGMENT * self._net.candidates.cdf.shape[1] + 1
        real = self._float
        return clock.Work(
            drive=lanes_array(n_blocks * rows, real),
            rise=lanes_array(n_blocks, real),
            decay=lanes_array(n_blocks, real),
            current=lanes_array(n_blocks, real),
            potential=lanes_array(clock.SEGMENT, real),
            candidate_source=np.zeros(-(-capacity // LANES) * LANES, np.int32),
            candidate_draw=np.zeros(-(-capacity // LANES) * LANES),
            candidate_v=lanes_array(-(-capacity // LANES), real),
            first_candidate=np.zeros(clock.SEGMENT + 1, np.int64),
            echo=lanes_array(n_feeding * rows, real),
            echo_rise=lanes_array(n_feeding, real),
            echo_decay=lanes_array(n_feeding, real),
            echo_now=lanes_array(n_feeding, real),
            spikes=np.zeros((n_blocks, capacity), np.int32),
            first=np.zeros((n_blocks, clock.SEGMENT + 1), np.int64),
            step_weight=np.zeros(clock.SEGMENT),
            drawn=np.zeros(n_blocks, np.int64),
            count_words=np.zeros((n_blocks, LANES), np.uint32),
            candidate_words=np.zeros((n_blocks, LANES), np.uint32),
            expected=np.zeros(self.network.sizes[0]),
            input_words=np.zeros((1, LANES), np.uint32),
            input_gaps=np.zeros(LANES),
            input_source=np.zeros(0, np.int32),
            input_row=np.zeros(0, np.int32),
            sorted_source=np.zeros(0, np.int32),
            first_input=np.zeros(clock.SEGMENT + 1, np.int64),
            probe=make_probe(self._layout, no_watch(self._layout), Stimulus(), 0.0, *self._scales),
            given=make_given(self._layout, Stimulus(), self._unit),
        )

    def _make_room(self, images: np.ndarray) -> None:
        brightest = float(images.sum(axis=1, dtype=np.float64).max(initial=0.0))
        self._make_room_for(count_bound(self._rate * clock.SEGMENT * brightest))

    def _make_room_for(self, capacity: int) -> None:
        if len(self._work.input_source) < capacity:
            names = ("input_source", "input_row", "sorted_source")
            self._work = self._work._replace(**{name: np.zeros(capacity, np.int32) for name in names})


def make_somas(network: Network, dt: float, real: type) -> clock.Somas:
    """Euler coefficients of all layers at a time step; `InputError` where it would be unstable."""
    output = network.output
    hidden = [network.hidden.soma_step(dt)] * network.n_hidden
    on, off = output.soma_step(dt, output.e_excite), output.soma_step(dt, output.e_inhibit)
    forward = [*hidden, output.soma_step(dt)]
    return clock.Somas(
        keep=np.array([[s.keep for s in forward], [s.keep for s in (*hidden, on)]], real),
        dendrite=np.array([s.dendrite for s in forward], real),
        apical=np.array([s.apical for s in forward], real),
        teach=np.array([off.current, on.current], real),
    )


def _kernel_steps(network: Network, dt: float) -> tuple[float, float, float]:
    """Return factors of the decaying and the rising exponential in a step, and the scale of their difference."""
    synapse = network.synapse
    scale = 1.0 / (synapse.tau_decay - synapse.tau_rise)
    return float(np.exp(-dt / synapse.tau_decay)), float(np.exp(-dt / synapse.tau_rise)), scale


def make_filters(network: Network, dt: float, memory: int, real: type) -> clock.Filters:
    """Coefficients of the synaptic filters in steps of `dt`, with a cut-off after `memory` steps (0: none)."""
    decay, rise, scale = _kernel_steps(network, dt)
    return clock.Filters(
        decay=real(decay),
        rise=real(rise),
        decay_cut=real(decay**memory if memory else 0),
        rise_cut=real(rise**memory if memory else 0),
        scale=real(scale),
    )


def make_tables(network: Network, dt: float, memory: int) -> clock.Tables:
    """Tabulate the synaptic kernel by age in steps of `dt`."""
    decay, rise, scale = _kernel_steps(network, dt)
    ages = np.arange((memory or math.ceil(50 * network.synapse.tau_decay / dt)) + 1)
    return clock.Tables(
        decay_power=decay**ages,
        rise_power=rise**ages,
        decay_sum=scale * (np.cumsum(decay**ages) - 1),
        rise_sum=scale * (np.cumsum(rise**ages) - 1),
    )
