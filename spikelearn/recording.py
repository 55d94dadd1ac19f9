"""What a recorded trial leaves behind: potentials, spikes, plateaus and phases by name; in memory and on disk.

Files are HDF5. A recording is a group: the attributes ``annotations`` and ``phases`` (JSON), the dataset ``times``
(ms), and the groups ``potentials``, ``spikes``, ``neurons`` and ``plateaus`` with one dataset, or group, for each
name. A file of several recordings has one such group for each example, ``examples/000000042``.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from spikelearn.errors import InputError, nearest, wording
from spikelearn.journal import ChangedMeanwhile, changing, reading
from spikelearn.storage import hdf5_file, replacing

if TYPE_CHECKING:
    import h5py
    from matplotlib.figure import Figure

__all__ = ["Phase", "Plateaus", "Recording", "Spikes"]

FORMAT = 1
TRIES = 20  # to read a file between two changes

T = TypeVar("T")


class Spikes(NamedTuple):
    """Spikes of a layer, by time.

    Parameters
    ----------
    neuron : (n,) int64 array
        Neuron that spikes.
    time : (n,) float64 array
        Time from the start of the trial, ms.
    """

    neuron: np.ndarray
    time: np.ndarray


class Phase(NamedTuple):
    """A phase of a trial.

    Parameters
    ----------
    name : str
        ``"forward"`` or ``"target"``.
    start, stop : float
        Times from the start of the trial, ms.
    """

    name: str
    start: float
    stop: float


class Plateaus(NamedTuple):
    """Plateau potentials of the recorded neurons of a hidden layer; None where there was no such phase.

    Parameters
    ----------
    forward, target : (n,) float64 array or None
        Plateau potentials in the two phases, in (0, 1).
    time_forward, time_target : (n,) array or None
        Their times from the start of the trial, ms.
    """

    forward: np.ndarray | None
    target: np.ndarray | None
    time_forward: np.ndarray | None
    time_target: np.ndarray | None


class ByName(dict[str, T]):
    """A dict whose names are known to the one who asks for a wrong one."""

    def __missing__(self, name: str) -> T:
        raise InputError(f"{name!r} was not recorded; {nearest(str(name), self)}")


@dataclass(frozen=True, eq=False)
class Recording:
    """A recorded trial.

    Potentials are relative to rest and have no unit; times are ms from the start of the trial.

    Parameters
    ----------
    times : (n_times,) float64 array
        Times of the samples of potentials, ms, each at the end of a step or slot.
    potentials : mapping of str to (n_neurons, n_times) array
        Potentials by name, relative to rest: ``"hidden[0].v_basal"``, ``.v_apical``, ``.v_soma``;
        ``"output.v_dendrite"``, ``.v_soma``. ``recording[name]`` for short.
    neurons : mapping of str to (n_neurons,) int64 array
        Recorded neurons of each layer: rows of its potentials and plateaus.
    spikes : mapping of str to Spikes
        Spikes by layer: ``"input"``, ``"hidden[0]"``, ..., ``"output"``. A spike of a clock has the time of its step's
        start.
    phases : tuple of Phase
        Phases in their order.
    plateaus : mapping of str to Plateaus
        Plateau potentials by hidden layer.
    annotations : mapping of str to int, float or str
        Seed, example, engine, version and more, by name. Of an example that was learned from, ``"index"`` is its number
        among those given to `train`, and ``"augment"``, JSON, what was drawn to change it: of `Shifts`, pixels down and
        to the right.
    state : mapping of str to array of any shape, optional
        State of the network after the trial, for `simulate(..., state=...)`; it is not saved.
    """

    times: np.ndarray
    potentials: Mapping[str, np.ndarray]
    neurons: Mapping[str, np.ndarray]
    spikes: Mapping[str, Spikes]
    phases: tuple[Phase, ...]
    plateaus: Mapping[str, Plateaus]
    annotations: Mapping[str, int | float | str]
    state: Mapping[str, np.ndarray] | None = None

    def __post_init__(self) -> None:
        for name in ("potentials", "neurons", "spikes", "plateaus"):
            object.__setattr__(self, name, ByName(getattr(self, name)))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.potentials[name]

    @property
    def layers(self) -> list[str]:
        """Names of all layers of which something was recorded, from the inputs up."""
        found = {*self.neurons, *self.spikes}
        return sorted(found, key=lambda name: (name != "input", name == "output", len(name), name))

    def row(self, layer: str, neuron: int) -> int:
        """Return the row of a neuron in the potentials of its layer.

        Parameters
        ----------
        layer : str
            Name of the layer, such as ``"hidden[0]"``.
        neuron : int
            Number of the neuron in its layer.

        Returns
        -------
        int
            Its row.

        Raises
        ------
        InputError
            The neuron or the layer was not recorded.
        """
        rows = np.flatnonzero(self.neurons[layer] == neuron)
        if not len(rows):
            some = ", ".join(map(str, self.neurons[layer][:10])) + (", ..." if len(self.neurons[layer]) > 10 else "")
            raise InputError(f"neuron {neuron} of {layer} was not recorded; those that were: {some}")
        return int(rows[0])

    # -- looking ------------------------------------------------------------------------------------------------------

    def plot(self, layer: str | None = None, neurons: list[int] | None = None) -> "Figure":
        """Draw compartments of some neurons one above the other, with spikes, plateaus and phases, as in figure 3C.

        Parameters
        ----------
        layer : str, optional
            Name of the layer; by default the lowest hidden layer that was recorded, or the output layer.
        neurons : list of int, optional
            Numbers of the neurons; by default the first recorded one.

        Returns
        -------
        matplotlib.figure.Figure
            A new figure.

        Raises
        ------
        InputError
            A neuron or the layer was not recorded.
        """
        from spikelearn.plotting.traces import plot_recording

        if layer is None:
            layer = next(iter(self.neurons), "")
        if neurons is None:
            neurons = self.neurons[layer][:1].tolist() if layer in self.neurons else [0]
        for neuron in neurons:
            self.row(layer, neuron)
        return plot_recording(self, layer, neurons)

    def raster(self) -> "Figure":
        """Draw the spikes of all recorded layers, with phases.

        Returns
        -------
        matplotlib.figure.Figure
            A new figure.

        Raises
        ------
        InputError
            No spikes were recorded.
        """
        from spikelearn.plotting.traces import plot_raster

        if not self.spikes:
            raise InputError("no spikes were recorded")
        return plot_raster(self)

    def page(self, path: str | Path = "recording.html", neurons: Mapping[str, Sequence[int]] | None = None) -> None:
        """Write a page for the browser: spikes, potentials and plateaus, to zoom and to move; needs the extra ``page``.

        Parameters
        ----------
        path : str or Path
            Replaced at once or not at all; its name ends in ``.html``.
        neurons : mapping from layer to sequence of int, optional
            Whose potentials are drawn. By default of a hidden layer the three whose plateaus differ most between the
            phases, of the outputs the ten with the highest mean potential.
        """
        from spikelearn.pages.recorded import write_recording

        write_recording(self, path, neurons)

    def to_xarray(self) -> Any:
        """Return the recording as an `xarray.Dataset`: potentials by layer, neuron and time, spikes and plateaus.

        Returns
        -------
        xarray.Dataset
            See `spikelearn.export.to_xarray`.
        """
        from spikelearn.export import to_xarray

        return to_xarray(self)

    def to_neo(self) -> Any:
        """Return a `neo.Block` with one segment: signals, spike trains, phases as epochs, plateaus as events.

        Returns
        -------
        neo.Block
            See `spikelearn.export.to_neo`.
        """
        from spikelearn.export import to_neo

        return to_neo(self)

    # -- on disk ------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write an HDF5 file; a file that exists is replaced by a complete one, or stays.

        Parameters
        ----------
        path : str or Path
            File to write.

        Raises
        ------
        InputError
            The file cannot be written.
        """
        try:
            with replacing(Path(path)) as temporary, hdf5_file(temporary) as file:
                file.attrs["format"] = FORMAT
                write_group(file, self)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error}") from error

    @staticmethod
    def load(path: str | Path) -> "Recording":
        """Read a file that `save` wrote.

        Parameters
        ----------
        path : str or Path
            File to read.

        Returns
        -------
        Recording
            The recording, without its `state`.

        Raises
        ------
        InputError
            It is no such file, or damaged.
        """

        def find(file: "h5py.File") -> Recording:
            if "examples" in file:
                raise InputError(f"{path} holds several recordings; open it with RecordingFile")
            return read_group(file, path)

        return found(path, find)


