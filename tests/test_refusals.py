"""What is given in a wrong shape or kind is refused where it comes in, with what to give instead."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import spikelearn as sl
from spikelearn import evaluation, ratenet, runs
from spikelearn.cli import main
from spikelearn.storage import RunFolder

NETWORK = sl.Network(sizes=(4, 3, 2))
MODEL = sl.Model(network=NETWORK, learning_rates=(0.1, 0.1))
WEIGHTS = NETWORK.draw_weights(1)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return sl.Images(x=rng.random((30, 4)), y=rng.integers(0, 2, 30), n_classes=2, name="toy")


@pytest.mark.parametrize(
    ("predictions", "labels", "message"),
    [
        (np.zeros((3, 1), int), np.zeros(3, int), r"shape \(3, 1\) do not fit labels of shape \(3,\)"),
        (np.zeros(3, int), 0, r"labels of shape \(\)"),
        (np.zeros(3, int), np.zeros(2, int), r"must be \(images,\) or \(repeats, images\)"),
        (np.zeros((1, 1, 3), int), np.zeros(3, int), r"shape \(1, 1, 3\)"),
        (np.zeros(0, int), np.zeros(0, int), r"shape \(0,\)"),
        (np.array(["one"]), np.array([1]), "predictions must be integers, class numbers, got <U3"),
        (np.array([1]), np.array([1.0]), "labels must be integers, class numbers, got float64"),
    ],
)
def test_predictions_must_fit_their_labels(predictions, labels, message):
    with pytest.raises(sl.InputError, match=message):
        sl.error_percent(predictions, labels)


def test_lists_of_predictions_will_do():
    np.testing.assert_array_equal(sl.error_percent([[0, 1], [1, 1]], [0, 1]), [0, 50])


@pytest.mark.parametrize("engine", ["event", sl.Event, 1, object()])
def test_an_engine_is_an_object_that_builds(images, engine):
    for use in (
        lambda: sl.train(MODEL, images, seed=1, engine=engine),
        lambda: sl.evaluate(NETWORK, WEIGHTS, images, seed=1, engine=engine),
        lambda: sl.simulate(NETWORK, WEIGHTS, np.zeros(4), engine=engine),
    ):
        with pytest.raises(sl.InputError, match=r"engine must be an object such as spikelearn.Event\(\) .*, got"):
            use()


@pytest.mark.parametrize("rule", [sl.Backprop, "plateau", None])
def test_a_rule_is_an_object(rule):
    with pytest.raises(sl.InputError, match=r"rule must be an object such as spikelearn.Plateau\(\), got"):
        sl.Model(network=NETWORK, learning_rates=(0.1, 0.1), rule=rule)


@pytest.mark.parametrize("rates", [0.1, None, "0.1", np.float64(0.1)])
def test_learning_rates_are_a_tuple(rates):
    with pytest.raises(sl.InputError, match="learning_rates must be a tuple, one number for each of the 2 layers"):
        sl.Model(network=NETWORK, learning_rates=rates)


def test_one_thing_in_place_of_another_is_refused_by_name(images):
    data = sl.Dataset(train=images, test=images, name="toy")
    for use, message in (
        (
            lambda: sl.train(MODEL, data, seed=1),
            "images must be Images, Frames or SpikeTrains, got a Dataset; .*give its .train",
        ),
        (lambda: sl.train(MODEL, images.x, seed=1), "got a ndarray; .*make spikelearn.Images"),
        (lambda: sl.train(NETWORK, images, seed=1), "model must be of the class Model, got a Network"),
        (lambda: sl.train(sl.Model, images, seed=1), "model must be of the class Model, got the class Model"),
        (lambda: sl.evaluate(MODEL, WEIGHTS, images, seed=1), "got a Model; of a model, give model.network"),
        (lambda: sl.simulate(MODEL, WEIGHTS, np.zeros(4)), "got a Model; of a model, give model.network"),
        (lambda: sl.evaluate(NETWORK, WEIGHTS, data, seed=1), "got a Dataset"),
        (lambda: sl.evaluate(NETWORK, list(WEIGHTS.W), images, seed=1), "weights must be of the class Weights, got a"),
        (lambda: sl.Model(network=(4, 3, 2), learning_rates=(0.1, 0.1)), "Model.network must be of the class Network"),
    ):
        with pytest.raises(sl.InputError, match=message):
            use()


def test_weights_are_equal_if_all_their_numbers_are():
    other = NETWORK.draw_weights(1)
    assert other == WEIGHTS
    other.b[0][1] += 1e-9
    assert other != WEIGHTS
    assert sl.Network(sizes=(4, 2, 2)).draw_weights(1) != WEIGHTS
    assert WEIGHTS != 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(WEIGHTS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1])
def test_an_image_to_simulate_has_intensities(value):
    with pytest.raises(sl.InputError, match="at image 0, input 2; must be finite and within 0..1"):
        sl.simulate(NETWORK, WEIGHTS, [0, 0, value, 0], engine=sl.Clock())


@pytest.mark.parametrize("engine", [sl.Clock(), sl.Event()], ids=["clock", "event"])
def test_given_spikes_after_the_end_are_refused(engine):
    with pytest.raises(sl.InputError, match="input_spikes: 1 spikes come at 200 ms or later, .* over at 50 ms; leave"):
        sl.simulate(NETWORK, WEIGHTS, duration=50, input_spikes=([0, 1], [10, 200]), engine=engine)
    with pytest.raises(sl.InputError, match="apical_spikes: 1 spikes come at 50 ms or later"):
        sl.simulate(NETWORK, WEIGHTS, np.zeros(4), duration=50, apical_spikes=([0], [50]), engine=engine)


def both(images):
    return sl.Dataset(train=images, test=images, name="toy")


def changed(name, value):
    arrays = {part: [array.copy() for array in getattr(WEIGHTS, part)] for part in ("W", "b", "Y", "c")}
    arrays[name][0][-1] = value
    return sl.Weights(**arrays)


INSIDE = [
    (
        lambda images: sl.activity(MODEL, WEIGHTS, images, seed=1),
        "network must be of the class Network, got a Model; of",
    ),
    (
        lambda images: sl.train(MODEL, images, seed=1, record=[1], record_to="no.h5"),
        "record must .* Record, got a list",
    ),
    (lambda images: sl.train(MODEL, images, seed=1, record=sl.Record, record_to="no.h5"), "got the class Record; give"),
    (lambda images: sl.Network(sizes=64), r"Network.sizes must be .* such as \(784, 500, 10\), got 64"),
    (lambda images: ratenet.RateNetwork(sizes=64), r"sizes must be .* such as \(784, 256, 10\), got 64"),
    (
        lambda images: ratenet.fit(RATES, "fa", both(images), seed=1),
        "rule must be of the class Rule, got 'fa'; .*entry",
    ),
    (lambda images: ratenet.fit(RATES, sl.Backprop(), both(images), seed=1), "rule must be .*, got a Backprop"),
    (
        lambda images: ratenet.fit(NETWORK, FA, both(images), seed=1),
        "network must be of the class RateNetwork, got a Net",
    ),
    (
        lambda images: ratenet.fit(RATES, FA, images, seed=1),
        "data must be of the class Dataset, got a Images; load one",
    ),
    (lambda images: sl.error_percent([[1], [1, 2]], [1, 2]), "predictions or labels are no array"),
    (lambda images: sl.load(3), "the name of a file or folder must be a string or a path, got 3"),
    (lambda images: runs.load_weights(3), "must be a string or a path, got 3"),
    (lambda images: sl.sweep(3, "never"), "must be a string or a path, got 3"),
    (lambda images: sl.Dataset(train=images.x, test=images, name="toy"), "Dataset.train must be Images, .* a ndarray"),
    (lambda images: sl.Images(x=images.x, y=images.y, n_classes=2.0, name="toy"), "toy: n_classes=2.0"),
    (lambda images: sl.Images(x=images.x, y=images.y, n_classes=2, name=3), "name must be of the class str, got 3"),
    (
        lambda images: sl.evaluate(NETWORK, sl.Weights(W=[[1.0]], b=[0.0], Y=()), images, seed=1),
        r"Weights.W\[0\] must be of the class ndarray, got a list; make one by numpy.array",
    ),
    (
        lambda images: sl.evaluate(NETWORK, changed("W", np.nan), images, seed=1),
        r"Weights.W\[0\] is nan at \(2, 0\); weights that are given must be finite",
    ),
    (lambda images: sl.simulate(NETWORK, changed("Y", np.inf), np.zeros(4)), r"Weights.Y\[0\] is inf at \(2, 0\)"),
    (lambda images: sl.train(MODEL, images, seed=1, weights=changed("b", np.nan)), r"Weights.b\[0\] is nan at \(2,\)"),
]
RATES = ratenet.RateNetwork(sizes=(4, 3, 2))
FA = ratenet.entry("fa").rule


@pytest.mark.parametrize(("use", "message"), INSIDE)
def test_what_would_fail_deep_inside_is_refused_by_name(images, use, message):
    with pytest.raises(sl.InputError, match=message):
        use(images)


# -- words and waits --------------------------------------------------------------------------------------------------


def test_ctrl_c_during_an_evaluation_keeps_what_was_predicted(images, monkeypatch):
    core = type(sl.Clock().build(NETWORK, WEIGHTS))
    whole = sl.evaluate(NETWORK, WEIGHTS, images, seed=1, engine=sl.Clock())
    look, calls = core.look, []

    def press(self, *arguments, **keywords):
        calls.append(None)
        if len(calls) == 4:  # the first is without images
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(1)  # the main thread takes it up meanwhile
        return look(self, *arguments, **keywords)

    monkeypatch.setattr(core, "look", press)
    with pytest.raises(sl.EvaluationStopped, match="stopped after (10|15|20) of 30 images") as stopped:
        sl.evaluate(NETWORK, WEIGHTS, images, seed=1, engine=sl.Clock(), chunk_size=5)
    found = stopped.value.predictions
    n = int((found != -1).sum())
    np.testing.assert_array_equal(found[0, :n], whole[0, :n])
    assert (found[0, n:] == -1).all()


@pytest.fixture
def config(images, tmp_path):
    np.savez(tmp_path / "toy.npz", x=images.x, y=images.y)
    source = str(tmp_path / "toy.npz")
    return runs.Config(name="toy", reading="text", model=MODEL, engine=sl.Clock(), data=source, epochs=2, seed=1)


@pytest.fixture
def usual_signals():
    """Whatever whoever started the tests ignores, as nohup does."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_leaves_a_checkpoint_of_the_moment(config, tmp_path, number):
    run = runs.Run.start(tmp_path / "run", config, sl.load(config.data))
    with pytest.raises(KeyboardInterrupt):
        run.train(lambda chunk: os.kill(os.getpid(), number))
    assert run.training.trials == 24
    assert runs.Run.resume(tmp_path / "run").training.trials == 24
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_a_command_as_ctrl_c_does(config, tmp_path, monkeypatch, capsys, number):
    """Of a cluster whose time is up, or of a terminal that was closed."""
    runs.Run.start(tmp_path / "run", config, sl.load(config.data)).train()

    def asked(*arguments, **keywords):
        os.kill(os.getpid(), number)
        time.sleep(10)

    monkeypatch.setattr(evaluation, "evaluate", asked)
    assert main(["evaluate", str(tmp_path / "run")]) == 130
    assert "stopped" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_is_ignored_stays_so(config, tmp_path, monkeypatch, number):
    """As nohup asks for: a terminal that is closed does not end the work."""
    signal.signal(number, signal.SIG_IGN)
    evaluate = evaluation.evaluate

    def asked(*arguments, **keywords):
        os.kill(os.getpid(), number)
        return evaluate(*arguments, **keywords)

    run = runs.Run.start(tmp_path / "run", config, sl.load(config.data))
    run.train(lambda chunk: os.kill(os.getpid(), number))
    monkeypatch.setattr(evaluation, "evaluate", asked)
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    assert signal.getsignal(number) is signal.SIG_IGN


