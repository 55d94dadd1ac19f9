"""Examples that change in time: frames of intensities, and given spikes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from spikelearn import origin
from spikelearn.errors import InputError, check_range, check_shares
from spikelearn.examples import Images, Moment, Shown, Trains, check_first, check_labels
from spikelearn.phases import Phases

__all__ = ["Frames", "SpikeTrains", "joined"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Frames:
    """Frames of intensities, one after the other, and the class of each sequence.

    Parameters
    ----------
    x : (n, frames, n_inputs) array
        Intensities, numbers in 0..scale. uint8 is kept, all else becomes float32.
    y : (n,) int array
        Class of each sequence, in ``0 .. n_classes - 1``.
    n_classes : int
        Number of classes.
    name : str
        Name of the sequences in error messages.
    frame : float
        Duration of a frame, ms; the last one stays to the end.
    scale : float, optional
        Number of intensity 1, as of `Images`.
    targets : (n, n_classes) array, optional
        Share of each class that is taught, as of `Images`.
    restart : bool
        Start each phase with the first frame, so that both phases are the same; else a trial is one sequence.

    Raises
    ------
    InputError
        A shape, a type, a number or a label is not as above.
    """

    x: np.ndarray
    y: np.ndarray
    n_classes: int
    name: str
    frame: float
    scale: float | None = None
    targets: np.ndarray | None = None
    restart: bool = True

    def __post_init__(self) -> None:
        check_range(f"{self.name}: frame", self.frame, above=0, unit="ms")
        shape = np.shape(self.x)
        if len(shape) != 3 or not shape[1]:
            raise InputError(
                f"{self.name}: frames must be (n, frames, inputs), n and frames at least 1; got shape {shape}"
            )
        flat = Images(
            x=self.x, y=self.y, n_classes=self.n_classes, name=self.name, scale=self.scale, targets=self.targets
        )
        for name in ("y", "scale", "targets"):
            object.__setattr__(self, name, getattr(flat, name))
        object.__setattr__(self, "x", flat.x.reshape(shape))

    def __len__(self) -> int:
        return len(self.x)

    @property
    def n_inputs(self) -> int:
        """Number of intensities of a frame: an input for each."""
        return self.x.shape[2]

    @property
    def n_frames(self) -> int:
        """Number of frames of a sequence."""
        return self.x.shape[1]

    def intensities(self, index: Any) -> np.ndarray:
        """Return the intensities of some sequences.

        Parameters
        ----------
        index : slice or (k,) int or bool array
            Which sequences.

        Returns
        -------
        (k, frames, n_inputs) float32 array
            Intensities in 0..1, in memory of their own.
        """
        return np.divide(self.x[index], np.float32(self.scale or 1), dtype=np.float32)

    def check(self, phases: Phases, purpose: str) -> None:
        """Raise `InputError` if a frame would come after its phase."""
        _check_end(self.name, "frames", (self.n_frames - 1) * self.frame, phases, purpose, self.restart)

    def show(self, index: Any, moment: Moment) -> Shown:
        """Return drawn Poisson spikes, whose rates change from frame to frame."""
        shown = self.intensities(index)
        per_example = len(moment.lengths) // max(len(shown), 1)
        spikes = []
        for k, lengths in enumerate(moment.lengths):
            parts = []
            for phase, (start, length) in enumerate(_parts(lengths, self.restart)):
                rngs = (moment.generator(moment.first + k, phase, which) for which in range(2))
                rates = moment.rate_max * shown[k // per_example].astype(float)
                parts.append(_shifted(draw_frames(rates, self.frame, length, *rngs), start))
            spikes.append(tuple(map(np.concatenate, zip(*parts, strict=True))))
        return Shown(np.zeros((len(shown), self.n_inputs), np.float32), joined(spikes))

    def digest(self) -> str:
        """Return a hash of frames and classes, in their order."""
        about = np.array([self.frame, self.restart, self.n_classes], float)
        more = [] if self.targets is None else [self.targets]
        return origin.digest(about, self.intensities(slice(None)), self.y, *more)

    def first(self, n: int) -> "Frames":
        """Return the first `n` sequences; `InputError` unless there are that many, and at least one."""
        check_first(self, n, "sequences")
        return self.at(slice(n))

    def at(self, index: Any) -> "Frames":
        """Return some of the sequences."""
        targets = None if self.targets is None else self.targets[index]
        return replace(self, x=self.x[index], y=self.y[index], targets=targets)


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikeTrains:
    """Spikes of the inputs, and the class of each example.

    Parameters
    ----------
    spikes : sequence of ((k,) int array, (k,) float array)
        Inputs, counted from 0, and times, ms from its start, of the spikes of each example, in any order.
    y : (n,) int array
        Class of each example, in ``0 .. n_classes - 1``.
    n_inputs : int
        Number of inputs.
    n_classes : int
        Number of classes.
    name : str
        Name of the examples in error messages.
    targets : (n, n_classes) array, optional
        Share of each class that is taught, as of `Images`.
    restart : bool
        Start each phase with the first spike, so that both phases are the same; else times count from the start of the
        trial.

    Raises
    ------
    InputError
        An input does not exist, a time is negative, or a label is not as above.
    """

    spikes: Sequence[tuple[Any, Any]]
    y: np.ndarray
    n_inputs: int
    n_classes: int
    name: str
    targets: np.ndarray | None = None
    restart: bool = True

    def __post_init__(self) -> None:
        check_range(f"{self.name}: n_inputs", self.n_inputs, at_least=1, integer=True)
        n = len(self.spikes)
        y = check_labels(np.asarray(self.y), n, self.n_classes, self.name, "example")
        kept = [by_time(f"{self.name}, example {k}", each, self.n_inputs) for k, each in enumerate(self.spikes)]
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "spikes", kept)
        if self.targets is not None:
            object.__setattr__(self, "targets", check_shares(self.targets, n, self.n_classes, self.name))

    def __len__(self) -> int:
        return len(self.y)

    def check(self, phases: Phases, purpose: str) -> None:
        """Raise `InputError` if a spike would come after its phase."""
        latest = max((times[-1] for _, times in self.spikes if len(times)), default=0.0)
        _check_end(self.name, "spikes", latest, phases, purpose, self.restart)

    def show(self, index: Any, moment: Moment) -> Shown:
        """Return the spikes of some examples."""
        chosen = np.arange(len(self))[index]
        per_example = len(moment.lengths) // max(len(chosen), 1)
        spikes = []
        for k, lengths in enumerate(moment.lengths):
            neurons, times = self.spikes[chosen[k // per_example]]
            parts = []
            for start, length in _parts(lengths, self.restart):
                n = np.searchsorted(times, length)
                parts.append((neurons[:n], start + times[:n]))
            spikes.append(tuple(map(np.concatenate, zip(*parts, strict=True))))
        return Shown(np.zeros((len(chosen), self.n_inputs), np.float32), joined(spikes))

    def digest(self) -> str:
        """Return a hash of spikes and classes, in their order."""
        about = np.array([self.n_inputs, self.n_classes, self.restart], np.int64)
        more = [] if self.targets is None else [self.targets]
        counts = np.array([len(times) for _, times in self.spikes])
        return origin.digest(about, counts, self.y, *more, *(array for each in self.spikes for array in each))

    def first(self, n: int) -> "SpikeTrains":
        """Return the first `n` examples; `InputError` unless there are that many, and at least one."""
        check_first(self, n, "examples")
        return self.at(slice(n))

    def at(self, index: Any) -> "SpikeTrains":
        """Return some of the examples."""
        targets = None if self.targets is None else self.targets[index]
        chosen = np.arange(len(self))[index]
        return replace(self, spikes=[self.spikes[k] for k in chosen], y=self.y[index], targets=targets)


def by_time(where: str, spikes: tuple[Any, Any], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return neurons and times by time; `InputError` unless they are neurons that exist and times from 0 on."""
    neurons, times = np.asarray(spikes[0]), np.asarray(spikes[1], float)
    if neurons.shape != times.shape or neurons.ndim != 1:
        raise InputError(f"{where}: neurons {neurons.shape} and times {times.shape} must be two arrays of equal length")
    if len(neurons) and neurons.dtype.kind not in "iu":
        raise InputError(f"{where}: neurons must be integers, got {neurons.dtype}")
    bad = (neurons < 0) | (neurons >= n)
    if bad.any():
        raise InputError(f"{where}: unknown neuron {neurons[bad][0]}; there are neurons 0 to {n - 1}")
    if not (times >= 0).all() or not np.isfinite(times).all():
        raise InputError(
            f"{where}: times must be finite and >= 0 ms, got {times[~(times >= 0) | ~np.isfinite(times)][0]}"
        )
    order = np.argsort(times, kind="stable")
    return neurons[order].astype(np.int64), times[order]


