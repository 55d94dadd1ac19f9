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

if TYPE_CHECKING:
    from spikelearn.augment import Shifts
    from spikelearn.averaging import Averaging
    from spikelearn.curves import Curve, Sigmoid, ThresholdLinear
    from spikelearn.datasets import Dataset, load, register_data
    from spikelearn.doors.brian2 import to_brian2
    from spikelearn.doors.estimator import SegregatedDendriteClassifier
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
    from spikelearn.recording import Recording, Spikes
    from spikelearn.recording_file import RecordingFile
    from spikelearn.schedule import Constant, Decay, Hyperbolic
    from spikelearn.simulation import simulate
    from spikelearn.sweeps import sweep
    from spikelearn.timed import Frames, SpikeTrains
    from spikelearn.training import Chunk, Training, train
    from spikelearn.units import Hz, ms, second
    from spikelearn.watching import Record
    from spikelearn.weights import InitialWeights, Weights

# Numba and other libraries take a second to import: a module is imported when something of it is first asked for.
PARTS = {
    "augment": "Shifts",
    "averaging": "Averaging",
    "curves": "Curve Sigmoid ThresholdLinear",
    "datasets": "Dataset load register_data",
    "doors.brian2": "to_brian2",
    "doors.estimator": "SegregatedDendriteClassifier",
    "engines": "Clock Event Rates",
    "errors": "InputError InputWarning NotFiniteError NotSettledError",
    "evaluation": "EvaluationStopped activity error_percent evaluate",
    "examples": "Images",
    "feedback": "KolenPollack LearnedFeedback PooledFeedback ProductFeedback RandomFeedback SparseFeedback "
    "SymmetricFeedback WeightMirror",
    "kinds": "register",
    "learning": "Backprop DirectFeedbackAlignment FeedbackAlignment OutputOnly Plateau",
    "model": "Model",
    "network": "Network",
    "neurons": "HiddenNeuron OutputNeuron Synapse",
    "phases": "Phases",
    "plateaus": "JitteredPlateaus SynchronousPlateaus",
    "recording": "Recording Spikes",
    "recording_file": "RecordingFile",
    "schedule": "Constant Decay Hyperbolic",
    "simulation": "simulate",
    "sweeps": "sweep",
    "timed": "Frames SpikeTrains",
    "training": "Chunk Training train",
    "units": "Hz ms second",
    "watching": "Record",
    "weights": "InitialWeights Weights",
}
MODULES = ("analysis", "engines", "errors", "examples", "learning", "models", "plotting", "ratenet", "runs", "temporal")
_WHERE = {name: module for module, names in PARTS.items() for name in names.split()}

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
    if name in MODULES:
        return import_module(f"spikelearn.{name}")
    if name == "__version__":
        found = import_module("spikelearn.storage").version()
    elif name in _WHERE:
        found = getattr(import_module(f"spikelearn.{_WHERE[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found  # the next time it is there
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *MODULES, "__version__"})
