"""What is optional and fails is said once, with the remedy, and nothing else is lost by it; what is not is refused."""

import fcntl
import os
import re
import resource
import shlex
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import needs_jit

import spikelearn as sl
from spikelearn import plotting, runs, storage
from spikelearn.cli import main
from spikelearn.core import keeping
from spikelearn.core.jit import Kernel
from spikelearn.storage import RunFolder, load_checkpoint, save_checkpoint, write_text


@pytest.fixture(autouse=True)
def nothing_was_said():
    keeping.say_once.cache_clear()
    storage._say_once.cache_clear()


# -- compiled code that cannot be kept --------------------------------------------------------------------------------


def twice(x):
    return 2 * x


def kept(tmp_path):
    return Kernel(twice, tmp_path, inline=False)


@needs_jit
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("length", [0, 10, 100])
def test_a_damaged_file_of_compiled_code_is_written_anew(tmp_path, ending, length):
    assert kept(tmp_path)(3) == 6
    for path in tmp_path.rglob(f"*.{ending}"):
        path.write_bytes(path.read_bytes()[:length])
    with pytest.warns(RuntimeWarning, match="cannot be read .*; it is compiled anew"):
        assert kept(tmp_path)(4) == 8
    assert kept(tmp_path)(5) == 10  # without a word


@needs_jit
def test_where_nothing_can_be_written_code_is_compiled_all_the_same(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    kernel = kept(tmp_path)
    monkeypatch.setattr(type(kernel._entry._cache._cache), "save_overload", full)
    with pytest.warns(RuntimeWarning, match="cannot be kept in .*No space left.*set NUMBA_CACHE_DIR"):
        assert kernel(3) == 6
    assert kernel(3.0) == 6


def test_the_folder_is_ones_own_where_one_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert keeping.kept_in("one") == tmp_path / "spikelearn" / "jit" / "one"


def test_no_home_and_no_folder_are_said_once(tmp_path, monkeypatch):
    def homeless(name):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(keeping.platformdirs, "user_cache_path", homeless)
    with pytest.warns(RuntimeWarning, match="user's cache .*home directory.*every process; set NUMBA_CACHE_DIR"):
        assert keeping.kept_in("one") is None
    assert keeping.kept_in("one") is None  # a second warning would be an error here
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    with pytest.warns(RuntimeWarning, match="Not a directory"):
        assert keeping.kept_in("one") is None


def test_where_no_home_is_known_all_works_that_needs_none(tmp_path, monkeypatch, capsys):
    """As in a container whose user has no name: platformdirs and ``expanduser`` raise RuntimeError there."""

    def homeless(*arguments, **keywords):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("platformdirs.user_cache_path", homeless)
    monkeypatch.setattr("pathlib.Path.expanduser", lambda path: homeless() if str(path).startswith("~") else path)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("SPIKELEARN_DATA", raising=False)
    assert main(["info"]) == main(["data"]) == 0
    capsys.readouterr()
    for options, message in (
        (["--data", "mnist", "--out", str(tmp_path / "run")], "there is no place for mnist: .*set SPIKELEARN_DATA"),
        (["--data", "~/images.npz", "--out", str(tmp_path / "run")], "~/images.npz: which folder ~ is, .*or set HOME"),
    ):
        assert main(["train", "one-hidden", *options]) == 2
        assert re.search(message, capsys.readouterr().err)
    assert main(["train", "one-hidden", "--data", "digits", "--out", "~/run"]) == 2
    assert "~/run: which folder ~ is, is unknown here; write it out, or set HOME" in capsys.readouterr().err


# -- file systems -----------------------------------------------------------------------------------------------------


def refusing(number):
    def call(*arguments):
        raise OSError(number, os.strerror(number))

    return call


def test_a_file_system_that_cannot_sync_folders_will_do(tmp_path, monkeypatch):
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: refusing(22)() if os.path.isdir(f"/proc/self/fd/{fd}") else sync(fd))
    with pytest.warns(RuntimeWarning, match="cannot sync folders"):
        write_text(tmp_path / "one", "1")
    write_text(tmp_path / "one", "2")
    assert (tmp_path / "one").read_text() == "2"


