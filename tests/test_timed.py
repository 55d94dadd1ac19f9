"""Input that changes in time: frames of intensities, and spikes of one's own, in single trials, training and tests."""

import json
from dataclasses import replace

import numpy as np
import pytest

import spikelearn as sl
from spikelearn import runs
from spikelearn.cli import main
from spikelearn.datasets import load, split
from spikelearn.examples import Shown, Trains
from spikelearn.ratenet.fit import fit
from spikelearn.timed import draw_frames

PHASES = sl.Phases(minimum=30.0, settle=10.0, test=40.0)
NETWORK = sl.Network(sizes=(5, 9, 6), phases=PHASES)
MODEL = sl.Model(network=NETWORK, learning_rates=(0.2, 0.1))
ENGINES = [sl.Event(dtype="float64"), sl.Clock(dtype="float64")]
of_each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)


def frames(n=8, frame=12.0, **more):
    """Three frames of five inputs."""
    rng = np.random.default_rng(0)
    return sl.Frames(x=rng.random((n, 3, 5)), y=rng.integers(6, size=n), n_classes=6, name="films", frame=frame, **more)


def trains(n=8, last=29.0, **more):
    """Some thirty spikes of five inputs."""
    rng = np.random.default_rng(0)
    spikes = [(rng.integers(5, size=k), last * rng.random(k)) for k in rng.integers(20, 40, size=n)]
    return sl.SpikeTrains(spikes=spikes, y=rng.integers(6, size=n), n_inputs=5, n_classes=6, name="trains", **more)


of_each_kind = pytest.mark.parametrize("make", [frames, trains])


def trained(examples, engine, **options):
    training = sl.train(MODEL, examples, seed=1, engine=engine, epochs=2, **options)
    list(training)
    return training


# -- one trial ---------------------------------------------------------------------------------------------------------


@of_each_engine
def test_frames_are_shown_one_after_the_other_and_the_last_stays(engine):
    frames = np.array([[1, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]])
    seen = sl.simulate(NETWORK, NETWORK.draw_weights(1), frames, frame=100.0, duration=500.0, engine=engine)
    spikes = seen.spikes["input"]
    assert set(spikes.neuron[spikes.time < 99]) == {0}
    assert set(spikes.neuron[(spikes.time >= 100) & (spikes.time < 199)]) == {2}
    assert set(spikes.neuron[spikes.time >= 200]) == {4}
    assert 35 < (spikes.time >= 200).sum() < 90  # 60 of 200 Hz in 300 ms
    again = sl.simulate(NETWORK, NETWORK.draw_weights(1), frames, frame=100.0, duration=500.0, engine=engine)
    np.testing.assert_array_equal(again.spikes["output"].time, seen.spikes["output"].time)


def rngs(example):
    return np.random.default_rng((example, 0)), np.random.default_rng((example, 1))


def test_frames_are_poisson_of_their_rates():
    rng = np.random.default_rng(0)
    frames = rng.random((4, 50))
    counts = np.zeros((4, 50))
    for example in range(400):
        neuron, times = draw_frames(0.2 * frames, 25.0, 100.0, *rngs(example))
        assert (np.diff(times) >= 0).all() and times.min(initial=0) >= 0 and times.max(initial=0) < 100
        np.add.at(counts, ((times // 25).astype(int), neuron), 1)
    expected = 400 * 25 * 0.2 * frames
    assert (((counts - expected) ** 2 / expected).sum() - 200) / np.sqrt(2 * 200) < 4
    many = np.array([draw_frames(np.full((1, 1), 0.1), 7.0, 100.0, *rngs(e))[0].size for e in range(2000)])
    assert abs(many.var() / many.mean() - 1) < 0.15


@of_each_engine
def test_frames_are_shown_in_both_phases(engine):
    frames = np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0]])
    seen = sl.simulate(NETWORK, NETWORK.draw_weights(1), frames, frame=45.0, label=2, engine=engine)
    spikes = seen.spikes["input"]
    assert seen.phases[1].stop >= 60 and spikes.time.max() > seen.phases[1].start
    assert set(spikes.neuron[spikes.time >= 45]) == {1} and set(spikes.neuron[spikes.time < 44]) == {0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": np.zeros(5), "frame": 5.0}, r"image of shape \(5,\) does not change in time"),
        ({"image": np.zeros((2, 5))}, "intensities of shape"),
        ({"image": np.zeros((2, 4)), "frame": 5.0}, "examples of 4 inputs do not fit a network with 5"),
        ({"image": np.full((2, 5), 2.0), "frame": 5.0}, "image: 2.0 at image 0, pixel 0; must be finite"),
        ({"image": np.zeros((2, 5)), "frame": 0.0}, "frame=0.0 must be a finite number > 0 ms"),
        ({"frame": 5.0, "input_spikes": ([0], [1.0])}, "input_spikes are instead of an image; leave it out"),
        ({"image": np.zeros(5), "target": [0.5] * 6}, "target: targets .* must be >= 0 and sum to 1"),
        ({"image": np.zeros(5), "target": np.eye(6)[0], "duration": 9.0}, "of a trial without label or target"),
    ],
)
def test_what_cannot_be_shown_is_refused(options, message):
    with pytest.raises(sl.InputError, match=message):
        sl.simulate(NETWORK, NETWORK.draw_weights(1), **options)


