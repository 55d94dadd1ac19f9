"""What an experiment does with networks by name: train them, test them again, and say what came of it.

A network that several experiments need is trained once: they share the run folders in ``OUT/runs``, which are those
of ``spikelearn train``; a run that was stopped goes on, and one that is done is taken as it is.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from conditions import CONDITIONS, SCALES, Scale
from harness import Setting, Stages, Task, Tell, check_origin, main

import spikelearn as sl
from spikelearn import descriptions, runs, storage
from spikelearn.checkpoints import pack, unpack
from spikelearn.models import guerguiev2017
from spikelearn.origin import digest, read, write


def seeds(setting: Setting, name: str) -> range:
    """Return the seeds with which a network is trained."""
    condition = CONDITIONS[name]
    return range(condition.first_seed, condition.first_seed + min(setting.seeds, condition.seeds))


def scale_of(setting: Setting, name: str) -> Scale:
    """Return how much of the published protocol a network gets, and on which images."""
    return SCALES[setting.scale].on(CONDITIONS[name].data)


def config(setting: Setting, name: str, seed: int) -> runs.Config:
    """Return all that determines a run."""
    condition, scale = CONDITIONS[name], scale_of(setting, name)
    data = scale.load()
    sizes = {} if condition.network not in scale.hidden else {"hidden": scale.hidden[condition.network]}
    model = guerguiev2017.NETWORKS[condition.network](
        condition.reading, n_input=data.train.n_inputs, n_output=data.train.n_classes, **sizes
    )
    found = runs.Config(
        name=condition.network,
        reading=condition.reading,
        model=model if condition.variant is None else guerguiev2017.variant(model, condition.variant),
        engine=condition.engine,
        data=scale.data,
        examples=scale.train,
        held_out=condition.held_out,
        epochs=min(condition.epochs, scale.epochs),
        seed=seed,
    )
    return descriptions.override(found, condition.changes)


def origin(setting: Setting, name: str, seed: int) -> dict[str, Any]:
    """Return what determines all that is seen in a network: its run, and the images it is shown afterwards."""
    scale = scale_of(setting, name)
    return {
        "run": descriptions.to_dict(config(setting, name, seed)),
        "scale": asdict(scale),
        "images": _digests(scale.data, scale.train, scale.test),
    }


def leave(training: sl.training.Training, path: Path, made_from: Mapping[str, Any], **arrays: np.ndarray) -> None:
    """Write all that a training which is no run needs to go on exactly, and other arrays, to one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    attributes = {"trials": training.trials, "made_from": write(made_from)}
    packed = pack(training.weights, training.state(), training.average)
    storage.save_checkpoint(path, packed | arrays, attributes)


