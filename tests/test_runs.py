"""Runs on disk: what the folder holds, and that a run goes on exactly, however it was stopped."""

import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

import spikelearn as sl
from spikelearn import descriptions, origin, runs, storage
from spikelearn.errors import InputError, NotFiniteError
from spikelearn.models import guerguiev2017
from spikelearn.runs import Config, Run

N = 20  # training images
COLUMNS = ["epoch", "examples", "train_error", "test_error", "loss_0", "loss_1", "train_seconds", "test_seconds"]
SECONDS = ("train_seconds", "test_seconds")


def bars(n, seed):
    """Images of 9 pixels, a bar for each of three classes in noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    x = 0.3 * rng.random((n, 9)) + 0.7 * np.eye(3)[y].repeat(3, axis=1)
    return {"x": x.astype(np.float32), "y": y}


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A file with 20 images to train on and 8 to test on."""
    path = tmp_path_factory.mktemp("images") / "bars.npz"
    train, test = bars(N, 0), bars(8, 1)
    np.savez(path, x_train=train["x"], y_train=train["y"], x_test=test["x"], y_test=test["y"])
    return str(path)


@pytest.fixture
def config(source):
    return describe(source)


def describe(source, reading="released", hidden=(5,), **options):
    names = {0: "no-hidden", 1: "one-hidden", 2: "two-hidden"}
    model = guerguiev2017.NETWORKS[names[len(hidden)]](reading, n_input=9, hidden=hidden, n_output=3)
    return Config(
        **({"name": names[len(hidden)], "reading": reading, "model": model} | dict(data=source, epochs=2, seed=1))
        | ({"chunk_size": 6} | options)
    )


def start(path, config, **options):
    return Run.start(path, config, sl.load(config.data), **options)


def content(path):
    """All that a run has arrived at: arrays, counters and metrics, but for the seconds it took."""
    arrays, attributes = storage.load_checkpoint(path / "checkpoint.h5")
    del attributes["seconds"]
    rows = storage.RunFolder.open(path).metrics()
    return arrays, attributes, [{k: v for k, v in row.items() if k not in SECONDS} for row in rows]


def assert_equal_runs(first, second):
    (arrays, attributes, rows), (others, other_attributes, other_rows) = content(first), content(second)
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        assert array.dtype == others[name].dtype
        np.testing.assert_array_equal(array, others[name], err_msg=name)
    assert (attributes, rows) == (other_attributes, other_rows)


# -- the folder -------------------------------------------------------------------------------------------------------


def test_the_configuration_on_disk_rebuilds_the_run(config, tmp_path):
    start(tmp_path / "run", config).train()
    written = json.loads((tmp_path / "run" / "config.json").read_text())
    rebuilt = descriptions.from_dict(Config, written)
    assert rebuilt == config
    start(tmp_path / "again", rebuilt).train()
    assert_equal_runs(tmp_path / "run", tmp_path / "again")


# Another value for every number of a configuration
CHANGES = {
    "rate_max": "0.15",
    "tau_rise": "4",
    "tau_decay": "9",
    "cutoff": "9",
    "hidden.g_leak": "0.2",
    "hidden.g_basal": "0.5",
    "hidden.g_apical": "0.05",
    "output.g_leak": "0.2",
    "output.g_dendrite": "0.5",
    "output.g_teach": "0.9",
    "e_excite": "7",
    "e_inhibit": "-7",
    "gain": "2",
    "minimum": "60",
    "extra_mean": "5",
    "extra_shape": "9",
    "settle": "20",
    "window": "15",
    "test": "33",
    "order": "target,learn",
    "v_mean": "2",
    "v_sd": "2",
    "bias_mean": "0.5",
    "bias_sd": "0.1",
    "activity": "0.5",
    "carry_state": "false",
    "learning_rates": "0.23,0.23,0.1",
    "rule": "Backprop",
    "gate": "1",
    "output.loss": "likelihood",
    "schedule": "decay",
    "augment": "shifts",
    "feedback": "ProductFeedback",
    "initial.apical_bias": "1",
    "initial.receptive_field": "2",
    "hidden.apical_bias": "0.5",
    "hidden.curve": "threshold",
    "hidden.plateau": "threshold",
    "output.curve": "threshold",
    "feedback_from": "above",
    "feedback_signal": "rates",
    "plateaus": "jittered",
    "sizes": "9,4,4,3",
    "engine": "clock",
    "engine.slot": "0.1",
    "engine.dtype": "float64",
    "examples": "19",
    "held_out": "true",
    "epochs": "1",
    "seed": "2",
}


