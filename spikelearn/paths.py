"""Paths that users give."""

import os
from pathlib import Path

from spikelearn.errors import InputError, described


def expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path as the system takes it, with the home folder in place of a leading ``~``.

    Parameters
    ----------
    path : str or path
        As a user gave it.

    Returns
    -------
    Path
        Absolute only if what was given is.

    Raises
    ------
    InputError
        It is no path, or begins with ``~`` where nobody can say which folder that is.
    """
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"the name of a file or folder must be a string or a path, got {described(path)}")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(f"{path}: which folder ~ is, is unknown here; write it out, or set HOME") from error
