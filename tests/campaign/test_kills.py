"""Whatever is stopped, by whatever signal, at whatever moment, ends as if it had not been, and leaves no half file."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from plan import arrived_at, without_seconds, write_bars

from spikelearn.recording_file import RecordingFile
from spikelearn.storage import load_checkpoint, write_text

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")

ROOT = Path(__file__).parents[2]
STOPPED = 130
KINDS = {"kill": (signal.SIGKILL,), "asked": (signal.SIGINT, signal.SIGTERM)}

TRAIN = """
import sys
from spikelearn import cli, runs
runs.CHECKPOINT_SECONDS = 0.0  # after every chunk, so that most signals hit one in the middle of an epoch
sys.exit(cli.main(sys.argv[1:]))
"""

# What a user would write who records while training, and goes on after a kill.
RECORD = """
import sys
from pathlib import Path
import spikelearn as sl
from spikelearn.checkpoints import pack, unpack
from spikelearn.storage import load_checkpoint, save_checkpoint
data, out = sys.argv[1], Path(sys.argv[2])
images = sl.load(data).train
model = sl.Model(network=sl.Network(sizes=(9, 5, 3)), learning_rates=(0.2, 0.2))
checkpoint, recorded, weights, trials = out / "state.h5", out / "all.h5", None, 0
if checkpoint.exists():
    arrays, attributes = load_checkpoint(checkpoint)
    weights, state, _ = unpack(arrays, model.network, checkpoint)
    trials = attributes["trials"]
    sl.RecordingFile(recorded).truncate(trials)
training = sl.train(
    model, images, seed=1, epochs=6, weights=weights, chunk_size=3, engine=sl.Clock(),
    record=sl.Record(variables=["spikes"]), record_to=recorded,
)
if trials:
    training.resume(trials, state)
for _ in training:
    save_checkpoint(checkpoint, pack(training.weights, training.state()), {"trials": training.trials})
"""


def ends_after(command, out, n, signals, seed, usual):
    """Start a command until it has been stopped `n` times at random moments, and once more, to its end."""
    moments, stopped = random.Random(seed), 0
    for attempt in range(20 * n + 20):
        child = subprocess.Popen(command(attempt), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        number = moments.choice(signals)
        if stopped < n:
            time.sleep(moments.uniform(0.3 * usual, usual))  # before that, Python is starting
            child.send_signal(number)
        error = child.communicate()[1]
        if child.returncode == 0 and stopped >= n:
            return
        # Asked to, Python ends by itself: by the exit status that is documented, or, before it listens, by the signal.
        assert child.returncode in (0, -number, STOPPED) or "KeyboardInterrupt" in error, error
        stopped += child.returncode != 0
        if child.returncode == 0:  # it was faster than usual, and nothing is left to stop: once more from the start
            usual *= 0.7
            shutil.rmtree(out)
            out.mkdir()
    raise AssertionError(f"stopped only {stopped} times")


def left_over(folder):
    """Check that hidden files are parts of what was being written, which nothing reads, and make them old.

    For all that another process knows, one may still be writing them; so they are cleared after an hour.
    """
    for path in folder.rglob(".*"):
        assert re.fullmatch(r"\..+\.[0-9a-f]{12}\.tmp", path.name), path
        os.utime(path, (0, 0))


def names(folder):
    """Return the names of all files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def timed(command):
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - began


def stops(n):
    """Run a test with one kill, and as a long one with `n` stops of each kind."""
    long = [pytest.param(n, kind, id=f"{kind}-long", marks=pytest.mark.slow) for kind in KINDS]
    return pytest.mark.parametrize("n, kind", [pytest.param(1, "kill", id="kill-short"), *long])


@stops(50)
def test_training(tmp_path, n, kind):
    source, out = write_bars(tmp_path / "bars.npz"), tmp_path / "run"
    order = ["train", "one-hidden", "--data", source, "--hidden", "5", "--epochs", "60", "--set", "chunk_size=3"]

    def command(attempt, out=out):
        again = ["--resume"] if (out / "checkpoint.h5").exists() and (out / "config.json").exists() else ["--overwrite"]
        return [sys.executable, "-c", TRAIN, *order, "--out", str(out), *again]

    usual = timed(command(0, tmp_path / "whole"))
    ends_after(command, out, n, KINDS[kind], 1, usual)
    assert arrived_at(out) == arrived_at(tmp_path / "whole")
    assert names(out) == names(tmp_path / "whole")


@stops(50)
def test_recording(tmp_path, n, kind):
    source, whole, out = write_bars(tmp_path / "bars.npz"), tmp_path / "whole", tmp_path / "out"
    for folder in (whole, out):
        folder.mkdir()

    def command(attempt, out=out):
        return [sys.executable, "-c", RECORD, source, str(out)]

    usual = timed(command(0, whole))
    ends_after(command, out, n, KINDS[kind], 2, usual)
    ours, theirs = (RecordingFile(folder / "all.h5") for folder in (out, whole))
    assert ours.examples == theirs.examples == list(range(120))
    for one, other in zip(ours, theirs, strict=True):
        assert one.annotations == other.annotations
        for layer, spikes in one.spikes.items():
            assert spikes.time.tobytes() == other.spikes[layer].time.tobytes()
            assert spikes.neuron.tobytes() == other.spikes[layer].neuron.tobytes()
    left_over(out)
    write_text(out / "notes.txt", "")  # whatever is written next
    assert names(out) == {"all.h5", "state.h5", "notes.txt"}
    (ours, attributes), (theirs, others) = (load_checkpoint(folder / "state.h5") for folder in (out, whole))
    assert attributes == others
    assert {name: array.tobytes() for name, array in ours.items()} == {n: a.tobytes() for n, a in theirs.items()}


@stops(50)
def test_compare(tmp_path, n, kind):
    source, whole, out = write_bars(tmp_path / "bars.npz"), tmp_path / "whole", tmp_path / "out"
    order = ["compare", "--data", source, "--sizes", "9,12,3", "--rules", "bp,fa,dfa,kp", "--seeds", "3"]

    def command(attempt, out=out):
        return [sys.executable, "-m", "spikelearn", *order, "--epochs", "30", "--jobs", "1", "--out", str(out)]

    usual = timed(command(0, whole))
    ends_after(command, out, n, KINDS[kind], 3, usual)

    def results(folder):
        return {
            path.name: without_seconds(json.loads(path.read_text())) for path in (folder / "results").glob("*.json")
        }

    assert results(out) == results(whole)
    left_over(out)
    (out / "results" / "bp-1.json").unlink()
    subprocess.run(command(0), check=True, capture_output=True)
    assert names(out) == names(whole)


@stops(20)
def test_an_experiment(tmp_path, n, kind):
    whole, out = tmp_path / "whole", tmp_path / "out"
    script = str(ROOT / "experiments" / "sparse_feedback.py")

    def command(attempt, out=out):
        return [sys.executable, script, "--scale", "smoke", "--jobs", "1", "--out", str(out)]

    usual = timed(command(0, whole))
    ends_after(command, out, n, KINDS[kind], 4, usual)
    found, wanted = (json.loads((folder / "sparse_feedback.json").read_text()) for folder in (out, whole))
    for name, condition in wanted["conditions"].items():
        assert found["conditions"][name]["test_error"] == condition["test_error"]
        assert found["conditions"][name]["retests"] == condition["retests"]
        for run in (whole / "runs").glob(f"{name}-seed*"):
            assert arrived_at(out / "runs" / run.name) == arrived_at(run)
    left_over(out)
    subprocess.run(command(0), check=True, capture_output=True)
    assert names(out) == names(whole)
