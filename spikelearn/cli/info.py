"""Show a run, or the installation: what a bug report needs."""

import argparse
import json
import warnings
from typing import Any

from spikelearn import storage
from spikelearn.cli.data import found
from spikelearn.core import keeping
from spikelearn.errors import InputError, InputWarning


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return, and print as JSON, what there is to know."""
    result = installation() if options.folder is None else of_run(options.folder)
    if not options.json:
        print(json.dumps(result, indent=2))
    return result


def installation() -> dict[str, Any]:
    """Return versions, machine, where compiled code is kept, and which images are at hand."""
    try:
        compiled = str(keeping.place())
    except RuntimeError as error:
        compiled = f"in no file: {error}"
    return {**storage.machine(), "compiled": compiled, "data": found()}


def of_run(path: str) -> dict[str, Any]:
    """Return what is in a run folder; of what does not fit together there is a note."""
    folder = storage.RunFolder.open(path)
    described = folder.config()

    from spikelearn import descriptions, runs  # here: numba is behind it

    config = descriptions.from_dict(runs.Config, described, where=str(folder.path / "config.json"))
    _, attributes = storage.load_checkpoint(folder.checkpoint_path)
    try:
        runs.load_run(path)
    except InputError as error:  # a configuration that was edited since: it is shown all the same
        warnings.warn(str(error), InputWarning, stacklevel=2)
    metrics = folder.metrics()
    return {
        "folder": path,
        "config": descriptions.to_dict(config),
        "environment": folder.environment(),
        "examples": attributes["trials"],
        "last_epoch": metrics[-1] if metrics else None,
    }
