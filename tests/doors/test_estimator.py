"""The classifier does what scikit-learn asks of one, and what `train` and `evaluate` do."""

import subprocess
import sys

import joblib
import numpy as np
import pytest
from classifiers import copied, same, small, toy_rows
from conftest import needs_jit
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import spikelearn as sl
from spikelearn.scaling import Scaling

pytestmark = needs_jit  # dozens of trainings

# scikit-learn's own BernoulliRBM, whose units are drawn at random, is excused from the same two.
DRAWN_BY_ROW = (
    "each row is shown by random spikes drawn for its place in X, so that rows are independent samples; "
    "in another place it meets other spikes"
)
EXCUSED = {
    "check_methods_subset_invariance": DRAWN_BY_ROW,
    "check_methods_sample_order_invariance": DRAWN_BY_ROW,
}


@pytest.fixture(scope="module")
def toy():
    return toy_rows()


SPIKING, RATES = (
    small(hidden_layer_sizes=(100,), epochs=25),
    small(hidden_layer_sizes=(20,), engine=sl.Rates(), epochs=20),
)


@parametrize_with_checks(
    [SPIKING, RATES], expected_failed_checks=lambda classifier: EXCUSED if classifier.engine == sl.Clock() else {}
)
def test_scikit_learn_finds_nothing_to_object_to(estimator, check):
    check(estimator)


# -- the same as train and evaluate -----------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [sl.Clock(), sl.Event()])
@pytest.mark.parametrize("hidden", [(), 5, (5, 4)])
def test_the_same_seed_gives_the_same_bits_as_train_and_evaluate(toy, engine, hidden):
    x, y = toy
    ours = small(
        hidden_layer_sizes=hidden, engine=engine, epochs=2, random_state=7, feedback=sl.RandomFeedback(gain=2.0)
    )
    ours.fit(x, y)
    assert ours.network_.feedback == sl.RandomFeedback(gain=2.0)
    images = sl.Images(x=x, y=y, n_classes=2, name="toy")
    training = sl.train(ours.model_, images, seed=7, epochs=2, engine=engine)
    wrong = sum(chunk.n_wrong for chunk in training if chunk.epoch == 1)
    assert ours.weights_ == training.weights
    assert [row["examples"] for row in ours.history_] == [40, 80]
    assert ours.history_[1]["train_error"] == 100 * wrong / 40
    shown = {"seed": 7, "engine": engine}
    np.testing.assert_array_equal(ours.predict(x), sl.evaluate(ours.network_, ours.weights_, images, **shown)[0])
    v = sl.evaluate(ours.network_, ours.weights_, images, returns="potentials", **shown)[0]
    rates = 1 / (1 + np.exp(-v))
    np.testing.assert_allclose(ours.predict_proba(x), rates / rates.sum(axis=1, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(ours.decision_function(x), np.log(rates[:, 1] / rates[:, 0]), rtol=1e-9)


def test_of_three_classes_decisions_are_the_outputs_potentials():
    x, y = load_iris(return_X_y=True)
    ours = small(epochs=1).fit(x / x.max(), y)
    images = sl.Images(x=x / x.max(), y=y, n_classes=3, name="iris")
    v = sl.evaluate(ours.network_, ours.weights_, images, seed=0, engine=sl.Clock(), returns="potentials")[0]
    np.testing.assert_array_equal(ours.decision_function(x / x.max()), v)


def test_transform_returns_the_activity_of_all_hidden_neurons(toy):
    x, y = toy
    ours = small(hidden_layer_sizes=(5, 4)).fit(x, y)
    activity = ours.transform(x)
    images = sl.Images(x=x, y=y, n_classes=2, name="toy")
    counts = sl.activity(ours.network_, ours.weights_, images, seed=0, engine=sl.Clock())
    phases = ours.network_.phases
    share = np.hstack([counts["hidden[0]"], counts["hidden[1]"]]) / (phases.test - phases.settle) / 0.2
    assert activity.shape == (40, 9) and 0 < activity.min() < activity.max() < 1
    assert np.corrcoef(activity.ravel(), share.ravel())[0, 1] > 0.98
    assert abs(activity.mean() - share.mean()) < 0.02
    assert list(ours.get_feature_names_out())[-1] == "segregateddendriteclassifier8"


def test_threads_do_not_change_what_is_predicted(toy):
    x, y = toy
    ours = small(epochs=1).fit(np.tile(x, (6, 1)), np.tile(y, 6))
    rows = np.tile(x, (6, 1))
    np.testing.assert_array_equal(ours.predict_proba(rows), copied(ours, n_jobs=2).predict_proba(rows))


# -- going on ---------------------------------------------------------------------------------------------------------


def test_partial_fit_and_warm_start_go_on_as_though_nothing_had_paused(toy):
    x, y = toy
    whole = small(epochs=3).fit(x, y)
    parts = small()
    for _ in range(3):
        parts.partial_fit(x, y, classes=[0, 1])
    warm = small(epochs=2, warm_start=True).fit(x, y).set_params(epochs=1).fit(x, y)
    for other in (parts, warm):
        assert same(whole, other) and whole.history_ == other.history_
    assert not same(whole, copied(whole).partial_fit(x, y))
    assert len(warm.set_params(warm_start=False).fit(x, y).history_) == 1


def test_rows_come_in_batches_of_any_size_and_no_draw_comes_twice(toy):
    x, y = toy
    ours = small()
    ends = []
    for start, stop in ((0, 17), (17, 20), (20, 40), (0, 40)):
        ours.partial_fit(x[start:stop], y[start:stop], classes=[0, 1])
        ends.append(ours._trials)
    assert ends == [17, 21, 60, 120]  # 17 of 0 to 16; 3 of 18 to 20; 20 of 40 to 59; 40 of 80 to 119
    assert [(row["epoch"], row["examples"]) for row in ours.history_] == [(1, 17), (2, 20), (3, 40), (4, 80)]


def test_learning_rates_and_rule_may_change_on_the_way_but_not_the_network(toy):
    x, y = toy
    ours = small(warm_start=True).fit(x, y)
    weights = ours.weights_
    ours.set_params(learning_rates=0.0).fit(x, y)
    assert ours.weights_ == weights
    ours.set_params(learning_rates=[0.0, 0.1], rule=sl.Backprop()).fit(x, y)
    assert np.array_equal(ours.weights_.W[0], weights.W[0]) and not np.array_equal(ours.weights_.W[1], weights.W[1])
    for change in ({"hidden_layer_sizes": 9}, {"reading": "released"}, {"feedback": sl.SymmetricFeedback()}):
        before = ours.weights_
        with pytest.raises(sl.InputError, match="hidden_layer_sizes, reading or feedback have changed"):
            copied(ours, **change).fit(x, y)
        assert ours.weights_ == before


def test_ctrl_c_keeps_what_was_learned(toy, monkeypatch):
    x, y = np.tile(toy[0], (6, 1)), np.tile(toy[1], 6)
    ours = small(epochs=3, warm_start=True)
    show = type(ours)._shown

    def stopped(self, training):
        for chunk in show(self, training):
            yield chunk
            if training.trials > 240:
                raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(ours), "_shown", stopped)
        with pytest.raises(KeyboardInterrupt):
            ours.fit(x, y)
    assert ours._trials == 340 and len(ours.history_) == 1
    assert len(ours.predict(x)) == 240
    assert ours.partial_fit(x, y)._trials == 720


# -- what goes in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [["yes", "no"], [-3, 100], [-1.0, 2.0], [False, True], np.array(["b", "a"], object)],
    ids=lambda labels: str(list(labels)),
)
def test_labels_may_be_of_any_kind(toy, labels):
    x, y = toy
    named = np.asarray(labels)[y]
    ours = small(hidden_layer_sizes=(30,), epochs=30).fit(x, named)
    np.testing.assert_array_equal(ours.classes_, np.unique(named))
    assert ours.predict(x).dtype == named.dtype and ours.score(x, named) > 0.9