def two_hidden_layers(source):
    return describe(source, "text", hidden=(5, 4))


@pytest.fixture(scope="module")
def unchanged(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("unchanged")
    start(path, two_hidden_layers(source)).train()
    return path


@pytest.mark.parametrize("key", CHANGES)
def test_whatever_the_configuration_says_has_an_effect(source, unchanged, tmp_path, key):
    start(tmp_path, descriptions.override(two_hidden_layers(source), [f"{key}={CHANGES[key]}"])).train()
    (arrays, _, rows), (others, _, other_rows) = content(unchanged), content(tmp_path)
    assert rows != other_rows or any(not np.array_equal(array, others[name]) for name, array in arrays.items())


def test_so_has_the_population(source, tmp_path):
    six = descriptions.override(
        two_hidden_layers(source), ["sizes=9,5,4,6"]
    )  # three classes do with half of the outputs
    for name, config in (("one", six), ("two", descriptions.override(six, ["population=2"]))):
        start(tmp_path / name, config).train()
    assert (content(tmp_path / "one")[0]["W/0"] != content(tmp_path / "two")[0]["W/0"]).any()


def test_so_has_the_time_step_of_the_clock(source, tmp_path):
    for name, dt in (("one", 1.0), ("half", 0.5)):
        start(tmp_path / name, describe(source, engine=sl.Clock(dt=dt))).train()
    assert (content(tmp_path / "one")[0]["W/0"] != content(tmp_path / "half")[0]["W/0"]).any()


def test_no_part_of_the_configuration_was_forgotten_above(source):
    def names(tree, prefix=""):
        for key, value in tree.items():
            if isinstance(value, dict):
                yield from names(value, f"{prefix}{key}.")
            elif key != "kind":  # the choice of a class is tried under the name of its field
                yield prefix + key

    written = set(names(descriptions.to_dict(two_hidden_layers(source))))
    tried = {name for name in written for key in CHANGES if f".{name}".endswith(f".{key}")}
    # What people read, what holds the images, what must have no effect, and what is tried by itself
    others = {"name", "reading", "data", "scale", "chunk_size", "model.network.population", "model.averaging"}
    assert written - tried == others


def test_a_configuration_that_names_no_engine_means_the_event_engine(config):
    written = descriptions.to_dict(config)
    assert written.pop("engine") == {"kind": "Event", "slot": 0.25, "dtype": "float32"}
    assert descriptions.from_dict(Config, written).engine == sl.Event()


def test_metrics_have_a_row_for_each_epoch_with_what_was_measured(config, source, tmp_path):
    seen = []
    returned = start(tmp_path / "run", config).train(seen.append)
    with open(tmp_path / "run" / "metrics.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == COLUMNS
    assert [[float(cell) for cell in row] for row in rows] == [list(row.values()) for row in returned]
    assert [(row["epoch"], row["examples"]) for row in returned] == [(1, N), (2, 2 * N)]

    data = sl.load(source)
    training = sl.train(config.model, data.train, seed=1, epochs=2, chunk_size=N)
    for row, chunk in zip(returned, training, strict=True):
        assert row["train_error"] == pytest.approx(chunk.error)
        assert [row["loss_0"], row["loss_1"]] == pytest.approx(chunk.loss.mean(axis=0).tolist())
        predictions = sl.evaluate(config.model.network, training.weights, data.test, seed=1)
        assert row["test_error"] == sl.error_percent(predictions, data.test.y)[0]
        assert row["train_seconds"] > 0 and row["test_seconds"] > 0
    assert [(c.epoch, c.start, c.stop) for c in seen[:4]] == [(0, 0, 6), (0, 6, 12), (0, 12, 18), (0, 18, 20)]


def test_a_network_without_hidden_layers_has_one_loss(source, tmp_path):
    row = start(tmp_path / "run", describe(source, hidden=())).train()[-1]
    assert [name for name in row if name.startswith("loss")] == ["loss_0"]


def test_weights_are_read_back_as_they_were_trained(config, tmp_path):
    run = start(tmp_path / "run", config)
    run.train()
    read, weights = runs.load_run(tmp_path / "run")
    assert read == config
    for name in ("W", "b", "Y"):
        for a, b in zip(getattr(weights, name), getattr(run.training.weights, name), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_run_can_be_read_before_it_was_trained(config, tmp_path):
    start(tmp_path / "run", config)
    _, weights = runs.load_run(tmp_path / "run")
    np.testing.assert_array_equal(weights.W[0], config.model.network.draw_weights(1).W[0].astype(np.float32))


def test_training_on_the_first_examples_leaves_the_others_out(source, tmp_path):
    data = sl.load(source)
    short = replace(data, train=data.train.first(7))
    Run.start(tmp_path / "first", describe(source, examples=7), data).train()
    Run.start(tmp_path / "short", describe(source), short).train()
    assert content(tmp_path / "first")[2][-1]["examples"] == 14
    assert_equal_runs(tmp_path / "first", tmp_path / "short")


def test_a_run_is_not_overwritten_unless_asked_to(config, tmp_path):
    start(tmp_path / "run", config).train()
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(InputError, match="already holds a run .*; use --resume to go on or --overwrite to replace it"):
        start(tmp_path / "run", replace(config, seed=2))
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before

    start(tmp_path / "run", replace(config, seed=2), overwrite=True).train()
    start(tmp_path / "fresh", replace(config, seed=2)).train()
    assert_equal_runs(tmp_path / "run", tmp_path / "fresh")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"examples": N + 1}, f"bars.npz train: cannot take the first {N + 1} of {N} images; ask for 1 to {N}"),
        ({"engine": sl.Clock(dt=2.0)}, "dt=2 ms is too large"),
        ({"engine": sl.Clock(dt=0.7)}, "Phases.settle=30 ms is not a whole number of steps of dt=0.7 ms"),
        ({"data": "digits"}, "examples of 64 inputs do not fit a network with 9 inputs"),
    ],
)
def test_a_run_that_cannot_work_leaves_no_folder_and_spares_an_old_one(config, tmp_path, options, message):
    start(tmp_path / "old", config).train()
    before = {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()}
    for place in ("new", "old"):
        with pytest.raises(InputError, match=re.escape(message)):
            start(tmp_path / place, replace(config, **options), overwrite=True)
    assert not (tmp_path / "new").exists()
    assert {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()} == before


