"""Every experiment runs at scale smoke, goes on where it was, and its figure is drawn from what it wrote."""

import json
import math
import os
import re
import runpy
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spikelearn as sl
from spikelearn import cli, runs, storage

ROOT = Path(__file__).parents[1]
NAMES = runpy.run_path(str(ROOT / "experiments" / "all.py"))["NAMES"]  # later ones find networks of earlier ones
COMMITTED = sorted(path.stem for path in (ROOT / "figures").glob("*.png"))


@pytest.fixture
def start(monkeypatch, capsys):
    """Run a script as a command does; return its exit status and what it wrote."""

    def run(folder, name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{folder}/{name}.py", *map(str, arguments)])
        status = 0
        try:
            runpy.run_path(str(ROOT / folder / f"{name}.py"), run_name="__main__")
        except SystemExit as stop:
            status = stop.code
        return status, capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """One folder for all experiments, which share networks."""
    return tmp_path_factory.mktemp("smoke")


def report(out, name):
    """What an experiment wrote, but for when and how long."""
    found = json.loads((out / f"{name}.json").read_text())
    assert found.pop("experiment") == name
    assert found.pop("last_start_hours") >= 0
    return found


def test_all_knows_every_experiment():
    beside = {
        "all",
        "harness",
        "protocol",
        "watched",
        "trials",
        "drifting",
        "compared",
        "conditions",
    }  # no experiments of their own
    checks = {"credit_check", "learning_check", "learning_rates", "own_rate_rule", "rate_speed", "speed"}
    checks |= {"hashed_shares"}
    scripts = {path.stem for path in (ROOT / "experiments").glob("*.py")}
    assert set(NAMES) == scripts - beside - checks
    parts = {"frame", "learning", "trace_panels", "rule_panels", "gallery", "speed_table"}
    drawings = {path.stem for path in (ROOT / "figures").glob("*.py")} - parts
    assert drawings == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_and_its_figure(start, out, name):
    status, _ = start("experiments", name, "--jobs", 2, "--out", out)
    assert status == 0
    first = report(out, name)
    assert first["scale"] == "smoke"
    assert first["command"] == f"python experiments/{name}.py --scale smoke --seeds 1"
    files = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.suffix in (".h5", ".csv", ".json")}
    assert start("experiments", name, "--jobs", 1, "--out", out)[0] == 0
    changed = {path for path, when in files.items() if path.stat().st_mtime_ns != when}
    assert {path.name for path in changed} <= {f"{name}.json", "table.csv"}  # nothing was computed again
    assert report(out, name) == first
    picture = out / "figures" / f"{name}.png"
    status, printed = start("figures", name, out, "--out", picture)
    assert status == 0
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.with_suffix(".pdf").read_bytes()[:5] == b"%PDF-"
    caption = picture.with_suffix(".txt").read_text()
    assert printed.out == caption
    assert not re.search(r"\bnan\b|[{}]", caption)
    assert len(caption) > 100


@pytest.mark.parametrize("name", COMMITTED)
def test_committed_pictures_are_those_of_the_committed_results(start, tmp_path, name):
    assert start("figures", name, "--out", tmp_path / "figure.png")[0] == 0
    assert (tmp_path / "figure.txt").read_text() == (ROOT / "figures" / f"{name}.txt").read_text()


def test_curves_that_end_high_are_seen():
    import learning
    from frame import new_figure

    report = {"conditions": {"high": {"test_error": [[90.0, 85.0]]}, "low": {"test_error": [[9.0, 5.0]]}}}
    for name, lowest, highest in (("high", 85, 120), ("low", 14, 14)):
        axes = new_figure(6, 3).subplots(1, 2)
        learning.draw_networks(axes, report, {name: name})
        assert lowest <= axes[0].get_ylim()[1] <= highest


