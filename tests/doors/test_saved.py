"""A classifier in a run folder is all of the classifier, and a run folder like any other."""

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from classifiers import same, small, toy_rows
from conftest import needs_jit

import spikelearn as sl
from spikelearn import runs
from spikelearn.models import guerguiev2017

pytestmark = needs_jit


@pytest.fixture(scope="module")
def toy():
    return toy_rows()


@pytest.mark.parametrize(
    "labels", [["yes", "no"], [-3, 100], [-1.0, 2.0], [False, True], np.array(["b", "a"], object)], ids=str
)
def test_a_run_folder_holds_all_of_a_classifier(toy, tmp_path, labels):
    x, y = toy
    x, y = 10 * x - 5, np.asarray(labels)[y]
    ours = small(
        hidden_layer_sizes=[5, np.int64(4)],
        feedback=sl.SparseFeedback(gain=5),
        learning_rates=np.array([0.2, 0.1, 0.1]),
    )
    ours.fit(x, y).save(tmp_path / "run")
    again = sl.SegregatedDendriteClassifier.load(tmp_path / "run")
    wanted = ours.get_params() | {"hidden_layer_sizes": (5, 4), "learning_rates": (0.2, 0.1, 0.1)}
    assert again.get_params() == wanted
    np.testing.assert_array_equal(again.classes_, ours.classes_)
    assert again.classes_.dtype == ours.classes_.dtype and again.history_ == ours.history_
    np.testing.assert_array_equal(again.predict_proba(x), ours.predict_proba(x))
    assert same(again, ours) and same(again.partial_fit(x, y), ours.partial_fit(x, y))
    assert set(vars(again)) == set(vars(ours))


def test_a_folder_is_not_overwritten_unless_that_is_wanted(toy, tmp_path):
    ours = small(epochs=1, random_state=np.random.default_rng(1)).fit(*toy)
    ours.save(tmp_path / "run")
    with pytest.raises(sl.InputError, match="already holds a run"):
        ours.save(tmp_path / "run")
    ours.partial_fit(*toy).save(tmp_path / "run", overwrite=True)
    again = sl.SegregatedDendriteClassifier.load(tmp_path / "run")
    assert len(again.history_) == 2 and again.random_state == again.seed_ == ours.seed_


def test_what_cannot_be_kept_is_refused_before_there_is_a_folder(toy, tmp_path):
    x, y = toy
    dates = np.array(["2026-01-01", "2026-01-02"], "datetime64[D]")
    fitted = small(epochs=1).fit(x, y)
    fitted.classes_ = dates
    with pytest.raises(sl.InputError, match=r"labels of type datetime64\[D\] cannot be written"):
        fitted.save(tmp_path / "run")

    @dataclass(frozen=True)
    class Mine(sl.Plateau):
        pass

    with pytest.raises(sl.InputError, match="unknown kind 'Mine'"):
        small(epochs=1, rule=Mine()).fit(x, y).save(tmp_path / "run")
    with pytest.raises(ValueError, match="not fitted"):
        small().save(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_commands_read_the_folder_too(toy, tmp_path):
    x, y = toy
    small(epochs=2).fit(x, y).save(tmp_path / "run")
    np.savez(tmp_path / "toy.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    for command in (["info", "run"], ["evaluate", "run", "--data", "toy.npz"]):
        done = subprocess.run(
            [sys.executable, "-m", "spikelearn", *command], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    with pytest.raises(sl.InputError, match="'rows given to fit' is not a data set"):
        runs.Run.resume(tmp_path / "run")


def test_a_training_run_is_no_classifier(toy, tmp_path):
    digits = sl.load("digits")
    model = guerguiev2017.one_hidden("text", n_input=64, hidden=(5,))
    config = runs.Config(name="one-hidden", reading="text", model=model, data="digits", epochs=1, seed=1, examples=5)
    runs.Run.start(tmp_path / "run", config, digits)
    with pytest.raises(sl.InputError, match="holds a training run, and no classifier"):
        sl.SegregatedDendriteClassifier.load(tmp_path / "run")