@pytest.mark.parametrize("option", ["epochs", "chunk_size", "examples"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True])
def test_counts_in_a_configuration_must_be_positive_integers(config, option, value):
    with pytest.raises(InputError, match=f"{option}={value!r} must be an integer >= 1"):
        replace(config, **{option: value})


def test_a_negative_seed_is_refused(config):
    with pytest.raises(InputError, match="seed=-1 must be an integer >= 0"):
        replace(config, seed=-1)


# -- going on ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    """Runs of four epochs that nothing disturbed, made when first asked for."""
    made = {}

    def run(reading="released", **options):
        key = (reading, *options.items())
        if key not in made:
            made[key] = tmp_path_factory.mktemp("whole")
            start(made[key], describe(source, reading, epochs=4, **options)).train()
        return made[key]

    return run


@pytest.mark.parametrize(
    ("reading", "options"),
    [
        ("released", {}),
        ("text", {}),
        ("released", {"hidden": (5, 4)}),
        ("text", {"hidden": ()}),
        ("released", {"chunk_size": 100}),
        ("text", {"engine": sl.Event(dtype="float64")}),
        ("released", {"engine": sl.Clock()}),
        ("text", {"engine": sl.Clock(dt=0.5, dtype="float64")}),
    ],
)
def test_two_epochs_and_two_more_are_four_bit_for_bit(source, whole, tmp_path, reading, options):
    start(tmp_path / "run", describe(source, reading, **options)).train()
    assert len(content(tmp_path / "run")[2]) == 2
    Run.resume(tmp_path / "run", epochs=4).train()
    assert_equal_runs(tmp_path / "run", whole(reading, **options))
    assert storage.RunFolder.open(tmp_path / "run").config()["epochs"] == 4


def interrupt_at(trials):
    """Return a callback that is a Ctrl-C once so many examples were seen."""
    seen = 0

    def on_chunk(chunk):
        nonlocal seen
        seen += chunk.stop - chunk.start
        if seen >= trials:
            raise KeyboardInterrupt

    return on_chunk


@pytest.mark.parametrize("reading", ["released", "text"])
@pytest.mark.parametrize("trials", [1, 7, N - 1, N, N + 1, 4 * N])
def test_stopping_at_any_chunk_changes_nothing(source, whole, tmp_path, reading, trials):
    run = start(tmp_path / "run", describe(source, reading, epochs=4))
    with pytest.raises(KeyboardInterrupt):
        run.train(interrupt_at(trials))
    stopped = content(tmp_path / "run")[1]["trials"]
    assert stopped == run.training.trials >= trials
    Run.resume(tmp_path / "run").train()
    assert_equal_runs(tmp_path / "run", whole(reading))