def check_size(size: int, limit: int, advice: str) -> None:
    """Raise `InputError` if a recording of `size` bytes is beyond the limit."""
    if size > limit:
        raise InputError(
            f"recording would take about {size / 1e6:,.0f} MB, more than limit={limit / 1e6:,.0f} MB; {advice}"
        )


def write_group(group: "h5py.Group", recording: Recording) -> None:
    """Write a recording into a group of an HDF5 file; every array has a checksum."""
    group.attrs["annotations"] = json.dumps(dict(recording.annotations))
    group.attrs["phases"] = json.dumps([list(phase) for phase in recording.phases])
    group.attrs["units"] = "times in ms; potentials relative to rest, without unit; samples at the end of a step"
    arrays: dict[str, np.ndarray | None] = {"times": recording.times}
    arrays |= {f"potentials/{name}": series for name, series in recording.potentials.items()}
    arrays |= {f"neurons/{layer}": neurons for layer, neurons in recording.neurons.items()}
    for kind, layers in (("spikes", recording.spikes), ("plateaus", recording.plateaus)):
        for layer, parts in layers.items():
            arrays |= {f"{kind}/{layer}/{name}": array for name, array in parts._asdict().items()}
    for name, array in arrays.items():
        if array is not None:
            packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
            group.create_dataset(name, data=array, **(packed if array.size else {}))


