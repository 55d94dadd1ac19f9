"""The event engine: exact, in continuous time."""

import math
from dataclasses import dataclass

import numpy as np

from spikelearn.core import arrivals, candidates, event, trial
from spikelearn.core.few import FEW
from spikelearn.core.lanes import LANES
from spikelearn.core.layout import n_feeding
from spikelearn.core.poisson import count_bound
from spikelearn.core.probe import Given, Probe
from spikelearn.engines.base import Core, check_dtype
from spikelearn.engines.packing import feeding_blocks, lanes_array, make_somas, n_sources
from spikelearn.engines.probing import Stimulus, make_given, make_probe, no_watch
from spikelearn.errors import InputError, check_range
from spikelearn.network import Network
from spikelearn.units import ms
from spikelearn.weights import Weights

REACH = 2.0  # a slot is at most as many of the shortest time constant: moving spikes back loses no precision


@dataclass(frozen=True, kw_only=True)
class Event:
    """Exact simulation in continuous time: no time step.

    Parameters
    ----------
    slot : float
        ms; how far apart the states are that a recording keeps. It has no influence on what is simulated, beyond
        rounding, and little on speed.
    dtype : str
        ``"float32"`` or ``"float64"``: the core's floats.
    """

    slot: float = 1.0 * ms
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_range("Event.slot", self.slot, above=0, unit="ms")
        check_dtype("Event.dtype", self.dtype)

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
        self._unit, self._step = 1.0, engine.slot
        self._rate = network.rate_max
        synapse, somas = make_synapse(network), make_somas(network)
        if network.feedback_signal == "rates" and network.n_hidden and network.hidden.g_apical:
            raise InputError(
                "Event() cannot feed rates back to somata: potentials would be no sums of exponentials between spikes; "
                "set g_apical=0 or feedback_signal='spikes', or use Clock()"
            )
        longest = REACH / max(float(somas.total.max()), 1 / synapse.tau_rise)
        if engine.slot > longest:
            raise InputError(
                f"Event.slot={engine.slot:g} ms is too long for this network; use slot <= "
                f"{math.floor(1000 * longest) / 1000:g} ms"
            )
        self._net = event.Network(
            layout=self._layout,
            weights=self._packed,
            somas=somas,
            synapse=synapse,
            responses=make_responses(network, engine.slot, self._float),
            keys=np.zeros((1 + 2 * network.n_layers, 4), np.uint32),
            rate_max=float(network.rate_max),
            slot=float(engine.slot),
            coupled=bool(network.n_hidden and network.hidden.g_apical),
            pathway=self._make_pathway(network.plateaus.grain),
        )
        self._state = self._make_state()
        self._work = self._make_work(self._capacity(0.0))

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

    def _watching(self, net: event.Network, probe: Probe, given: Given | None) -> tuple[event.Network, event.Work]:
        if given is not None and len(given.input_source) + 1 >= self._work.queues.time.shape[1]:
            self._work = self._make_work(len(given.input_source) + 2)
        return net, self._work._replace(probe=probe, given=given or self._work.given)

    def _make_state(self) -> event.State:
        memory = self._net.synapse.memory
        recent = 0 if math.isinf(memory) else count_bound(self._rate * sum(self.network.sizes) * memory)
        return event.State(
            v_soma=lanes_array(len(self._layout.lanes), self._float),
            trace=np.zeros((n_sources(self._layout), 2)),
            recent_source=np.zeros(recent, np.int32),
            recent_time=np.zeros(recent),
            n_recent=np.zeros(1, np.int64),
        )

    def _capacity(self, brightest: float) -> int:
        """Return room for the spikes of any queue that are not forgotten, and of a segment more."""
        memory = self._net.synapse.memory
        kept = event.SLOTS * self.engine.slot + (0.0 if math.isinf(memory) else memory)
        return count_bound(self._rate * kept * max(brightest, *self.network.sizes[1:])) + 2 * LANES

    def _make_work(self, capacity: int) -> event.Work:
        n_blocks, n_layers, real = len(self._layout.lanes), self.network.n_layers, self._float
        n_queues, capacity = n_layers + 1, -(-capacity // LANES) * LANES
        sources = n_sources(self._layout)
        queues = arrivals.Queues(
            time=np.zeros((n_queues, capacity)),
            pre=np.zeros((n_queues, capacity), np.int32),
            n=np.zeros(n_queues, np.int64),
            n_gone=np.zeros((2, n_queues), np.int64),
            on_place=np.zeros(capacity + 2),
            off_place=np.zeros(capacity + 2),
            sort_time=np.zeros(capacity),
            sort_pre=np.zeros(capacity, np.int32),
            bin_start=np.zeros(capacity + 1, np.int64),
        )
        per_spike = 1 if math.isinf(self._net.synapse.memory) else 2
        names = ("cut_decay", "cut_rise", "age", "decay", "rise", "soma")
        arriving = arrivals.Arrivals(
            n=np.zeros(n_queues, np.int64),
            place=np.zeros((n_queues, per_spike * capacity)),
            pre=np.zeros((n_queues, per_spike * capacity), np.int32),
            **{name: np.zeros((n_queues, per_spike * capacity), real) for name in names},
        )
        batch = (n_blocks, LANES + FEW)
        upcoming = candidates.Candidates(
            next=np.zeros(n_blocks, np.int64),
            batch=np.zeros(n_blocks, np.int64),
            time=np.zeros(batch),
            place=np.full(batch, np.inf),
            lane=np.zeros(batch, np.int32),
            cell=np.zeros(batch, np.int32),
            **{k: np.zeros(batch, real) for k in ("draw", "age", "keep", "from_decay", "from_rise")},
        )
        inputs = candidates.Inputs(
            per_event=np.zeros(1),
            cumulative=np.zeros(self.network.sizes[0]),
            guide=np.zeros(2 * self.network.sizes[0], np.int64),
            next=np.zeros(1),
            used=np.zeros(1, np.int64),
            gaps=np.zeros(LANES),
            words=np.zeros((1, LANES), np.uint32),
        )
        return event.Work(
            queues=queues,
            arrivals=arriving,
            candidates=upcoming,
            inputs=inputs,
            slot=np.zeros(n_blocks, np.int64),
            absorbed=np.zeros(n_blocks, np.int64),
            **{k: lanes_array(n_blocks, real) for k in ("decay", "rise", "soma", "v_inf", "current", "v_before")},
            saved=lanes_array(3 * feeding_blocks(self._layout), real),
            node=np.zeros((n_layers, 3, event.NODES)),
            step=np.zeros((n_layers, 5)),
            power=np.zeros((event.SLOTS + 1, 2)),
            trace_before=np.zeros((sources, 2)),
            impulse=np.zeros((sources, 2)),
            integral=np.zeros(sources),
            received=np.zeros(n_feeding(self._layout)),
            per_echo=np.zeros(len(self._averages.echo)),
            n_fed=np.zeros((2, n_queues + 1), np.int64),
            n_echoed=np.zeros((2, n_queues + 1), np.int64),
            echo=np.zeros((n_feeding(self._layout), 2)),
            n_given=np.zeros(1, np.int64),
            n_before=np.zeros(n_queues, np.int64),
            probe=make_probe(self._layout, no_watch(self._layout), Stimulus(), 0.0, *self._scales),
            given=make_given(self._layout, Stimulus(), self._unit),
            words=np.zeros((1, LANES), np.uint32),
        )

    def _make_room(self, images: np.ndarray) -> None:
        brightest = float(images.sum(axis=1, dtype=np.float64).max(initial=0.0))
        if self._work.queues.time.shape[1] < self._capacity(brightest):
            self._work = self._make_work(self._capacity(brightest))


def make_synapse(network: Network) -> arrivals.Synapse:
    """Return the synaptic kernel, and what the end of a spike's memory takes away."""
    synapse = network.synapse
    memory = math.inf if synapse.cutoff is None else synapse.cutoff
    return arrivals.Synapse(
        tau_decay=synapse.tau_decay,
        tau_rise=synapse.tau_rise,
        scale=1.0 / (synapse.tau_decay - synapse.tau_rise),
        memory=memory,
        cut=np.array([[1.0, 1.0], [-math.exp(-memory / synapse.tau_decay), -math.exp(-memory / synapse.tau_rise)]]),
    )


def make_responses(network: Network, slot: float, real: type) -> arrivals.Responses:
    """Taylor coefficients of all responses, to the precision of the core's floats a slot back and forth."""
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
    return arrivals.Responses(
        decay=exponential(slow)[::-1].copy(),
        rise=exponential(fast)[::-1].copy(),
        keep=keep[..., ::-1].copy(),
        from_decay=from_decay[..., ::-1].copy(),
        from_rise=from_rise[..., ::-1].copy(),
    )
