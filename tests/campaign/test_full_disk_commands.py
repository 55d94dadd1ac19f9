"""Commands on a disk that fills up: an exit status that says so, one line, and the same command goes on later."""

import json
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from conftest import needs_jit
from plan import arrived_at, sizes, without_seconds, write_bars

from spikelearn.cli import main

DISK = 1 << 20  # bytes of the one that is made
EPOCHS = 2


class Limited:
    """A folder in which no file may be longer than so many bytes."""

    def __init__(self, folder):
        self.folder = folder

    @contextmanager
    def room(self, size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Small:
    """A disk of its own, on which so many bytes are free."""

    def __init__(self, folder):
        self.folder = folder / "disk"
        self.folder.mkdir()
        order = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(self.folder)]
        if shutil.which("mount") is None or subprocess.run(order, capture_output=True).returncode:
            pytest.skip("only root can mount a disk, and not in every container")

    def close(self):
        subprocess.run(["umount", str(self.folder)], check=True)

    @contextmanager
    def room(self, size):
        disk, filler = os.statvfs(self.folder), self.folder / "filler"
        filler.write_bytes(bytes(max(disk.f_bavail * disk.f_frsize - size, 0)))
        try:
            yield
        finally:
            filler.unlink()


@pytest.fixture(params=["limited", "small"])
def disk(request, tmp_path):
    if request.param == "limited":
        yield Limited(tmp_path)
    else:
        small = Small(tmp_path)
        yield small
        small.close()


class Done:
    """What a command did, which was called with so much room, and without a limit if that is None."""

    def __init__(self, capsys, order, disk=None, size=None):
        capsys.readouterr()
        if size is None:
            self.status = main(order)
        else:
            with disk.room(size):
                self.status = main(order)
        self.said = capsys.readouterr().err.splitlines()

    def check(self):
        """A picture is a note; all else is one line of an error, and a status that is not 0."""
        notes = [line for line in self.said if line.startswith("spikelearn: note: ")]
        assert all("could not be drawn" in line for line in notes)
        errors = self.said[len(notes) :]
        assert len(errors) == (self.status != 0), self.said
        if self.status:
            assert self.status in (1, 2)
            assert errors[0].startswith(("spikelearn: failed: ", "spikelearn: error: cannot write "))
            assert "No space left" in errors[0] or "File too large" in errors[0]


