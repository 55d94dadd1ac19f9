"""Training that is copied, interrupted, or driven by several threads: the same bits, or a refusal."""

import copy
import io
import pickle
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from conftest import samples

import spikelearn as sl
from spikelearn import progress
from spikelearn.engines import ClockCore, EventCore, RatesCore
from spikelearn.errors import InputError, NotFiniteError
from spikelearn.models import guerguiev2017
from spikelearn.ratenet import fit, registry
from spikelearn.ratenet.connections import Dense
from spikelearn.ratenet.fit import minibatches
from spikelearn.ratenet.parameters import Parameters
from spikelearn.recording_file import RecordingFile

ENGINES = {"event": sl.Event(), "clock": sl.Clock(), "rates": sl.Rates()}
CORES = {"event": EventCore, "clock": ClockCore, "rates": RatesCore}
of_each_engine = pytest.mark.parametrize("engine", ENGINES)
N, CHUNK = 12, 4


def images():
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=N)
    return sl.Images(x=0.3 * rng.random((N, 4)) + 0.6 * np.eye(4)[y], y=y, n_classes=3, name="dots")


def begin(engine="clock", reading="released", **options):
    model = guerguiev2017.one_hidden(reading, n_input=4, hidden=(3,), n_output=3)
    return sl.train(
        model, images(), **({"seed": 1, "epochs": 2, "engine": ENGINES[engine], "chunk_size": CHUNK} | options)
    )


def arrays(training):
    return [*training.weights.W, *training.weights.b, *training.weights.Y, *training.state().values()]


def same(first, second):
    return first.trials == second.trials and all(map(np.array_equal, arrays(first), arrays(second)))


def ended(training):
    list(training)
    return training


def by_pickle(training):
    return pickle.loads(pickle.dumps(training))


def by_joblib(training):
    file = io.BytesIO()
    joblib.dump(training, file)
    file.seek(0)
    return joblib.load(file)


# -- copies -----------------------------------------------------------------------------------------------------------


@of_each_engine
@pytest.mark.parametrize("how", [copy.deepcopy, copy.copy, by_pickle, by_joblib])
def test_a_copy_of_a_started_training_goes_on_to_the_same_bits(engine, how):
    reading = "text" if engine == "clock" else "released"
    training = begin(engine, reading)
    next(training)
    twin = how(training)
    assert twin.trials == CHUNK and same(twin, training)
    whole = ended(begin(engine, reading))
    assert same(ended(twin), whole)
    assert training.trials == CHUNK  # it has not moved with its copy
    assert same(ended(training), whole)


