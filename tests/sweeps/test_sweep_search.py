"""A search: judged on held-out training images, stopped and gone on with to the same trials."""

import json
import shutil
import sys

import numpy as np
import pytest
from conftest import needs_jit

import spikelearn as sl
from spikelearn.cli import main
from spikelearn.errors import InputError
from spikelearn.sweeps import search as searching
from spikelearn.sweeps.grid import read
from spikelearn.sweeps.search import search
from sweeps.conftest import toml

pytestmark = needs_jit
optuna = pytest.importorskip("optuna")


@pytest.fixture
def asked(source):
    return {
        "network": "one-hidden", "data": source, "hidden": [5], "engine": "clock", "epochs": 2,
        "search": {
            "learning_rates.0": {"low": 0.01, "high": 1.0, "log": True},
            "feedback": ["random", {"kind": "SparseFeedback", "gain": 3.0}],
            "tau_rise": {"low": 2.0, "high": 4.0},
        },
    }  # fmt: skip


def test_a_trial_is_judged_by_its_error_on_held_out_training_images(asked, tmp_path):
    trials = search(read(asked), 4, tmp_path)
    assert [trial["trial"] for trial in trials] == [0, 1, 2, 3]
    rows = json.loads((tmp_path / "table.json").read_text())
    assert sorted(trial["error"] for trial in trials) == sorted(row["test_error"] for row in rows)
    for row in rows:
        config, weights = sl.runs.load_run(tmp_path / "runs" / f"{row['setting']}-1")
        assert config.held_out
        held = sl.datasets.split(sl.load(asked["data"]).train).test
        predictions = sl.evaluate(config.model.network, weights, held, seed=1, engine=config.engine)
        assert float(sl.error_percent(predictions, held.y)[0]) == row["test_error"]
    for trial in trials:
        assert 0.01 <= trial["learning_rates.0"] <= 1 and 2 <= trial["tau_rise"] <= 4
    assert {trial["feedback"] for trial in trials} <= {"random", '{"kind": "SparseFeedback", "gain": 3.0}'}


def test_the_images_to_test_on_have_no_influence(asked, tmp_path):
    first = search(read(asked), 3, tmp_path / "first")
    with np.load(asked["data"]) as arrays:
        kept = dict(arrays)
    np.savez(tmp_path / "other.npz", **kept | {"x_test": 1 - kept["x_test"], "y_test": (kept["y_test"] + 1) % 3})
    assert search(read({**asked, "data": str(tmp_path / "other.npz")}), 3, tmp_path / "second") == first


def test_a_search_that_was_stopped_goes_on_to_the_same_trials(asked, tmp_path, monkeypatch):
    whole = search(read(asked), 5, tmp_path / "whole")
    search(read(asked), 2, tmp_path / "parts")
    train_all, calls = searching.train_all, []

    def stop(*args, **options):
        calls.append(args)
        raise KeyboardInterrupt

    monkeypatch.setattr(searching, "train_all", stop)
    with pytest.raises(KeyboardInterrupt):  # the third is asked for, and not done
        search(read(asked), 5, tmp_path / "parts")
    monkeypatch.setattr(searching, "train_all", train_all)
    assert search(read(asked), 5, tmp_path / "parts") == whole
    assert search(read(asked), 5, tmp_path / "parts") == whole  # nothing is left


def test_trials_that_are_asked_for_together_are_done_together(asked, tmp_path, monkeypatch):
    train_all, rounds = searching.train_all, []
    monkeypatch.setattr(
        searching,
        "train_all",
        lambda plan, *args, **how: rounds.append(len(plan.settings)) or train_all(plan, *args, **how),
    )
    one = search(read(asked), 5, tmp_path / "one", at_once=2)
    assert rounds == [2, 2, 1, 5]
    assert search(read(asked), 5, tmp_path / "two", at_once=2, jobs=2) == one


def test_equal_trials_are_one_run(asked, tmp_path):
    trials = search(read({**asked, "search": {"g_apical": [0.0, 0.1]}}), 4, tmp_path, at_once=4)
    assert len(trials) == 4 and len(list((tmp_path / "runs").iterdir())) <= 2
    by_value = {}
    for trial in trials:
        by_value.setdefault(trial["g_apical"], set()).add(trial["error"])
    assert all(len(errors) == 1 for errors in by_value.values())


