"""Runs on disk: run folders, and checkpoints that survive a kill.

Knows nothing of neurons, only dicts and arrays. Whatever replaces a file is written beside it, synced
and renamed over it: a reader finds the old content or the new, never a part.
"""

import csv
import functools
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from spikelearn.descriptions import plain
from spikelearn.errors import InputError, wording
from spikelearn.paths import expanded

if TYPE_CHECKING:
    import h5py

CHECKPOINT_FORMAT = 1
ABANDONED = 3600.0  # s, after which a temporary file is nobody's
RUN_FILES = ("config.json", "environment.json", "metrics.csv", "checkpoint.h5", "learning_curve.png")

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

T = TypeVar("T")
Attribute = int | float | str


def version(package: str = "spikelearn") -> str:
    """Return the installed version of a package, "0+unknown" if it is not installed."""
    from importlib import metadata  # here: with email and sockets behind it, it is half of this module's import time

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "0+unknown"


class RunFolder:
    """The folder of one training run: configuration, environment, metrics, checkpoint.

    Make a new one with `create`, find an old one with `open`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = expanded(path)
        self.metrics_path = self.path / "metrics.csv"
        self.checkpoint_path = self.path / "checkpoint.h5"

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        config: Mapping[str, Any],
        overwrite: bool = False,
        checkpoint: tuple[Mapping[str, np.ndarray], Mapping[str, Attribute]] | None = None,
    ) -> "RunFolder":
        """Make the folder, write config.json (`config`, from `to_dict`), environment.json and a first checkpoint.

        A folder that holds a run is refused, or emptied of `RUN_FILES`, and of nothing else, if `overwrite`. Where the
        new files cannot be written, all stays as it was.

        Parameters
        ----------
        path : path
        config : mapping
        overwrite : bool
        checkpoint : (arrays, attributes), optional
            As `save_checkpoint` takes them.
        """
        folder = cls(path)
        if folder.path.exists() and not folder.path.is_dir():
            raise InputError(f"{path} is a file; choose another name for the run folder")
        held = [name for name in RUN_FILES if (folder.path / name).exists()]
        if not overwrite and {"config.json", "checkpoint.h5"} <= set(held):
            raise InputError(
                f"{path} already holds a run ({', '.join(held)}); use --resume to go on or --overwrite to replace it"
            )
        if not overwrite and held:
            raise InputError(
                f"{path} holds {', '.join(held)}, which a run would replace, and no run to go on with; "
                f"choose another folder, or --overwrite"
            )
        if held:
            with folder.held():
                pass  # nobody is at work in it
        new, contents = not folder.path.exists(), {"config.json": config, "environment.json": _environment()}
        texts = {name: json.dumps(content, indent=2) + "\n" for name, content in contents.items()}
        written = [*texts, *(() if checkpoint is None else ("checkpoint.h5",))]
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            # All is written before the first takes its place. The last one to do so is config.json, entered first.
            with ExitStack() as places:
                for name, text in texts.items():
                    places.enter_context(replacing(folder.path / name)).write_text(text, encoding="utf-8")
                if checkpoint is not None:
                    _write_checkpoint(places.enter_context(replacing(folder.checkpoint_path)), *checkpoint)
            for name in set(held).difference(written):
                (folder.path / name).unlink()
        except OSError as error:
            if new:
                with suppress(OSError):
                    folder.path.rmdir()
            raise InputError(f"cannot write the run folder {path}: {error}; choose another place") from error
        return folder

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "RunFolder":
        """Return the run folder at `path`."""
        folder = cls(path)
        if not (folder.path / "config.json").is_file():
            raise InputError(f"{path} is not a run folder: no config.json; give a folder that a training run made")
        return folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training in the folder meanwhile; `InputError` if one is at it.

        The lock is the operating system's, on the folder itself: it ends with the process, however that ends. Where
        there is none (Windows), nothing is kept.
        """
        if fcntl is None:
            yield
            return
        folder = os.open(self.path, os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(
                    f"another process is training in {self.path}; wait until it is done, or choose another folder"
                ) from error
            except OSError as error:
                _say_once(
                    f"{self.path}: this file system has no locks ({error}); see that no two processes train there"
                )
            else:
                for name in RUN_FILES:  # nobody else writes them now: what is half written was left by a kill
                    for leftover in _half_written(self.path, name):
                        leftover.unlink(missing_ok=True)
            yield
        finally:
            os.close(folder)

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Replace the configuration, as a run that goes on for longer does."""
        write_text(self.path / "config.json", json.dumps(config, indent=2) + "\n")

    def config(self) -> dict[str, Any]:
        """Return the configuration, for `from_dict`."""
        return _read_json(self.path / "config.json")

    def environment(self) -> dict[str, Any]:
        """Return when, on what and with which versions the run was started, and under "resumed" the same of later."""
        return _read_json(self.path / "environment.json")

    def note_resumed(self, examples: int) -> None:
        """Add to the environment on what a run goes on after so many examples."""
        found = self.environment() if (self.path / "environment.json").is_file() else {}
        found["resumed"] = [*found.get("resumed", []), {"examples": examples} | _environment()]
        write_text(self.path / "environment.json", json.dumps(found, indent=2) + "\n")

    def append_metrics(self, row: Mapping[str, float]) -> None:
        """Append a row to metrics.csv, after a header if it is the first; it is on disk when this returns."""
        lines = self._metric_lines()
        header = next(csv.reader(lines), None)
        if header is not None and header != list(row):
            raise InputError(f"{self.metrics_path} has the columns {header}, the new row has {list(row)}")
        try:
            with open(self.metrics_path, "a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerows([row, row.values()] if header is None else [row.values()])
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:  # which may not know the name
            raise OSError(error.errno, error.strerror or str(error), str(self.metrics_path)) from error

    def metrics(self) -> list[dict[str, float]]:
        """Return the complete rows of metrics.csv (none if there is no file); empty cells are NaN."""
        header, *rows = csv.reader(self._metric_lines() or [""])
        try:
            return [dict(zip(header, map(_number, row), strict=True)) for row in rows]
        except ValueError as error:
            said = wording(error)
            raise InputError(f"{self.metrics_path} is damaged; rows must be numbers below a header: {said}") from error

    def truncate_metrics(self, n_rows: int) -> None:
        """Keep the first `n_rows` rows; to be called on resuming, as a kill may leave rows later than the checkpoint.

        A last line without its end, cut by the kill, is dropped in any case.
        """
        write_text(self.metrics_path, "".join(self._metric_lines()[: n_rows + 1]) if n_rows else "")

    def _metric_lines(self) -> list[str]:
        if not self.metrics_path.exists():
            return []
        # utf-8-sig: spreadsheets put a mark in front of what they save.
        lines = self.metrics_path.read_text(encoding="utf-8-sig", errors="replace").splitlines(keepends=True)
        return [line for line in lines if line.endswith("\n")]


def _number(text: str) -> float:
    return int(text) if text.lstrip("-").isdigit() else float(text or "nan")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # a ValueError names the line and column, or the byte that is not UTF-8
        said = wording(error)
        raise InputError(f"{path} cannot be read as JSON: {said}; correct it or start the run anew") from error


def machine() -> dict[str, Any]:
    """Return what runs this: Python, platform, processor, versions of the packages that matter."""
    cpuinfo = Path("/proc/cpuinfo")
    models = re.findall(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else []
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": models[0] if models else platform.processor(),
        "cpu_count": os.cpu_count(),
        "versions": {package: version(package) for package in ("spikelearn", "numpy", "numba", "scipy", "h5py")},
    }


def peak_memory_mb() -> float | None:
    """Return the most memory that this process has held so far, in MiB; None where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():  # not getrusage: there a process begins with what its parent held when it started it
        return int(re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())[0]) / 1024
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)  # bytes on macOS, KiB elsewhere


