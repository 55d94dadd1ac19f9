"""The networks of Towards deep learning with segregated dendrites, eLife 6:e22901.

Guerguiev, Lillicrap & Richards (2017).

Three networks on MNIST: no hidden layer (784-10), one (784-500-10), two (784-500-100-10), in three readings:

cited
    The numerics of the version of the authors' code that the paper cites: `released` with a fixed random bias of every
    apical dendrite, which the authors took out nine days later.
released
    The numerics that made the published numbers, as far as it can be known: those of the version of the authors' code
    that the paper cites, without its apical bias. Spikes are forgotten 10 ms after they were emitted (area of the
    kernel 0.51); feedback to a lower hidden layer is a product of random matrices; averages are over the last 20 ms of
    a training phase; a test image is shown for 250 ms.
text
    The equations of the paper: the whole kernel, of unit area; independent feedback to every hidden layer; averages
    from 30 ms after the onset of a phase; 500 ms for a test image.

Common to both, and where they come from:

================  ==========================================  ===============================================
rate_max          200 Hz                                      Table 1
tau_rise, _decay  3, 10 ms                                    Table 1 (tau_s, tau_L)
g_leak            0.1 / ms                                    Table 1 (g_l, with C_m = 1)
g_basal           0.6 / ms                                    Table 1 (g_b)
g_dendrite        0.6 / ms                                    Table 1 (g_d)
g_apical          0                                           Table 1 (g_a; 0.05 and 0.6 in figure 9)
settle            30 ms                                       Table 1 (Delta t_s)
phases            50 ms + Wald(2 ms, 1 ms)                    Methods, "Simulation details"
E_E, E_I          +8, -8                                      below equation 20
g_teach           1 / ms                                      the text says that teaching silences the other
                                                              outputs; 0.1, equation 19 literally, does not
weights           moment matching, uniform                    Methods name the aim, the cited code the formula
learning rates    0.19; 0.21, 0.21; 0.23, 0.23, 0.12          Methods (chosen there on the test set)
================  ==========================================  ===============================================
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from spikelearn.errors import InputError, check_choice, nearest
from spikelearn.feedback import Feedback, ProductFeedback, RandomFeedback, SparseFeedback, SymmetricFeedback
from spikelearn.learning import Backprop, OutputOnly
from spikelearn.model import Model
from spikelearn.network import Network
from spikelearn.neurons import HiddenNeuron, Synapse
from spikelearn.phases import Phases
from spikelearn.plateaus import JitteredPlateaus
from spikelearn.units import ms
from spikelearn.weights import InitialWeights

__all__ = ["NETWORKS", "READINGS", "VARIANTS", "Reading", "network", "no_hidden", "one_hidden", "two_hidden", "variant"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Parts of a network in which the readings of the paper differ (Methods, "Simulation details").

    Parameters
    ----------
    synapse : Synapse
        Kernel, whole or cut off.
    feedback : Feedback
        Feedback weights.
    phases : Phases
        Windows of averages, and the duration of a test image.
    initial : InitialWeights
        Moments of the initial weights, and the strength of apical biases.
    """

    synapse: Synapse
    feedback: Feedback
    phases: Phases
    initial: InitialWeights = field(default_factory=InitialWeights)


RELEASED = Reading(
    synapse=Synapse(cutoff=10 * ms),
    feedback=ProductFeedback(),
    phases=Phases(window=20 * ms, test=250 * ms),
)
READINGS = {
    "cited": replace(RELEASED, initial=InitialWeights(apical_bias=1.0)),
    "released": RELEASED,
    "text": Reading(
        synapse=Synapse(),
        feedback=RandomFeedback(),
        phases=Phases(window=None, test=500 * ms),
    ),
}


def no_hidden(
    reading: str = "released", *, n_input: int = 784, hidden: tuple[int, ...] = (), n_output: int = 10
) -> Model:
    """Describe a network without hidden layer (figure 6B); published test error 8.3 %.

    Parameters
    ----------
    reading : str
        ``"text"``, ``"released"`` or ``"cited"``.
    n_input : int
        Number of inputs.
    hidden : tuple of int
        Number of neurons in each hidden layer: empty.
    n_output : int
        Number of outputs, one for each class.

    Returns
    -------
    Model
        Network and learning rate, 0.19.

    Raises
    ------
    InputError
        The reading is unknown, or `hidden` is not empty.
    """
    return _model(reading, n_input, hidden, n_output, (0.19,))


def one_hidden(
    reading: str = "released", *, n_input: int = 784, hidden: tuple[int, ...] = (500,), n_output: int = 10
) -> Model:
    """Describe a network with one hidden layer (figure 6B); published test error after 60 epochs 4.1 %.

    Parameters
    ----------
    reading : str
        ``"text"``, ``"released"`` or ``"cited"``.
    n_input : int
        Number of inputs.
    hidden : tuple of int
        Number of neurons in the hidden layer.
    n_output : int
        Number of outputs, one for each class.

    Returns
    -------
    Model
        Network and learning rates, 0.21 in both layers.

    Raises
    ------
    InputError
        The reading is unknown, or `hidden` has not one size.
    """
    return _model(reading, n_input, hidden, n_output, (0.21, 0.21))


