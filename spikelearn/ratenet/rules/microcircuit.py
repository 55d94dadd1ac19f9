r"""The dendritic microcircuit in two steps: apical dendrites compare feedback with what interneurons expect of it.

Potentials u, rates ``r = phi(u)``, phi logistic, basal potentials ``v_k = W_k r_{k-1} + b_k``:

1. Bottom-up, ``u_k = v_k``.
2. The output is nudged, ``u_L = (1 - lam_o) v_L + lam_o u_target``. Then downwards, for each hidden layer: the
   interneurons that stand for the layer above receive its forecast, ``u_I = (1 - lam_i) v_{k+1} + lam_i u_{k+1}``; the
   apical potential is what remains of the feedback, ``v_A = Y_k phi(u_{k+1}) - Y_k phi(u_I)``; and
   ``u_k = v_k + lam_h v_A``.

.. math::
    \Delta W_k \propto (\phi(u_k) - \phi(v_k)) r_{k-1}^T / s_k,\quad
    s_k = \lambda_o [\lambda_h (1 - \lambda_i)]^{\text{layers above}}

``s_k`` undoes the mixing factors, by which errors shrink from layer to layer; without it lower layers hardly learn. The
lateral weights are taken as learned: interneurons have the forecast itself, and their apical synapses are ``-Y``.
As the nudge weakens the rule becomes backpropagation of its output error through ``Y``.

Source: Sacramento, Ponte Costa, Bengio & Senn, NeurIPS 2018, arXiv:1810.11393: targets of 0.8 and 0.1, fixed random
``Y``, any mixing factors; a hidden soma is written there as the mean of basal and apical potential, whose
scale is chosen here such that without a teacher the second step changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn.errors import InputError, check_range
from spikelearn.ratenet.activations import Logistic
from spikelearn.ratenet.delta import draw_feedback
from spikelearn.ratenet.delta_rule import FeedbackRule
from spikelearn.ratenet.network import Activity, RateNetwork
from spikelearn.ratenet.outputs import SquaredLogistic
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import State
from spikelearn.ratenet.shared import need_deterministic_hidden

ON, OFF = 0.8, 0.1  # target rates


@dataclass(frozen=True, kw_only=True)
class Microcircuit(FeedbackRule):
    """Segregated dendrites with interneurons, in a bottom-up and a top-down step.

    Parameters
    ----------
    nudge_output, nudge_hidden, nudge_interneuron : float
        Mixing factors: of the target, of the apical potential, of the layer above.
    """

    nudge_output: float = 0.1
    nudge_hidden: float = 0.1
    nudge_interneuron: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("nudge_output", "nudge_hidden", "nudge_interneuron"):
            check_range(f"Microcircuit.{name}", getattr(self, name), at_least=0, at_most=1 - 1e-6)

    def network(self, sizes: Sequence[int]) -> RateNetwork:
        """Describe a network of logistic units with a squared loss."""
        return RateNetwork(sizes=tuple(sizes), activation=Logistic(), output=SquaredLogistic())

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` for a network without hidden layers, or with units that are not logistic."""
        need_deterministic_hidden(self, network)
        if not isinstance(network.activation, Logistic) or not isinstance(network.output, SquaredLogistic):
            raise InputError("Microcircuit needs Logistic() and SquaredLogistic(); describe it with its own network()")

    def start(self, network: RateNetwork, parameters: Parameters, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw the top-down weights; they stay fixed."""
        return draw_feedback(network, rng)

    def feedback(self, state: State) -> list[np.ndarray]:
        """Return the fixed top-down weights."""
        return state.memory

    def output_error(self, network: RateNetwork, activity: Activity, target: np.ndarray) -> np.ndarray:
        """Return how far the nudge moves the output rates, divided by the strength of the nudge."""
        forecast = _potential(activity.h[-1])
        return (_rate(forecast) - _rate(self._nudged(forecast, target))) / self.nudge_output

    def _nudged(self, forecast: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the outputs' potentials under the teacher."""
        wanted = _potential((OFF + (ON - OFF) * target).astype(forecast.dtype))
        return (1 - self.nudge_output) * forecast + self.nudge_output * wanted

    def errors(
        self, state: State, activity: Activity, target: np.ndarray, rng: np.random.Generator
    ) -> Sequence[np.ndarray | None]:
        """Return the differences between basal forecast and rate, divided by the mixing factors."""
        scale = self.nudge_output
        forecast = _potential(activity.h[-1])
        above = self._nudged(forecast, target)
        errors = [(_rate(forecast) - _rate(above)) / scale]
        for k in reversed(range(state.network.n_hidden)):
            interneuron = (1 - self.nudge_interneuron) * forecast + self.nudge_interneuron * above
            down = state.network.connections[k + 1].reverse
            apical = down.send(state.memory[k], _rate(above) - _rate(interneuron))
            forecast = _potential(activity.h[k + 1])
            above = forecast + self.nudge_hidden * apical
            scale *= self.nudge_hidden * (1 - self.nudge_interneuron)
            # Not the rate of the forward pass: there and back it has been rounded, and the difference is small.
            errors.append((_rate(forecast) - _rate(above)) / scale)
        return errors[::-1]


def _rate(u: np.ndarray) -> np.ndarray:
    return Logistic().apply(u.copy())


def _potential(rate: np.ndarray) -> np.ndarray:
    """Invert the logistic function; rates that float32 rounded to 0 or 1 count as a little inside."""
    inside = np.clip(rate, 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))