def _environment() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "argv": sys.argv,
        **machine(),
        "commit": _commit(Path(__file__).parents[1]),
    }


def _commit(root: Path) -> str | None:
    if not (root / ".git").exists():  # git would look further up and find somebody else's commit
        return None
    try:
        command = ["git", "-C", str(root), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name; what is written there replaces `path` when complete, or is removed on an error."""
    for leftover in _half_written(path.parent):
        with suppress(OSError):  # of a process killed while it wrote, if it is as old as that
            if time.time() - leftover.stat().st_mtime > ABANDONED:
                leftover.unlink()
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")  # of other processes, on other machines
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:  # which knows the temporary name, or none
        if error.errno is None:  # not the system's: a library's, with words of its own
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    if hasattr(os, "O_DIRECTORY"):  # the new name must survive a power cut, too; Windows cannot open folders
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        except OSError as error:  # network file systems may not know how
            _say_once(f"{path.parent}: this file system cannot sync folders ({error}); a power cut may undo a file")
        finally:
            os.close(folder)


def _half_written(folder: Path, name: str = "*") -> list[Path]:
    """Return the temporary files of `replacing` in a folder: nobody else's have such names."""
    return list(folder.glob(f".{name}.{'[0-9a-f]' * 12}.tmp"))


@functools.cache
def _say_once(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=3)


def write_text(path: Path, text: str) -> None:
    """Write a text file, which replaces the one at `path` only when complete."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def hdf5_file(path: Path, **options: Any) -> Iterator["h5py.File"]:
    """Yield a new HDF5 file in memory, and write it to disk when it is complete.

    HDF5 kills the process where a disk is full: it must not meet one.
    """
    import h5py

    with h5py.File(path, "w", driver="core", backing_store=False, **options) as file:
        yield file
        file.flush()
        image = file.id.get_file_image()
    path.write_bytes(image)


def save_checkpoint(
    path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], attributes: Mapping[str, Attribute]
) -> None:
    """Write arrays and attributes to an HDF5 file, which replaces the one at `path` only when complete.

    A ``/`` in a name makes groups. The attributes ``format`` and ``spikelearn`` (the version) are added.
    """
    with replacing(Path(path)) as temporary:
        _write_checkpoint(temporary, arrays, attributes)


def _write_checkpoint(path: Path, arrays: Mapping[str, np.ndarray], attributes: Mapping[str, Attribute]) -> None:
    import h5py

    attributes = {name: plain(value) for name, value in attributes.items()}
    attributes |= {"format": CHECKPOINT_FORMAT, "spikelearn": version()}
    with hdf5_file(path, libver="v110") as file:  # v110: records with checksums
        for name, array in arrays.items():
            file[name] = array
        for name, value in (attributes | {"sha256": _digest(arrays, attributes)}).items():
            if isinstance(value, str):  # of fixed length: HDF5 can hang on damaged text of variable length
                text = value.encode()
                file.attrs.create(name, text, dtype=h5py.string_dtype(length=len(text) or 1))
            else:
                file.attrs[name] = value
    load_checkpoint(path)  # what cannot be read back must not replace a good checkpoint


def load_checkpoint(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], dict[str, Attribute]]:
    """Read what `save_checkpoint` wrote, bit for bit, and verify its digest."""
    import h5py

    remedy = "restore it from a copy or start the run anew"
    if not Path(path).is_file():
        raise InputError(f"no checkpoint at {path}: it was removed, or its run was stopped at once; start it anew")
    try:
        with h5py.File(path, "r", locking=False) as file:
            attributes = {name: plain(value) for name, value in file.attrs.items()}
            attributes = {name: v.decode() if isinstance(v, bytes) else v for name, v in attributes.items()}
            names: list[str] = []
            file.visit(names.append)
            arrays = {name: file[name][...] for name in names if isinstance(file[name], h5py.Dataset)}
        intact = attributes.pop("sha256", None) == _digest(arrays, attributes)
    except Exception as error:  # a damaged file makes h5py raise almost anything, or return what cannot be digested
        raise InputError(f"{path} is truncated, damaged or no HDF5 file: {wording(error)}; {remedy}") from error
    written = attributes.get("format")
    if not isinstance(written, int):
        raise InputError(f"{path} is not a checkpoint of spikelearn: no attribute 'format'; give a checkpoint.h5")
    if written > CHECKPOINT_FORMAT:
        raise InputError(
            f"{path} was written by format {written} (spikelearn {attributes.get('spikelearn')}); "
            f"this version reads up to {CHECKPOINT_FORMAT}; upgrade spikelearn"
        )
    if not intact:
        raise InputError(f"{path} is damaged: its content does not match its SHA-256 digest; {remedy}")
    return arrays, attributes


def _digest(arrays: Mapping[str, np.ndarray], attributes: Mapping[str, Attribute]) -> str:
    digest = hashlib.sha256(repr(sorted(attributes.items())).encode())
    for name, array in sorted(arrays.items()):
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