def test_stopping_again_and_again_changes_nothing(source, whole, tmp_path):
    start(tmp_path / "run", describe(source, epochs=4))
    for _ in range(20):
        try:
            Run.resume(tmp_path / "run").train(interrupt_at(1))
        except KeyboardInterrupt:
            continue
        break
    assert_equal_runs(tmp_path / "run", whole())


@pytest.fixture
def press():
    """Ctrl-C, as the terminal sends it; restores the handler afterwards."""
    # Brian2 leaves a handler of its own behind in whatever process it has run in: set what a terminal session has.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, usual)


def pressing(press, function, at):
    """Wrap a function: at its call number `at`, Ctrl-C is pressed while it runs."""
    calls = 0

    def wrapped(*arguments, **options):
        nonlocal calls
        result = function(*arguments, **options)
        calls += 1
        if calls == at:
            press()
        return result

    return wrapped


@pytest.mark.parametrize("at", [1, 2, 4, 5])
def test_ctrl_c_while_compiled_code_runs_waits_for_the_end_of_the_chunk(source, whole, tmp_path, press, at):
    # The weights have changed and the counters have not: a checkpoint at once would repeat the chunk on resuming.
    run = start(tmp_path / "run", describe(source, epochs=4))
    run.training._progress._core.train = pressing(press, run.training._progress._core.train, at)
    with pytest.raises(KeyboardInterrupt):
        run.train()
    assert content(tmp_path / "run")[1]["trials"] == [6, 12, 18, 20, 26][at - 1]
    Run.resume(tmp_path / "run").train()
    assert_equal_runs(tmp_path / "run", whole())


def test_ctrl_c_during_the_test_of_an_epoch_loses_no_row(source, whole, tmp_path, press, monkeypatch):
    monkeypatch.setattr(runs, "evaluate", pressing(press, runs.evaluate, 2))
    run = start(tmp_path / "run", describe(source, epochs=4))
    with pytest.raises(KeyboardInterrupt):
        run.train()
    assert [row["epoch"] for row in content(tmp_path / "run")[2]] == [1, 2]
    Run.resume(tmp_path / "run").train()
    assert_equal_runs(tmp_path / "run", whole())


def test_a_second_ctrl_c_does_not_wait_and_spoils_nothing(source, whole, tmp_path, press):
    run = start(tmp_path / "run", describe(source, epochs=4))
    twice = pressing(press, pressing(press, run.training._progress._core.train, 6), 6)
    run.training._progress._core.train = twice
    with pytest.raises(KeyboardInterrupt):
        run.train()
    assert content(tmp_path / "run")[1]["trials"] == N  # the checkpoint at the end of the first epoch
    Run.resume(tmp_path / "run").train()
    assert_equal_runs(tmp_path / "run", whole())


def test_training_gives_the_handling_of_ctrl_c_back(config, tmp_path):
    usual = signal.getsignal(signal.SIGINT)
    start(tmp_path / "run", config).train(lambda chunk: None)
    assert signal.getsignal(signal.SIGINT) is usual
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path / "other", config).train(interrupt_at(1))
    assert signal.getsignal(signal.SIGINT) is usual


def test_whoever_handles_ctrl_c_otherwise_keeps_it(config, tmp_path, press):
    pressed = []
    signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        start(tmp_path / "run", config).train(lambda chunk: press())
    except KeyboardInterrupt:  # which would end the whole session
        pytest.fail("the handler was replaced")
    assert pressed == [signal.SIGINT] * 8


def test_runs_can_be_trained_in_other_threads(source, whole, tmp_path):
    run = start(tmp_path / "run", describe(source, epochs=4))
    thread = threading.Thread(target=run.train)
    thread.start()
    thread.join()
    assert_equal_runs(tmp_path / "run", whole())


