"""Where data sets are searched for on this computer."""

import os
from collections.abc import Iterable
from pathlib import Path


def of_user(folders: Iterable[str | Path] = ()) -> list[Path]:
    """Return the folders that a user named: `folders`, then ``$SPIKELEARN_DATA``."""
    named = [*folders, os.environ.get("SPIKELEARN_DATA")]
    return [Path(folder).expanduser() for folder in named if folder]


def cache() -> Path:
    """Return the user's cache folder for what is downloaded."""
    import pooch  # slow to import

    return Path(pooch.os_cache("spikelearn"))


def advice(subfolder: str) -> str:
    """Say into which folder to put files, as `of_user` and a subfolder find them."""
    named = os.environ.get("SPIKELEARN_DATA")
    return f"{Path(named) / subfolder}" if named else f"a folder {subfolder}, and set SPIKELEARN_DATA to what it is in"
