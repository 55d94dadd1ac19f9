"""The event engine: exact, in continuous time."""

import math
import operator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from spikelearn.core import exact
from spikelearn.core.layer import GROUP, PARTS, Layer, Spikes
from spikelearn.core.layer import Network as CoreNetwork
from spikelearn.core.poisson import count_bound
from spikelearn.core.records import Records
from spikelearn.engines import packing
from spikelearn.engines.base import Core
from spikelearn.engines.engine import Engine, check_dtype
from spikelearn.engines.packing import conductances, lanes_array, power_of_two
from spikelearn.engines.probing import Watch, make_probe, no_given, no_probe
from spikelearn.errors import InputError, check_range
from spikelearn.kinds import register
from spikelearn.network import Network
from spikelearn.neurons import Synapse
from spikelearn.units import ms
from spikelearn.weights import Weights

REACH = 2.0  # a slot is at most as many of the shortest time constant: going back within one loses no precision
PERIOD = 5.0 * ms  # a group of 64 neurons at 200 Hz has 64 candidates
SLACK = 1e-4  # share by which bounds are wider than need be, far more than rounding


@register(like=Engine)
@dataclass(frozen=True, kw_only=True)
class Event:
    """Exact simulation in continuous time: no time step.

    Parameters
    ----------
    slot : float
        Longest time between two states that are kept, ms; a recording samples these states. Where spikes are forgotten,
        the time until then is a whole number of slots. It has an influence on candidates for spikes and on speed; what
        is simulated stays the same, to rounding.
    dtype : str
        ``"float32"`` or ``"float64"``: the core's floats.
    """

    slot: float = 0.25 * ms
    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_range("Event.slot", self.slot, above=0, unit="ms")
        check_dtype("Event.dtype", self.dtype)

    @property
    def sampling(self) -> float:
        """Interval between samples of potentials where none is asked for: a slot, ms."""
        return self.slot

    def check_interval(self, what: str, interval: float) -> None:
        """Accept any interval: the sample is the state of the nearest slot."""

    def build(self, network: Network, weights: Weights) -> "EventCore":
        """Return a simulator of a network at rest, in continuous time."""
        return EventCore(self, network, weights)