# -- training and tests -----------------------------------------------------------------------------------------------


@of_each_engine
@of_each_kind
@pytest.mark.parametrize("restart", [True, False])
def test_a_trained_example_has_the_spikes_that_simulate_shows(engine, make, restart, tmp_path):
    """And of such as restart both phases begin with the same spikes, if they are given."""
    examples, path = make(restart=restart), tmp_path / "r.h5"
    training = trained(examples, engine, record=sl.Record(examples=[0, 9]), record_to=path)
    recorded = sl.RecordingFile(path)
    for example in (0, 9):
        index = training._plan_of(example // 8)[0][example % 8]
        seen = sl.simulate(
            NETWORK, training.weights, examples.at([index]), label=int(examples.y[index]), seed=1, example=example,
            engine=engine,
        )  # fmt: skip
        for found, wanted in zip(recorded[example].spikes["input"], seen.spikes["input"], strict=True):
            np.testing.assert_array_equal(found, wanted)
        spikes, (forward, target) = seen.spikes["input"], seen.phases
        parts = [spikes.neuron[(spikes.time >= p.start) & (spikes.time < p.stop)] for p in (forward, target)]
        if make is trains:
            neurons, times = examples.spikes[index]
            wanted = [neurons[times < p.stop - p.start] for p in (forward, target)]
            assert parts[0].tolist() == wanted[0].tolist()
            assert parts[1].tolist() == (wanted[1].tolist() if restart else [])
        else:
            assert 0 < len(parts[0]) < 60 and 0 < len(parts[1]) < 60


@of_each_engine
def test_frames_that_do_not_change_are_images_in_the_mean(engine):
    rng = np.random.default_rng(0)
    x, y = np.tile(rng.random((1, 5)), (300, 1)), np.zeros(300, np.int64)
    images = sl.Images(x=x, y=y, n_classes=6, name="still")
    film = sl.Frames(x=np.tile(x[:, None], (1, 2, 1)), y=y, n_classes=6, name="film", frame=7.0)
    weights = NETWORK.draw_weights(1)
    counts = [
        sl.activity(NETWORK, weights, each, seed=1, engine=engine)["input"].sum(axis=1) for each in (images, film)
    ]
    (one, other), spread = (each.mean() for each in counts), np.hypot(*(c.std() / np.sqrt(300) for c in counts))
    assert abs(one - other) < 4 * spread
    assert abs(counts[1].var() / counts[1].mean() - 1) < 0.4


@of_each_engine
@of_each_kind
def test_neither_chunks_threads_nor_a_stop_change_anything(engine, make):
    examples = make()
    whole = trained(examples, engine)
    parts = sl.train(MODEL, examples, seed=1, engine=engine, epochs=2, chunk_size=3)
    for _ in range(4):
        next(parts)
    again = sl.train(MODEL, examples, seed=1, engine=engine, epochs=2, chunk_size=5, weights=parts.weights)
    again.resume(parts.trials, parts.state())
    list(again)
    assert again.weights == whole.weights
    assert trained(make(n=8), engine).weights == whole.weights
    assert trained(make(restart=False), engine).weights != whole.weights
    one = sl.evaluate(NETWORK, whole.weights, examples, seed=2, engine=engine, repeats=3, returns="potentials")
    other = sl.evaluate(
        NETWORK, whole.weights, examples, seed=2, engine=engine, repeats=3, returns="potentials", threads=2,
        chunk_size=3,
    )  # fmt: skip
    np.testing.assert_array_equal(one, other)


@of_each_engine
@of_each_kind
def test_each_showing_of_an_example_has_its_input(engine, make):
    network = replace(NETWORK, phases=replace(PHASES, order=("target", "forward", "learn")))
    core = engine.build(network, network.draw_weights(1))
    examples = make()
    moment = core.moment(1, 4, 2, "training")
    assert moment.lengths.shape == (4, 2) and moment.first == 8
    assert (moment.lengths[0::2, 0] == 0).all() and (moment.lengths[1::2, 1] == 0).all()
    shown = examples.show([5, 6], moment)
    assert len(shown.trains.first) == 5 and len(shown.intensities) == 2
    if make is trains:
        for k, index in enumerate([5, 5, 6, 6]):
            part = slice(*shown.trains.first[k : k + 2])
            assert shown.trains.neuron[part].tolist() == examples.spikes[index][0].tolist()
    model = sl.Model(network=network, learning_rates=(0.2, 0.1))
    training = sl.train(model, examples, seed=1, engine=engine)
    list(training)
    assert training.weights != network.draw_weights(1)


def test_a_longer_showing_has_the_same_spikes_and_more():
    short, long = (draw_frames(np.full((3, 5), 0.1), 7.0, duration, *rngs(1)) for duration in (30.0, 60.0))
    inside = long[1] < 28.0  # whole frames
    assert short[0][short[1] < 28.0].tolist() == long[0][inside].tolist() and len(long[0]) > len(short[0])


@of_each_engine
def test_what_changes_in_time_can_be_learned(engine):
    """Three groups of inputs one after the other, or the other way round: no still image tells which."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=300)
    there = np.eye(3)
    x = np.where(y[:, None, None] == 0, there, there[::-1])
    network = sl.Network(sizes=(30, 30, 2), phases=sl.Phases(minimum=90.0, settle=70.0, test=90.0))
    model = sl.Model(network=network, learning_rates=(1.0, 1.0))
    film = sl.Frames(x=np.repeat(x, 10, axis=2), y=y, n_classes=2, name="order of three", frame=30.0)
    training = sl.train(model, film, seed=1, engine=engine, epochs=3)
    list(training)
    predictions = sl.evaluate(network, training.weights, film, seed=2, engine=engine)
    assert sl.error_percent(predictions, y)[0] < 5


# -- data sets and runs -----------------------------------------------------------------------------------------------


def written(path, make, parted):
    """Write examples as a .npz file, in two parts or one."""
    arrays = {}
    for end, examples in (("_train", make(n=8)), ("_test", make(n=6))) if parted else (("", make(n=12)),):
        arrays[f"y{end}"] = examples.y
        if make is frames:
            arrays[f"x{end}"] = examples.x
        else:
            arrays[f"first{end}"] = np.cumsum([0, *(len(times) for _, times in examples.spikes)])
            arrays[f"neuron{end}"], arrays[f"time{end}"] = map(np.concatenate, zip(*examples.spikes, strict=True))
    arrays |= {"frame": 12.0} if make is frames else {"n_inputs": 5}
    np.savez(path, **arrays)
    return path


@of_each_kind
@pytest.mark.parametrize("parted", [True, False])
def test_a_file_has_what_was_written(make, parted, tmp_path):
    data = load(written(tmp_path / "own.npz", make, parted))
    assert type(data.train) is type(make())
    if parted:
        for part, examples in ((data.train, make(n=8)), (data.test, make(n=6))):
            assert part.digest() == replace(examples, n_classes=part.n_classes).digest()
    assert data.train.restart and len(data.train) + len(data.test) == (14 if parted else 12)


@of_each_kind
def test_a_run_is_kept_stopped_resumed_and_looked_into(make, tmp_path, capsys):
    path = written(tmp_path / "own.npz", make, True)
    changes = ("phases.minimum=30", "phases.settle=10", "phases.test=40", "phases.order=forward,target,learn,forward")
    shared = ["train", "one-hidden", "--hidden", "9", "--data", str(path), "--json"]
    shared += [part for change in changes[:3] for part in ("--set", f"network.{change}")]
    assert main([*shared, "--epochs", "3", "--out", str(tmp_path / "whole")]) == 0
    assert main([*shared, "--epochs", "2", "--out", str(tmp_path / "parts")]) == 0
    assert main(["train", "one-hidden", "--resume", "--out", str(tmp_path / "parts"), "--epochs", "3", "--json"]) == 0
    assert runs.load_weights(tmp_path / "parts") == runs.load_weights(tmp_path / "whole")
    assert main(["evaluate", str(tmp_path / "whole"), "--json"]) == 0
    capsys.readouterr()
    out = tmp_path / "trace.h5"
    assert main(["trace", str(tmp_path / "whole"), "--image", "3", "--neurons", "0", "--out", str(out), "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)["spikes"]
    assert counts["input"] > 0
    if make is trains:
        assert counts["input"] == 2 * len(load(path).test.spikes[3][1])
    assert main([*shared, "--epochs", "1", "--set", f"network.{changes[3]}", "--out", str(tmp_path / "other")]) == 0
    assert main(["train", "one-hidden", "--resume", "--out", str(tmp_path / "other"), "--epochs", "2", "--json"]) == 0


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: frames(frame=0.0), "films: frame=0.0 must be a finite number > 0 ms"),
        (lambda: replace(frames(), x=np.zeros((8, 5))), r"films: frames must be \(n, frames, inputs\).*got shape"),
        (lambda: replace(frames(), x=np.zeros((8, 0, 5))), r"films: frames must be \(n, frames, inputs\)"),
        (lambda: replace(frames(), x=np.full((8, 3, 5), 1.5)), "films: 1.5 at image 0, pixel 0; must be finite"),
        (lambda: replace(frames(), y=np.arange(8)), r"films: label 6 at image 6; must be within 0\.\.5"),
        (lambda: replace(trains(), y=np.arange(7)), r"trains: 8 examples but labels of shape \(7,\)"),
        (lambda: replace(trains(), spikes=[([5], [1.0])] * 8), "trains, example 0: unknown neuron 5; there are"),
        (lambda: replace(trains(), spikes=[([1], [-1.0])] * 8), "trains, example 0: times must be finite and >= 0"),
        (lambda: replace(trains(), spikes=[([1], [np.nan])] * 8), "trains, example 0: times must be finite and >= 0"),
        (lambda: replace(trains(), spikes=[([1.0], [1.0])] * 8), "trains, example 0: neurons must be integers"),
        (lambda: replace(trains(), spikes=[([1, 2], [1.0])] * 8), "must be two arrays of equal length"),
        (lambda: replace(trains(), n_inputs=0), "trains: n_inputs=0 must be"),
        (lambda: replace(trains(), targets=np.ones((8, 6))), "trains: targets .* sum to 1"),
        (lambda: frames().first(9), "films: cannot take the first 9 of 8 sequences"),
        (lambda: trains().first(0), "trains: cannot take the first 0 of 8 examples"),
    ],
)
def test_what_is_no_example_is_refused(make, message):
    with pytest.raises(sl.InputError, match=message):
        make()


@of_each_kind
def test_what_would_come_after_a_phase_is_refused(make):
    weights = NETWORK.draw_weights(1)
    late = frames(frame=15.0) if make is frames else trains(last=31.0)
    with pytest.raises(sl.InputError, match=r"go on to 3\d.* may be over at 30 ms; .* make Phases.minimum longer"):
        sl.train(MODEL, late, seed=1)
    sl.train(MODEL, replace(late, restart=False), seed=1)
    sl.evaluate(NETWORK, weights, late, seed=1)
    later = frames(frame=21.0) if make is frames else trains(last=45.0)
    with pytest.raises(sl.InputError, match=r"go on to 4\d.* may be over at 40 ms; .* make Phases.test longer"):
        sl.evaluate(NETWORK, weights, later, seed=1)
    with pytest.raises(sl.InputError, match="may be over at 40 ms"):
        sl.simulate(NETWORK, weights, later.at([0]))


def test_a_run_whose_tests_would_end_too_early_is_not_begun(tmp_path):
    path = written(tmp_path / "own.npz", frames, True)
    network = replace(NETWORK, phases=replace(PHASES, test=20.0))
    config = runs.Config(
        name="own", reading="text", model=replace(MODEL, network=network), data=str(path), epochs=1, seed=1
    )
    with pytest.raises(sl.InputError, match="own.npz test: frames go on to 24 ms, but .* at 20 ms"):
        runs.Run.start(tmp_path / "run", config, load(path))
    assert not (tmp_path / "run").exists()


def test_a_run_whose_engine_has_no_time_is_not_begun(tmp_path):
    path = written(tmp_path / "own.npz", frames, True)
    config = runs.Config(name="own", reading="text", model=MODEL, data=str(path), epochs=1, seed=1, engine=sl.Rates())
    with pytest.raises(sl.InputError, match=r"Rates\(\) has no time"):
        runs.Run.start(tmp_path / "run", config, load(path))
    assert not (tmp_path / "run").exists()


@of_each_kind
def test_without_time_nothing_changes_in_it(make):
    with pytest.raises(sl.InputError, match=r"Rates\(\) has no time, so input cannot change in it"):
        next(sl.train(MODEL, make(), seed=1, engine=sl.Rates()))
    with pytest.raises(sl.InputError, match=r"Rates\(\) has no time, so input cannot change in it"):
        sl.evaluate(NETWORK, NETWORK.draw_weights(1), make(), seed=1, engine=sl.Rates())


def test_rate_networks_learn_from_images_only():
    from spikelearn.ratenet.network import RateNetwork
    from spikelearn.ratenet.registry import entry

    network = RateNetwork(sizes=(5, 8, 6))
    with pytest.raises(sl.InputError, match="films train: rate networks learn from images, not from Frames"):
        next(fit(network, entry("bp").rule, split(frames()), seed=1, epochs=1))


def test_one_example_at_a_time_is_simulated():
    with pytest.raises(sl.InputError, match=r"image must be an array .* or one example.*got a Frames, 8 of them"):
        sl.simulate(NETWORK, NETWORK.draw_weights(1), frames())
    with pytest.raises(sl.InputError, match=r"image must be an array .* or one example.*got 'digits'"):
        sl.simulate(NETWORK, NETWORK.draw_weights(1), "digits")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"first": [0, 1], "neuron": [0], "time": [1.0], "y": [0]}, "n_inputs must be a whole number"),
        ({"first": [0, 1], "neuron": [0], "time": [1.0], "y": [0], "n_inputs": 2.5}, "n_inputs must be a whole number"),
        ({"first": [0, 2], "neuron": [0], "time": [1.0], "y": [0], "n_inputs": 2}, "first must be ascending integers"),
        ({"first": [0, 1], "neuron": [0], "time": [1.0], "y": [0], "n_inputs": [2]}, "n_inputs must be one number"),
        ({"x": np.zeros((2, 3)), "y": [0, 0], "frame": 5.0}, r"frames must be \(n, frames, inputs\)"),
        ({"x": np.zeros((2, 3, 4)), "y": [0, 0], "frame": np.nan}, "frame=nan must be a finite number"),
        ({"neuron": [0]}, "must have the arrays x_train, y_train, x_test, y_test or x, y or first_train"),
    ],
)
def test_a_file_that_says_nothing_clear_is_refused(arrays, message, tmp_path):
    np.savez(tmp_path / "own.npz", **arrays)
    with pytest.raises(sl.InputError, match=message):
        load(tmp_path / "own.npz")


@pytest.mark.parametrize(
    ("spikes", "message"),
    [
        (([5], [1.0]), "input spike of neuron 5 at 1 ms of showing 0: neurons must be 0 to 4"),
        (([-1], [1.0]), "input spike of neuron -1 at 1 ms"),
        (([0], [500.0]), "input spike of neuron 0 at 500 ms of showing 0: .* to the end of the showing at 6"),
        (([0, 0], [1.0, np.nan]), "input spike of neuron 0 at nan ms"),
        (([0, 1], [2.0]), "2 neurons and 1 times"),
    ],
)
def test_examples_of_ones_own_that_show_what_cannot_be_are_refused(spikes, message):
    class Own(sl.Images):
        def show(self, index, moment):
            first = np.array([0, len(spikes[0])])
            return Shown(self.intensities(index), Trains(first, np.array(spikes[0]), np.array(spikes[1])))

    own = Own(x=np.zeros((1, 5)), y=[0], n_classes=6, name="own")
    with pytest.raises(sl.InputError, match=message):
        next(sl.train(MODEL, own, seed=1))


@of_each_engine
def test_numbers_of_any_type_are_taken_from_examples_of_ones_own(engine):
    """And nothing is called with another type than it is compiled for, whatever came before."""

    class Own(sl.Images):
        kinds = (np.int64, np.int32, np.float64)

        def show(self, index, moment):
            n = len(moment.lengths)
            first, neuron, time = np.arange(n + 1), np.arange(n) % 5, 12 + np.arange(n) % 10
            arrays = zip((first, neuron, time), self.kinds, strict=True)
            return Shown(self.intensities(index), Trains(*(array.astype(kind) for array, kind in arrays)))

    class Others(Own):
        kinds = (np.int16, np.uint8, np.float32)

    made = {"x": np.zeros((8, 5)), "y": np.arange(8) % 6, "n_classes": 6, "name": "own"}
    assert trained(Own(**made), engine).weights == trained(Others(**made), engine).weights
    core = engine.build(NETWORK, NETWORK.draw_weights(1))
    seen = [
        core.look(shown.intensities, trains=shown.trains, seed=1, first_example=0, returns="counts")[1]
        for cls in (Own, Others, Own)
        for shown in [cls(**made).show(slice(0, 8), core.moment(1, 0, 8, "evaluation"))]
    ]
    assert seen[0][:, :5].sum() > 0
    for other in seen[1:]:
        np.testing.assert_array_equal(seen[0], other)


def test_more_spikes_than_could_be_drawn_find_room():
    many = [(np.zeros(5000, int), np.linspace(0, 25, 5000)), ([], []), (np.ones(9000, int), np.linspace(0, 25, 9000))]
    examples = sl.SpikeTrains(spikes=many, y=[0, 1, 2], n_inputs=5, n_classes=6, name="many")
    for engine in ENGINES:
        counts = sl.activity(NETWORK, NETWORK.draw_weights(1), examples, seed=1, engine=engine, layers=["input"])
        assert (counts["input"].sum(axis=1) > 0).tolist() == [True, False, True]
        assert trained(examples, engine).trials == 6


# -- a data set of one's own ------------------------------------------------------------------------------------------


def test_a_data_set_has_a_name(forgotten, capsys):
    own = split(frames(n=24))
    sl.register_data("films")(lambda: own)
    assert sl.load("films") is own
    assert main(["data"]) == 0
    assert "films: of test_timed" in capsys.readouterr().out
    with pytest.raises(sl.InputError, match="'flims' is not a data set.*did you mean 'films'"):
        sl.load("flims")
    with pytest.raises(sl.InputError, match="scale=2 is for images of your own"):
        sl.load("films", scale=2.0)
    sl.register_data("films")(lambda: "films")
    with pytest.raises(sl.InputError, match="the loader of films returned 'films'; it must return a"):
        sl.load("films")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digits", "digits is the name of a data set of spikelearn; choose another"),
        ("./films", "register_data takes a name like my_images and a function, got './films'"),
        (3, "register_data takes a name"),
    ],
)
def test_names_that_cannot_be_are_refused(name, message):
    with pytest.raises(sl.InputError, match=message):
        sl.register_data(name)(lambda: None)