def test_the_gallery_shows_every_committed_picture_and_the_present_numbers():
    import gallery

    text = (ROOT / "figures" / "README.md").read_text()
    results = ROOT / "experiments" / "results"
    assert gallery.table(results) in text
    assert gallery.table(results, short=True) in (ROOT / "README.md").read_text()
    assert gallery.speed(results) in (ROOT / "README.md").read_text()
    assert sorted(re.findall(r"\]\((\w+)\.png\)", text)) == COMMITTED


# -- stopping and going on ---------------------------------------------------------------------------------------------


def setting(out, jobs=1):
    from harness import Setting

    return Setting(scale="smoke", seeds=1, jobs=jobs, out=out)


def interrupted(tasks, after):
    """Do the tasks, and stop them as Ctrl-C would after so many calls."""
    import harness

    calls = 0

    def counting(work):
        def wrapped(tell):
            def told(n):
                nonlocal calls
                calls += 1
                if calls == after:
                    raise KeyboardInterrupt
                tell(n)

            work(told)

        return wrapped

    with pytest.raises(KeyboardInterrupt):
        harness.perform([task._replace(work=counting(task.work)) for task in tasks], 1, "stopped")


def test_training_that_is_stopped_goes_on_exactly(tmp_path, monkeypatch):
    import harness
    import protocol

    whole, stopped = (
        protocol.train_and_retest(setting(tmp_path / name), "one-hidden") for name in ("whole", "stopped")
    )
    for stage in whole:
        harness.perform(stage, 1, "whole")
    interrupted(stopped[0], after=4)  # in the second epoch
    harness.perform(stopped[0], 1, "stopped")
    interrupted(stopped[1], after=2)  # after the first test
    harness.perform(stopped[1], 1, "stopped")
    whole, stopped = (runs.load_run(tmp_path / name / "runs" / "one-hidden-seed1")[1] for name in ("whole", "stopped"))
    for one, other in zip((*whole.W, *whole.b), (*stopped.W, *stopped.b), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (
        protocol.learning(setting(tmp_path / "whole"), "one-hidden")["one-hidden"]["retests"]
        == (protocol.learning(setting(tmp_path / "stopped"), "one-hidden")["one-hidden"]["retests"])
    )


def test_watching_that_is_stopped_goes_on_exactly(tmp_path):
    import harness
    import watched

    seen = []
    for name in ("whole", "stopped"):
        tasks = watched.watching(setting(tmp_path / name), "one-hidden")
        if name == "stopped":
            interrupted(tasks, after=4)
            assert len(list((tmp_path / name / "watched" / "one-hidden-seed1").iterdir())) == 1
        harness.perform(tasks, 1, name)
        seen.append(list(watched.epochs(setting(tmp_path / name), "one-hidden", 1)))
    for one, other in zip(*seen, strict=True):
        assert set(one) == set(other)
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])


def test_drifting_that_is_stopped_goes_on_exactly(tmp_path):
    import drifting
    import harness

    for name in ("whole", "stopped"):
        task = drifting.drifting(setting(tmp_path / name), seed=1)
        if name == "stopped":
            interrupted([task], after=4)
        harness.perform([task], 1, name)
    whole, stopped = (
        storage.load_checkpoint(tmp_path / name / "drifting" / "seed1.h5")[0] for name in ("whole", "stopped")
    )
    assert set(whole) == set(stopped)
    for key in whole:
        np.testing.assert_array_equal(whole[key], stopped[key])
    assert 0.8 < whole["drift"].std() < 1.2  # four steps of 0.5, added in squares


def test_an_error_stops_the_other_tasks_and_is_told():
    import harness

    waiting = threading.Event()

    def fails(tell):
        waiting.wait(10)
        raise sl.InputError("broken")

    def goes_on(tell):
        waiting.set()
        while True:
            tell(0)

    with pytest.raises(sl.InputError, match="broken"):
        harness.perform([harness.Task("a", 1, fails), harness.Task("b", 1, goes_on)], 2, "two")


