"""Train a published network on images; results go to a run folder."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from spikelearn import datasets, descriptions, runs, storage, training
from spikelearn.choices import Choice
from spikelearn.cli.arguments import integers
from spikelearn.errors import InputError
from spikelearn.models import guerguiev2017
from spikelearn.plotting import save_learning_curve
from spikelearn.plotting.attempt import attempt

CHOICES = ("network", "data", "scale", "reading", "variant", "engine", "examples", "epochs", "seed")
CHANGEABLE = "--resume changes --epochs, and where --data lies"


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train, or go on with a run; return the last line of its metrics."""
    if not options.out:
        raise InputError("--out is empty; name a folder for the run")
    if options.resume:
        current = _resumed(options)
    else:
        config, data = _config(options)
        current = runs.Run.start(options.out, config, data, options.overwrite)
    config, n = current.config, len(current.data.train)
    if not options.json:
        sizes = "-".join(map(str, config.model.network.sizes))
        print(f"{config.name} {sizes} ({config.reading}) on {config.data}: {n} images, {config.epochs} epochs")
    try:
        with _progress(current, options.json) as show:
            metrics = current.train(show)
    except KeyboardInterrupt:
        done = storage.load_checkpoint(current.folder.checkpoint_path)[1]["trials"]
        raise KeyboardInterrupt(f"stopped after {done} examples; go on with --resume --out {options.out}") from None
    picture = current.folder.path / "learning_curve.png"
    title = f"{config.name} on {config.data}, seed {config.seed}"
    attempt(picture, save_learning_curve, picture, metrics, title)
    result = {"folder": str(current.folder.path), "picture": str(picture), **metrics[-1]}
    if not options.json:
        print(f"test error {result['test_error']:.2f} % after {config.epochs} epochs")
        print(f"run folder {result['folder']}\nlearning curve {result['picture']}")
    return result


def _config(options: argparse.Namespace) -> tuple[runs.Config, datasets.Dataset]:
    """Put the configuration of a new run together, and load its images."""
    given = {name: value for name in CHOICES if (value := getattr(options, name)) is not None}
    if options.hidden is not None:
        given["hidden"] = integers("--hidden", options.hidden)
    choice = Choice(**given)
    data = datasets.load(choice.data, scale=choice.scale)
    config = choice.config(data)
    changed = descriptions.override(config, options.set)
    for key, option in {"name": "NETWORK", "reading": "--reading", "data": "--data", "scale": "--scale"}.items():
        if getattr(changed, key) != getattr(config, key):  # the model and the images are made already
            raise InputError(f"--set cannot change {key}={getattr(config, key)}; choose it with {option}")
    return changed, data


def _resumed(options: argparse.Namespace) -> runs.Run:
    """Reopen a run; what would make it another run is refused."""
    config, _ = runs.load_run(options.out)
    own_engine = type(config.engine).__name__.lower()
    if options.network != config.name:
        raise InputError(f"{options.out} holds a run of {config.name}, not of {options.network}")
    own = config.model.network.sizes[1:-1]
    fixed: dict[str, tuple[Any, Callable[[Any], Any], Any]] = {
        "--scale": (options.scale, float, config.scale),
        "--engine": (options.engine, str, own_engine),
        "--seed": (options.seed, int, config.seed),
        "--reading": (options.reading, str, config.reading),
        "--examples": (options.examples, int, config.examples),
        "--hidden": (options.hidden, lambda text: integers("--hidden", text), own),
    }
    for option, (given, read, held) in fixed.items():
        if given is not None and read(given) != held:
            raise InputError(f"{option} {given} differs from the run's {held}; {CHANGEABLE}")
    for assignment in options.set:
        if descriptions.override(config, [assignment]) != config:
            raise InputError(f"--set {assignment} differs from the run's configuration; {CHANGEABLE}")
    if options.variant is not None and guerguiev2017.variant(config.model, options.variant) != config.model:
        raise InputError(f"--variant {options.variant} differs from the run's configuration")
    if options.overwrite:
        raise InputError("--overwrite does not go with --resume, which goes on with the same run")
    return runs.Run.resume(
        options.out, options.epochs, data=None if options.data is None else datasets.absolute(options.data)
    )


@contextmanager
def _progress(run: runs.Run, quiet: bool) -> Iterator[Callable[[training.Chunk], None]]:
    """Yield a callback that draws a bar over all examples, on a terminal only; it begins when all is compiled."""
    bar = None

    def show(chunk: training.Chunk) -> None:
        nonlocal bar
        if bar is None:
            bar = tqdm(
                total=run.config.epochs * len(run.data.train),
                initial=run.training.trials,
                unit="ex",
                disable=True if quiet else None,  # None: on a terminal only
                smoothing=0.05,
                file=sys.stderr,
            )
        bar.set_description(f"epoch {chunk.epoch + 1}/{run.config.epochs}", refresh=False)
        bar.set_postfix_str(f"error {chunk.error:.0f} %", refresh=False)
        bar.update(run.training.trials - bar.n)

    try:
        yield show
    finally:
        if bar is not None:
            bar.close()