def two_hidden(
    reading: str = "released", *, n_input: int = 784, hidden: tuple[int, ...] = (500, 100), n_output: int = 10
) -> Model:
    """Describe a network with two hidden layers (figure 6B); published test error after 60 epochs 3.2 %.

    Parameters
    ----------
    reading : str
        ``"text"``, ``"released"`` or ``"cited"``.
    n_input : int
        Number of inputs.
    hidden : tuple of int
        Number of neurons in the two hidden layers.
    n_output : int
        Number of outputs, one for each class.

    Returns
    -------
    Model
        Network and learning rates: 0.23, 0.23 and 0.12 in the output layer.

    Raises
    ------
    InputError
        The reading is unknown, or `hidden` has not two sizes.
    """
    return _model(reading, n_input, hidden, n_output, (0.23, 0.23, 0.12))


def network(reading: str, sizes: tuple[int, ...], feedback: Feedback | None = None) -> Network:
    """Describe a network of any number of layers in a reading.

    Parameters
    ----------
    reading : str
        ``"text"``, ``"released"`` or ``"cited"``.
    sizes : tuple of int
        Number of neurons in each layer, input first, output last.
    feedback : Feedback, optional
        Feedback weights in place of the reading's.

    Returns
    -------
    Network
        The network, without a rule and learning rates.

    Raises
    ------
    InputError
        The reading is unknown, or a size is out of its range.
    """
    check_choice("reading", reading, READINGS)
    chosen = READINGS[reading]
    return Network(
        sizes=sizes,
        synapse=chosen.synapse,
        feedback=chosen.feedback if feedback is None else feedback,
        phases=chosen.phases,
        initial=chosen.initial,
    )


def variant(model: Model, name: str) -> Model:
    """Return a model changed to one of the paper's `VARIANTS`.

    Learning rates stay: the paper gives none for them.

    Parameters
    ----------
    model : Model
        One of the networks of this module.
    name : str
        A key of `VARIANTS`, such as ``"sparse"``.

    Returns
    -------
    Model
        The model with one part changed.

    Raises
    ------
    InputError
        The name is unknown, or the model cannot have this part.
    """
    if name not in VARIANTS:
        raise InputError(f"variant={name!r} is unknown; {nearest(str(name), VARIANTS)}")
    return VARIANTS[name](model)


def _network(**changes: Any) -> Callable[[Model], Model]:
    return lambda model: replace(model, network=replace(model.network, **changes))


def _sparse(gain: float) -> Callable[[Model], Model]:
    def change(model: Model) -> Model:
        base = model.network.feedback
        if not isinstance(base, RandomFeedback | ProductFeedback):
            raise InputError(f"sparse feedback is made of random feedback, not of {type(base).__name__}")
        return _network(feedback=SparseFeedback(gain=gain, base=base))(model)

    return change


# Their code multiplies the hidden gradient by 0.2 and leaves the kernel's area, in steps of 1 ms, out. So does this, in
# the layer below the output; a second one further down has the area once.
THEIR_SCALE = 0.2 / RELEASED.synapse.area(dt=1.0)

VARIANTS: dict[str, Callable[[Model], Model]] = {
    "sparse": _sparse(5.0),  # figure 8B
    "sparse-unamplified": _sparse(1.0),  # figure 8, supplement 1
    "symmetric": _network(feedback=SymmetricFeedback()),  # figure 8D
    "symmetric-noisy": _network(feedback=SymmetricFeedback(noise=0.05)),  # figure 8D
    "rate-feedback": _network(feedback_signal="rates"),  # figure 7A
    "jittered-plateaus": _network(plateaus=JitteredPlateaus()),  # figure 6, supplement 1
    "strong-attenuation": _network(hidden=HiddenNeuron(g_apical=0.05)),  # figure 9
    "weak-attenuation": _network(hidden=HiddenNeuron(g_apical=0.6)),  # figure 9
    "backprop": lambda model: replace(model, rule=Backprop(hidden_scale=THEIR_SCALE)),  # figure 7B, C
    "output-only": lambda model: replace(model, rule=OutputOnly()),  # not in the paper: a control
}

NETWORKS = {"no-hidden": no_hidden, "one-hidden": one_hidden, "two-hidden": two_hidden}


def _model(
    reading: str, n_input: int, hidden: tuple[int, ...], n_output: int, learning_rates: tuple[float, ...]
) -> Model:
    name, needed = list(NETWORKS)[len(learning_rates) - 1], len(learning_rates) - 1
    if len(hidden) != needed:
        raise InputError(
            f"hidden={tuple(hidden)} has {len(hidden)} sizes; {name} needs {needed}, one for each hidden layer; "
            f"or choose another of {', '.join(NETWORKS)}"
        )
    return Model(network=network(reading, (n_input, *hidden, n_output)), learning_rates=learning_rates)
