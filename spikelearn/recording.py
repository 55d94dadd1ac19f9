"""What a recorded trial leaves behind: potentials, spikes, plateaus and phases by name; in memory and on disk.

Files are HDF5. A recording is a group: the attributes ``annotations`` and ``phases`` (JSON), the dataset ``times``
(ms), and the groups ``potentials``, ``spikes``, ``neurons`` and ``plateaus`` with one dataset, or group, for each
name. A file of several recordings has one such group for each example, ``examples/000000042``.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from spikelearn import origin
from spikelearn.errors import InputError, nearest
from spikelearn.journal import changing, journal_of, reading
from spikelearn.storage import hdf5_file, replacing

if TYPE_CHECKING:
    import h5py
    from matplotlib.figure import Figure

FORMAT = 1

T = TypeVar("T")


class Spikes(NamedTuple):
    """Spikes of a layer, by time."""

    neuron: np.ndarray  # (n,) int64
    time: np.ndarray  # (n,) float64, ms from the start of the trial


class Phase(NamedTuple):
    """A part of a trial."""

    name: str  # "forward" or "target"
    start: float  # ms
    stop: float


class Plateaus(NamedTuple):
    """Plateau potentials of the recorded neurons of a hidden layer, in (0, 1), and when they came."""

    forward: np.ndarray | None  # (n,) float64; None: there was no such phase
    target: np.ndarray | None
    time_forward: np.ndarray | None  # (n,) ms
    time_target: np.ndarray | None


class ByName(dict[str, T]):
    """A dict whose names are known to the one who asks for a wrong one."""

    def __missing__(self, name: str) -> T:
        raise InputError(f"{name!r} was not recorded; {nearest(str(name), self)}")


@dataclass(frozen=True, eq=False)
class Recording:
    """A recorded trial. Potentials are relative to rest and have no unit; times are ms from the start of the trial.

    Attributes
    ----------
    times : (n_times,) float64 array
        Of the samples of potentials, each at the end of a step or slot.
    potentials : mapping of str to (n_neurons, n_times) array
        ``"hidden[0].v_basal"``, ``.v_apical``, ``.v_soma``; ``"output.v_dendrite"``, ``.v_soma``. ``recording[name]``,
        for short.
    neurons : mapping of str to (n_neurons,) int64 array
        The recorded neurons of each layer: rows of its potentials and plateaus.
    spikes : mapping of str to Spikes
        By layer: ``"input"``, ``"hidden[0]"``, ..., ``"output"``. A spike of a clock has the time of its step's start.
    phases : tuple of Phase
    plateaus : mapping of str to Plateaus
        By hidden layer.
    annotations : mapping of str to int, float or str
        Seed, example, engine, version ...
    state : mapping of str to array, optional
        What the network was left in, for `simulate(..., state=...)`; it is not saved.
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
        """Return the row of a neuron in the potentials of its layer; `InputError` if it was not recorded."""
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
            By default the lowest hidden layer that was recorded, or the outputs.
        neurons : list of int, optional
            By default the first recorded one.
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
        """Draw the spikes of all recorded layers, with phases."""
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
        """Return an `xarray.Dataset`: potentials by layer, neuron and time, spikes and plateaus; needs the extra."""
        from spikelearn.export import to_xarray

        return to_xarray(self)

    def to_neo(self) -> Any:
        """Return a `neo.Block` with one segment: signals, spike trains, phases as epochs, plateaus as events."""
        from spikelearn.export import to_neo

        return to_neo(self)

    # -- on disk ------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write an HDF5 file, replacing what was there at once or not at all."""
        try:
            with replacing(Path(path)) as temporary, hdf5_file(temporary) as file:
                file.attrs["format"] = FORMAT
                write_group(file, self)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error}") from error

    @staticmethod
    def load(path: str | Path) -> "Recording":
        """Read what `save` wrote."""
        with _opened(path) as file:
            if "examples" in file:
                raise InputError(f"{path} holds several recordings; open it with RecordingFile")
            return _read(file, path)


