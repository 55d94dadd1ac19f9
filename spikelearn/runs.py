"""A training run on disk: a configuration that rebuilds it, a row of metrics an epoch, a checkpoint to go on from.

Whatever happens to the process, the folder holds a checkpoint and the rows of metrics up to it or a little beyond;
`Run.resume` cuts the surplus and trains on, and the results are bit for bit those of a run that was never stopped.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn import metrics, origin
from spikelearn.checkpoints import pack, unpack, weights_in
from spikelearn.datasets import Dataset, load, split
from spikelearn.descriptions import from_dict, to_dict
from spikelearn.engines import Engine, Event
from spikelearn.errors import InputError, check_range
from spikelearn.evaluation import CHUNK, check_fit, error_percent, evaluate
from spikelearn.examples import Examples
from spikelearn.model import Model
from spikelearn.patience import patient
from spikelearn.storage import RunFolder, load_checkpoint, save_checkpoint
from spikelearn.training import Chunk, Training, train
from spikelearn.weights import Weights

CHECKPOINT_SECONDS = 60.0  # within an epoch; besides, there is one at the end of each


@dataclass(frozen=True, kw_only=True)
class Config:
    """All that determines a run.

    Parameters
    ----------
    name, reading : str
        Which published network this started from; for people.
    model : Model
    engine : Engine
    data : str
        As `spikelearn.datasets.load` takes it.
    scale : float or None
        Pixel of intensity 1, as `load` takes it.
    examples : int or None
        Train on the first so many images; None: all.
    held_out : bool
        Hold a fifth of the training images back, by `datasets.split`, and test on these: no test image is used.
    epochs, seed : int
    chunk_size : int
        Examples between two looks at the keyboard and the clock.
    """

    name: str
    reading: str
    model: Model
    engine: Engine = field(default_factory=Event)
    data: str
    scale: float | None = None
    examples: int | None = None
    held_out: bool = False
    epochs: int
    seed: int
    chunk_size: int = CHUNK

    def __post_init__(self) -> None:
        check_range("epochs", self.epochs, at_least=1, integer=True)
        check_range("seed", self.seed, at_least=0, integer=True)
        check_range("chunk_size", self.chunk_size, at_least=1, integer=True)
        if self.scale is not None:
            check_range("scale", self.scale, above=0)
        if self.examples is not None:
            check_range("examples", self.examples, at_least=1, integer=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """What of a data set a run is trained and tested on, to be shared by runs: hashing it takes time."""

    data: Dataset
    digests: dict[str, str]


def part_of(data: Dataset, examples: int | None, held_out: bool) -> Part:
    """Return what of a data set a run is trained and tested on; the numbers are those of its configuration."""
    if held_out:
        data = split(data.train)
    if examples is not None:
        data = replace(data, train=data.train.first(examples))
    return Part(data=data, digests=data.digests())


class Run:
    """A run and its folder; make one with `start` or `resume`.

    Attributes
    ----------
    config : Config
    folder : RunFolder
    data : Dataset
        What it is trained and tested on.
    training : Training
    origin : dict
        All that its results follow from; every checkpoint keeps it.
    """

    def __init__(self, config: Config, data: Dataset | Part) -> None:
        part = data if isinstance(data, Part) else part_of(data, config.examples, config.held_out)
        self.config, self.data = config, part.data
        self.training: Training = train(
            config.model,
            self.data.train,
            seed=config.seed,
            epochs=config.epochs,
            engine=config.engine,
            chunk_size=config.chunk_size,
        )
        check_fit(config.model.network, self.data.test, "evaluation")
        self.origin = {**description(config), "images": part.digests}
        self.folder: RunFolder
        self._n_wrong = 0
        self._loss = np.zeros(config.model.network.n_layers)
        self._seconds = 0.0
        self._metrics: metrics.Columns = {}

    @classmethod
    def start(cls, path: str | Path, config: Config, data: Dataset | Part, overwrite: bool = False) -> "Run":
        """Begin a new run in a new folder; `InputError` before anything is written if something does not fit."""
        run, described = cls(config, data), to_dict(config)
        from_dict(Config, described)  # what could not be opened again is not begun
        compile_kernels(config, run.training.weights)  # nor what does not compile
        run.folder = RunFolder.create(path, described, overwrite, run._checkpoint())
        return run

    @classmethod
    def resume(cls, path: str | Path, epochs: int | None = None, data: Dataset | Part | str | None = None) -> "Run":
        """Go on with the run in a folder, to its last epoch or, if given, to another.

        Parameters
        ----------
        path : str or Path
        epochs : int, optional
            Where to end instead.
        data : Dataset, Part or str, optional
            The same images, or where they lie now; refused if they are others. The folder keeps the new place.
        """
        folder = RunFolder.open(path)
        with folder.held():
            return cls._resume(folder, epochs, data)

    @classmethod
    def _resume(cls, folder: RunFolder, epochs: int | None, data: Dataset | Part | str | None) -> "Run":
        path = folder.path
        config = from_dict(Config, folder.config(), where=str(path / "config.json"))
        arrays, attributes = load_checkpoint(folder.checkpoint_path)
        weights, state, average = unpack(arrays, config.model.network, folder.checkpoint_path)
        _check_description(folder, config, attributes)
        if epochs is not None and epochs != config.epochs:
            config = replace(config, epochs=epochs)
        if isinstance(data, str):
            config = replace(config, data=data)
        run = cls(config, data if isinstance(data, Dataset | Part) else _images(config))
        run.folder = folder
        trials, n = int(attributes["trials"]), len(run.data.train)
        if attributes.get("images", n) != n:
            raise InputError(
                f"{config.data} has {n} images to train on, but {path} was begun with {attributes['images']}; "
                f"restore them or start the run anew"
            )
        if trials > config.epochs * n:
            raise InputError(
                f"{path} has already been trained for {trials / n:g} epochs, more than epochs={config.epochs}; raise it"
            )
        run.training = train(
            config.model,
            run.data.train,
            seed=config.seed,
            epochs=config.epochs,
            weights=weights,
            engine=config.engine,
            chunk_size=config.chunk_size,
        )
        run.training.resume(trials, state, average)
        run._check_origin(attributes)
        run._n_wrong = int(attributes["n_wrong"])
        run._loss = arrays["loss"]
        run._seconds = float(attributes["seconds"])
        if len(rows := folder.metrics()) < trials // n:
            raise InputError(
                f"{folder.metrics_path} has {len(rows)} rows, but {folder.checkpoint_path} comes after "
                f"{trials // n} epochs; restore it from a copy or start the run anew"
            )
        run._metrics = metrics.checked(folder.metrics_path, rows[: trials // n], arrays)
        folder.truncate_metrics(trials // n)
        folder.write_config(to_dict(config))
        folder.note_resumed(trials)
        return run

    def _check_origin(self, attributes: Mapping[str, Any]) -> None:
        """Raise `InputError` unless a checkpoint was made from the same configuration and images."""
        path = self.folder.checkpoint_path
        if "origin" not in attributes:
            raise InputError(
                f"{path} does not say from which images it was made, as it is of an earlier version; start the run "
                f"anew, or train on from its weights: spikelearn.train(..., weights=...)"
            )
        origin.check_origin(
            f"{self.config.data} has other images than {path} was made from",
            origin.read(attributes["origin"]),
            self.origin,
            "restore them or start the run anew",
        )

    def train(self, on_chunk: Callable[[Chunk], None] | None = None) -> list[dict[str, float]]:
        """Train to the end, testing and writing after each epoch; return the metrics, a dict an epoch.

        Ctrl-C takes effect after the present chunk: a KeyboardInterrupt is raised after a checkpoint. A second one
        does not wait, nor does a first one while something is compiled; like after any other exception, the last
        checkpoint stays.

        Parameters
        ----------
        on_chunk : callable, optional
            Called with each `Chunk`; may raise KeyboardInterrupt, too.

        Raises
        ------
        InputError
            Another process trains in the folder, or has done so since this run was begun or resumed.
        """
        with self.folder.held():
            _, attributes = load_checkpoint(self.folder.checkpoint_path)
            origin.check_origin(
                f"{self.folder.path} holds another run since this one was opened",
                origin.read(attributes.get("origin", "{}")),
                self.origin,
                "choose another folder",
            )
            here, kept = self.training.trials, int(attributes["trials"])
            if kept < here:
                raise InputError(
                    f"this run was stopped by an error after {here} examples, and its last checkpoint is of {kept}; "
                    f"resume {self.folder.path} to go on from there"
                )
            if kept > here:
                raise InputError(
                    f"{self.folder.path} was trained on by another process, to {kept} examples, since this run was "
                    f"opened at {here}; resume it again"
                )
            return self._train(on_chunk)

    def _train(self, on_chunk: Callable[[Chunk], None] | None) -> list[dict[str, float]]:
        with patient() as interrupted:
            compile_kernels(self.config, self.training.weights)
            saved = time.monotonic()
            began = time.perf_counter()
            for chunk in self.training:
                self._n_wrong += chunk.n_wrong
                self._loss += chunk.loss.sum(axis=0)
                self._seconds += time.perf_counter() - began
                ends = chunk.stop == len(self.data.train)
                if ends:
                    self._end_epoch(chunk)
                if ends or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self.save()
                    saved = time.monotonic()
                try:
                    if on_chunk is not None:
                        on_chunk(chunk)
                    if interrupted():
                        raise KeyboardInterrupt
                except KeyboardInterrupt:
                    self.save()  # exact only here, where weights, counts and metrics are those of the same moment
                    raise
                began = time.perf_counter()
        return self.folder.metrics()

    def _end_epoch(self, chunk: Chunk) -> None:
        began = time.perf_counter()
        config, test = self.config, self.data.test
        predictions = evaluate(config.model.network, self.training.tested, test, seed=config.seed, engine=config.engine)
        n = len(self.data.train)
        row = {
            "epoch": chunk.epoch + 1,
            "examples": self.training.trials,
            "train_error": 100 * self._n_wrong / n,
            "test_error": float(error_percent(predictions, test.y)[0]),
            **{f"loss_{layer}": loss / n for layer, loss in enumerate(self._loss.tolist())},
            "train_seconds": round(self._seconds, 3),
            "test_seconds": round(time.perf_counter() - began, 3),
        }
        self.folder.append_metrics(row)
        self._metrics = metrics.extended(self._metrics, row)
        self._n_wrong, self._seconds = 0, 0.0
        self._loss[:] = 0

    def save(self) -> None:
        """Write a checkpoint of the present moment."""
        save_checkpoint(self.folder.checkpoint_path, *self._checkpoint())

    def _checkpoint(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the arrays and attributes of the present moment."""
        attributes = {
            "trials": self.training.trials,
            "images": len(self.data.train),
            "n_wrong": self._n_wrong,
            "seconds": self._seconds,
            "origin": origin.write(self.origin),
        }
        now = self.training
        arrays = pack(now.weights, now.state(), now.average)
        return arrays | {"loss": self._loss} | self._metrics, attributes