def test_numbers_within_0_and_1_stay_as_they_are():
    x = np.array([[0.25, 0.5], [0.3, 0.5]])
    scaling = Scaling.of(x)
    np.testing.assert_array_equal(scaling.intensities(x), x.astype(np.float32))
    np.testing.assert_array_equal(scaling.intensities(np.array([[-1.0, 2.0]])), [[0, 1]])


def test_other_numbers_are_scaled_column_by_column_as_in_the_training_set():
    largest = np.finfo(float).max
    x = np.array([[-2.0, 7.0, -largest], [2.0, 7.0, largest], [0.0, 7.0, 0.0]])
    scaling = Scaling.of(x)
    np.testing.assert_array_equal(scaling.intensities(x), [[0, 0, 0], [1, 0, 1], [0.5, 0, 0.5]])
    np.testing.assert_array_equal(
        scaling.intensities(np.array([[3.0, 8.0, -1.0], [-9.0, 1.0, 0.0]])), [[1, 0, 0.5], [0, 0, 0.5]]
    )
    many = np.tile(x, (700, 1))
    np.testing.assert_array_equal(scaling.intensities(many), np.tile(scaling.intensities(x), (700, 1)))


def test_the_scale_of_the_first_rows_is_kept(toy):
    x, y = toy
    stretched = small().fit(10 * x - 5, y)
    unit = (x - x.min(axis=0)) / (x.max(axis=0) - x.min(axis=0))
    np.testing.assert_allclose(stretched.scaling_.intensities(10 * x - 5), unit, atol=1e-6)
    before = stretched.scaling_
    stretched.partial_fit(x, y)
    assert stretched.scaling_ is before