@pytest.mark.parametrize("moment", ["append_metrics", "save"])
@pytest.mark.parametrize("where", ["before", "after"])
def test_a_crash_around_the_end_of_an_epoch_loses_no_row_and_repeats_none(
    source, whole, tmp_path, monkeypatch, moment, where
):
    run = start(tmp_path / "run", describe(source, epochs=4))
    owner = run.folder if moment == "append_metrics" else run
    usual, calls = getattr(owner, moment), 0

    def crash(*arguments):
        nonlocal calls
        calls += 1
        if calls == 2 and where == "before":
            raise OSError("the disk is full")
        usual(*arguments)
        if calls == 2:
            raise OSError("the disk is full")

    monkeypatch.setattr(owner, moment, crash)
    with pytest.raises(OSError, match="the disk is full"):
        run.train()
    Run.resume(tmp_path / "run").train()
    assert_equal_runs(tmp_path / "run", whole())


def test_a_finished_run_has_nothing_to_go_on_with(config, tmp_path):
    metrics = start(tmp_path / "run", config).train()
    before = (tmp_path / "run" / "checkpoint.h5").read_bytes()
    assert Run.resume(tmp_path / "run").train() == metrics
    assert (tmp_path / "run" / "checkpoint.h5").read_bytes() == before


def test_a_run_whose_training_diverged_keeps_its_last_good_checkpoint(source, tmp_path):
    config = describe(source, epochs=50)
    wild = replace(config, model=replace(config.model, learning_rates=(1e39, 1e39)))
    with pytest.raises(NotFiniteError, match=r"of layer \d is not finite (at|before) example \d+"):
        start(tmp_path / "run", wild).train()
    _, weights = runs.load_run(tmp_path / "run")
    assert all(np.isfinite(w).all() for w in weights.W)


# -- killed -----------------------------------------------------------------------------------------------------------

CHILD = """
import sys
from spikelearn import cli, runs
runs.CHECKPOINT_SECONDS = 0.0  # after every chunk, so that most kills hit a checkpoint in the middle of an epoch
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_run_killed_at_random_moments_ends_as_if_it_had_not_been(source, tmp_path):
    order = ["train", "one-hidden", "--data", source, "--hidden", "5", "--epochs", "60", "--set", "chunk_size=3"]
    order += ["--seed", "1"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    start(whole, describe(source, epochs=60, chunk_size=3)).train()
    checkpoint, moments, n_killed = killed / "checkpoint.h5", random.Random(3), 0
    for _ in range(60):
        # Killed before its first checkpoint, there is nothing to go on with.
        again = ["--resume"] if checkpoint.exists() else ["--overwrite"]
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, *order, "--out", killed, *again],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        while child.poll() is None and (not checkpoint.exists() or checkpoint.stat().st_mtime_ns == before):
            time.sleep(0.001)  # until it is at work
        if n_killed < 4:
            time.sleep(moments.uniform(0, 0.4))
            child.kill()
        error = child.communicate()[1].decode()
        if child.returncode == 0:
            break
        assert child.returncode == -signal.SIGKILL, error
        n_killed += 1
    assert n_killed >= 3  # else there was nothing to see
    assert_equal_runs(whole, killed)
    leftovers = set(os.listdir(killed)) - set(storage.RUN_FILES)
    assert not leftovers


HOLD = """
import sys, time
from spikelearn.storage import RunFolder
with RunFolder.open(sys.argv[1]).held():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(storage.fcntl is None, reason="this system has no locks on folders")
def test_a_run_in_which_another_process_is_at_work_is_left_alone(config, tmp_path):
    path = tmp_path / "run"
    run = start(path, config)
    before = held(path)
    other = subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"held\n"
        for refuse in (run.train, lambda: Run.resume(path), lambda: start(path, config, overwrite=True)):
            with pytest.raises(InputError, match=r"another process is training in .*run; wait until it is done"):
                refuse()
        assert held(path) == before
    finally:
        other.kill()
        other.communicate()
    run.train()  # the lock died with its owner


def test_a_run_that_another_has_trained_on_since_is_not_trained_twice(config, tmp_path):
    path = tmp_path / "run"
    run = start(path, config)
    Run.resume(path).train()
    rows = len(storage.RunFolder.open(path).metrics())
    with pytest.raises(InputError, match=r"was trained on by another process, to \d+ examples, since .* at 0; resume"):
        run.train()
    assert len(storage.RunFolder.open(path).metrics()) == rows


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(config, tmp_path):
    start(tmp_path / "run", config).train()
    return tmp_path / "run"


def held(path):
    return {each.name: each.read_bytes() for each in path.iterdir()}


def refused(path, message, **options):
    """Resuming must fail with this message and change nothing."""
    before = held(path)
    with pytest.raises(InputError, match=message):
        Run.resume(path, **options)
    assert held(path) == before


