"""What a sweep trains is what `train` does, whoever does it, however often it is stopped; and what is in its table."""

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import needs_jit

import spikelearn as sl
from spikelearn import runs, side_by_side, storage
from spikelearn.cli import main
from spikelearn.errors import InputError, NotFiniteError
from spikelearn.sweeps import running
from spikelearn.sweeps.plan import plan
from sweeps.conftest import content, measured, runs_in, toml

pytestmark = needs_jit
LONG = 40  # epochs, so many that a kill comes before the last


@pytest.fixture(scope="module")
def done(source, tmp_path_factory):
    """A sweep that ran through, its table and its folder; to be read only."""
    grid = {
        "network": "one-hidden", "data": source, "hidden": [5], "engine": "clock", "epochs": 2, "seeds": 2,
        "grid": {"g_apical": [0.0, 0.05]},
    }  # fmt: skip
    out = tmp_path_factory.mktemp("done")
    return sl.sweep(grid, out), out


def test_a_run_of_a_sweep_is_that_of_the_command_train(done, source, tmp_path):
    order = ["train", "one-hidden", "--data", source, "--hidden", "5", "--engine", "clock", "--epochs", "2"]
    assert main([*order, "--seed", "2", "--set", "g_apical=0.05", "--out", str(tmp_path / "run"), "--json"]) == 0
    ours = done[1] / "runs" / "g_apical=0.05-2"
    assert content(ours) == content(tmp_path / "run")
    assert (ours / "config.json").read_text() == (tmp_path / "run" / "config.json").read_text()


def test_the_table_has_a_row_a_run(done):
    rows, out = done
    assert [(row["setting"], row["g_apical"], row["seed"]) for row in rows] == [
        (f"g_apical={g}", g, seed) for g in (0.0, 0.05) for seed in (1, 2)
    ]
    for row in rows:
        metrics = storage.RunFolder.open(out / "runs" / f"{row['setting']}-{row['seed']}").metrics()
        errors = [each["test_error"] for each in metrics]
        assert (row["state"], row["epochs_done"], row["test_error"]) == ("done", 2, errors[-1])
        assert row["mean_error"] == pytest.approx(sum(errors) / 2)
        assert row["seconds"] == pytest.approx(sum(m["train_seconds"] + m["test_seconds"] for m in metrics))
        assert row["version"] == sl.__version__ and row["machine"]


