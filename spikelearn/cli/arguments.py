"""What the commands have in common: options that are turned into values, and bars."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from tqdm import tqdm

from spikelearn.core.compiling import telling
from spikelearn.datasets import load
from spikelearn.errors import InputError
from spikelearn.examples import Examples
from spikelearn.runs import Config, test_images


def integers(option: str, text: str) -> tuple[int, ...]:
    """Read integers joined by commas; an error names the option they were given for."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"{option} {text!r} must be integers joined by commas, such as 500 or 500,100") from error


def lines_above(bar: tqdm) -> AbstractContextManager[None]:
    """Let the core's lines appear above a bar, where one is drawn."""
    return nullcontext() if bar.disable else telling(lambda line: bar.write(line, file=sys.stderr))


@contextmanager
def runs_bar(quiet: bool, unit: str = "run") -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows how many runs, say, are done, of how many, and the time left; on a terminal only."""
    with tqdm(unit=unit, disable=True if quiet else None, file=sys.stderr) as bar, lines_above(bar):

        def show(done: int, total: int) -> None:
            if bar.total is None:  # those done by an earlier start took no time of this one
                bar.reset(total)
                bar.n = bar.initial = done
                bar.refresh()
            bar.update(done - bar.n)

        yield show


def images_of(options: argparse.Namespace, config: Config) -> tuple[str, Examples]:
    """Return where test images come from, and the images: the run's, or those of --data and --scale."""
    source = options.data or config.data
    if options.data is None and options.scale is None:
        return source, test_images(options.folder)
    return source, load(source, scale=options.scale).test


def check_inputs(source: str, images: Examples, config: Config) -> None:
    """Raise `InputError` if images do not fit the network of a run."""
    n = config.model.network.sizes[0]
    if images.n_inputs != n:
        raise InputError(f"--data {source} has examples of {images.n_inputs} inputs; the network takes {n}")
