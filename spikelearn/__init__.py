"""spikelearn: spiking networks with segregated dendrites that learn without backpropagation.

Describe a network, draw weights, iterate over `train`, `evaluate`::

    import spikelearn as sl
    from spikelearn.models import guerguiev2017

    digits = sl.load("digits")
    model = guerguiev2017.one_hidden("text", n_input=64, hidden=(100,))
    training = sl.train(model, digits.train, seed=1, epochs=5)
    for chunk in training:
        print(chunk.epoch, chunk.stop, chunk.error)
    predictions = sl.evaluate(model.network, training.weights, digits.test, seed=1)
    print(sl.error_percent(predictions, digits.test.y))
"""

from spikelearn.datasets import Dataset, Images, load
from spikelearn.engines import Clock, Event
from spikelearn.errors import InputError, NotFiniteError
from spikelearn.feedback import ProductFeedback, RandomFeedback
from spikelearn.learning import Backprop, Plateau
from spikelearn.model import Model
from spikelearn.network import Network
from spikelearn.neurons import HiddenNeuron, OutputNeuron, Synapse
from spikelearn.phases import Phases
from spikelearn.storage import version
from spikelearn.training import Chunk, Training, error_percent, evaluate, train
from spikelearn.units import Hz, ms, second
from spikelearn.weights import InitialWeights, Weights

__version__ = version()

__all__ = [
    "Backprop",
    "Chunk",
    "Clock",
    "Dataset",
    "Event",
    "HiddenNeuron",
    "Hz",
    "Images",
    "InitialWeights",
    "InputError",
    "Model",
    "Network",
    "NotFiniteError",
    "OutputNeuron",
    "Phases",
    "Plateau",
    "ProductFeedback",
    "RandomFeedback",
    "Synapse",
    "Training",
    "Weights",
    "error_percent",
    "evaluate",
    "load",
    "ms",
    "second",
    "train",
]