def take_up(training: sl.training.Training, path: Path, made_from: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Bring a new training to where `leave` left it; return all arrays of the file."""
    arrays, attributes = check_left(path, made_from)
    training.weights, state, average = unpack(arrays, training.model.network, path)
    training.resume(attributes["trials"], state, average)
    return arrays


def check_left(path: Path, made_from: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return arrays and attributes of what `leave` wrote; `InputError` if it was made from something else."""
    arrays, attributes = storage.load_checkpoint(path)
    check_origin(path, read(attributes.get("made_from", "{}")), made_from)
    return arrays, dict(attributes)


def folder(setting: Setting, name: str, seed: int) -> Path:
    """Return the run folder of a network."""
    return setting.out / "runs" / f"{name}-seed{seed}"


def training(setting: Setting, *names: str) -> list[Task]:
    """Return the tasks that train networks, with all their seeds: first seed 1 of all, then the others."""
    wanted = [(seed, k, name) for k, name in enumerate(names) for seed in seeds(setting, name)]
    return [task(setting, name, seed) for seed, _, name in sorted(wanted)]


def task(setting: Setting, name: str, seed: int) -> Task:
    """Return the task that trains a network with one seed."""
    wanted, path = config(setting, name, seed), folder(setting, name, seed)
    scale = scale_of(setting, name)
    part = _part(scale.data, scale.train, scale.test, wanted.held_out)
    size = wanted.epochs * len(part.data.train)

    def work(tell: Tell) -> None:
        if is_done(path, wanted, part):
            tell(size)
        else:
            run = runs.Run.resume(path, data=part) if holds_run(path) else runs.Run.start(path, wanted, part)
            tell(run.training.trials)
            run.train(lambda chunk: tell(chunk.stop - chunk.start))

    return Task(f"{name}, seed {seed}", size, work)


def holds_run(path: Path) -> bool:
    """Return whether there is a run in the folder."""
    return (path / "config.json").is_file()


def is_done(path: Path, wanted: runs.Config, part: runs.Part) -> bool:
    """Return whether a run has been trained to its end; `InputError` if the folder holds another one."""
    if not holds_run(path):
        return False
    found, _ = runs.load_run(path)
    if descriptions.to_dict(found) != descriptions.to_dict(wanted):
        raise sl.InputError(f"{path} holds a run with another configuration; move it away or choose another --out")
    attributes = storage.load_checkpoint(path / "checkpoint.h5")[1]
    if "origin" in attributes:  # mnist is verified whenever it is loaded, so runs of earlier versions will do
        check_origin(path, read(attributes["origin"])["images"], part.digests)
    return attributes["trials"] == wanted.epochs * len(part.data.train)


def retesting(setting: Setting, *names: str) -> list[Task]:
    """Return the tasks that test trained networks of seed 1 again and again, as the paper does."""
    return [_retesting(setting, name) for name in names]


def _retesting(setting: Setting, name: str) -> Task:
    scale, path = scale_of(setting, name), _retests(setting, name)
    images = scale.load().test

    def work(tell: Tell) -> None:
        found, weights = trained(setting, name, 1)
        made_from = origin(setting, name, 1) | {"weights": digest(*weights.arrays)}
        errors = []
        if path.is_file():
            kept = json.loads(path.read_text())
            check_origin(path, kept["made_from"] if isinstance(kept, dict) else None, made_from)
            errors = kept["errors"]
        tell(len(errors) * len(images))
        for repeat in range(len(errors), scale.retests):
            predictions = sl.evaluate(found.model.network, weights, images, seed=1001 + repeat, engine=found.engine)
            errors.append(float(sl.error_percent(predictions, images.y)[0]))
            storage.write_text(path, write({"made_from": made_from, "errors": errors}))
            tell(len(images))

    return Task(f"{name}, retested", scale.retests * len(images), work)


def _retests(setting: Setting, name: str) -> Path:
    return folder(setting, name, 1) / "retests.json"


def trained(setting: Setting, name: str, seed: int) -> tuple[runs.Config, sl.Weights]:
    """Return a trained network."""
    return runs.load_run(folder(setting, name, seed))


def curves(setting: Setting, name: str) -> list[list[float]]:
    """Return the test errors of a kind of network, by seed and epoch, in percent."""
    return [[row["test_error"] for row in rows] for rows in _metrics(setting, name)]


def _metrics(setting: Setting, name: str) -> list[list[dict[str, float]]]:
    return [storage.RunFolder.open(folder(setting, name, seed)).metrics() for seed in seeds(setting, name)]


def train_and_retest(setting: Setting, *names: str) -> Stages:
    """Return the stages after which `learning` can tell."""
    return [training(setting, *names), retesting(setting, *names)]


def learning(setting: Setting, *names: str) -> dict[str, dict]:
    """Return what training came to, by name: test errors of each seed and epoch, repeated tests, hours."""
    result = {}
    for name in names:
        rows = _metrics(setting, name)
        spent = [sum(row["train_seconds"] + row["test_seconds"] for row in found) for found in rows]
        result[name] = {
            "test_error": curves(setting, name),
            "retests": json.loads(_retests(setting, name).read_text())["errors"],
            "hours": [round(seconds / 3600, 3) for seconds in spent],
            "config": descriptions.to_dict(config(setting, name, 1)),
        }
    return result


def compare_networks(name: str, text: str, names: Sequence[str]) -> None:
    """Run an experiment that trains networks and compares how they learn."""
    main(
        name,
        text,
        lambda setting: train_and_retest(setting, *names),
        lambda setting: {"conditions": learning(setting, *names)},
    )


@lru_cache(maxsize=4)
def _part(data: str, train: int | None, test: int | None, held_out: bool) -> runs.Part:
    return runs.part_of(Scale(data=data, test=test).load(), train, held_out)


@lru_cache
def _digests(data: str, train: int | None, test: int | None) -> dict[str, str]:
    return Scale(data=data, train=train, test=test).load().digests()