def test_another_run_in_the_folder_is_refused(start, tmp_path):
    import protocol

    cli.main(["train", "one-hidden", "--out", str(tmp_path / "runs" / "one-hidden-seed1"), "--examples", "5",
                 "--epochs", "1", "--hidden", "3"])  # fmt: skip
    status, _ = start("experiments", "traces", "--out", tmp_path)
    assert "one-hidden-seed1 holds a run with another configuration; move it away or choose another --out" in status
    assert protocol.folder(setting(tmp_path), "one-hidden", 1).is_dir()


@pytest.mark.parametrize("of", ["once", "watched"])
def test_what_another_configuration_left_is_refused(tmp_path, monkeypatch, of):
    import contraction
    import harness
    import protocol
    import watched

    def start():
        tasks = contraction.stages(setting(tmp_path))[0] if of == "once" else watched.watching(
            setting(tmp_path), "one-hidden")  # fmt: skip
        harness.perform(tasks, 1, of)

    start()
    smoke = protocol.SCALES["smoke"]
    monkeypatch.setitem(protocol.SCALES, "smoke", replace(smoke, train=100))
    with pytest.raises(sl.InputError, match="was made with another configuration: .*; move it away or choose another"):
        start()


def brighter(monkeypatch):
    """Let the experiments load other images, as many."""
    import conditions
    import protocol

    usual = sl.load("digits")
    other = replace(usual, train=replace(usual.train, x=usual.train.x * np.float32(0.5)))
    monkeypatch.setattr(conditions, "_load", lambda source: other)
    for name in ("_digests", "_part"):  # without what they remember
        monkeypatch.setattr(protocol, name, getattr(protocol, name).__wrapped__)


@pytest.mark.parametrize("of", ["once", "watched", "run"])
def test_what_was_made_from_other_images_is_refused(tmp_path, monkeypatch, of):
    import contraction
    import harness
    import protocol
    import watched

    def start():
        tasks = {
            "once": lambda: contraction.stages(setting(tmp_path))[0],
            "watched": lambda: watched.watching(setting(tmp_path), "no-hidden"),
            "run": lambda: [protocol.task(setting(tmp_path), "no-hidden", 1)],
        }
        harness.perform(tasks[of](), 1, of)

    start()
    brighter(monkeypatch)
    with pytest.raises(sl.InputError, match=r"made with another configuration: (images\.)?train is '.*' there, now '"):
        start()


def test_tests_of_another_network_are_not_gone_on_with(tmp_path):
    import harness
    import protocol

    for stage in protocol.train_and_retest(setting(tmp_path), "no-hidden"):
        harness.perform(stage, 1, "whole")
    path = protocol.folder(setting(tmp_path), "no-hidden", 1)
    kept = json.loads((path / "retests.json").read_text())
    (path / "retests.json").write_text(json.dumps(kept | {"made_from": kept["made_from"] | {"weights": "others"}}))
    with pytest.raises(sl.InputError, match=r"retests\.json was made with another .*: weights is 'others' there, now"):
        harness.perform(protocol.retesting(setting(tmp_path), "no-hidden"), 1, "again")


def test_bad_options_are_refused(start):
    status, printed = start("experiments", "traces", "--seeds", 0)
    assert status == 2
    assert "--seeds 0 must be at least 1" in printed.err
    status, printed = start("experiments", "traces", "--scale", "huge")
    assert status == 2
    assert "invalid choice: 'huge'" in printed.err


def test_a_figure_without_results_says_how_to_make_them(start, tmp_path):
    status, _ = start("figures", "traces", tmp_path)
    assert status.endswith("run python experiments/traces.py and give its --out as RUNS")


