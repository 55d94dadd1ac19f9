"""The event engine: exact, in continuous time."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikelearn.core import clock, event, trial
from spikelearn.core.lanes import LANES
from spikelearn.core.poisson import count_bound, count_table
from spikelearn.engines.base import Core, check_dtype, lanes_array, n_sources
from spikelearn.errors import InputError, check_range
from spikelearn.network import Network
from spikelearn.neurons import Synapse
from spikelearn.units import ms
from spikelearn.weights import Weights


@dataclass(frozen=True, kw_only=True)
class Event:
    """Exact simulation in continuous time: no time step.

    Parameters
    ----------
    slot : float
        ms; how far apart the exact states are that the engine keeps. It has no influence on what is simulated, only on
        which random numbers are used for it, and on speed.
    dtype : str
        ``"float32"`` or ``"float64"``: the core's floats.
    """

    slot: float = 0.5 * ms
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_range("Event.slot", self.slot, above=0, unit="ms")
        check_dtype("Event.dtype", self.dtype)

    def build(self, network: Network, weights: Weights) -> "EventCore":
        """Return a simulator of `network` with a copy of `weights`, at rest."""
        return EventCore(self, network, weights)


class EventRecording(NamedTuple):
    """One trial; times in ms from its start. Layer 0 is the first with weights."""

    lengths: tuple[float, float]  # ms, forward and target phase
    spikes: tuple[tuple[np.ndarray, np.ndarray], ...]  # inputs and each layer: times (n,) and neurons (n,), by time
    times: np.ndarray  # (n,) ends of slots
    v_soma: tuple[np.ndarray, ...]  # each layer: (n, neurons), there
    v_dendrite: tuple[np.ndarray, ...]  # each layer: (n, neurons); hidden: basal


class EventCore(Core):
    """Arrays of one network for the event engine, and the calls that advance it.

    Parameters
    ----------
    engine : Event
    network : Network
    weights : Weights
        Copied.
    """

    def __init__(self, engine: Event, network: Network, weights: Weights) -> None:
        super().__init__(network, weights, engine.dtype)
        self.engine = engine
        self._rate = network.rate_max
        if network.hidden.g_apical and network.n_hidden:
            raise InputError(
                f"HiddenNeuron.g_apical={network.hidden.g_apical:g}: the event engine needs 0; use the clock engine"
            )
        per_neuron = network.rate_max * engine.slot
        fastest = max(
            network.hidden.g_total, network.output.g_total + network.output.g_teach, 1 / network.synapse.tau_rise
        )
        if per_neuron > 1 or engine.slot * fastest > 2:
            limit = min(1 / network.rate_max, 2 / fastest)
            raise InputError(f"Event.slot={engine.slot:g} ms is too long for this network; use slot <= {limit:.3g} ms")
        self._net = event.Network(
            layout=self._layout,
            weights=self._packed,
            somas=make_somas(network),
            synapse=make_synapse(network),
            responses=make_responses(network, engine.slot, self._float),
            candidates=count_table([per_neuron * n for n in self._layout.lanes]),
            keys=np.zeros((1 + 2 * network.n_layers, 4), np.uint32),
            slot=engine.slot,
        )
        self._state = self._make_state()
        self._work = self._make_work(0.0)

    def record(self, intensity: np.ndarray, label: int | None, *, seed: int, example: int) -> EventRecording:
        """Run one trial and keep its spikes and the states between slots; the weights do not change.

        Parameters
        ----------
        intensity : (n_inputs,) float32 array
        label : int or None
            None: a test trial, without target phase, of a network at rest. Otherwise state is carried as in `train`.
        seed, example : int
            As in `train` and `test`: the trial with these numbers there has the same spikes.
        """
        self._make_room(intensity[None])
        if label is None or not self.network.carry_state:
            self.rest()
        schedule = self._test_schedule(1) if label is None else self._training_schedule(self._extra(seed, example, 1))
        net = self._keyed(seed, "evaluation" if label is None else "training")
        recorder = _Recorder(self, net, self._rate * intensity.astype(np.float64), example)
        event.begin_trial(net, self._state, self._work)
        onset = 0.0
        for phase, length in enumerate(schedule.lengths[0]):
            if length > 0:
                if phase == event.TARGET and label is not None:
                    clock.teach(net, self._work, np.int64(label))
                window = schedule.windows[0, phase]
                for start, stop in ((onset, window[0]), (window[0], window[1])):
                    recorder.run_stretch(phase, start, stop)
                onset += length
        return recorder.recording(schedule.lengths[0])

    def _training_schedule(self, extra: np.ndarray) -> trial.Schedule:
        """Phases of ``minimum + extra``, windows at their ends."""
        phases = self.network.phases
        lengths = phases.minimum + extra
        windows = np.empty((len(extra), 2, 2))
        windows[:, :, 1] = np.cumsum(lengths, axis=1)
        windows[:, :, 0] = windows[:, :, 1] - (lengths - phases.settle if phases.window is None else phases.window)
        return trial.Schedule(lengths, windows)

    def _test_schedule(self, n: int) -> trial.Schedule:
        windows = np.zeros((n, 2, 2))
        windows[:, 0] = self.network.phases.settle, self.network.phases.test
        lengths = np.zeros((n, 2))
        lengths[:, 0] = self.network.phases.test
        return trial.Schedule(lengths, windows)

    def _make_state(self) -> event.State:
        memory = self._net.synapse.memory
        recent = 0 if math.isinf(memory) else count_bound(self._rate * sum(self.network.sizes) * memory)
        return event.State(
            v_soma=lanes_array(len(self._layout.lanes), self._float),
            trace=np.zeros((2, n_sources(self._layout))),
            recent_source=np.zeros(recent, np.int32),
            recent_time=np.zeros(recent),
            n_recent=np.zeros(1, np.int64),
        )

    def _make_work(self, brightest: float) -> event.Work:
        n_blocks, real = len(self._layout.lanes), self._float
        longest = event.SLOTS * self.engine.slot
        # Every neuron at its highest rate, every input at its own, during a segment.
        spikes = count_bound(self._rate * longest * (brightest + int(self._layout.sizes.sum())))
        spikes += len(self._state.recent_source) + event.MOST_CANDIDATES
        rows = -(-spikes // LANES)
        return event.Work(
            raw_source=np.zeros(rows * LANES, np.int32),
            raw_time=np.zeros(rows * LANES),
            n_raw=np.zeros(self.network.n_layers + 2, np.int64),
            listed_source=np.zeros((2, rows * LANES), np.int64),
            listed_time=np.zeros((2, rows * LANES)),
            n_listed=np.zeros(2, np.int64),
            pre=np.zeros((2, rows * LANES), np.int64),
            when=np.zeros((2, rows * LANES)),
            left=lanes_array(2 * rows, real),
            to_decay=lanes_array(2 * rows, real),
            to_rise=lanes_array(2 * rows, real),
            to_soma=lanes_array(2 * rows, real),
            first=np.zeros((2, event.SLOTS + 1), np.int64),
            recent_weight=np.zeros((2, len(self._state.recent_source))),
            decay=lanes_array(n_blocks, real),
            rise=lanes_array(n_blocks, real),
            current=lanes_array(n_blocks, real),
            new_decay=lanes_array(event.SLOTS, real),
            new_rise=lanes_array(event.SLOTS, real),
            new_soma=lanes_array(event.SLOTS, real),
            slot_decay=lanes_array(event.SLOTS + 1, real),
            slot_rise=lanes_array(event.SLOTS + 1, real),
            slot_soma=lanes_array(event.SLOTS + 1, real),
            slot_activity=lanes_array(event.SLOTS + 1, real),
            margin=lanes_array(event.SLOTS, real),
            window_decay=lanes_array(n_blocks, real),
            window_rise=lanes_array(n_blocks, real),
            window_soma=lanes_array(n_blocks, real),
            n_arrivals=np.zeros((2, n_sources(self._layout))),
            largest=lanes_array(n_blocks, real),
            count_words=np.zeros((1, LANES), np.uint32),
            candidate_words=np.zeros((1, LANES), np.uint32),
            input_words=np.zeros((1, LANES), np.uint32),
            input_gaps=np.zeros(LANES),
        )

    def _make_room(self, images: np.ndarray) -> None:
        brightest = float(images.sum(axis=1, dtype=np.float64).max(initial=0.0))
        needed = self._rate * event.SLOTS * self.engine.slot * (brightest + int(self._layout.sizes.sum()))
        if len(self._work.raw_source) < count_bound(needed) + len(self._state.recent_source) + event.MOST_CANDIDATES:
            self._work = self._make_work(brightest)


class _Recorder:
    """Drives the kernels of a core block by block, as `core.event.run_stretch` does, and keeps what they leave."""

    def __init__(self, core: EventCore, net: event.Network, expected: np.ndarray, example: int) -> None:
        self.core, self.net, self.expected, self.example = core, net, expected, example
        n_layers = core.network.n_layers
        self.slot_number = 0
        self.times: list[np.ndarray] = []
        self.spikes: list[list[np.ndarray]] = [[] for _ in range(n_layers + 1)]
        self.v_soma: list[list[np.ndarray]] = [[] for _ in range(n_layers)]
        self.v_dendrite: list[list[np.ndarray]] = [[] for _ in range(n_layers)]

    def run_stretch(self, phase: int, start: float, stop: float) -> None:
        longest = event.SLOTS * self.net.slot
        for k in range(event.count_slots(longest, stop - start) if stop > start else 0):
            begin = start + k * longest
            self._segment(phase, begin, min(longest, stop - begin))
            self.slot_number += event.SLOTS

    def _segment(self, phase: int, begin: float, length: float) -> None:
        core, net, work, state, layout = self.core, self.net, self.core._work, self.core._state, self.core._layout
        n_slots = event.count_slots(net.slot, length)
        self.times.append(begin + np.minimum(net.slot * np.arange(1, n_slots + 1), length))
        event.begin_segment(net, work, self.expected, self.example, self.slot_number, length)
        for layer in range(core.network.n_layers):
            event.begin_layer(net, state, work, phase, layer, length, n_slots, False)
            soma, dendrite = [], []
            for block in range(layout.first_block[layer], layout.first_block[layer + 1]):
                event.run_block(
                    net, state, work, core._averages, layer, block, phase, self.example, self.slot_number, length,
                    n_slots, False,
                )  # fmt: skip
                # The state after the last slot is in the block's own arrays.
                soma.append(np.vstack([work.slot_soma[1:n_slots], state.v_soma[block]]))
                decay = np.vstack([work.slot_decay[1:n_slots], work.decay[block]])
                rise = np.vstack([work.slot_rise[1:n_slots], work.rise[block]])
                dendrite.append(net.weights.bias[block] + net.synapse.scale * (decay - rise))
            self.v_soma[layer].append(np.hstack(soma)[:, : layout.sizes[layer]])
            self.v_dendrite[layer].append(np.hstack(dendrite)[:, : layout.sizes[layer]])
        for source in range(core.network.n_layers + 1):
            own = slice(work.n_raw[source], work.n_raw[source + 1])
            cells = work.raw_source[own] - layout.first_source[source]
            self.spikes[source].append(np.stack([begin + work.raw_time[own], cells]))
        event.end_segment(net, state, work, length)

    def recording(self, lengths: np.ndarray) -> EventRecording:
        spikes = []
        for parts in self.spikes:
            time, cell = np.hstack(parts)
            order = np.argsort(time, kind="stable")
            spikes.append((time[order], cell[order].astype(np.int64)))
        return EventRecording(
            lengths=(float(lengths[0]), float(lengths[1])),
            spikes=tuple(spikes),
            times=np.concatenate(self.times),
            v_soma=tuple(np.vstack(rows) for rows in self.v_soma),
            v_dendrite=tuple(np.vstack(rows) for rows in self.v_dendrite),
        )


def make_somas(network: Network) -> event.Somas:
    """Conductances of all layers in both phases."""
    hidden, output, n = network.hidden, network.output, network.n_hidden
    return event.Somas(
        total=np.array([[hidden.g_total] * n + [output.g_total + teach] for teach in (0.0, output.g_teach)]),
        dendrite=np.array([hidden.g_basal] * n + [output.g_dendrite]),
        teach=np.array([output.g_teach * output.e_inhibit, output.g_teach * output.e_excite]),
    )


def make_synapse(network: Network) -> event.Synapse:
    """Return the synaptic kernel, and what the end of a spike's memory takes away."""
    synapse = network.synapse
    memory = math.inf if synapse.cutoff is None else synapse.cutoff
    return event.Synapse(
        tau_decay=synapse.tau_decay,
        tau_rise=synapse.tau_rise,
        scale=1.0 / (synapse.tau_decay - synapse.tau_rise),
        memory=memory,
        area=_area(synapse, memory),
        cut=np.array([[1.0, 1.0], [-math.exp(-memory / synapse.tau_decay), -math.exp(-memory / synapse.tau_rise)]]),
    )