def test_what_diverges_is_all_wrong(asked, tmp_path, monkeypatch):
    def diverge(self, *args):
        raise sl.NotFiniteError("W[0] became infinite")

    monkeypatch.setattr(sl.runs.Run, "train", diverge)
    assert [trial["error"] for trial in search(read(asked), 2, tmp_path)] == [100.0, 100.0]


def test_a_trial_that_fails_ends_the_search_and_is_tried_again(asked, tmp_path, monkeypatch, capfd):
    whole = search(read(asked), 2, tmp_path / "whole")
    train = sl.runs.Run.train

    def fail(self, *args):
        raise OSError("no space left on device")

    monkeypatch.setattr(sl.runs.Run, "train", fail)
    file = toml(tmp_path / "s.toml", asked)
    order = ["search", str(file), "--out", str(tmp_path / "out"), "--trials", "2"]
    assert main(order) == 1
    out, err = capfd.readouterr()
    assert "failed" in out and "the same command tries again" in err
    monkeypatch.setattr(sl.runs.Run, "train", train)
    assert main([*order, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["trials"] == whole and found["best"] == min(whole, key=lambda trial: trial["error"])


def test_a_line_of_the_journal_that_was_cut_is_done_again(asked, tmp_path):
    whole = search(read(asked), 3, tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    journal = tmp_path / "cut" / "search.journal"
    journal.write_bytes(journal.read_bytes()[:-7])
    assert search(read(asked), 3, tmp_path / "cut") == whole


def test_another_search_in_the_same_folder_is_refused(asked, tmp_path):
    search(read(asked), 1, tmp_path)
    for change, part in (
        ({"epochs": 3}, "common.epochs is 2 there, now 3"),
        ({"seeds": 2}, "seeds is"),
        ({"search": {**asked["search"], "tau_rise": {"low": 2.0, "high": 5.0}}}, "space.tau_rise.high is 4.0"),
    ):
        with pytest.raises(InputError, match=f"search.journal is of another search: {part}"):
            search(read({**asked, **change}), 1, tmp_path)


REFUSED = {
    "nothing to search": ({"search": {}}, "a search needs a table [search]"),
    "a grid beside it": ({"grid": {"g_apical": [0, 1]}}, "neither [grid] nor [[settings]]"),
    "one value": ({"search": {"g_apical": 0.1}}, "search.g_apical=0.1 must be a list of values, or a range"),
    "an empty list": ({"search": {"g_apical": []}}, "search.g_apical=[] must be a list"),
    "half a range": ({"search": {"g_apical": {"low": 1}}}, "or a range such as {low = 0.01"),
    "a range upside down": ({"search": {"g_apical": {"low": 1, "high": 0}}}, "low=1 must be below high=0"),
    "zero on a logarithm": ({"search": {"g_apical": {"low": 0, "high": 1, "log": True}}}, "a finite number > 0"),
    "no truth value": ({"search": {"g_apical": {"low": 1, "high": 2, "log": 1}}}, "log=1 must be true or false"),
    "unknown key": ({"search": {"g_apicl": [0, 1]}}, "did you mean 'g_apical'?"),
    "the same twice": ({"search": {"feedback": ["random", "RandomFeedback"]}}, "give the same run"),
    "out of range": ({"search": {"g_apical": {"low": -1.0, "high": 1.0}}}, "g_apical=-1.0"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_searched_is_refused_before_anything_is_written(asked, tmp_path, case):
    change, part = REFUSED[case]
    with pytest.raises(InputError) as refused:
        search(read({**asked, **change}), 1, tmp_path / "out")
    assert part in str(refused.value) and not (tmp_path / "out").exists()


def test_the_command_prints_the_trials_and_marks_the_best(asked, tmp_path, capfd):
    order = ["search", str(toml(tmp_path / "s.toml", asked)), "--out", str(tmp_path / "out"), "--trials", "3"]
    assert main(order) == 0
    out = capfd.readouterr().out.splitlines()
    assert len(out) == 5 and sum(line.endswith("(best)") for line in out) >= 1
    assert "optuna" in sys.modules
