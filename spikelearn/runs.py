"""A training run on disk: a configuration that rebuilds it, a row of metrics an epoch, a checkpoint to go on from.

Whatever happens to the process, the folder holds a checkpoint and the rows of metrics up to it or a little beyond;
`Run.resume` cuts the surplus and trains on, and the results are bit for bit those of a run that was never stopped.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn import metrics, origin
from spikelearn.checkpoints import pack, unpack
from spikelearn.datasets import Dataset
from spikelearn.descriptions import from_dict, to_dict
from spikelearn.errors import InputError
from spikelearn.evaluation import check_fit, error_percent, evaluate
from spikelearn.patience import patient
from spikelearn.run_config import (
    Config,
    Part,
    check_description,
    data_of,
    description,
    load_run,
    load_weights,
    part_of,
    test_images,
)
from spikelearn.storage import RunFolder, load_checkpoint, save_checkpoint
from spikelearn.training import Chunk, Training, train
from spikelearn.weights import Weights

__all__ = [
    "Config",
    "Part",
    "Run",
    "compile_kernels",
    "description",
    "load_run",
    "load_weights",
    "part_of",
    "test_images",
]

CHECKPOINT_SECONDS = 60.0  # within an epoch; besides, there is one at the end of each


class Run:
    """A run and its folder; `start` or `resume` makes one.

    Parameters
    ----------
    config : Config
        All that determines the run.
    data : Dataset or Part
        Images, of which it is trained and tested on those that `config` says.

    Attributes
    ----------
    folder : RunFolder
        Its folder on disk.
    training : Training
        Progress, weights and state.
    origin : dict
        Descriptions and hashes from which its results follow; every checkpoint keeps it.

    Raises
    ------
    InputError
        The images do not fit the network, or there are too few.
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
        """Begin a new run in a new folder; nothing is written if something does not fit.

        Parameters
        ----------
        path : str or Path
            Folder to make.
        config : Config
            All that determines the run.
        data : Dataset or Part
            Images to train on and to test on.
        overwrite : bool
            Replace a run that is there.

        Returns
        -------
        Run
            The run, before its first epoch.

        Raises
        ------
        InputError
            The folder exists, something does not fit, or a class is not registered.
        """
        run, described = cls(config, data), to_dict(config)
        from_dict(Config, described)  # what could not be opened again is not begun
        compile_kernels(config, run.training.weights)  # nor what does not compile
        run.folder = RunFolder.create(path, described, overwrite, run._checkpoint())
        return run

    @classmethod
    def resume(cls, path: str | Path, epochs: int | None = None, data: Dataset | Part | str | None = None) -> "Run":
        """Continue the run in a folder, to its last epoch or to another.

        Parameters
        ----------
        path : str or Path
            Folder of the run.
        epochs : int, optional
            Last epoch; by default that of the configuration.
        data : Dataset, Part or str, optional
            The same images, or the place where they are now; others are refused. The folder keeps the new place.

        Returns
        -------
        Run
            The run, where its last checkpoint was made.

        Raises
        ------
        InputError
            There is no run, it is damaged, its images are others, or it is beyond `epochs`.
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
        check_description(folder, config, attributes)
        if epochs is not None and epochs != config.epochs:
            config = replace(config, epochs=epochs)
        if isinstance(data, str):
            config = replace(config, data=data)
        run = cls(config, data if isinstance(data, Dataset | Part) else data_of(config))
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
        """Train to the end, with a test and a checkpoint after each epoch.

        Ctrl-C takes effect after the present chunk: a KeyboardInterrupt is raised after a checkpoint. A second one does
        not wait, nor does a first one during compilation; as after any other exception, the last checkpoint stays.

        Parameters
        ----------
        on_chunk : callable, optional
            Called with each `Chunk`; may raise KeyboardInterrupt.

        Returns
        -------
        list of dict
            Metrics by name, one row for each epoch: errors in percent, times in seconds.

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
    """Compile training and the test after an epoch, without an example: nothing is lost if that is interrupted.

    Parameters
    ----------
    config : Config
        All that determines a run.
    weights : Weights
        Any that fit its network.
    """
    model = config.model
    core = config.engine.build(model.network, weights)
    nothing, still = np.zeros((0, model.network.sizes[0]), np.float32), (0.0,) * model.network.n_layers
    core.train(nothing, np.zeros(0, np.int64), seed=0, first_example=0, learning_rates=still, rule=model.rule)
    core.test(nothing, seed=0, first_example=0)
