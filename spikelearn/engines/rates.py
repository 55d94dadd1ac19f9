"""The rates engine: the same network without spikes, at its steady states."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikelearn.core import rates
from spikelearn.core.layer import Network as CoreNetwork
from spikelearn.engines import packing
from spikelearn.engines.base import Core
from spikelearn.engines.engine import Engine, check_dtype
from spikelearn.engines.packing import conductances, lanes_array
from spikelearn.engines.probing import Trace, Watch
from spikelearn.errors import InputError, NotSettledError
from spikelearn.kinds import register
from spikelearn.network import Network
from spikelearn.plateaus import SynchronousPlateaus
from spikelearn.weights import Weights

NOTHING_TO_RECORD = "Rates() has neither spikes nor time, so there is nothing to record; use Clock() or Event()"


@register(like=Engine)
@dataclass(frozen=True, kw_only=True)
class Rates:
    """Steady-state rates instead of spikes: the mean of the spiking network, without noise or time.

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

    @property
    def sampling(self) -> float:
        """Interval between samples, without meaning here, as there is nothing to record; 1 ms."""
        return 1.0

    def check_interval(self, what: str, interval: float) -> None:
        """Accept any interval: `RatesCore.record` raises `InputError`."""

    def build(self, network: Network, weights: Weights) -> "RatesCore":
        """Return a simulator of a network at its steady states."""
        return RatesCore(self, network, weights)


class RatesCore(Core):
    """Records of one network for the rates engine, and the calls that advance it.

    Parameters
    ----------
    engine : Rates
        Type of floats.
    network : Network
        The network to simulate.
    weights : Weights
        Its weights; copied.

    Raises
    ------
    InputError
        Plateaus are jittered.
    """

    _spiking = False
    _settle, _window, _test = 0.0, None, 1.0
    _failure = NotSettledError, "rates do not settle: feedback through g_apical keeps them moving; lower g_apical"

    def __init__(self, engine: Rates, network: Network, weights: Weights) -> None:
        if not isinstance(network.plateaus, SynchronousPlateaus):
            raise InputError(
                "Rates() knows no time, so plateaus cannot be jittered; use SynchronousPlateaus, or Clock()"
            )
        super().__init__(network, weights, engine.dtype)
        self.engine = engine
        self._unit = self._slot = 1.0
        self._memory = 0
        self._rate, self._area = network.rate_max, network.synapse.area()
        output, coupled = network.output, network.coupled
        model = rates.Rates(
            area=self._area,
            rate_max=float(network.rate_max),
            teach=np.array([output.g_teach * output.e_inhibit, output.g_teach * output.e_excite]),
            rates=network.feedback_signal == "rates",
            coupled=coupled,
            elapsed=np.zeros(2),
            keys=np.zeros((1, 4), np.uint32),
        )
        works = [
            rates.RatesWork(
                total=np.array(total),
                dendrite=dendrite,
                apical=apical,
                v_soma=lanes_array(packing.n_blocks(n), self._float),
                psp=np.zeros(n),
            )
            for n, (total, dendrite, apical) in zip(network.sizes[1:], conductances(network), strict=True)
        ]
        self._build(model, works, weights)

    def _lengths(self, extra: np.ndarray) -> np.ndarray:
        """Phases of any length: without time there are only such as are there, and such as are not."""
        return np.ones_like(extra)

    def _rooms(self, brightness: float, duration: float) -> list[packing.Room]:
        return [packing.Room(0, 0, False)] * len(self.network.sizes)  # there are no spikes

    def record(self, *args: Any, **kwargs: Any) -> Trace:
        """Raise `InputError`: there is nothing to record."""
        raise InputError(NOTHING_TO_RECORD)

    def _watched(self, net: CoreNetwork, watch: Watch, duration: float) -> CoreNetwork:
        raise InputError(NOTHING_TO_RECORD)
