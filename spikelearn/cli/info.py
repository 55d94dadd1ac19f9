"""Show a run, or the installation and the networks known."""

import argparse
import json
import warnings
from typing import Any

from spikelearn import descriptions, runs, storage
from spikelearn.cli.arguments import path
from spikelearn.cli.data import found
from spikelearn.engines import engine_kinds
from spikelearn.errors import InputError, InputWarning
from spikelearn.models import NETWORKS, guerguiev2017


def declare(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("folder", metavar="RUN", nargs="?", type=path)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return, and print as JSON, what there is to know."""
    if options.folder is None:
        result: dict[str, Any] = {
            "spikelearn": storage.version(),
            "networks": {name: build().network.sizes for name, build in NETWORKS.items()},
            "readings": list(guerguiev2017.READINGS),
            "variants": list(guerguiev2017.VARIANTS),
            "engines": list(engine_kinds()),
            "data": found(),
        }
    else:
        folder = storage.RunFolder.open(options.folder)
        config = descriptions.from_dict(runs.Config, folder.config(), where=str(folder.path / "config.json"))
        _, attributes = storage.load_checkpoint(folder.checkpoint_path)
        try:
            runs.load_run(options.folder)
        except InputError as error:  # a configuration that was edited since: it is shown all the same
            warnings.warn(str(error), InputWarning, stacklevel=2)
        metrics = folder.metrics()
        result = {
            "folder": str(options.folder),
            "config": descriptions.to_dict(config),
            "environment": folder.environment(),
            "examples": attributes["trials"],
            "last_epoch": metrics[-1] if metrics else None,
        }
    if not options.json:
        print(json.dumps(result, indent=2))
    return result