def _area(synapse: Synapse, memory: float) -> float:
    decay = synapse.tau_decay * math.exp(-memory / synapse.tau_decay)
    rise = synapse.tau_rise * math.exp(-memory / synapse.tau_rise)
    return 1.0 - (decay - rise) / (synapse.tau_decay - synapse.tau_rise)


def make_responses(network: Network, slot: float, real: type) -> event.Responses:
    """Taylor coefficients of all responses, to the precision of the core's floats over a slot."""
    synapse, somas = make_synapse(network), make_somas(network)
    slow, fast = 1.0 / synapse.tau_decay, 1.0 / synapse.tau_rise
    reach = slot * max(float(somas.total.max()), fast)
    n = 2
    while reach**n / math.factorial(n) > np.finfo(real).eps / 8:
        n += 1

    def exponential(rate: float) -> np.ndarray:
        return np.array([(-rate) ** k / math.factorial(k) for k in range(n)])

    def filtered(rate: float, g: float) -> np.ndarray:
        """``(exp(-rate s) - exp(-g s)) / (g - rate)``: the divided difference of powers has no cancellation."""
        divided = [sum(g**i * rate ** (k - 1 - i) for i in range(k)) for k in range(n)]
        return np.array([(-1) ** (k + 1) * divided[k] / math.factorial(k) for k in range(n)])

    shape = (2, network.n_layers, n)
    keep, from_decay, from_rise = np.empty(shape), np.empty(shape), np.empty(shape)
    for phase in range(2):
        for layer in range(network.n_layers):
            g, gain = somas.total[phase, layer], somas.dendrite[layer] * synapse.scale
            keep[phase, layer] = exponential(g)
            from_decay[phase, layer] = gain * filtered(slow, g)
            from_rise[phase, layer] = -gain * filtered(fast, g)
    cut = synapse.cut
    arrival = np.array([cut[kind, 0] * from_decay + cut[kind, 1] * from_rise for kind in range(2)])
    return event.Responses(
        decay=exponential(slow)[::-1].copy(),
        rise=exponential(fast)[::-1].copy(),
        keep=keep[..., ::-1].copy(),
        from_decay=from_decay[..., ::-1].copy(),
        from_rise=from_rise[..., ::-1].copy(),
        arrival=arrival[..., ::-1].copy(),
    )