@pytest.mark.parametrize("source", [None, 5, np.int64(5), np.random.RandomState(5), np.random.default_rng(5)])
def test_the_seed_comes_from_whatever_is_a_source_of_draws(toy, source):
    x, y = toy
    ours = small(random_state=source, epochs=1).fit(x, y)
    assert isinstance(ours.seed_, int) and (ours.seed_ == 5) == (source is not None and np.isscalar(source))
    assert ours.weights_ == small(random_state=ours.seed_, epochs=1).fit(x, y).weights_
    np.testing.assert_array_equal(ours.predict(x), ours.predict(x))


def test_a_bar_is_drawn_only_if_wanted(toy, capsys):
    x, y = toy
    small(epochs=2).fit(x, y)
    assert capsys.readouterr() == ("", "")
    small(epochs=2, verbose=True).fit(x, y)
    said = capsys.readouterr().err
    assert "80/80" in said and "epoch 2/2, error" in said


# -- what is refused, in one line, and nothing is lost ----------------------------------------------------------------

ROWS = np.array([[0.1, 0.9], [0.8, 0.3], [0.2, 0.7]])
REFUSED = {
    "NaN": ({}, np.where(ROWS == 0.8, np.nan, ROWS), [0, 1, 0], "X has NaN in row 1, column 0; every number must be"),
    "infinite": ({}, np.where(ROWS == 0.7, np.inf, ROWS), [0, 1, 0], "X has inf in row 2, column 1; every number"),
    "one class": ({}, ROWS, ["a"] * 3, r"y has one class only, \['a'\]; a classifier needs rows of two classes"),
    "fewer labels": ({}, ROWS, [0, 1], r"inconsistent numbers of samples: \[3, 2\]"),
    "fewer rows": ({}, ROWS[:2], [0, 1, 2], r"inconsistent numbers of samples: \[2, 3\]"),
    "no rows": ({}, ROWS[:0], [], "0 sample"),
    "a measure": ({}, ROWS, [0.1, 0.25, 0.7], "Unknown label type: continuous"),
    "text": ({}, ROWS.astype(str).tolist() + [["x", "y"]], [0, 1, 0, 1], "could not convert string to float: 'x'"),
    "epochs": ({"epochs": 0}, ROWS, [0, 1, 0], "epochs=0 must be an integer >= 1"),
    "epochs of text": ({"epochs": "5"}, ROWS, [0, 1, 0], "epochs='5' must be an integer >= 1"),
    "reading": ({"reading": "txt"}, ROWS, [0, 1, 0], "reading='txt' is unknown; did you mean 'text'"),
    "hidden": ({"hidden_layer_sizes": (5, 0)}, ROWS, [0, 1, 0], "every layer needs an integer of 1 to .*, got 0"),
    "no hidden": ({"hidden_layer_sizes": None}, ROWS, [0, 1, 0], "hidden_layer_sizes must be a whole number or"),
    "hidden text": ({"hidden_layer_sizes": "10"}, ROWS, [0, 1, 0], "hidden_layer_sizes must be .*, got '10'"),
    "rates": ({"learning_rates": (0.1,)}, ROWS, [0, 1, 0], "has 1 rates; a network of sizes .* needs 2"),
    "a rate": ({"learning_rates": -1}, ROWS, [0, 1, 0], "learning_rates=-1.0 must be a finite number >= 0"),
    "rule": ({"rule": "plateau"}, ROWS, [0, 1, 0], r"rule must be an object such as spikelearn.Plateau\(\)"),
    "engine": ({"engine": "clock"}, ROWS, [0, 1, 0], r"engine must be an object such as spikelearn.Event\(\)"),
    "feedback": ({"feedback": "sparse"}, ROWS, [0, 1, 0], "Network.feedback must be an object with draw"),
    "seed": ({"random_state": -1}, ROWS, [0, 1, 0], "seed=-1 must be an integer >= 0"),
    "random state": ({"random_state": "one"}, ROWS, [0, 1, 0], "'one' cannot be used to seed"),
}