def files(folder):
    """Return the content of each file, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else None


def train(source, out, *more, seed=1, epochs=EPOCHS):
    small = ["--hidden", "5", "--engine", "clock", "--seed", str(seed), "--epochs", str(epochs), "--json"]
    return ["train", "one-hidden", "--data", source, *small, "--out", str(out), *more]


def rooms(largest, n):
    """Return sizes from none to enough."""
    return [int(size) for size in np.linspace(0, largest + 8192, n)]


@pytest.fixture
def source(tmp_path):
    return write_bars(tmp_path / "bars.npz")


def whole(capsys, source, folder, **options):
    """Return what a run arrives at that never lacked room, and how large its files are together."""
    assert Done(capsys, train(source, folder, **options)).status == 0
    return arrived_at(folder), sum(path.stat().st_size for path in folder.iterdir())


@sizes(3, 300)
def test_a_training_that_begins(disk, source, tmp_path, capsys, n):
    wanted, size = whole(capsys, source, tmp_path / "whole")
    statuses = set()
    for room in rooms(size, n):
        out = disk.folder / "run"
        done = Done(capsys, train(source, out), disk, room)
        done.check()
        statuses.add(done.status)
        if done.status == 2:
            assert not out.exists()
            assert Done(capsys, train(source, out)).status == 0  # as though for the first time
        else:
            assert not list(out.glob(".*"))
            assert Done(capsys, train(source, out, "--resume")).status == 0
        assert arrived_at(out) == wanted
        shutil.rmtree(out)
    assert statuses == {0, 2} or statuses == {0, 1, 2}


@sizes(3, 300)
def test_a_training_that_replaces_another(disk, source, tmp_path, capsys, n):
    wanted, size = whole(capsys, source, tmp_path / "whole")
    _, other = whole(capsys, source, tmp_path / "old", seed=2)
    before = files(tmp_path / "old")
    for room in rooms(size, n):
        out = disk.folder / "run"
        shutil.copytree(tmp_path / "old", out)
        done = Done(capsys, train(source, out, "--overwrite"), disk, room)
        done.check()
        if done.status == 2:
            assert files(out) == before
        assert Done(capsys, train(source, out, "--overwrite" if done.status == 2 else "--resume")).status == 0
        assert arrived_at(out) == wanted
        shutil.rmtree(out)


@sizes(3, 300)
def test_a_training_that_goes_on(disk, source, tmp_path, capsys, n):
    wanted, size = whole(capsys, source, tmp_path / "whole", epochs=4)
    before, _ = whole(capsys, source, tmp_path / "old")
    for room in rooms(size, n):
        out = disk.folder / "run"
        shutil.copytree(tmp_path / "old", out)
        done = Done(capsys, train(source, out, "--resume", epochs=4), disk, room)
        done.check()
        assert not list(out.glob(".*"))
        if done.status:
            found = arrived_at(out)
            assert found[1]["trials"] in range(before[1]["trials"], wanted[1]["trials"] + 1)
            if found[1] == before[1]:
                assert found[0] == before[0]
        assert Done(capsys, train(source, out, "--resume", epochs=4)).status == 0
        assert arrived_at(out) == wanted
        shutil.rmtree(out)


@sizes(3, 300)
def test_a_comparison(disk, source, tmp_path, capsys, n):
    def order(out):
        small = ["--sizes", "9,12,3", "--rules", "bp,kp", "--seeds", "1", "--epochs", "2", "--jobs", "1", "--json"]
        return ["compare", "--data", source, *small, "--out", str(out)]

    def results(out):
        return {path.name: without_seconds(json.loads(path.read_text())) for path in out.glob("results/*.json")}

    assert Done(capsys, order(tmp_path / "whole")).status == 0
    wanted, names = results(tmp_path / "whole"), {path.name for path in (tmp_path / "whole").iterdir()}
    for room in rooms(sum(path.stat().st_size for path in (tmp_path / "whole").rglob("*")), n):
        out = disk.folder / "out"
        done = Done(capsys, order(out), disk, room)
        done.check()
        if done.status:
            assert all(results(out)[name] == wanted[name] for name in results(out))
            assert not list(out.rglob(".*"))
        assert Done(capsys, order(out)).status == 0
        assert results(out) == wanted and {path.name for path in out.iterdir()} == names
        shutil.rmtree(out)


@pytest.mark.parametrize("name", ["trace.png", "trace.h5"])
@sizes(3, 200)
def test_a_trace(disk, source, tmp_path, capsys, n, name):
    whole(capsys, source, tmp_path / "run")
    place = disk.folder / "traces"
    place.mkdir()

    def order(image):
        return ["trace", str(tmp_path / "run"), "--image", str(image), "--json", "--out", str(place / name)]

    assert Done(capsys, order(1)).status == 0
    for room in rooms((place / name).stat().st_size, n):
        assert Done(capsys, order(0)).status == 0
        before = files(place)
        done = Done(capsys, order(1), disk, room)
        done.check()
        assert (files(place) == before) == (done.status != 0)


def test_an_experiment_that_cannot_write_its_results(disk, monkeypatch):
    import harness

    out = disk.folder / "results"
    monkeypatch.setattr(sys, "argv", ["it.py", "--out", str(out)])

    def start():
        harness.main("it", "Do nothing.", lambda setting: [], lambda setting: {"numbers": [1.5] * 5000})

    with (
        disk.room(100),
        pytest.raises(SystemExit, match=r"^it: failed: \[Errno \d+\] (No space left|File too large).*"),
    ):
        start()
    assert not list(out.glob("*")) and not list(out.glob(".*"))
    start()
    assert len(json.loads((out / "it.json").read_text())["numbers"]) == 5000


@needs_jit
def test_the_shell_sees_it_too(source, tmp_path, capsys):
    """A process of its own, whose output goes to a full disk or whose files may not grow."""
    whole(capsys, source, tmp_path / "run")
    before, python = files(tmp_path / "run"), [sys.executable, "-m", "spikelearn"]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    order = [*python, *train(source, tmp_path / "run", "--resume", epochs=3)]
    done = subprocess.run(order, capture_output=True, text=True, preexec_fn=limit)
    *notes, last = done.stderr.splitlines()  # a cache that cannot grow, if this is new to it, is a note
    assert done.returncode == 1 and last.startswith("spikelearn: failed: ") and str(tmp_path / "run") in last
    assert all(line.startswith("spikelearn: note: ") for line in notes)
    assert files(tmp_path / "run")["checkpoint.h5"] == before["checkpoint.h5"]
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [*python, "info", str(tmp_path / "run")], stdout=full, stderr=subprocess.PIPE, text=True
            )
        *notes, last = done.stderr.splitlines()
        assert done.returncode == 1 and not notes
        assert last.startswith("spikelearn: note: standard output cannot be written (No space left on device)")