def test_all_stops_at_an_option_that_none_knows():
    done = subprocess.run(
        [sys.executable, str(ROOT / "experiments" / "all.py"), "--scael", "smoke"],
        capture_output=True, text=True, timeout=60, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("unrecognized arguments") == 1


# -- the experiments' own arithmetic -----------------------------------------------------------------------------------


def test_noise_on_feedback_weights_is_all_that_its_reach_is_made_of(tmp_path):
    import harness
    import protocol
    import trials

    where = setting(tmp_path)
    harness.perform(protocol.training(where, "symmetric"), 1, "noise")
    none, little, twice = (trials.noise_reach(where, "symmetric", [sd], 5) for sd in (0.0, 0.001, 0.002))
    assert none["plateaus"] == little["plateaus"] > 0
    for kind in ("each_trial", "each_phase"):
        (nothing,), (small,), (double,) = (found[kind].values() for found in (none, little, twice))
        assert nothing == 0  # so the spikes are the same
        assert double == pytest.approx(2 * small, rel=0.02)  # the same draws
    assert little["each_phase"]["0.001"] > little["each_trial"]["0.001"]


@pytest.mark.parametrize("side", [None, 3])
def test_spread_weights_lie_about_zero_and_stay_in_their_patches(side):
    import beyond

    from spikelearn.models import guerguiev2017

    model = guerguiev2017.one_hidden(n_input=64, hidden=(30,))
    network = replace(model.network, initial=sl.InitialWeights(receptive_field=side))
    weights = sl.train(replace(model, network=network), sl.load("digits").train, seed=1).weights
    spread = beyond._spread(weights, 12.0)
    there = weights.W[0] != 0
    np.testing.assert_array_equal(spread.W[0] != 0, there)
    assert abs(spread.W[0][there].mean()) < 1e-3 * spread.W[0][there].std()
    np.testing.assert_allclose(spread.W[0][there].std(), 12 * weights.W[0][there].std(), rtol=1e-4)
    assert (spread.b[0] == -2).all() and (spread.W[1] == weights.W[1]).all() and (spread.Y[0] == weights.Y[0]).all()


def test_angles_by_loss_are_means_of_tenths():
    import angles

    loss = np.random.default_rng(1).permutation(50)
    angle = np.where(loss == 7, np.nan, loss.astype(float))
    means = [2, (5 + 6 + 8 + 9) / 4, *np.arange(12.0, 50, 5)]
    np.testing.assert_allclose(angles.by_loss(angle, loss), means)


@pytest.mark.parametrize("reading", ["released", "text"])
def test_the_change_of_a_basal_weight_is_that_of_training(reading):
    import apical_timing

    from spikelearn.models import guerguiev2017

    model = guerguiev2017.one_hidden(reading, n_input=30, hidden=(9,), n_output=3)
    phases = sl.Phases(
        minimum=50, extra_mean=1e-6, extra_shape=1, window=model.network.phases.window, test=model.network.phases.test
    )
    network = sl.Network(**{**vars(model.network), "phases": phases})
    image = np.random.default_rng(1).random((1, 30)).astype(np.float32)
    images = sl.Images(x=image, y=np.array([1]), n_classes=3, name="one")
    weights = network.draw_weights(1)
    training = sl.train(sl.Model(network=network, learning_rates=(0.3, 0.0)), images, seed=1, weights=weights)
    for _ in training:
        pass
    change = training.weights.W[0] - weights.W[0]
    shown = images.intensities(slice(0, 1))[0]
    seen = sl.simulate(network, weights, shown, label=1, record=["hidden[0]", "input.spikes"], seed=1, example=0)
    fired = np.isin(np.arange(30), seen.spikes["input"].neuron[seen.spikes["input"].time < 50])
    start = 30.0  # of the window, in both readings
    active = apical_timing.mean_psp(network, seen, start) > 0
    assert active.any()
    assert not active[~fired].any()
    assert math.isclose(start, 50 - (phases.window or 20))
    expected = apical_timing.basal_change(network, seen, 0.3)
    np.testing.assert_allclose(change[:, active].mean(axis=1), expected, rtol=0.05, atol=1e-4 * np.abs(expected).max())
