"""Several recordings in one file, one group for each example."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spikelearn import origin
from spikelearn.errors import InputError
from spikelearn.journal import journal_of
from spikelearn.recording import FORMAT, Recording, found, opened, read_group, write_group
from spikelearn.storage import hdf5_file, replacing

if TYPE_CHECKING:
    import h5py


class RecordingFile:
    """Several recordings in one file, added one by one; they stay if the process ends.

    A recording is added wholly or not at all, even if the process is killed or the disk is full; other processes may
    read meanwhile.

    Parameters
    ----------
    path : str or Path
        A file that `create` made.

    Raises
    ------
    InputError
        It is no such file, or damaged, or it holds a single recording.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

        def check(file: "h5py.File") -> None:
            if "examples" not in file:
                raise InputError(
                    f"{path} holds a single recording; open it with Recording.load"
                    if "annotations" in file.attrs
                    else f"{path} holds no recordings; give a file that record_to or Recording.save made"
                )

        found(self.path, check)

    @classmethod
    def create(cls, path: str | Path) -> "RecordingFile":
        """Make a new, empty file.

        Parameters
        ----------
        path : str or Path
            File to make.

        Returns
        -------
        RecordingFile
            The file, open to `append`.

        Raises
        ------
        InputError
            The file exists, or cannot be written.
        """
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
        """Note from what the examples are made.

        Parameters
        ----------
        made_from : mapping of str to object
            Numbers, texts, lists and mappings, as JSON has them. Where the file has examples, keys that it has are
            compared and others added.

        Raises
        ------
        InputError
            The file has examples that are made from something else.
        """
        with opened(self.path, "r+") as file:
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
        return found(self.path, lambda file: sorted(map(int, file["examples"])))

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, example: int) -> Recording:
        def find(file: "h5py.File") -> Recording:
            name = f"{example:09d}"
            if name not in file["examples"]:
                some = ", ".join(str(int(n)) for n in list(file["examples"])[:10])
                raise InputError(f"{self.path} has no example {example}; it begins with {some or 'none'}")
            return read_group(file["examples"][name], self.path)

        return found(self.path, find)

    def __iter__(self) -> Iterator[Recording]:
        return (self[example] for example in self.examples)

    def append(self, example: int, recording: Recording) -> None:
        """Add the recording of an example; it replaces an earlier one.

        Parameters
        ----------
        example : int
            Number of the example.
        recording : Recording
            Its recording.
        """
        with opened(self.path, "r+") as file:
            name = f"examples/{example:09d}"
            if name in file:
                del file[name]
            write_group(file.create_group(name), recording)

    def truncate(self, first_example: int) -> None:
        """Drop all examples from one on: a training that continues there records them again.

        Parameters
        ----------
        first_example : int
            Number of the first example to drop.
        """
        with opened(self.path, "r+") as file:
            for name in [name for name in file["examples"] if int(name) >= first_example]:
                del file["examples"][name]
