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

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spikelearn.augment import Shifts
from spikelearn.averaging import Averaging
from spikelearn.curves import Curve, Sigmoid, ThresholdLinear
from spikelearn.datasets import Dataset, load, register_data
from spikelearn.engines import Clock, Event, Rates
from spikelearn.errors import InputError, InputWarning, NotFiniteError, NotSettledError
from spikelearn.evaluation import EvaluationStopped, activity, error_percent, evaluate
from spikelearn.examples import Images
from spikelearn.feedback import (
    KolenPollack,
    LearnedFeedback,
    PooledFeedback,
    ProductFeedback,
    RandomFeedback,
    SparseFeedback,
    SymmetricFeedback,
    WeightMirror,
)
from spikelearn.kinds import register
from spikelearn.learning import Backprop, DirectFeedbackAlignment, FeedbackAlignment, OutputOnly, Plateau
from spikelearn.model import Model
from spikelearn.network import Network
from spikelearn.neurons import HiddenNeuron, OutputNeuron, Synapse
from spikelearn.phases import Phases
from spikelearn.plateaus import JitteredPlateaus, SynchronousPlateaus
from spikelearn.recording import Recording, RecordingFile, Spikes
from spikelearn.schedule import Constant, Decay, Hyperbolic
from spikelearn.simulate import simulate
from spikelearn.storage import version
from spikelearn.timed import Frames, SpikeTrains
from spikelearn.training import Chunk, Training, train
from spikelearn.units import Hz, ms, second
from spikelearn.watching import Record
from spikelearn.weights import InitialWeights, Weights

if TYPE_CHECKING:
    from spikelearn.doors.brian2 import to_brian2
    from spikelearn.doors.estimator import SegregatedDendriteClassifier
    from spikelearn.sweeps import sweep

__version__ = version()

# Of libraries that take a second to import, so of modules that are imported when they are first asked for.
DOORS = {
    "SegregatedDendriteClassifier": "spikelearn.doors.estimator",
    "sweep": "spikelearn.sweeps",
    "to_brian2": "spikelearn.doors.brian2",
}

__all__ = [
    "Averaging",
    "Backprop",
    "Chunk",
    "Clock",
    "Constant",
    "Curve",
    "Dataset",
    "Decay",
    "DirectFeedbackAlignment",
    "EvaluationStopped",
    "Event",
    "FeedbackAlignment",
    "Frames",
    "HiddenNeuron",
    "Hyperbolic",
    "Hz",
    "Images",
    "InitialWeights",
    "InputError",
    "InputWarning",
    "JitteredPlateaus",
    "KolenPollack",
    "LearnedFeedback",
    "Model",
    "Network",
    "NotFiniteError",
    "NotSettledError",
    "OutputNeuron",
    "OutputOnly",
    "Phases",
    "Plateau",
    "PooledFeedback",
    "ProductFeedback",
    "RandomFeedback",
    "Rates",
    "Record",
    "Recording",
    "RecordingFile",
    "Shifts",
    "Sigmoid",
    "SegregatedDendriteClassifier",
    "SparseFeedback",
    "SpikeTrains",
    "Spikes",
    "SymmetricFeedback",
    "Synapse",
    "SynchronousPlateaus",
    "ThresholdLinear",
    "Training",
    "WeightMirror",
    "Weights",
    "activity",
    "error_percent",
    "evaluate",
    "load",
    "ms",
    "register",
    "register_data",
    "second",
    "simulate",
    "sweep",
    "to_brian2",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in DOORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(DOORS[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *DOORS})