def test_a_copy_goes_on_in_another_process(tmp_path):
    training = begin()
    next(training)
    joblib.dump(training, tmp_path / "training.joblib")
    program = (
        "import joblib\ntraining = joblib.load('training.joblib')\nlist(training)\n"
        "joblib.dump((training.trials, training.weights), 'ended.joblib')"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    trials, weights = joblib.load(tmp_path / "ended.joblib")
    whole = ended(begin())
    assert trials == whole.trials
    assert all(map(np.array_equal, weights.W + weights.b + weights.Y, arrays(whole)))


def test_a_copy_of_a_core_is_one_of_its_own():
    """Cores are what trainings, and scripts that need no training, hold."""
    network = begin().model.network
    core = ENGINES["clock"].build(network, network.draw_weights(1))
    twin = copy.copy(core)
    before = twin.weights
    shown = dict(seed=1, first_example=0, learning_rates=(0.2, 0.2), rule=sl.Plateau())
    core.train(images().intensities(slice(4)), images().y[:4], **shown)
    assert all(map(np.array_equal, twin.weights.W, before.W))
    twin.train(images().intensities(slice(4)), images().y[:4], **shown)
    assert all(map(np.array_equal, twin.weights.W, core.weights.W))


def test_a_training_that_records_is_not_copied(tmp_path):
    training = begin(record=sl.Record(examples=[2]), record_to=tmp_path / "some.h5")
    for how in (copy.deepcopy, copy.copy, pickle.dumps):
        with pytest.raises(InputError, match=r"records cannot be copied: both would write to .*some\.h5"):
            how(training)
    ended(training)


@pytest.mark.parametrize("how", [copy.deepcopy, copy.copy, by_pickle])
def test_parameters_that_are_copied_still_share_their_memory(how):
    parameters = Parameters([Dense(2, 3), Dense(3, 1)], np.float32)
    twin = how(parameters)
    twin.flat[:] = np.arange(len(twin.flat))
    assert [w.ravel().tolist() for w in twin.W] == [[0, 1, 2, 3, 4, 5], [9, 10, 11]]
    assert [b.tolist() for b in twin.b] == [[6, 7, 8], [12]]


@pytest.mark.parametrize("name", ["bp", "dtp", "kp"])
def test_a_copy_of_a_rate_network_learns_as_the_network_does(name):
    known, data = registry.entry(name), sl.load("digits")
    state = next(fit(known.network((64, 8, 10)), known.rule, data, seed=1, epochs=1)).state
    twin = copy.deepcopy(state)
    batch = next(minibatches(data.train, state.network, 16, np.random.default_rng(1)))
    for each in (state, twin):
        known.rule.learn(each, batch, np.random.default_rng(2))
    assert np.array_equal(twin.parameters.flat, state.parameters.flat)
    assert all(map(np.array_equal, twin.parameters.W, state.parameters.W))


def test_recordings_and_weights_are_copied_whole():
    model = begin().model
    weights = model.network.draw_weights(1)
    seen = sl.simulate(model.network, weights, images().intensities(slice(1))[0], engine=ENGINES["clock"])
    for how in (copy.deepcopy, by_pickle, by_joblib):
        twin = how(seen)
        assert all(np.array_equal(twin[name], seen[name]) for name in seen.potentials)
        with pytest.raises(InputError, match="was not recorded"):
            twin["nothing"]
        assert all(map(np.array_equal, how(weights).W, weights.W))


# -- interrupts -------------------------------------------------------------------------------------------------------


class Interrupt:
    """Raises KeyboardInterrupt at line `at` of the package's code, as Ctrl-C can."""

    def __init__(self, at):
        self.at, self.passed = at, 0

    def __enter__(self):
        sys.settrace(self.trace)

    def __exit__(self, *error):
        sys.settrace(None)

    def trace(self, frame, event, argument):
        if Path(frame.f_code.co_filename).parent.name not in ("spikelearn", "engines"):
            return None
        if event == "line":
            self.passed += 1
            if self.passed == self.at:
                raise KeyboardInterrupt
        return self.trace


def lines_of(training):
    counter = Interrupt(0)
    with counter:
        next(training)
    return counter.passed


@of_each_engine
def test_an_interrupt_anywhere_in_a_chunk_changes_nothing(engine):
    whole, training = begin(engine), begin(engine)
    next(whole), next(training)
    before, after = copy.deepcopy(whole), whole
    next(after)
    lines = lines_of(copy.deepcopy(before))
    seen = set()
    for at in range(1, lines + 1, samples(3 if engine == "clock" else 29, 97)):
        twin = copy.deepcopy(before)
        with pytest.raises(KeyboardInterrupt), Interrupt(at):
            next(twin)
        expected = after if twin.trials == after.trials else before
        seen.add(twin.trials)
        assert same(twin, expected), at
        if expected is before:
            next(twin)
            assert same(twin, after), at
    assert before.trials in seen


def test_an_interrupt_of_going_back_is_made_up_for(monkeypatch):
    training, restore = begin(), ClockCore.restore
    next(training)
    before = copy.deepcopy(training)

    def fail(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ClockCore, "restore", fail)
        patched.setattr(ClockCore, "_check_finite", fail)  # after weights have changed
        with pytest.raises(KeyboardInterrupt):
            next(training)
    assert ClockCore.restore is restore
    assert same(training, before)
    assert same(ended(training), ended(begin()))


@of_each_engine
@pytest.mark.parametrize("error", [RuntimeError, NotFiniteError, MemoryError])
def test_an_error_after_weights_have_changed_changes_nothing(engine, error, monkeypatch):
    training = begin(engine)
    next(training)
    before = copy.deepcopy(training)

    def fail(core, example):
        raise error("no")

    with monkeypatch.context() as patched:
        patched.setattr(CORES[engine], "_check_finite", fail)
        with pytest.raises(error):
            next(training)
    assert same(training, before)
    assert same(ended(training), ended(begin(engine)))


def test_training_that_diverged_can_go_on_with_another_rate():
    training = begin()
    next(training)
    before = copy.deepcopy(training)
    training.model = replace(training.model, learning_rates=(0.0, 1e38))
    with pytest.raises(NotFiniteError):
        list(training)
    assert same(training, before)


def test_a_recording_that_fails_leaves_training_where_it_was(tmp_path, monkeypatch):
    training = begin(record=sl.Record(variables=["spikes"]), record_to=tmp_path / "all.h5")
    next(training)
    before, append = (training.trials, arrays(training)), RecordingFile.append

    def full(file, example, recording):
        if example == CHUNK + 2:
            raise OSError(28, "No space left on device")
        append(file, example, recording)

    with monkeypatch.context() as patched:
        patched.setattr(RecordingFile, "append", full)
        with pytest.raises(OSError, match="No space left"):
            next(training)
    assert training.trials == before[0]
    assert all(map(np.array_equal, arrays(training), before[1]))
    whole = ended(begin())
    assert same(ended(training), whole)
    assert RecordingFile(tmp_path / "all.h5").examples == list(range(2 * N))


def test_weights_or_a_state_that_cannot_be_taken_up_change_nothing():
    training = begin()
    next(training)
    before, state = copy.deepcopy(training), training.state()
    state["layer2_recent"] = np.zeros(10**6, np.int32)
    state["layer2_when"] = np.zeros(10**6, np.int64)
    with pytest.raises(InputError, match="more than can occur"):
        training.resume(N, state)
    assert same(training, before)
    with pytest.raises(InputError, match="trials=25 must be an integer >= 0 and <= 24"):
        training.resume(25, training.state())
    w = before.weights
    with pytest.raises(ValueError):
        training.weights = replace(w, b=(w.b[0], np.array(["a", "b", "c"])))
    assert same(training, before)
    training.resume(2 * N, training.state())
    assert list(training) == []


# -- threads ----------------------------------------------------------------------------------------------------------


def slow(monkeypatch, seconds=0.2):
    """Let a chunk take a while, and return an event that is set when one has begun."""
    began, usual = threading.Event(), ClockCore.train

    def train(core, *args, **kwargs):
        began.set()
        time.sleep(seconds)
        return usual(core, *args, **kwargs)

    monkeypatch.setattr(ClockCore, "train", train)
    return began


def test_a_second_thread_that_drives_is_refused_and_disturbs_nothing(monkeypatch):
    began, training = slow(monkeypatch), begin()
    driver = threading.Thread(target=next, args=[training], name="driver")
    driver.start()
    began.wait()
    with pytest.raises(InputError, match="driven by another thread, 'driver'; drive it from one thread"):
        next(training)
    driver.join()
    monkeypatch.undo()
    assert training.trials == CHUNK
    assert same(ended(training), ended(begin()))


def test_who_looks_waits_for_the_end_of_a_chunk(monkeypatch):
    began, training, once = slow(monkeypatch), begin(), begin()
    driver = threading.Thread(target=next, args=[training])
    driver.start()
    began.wait()
    twin, weights = copy.deepcopy(training), training.weights
    driver.join()
    monkeypatch.undo()
    next(once)
    assert same(twin, once)
    assert all(map(np.array_equal, weights.W, once.weights.W))


def test_threads_that_take_turns_train_as_one_does():
    training = begin()

    def work():
        while training.trials < 2 * N:
            try:
                next(training, None)
            except InputError:
                time.sleep(0.001)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same(training, ended(begin()))


def test_a_thread_that_is_gone_is_not_waited_for():
    """As in a child of fork, or after an interrupt where nothing but the interrupt was done any more."""
    training = begin()
    frames = []

    def leave():
        frames.append(sys._getframe())
        training._progress._turn = progress._Turn(frames[0])

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    assert frames[0] is training._progress._turn._frame
    assert same(ended(training), ended(begin()))
    leave()
    assert same(training, ended(begin()))


def test_who_looks_from_within_a_chunk_is_refused(monkeypatch):
    """A signal handler, say: it would wait for itself."""
    training, usual = begin(), ClockCore._check_finite

    def check(core, example):
        with pytest.raises(InputError, match="in the middle of a chunk; use it between two chunks"):
            training.weights  # noqa: B018
        usual(core, example)

    monkeypatch.setattr(ClockCore, "_check_finite", check)
    next(training)
    monkeypatch.undo()
    assert same(ended(training), ended(begin()))
