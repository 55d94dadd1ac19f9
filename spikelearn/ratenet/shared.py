"""What several rules share: demands on the network, and the loss of a minibatch."""

import numpy as np

from spikelearn.errors import InputError
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, Rule
from spikelearn.ratenet.units import Deterministic


def mean_loss(network: RateNetwork, parameters: Parameters, batch: Batch) -> float:
    """Return the loss of a minibatch at test, the mean over its examples.

    Parameters
    ----------
    network : RateNetwork
        The network.
    parameters : Parameters
        Its weights and biases.
    batch : Batch
        The examples.

    Returns
    -------
    float
        Mean loss.
    """
    return float(network.output.loss(network.outputs(parameters, batch.x), batch.target).mean(dtype=np.float64))


def need_deterministic(rule: Rule, network: RateNetwork) -> None:
    """Raise `InputError` if the network has hidden units that draw what they transmit.

    Parameters
    ----------
    rule : Rule
        Named in the message.
    network : RateNetwork
        The network to train.

    Raises
    ------
    InputError
        The network is such.
    """
    if not isinstance(network.units, Deterministic):
        raise InputError(f"{type(rule).__name__} needs deterministic units, not {network.units}; use Deterministic()")


def need_dense(rule: Rule, network: RateNetwork) -> None:
    """Raise `InputError` if the network has locally connected layers.

    Parameters
    ----------
    rule : Rule
        Named in the message.
    network : RateNetwork
        The network to train.

    Raises
    ------
    InputError
        The network is such.
    """
    if network.local:
        raise InputError(f"{type(rule).__name__} needs dense layers; the network has {len(network.local)} local ones")


def need_deterministic_hidden(rule: Rule, network: RateNetwork) -> None:
    """Raise `InputError` if the network has no hidden layer, or hidden units that draw what they transmit.

    Parameters
    ----------
    rule : Rule
        Named in the message.
    network : RateNetwork
        The network to train.

    Raises
    ------
    InputError
        The network is not such.
    """
    need_deterministic(rule, network)
    if network.n_hidden == 0:
        raise InputError(
            f"{type(rule).__name__} trains hidden layers, and sizes {network.sizes} have none; add one, such as "
            f"({network.sizes[0]}, 256, {network.sizes[-1]})"
        )
