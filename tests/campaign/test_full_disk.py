"""Disks that fill up, and calls of the system that fail: the old state stays or the new one is there, never a part."""

import errno
import functools
import os
import resource
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import matplotlib.image
import numpy as np
import pytest
import test_recording
from plan import sizes

import spikelearn as sl
from spikelearn import journal, plotting, storage
from spikelearn.recording import Recording
from spikelearn.recording_file import RecordingFile
from spikelearn.storage import RunFolder, load_checkpoint, save_checkpoint


@functools.cache
def recording(number):
    """Make one up, the same for the same number, with little in it: its file is to be cut at every byte."""
    test_recording.RNG = np.random.default_rng(number)
    whole = test_recording.recording(n_times=4)
    potentials, spikes = (
        {name: getattr(whole, part)[name]} for part, name in (("potentials", "output.v_soma"), ("spikes", "hidden[0]"))
    )
    return replace(whole, potentials=potentials, spikes=spikes, plateaus={}, neurons={"output": np.arange(3)})


class Checkpoint:
    """Something that is written: the old state, how it is changed, and what can be there afterwards."""

    def __init__(self, folder):
        self.path = folder / "checkpoint.h5"
        save_checkpoint(self.path, {"x": np.arange(500.0)}, {"trials": 1})

    def change(self):
        save_checkpoint(self.path, {"x": np.arange(3000.0)}, {"trials": 2})

    def state(self):
        arrays, attributes = load_checkpoint(self.path)
        assert len(arrays["x"]) == {1: 500, 2: 3000}[attributes["trials"]]
        return attributes["trials"]


class Recorded:
    def __init__(self, folder):
        self.path = folder / "r.h5"
        recording(1).save(self.path)

    def change(self):
        recording(2).save(self.path)

    def state(self):
        found = Recording.load(self.path)
        for number in (1, 2):
            if found.potentials["output.v_soma"].tobytes() == recording(number).potentials["output.v_soma"].tobytes():
                test_recording.assert_equal(found, recording(number))
                return number
        raise AssertionError


class Added:
    def __init__(self, folder):
        self.file = RecordingFile.create(folder / "all.h5")
        self.file.append(1, recording(1))

    def change(self):
        self.file.append(2, recording(2))

    def state(self):
        again = RecordingFile(self.file.path)
        for number in again.examples:
            test_recording.assert_equal(again[number], recording(number))
        if not journal.journal_of(self.file.path).exists():
            with h5py.File(self.file.path) as plain:  # whoever does not know of journals
                assert len(plain["examples"]) == len(again)
        return again.examples[-1]


class Metrics:
    def __init__(self, folder):
        self.folder = RunFolder(folder)
        self.folder.append_metrics({"epoch": 1, "test_error": 5.25})

    def change(self):
        self.folder.truncate_metrics(1)  # as a run does that goes on
        self.folder.append_metrics({"epoch": 2, "test_error": 4.125})

    def state(self):
        rows = self.folder.metrics()
        assert rows == [{"epoch": 1, "test_error": 5.25}, {"epoch": 2, "test_error": 4.125}][: len(rows)]
        return len(rows)


class Configuration:
    def __init__(self, folder):
        self.folder = RunFolder(folder)
        self.folder.write_config({"number": 1, "text": "x" * 500})

    def change(self):
        self.folder.write_config({"number": 2, "text": "y" * 900})

    def state(self):
        return self.folder.config()["number"]


class Table:
    def __init__(self, folder):
        self.folder = folder
        (folder / "table.txt").write_text("old")

    def change(self):
        storage.write_text(self.folder / "table.txt", "new" * 500)

    def state(self):
        return {"old": 1, "new" * 500: 2}[(self.folder / "table.txt").read_text()]


class Picture:
    def __init__(self, folder):
        self.path = folder / "curve.png"
        plotting.save_learning_curve(self.path, [{}])

    def change(self):
        plotting.save_learning_curve(self.path, [{}] * 2)

    def state(self):
        shown = matplotlib.image.imread(self.path)  # which refuses a part of one
        return 1 if (shown == 1).all() else 2


of_each = pytest.mark.parametrize("thing", [Checkpoint, Recorded, Added, Metrics, Configuration, Table, Picture])


