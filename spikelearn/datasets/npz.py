"""A ``.npz`` file of NumPy: images, frames or spikes, in one part or two."""

import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from spikelearn.datasets.dataset import Dataset, count_classes, split, tell_gaps
from spikelearn.errors import InputError, wording
from spikelearn.examples import Images
from spikelearn.timed import Frames, SpikeTrains, cut

NPZ_KINDS = ("x", "y"), ("first", "neuron", "time", "y")  # images or frames; spikes


def load_npz(path: Path, scale: float | None) -> Dataset:
    """Load a file with the arrays of one of `NPZ_KINDS`, each with or without ``_train`` and ``_test``."""
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path} is not a .npz file, or incomplete; write it with np.savez")
    found: list[str] = []
    needed: dict[tuple[str, ...], Any] = {
        tuple(f"{name}{end}" for end in ends for name in names): (names, ends)
        for names in NPZ_KINDS
        for ends in (("_train", "_test"), ("",))
    }
    try:
        with open(path, "rb") as file, np.load(file) as archive:  # of a damaged one, NumPy would leave its own open
            found = sorted(archive.files)
            wanted = next((names for names in needed if set(names) <= set(found)), ())
            more = [name for name in ("frame", "restart", "n_inputs") if name in found]
            arrays = {name: np.asarray(archive[name]) for name in (*wanted, *more)}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path}: cannot read {', '.join(found)} ({wording(error)}); write numbers with np.savez"
        ) from error
    if not wanted:
        either = " or ".join(", ".join(names) for names in needed)
        raise InputError(f"{path} must have the arrays {either}; found: {', '.join(found) or 'none'}")
    names, ends = needed[wanted]
    n_classes = count_classes(*(arrays[f"y{end}"] for end in ends))
    numbers: dict[str, float] = {name: _number(path, name, arrays[name]) for name in more}
    parts = [
        _made(
            {name: arrays[f"{name}{end}"] for name in names} | {"n_classes": n_classes, "name": f"{path.name}{tail}"},
            numbers,
            scale,
        )
        for end, tail in zip(ends, (" train", " test") if len(ends) > 1 else ("",), strict=True)
    ]
    tell_gaps(parts[0])
    return Dataset(train=parts[0], test=parts[1], name=path.name) if len(parts) > 1 else split(parts[0])


def _number(path: Path, name: str, array: np.ndarray) -> float:
    if array.shape != () or array.dtype.kind not in "fiub":
        raise InputError(f"{path}: {name} must be one number, got {array.dtype} of shape {array.shape}")
    return float(array)


def _made(fields: dict[str, Any], numbers: dict[str, float], scale: float | None) -> Any:
    """Return the examples that arrays of a ``.npz`` file describe."""
    restart = bool(numbers.get("restart", True))
    if "x" not in fields:
        first, neuron, time = (fields.pop(name) for name in ("first", "neuron", "time"))
        n_inputs = numbers.get("n_inputs", math.nan)
        if not n_inputs.is_integer() or scale is not None:
            what = "n_inputs must be a whole number" if scale is None else f"scale={scale:g} is for intensities"
            raise InputError(f"{fields['name']}: {what}; spikes need first, neuron, time, y and n_inputs")
        spikes = cut(fields["name"], first, neuron, time)
        return SpikeTrains(spikes=spikes, n_inputs=int(n_inputs), restart=restart, **fields)
    if "frame" in numbers:
        return Frames(frame=numbers["frame"], scale=scale, restart=restart, **fields)
    return Images(scale=scale, **fields)