def compile_kernels(config: Config, weights: Weights) -> None:
    """Compile training and the test after an epoch, without an example: nothing is lost if that is interrupted."""
    model = config.model
    core = config.engine.build(model.network, weights)
    nothing, still = np.zeros((0, model.network.sizes[0]), np.float32), (0.0,) * model.network.n_layers
    core.train(nothing, np.zeros(0, np.int64), seed=0, first_example=0, learning_rates=still, rule=model.rule)
    core.test(nothing, seed=0, first_example=0)


def load_run(path: str | Path) -> tuple[Config, Weights]:
    """Return the configuration of a run folder and the weights that are tested: averaged, where the model averages."""
    folder = RunFolder.open(path)
    config = from_dict(Config, folder.config(), where=str(folder.path / "config.json"))
    arrays, attributes = load_checkpoint(folder.checkpoint_path)
    weights, _, average = unpack(arrays, config.model.network, folder.checkpoint_path)
    _check_description(folder, config, attributes)
    return config, weights if average is None else average


def load_weights(path: str | Path) -> Weights:
    """Return the present weights of a run folder, whatever its network and rule are made of.

    Nothing but the checkpoint is read, so classes of a user's own need not be known.
    """
    file = RunFolder(path).checkpoint_path
    if not file.is_file():
        raise InputError(f"{path} has no checkpoint.h5; give a folder that a training run made")
    arrays, _ = load_checkpoint(file)
    n_layers = sum(name.startswith("W/") for name in arrays)
    if not n_layers:
        raise InputError(f"{file} holds no weights; give a folder that a training run made")
    return weights_in(arrays, n_layers)