@pytest.fixture(autouse=True)
def quick_drawing(monkeypatch):
    """Draw a text for a second epoch and nothing else: how a picture is written is tried here, thousands of times."""

    def drawn(axes, rows, title):
        axes.set_axis_off()
        if len(rows) > 1:
            axes.text(0.5, 0.5, "two")

    monkeypatch.setattr(plotting.curves, "learning_curve", drawn)


def content(folder):
    """Return all there is in a folder, to the last byte."""
    return frozenset((path.name, path.read_bytes()) for path in folder.iterdir())


@of_each
@sizes(7, None, "places")
def test_a_disk_that_is_full_after_any_number_of_bytes(tmp_path, thing, places):
    """At so many places, or after every byte. What was read once is not read again where each byte is the same."""
    folder = tmp_path / "here"
    folder.mkdir()
    made = thing(folder)
    shutil.copytree(folder, tmp_path / "old")
    states = {}
    made.change()
    largest = max(path.stat().st_size for path in folder.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    failed = 0
    for limit in np.linspace(0, largest + 1, places or largest + 2).astype(int):
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "old", folder)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), hard))
        try:
            made.change()
            said = None
        except (OSError, sl.InputError) as error:
            said = str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert said is None or "\n" not in said and str(folder) in said
        failed += said is not None
        found = content(folder)
        if found not in states:
            assert not [name for name, _ in found if name.endswith(".tmp")]
            states[found] = made.state()
            made.change()  # as soon as there is room
            assert made.state() == 2
        # The journal of an added recording may be whole.
        assert states[found] in ((2,) if said is None else (1, 2) if thing is Added else (1,))
    assert 0 < failed


CALLS = ["open", "fsync", "replace", "ftruncate", "unlink", "stat"]
ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES]
ODD = {"flock": [errno.ENOLCK, errno.EINVAL, errno.EINTR], "fsync": [errno.EINVAL, errno.EINTR]}


@of_each
@pytest.mark.filterwarnings("ignore:.*this file system:RuntimeWarning")  # it has no locks, or cannot sync folders
@pytest.mark.parametrize("call", [*CALLS, "flock", "builtin open", "write_bytes", "write_text"])
@sizes(False, True, "every")
def test_any_call_of_the_system_may_fail(tmp_path, monkeypatch, thing, call, every):
    """Each in turn: the first, the second, ... until the change goes through."""
    for number in {*ERRORS, *(sum(ODD.values(), []) if every else ODD.get(call, []))}:
        for nth in range(40):
            folder = tmp_path / f"{number}-{nth}"
            folder.mkdir()
            made = thing(folder)
            with monkeypatch.context() as patched:
                calls = failing(patched, call, nth, number, folder)
                try:
                    made.change()
                    said = None
                except (OSError, sl.InputError) as error:
                    said = str(error)
            assert made.state() in ((2,) if said is None else (1, 2))
            assert said is None or "\n" not in said and str(folder) in said
            made.change()
            assert made.state() == 2
            if not calls:
                return  # nothing calls it
            if len(calls) <= nth:
                break
        else:
            raise AssertionError("it never went through")


def failing(patched, call, nth, number, folder):
    """Let the call of that number fail, if it is about the folder; return a list that grows with the calls."""
    calls = []

    def wrapped(real):
        def replacement(first, *more, **keywords):
            about = not isinstance(first, str | Path) or str(folder) in str(first)
            if about:
                calls.append(None)
                if len(calls) == nth + 1:
                    raise OSError(number, os.strerror(number), str(first) if isinstance(first, str | Path) else None)
            return real(first, *more, **keywords)

        return replacement

    if call == "flock":
        fcntl = pytest.importorskip("fcntl")
        patched.setattr(fcntl, "flock", wrapped(fcntl.flock))
    elif call == "builtin open":
        import builtins

        patched.setattr(builtins, "open", wrapped(builtins.open))
    elif call.startswith("write_"):
        real = getattr(Path, call)
        patched.setattr(Path, call, lambda self, *more, **keywords: wrapped(real)(self, *more, **keywords))
    else:
        patched.setattr(os, call, wrapped(getattr(os, call)))
    return calls
