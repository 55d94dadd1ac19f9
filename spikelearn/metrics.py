"""Metrics as a checkpoint keeps them: what was measured in each epoch is compared before a run goes on.

``metrics.csv`` is for people, and for spreadsheets, which write fewer digits than they have read.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from spikelearn.errors import InputError

SECONDS = ("train_seconds", "test_seconds")  # no results, and never the same twice
PRECISION = 1e-6  # relative
GROUP = "metrics/"  # in a checkpoint

Columns = dict[str, np.ndarray]  # (epochs,) float64 each, by the name that a checkpoint has for it


def extended(columns: Columns, row: Mapping[str, float]) -> Columns:
    """Return the columns with those numbers of one more row that are results."""
    return {
        GROUP + name: np.append(columns.get(GROUP + name, []), value)
        for name, value in row.items()
        if name not in SECONDS
    }


def checked(path: Path, rows: Sequence[Mapping[str, float]], arrays: Mapping[str, np.ndarray]) -> Columns:
    """Return the columns that a checkpoint keeps; `InputError` if the file at `path` says other than they.

    Parameters
    ----------
    path : Path
    rows : sequence of mappings
        Of the file: those of the epochs that the checkpoint knows.
    arrays : mapping of str to array
        Of the checkpoint. One of an earlier version has no columns: then the file is believed.
    """
    columns: Columns = {name: array for name, array in arrays.items() if name.startswith(GROUP)}
    if not columns:
        for row in rows:
            columns = extended(columns, row)
    for key, wanted in columns.items():
        name = key.removeprefix(GROUP)
        if any(name not in row for row in rows):
            raise InputError(f"{path} has no column {name!r} any more; put it back, or start the run anew")
        found = np.array([row[name] for row in rows], np.float64)
        different = ~np.isclose(found, wanted, rtol=PRECISION, atol=0, equal_nan=True)
        if different.any():
            epoch = int(np.argmax(different))
            raise InputError(
                f"{path} was edited: {name} of epoch {epoch + 1} is {found[epoch]:g} there, but was measured as "
                f"{wanted[epoch]:g}; put it back, or start the run anew"
            )
    return columns
