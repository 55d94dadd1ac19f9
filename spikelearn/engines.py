"""Engines: from a description and weights to the core's arrays, and back.

`Clock` says how to simulate; ``Clock().build(network, weights)`` makes a `ClockCore`, which holds the arrays in the
core's blocked order and calls the compiled loops, a chunk of examples at a time.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spikelearn.core import clock, learn, trial
from spikelearn.core.jit import uncached
from spikelearn.core.lanes import LANES
from spikelearn.core.poisson import count_bound, count_table
from spikelearn.core.random import draw_extra, make_keys
from spikelearn.errors import InputError, NotFiniteError, check_range, nearest
from spikelearn.network import Network
from spikelearn.units import ms
from spikelearn.weights import Weights

DTYPES: dict[str, Any] = {"float32": np.float32, "float64": np.float64}


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
        if self.dtype not in DTYPES:
            raise InputError(f"Clock.dtype={self.dtype!r} is unknown; {nearest(str(self.dtype), DTYPES)}")

    def steps(self, what: str, duration: float) -> int:
        """Return a duration in steps; `InputError` unless it is a whole number of them."""
        n = round(duration / self.dt)
        if n < 1 or abs(n * self.dt - duration) > 1e-9 * duration:
            raise InputError(f"{what}={duration:g} ms is not a whole number of steps of dt={self.dt:g} ms; change dt")
        return n

    def build(self, network: Network, weights: Weights) -> "ClockCore":
        """Return a simulator of `network` with a copy of `weights`, at rest."""
        return ClockCore(self, network, weights)


class Chunk(NamedTuple):
    """What training on a chunk of examples returns, by example."""

    prediction: np.ndarray  # (examples,) int64
    loss: np.ndarray  # (examples, layers) float64
    angle: np.ndarray  # (examples, hidden layers) float64, degrees; NaN without a rule to compare with


class Recording(NamedTuple):
    """One trial in full; times are steps, potentials those at the end of a step. Layer 0 is the first with weights."""

    lengths: tuple[int, int]  # steps of the forward and the target phase
    spikes: tuple[np.ndarray, ...]  # inputs and each layer: (spikes, 2) int64, step and neuron, in order of step
    v_soma: tuple[np.ndarray, ...]  # each layer: (steps, neurons)
    v_dendrite: tuple[np.ndarray, ...]  # each layer: (steps, neurons); hidden: basal
    v_apical: tuple[np.ndarray, ...]  # each hidden layer: (steps, neurons)


class ClockCore:
    """Arrays of one network for the clock engine, and the calls that advance it.

    Parameters
    ----------
    engine : Clock
    network : Network
    weights : Weights
        Copied.
    """

    def __init__(self, engine: Clock, network: Network, weights: Weights) -> None:
        if weights.sizes != network.sizes:
            raise InputError(f"weights of sizes {weights.sizes} do not fit a network of sizes {network.sizes}")
        self.engine, self.network = engine, network
        self._float = DTYPES[engine.dtype]
        self._rate_step = network.rate_max * engine.dt
        if self._rate_step > 1:
            raise InputError(
                f"dt={engine.dt:g} ms is too large: rate_max * dt = {self._rate_step:.3g} spikes a step, must be <= 1; "
                f"use dt <= {1 / network.rate_max:g} ms"
            )
        phases = network.phases
        self._settle = engine.steps("Phases.settle", phases.settle) if phases.settle else 0
        self._minimum = engine.steps("Phases.minimum", phases.minimum)
        self._test = engine.steps("Phases.test", phases.test)
        self._window = engine.steps("Phases.window", phases.window) if phases.window is not None else None
        self._layout = make_layout(network.sizes)
        somas = make_somas(network, engine.dt, self._float)
        memory = engine.steps("Synapse.cutoff", network.synapse.cutoff) if network.synapse.cutoff is not None else 0
        lanes = self._layout.lanes
        self._net = clock.Network(
            layout=self._layout,
            weights=self._pack(weights),
            somas=somas,
            filters=make_filters(network, engine.dt, memory, self._float),
            tables=make_tables(network, engine.dt, memory),
            candidates=count_table([self._rate_step * n for n in lanes]),
            keys=np.zeros((1 + 2 * network.n_layers, 4), np.uint32),
            memory=memory,
            coupled=network.n_hidden > 0 and network.hidden.g_apical > 0,
        )
        self._state = self._make_state()
        self._work = self._make_work()
        self._averages = self._make_averages()
        self._trial = self._make_trial()

    # -- weights and state, in the user's order -------------------------------------------------------------------

    @property
    def weights(self) -> Weights:
        """The present weights, a copy."""
        layout, packed = self._layout, self._net.weights
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
        return {
            "v_soma": self._state.v_soma.copy(),
            "trace": self._state.trace.copy(),
            "recent_source": self._state.recent_source[:n].copy(),
            "recent_row": self._state.recent_row[:n].copy(),
        }

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take up a state that `state` returned for the same network and engine."""
        n = len(state["recent_source"])
        wanted = {"v_soma": self._state.v_soma, "trace": self._state.trace}
        for name, own in wanted.items():
            if state[name].shape != own.shape or state[name].dtype != own.dtype:
                raise InputError(
                    f"state {name!r} of shape {state[name].shape} {state[name].dtype} does not fit this network: "
                    f"it needs {own.shape} {own.dtype}"
                )
            own[:] = state[name]
        if n > len(self._state.recent_source):
            raise InputError(f"state holds {n} recent spikes, more than this network can have had")
        self._state.recent_source[:n] = state["recent_source"]
        self._state.recent_row[:n] = state["recent_row"]
        self._state.n_recent[0] = n

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
        NotFiniteError
            A potential or an error became NaN or infinite; the message names layer, quantity and example.
        """
        n = len(images)
        results = self._results(n)
        schedule = self._training_schedule(seed, n, first_example)
        self._make_room(images)
        other = Silent() if compare is None else compare.constants()
        constants = rule.constants()
        run = trial.train_chunk if _of_package(constants) and _of_package(other) else _train_chunk_uncached
        status = run(
            self._keyed(seed, "training"), self._state, self._work, self._averages, constants, other,
            self._trial, self._errors, images, labels, first_example, schedule, self._rate_step,
            np.array(learning_rates, np.float64), self.network.carry_state, results,
        )  # fmt: skip
        self._check(status, results, first_example)
        self._check_weights(first_example + n)
        return Chunk(results.prediction, results.loss, results.angle)

    def test(self, images: np.ndarray, *, seed: int, first_example: int) -> np.ndarray:
        """Show images, each to the network at rest; return the predicted classes, (images,) int64."""
        n = len(images)
        results = self._results(n)
        windows = np.zeros((n, 2, 2), np.int64)
        windows[:, 0] = self._settle, self._test
        lengths = np.zeros((n, 2), np.int64)
        lengths[:, 0] = self._test
        self._make_room(images)
        status = trial.test_chunk(
            self._keyed(seed, "evaluation"), self._state, self._work, self._averages, images,
            first_example, trial.Schedule(lengths, windows), self._rate_step, results,
        )  # fmt: skip
        self._check(status, results, first_example)
        return results.prediction

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
        return _Recorder(self, seed, label is not None).run(intensity, label, seed, example)

    def rest(self) -> None:
        """Forget all activity."""
        trial.rest(self._state)

    # -- building -------------------------------------------------------------------------------------------------

    def _keyed(self, seed: int, purpose: str) -> clock.Network:
        return self._net._replace(keys=make_keys(seed, purpose, self._net.keys.shape[0]))

    def _training_schedule(self, seed: int, n: int, first_example: int) -> trial.Schedule:
        """Phases of ``minimum + extra``, the extra rounded down to a whole step; windows at their ends."""
        phases = self.network.phases
        extra = np.empty((n, 2))
        draw_extra(make_keys(seed, "phases", 1)[0], first_example, phases.extra_mean, phases.extra_shape, extra)
        lengths = self._minimum + np.floor(extra / self.engine.dt).astype(np.int64)
        windows = np.empty((n, 2, 2), np.int64)
        ends = np.cumsum(lengths, axis=1)
        windows[:, :, 1] = ends
        windows[:, :, 0] = ends - (lengths - self._settle if self._window is None else self._window)
        return trial.Schedule(lengths, windows)

    def _pack(self, weights: Weights) -> clock.Weights:
        layout = self._layout
        n_blocks = len(layout.lanes)
        hidden_blocks = layout.first_block[self.network.n_hidden]
        n_outputs = self.network.sizes[-1]
        packed = clock.Weights(
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

    def _make_state(self) -> clock.State:
        n_blocks = len(self._layout.lanes)
        n_sources = int(self._layout.first_source[-1]) + LANES * _output_blocks(self._layout)
        recent = count_bound(self._rate_step * sum(self.network.sizes) * self._net.memory) if self._net.memory else 0
        return clock.State(
            v_soma=lanes_array(n_blocks, self._float),
            trace=np.zeros((2, n_sources)),
            recent_source=np.zeros(recent, np.int32),
            recent_row=np.zeros(recent, np.int32),
            n_recent=np.zeros(1, np.int64),
        )

    def _make_work(self) -> clock.Work:
        n_blocks, n_output = len(self._layout.lanes), _output_blocks(self._layout)
        rows = self._net.memory + clock.SEGMENT
        capacity = clock.SEGMENT * self._net.candidates.cdf.shape[1] + 1
        real = self._float
        return clock.Work(
            drive=lanes_array(n_blocks * rows, real),
            rise=lanes_array(n_blocks, real),
            decay=lanes_array(n_blocks, real),
            current=lanes_array(n_blocks, real),
            activity=lanes_array(clock.SEGMENT, real),
            echo=lanes_array(n_output * rows, real),
            echo_rise=lanes_array(n_output, real),
            echo_decay=lanes_array(n_output, real),
            spikes=np.zeros((n_blocks, capacity), np.int32),
            first=np.zeros((n_blocks, clock.SEGMENT + 1), np.int64),
            drawn=np.zeros(n_blocks, np.int64),
            count_words=np.zeros((n_blocks, LANES), np.uint32),
            candidate_words=np.zeros((n_blocks, LANES), np.uint32),
            input_words=np.zeros((1, LANES), np.uint32),
            input_gaps=np.zeros(LANES),
            input_source=np.zeros(0, np.int32),
            input_row=np.zeros(0, np.int32),
        )

    def _make_averages(self) -> clock.Averages:
        n_blocks = len(self._layout.lanes)
        hidden_blocks = int(self._layout.first_block[self.network.n_hidden])
        return clock.Averages(
            v_soma=lanes_array(2 * n_blocks, self._float),
            activity=lanes_array(2 * n_blocks, self._float),
            psp=np.zeros((2, self._state.trace.shape[1])),
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
            v_forward=averages.v_soma.reshape(2, -1)[clock.FORWARD],
            activity_target=averages.activity.reshape(2, -1)[clock.TARGET],
            predicted=averages.predicted.reshape(-1),
            slope=averages.slope.reshape(-1),
            plateau_forward=averages.plateau.reshape(2, -1)[clock.FORWARD],
            plateau_target=averages.plateau.reshape(2, -1)[clock.TARGET],
            dendrite_gain=np.array(self.network.dendrite_gains),
            rate_max=self._float(self.network.rate_max),
            forward=self._net.weights.forward,
            weight_row=layout.weight_row,
        )

    def _make_room(self, images: np.ndarray) -> None:
        """Let the buffer of input spikes hold the brightest of the images."""
        brightest = float(images.sum(axis=1, dtype=np.float64).max(initial=0.0))
        capacity = count_bound(self._rate_step * clock.SEGMENT * brightest)
        if len(self._work.input_source) < capacity:
            self._work = self._work._replace(
                input_source=np.zeros(capacity, np.int32), input_row=np.zeros(capacity, np.int32)
            )

    def _results(self, n: int) -> trial.Results:
        return trial.Results(
            prediction=np.zeros(n, np.int64),
            loss=np.zeros((n, self.network.n_layers)),
            angle=np.full((n, self.network.n_hidden), np.nan),
            failure=np.zeros(2, np.int64),
        )

    # -- failures -------------------------------------------------------------------------------------------------

    def _check(self, status: int, results: trial.Results, first_example: int) -> None:
        if status == trial.NOT_FINITE:
            example, layer = first_example + int(results.failure[0]), int(results.failure[1])
            raise NotFiniteError(
                f"mean potential or error of layer {layer + 1} is not finite at example {example}; "
                f"the learning rates are probably too large"
            )
        if status == trial.OVERFLOW:
            raise RuntimeError(f"a buffer of spikes overflowed at example {first_example + int(results.failure[0])}")

    def _check_weights(self, example: int) -> None:
        layout, packed = self._layout, self._net.weights
        for layer in range(self.network.n_layers):
            blocks = slice(layout.first_block[layer], layout.first_block[layer + 1])
            rows = slice(layout.weight_row[blocks.start], (*layout.weight_row, len(packed.forward))[blocks.stop])
            if not (np.isfinite(packed.forward[rows]).all() and np.isfinite(packed.bias[blocks]).all()):
                raise NotFiniteError(
                    f"a weight or bias of layer {layer + 1} is not finite before example {example}; "
                    f"the learning rates are probably too large"
                )


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
        lengths = (core._test, 0) if label is None else core._training_schedule(seed, 1, example).lengths[0]
        clock.begin_trial(net, core._state, core._work)
        onset = 0
        for phase, n_steps in enumerate(lengths):
            if phase == clock.TARGET and label is not None:
                trial.teach(net, core._work, np.int64(label))
            for begin in range(onset, onset + n_steps, clock.SEGMENT):
                length = min(clock.SEGMENT, onset + n_steps - begin)
                self._segment(core._rate_step * intensity.astype(np.float64), example, phase, begin, length)
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


class Silent(NamedTuple):
    """Constants of the rule that says nothing; stands where no rule is compared with."""


@learn.kernel
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


def make_layout(sizes: tuple[int, ...]) -> clock.Layout:
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
    return clock.Layout(
        sizes=post,
        first_block=first_block,
        lanes=np.array(lanes, np.int64),
        first_source=np.concatenate([[0], np.cumsum(padded[:-1])]),
        weight_row=np.array(rows[:-1], np.int64),
    )


def _weight_rows(layout: clock.Layout) -> int:
    last = len(layout.sizes) - 1
    return int(layout.weight_row[-1] + layout.first_source[last + 1] - layout.first_source[last])


def _output_blocks(layout: clock.Layout) -> int:
    return int(layout.first_block[-1] - layout.first_block[-2])


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