def read_group(group: "h5py.Group", path: str | Path) -> Recording:
    """Return the recording that `write_group` wrote; errors name the file."""
    try:
        return Recording(
            times=group["times"][()],
            potentials={name: data[()] for name, data in group.get("potentials", {}).items()},
            neurons={name: data[()] for name, data in group.get("neurons", {}).items()},
            spikes={k: Spikes(*(g[f][()] for f in Spikes._fields)) for k, g in group.get("spikes", {}).items()},
            phases=tuple(Phase(*each) for each in json.loads(group.attrs["phases"])),
            plateaus={
                layer: Plateaus(*(_dataset(g, name) for name in Plateaus._fields))
                for layer, g in group.get("plateaus", {}).items()
            },
            annotations=json.loads(group.attrs["annotations"]),
        )
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise InputError(f"{path} is damaged, or no recording of spikelearn: {wording(error)}") from error


def _dataset(group: "h5py.Group", name: str) -> Any:
    return group[name][()] if name in group else None


@contextlib.contextmanager
def opened(path: str | Path, mode: str = "r") -> Iterator["h5py.File"]:
    """Open a file of recordings, to read or with ``"r+"`` to change; `InputError` if it is none, or damaged."""
    import h5py

    with contextlib.ExitStack() as stack:
        try:
            pages = stack.enter_context(reading(Path(path)) if mode == "r" else changing(Path(path)))
            file = stack.enter_context(h5py.File(pages, mode))
        except FileNotFoundError as error:
            raise InputError(f"cannot open {path}: there is no such file") from error
        except OSError as error:
            reason = "" if error.errno else "it is no HDF5 file, or damaged: "
            remedy = "" if error.errno else "; give another name"
            raise InputError(f"cannot open {path}: {reason}{wording(error)}{remedy}") from error
        try:
            if file.attrs.get("format") != FORMAT:
                raise InputError(f"{path} is no recording of spikelearn, or of another version of it")
            yield file
        except InputError:
            raise
        except Exception as error:  # of a file that contradicts itself h5py raises almost anything
            raise InputError(f"{path} is damaged: {' '.join(str(error).split())}") from error


def found(path: str | Path, find: Callable[["h5py.File"], T]) -> T:
    """Return what a function finds in a file of recordings, once more where somebody changed the file meanwhile."""
    for _ in range(TRIES):
        with contextlib.suppress(ChangedMeanwhile), opened(path) as file:
            return find(file)
    raise InputError(f"{path} is changed more often than it can be read; wait, or read a copy of it")
