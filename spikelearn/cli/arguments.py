"""What the commands have in common: options that are turned into values."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from tqdm import tqdm

from spikelearn import datasets
from spikelearn.core.compiling import telling
from spikelearn.engines import Engine
from spikelearn.errors import InputError, nearest
from spikelearn.kinds import kinds_of


def integers(option: str, text: str) -> tuple[int, ...]:
    """Read integers joined by commas; an error names the option they were given for."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"{option} {text!r} must be integers joined by commas, such as 500 or 500,100") from error


def engines() -> dict[str, type]:
    """Return all engines by the names that commands know, those of one's own too."""
    return {name.lower(): kind for name, kind in kinds_of(Engine).items()}


def engine(name: str) -> Engine:
    """Return the engine of that name."""
    known = engines()
    if name not in known:
        raise InputError(f"unknown engine {name!r}; {nearest(name, known)}")
    return known[name]()


def lines_above(bar: tqdm) -> AbstractContextManager[None]:
    """Let the core's lines appear above a bar, where one is drawn."""
    return nullcontext() if bar.disable else telling(lambda line: bar.write(line, file=sys.stderr))


def absolute(source: str) -> str:
    """Make a path absolute, so that the run can be resumed from anywhere."""
    # Not resolved: a link may point elsewhere tomorrow, and that is what it is for.
    return source if source in datasets.names() else os.path.abspath(Path(source).expanduser())