@pytest.mark.parametrize("number", [22, 37, 95])  # EINVAL, ENOLCK, EOPNOTSUPP
def test_a_file_system_without_locks_will_do(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", refusing(number))
    with (
        pytest.warns(RuntimeWarning, match="has no locks .*see that no two processes train there"),
        RunFolder(tmp_path).held(),
    ):
        pass


def test_what_another_process_is_writing_is_left_alone_and_what_none_writes_any_more_is_cleared(tmp_path):
    young, old, other = (tmp_path / f".{name}.tmp" for name in ("one.0123456789ab", "two.0123456789ac", "two.backup"))
    for path in (young, old, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (time.time() - 2 * storage.ABANDONED,) * 2)
    write_text(tmp_path / "one", "1")
    assert {path.name for path in tmp_path.iterdir()} == {young.name, other.name, "one"}


def test_a_full_disk_leaves_the_last_checkpoint_and_the_process(tmp_path):
    """HDF5 that writes to a disk itself dies of a signal there."""
    path = tmp_path / "checkpoint.h5"
    save_checkpoint(path, {"x": np.arange(10.0)}, {"trials": 1})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (0, 1, 1000, 5000, 50_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(OSError, match="File too large"):
                save_checkpoint(path, {"x": np.arange(10_000.0)}, {"trials": 2})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert load_checkpoint(path)[1]["trials"] == 1
        assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.h5"]


def test_a_full_disk_is_an_error_of_a_recording_not_the_end_of_the_process(tmp_path):
    network = sl.Network(sizes=(4, 3, 2))
    recording = sl.simulate(network, network.draw_weights(1), np.zeros(4), duration=50, engine=sl.Clock())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(sl.InputError, match="cannot write .*File too large"):
            recording.save(tmp_path / "one.h5")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_metrics_that_a_spreadsheet_has_saved_are_read_and_continued(tmp_path):
    folder = RunFolder(tmp_path)
    folder.append_metrics({"epoch": 1, "test_error": 5.5})
    folder.metrics_path.write_bytes(b"\xef\xbb\xbf" + folder.metrics_path.read_bytes())
    folder.append_metrics({"epoch": 2, "test_error": 4.5})
    assert folder.metrics() == [{"epoch": 1, "test_error": 5.5}, {"epoch": 2, "test_error": 4.5}]


# -- pictures and terminals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("title", ["$", "costs $x_", r"\frac{", "a$b$c"])
def test_a_title_is_taken_as_it_is(tmp_path, title):
    plotting.save_learning_curve(tmp_path / "one.png", [{"epoch": 1, "train_error": 5.0, "test_error": 6.0}], title)
    assert (tmp_path / "one.png").stat().st_size > 1000


def test_a_picture_that_fails_does_not_end_a_training(tmp_path, monkeypatch, capsys):
    def fail(*arguments):
        raise RuntimeError("no ink")

    for place in ("cli.train.save_learning_curve", "compare.save_comparison"):
        monkeypatch.setattr(f"spikelearn.{place}", fail)
    np.savez(tmp_path / "toy.npz", x=np.eye(4)[[0, 1] * 10], y=[0, 1] * 10)
    options = ["--data", str(tmp_path / "toy.npz"), "--hidden", "3", "--epochs", "1", "--engine", "clock"]
    assert main(["train", "one-hidden", *options, "--out", str(tmp_path / "run")]) == 0
    assert "learning_curve.png could not be drawn (no ink); all else is there" in capsys.readouterr().err
    assert len(runs.RunFolder.open(tmp_path / "run").metrics()) == 1
    options = ["--data", str(tmp_path / "toy.npz"), "--sizes", "4,3,2", "--epochs", "1", "--seeds", "1", "--jobs", "1"]
    assert main(["compare", "--rules", "fa", *options, "--out", str(tmp_path / "compared")]) == 0
    assert "comparison.png could not be drawn (no ink); all else is there" in capsys.readouterr().err
    assert (tmp_path / "compared" / "table.csv").is_file()


def toy(path):
    np.savez(path, x=np.eye(4)[[0, 1] * 10], y=[0, 1] * 10)
    return ["train", "one-hidden", "--data", str(path), "--hidden", "3", "--epochs", "1", "--engine", "clock"]


def test_a_title_that_no_font_has_is_told_once_with_its_picture(tmp_path, capsys):
    options = toy(tmp_path / "\U0001f600\u56fe\u50cf.npz")
    assert main([*options, "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "learning_curve.png: no font here has all characters of its title" in said[0]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_end_nothing(tmp_path, closed):
    order = shlex.join([sys.executable, "-m", "spikelearn", *toy(tmp_path / "toy.npz"), "--out", str(tmp_path / "run")])
    assert subprocess.run(["sh", "-c", f"{order} {closed}"], capture_output=True).returncode == 0
    assert load_checkpoint(tmp_path / "run" / "checkpoint.h5")[1]["trials"] == 16
    # With its number free, what goes to the standard error would land in the file that is opened next.
    assert len(RunFolder.open(tmp_path / "run").metrics()) == 1


@pytest.mark.parametrize("settings", [{"MPLBACKEND": "module://of_a_notebook"}, {"PYTHONIOENCODING": "ascii"}])
def test_what_a_notebook_or_a_poor_terminal_sets_ends_nothing(tmp_path, settings):
    order = [sys.executable, "-m", "spikelearn", *toy(tmp_path / "größe.npz"), "--out", str(tmp_path / "läuft")]
    done = subprocess.run(order, capture_output=True, env=os.environ | settings)
    assert done.returncode == 0, done.stderr
    assert (b"l\\xe4uft" if "PYTHONIOENCODING" in settings else "läuft".encode()) in done.stdout
    assert (tmp_path / "läuft" / "learning_curve.png").is_file()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_a_full_disk_behind_the_standard_output_loses_what_is_printed_and_nothing_else(tmp_path):
    order = shlex.join([sys.executable, "-m", "spikelearn", *toy(tmp_path / "toy.npz"), "--out", str(tmp_path / "run")])
    done = subprocess.run(["sh", "-c", f"{order} > /dev/full"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("standard output cannot be written (No space left on device); what is printed") == 1
    assert len(RunFolder.open(tmp_path / "run").metrics()) == 1


def test_python_may_strip_docstrings(tmp_path):
    order = [sys.executable, "-OO", "-m", "spikelearn"]
    run = str(tmp_path / "run")
    for arguments in (["--help"], [*toy(tmp_path / "toy.npz"), "--out", run], ["info", run], ["evaluate", run]):
        done = subprocess.run([*order, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


# -- runs that move ---------------------------------------------------------------------------------------------------


@pytest.fixture
def moved(tmp_path, capsys):
    """Make a run whose images lie elsewhere now; return its folder and that place."""
    order, run = toy(tmp_path / "toy.npz"), str(tmp_path / "run")
    assert main([*order, "--out", run]) == 0
    (tmp_path / "toy.npz").rename(tmp_path / "elsewhere.npz")
    capsys.readouterr()
    return run, str(tmp_path / "elsewhere.npz")


def test_a_run_whose_images_were_moved_goes_on_from_where_they_are_now(moved, tmp_path, capsys):
    run, place = moved
    order = ["train", "one-hidden", "--out", run, "--resume", "--epochs", "2"]
    assert main(order) == 2
    assert "lie elsewhere now, say where with --data" in capsys.readouterr().err
    assert main([*order, "--data", place]) == 0
    config, weights = runs.load_run(run)
    assert config.data == place and main(order) == 0
    # The same as in one go.
    whole = toy(tmp_path / "toy.npz")
    assert main([*whole, "--out", str(tmp_path / "whole"), "--epochs", "2"]) == 0
    assert runs.load_run(tmp_path / "whole")[1] == weights


def test_other_images_are_no_place_to_go_on_from(moved, tmp_path, capsys):
    run, _ = moved
    np.savez(tmp_path / "other.npz", x=np.eye(4)[[0, 2] * 10], y=[0, 1] * 10)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    other = ["--data", str(tmp_path / "other.npz")]
    assert main(["train", "one-hidden", "--out", run, "--resume", "--epochs", "2", *other]) == 2
    assert "other.npz has other images than" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_a_trace_takes_images_from_where_they_are_now(moved, tmp_path, capsys):
    run, place = moved
    picture = ["--out", str(tmp_path / "trace.png")]
    assert main(["trace", run, *picture]) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["trace", run, *picture, "--data", place]) == 0
    assert main(["trace", run, *picture, "--data", "digits"]) == 2
    assert "--data digits has examples of 64 inputs; the network takes 4" in capsys.readouterr().err


def test_a_link_is_kept_as_a_link(tmp_path):
    order = toy(tmp_path / "today.npz")
    (tmp_path / "link.npz").symlink_to(tmp_path / "today.npz")
    order[3] = str(tmp_path / "link.npz")
    assert main([*order, "--out", str(tmp_path / "run")]) == 0
    assert runs.load_run(tmp_path / "run")[0].data == str(tmp_path / "link.npz")


def test_the_environment_knows_every_start(moved):
    run, place = moved
    for epochs in (2, 3):
        again = ["--resume", "--epochs", str(epochs), "--data", place]
        assert main(["train", "one-hidden", "--out", run, *again]) == 0
    found = RunFolder.open(run).environment()
    assert [each["examples"] for each in found["resumed"]] == [16, 32]
    assert all(each.keys() >= {"date", "argv", "versions"} for each in (found, *found["resumed"]))


def test_info_tells_of_a_configuration_that_was_edited(moved, tmp_path, capsys):
    run, _ = moved
    path = tmp_path / "run" / "config.json"
    path.write_text(path.read_text().replace('"seed": 1', '"seed": 2'))
    assert main(["info", run]) == 0
    assert "config.json is not what" in capsys.readouterr().err