def _images(config: Config) -> Dataset:
    try:
        return load(config.data, scale=config.scale)
    except InputError as error:
        raise InputError(f"{error}; if the images of the run lie elsewhere now, say where with --data") from error


def test_images(path: str | Path) -> Examples:
    """Return the images on which a run is tested; `InputError` if they are others than they were."""
    folder = RunFolder.open(path)
    config = from_dict(Config, folder.config(), where=str(folder.path / "config.json"))
    _, attributes = load_checkpoint(folder.checkpoint_path)
    data = _images(config)
    images = split(data.train).test if config.held_out else data.test
    if "origin" in attributes:
        origin.check_origin(
            f"{config.data} has other images than {folder.checkpoint_path} was made from",
            {"test": origin.read(attributes["origin"])["images"]["test"]},
            {"test": images.digest()},
            "restore them, or name them with --data to use them all the same",
        )
    return images


def description(config: Config) -> dict[str, Any]:
    """Return the part of a configuration that results follow from, images left out."""
    return {name: value for name, value in to_dict(config).items() if name in ("model", "engine", "seed")}


def _check_description(folder: RunFolder, config: Config, attributes: Mapping[str, Any]) -> None:
    """Raise `InputError` if config.json was edited since the checkpoint was made; one of 0.1 does not tell."""
    if "origin" in attributes:
        made_from = origin.read(attributes["origin"])
        origin.check_origin(
            f"{folder.path / 'config.json'} is not what {folder.checkpoint_path} was made from",
            {name: value for name, value in made_from.items() if name != "images"},
            description(config),
            "put it back, or start a new run with it",
        )