def test_the_table_is_the_same_in_all_its_forms(done):
    rows, out = done
    assert json.loads((out / "table.json").read_text()) == rows
    with open(out / "table.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines == [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]
    parquet = pytest.importorskip("pyarrow.parquet")
    read = parquet.read_table(out / "table.parquet")
    assert read.to_pylist() == rows
    assert str(read.schema.field("test_error").type) == "double" and str(read.schema.field("seed").type) == "int64"


def test_columns_of_numbers_and_text_are_text_in_parquet(grid, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    mixed = {"cutoff": ["none", 9.0]}
    sl.sweep({**grid, "grid": mixed, "epochs": 1, "seeds": 1}, tmp_path)
    assert parquet.read_table(tmp_path / "table.parquet").column("cutoff").to_pylist() == ["none", "9.0"]


def test_a_run_that_holds_images_out_is_tested_on_them_and_gone_on_with(grid, tmp_path):
    (row,) = sl.sweep({**grid, "grid": {}, "seeds": 1, "held_out": True}, tmp_path)
    path, held = tmp_path / "runs" / "run-1", sl.datasets.split(sl.load(grid["data"]).train)
    assert runs.test_images(path).digest() == held.test.digest()
    run = runs.Run.resume(path, epochs=3)
    assert run.data.digests() == held.digests()
    assert run.train()[1]["test_error"] == row["test_error"]


def test_two_processes_come_to_the_same(done, grid, tmp_path):
    assert measured(sl.sweep(grid, tmp_path, jobs=2)) == measured(done[0])
    assert runs_in(tmp_path) == runs_in(done[1])


def test_a_second_start_does_what_is_missing(done, grid, tmp_path, monkeypatch):
    sl.sweep({**grid, "seeds": [2]}, tmp_path)
    began, reported = [], []
    train = running._train
    monkeypatch.setattr(running, "_train", lambda order: began.append(order.task) or train(order))
    rows = sl.sweep(grid, tmp_path, progress=lambda *counts: reported.append(counts))
    assert began == [("g_apical=0.0", 1), ("g_apical=0.05", 1)]
    assert reported == [(2, 4), (3, 4), (4, 4)]
    assert measured(rows) == measured(done[0])
    assert sl.sweep(grid, tmp_path) == rows and len(began) == 2


def test_a_run_that_was_begun_is_gone_on_with(done, grid, tmp_path):
    (setting,) = plan(sl.sweeps.grid.read({**grid, "grid": {"g_apical": [0.05]}})).settings.values()
    path = tmp_path / "runs" / "g_apical=0.05-1"
    run = runs.Run.start(path, setting.config, sl.load(grid["data"]))

    def stop(chunk):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.train(stop)
    sl.sweep(grid, tmp_path)
    assert runs_in(tmp_path) == runs_in(done[1])
    assert storage.RunFolder.open(path).environment()["resumed"]


def test_what_a_kill_left_while_a_run_was_begun_is_no_hindrance(done, grid, tmp_path):
    folder = tmp_path / "runs" / "g_apical=0.05-1"
    folder.mkdir(parents=True)
    (folder / "environment.json").write_text("{}")
    sl.sweep(grid, tmp_path)
    assert runs_in(tmp_path) == runs_in(done[1])


def test_another_sweep_in_the_same_folder_is_refused_before_anything_is_written(done, grid, tmp_path):
    out = done[1]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    with pytest.raises(InputError, match=r"g_apical=0.0-1.json is of another .*epochs is 2 there, now 3; choose"):
        sl.sweep({**grid, "epochs": 3}, out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    runs.Run.start(
        tmp_path / "runs" / "g_apical=0.0-1",
        plan(sl.sweeps.grid.read({**grid, "reading": "text"})).settings["g_apical=0.0"].config,
        sl.load(grid["data"]),
    )
    with pytest.raises(InputError, match=r"g_apical=0.0-1 holds another run: model.network"):
        sl.sweep(grid, tmp_path)
    assert not (tmp_path / "results").exists()


def test_a_folder_in_which_another_sweep_is_at_work_is_refused(grid, tmp_path):
    with running.held(tmp_path), pytest.raises(InputError, match="another process is training in"):
        sl.sweep(grid, tmp_path)


def test_a_run_that_diverges_is_a_row_and_the_others_go_on(done, grid, tmp_path, monkeypatch):
    train = runs.Run.train

    def sometimes(self, *args):
        if self.config.seed == 2:
            raise NotFiniteError("W[0] became infinite")
        return train(self, *args)

    monkeypatch.setattr(runs.Run, "train", sometimes)
    rows = sl.sweep(grid, tmp_path)
    assert [row["state"] for row in rows] == ["done", "diverged"] * 2
    assert rows[1]["message"] == "W[0] became infinite" and rows[1]["test_error"] is None
    monkeypatch.setattr(runs.Run, "train", train)
    assert sl.sweep(grid, tmp_path) == rows  # it would diverge again


def test_a_run_that_fails_is_a_row_and_is_tried_again(done, grid, tmp_path, monkeypatch):
    begin = runs.Run.start.__func__

    def sometimes(cls, path, config, *args, **options):
        if config.seed == 1:
            raise OSError("no space left on device")
        return begin(cls, path, config, *args, **options)

    monkeypatch.setattr(runs.Run, "start", classmethod(sometimes))
    rows = sl.sweep(grid, tmp_path)
    assert [row["state"] for row in rows] == ["failed", "done"] * 2
    assert rows[0]["message"] == "OSError: no space left on device"
    monkeypatch.setattr(runs.Run, "start", classmethod(begin))
    assert measured(sl.sweep(grid, tmp_path)) == measured(done[0])


# -- kills ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long(source, tmp_path_factory):
    """A file with two runs that take seconds, and what they come to when nothing happens."""
    folder = tmp_path_factory.mktemp("long")
    described = {
        "network": "one-hidden", "data": source, "hidden": [300], "engine": "clock", "epochs": LONG, "seeds": 2,
    }  # fmt: skip
    sl.sweep(described, folder / "whole", jobs=2)
    return toml(folder / "long.toml", described), runs_in(folder / "whole")


def begun(out, seeds=(1, 2)):
    """Wait until runs have finished some epochs."""
    paths = [out / "runs" / f"run-{seed}" / "metrics.csv" for seed in seeds]
    until = time.monotonic() + 60
    while not all(path.is_file() and path.read_text().count("\n") > 3 for path in paths):
        assert time.monotonic() < until
        time.sleep(0.01)


def workers_of(pid):
    """Return the processes of loky that a process has started, by the Linux they run on."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command, status = (path / "cmdline").read_text(), (path / "status").read_text()
        except OSError:
            continue
        if "popen_loky" in command and re.search(rf"^PPid:\s+{pid}$", status, re.MULTILINE):
            found.append(int(path.name))
    return found


def holds(pid, path):
    """Return whether a process has a folder open, which it has locked then."""
    with contextlib.suppress(OSError):
        return any(os.readlink(link) == str(path) for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes in /proc")


@needs_proc
def test_a_process_that_is_killed_is_replaced_and_loses_nothing(long, tmp_path):
    file, whole = long

    def kill():
        begun(tmp_path)
        os.kill(workers_of(os.getpid())[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    rows = sl.sweep(file, tmp_path, jobs=2)
    killer.join()
    assert [row["state"] for row in rows] == ["done", "done"]
    assert runs_in(tmp_path) == whole
    resumed = ["resumed" in storage.RunFolder.open(tmp_path / "runs" / f"run-{seed}").environment() for seed in (1, 2)]
    assert sorted(resumed) == [False, True]


@needs_proc
def test_a_run_whose_process_dies_twice_has_failed_and_the_others_go_on(long, tmp_path):
    file, whole = long
    stop = threading.Event()

    def kill():
        begun(tmp_path)
        while not stop.wait(0.02):
            for pid in workers_of(os.getpid()):
                if holds(pid, tmp_path / "runs" / "run-2"):
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        rows = sl.sweep(file, tmp_path, jobs=2)
    finally:
        stop.set()
        killer.join()
    assert [row["state"] for row in rows] == ["done", "failed"]
    assert rows[1]["message"].startswith("its process was lost: ")
    assert [row["state"] for row in sl.sweep(file, tmp_path)] == ["done", "done"]
    assert runs_in(tmp_path) == whole


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_command_that_is_stopped_goes_on_to_the_same_bits(long, tmp_path, number, jobs):
    file, whole = long
    order = [sys.executable, "-m", "spikelearn", "sweep", str(file), "--out", str(tmp_path), "--jobs", str(jobs)]
    environment = os.environ | {"PYTHONPATH": str(Path(sl.__file__).parents[1])}
    process = subprocess.Popen(order, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    begun(tmp_path, range(1, jobs + 1))
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    if number == signal.SIGINT:
        # On a busy machine loky's tracker of semaphores may add that it cleared one away.
        ours, *others = said.splitlines()
        assert process.returncode == 130 and ours == "spikelearn: stopped; the same command goes on"
        assert all("resource_tracker" in line or "warnings.warn" in line for line in others)
    assert len(list(tmp_path.glob("results/*"))) < 2
    ended = subprocess.run(order, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    assert runs_in(tmp_path) == whole
    assert all((tmp_path / name).is_file() for name in ("table.csv", "table.json"))


def test_importing_the_package_imports_no_library_of_clusters_or_searches():
    code = (
        "import sys, spikelearn as sl, spikelearn.cli; sl.sweep; found = {'dask', 'distributed', 'submitit', 'optuna', "
        "'pyarrow', 'joblib.externals.loky'} & set(sys.modules); assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_results_hold_their_origin(done, grid):
    planned = plan(sl.sweeps.grid.read(grid))
    path = done[1] / "results" / "g_apical=0.05-2.json"
    assert side_by_side._read(path, planned.origin("g_apical=0.05", 2))["state"] == "done"
    with pytest.raises(InputError, match="seed is 2 there, now 1"):
        side_by_side._read(path, planned.origin("g_apical=0.05", 1))