class RecordingFile:
    """Several recordings in one file, added one by one; what was added survives the process.

    A recording is added wholly or not at all, whatever happens to the process or the disk; others may read meanwhile.

    Parameters
    ----------
    path : str or Path
        A file that `create` made.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with _opened(self.path) as file:
            if "examples" not in file:
                raise InputError(f"{path} holds a single recording; open it with Recording.load")

    @classmethod
    def create(cls, path: str | Path) -> "RecordingFile":
        """Make a new, empty file; `InputError` if there is one already."""
        try:
            with open(path, "xb"):
                pass  # nobody else makes it now
        except FileExistsError as error:
            raise InputError(f"cannot create {path}: it exists already; choose another name or remove it") from error
        except OSError as error:
            raise InputError(f"cannot create {path}: {error}") from error
        try:
            journal_of(Path(path)).unlink(missing_ok=True)
            with replacing(Path(path)) as temporary, hdf5_file(temporary) as file:
                file.attrs["format"] = FORMAT
                file.create_group("examples")
        except OSError as error:
            Path(path).unlink()  # an empty file would stand in the way of the next start
            raise InputError(f"cannot create {path}: {error}") from error
        return cls(path)

    def claim(self, made_from: Mapping[str, Any]) -> None:
        """Note what the examples come from; `InputError` if there are some that come from something else.

        Parameters
        ----------
        made_from : mapping
            Of what JSON knows. Where the file has examples, keys that it knows are compared and others added.
        """
        with _opened(self.path, "r+") as file:
            if len(file["examples"]):
                found = origin.read(file.attrs["origin"].decode()) if "origin" in file.attrs else {}
                if not found:
                    raise InputError(f"{self.path} does not say where its examples come from; choose another name")
                origin.check_origin(
                    f"{self.path} has examples of another training",
                    {key: value for key, value in found.items() if key in made_from},
                    {key: value for key, value in made_from.items() if key in found},
                    "choose another name, or remove it",
                )
                made_from = found | dict(made_from)
            file.attrs["origin"] = np.bytes_(origin.write(made_from))

    @property
    def examples(self) -> list[int]:
        """Numbers of the recorded examples, ascending."""
        with _opened(self.path) as file:
            return sorted(map(int, file["examples"]))

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, example: int) -> Recording:
        with _opened(self.path) as file:
            name = f"{example:09d}"
            if name not in file["examples"]:
                some = ", ".join(str(int(n)) for n in list(file["examples"])[:10])
                raise InputError(f"{self.path} has no example {example}; it begins with {some or 'none'}")
            return _read(file["examples"][name], self.path)

    def __iter__(self) -> Iterator[Recording]:
        return (self[example] for example in self.examples)

    def append(self, example: int, recording: Recording) -> None:
        """Add the recording of an example, in place of one that was there."""
        with _opened(self.path, "r+") as file:
            name = f"examples/{example:09d}"
            if name in file:
                del file[name]
            write_group(file.create_group(name), recording)

    def truncate(self, first_example: int) -> None:
        """Drop all examples from `first_example` on: a run that goes on from there records them again."""
        with _opened(self.path, "r+") as file:
            for name in [name for name in file["examples"] if int(name) >= first_example]:
                del file["examples"][name]


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


def _read(group: "h5py.Group", path: str | Path) -> Recording:
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
        raise InputError(f"{path} is damaged, or no recording of spikelearn: {error}") from error


def _dataset(group: "h5py.Group", name: str) -> Any:
    return group[name][()] if name in group else None


@contextlib.contextmanager
def _opened(path: str | Path, mode: str = "r") -> Iterator["h5py.File"]:
    import h5py

    with contextlib.ExitStack() as stack:
        try:
            pages = stack.enter_context(reading(Path(path)) if mode == "r" else changing(Path(path)))
            file = stack.enter_context(h5py.File(pages, mode))
        except FileNotFoundError as error:
            raise InputError(f"cannot open {path}: there is no such file") from error
        except OSError as error:
            reason = "" if error.errno else "it is no HDF5 file, or damaged: "
            raise InputError(f"cannot open {path}: {reason}{error}") from error
        try:
            if file.attrs.get("format") != FORMAT:
                raise InputError(f"{path} is no recording of spikelearn, or of another version of it")
            yield file
        except InputError:
            raise
        except Exception as error:  # of a file that contradicts itself h5py raises almost anything
            raise InputError(f"{path} is damaged: {' '.join(str(error).split())}") from error