def test_fewer_epochs_than_were_trained_are_refused(trained):
    refused(trained, "has already been trained for 2 epochs, more than epochs=1; raise it", epochs=1)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"is not a run folder: no config\.json"):
        Run.resume(tmp_path)


def test_a_run_without_a_checkpoint_is_refused(trained):
    (trained / "checkpoint.h5").unlink()
    refused(trained, "no checkpoint at .*start it anew")


@pytest.mark.parametrize(
    ("hidden", "problem"),
    [((6,), r"it has sizes \(9, 6, 3\), config\.json \(9, 5, 3\)"), ((), "it has no 'W/1'")],
)
def test_the_checkpoint_of_another_network_is_refused(trained, source, tmp_path, hidden, problem):
    start(tmp_path / "other", describe(source, hidden=hidden)).train()
    shutil.copy(tmp_path / "other" / "checkpoint.h5", trained)
    refused(trained, f"checkpoint.h5 belongs to another network: {problem}")


def test_the_checkpoint_of_another_precision_is_refused(trained, source, tmp_path):
    start(tmp_path / "other", describe(source, engine=sl.Event(dtype="float64"))).train()
    shutil.copy(tmp_path / "other" / "checkpoint.h5", trained)
    refused(trained, r"checkpoint\.h5 was made from: engine\.dtype is 'float64' there, now 'float32'; put it back")


def test_metrics_that_lack_an_epoch_of_the_checkpoint_are_refused(trained):
    lines = (trained / "metrics.csv").read_text().splitlines(keepends=True)
    (trained / "metrics.csv").write_text("".join(lines[:-1]))
    refused(trained, r"metrics\.csv has 1 rows, but .*checkpoint\.h5 comes after 2 epochs; restore it")


@pytest.mark.parametrize("n", [N - 1, N + 1])
def test_another_number_of_images_than_the_run_was_begun_with_is_refused(trained, n):
    train, test = bars(n, 0), bars(8, 1)
    images = [sl.Images(**each, n_classes=3, name="others") for each in (train, test)]
    others = sl.Dataset(train=images[0], test=images[1], name="others")
    refused(trained, f"has {n} images to train on, but .* was begun with {N}; restore them", data=others, epochs=4)


@pytest.mark.parametrize("name", ["epoch", "examples", "train_error", "test_error", "loss_0", "loss_1"])
def test_metrics_that_were_edited_are_refused_with_epoch_and_column(trained, name):
    header, first, *others = (trained / "metrics.csv").read_text().splitlines()
    values = dict(zip(header.split(","), first.split(","), strict=True))
    was, values[name] = float(values[name]), "77.5"
    (trained / "metrics.csv").write_text("\n".join([header, ",".join(values.values()), *others, ""]))
    message = rf"metrics\.csv was edited: {name} of epoch 1 is 77\.5 there, but was measured as {was:g}; put it back"
    refused(trained, message, epochs=3)


def test_metrics_that_lack_a_column_are_refused_before_training_goes_on(trained):
    rows = [line.split(",") for line in (trained / "metrics.csv").read_text().splitlines()]
    (trained / "metrics.csv").write_text("".join(",".join(row[:3] + row[4:]) + "\n" for row in rows))
    refused(trained, r"metrics\.csv has no column 'test_error' any more; put it back", epochs=3)


def test_metrics_of_fewer_digits_and_other_times_are_those_that_were_measured(trained, whole, tmp_path):
    """A spreadsheet writes what it has shown."""
    header, *rows = (trained / "metrics.csv").read_text().splitlines()
    rounded = [",".join(f"{float(text):.10g}" for text in row.split(",")[:-1]) + ",99" for row in rows]
    (trained / "metrics.csv").write_text("\n".join([header, *rounded, ""]))
    Run.resume(trained, epochs=4).train()
    folders = [storage.RunFolder.open(path) for path in (trained, whole())]
    found, wanted = ([row["test_error"] for row in folder.metrics()] for folder in folders)
    assert found == pytest.approx(wanted, rel=1e-9)
    ours, theirs = (storage.load_checkpoint(folder.checkpoint_path)[0] for folder in folders)
    assert {name: array.tobytes() for name, array in ours.items()} == {n: a.tobytes() for n, a in theirs.items()}


def test_of_a_checkpoint_that_keeps_no_metrics_the_file_is_believed(trained, whole):
    arrays, attributes = storage.load_checkpoint(trained / "checkpoint.h5")
    plain = {name: array for name, array in arrays.items() if not name.startswith("metrics/")}
    storage.save_checkpoint(trained / "checkpoint.h5", plain, attributes)
    Run.resume(trained, epochs=4).train()
    assert_equal_runs(trained, whole())