def test_a_home_folder_is_meant_by_its_sign(config, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert RunFolder("~/runs/one").path == tmp_path / "runs" / "one"
    runs.Run.start("~/one", config, sl.load(config.data))
    assert (tmp_path / "one" / "config.json").exists()
    assert main(["info", "~/one"]) == 0


def test_a_picture_of_ones_own_is_not_replaced(config, tmp_path):
    (tmp_path / "learning_curve.png").write_text("mine")
    with pytest.raises(sl.InputError, match="holds learning_curve.png, which a run would replace, and no run"):
        runs.Run.start(tmp_path, config, sl.load(config.data))
    assert (tmp_path / "learning_curve.png").read_text() == "mine"


def test_the_scale_that_a_note_advises_is_an_option_of_comparisons_too(tmp_path, capsys):
    np.savez(tmp_path / "toy.npz", x=np.eye(8, dtype=np.uint8)[[0, 1] * 10], y=[0, 1] * 10)
    order = ["compare", "--data", str(tmp_path / "toy.npz"), "--rules", "fa", "--seeds", "1", "--epochs", "1"]
    order += ["--sizes", "8,3,2", "--jobs", "1", "--out"]
    assert main([*order, str(tmp_path / "dark")]) == 0
    assert "give scale=1" in capsys.readouterr().err
    assert main([*order, str(tmp_path / "bright"), "--scale", "1"]) == 0
    assert "scale" not in capsys.readouterr().err


def test_dark_bytes_are_told_on_the_command_line_and_a_scale_is_kept(tmp_path, capsys):
    np.savez(tmp_path / "toy.npz", x=np.eye(8, dtype=np.uint8)[[0, 1] * 10], y=[0, 1] * 10)
    data = ["--data", str(tmp_path / "toy.npz"), "--hidden", "3", "--epochs", "1", "--engine", "clock"]
    assert main(["train", "one-hidden", *data, "--out", str(tmp_path / "dark")]) == 0
    assert "spikelearn: note: toy.npz: the largest pixel is 1, and 255 is taken" in capsys.readouterr().err
    assert main(["train", "one-hidden", *data, "--scale", "1", "--out", str(tmp_path / "lit")]) == 0
    assert "note" not in capsys.readouterr().err
    assert runs.load_run(tmp_path / "lit")[0].scale == 1
    for command in (["evaluate", str(tmp_path / "lit")], ["train", "one-hidden", *data, "--resume"]):
        out = ["--out", str(tmp_path / "lit")] if command[0] == "train" else []
        assert main([*command, *out]) == 0
        assert "note" not in capsys.readouterr().err
