"""Where data sets are searched for on this computer."""

import os
from collections.abc import Iterable
from pathlib import Path

import platformdirs

from spikelearn.errors import InputError
from spikelearn.paths import expanded


def of_user(folders: Iterable[str | Path] = ()) -> list[Path]:
    """Return the folders that a user named: `folders`, then ``$SPIKELEARN_DATA``."""
    named = [*folders, os.environ.get("SPIKELEARN_DATA")]
    return [expanded(folder) for folder in named if folder]


def cache(subfolder: str) -> Path:
    """Return the user's folder for what is downloaded; `InputError` where there is no home folder."""
    try:
        return platformdirs.user_cache_path("spikelearn") / subfolder
    except RuntimeError as error:
        raise InputError(
            f"there is no place for {subfolder}: {error}; or put its files in {advice(subfolder)}"
        ) from error


def advice(subfolder: str) -> str:
    """Say into which folder to put files, as `of_user` and a subfolder find them."""
    named = os.environ.get("SPIKELEARN_DATA")
    return f"{Path(named) / subfolder}" if named else f"a folder {subfolder}, and set SPIKELEARN_DATA to what it is in"
