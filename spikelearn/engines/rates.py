"""The rates engine: the same network without spikes, at its steady states."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn.core import rates, trial
from spikelearn.core.probe import Given, Probe
from spikelearn.engines.base import Core, check_dtype
from spikelearn.engines.packing import lanes_array, make_somas, n_sources
from spikelearn.errors import InputError, NotSettledError
from spikelearn.network import Network
from spikelearn.neurons import Synapse
from spikelearn.plateaus import SynchronousPlateaus
from spikelearn.weights import Weights


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Steady-state rates instead of spikes: what the spiking network does in the mean, without noise or time.

    The authors' code has such a mode; its kernel has area 1. Here a synapse's kernel keeps its area (0.49 where spikes
    are forgotten after 10 ms), so learning rates mean the same as in the other engines. Phases have no lengths.

    Parameters
    ----------
    dtype : str
        ``"float32"`` or ``"float64"``: the core's floats.
    """

    dtype: str = "float32"

    def __post_init__(self) -> None:
        check_dtype("Rates.dtype", self.dtype)

    def build(self, network: Network, weights: Weights) -> "RatesCore":
        """Return a simulator of `network` with a copy of `weights`."""
        return RatesCore(self, network, weights)


class RatesCore(Core):
    """Arrays of one network for the rates engine, and the calls that advance it.

    Parameters
    ----------
    engine : Rates
    network : Network
    weights : Weights
        Copied.
    """

    _failure = NotSettledError, "rates do not settle: feedback through g_apical keeps them moving; lower g_apical"

    def __init__(self, engine: Rates, network: Network, weights: Weights) -> None:
        if not isinstance(network.plateaus, SynchronousPlateaus):
            raise InputError(
                "Rates() knows no time, so plateaus cannot be jittered; use SynchronousPlateaus, or Clock()"
            )
        super().__init__(network, weights, engine.dtype)
        self.engine = engine
        self._unit = self._step = 1.0
        self._rate = network.rate_max
        self._net = rates.Network(
            layout=self._layout,
            weights=self._packed,
            somas=make_somas(network),
            area=area(network.synapse),
            rate_max=float(network.rate_max),
            keys=np.zeros((1, 4), np.uint32),
            coupled=bool(network.n_hidden and network.hidden.g_apical),
            pathway=self._make_pathway(0.0),
        )
        n_blocks, sources = len(self._layout.lanes), n_sources(self._layout)
        self._state = rates.State(
            v_soma=lanes_array(n_blocks, self._float),
            trace=np.zeros((0, 2)),
            recent_source=np.zeros(0, np.int32),
            n_recent=np.zeros(1, np.int64),
        )
        self._work = rates.Work(
            v_soma=lanes_array(n_blocks, self._float),
            psp=np.zeros(sources),
            current=lanes_array(n_blocks, self._float),
        )

    def _training_schedule(self, extra: np.ndarray) -> trial.Schedule:
        return trial.Schedule(np.ones((len(extra), 2)), np.ones((len(extra), 2, 2)))

    def _test_schedule(self, n: int) -> trial.Schedule:
        lengths = np.zeros((n, 2))
        lengths[:, 0] = 1
        return trial.Schedule(lengths, np.ones((n, 2, 2)))

    def _make_room(self, images: np.ndarray) -> None:
        """Nothing to do: there are no spikes."""

    def _watching(self, net: Any, probe: Probe, given: Given | None) -> tuple[Any, Any]:
        raise InputError("Rates() has neither spikes nor time, so there is nothing to record; use Clock() or Event()")


def area(synapse: Synapse) -> float:
    """Return the area of the synaptic kernel up to its cut-off: 1 without."""
    if synapse.cutoff is None:
        return 1.0
    slow, fast = (tau * -math.expm1(-synapse.cutoff / tau) for tau in (synapse.tau_decay, synapse.tau_rise))
    return (slow - fast) / (synapse.tau_decay - synapse.tau_rise)
