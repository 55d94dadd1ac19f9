"""The configuration of a run, all that determines it; and what the folder of a run holds: weights, and its images."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spikelearn import origin
from spikelearn.checkpoints import unpack, weights_in
from spikelearn.datasets import Dataset, load, split
from spikelearn.descriptions import from_dict, to_dict
from spikelearn.engines import Engine, Event
from spikelearn.errors import InputError, check_range
from spikelearn.evaluation import CHUNK
from spikelearn.examples import Examples
from spikelearn.model import Model
from spikelearn.storage import RunFolder, load_checkpoint
from spikelearn.weights import Weights


@dataclass(frozen=True, kw_only=True)
class Config:
    """All that determines a run.

    Parameters
    ----------
    name, reading : str
        Published network from which this one started, and its reading; for people only.
    model : Model
        Network, rule and learning rates.
    engine : Engine
        How to simulate.
    data : str
        Data set, as `spikelearn.load` takes it.
    scale : float or None
        Pixel of intensity 1, as `spikelearn.load` takes it.
    examples : int or None
        Number of training images to use, from the first; None: all.
    held_out : bool
        Hold a fifth of the training images back, by `spikelearn.datasets.split`, and test on these: no test image is
        used.
    epochs, seed : int
        Number of passes over the images, and the seed of all draws.
    chunk_size : int
        Number of examples after which progress is shown and Ctrl-C takes effect.

    Raises
    ------
    InputError
        A number is out of its range.
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
    """Images on which a run is trained and tested, to be shared by runs: hashing them takes time.

    Parameters
    ----------
    data : Dataset
        The images.
    digests : dict
        Hash of each part: ``"train"`` and ``"test"``.
    """

    data: Dataset
    digests: dict[str, str]


def part_of(data: Dataset, examples: int | None, held_out: bool) -> Part:
    """Return the images of a data set on which a run is trained and tested.

    Parameters
    ----------
    data : Dataset
        All images.
    examples : int or None
        As `Config.examples`.
    held_out : bool
        As `Config.held_out`.

    Returns
    -------
    Part
        Those of them that the run uses.
    """
    if held_out:
        data = split(data.train)
    if examples is not None:
        data = replace(data, train=data.train.first(examples))
    return Part(data=data, digests=data.digests())


def load_run(path: str | Path) -> tuple[Config, Weights]:
    """Return the configuration of a run folder, and the weights to test with.

    Parameters
    ----------
    path : str or Path
        Folder of the run.

    Returns
    -------
    config : Config
        All that determines the run.
    weights : Weights
        Averaged weights, where the model averages; else the last ones.

    Raises
    ------
    InputError
        There is no run, it is damaged, or a class of it is not registered.
    """
    folder = RunFolder.open(path)
    config = from_dict(Config, folder.config(), where=str(folder.path / "config.json"))
    arrays, attributes = load_checkpoint(folder.checkpoint_path)
    weights, _, average = unpack(arrays, config.model.network, folder.checkpoint_path)
    check_description(folder, config, attributes)
    return config, weights if average is None else average


def load_weights(path: str | Path) -> Weights:
    """Return the present weights of a run folder, whatever its network and rule are; `InputError` without any.

    Only the checkpoint is read, so classes of a user need not be registered.

    Parameters
    ----------
    path : str or Path
        Folder of the run.

    Returns
    -------
    Weights
        Present weights, not averaged.
    """
    file = RunFolder(path).checkpoint_path
    if not file.is_file():
        raise InputError(f"{path} has no checkpoint.h5; give a folder that a training run made")
    arrays, _ = load_checkpoint(file)
    n_layers = sum(name.startswith("W/") for name in arrays)
    if not n_layers:
        raise InputError(f"{file} holds no weights; give a folder that a training run made")
    return weights_in(arrays, n_layers)


def data_of(config: Config) -> Dataset:
    """Return the images that a configuration names; `InputError` if they are not there."""
    try:
        return load(config.data, scale=config.scale)
    except InputError as error:
        raise InputError(f"{error}; if the images of the run lie elsewhere now, say where with --data") from error


def test_images(path: str | Path) -> Examples:
    """Return the images on which a run is tested.

    Parameters
    ----------
    path : str or Path
        Folder of the run.

    Returns
    -------
    `Examples`
        Test images of its data set.

    Raises
    ------
    InputError
        They are not there, or others than they were.
    """
    folder = RunFolder.open(path)
    config = from_dict(Config, folder.config(), where=str(folder.path / "config.json"))
    _, attributes = load_checkpoint(folder.checkpoint_path)
    data = data_of(config)
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
    """Return the part of a configuration from which results follow, images left out.

    Parameters
    ----------
    config : Config
        A configuration.

    Returns
    -------
    dict
        Numbers, texts, lists and mappings, as JSON has them.
    """
    return {name: value for name, value in to_dict(config).items() if name in ("model", "engine", "seed")}


def check_description(folder: RunFolder, config: Config, attributes: Mapping[str, Any]) -> None:
    """Raise `InputError` if config.json was edited since the checkpoint was made; one of 0.1 does not tell."""
    if "origin" in attributes:
        made_from = origin.read(attributes["origin"])
        origin.check_origin(
            f"{folder.path / 'config.json'} is not what {folder.checkpoint_path} was made from",
            {name: value for name, value in made_from.items() if name != "images"},
            description(config),
            "put it back, or start a new run with it",
        )