def test_damaged_metrics_are_refused_before_training_goes_on(trained):
    with open(trained / "metrics.csv", "a") as file:
        file.write("3,many\n")
    refused(trained, r"metrics\.csv is damaged", epochs=3)


def test_a_configuration_with_an_unknown_key_is_refused_by_its_place(trained):
    written = json.loads((trained / "config.json").read_text())
    written["model"]["network"]["hidden"]["g_apicl"] = 0.05
    (trained / "config.json").write_text(json.dumps(written))
    refused(trained, r"config\.json\.model\.network\.hidden\.g_apicl: unknown key; did you mean 'g_apical'\?")


def replaced(source, path, **changes):
    """Write the images of `source` with other arrays; return the name of the file."""
    with np.load(source) as held_arrays:
        np.savez(path, **(dict(held_arrays) | changes))
    return str(path)


@pytest.mark.parametrize("part", ["x_train", "y_train", "x_test", "y_test"])
def test_other_images_of_the_same_number_are_refused(source, tmp_path, part):
    own = replaced(source, tmp_path / "own.npz")
    start(tmp_path / "run", describe(own, engine=sl.Clock())).train()
    train, test = bars(N, 5), bars(8, 6)
    others = {"x_train": train["x"], "y_train": train["y"], "x_test": test["x"], "y_test": test["y"]}
    replaced(source, own, **{part: others[part]})
    half = part.partition("_")[2]
    refused(
        tmp_path / "run", rf"own\.npz has other images than .*checkpoint\.h5 was made from: images\.{half} is", epochs=3
    )
    replaced(source, own)
    Run.resume(tmp_path / "run", epochs=3).train()


def test_the_same_images_elsewhere_and_in_other_numbers_are_the_same(source, tmp_path):
    config = describe(source, engine=sl.Clock())
    start(tmp_path / "run", config).train()
    with np.load(source) as arrays:
        elsewhere = replaced(source, tmp_path / "moved.npz", x_train=arrays["x_train"].astype(np.float64))
    run = Run.resume(tmp_path / "run", epochs=3, data=sl.load(elsewhere))
    run.train()
    start(tmp_path / "whole", replace(config, epochs=3)).train()
    assert_equal_runs(tmp_path / "run", tmp_path / "whole")


def edited(path, key, value):
    written = json.loads((path / "config.json").read_text())
    *names, last = key.split(".")
    part = written
    for name in names:
        part = part[name]
    part[last] = value
    (path / "config.json").write_text(json.dumps(written))


