"""A classifier of `spikelearn.doors.estimator` in a run folder, as training runs make them, and back.

``config.json`` describes the network, ``metrics.csv`` holds the rows of `history_`, ``checkpoint.h5`` weights and
state. The checkpoint also holds the scaling (``classifier/low``, ``classifier/high``) and a JSON text with parameters,
labels and names of columns (``classifier/text``). `spikelearn info`, `spikelearn evaluate --data` and `runs.load_run`
read such a folder like any other. The rows of X are not kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from spikelearn import origin, runs
from spikelearn.checkpoints import pack, unpack
from spikelearn.descriptions import from_dict, plain, to_dict
from spikelearn.engines import Engine, engine_of
from spikelearn.errors import InputError
from spikelearn.feedback import Feedback
from spikelearn.learning import Rule
from spikelearn.scaling import Scaling
from spikelearn.storage import RunFolder, load_checkpoint, save_checkpoint, write_text

DATA = "rows given to fit"  # what config.json calls them

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The classifier's parameters, as a file keeps them."""

    hidden_layer_sizes: tuple[int, ...] | int
    reading: str
    feedback: Feedback | None
    rule: Rule | None
    learning_rates: tuple[float, ...] | float | None
    epochs: int
    engine: Engine | None
    random_state: int | None
    n_jobs: int | None
    warm_start: bool
    verbose: bool | int


def write(classifier: Any, path: str | Path, overwrite: bool) -> None:
    """Write a fitted classifier to a new run folder; `InputError` before anything is written if it cannot be kept.

    Of a `random_state` that is a source of draws, the seed that was drawn is kept.
    """
    config = runs.Config(
        name=type(classifier).__name__,
        reading=classifier.reading,
        model=classifier.model_,
        engine=engine_of(classifier.engine),
        data=DATA,
        epochs=max(1, len(classifier.history_)),
        seed=classifier.seed_,
    )
    described, text = to_dict(config), _text(classifier)
    from_dict(runs.Config, described)  # what could not be opened again is not written
    folder = RunFolder.create(path, described, overwrite)
    rows = classifier.history_
    lines = [",".join(map(str, cells)) for cells in (*rows[:1], *(row.values() for row in rows))]
    write_text(folder.metrics_path, "".join(f"{line}\n" for line in lines))
    arrays = {
        "classifier/low": classifier.scaling_.low,
        "classifier/high": classifier.scaling_.high,
        "classifier/text": np.frombuffer(text.encode(), np.uint8),  # an attribute must not be longer than 64 KiB
    }
    save_checkpoint(
        folder.checkpoint_path,
        pack(classifier.weights_, classifier._state) | arrays,
        {"trials": classifier._trials, "origin": origin.write(runs.description(config))},
    )


def _text(classifier: Any) -> str:
    given = {name: _kept(value) for name, value in classifier.get_params(deep=False).items()}
    if given["random_state"] is not None and not isinstance(given["random_state"], int):
        given["random_state"] = classifier.seed_
    parameters = to_dict(Parameters(**given))
    from_dict(Parameters, parameters, "classifier")
    classes = classifier.classes_
    kept: dict[str, Any] = {
        "parameters": parameters,
        "classes": [plain(label) for label in classes.tolist()],
        "type": classes.dtype.str,
        "history": classifier.history_,
    }
    if hasattr(classifier, "feature_names_in_"):
        kept["columns"] = classifier.feature_names_in_.tolist()
    try:
        return json.dumps(kept)
    except TypeError as error:
        raise InputError(
            f"labels of type {classes.dtype} cannot be written to a run folder ({error}); use numbers or text, or "
            f"joblib.dump"
        ) from error


def _kept(value: Any) -> Any:
    """Return a parameter without NumPy's types and lists."""
    if isinstance(value, np.ndarray | list | tuple):
        return tuple(plain(each) for each in value)
    return plain(value)


def read(cls: type[T], path: str | Path) -> T:
    """Return a classifier of a class as it was when it was written."""
    config, weights = runs.load_run(path)
    file = RunFolder.open(path).checkpoint_path
    arrays, attributes = load_checkpoint(file)
    if "classifier/text" not in arrays:
        raise InputError(
            f"{path} holds a training run, and no classifier; give a folder that save made, or take the weights with "
            f"spikelearn.runs.load_run"
        )
    kept: Mapping[str, Any] = json.loads(arrays["classifier/text"].tobytes())
    classifier: Any = cls(**vars(from_dict(Parameters, kept["parameters"], str(file))))
    classifier.classes_ = np.array(kept["classes"], dtype=kept["type"])
    classifier.model_, classifier.network_, classifier.weights_ = config.model, config.model.network, weights
    classifier.scaling_ = Scaling(arrays["classifier/low"], arrays["classifier/high"])
    classifier.seed_, classifier.history_ = config.seed, kept["history"]
    classifier.n_features_in_ = config.model.network.sizes[0]
    if "columns" in kept:
        classifier.feature_names_in_ = np.array(kept["columns"], dtype=object)
    classifier._state = unpack(arrays, config.model.network, file)[1]
    classifier._trials = int(attributes["trials"])
    return classifier
