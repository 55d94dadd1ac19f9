"""The clock engine: forward Euler with a fixed step."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikelearn.core import clock, trial
from spikelearn.core.lanes import LANES
from spikelearn.core.layout import TARGET, teach
from spikelearn.core.poisson import count_bound, count_table
from spikelearn.engines.base import Core, check_dtype, lanes_array, n_sources, output_blocks
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


class Recording(NamedTuple):
    """One trial in full; times are steps, potentials those at the end of a step. Layer 0 is the first with weights."""

    lengths: tuple[int, int]  # steps of the forward and the target phase
    spikes: tuple[np.ndarray, ...]  # inputs and each layer: (spikes, 2) int64, step and neuron, in order of step
    v_soma: tuple[np.ndarray, ...]  # each layer: (steps, neurons)
    v_dendrite: tuple[np.ndarray, ...]  # each layer: (steps, neurons); hidden: basal
    v_apical: tuple[np.ndarray, ...]  # each hidden layer: (steps, neurons)


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
        )
        self._state = self._make_state()
        self._work = self._make_work()

    def record(self, intensity: np.ndarray, label: int | None, *, seed: int, example: int) -> Recording:
        """Run one trial step by step and keep everything; the weights do not change.

        The same kernels, called for one step at a time: looking does not change what is seen. State is carried as
        in `train` if `label` is given; a test image (`label` None) is shown to the network at rest.

        Parameters
        ----------
        intensity : (n_inputs,) float32 array
        label : int or None
            None: a test trial, without target phase.
        seed, example : int
            As in `train` and `test`: the trial with these numbers there has the same spikes.
        """
        intensity = self._check_trial(intensity, label)
        return _Recorder(self, seed, label is not None).run(intensity, label, seed, example)

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
        n_blocks, n_output = len(self._layout.lanes), output_blocks(self._layout)
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
            echo=lanes_array(n_output * rows, real),
            echo_rise=lanes_array(n_output, real),
            echo_decay=lanes_array(n_output, real),
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
        )

    def _make_room(self, images: np.ndarray) -> None:
        """Let the buffer of input spikes hold the brightest of the images."""
        brightest = float(images.sum(axis=1, dtype=np.float64).max(initial=0.0))
        capacity = count_bound(self._rate * clock.SEGMENT * brightest)
        if len(self._work.input_source) < capacity:
            names = ("input_source", "input_row", "sorted_source")
            self._work = self._work._replace(**{name: np.zeros(capacity, np.int32) for name in names})


class _Recorder:
    """Drives the kernels of a core one step at a time."""

    def __init__(self, core: ClockCore, seed: int, training: bool) -> None:
        self.core = core
        # Coupled order, whatever g_apical is: it also filters the output spikes that the apical dendrites see.
        self.net = core._keyed(seed, "training" if training else "evaluation")._replace(coupled=True)
        n_layers = core.network.n_layers
        self.spikes: list[list[np.ndarray]] = [[] for _ in range(n_layers + 1)]
        self.v_soma: list[list[np.ndarray]] = [[] for _ in range(n_layers)]
        self.v_dendrite: list[list[np.ndarray]] = [[] for _ in range(n_layers)]
        self.v_apical: list[list[np.ndarray]] = [[] for _ in range(n_layers - 1)]

    def run(self, intensity: np.ndarray, label: int | None, seed: int, example: int) -> Recording:
        core, net = self.core, self.net
        core._make_room(intensity[None])
        if label is None or not core.network.carry_state:
            core.rest()
        schedule = core._test_schedule(1) if label is None else core._training_schedule(core._extra(seed, example, 1))
        lengths = schedule.lengths[0]
        clock.begin_trial(net, core._state, core._work)
        onset = 0
        for phase, n_steps in enumerate(lengths):
            if phase == TARGET and label is not None:
                teach(net, core._work, np.int64(label))
            for begin in range(onset, onset + n_steps, clock.SEGMENT):
                length = min(clock.SEGMENT, onset + n_steps - begin)
                self._segment(core._rate * intensity.astype(np.float64), example, phase, begin, length)
            onset += n_steps
        join = np.concatenate
        return Recording(
            lengths=(int(lengths[0]), int(lengths[1])),
            spikes=tuple(_by_step(join(parts)) for parts in self.spikes),
            v_soma=tuple(np.array(rows) for rows in self.v_soma),
            v_dendrite=tuple(np.array(rows) for rows in self.v_dendrite),
            v_apical=tuple(np.array(rows) for rows in self.v_apical),
        )

    def _segment(self, expected: np.ndarray, example: int, phase: int, begin: int, length: int) -> None:
        core, net, work, state = self.core, self.net, self.core._work, self.core._state
        never = length  # no step of the segment is averaged
        n_spikes = clock.begin_segment(net, work, expected, example, begin, length)
        self.spikes[0].append(
            np.stack([begin + work.input_row[:n_spikes] - net.memory, work.input_source[:n_spikes]], 1).astype(np.int64)
        )
        for step in range(length):
            self._keep_apical()
            clock.advance_layers(net, state, work, core._averages, example, phase, begin, step, step + 1, never)
            clock.feed_back(net, work, step)
            self._keep_layers()
        for layer in range(core.network.n_layers):
            first = core._layout.first_source[layer + 1]
            for block in range(core._layout.first_block[layer], core._layout.first_block[layer + 1]):
                counts = np.diff(work.first[block, : length + 1])
                steps = begin + np.repeat(np.arange(length), counts)
                cells = work.spikes[block, : counts.sum()] - first
                self.spikes[layer + 1].append(np.stack([steps, cells], 1).astype(np.int64))
        clock.end_segment(net, state, work, n_spikes, length)

    def _keep_apical(self) -> None:
        work, scale = self.core._work, self.net.filters.scale
        psp = (scale * (work.echo_decay - work.echo_rise)).ravel()[: self.core.network.sizes[-1]]
        for rows, feedback in zip(self.v_apical, self.core.weights.Y, strict=True):
            rows.append(feedback @ psp)

    def _keep_layers(self) -> None:
        core, work = self.core, self.core._work
        dendrite = self.net.weights.bias + self.net.filters.scale * (work.decay - work.rise)
        for layer, n in enumerate(core._layout.sizes):
            blocks = slice(core._layout.first_block[layer], core._layout.first_block[layer + 1])
            self.v_soma[layer].append(core._state.v_soma[blocks].ravel()[:n].copy())
            self.v_dendrite[layer].append(dendrite[blocks].ravel()[:n])


def _by_step(spikes: np.ndarray) -> np.ndarray:
    return spikes[np.argsort(spikes[:, 0], kind="stable")]


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