@pytest.fixture(scope="module")
def by_clock(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("clock") / "run"
    start(path, describe(source, engine=sl.Clock())).train()
    return path


@pytest.mark.parametrize(
    ("key", "value", "was"),
    [
        ("seed", 2, "1"),
        ("model.learning_rates", [0.1, 0.3], r"\[.*\]"),
        ("model.network.hidden.g_leak", 0.2, "0.1"),
        ("model.network.feedback.kind", "RandomFeedback", "'ProductFeedback'"),
        ("engine.dt", 0.5, "1.0"),
    ],
)
def test_a_configuration_that_was_edited_is_not_gone_on_with(by_clock, tmp_path, key, value, was):
    shutil.copytree(by_clock, tmp_path / "run")
    edited(tmp_path / "run", key, value)
    message = rf"config\.json is not what .*checkpoint\.h5 was made from: {re.escape(key)} is {was} there, now "
    refused(tmp_path / "run", message, epochs=3)
    with pytest.raises(InputError, match=message):
        runs.load_run(tmp_path / "run")


def test_what_results_do_not_follow_from_may_be_edited(by_clock, source, tmp_path):
    shutil.copytree(by_clock, tmp_path / "run")
    for key, value in (("name", "mine"), ("epochs", 3), ("chunk_size", 7)):
        edited(tmp_path / "run", key, value)
    Run.resume(tmp_path / "run").train()
    start(tmp_path / "whole", describe(source, engine=sl.Clock(), epochs=3)).train()
    assert_equal_runs(tmp_path / "run", tmp_path / "whole")


def test_a_run_that_was_replaced_since_it_was_opened_is_left_alone(source, tmp_path):
    config = describe(source, engine=sl.Clock())
    run = start(tmp_path / "run", config)
    start(tmp_path / "run", replace(config, seed=2), overwrite=True)
    before = held(tmp_path / "run")
    with pytest.raises(InputError, match="holds another run since this one was opened: seed is 2 there, now 1; choose"):
        run.train()
    assert held(tmp_path / "run") == before


def test_a_run_that_an_error_stopped_says_from_where_to_go_on(source, tmp_path):
    run = start(tmp_path / "run", describe(source, engine=sl.Clock()))

    def fail(chunk):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        run.train(fail)
    with pytest.raises(
        InputError, match=r"stopped by an error after 6 examples, and its last checkpoint is of 0; resume"
    ):
        run.train()
    Run.resume(tmp_path / "run").train()
    start(tmp_path / "whole", describe(source, engine=sl.Clock())).train()
    assert_equal_runs(tmp_path / "run", tmp_path / "whole")


def test_a_checkpoint_that_does_not_say_what_it_was_made_from_is_read_but_not_gone_on_with(by_clock, tmp_path):
    shutil.copytree(by_clock, tmp_path / "run")
    arrays, attributes = storage.load_checkpoint(by_clock / "checkpoint.h5")
    del attributes["origin"]
    storage.save_checkpoint(tmp_path / "run" / "checkpoint.h5", arrays, attributes)
    refused(tmp_path / "run", "does not say from which images it was made, .* train on from its weights", epochs=3)
    config, weights = runs.load_run(tmp_path / "run")
    assert weights.sizes == config.model.network.sizes and len(runs.test_images(tmp_path / "run")) == 8


def test_weights_are_read_without_knowing_the_classes_of_the_run(by_clock, tmp_path):
    shutil.copytree(by_clock, tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    config["model"]["rule"] = {"kind": "Somebodys"}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="unknown kind 'Somebodys'"):
        runs.load_run(tmp_path / "run")
    assert runs.load_weights(tmp_path / "run") == runs.load_run(by_clock)[1]
    with pytest.raises(InputError, match="has no checkpoint.h5; give a folder that a training run made"):
        runs.load_weights(tmp_path)
    storage.save_checkpoint(tmp_path / "checkpoint.h5", {"other": np.zeros(1)}, {})
    with pytest.raises(InputError, match="holds no weights"):
        runs.load_weights(tmp_path)


def lacking(made_from):
    """Return what an earlier version wrote, which knew of no populations, curves and biases."""
    network = made_from["model"]["network"]
    del network["population"], network["output"]["curve"]
    for name in ("curve", "plateau", "apical_bias"):
        del network["hidden"][name]
    return made_from


def test_a_run_of_a_version_that_knew_fewer_settings_goes_on(source, tmp_path):
    start(tmp_path / "run", describe(source, epochs=1)).train()
    arrays, attributes = storage.load_checkpoint(tmp_path / "run" / "checkpoint.h5")
    attributes["origin"] = origin.write(lacking(origin.read(attributes["origin"])))
    storage.save_checkpoint(tmp_path / "run" / "checkpoint.h5", arrays, attributes)
    Run.resume(tmp_path / "run", epochs=2).train()
    start(tmp_path / "whole", describe(source, epochs=2)).train()
    assert_equal_runs(tmp_path / "run", tmp_path / "whole")


def test_what_an_earlier_version_did_not_know_is_not_taken_for_something_else(source, tmp_path):
    config = describe(source, epochs=1)
    network = replace(config.model.network, output=sl.OutputNeuron(curve=sl.ThresholdLinear()))
    start(tmp_path / "run", replace(config, model=replace(config.model, network=network))).train()
    arrays, attributes = storage.load_checkpoint(tmp_path / "run" / "checkpoint.h5")
    attributes["origin"] = origin.write(lacking(origin.read(attributes["origin"])))
    storage.save_checkpoint(tmp_path / "run" / "checkpoint.h5", arrays, attributes)
    refused(tmp_path / "run", "network.output.curve.kind is missing there, now 'ThresholdLinear'", epochs=2)


def test_other_test_images_are_not_taken_for_those_of_the_run(source, tmp_path):
    own = replaced(source, tmp_path / "own.npz")
    start(tmp_path / "run", describe(own, engine=sl.Clock(), epochs=1)).train()
    assert len(runs.test_images(tmp_path / "run")) == 8
    replaced(source, own, x_test=bars(8, 9)["x"])
    with pytest.raises(InputError, match=r"own\.npz has other images than .*: test is .* name them with --data"):
        runs.test_images(tmp_path / "run")