def cut(where: str, first: np.ndarray, neuron: np.ndarray, time: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the spikes of each example, of which `k` has ``first[k]`` to ``first[k + 1]``."""
    ascending = first.ndim == 1 and len(first) > 1 and first.dtype.kind in "iu" and (np.diff(first) >= 0).all()
    if not ascending or first[0] != 0 or first[-1] != len(neuron) or neuron.shape != time.shape or neuron.ndim != 1:
        raise InputError(
            f"{where}: first must be ascending integers from 0 to the number of spikes, neuron and time arrays of that "
            f"length; got first of shape {first.shape}, neuron {neuron.shape}, time {time.shape}"
        )
    return [(neuron[a:b], time[a:b]) for a, b in pairwise(first.tolist())]


def joined(spikes: Sequence[tuple[np.ndarray, ...]]) -> Trains:
    """Return the spikes of some showings, one after the other, those of each by time.

    Parameters
    ----------
    spikes : sequence of ((k,) int array, (k,) float array)
        Inputs and times, ms, of each showing.

    Returns
    -------
    Trains
        All spikes.
    """
    orders = [np.argsort(times, kind="stable") for _, times in spikes]
    first = np.cumsum([0, *map(len, orders)])
    neuron, time = (
        np.concatenate([np.zeros(0), *(each[k][order] for each, order in zip(spikes, orders, strict=True))])
        for k in range(2)
    )
    return Trains(first, neuron.astype(np.int32), time)


def draw_frames(
    rates: np.ndarray, frame: float, duration: float, of_counts: np.random.Generator, of_times: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw Poisson spikes of inputs whose rates change from frame to frame.

    Parameters
    ----------
    rates : (frames, n_inputs) array
        Spikes/ms; the last frame stays.
    frame, duration : float
        How long a frame lasts, and for how long spikes are drawn, ms. A longer duration has the same spikes, and more.
    of_counts, of_times : Generator

    Returns
    -------
    neurons, times : (n,) int64 and float64 arrays, by time
    """
    shown = np.minimum(np.arange(math.ceil(duration / frame)), len(rates) - 1)
    counts = of_counts.poisson(frame * rates[shown])
    step, neuron = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape[1])
    times = frame * (step + of_times.random(len(step)))
    order = np.argsort(times, kind="stable")
    order = order[times[order] < duration]
    return neuron[order], times[order]


def _parts(lengths: np.ndarray, restart: bool) -> list[tuple[float, float]]:
    """Return start and length of what shows an example from its beginning, ms: the phases there are, or all of it."""
    starts = (0.0, float(lengths[0]))
    if not restart:
        return [(0.0, float(lengths.sum()))]
    return [(start, float(length)) for start, length in zip(starts, lengths, strict=True) if length > 0]


def _shifted(spikes: tuple[np.ndarray, np.ndarray], start: float) -> tuple[np.ndarray, np.ndarray]:
    return spikes[0], start + spikes[1]


def _check_end(name: str, what: str, latest: float, phases: Phases, purpose: str, restart: bool) -> None:
    """Raise `InputError` if something would come after what shows it is over."""
    if purpose == "evaluation":
        length, lengthen = phases.test, "Phases.test"
    else:
        per_showing = [part.forward + part.target for part in phases.showings]
        length = phases.minimum * (1 if restart else min(per_showing))
        lengthen = "Phases.minimum" if restart or length == phases.minimum else "Phases.minimum, of which there are two"
    if latest >= length:
        raise InputError(
            f"{name}: {what} go on to {latest:g} ms, but what shows them may be over at {length:g} ms; leave out what "
            f"is later, or make {lengthen} longer"
        )