class EventCore(Core):
    """Records of one network for the event engine, and the calls that advance it.

    Parameters
    ----------
    engine : Event
        Length of slots and type of floats.
    network : Network
        The network to simulate.
    weights : Weights
        Its weights; copied.

    Raises
    ------
    InputError
        Slots are too long for the network, or fed-back rates reach somata.
    """

    def __init__(self, engine: Event, network: Network, weights: Weights) -> None:
        super().__init__(network, weights, engine.dtype)
        self.engine = engine
        self._unit, self._rate, self._area = 1.0, network.rate_max, network.synapse.area()
        phases = network.phases
        self._settle, self._window, self._test = float(phases.settle), phases.window, float(phases.test)
        synapse, output, real = network.synapse, network.output, self._float
        if network.feedback_signal == "rates" and network.coupled:
            raise InputError(
                "Event() cannot feed rates back to somata: potentials would be no sums of exponentials between spikes; "
                "set g_apical=0 or feedback_signal='spikes', or use Clock()"
            )
        fastest = max(*(g for total, _, _ in conductances(network) for g in total), 1 / synapse.tau_rise)
        if engine.slot > REACH / fastest:
            raise InputError(
                f"Event.slot={engine.slot:g} ms is too long for this network; use slot <= "
                f"{math.floor(1000 * REACH / fastest) / 1000:g} ms"
            )
        self._memory, self._period, self._slot = slots_of(synapse, engine.slot)
        cuts = [math.exp(-synapse.cutoff / tau) if synapse.cutoff else 0.0 for tau in taus(synapse)]
        n_terms = count_terms(self._slot * fastest, real)
        draws = exact.Draws(
            lit=np.zeros(network.sizes[0], np.int32),
            cumulative=np.zeros(network.sizes[0]),
            guide=np.zeros(2 * network.sizes[0], np.int64),
            gaps=np.zeros(64),
            words=np.zeros((1, 64), np.uint32),
        )
        model = exact.Exact(
            tau_decay=synapse.tau_decay,
            tau_rise=synapse.tau_rise,
            scale=1.0 / (synapse.tau_decay - synapse.tau_rise),
            slot=self._slot,
            memory=self._memory,
            period=self._period,
            cut_decay=cuts[0],
            cut_rise=cuts[1],
            decay=exponential(1 / synapse.tau_decay, n_terms)[::-1].copy(),
            rise=exponential(1 / synapse.tau_rise, n_terms)[::-1].copy(),
            rate_max=float(network.rate_max),
            teach=np.array([output.g_teach * output.e_inhibit, output.g_teach * output.e_excite]),
            counts=packing.group_counts(network, network.rate_max * self._period * self._slot),
            keys=np.zeros((1 + 3 * network.n_layers, 4), np.uint32),
            grain=float(network.plateaus.grain),
            rates=network.feedback_signal == "rates",
            coupled=network.coupled,
            elapsed=np.zeros(2),
            tally=np.zeros(2, np.int64),
            draws=draws,
            probe=no_probe(network.n_layers, real),
            given=no_given(),
        )
        self._longest = model.counts.cdf.shape[1]
        works = [
            self._make_work(n, soma, synapse, n_terms)
            for n, soma in zip(network.sizes[1:], conductances(network), strict=True)
        ]
        self._build(model, works, weights)

    def _make_work(
        self, n: int, soma: tuple[tuple[float, float], float, float], synapse: Synapse, n_terms: int
    ) -> exact.ExactWork:
        real, blocks, groups = self._float, packing.n_blocks(n), packing.n_groups(n)
        rows = power_of_two(self._memory + self._period + 1)
        batches = -(-self._longest // GROUP) + 1
        arrays: dict[str, Any] = responses(synapse, soma, self._slot, self._memory, n_terms, real)
        for names, length in (
            (("excess", "v_inf", "largest", "v_start", "v_stop"), blocks),
            (("age", "threshold", "by_soma", "by_decay", "by_rise"), groups * batches * PARTS),
            (("margin", "back", "back_soma", "back_decay", "back_rise"), batches * PARTS),
            (("arriving", "returning"), 0),
        ):
            arrays |= {name: lanes_array(length, real) for name in names}
        return exact.ExactWork(
            **arrays,
            ring=lanes_array(3 * blocks * rows, real),
            fade=np.zeros(0, real),
            here=lanes_array(3, real),
            rates=lanes_array(2 * len(self._chances) * blocks, real),
            peak=np.zeros(groups, real),
            bound=np.zeros(0, real),
            n_candidates=np.zeros(groups, np.int64),
            batch=np.zeros(groups, np.int64),
            begin=np.zeros((groups, self._period + 1), np.int64),
            lane=np.zeros((groups * batches, GROUP), np.int32),
            place=np.zeros((groups * batches, GROUP), np.int32),
            draw=np.zeros((groups * batches, GROUP), np.uint32),
            old_draw=np.zeros(batches * GROUP, np.uint32),
            now=np.zeros(batches * GROUP, np.int32),
            then=np.zeros(batches * GROUP, np.int32),
            undecided=np.zeros(batches * GROUP, np.int32),
            count_words=np.zeros((groups, GROUP), np.uint32),
            filtered=np.zeros((2, n)),
            traced=np.zeros((0, n)),
        )

    def _lengths(self, extra: np.ndarray) -> np.ndarray:
        """Phases of ``minimum + extra``."""
        return self.network.phases.minimum + extra

    def _rooms(self, brightness: float, duration: float) -> list[packing.Room]:
        slots = self._memory + math.ceil(duration / self._slot) + 2 + self._period
        memory = self._memory * self._slot
        brightest = [brightness, *self.network.sizes[1:]]
        return [
            packing.Room(count_bound(self._rate * (duration * n + memory * most)) + self._longest, slots, True)
            for n, most in zip(brightest, self.network.sizes, strict=True)
        ]

    def _make_room(self, images: np.ndarray, durations: np.ndarray, n_given: int = 0) -> None:
        super()._make_room(images, durations, n_given)
        self._net = self._returning(self._net)

    def _roomy(self, layer: Layer, spikes: Spikes, below: Spikes) -> Layer:
        work = layer.work
        if len(work.arriving) < len(below.left):
            work = work._replace(arriving=lanes_array(len(below.left), self._float))
        if len(work.bound) < len(below.first):
            n = len(below.first)
            work = work._replace(bound=np.zeros(n, self._float), fade=np.zeros(n, self._float))
        roomy = super()._roomy(layer, spikes, below)
        return roomy if work is layer.work else roomy._replace(work=work)

    def _returning(self, net: CoreNetwork) -> CoreNetwork:
        """Return the network with room for what is fed back to somata: the same one if it has it."""
        needed = [len(layer.received.left) if net.model.coupled else 0 for layer in net.layers]
        if all(len(layer.work.returning) >= n for layer, n in zip(net.layers, needed, strict=True)):
            return net
        return net._replace(
            layers=Records(
                layer._replace(work=layer.work._replace(returning=lanes_array(n, self._float)))
                for layer, n in zip(net.layers, needed, strict=True)
            )
        )

    def _watched(self, net: CoreNetwork, watch: Watch, duration: float) -> CoreNetwork:
        probe = make_probe(watch, self.network.n_hidden > 0, duration, self._slot, self._float)
        layers = Records(
            layer._replace(work=layer.work._replace(traced=np.zeros((len(probe.v_soma), layer.n))))
            for layer in net.layers
        )
        return self._returning(net._replace(model=net.model._replace(probe=probe), layers=layers))


def slots_of(synapse: Synapse, longest: float) -> tuple[int, int, float]:
    """Return how slots of at most `longest` ms divide time.

    Returns
    -------
    memory : int
        Slots that a spike is remembered for, 0 if for ever.
    period : int
        Slots whose candidates are drawn together: a time of 5 ms, or as near below as divides the memory.
    slot : float
        Length of a slot, ms.
    """
    periods = 0 if synapse.cutoff is None else math.ceil(synapse.cutoff / PERIOD - 1e-9)
    length = PERIOD if synapse.cutoff is None else synapse.cutoff / periods
    period = max(math.ceil(length / longest - 1e-9), 1)
    return periods * period, period, length / period


def taus(synapse: Synapse) -> tuple[float, float]:
    """Return the time constants of the synapse, ms."""
    return synapse.tau_decay, synapse.tau_rise


def count_terms(reach: float, real: type) -> int:
    """Return how many Taylor terms of ``exp(-x)``, up to this `x`, the precision of the core's floats asks for."""
    n = 2
    while reach**n / math.factorial(n) > np.finfo(real).eps / 8:
        n += 1
    return n


def exponential(rate: float, n: int) -> np.ndarray:
    """Taylor coefficients of ``exp(-rate s)``."""
    return np.array([(-rate) ** k / math.factorial(k) for k in range(n)])


def filtered(rate: float, g: float, n: int) -> np.ndarray:
    """Taylor coefficients of ``(exp(-rate s) - exp(-g s)) / (g - rate)``: divided differences have no cancellation."""
    # Not by `sum`, which rounds otherwise from Python 3.12 on.
    divided = [reduce(operator.add, (g**i * rate ** (k - 1 - i) for i in range(k)), 0.0) for k in range(n)]
    return np.array([(-1) ** (k + 1) * divided[k] / math.factorial(k) for k in range(n)])


def responses(
    synapse: Synapse,
    soma: tuple[tuple[float, float], float, float],
    slot: float,
    memory: int,
    n_terms: int,
    real: type,
) -> dict[str, Any]:
    """Coefficients of a layer's work: what states and arrivals do to its somata; see `spikelearn.core.exact`."""
    totals, g_dendrite, g_apical = soma
    d, r = 1 / synapse.tau_decay, 1 / synapse.tau_rise
    scale, forgotten = 1.0 / (synapse.tau_decay - synapse.tau_rise), memory * slot
    c_d, c_r = (math.exp(-forgotten * rate) if memory else 0.0 for rate in (d, r))
    gain = g_dendrite * scale
    shapes: dict[str, Any] = {name: [] for name in ("keep", "from_decay", "from_rise", "soma", "step", "past", "kick")}

    def at_end(coefficients: np.ndarray) -> float:
        return float(np.polynomial.polynomial.polyval(slot, coefficients))

    for g in totals:
        keep, from_decay, from_rise = (
            exponential(g, n_terms), gain * filtered(d, g, n_terms), -gain * filtered(r, g, n_terms),
        )  # fmt: skip
        shapes["keep"].append(keep[::-1])
        shapes["from_decay"].append(from_decay[::-1])
        shapes["from_rise"].append(from_rise[::-1])
        shapes["soma"].append((from_decay + from_rise)[::-1])
        left_d, left_r = at_end(exponential(d, n_terms)), at_end(exponential(r, n_terms))
        shapes["step"].append([left_d, left_r, at_end(keep), at_end(from_decay), at_end(from_rise)])
        a = (c_d * (g - r) - c_r * (g - d)) / (r - d)
        b = -(c_d - c_r) * gain / (r - d)
        shapes["past"].append([a, b])
        # The kernel starts at 0 with slope r d and bends down; from its peak on it falls.
        peak = math.log(r / d) / (r - d)
        since = max(forgotten, peak)
        largest = scale * (math.exp(-d * since) - math.exp(-r * since))
        shapes["kick"].append(
            [(1 + SLACK) * g_dendrite * slot * slot * r * d / 2, (1 + SLACK) * g_dendrite * slot * largest]
        )
    return {
        "total": np.array(totals),
        "dendrite": g_dendrite,
        "apical": g_apical / g_dendrite,
        **{name: np.array(values) for name, values in shapes.items()},
    }