@pytest.mark.filterwarnings("ignore:The number of unique classes is greater:UserWarning")
@pytest.mark.parametrize(("parameters", "x", "y", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_learned_from_is_refused_in_one_line_and_nothing_is_lost(toy, parameters, x, y, message):
    fitted = small(epochs=1).fit(*toy)
    before = vars(copied(fitted)) | parameters
    with pytest.raises(ValueError, match=message) as refused:
        fitted.set_params(**parameters).fit(x, y)
    assert "\n" not in str(refused.value)
    assert vars(fitted).keys() == before.keys() and all(vars(fitted)[name] is before[name] for name in before)


def test_as_many_classes_as_rows_can_be_learned():
    ours = small(engine=sl.Rates(), epochs=200).fit(np.eye(3), ["a", "b", "c"])
    np.testing.assert_array_equal(ours.predict(np.eye(3)), ["a", "b", "c"])
    few = small().partial_fit(np.eye(3)[:2], [0, 1], classes=[0, 1, 2])
    assert few.predict_proba(np.eye(3)).shape == (3, 3)


def test_labels_and_columns_that_were_not_there_at_first_are_refused(toy):
    x, y = toy
    with pytest.raises(sl.InputError, match="the first call of partial_fit needs classes"):
        small().partial_fit(x, y)
    ours = small().partial_fit(x, y, classes=[0, 1])
    before = ours.weights_
    with pytest.raises(sl.InputError, match=r"classes=\[0, 1, 2\] differ from those learned before, \[0, 1\]"):
        ours.partial_fit(x, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"previously unseen labels: \[.*3.*\]"):
        ours.partial_fit(x, y + 2)
    with pytest.raises(ValueError, match="X has 3 features, but SegregatedDendriteClassifier is expecting 4"):
        ours.partial_fit(x[:, :3], y)
    with pytest.raises(sl.InputError, match="X has NaN in row 0, column 0"):
        ours.predict(np.full((1, 4), np.nan))
    with pytest.raises(sl.InputError, match=r"hidden_layer_sizes=\(\) makes no hidden layer"):
        small(hidden_layer_sizes=()).fit(x, y).transform(x)
    assert ours.weights_ is before


# -- among other things of scikit-learn -------------------------------------------------------------------------------


def test_it_stands_in_pipelines_searches_and_scores(toy):
    x, y = toy
    pipeline = make_pipeline(StandardScaler(), small(hidden_layer_sizes=(30,), epochs=40))
    assert cross_val_score(pipeline, x, y, cv=2).min() > 0.8
    rates = [(0.0, 0.0), (1.0, 0.1)]
    grid = {"segregateddendriteclassifier__learning_rates": rates}
    found = GridSearchCV(pipeline, grid, cv=2, n_jobs=2).fit(x, y)
    assert found.best_params_ == {"segregateddendriteclassifier__learning_rates": rates[1]}
    alone = GridSearchCV(pipeline, grid, cv=2, n_jobs=1).fit(x, y)
    np.testing.assert_array_equal(found.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def test_clones_and_dumps_are_the_same_classifier(toy, tmp_path):
    x, y = toy
    ours = small(feedback=sl.SparseFeedback(gain=5), rule=sl.Plateau(), learning_rates=[0.2, 0.1]).fit(x, y)
    assert same(clone(ours).fit(x, y), ours)
    joblib.dump(ours, tmp_path / "ours.joblib")
    again = joblib.load(tmp_path / "ours.joblib")
    np.testing.assert_array_equal(again.predict_proba(x), ours.predict_proba(x))
    assert same(again.partial_fit(x, y), ours.partial_fit(x, y))


def test_columns_keep_their_names(toy):
    pandas = pytest.importorskip("pandas")
    x, y = toy
    frame = pandas.DataFrame(x, columns=list("abcd"))
    ours = small(epochs=1).fit(frame, pandas.Series(y))
    assert list(ours.feature_names_in_) == list("abcd")
    with pytest.raises(ValueError, match="feature names should match"):
        ours.predict(frame[list("dcba")])


@pytest.mark.parametrize(("data", "majority"), [(load_iris, 1 / 3), (load_wine, 0.4), (load_breast_cancer, 0.63)])
def test_small_sets_are_learned_far_better_than_the_largest_class_is_guessed(data, majority):
    x, y = data(return_X_y=True)
    assert abs(np.bincount(y).max() / len(y) - majority) < 0.01
    x_train, x_test, y_train, y_test = train_test_split(x, y, stratify=y, random_state=0)
    ours = small(hidden_layer_sizes=(30,), epochs=30).fit(x_train, y_train)
    assert ours.score(x_test, y_test) > (1 + majority) / 2


# -- importing --------------------------------------------------------------------------------------------------------


def test_importing_the_package_imports_no_library_of_a_door():
    code = (
        "import sys, spikelearn as sl; found = {'sklearn', 'brian2'} & set(sys.modules); assert not found, found; "
        "assert 'SegregatedDendriteClassifier' in dir(sl); sl.SegregatedDendriteClassifier; "
        "assert 'sklearn' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="no attribute 'SegregatedClassifier'"):
        sl.SegregatedClassifier  # noqa: B018
