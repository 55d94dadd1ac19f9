"""The event engine: exact, in continuous time."""

import math
from dataclasses import dataclass

import numpy as np

from spikelearn.core import event, trial
from spikelearn.core.lanes import LANES
from spikelearn.core.poisson import count_bound, count_table
from spikelearn.engines.base import DTYPES, Core, lanes_array, n_sources
from spikelearn.errors import InputError, check_range, nearest
from spikelearn.network import Network
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
        if self.dtype not in DTYPES:
            raise InputError(f"Event.dtype={self.dtype!r} is unknown; {nearest(str(self.dtype), DTYPES)}")

    def build(self, network: Network, weights: Weights) -> "EventCore":
        """Return a simulator of `network` with a copy of `weights`, at rest."""
        return EventCore(self, network, weights)


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
        spikes += len(self._state.recent_source)
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
        if len(self._work.raw_source) < count_bound(needed) + len(self._state.recent_source):
            self._work = self._make_work(brightest)


def make_somas(network: Network) -> event.Somas:
    """Conductances of all layers in both phases."""
    hidden, output, n = network.hidden, network.output, network.n_hidden
    return event.Somas(
        total=np.array([[hidden.g_total] * n + [output.g_total + teach] for teach in (0.0, output.g_teach)]),
        dendrite=np.array([hidden.g_basal] * n + [output.g_dendrite]),
        apical=np.array([hidden.g_apical] * n + [0.0]),
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
        cut=np.array([[1.0, 1.0], [-math.exp(-memory / synapse.tau_decay), -math.exp(-memory / synapse.tau_rise)]]),
    )


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
