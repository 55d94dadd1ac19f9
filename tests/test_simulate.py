"""One trial with recording: what is seen is what happens, given spikes arrive, and nonsense is refused."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from scipy.integrate import solve_ivp

import spikelearn as sl

ENGINES = {"clock": sl.Clock(dtype="float64"), "event": sl.Event(dtype="float64")}
both = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
NETWORK = sl.Network(
    sizes=(12, 70, 9, 3),
    synapse=sl.Synapse(cutoff=10.0),
    phases=sl.Phases(minimum=20.0, settle=8.0, window=10.0, test=30.0),
)
WEIGHTS = NETWORK.draw_weights(1)
IMAGE = np.random.default_rng(0).random(12)


def simulate(network=NETWORK, weights=WEIGHTS, image=IMAGE, **settings):
    return sl.simulate(network, weights, image, **({"seed": 3} | settings))


def one_neuron(g_apical=0.0, w_basal=20.0, w_apical=30.0, **network):
    """Return a network of one hidden neuron with one input and one apical synapse, and its weights."""
    net = sl.Network(sizes=(1, 1, 1), hidden=sl.HiddenNeuron(g_apical=g_apical), **network)
    return net, sl.Weights(
        (np.full((1, 1), w_basal), np.zeros((1, 1))), (np.zeros(1),) * 2, (np.full((1, 1), w_apical),)
    )


# -- what is seen ------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("label", [None, 2])
def test_a_trial_is_that_of_the_core_by_name(engine, label):
    recording = simulate(label=label, engine=engine, example=5)
    trace = engine.build(NETWORK, WEIGHTS).record(IMAGE, label, seed=3, example=5)
    assert recording.layers == ["input", "hidden[0]", "hidden[1]", "output"]
    for layer, name in enumerate(("hidden[0]", "hidden[1]", "output")):
        np.testing.assert_array_equal(recording[f"{name}.v_soma"], trace.v_soma[layer].T)
    np.testing.assert_array_equal(recording["hidden[1].v_basal"], trace.v_dendrite[1].T)
    np.testing.assert_array_equal(recording["output.v_dendrite"], trace.v_dendrite[2].T)
    np.testing.assert_array_equal(recording["hidden[0].v_apical"], trace.v_apical[0].T)
    for name, (times, neurons) in zip(recording.layers, trace.spikes, strict=True):
        np.testing.assert_array_equal(recording.spikes[name].time, times)
        np.testing.assert_array_equal(recording.spikes[name].neuron, neurons)
    names = [phase.name for phase in recording.phases]
    assert names == (["forward"] if label is None else ["forward", "target"])
    # The samples of a clock are those of its steps, of which a trial is a whole number.
    rest = recording.phases[-1].stop - recording.times[-1]
    assert -1e-9 < rest < (1e-9 if isinstance(engine, sl.Clock) else engine.slot)
    assert recording.annotations["seed"] == 3 and recording.annotations["example"] == 5
    assert ("label" in recording.annotations) == (label is not None)


@both
def test_what_is_recorded_does_not_change_what_happens(engine):
    whole = simulate(label=1, engine=engine)
    for record in (["output.spikes"], ["hidden[0].v_apical"], ["v_soma"], ["input"]):
        part = simulate(label=1, engine=engine, record=record, neurons={"hidden[0]": [3, 66]}, every=2.0)
        for name, spikes in part.spikes.items():
            kept = np.isin(whole.spikes[name].neuron, [3, 66]) if name == "hidden[0]" else slice(None)
            np.testing.assert_array_equal(spikes.time, whole.spikes[name].time[kept])
            np.testing.assert_array_equal(spikes.neuron, whole.spikes[name].neuron[kept])
        for name, series in part.potentials.items():
            rows = [3, 66] if name.startswith("hidden[0]") else slice(None)
            columns = np.isin(whole.times, part.times)
            assert len(part.times) == columns.sum() > 10
            np.testing.assert_array_equal(series, whole[name][rows][:, columns])
        for name, plateaus in part.plateaus.items():
            rows = [3, 66] if name == "hidden[0]" else slice(None)
            np.testing.assert_array_equal(plateaus.forward, whole.plateaus[name].forward[rows])
            np.testing.assert_array_equal(plateaus.target, whole.plateaus[name].target[rows])


@both
@pytest.mark.parametrize("g_apical", [0.0, 0.05])
def test_plateaus_are_the_sigmoid_of_the_mean_apical_potential_before_them(engine, g_apical):
    network = replace(NETWORK, hidden=sl.HiddenNeuron(g_apical=g_apical), plateaus=sl.JitteredPlateaus())
    engine = replace(engine, **({"slot": 0.02} if isinstance(engine, sl.Event) else {}))
    recording = simulate(network, label=1, engine=engine)
    v, plateaus = recording["hidden[0].v_apical"], recording.plateaus["hidden[0]"]
    for phase, values, times in (
        (0, plateaus.forward, plateaus.time_forward),
        (1, plateaus.target, plateaus.time_target),
    ):
        end = recording.phases[phase].stop
        assert set(np.round(end - times, 6)) == set(range(6))
        for row, (value, time) in enumerate(zip(values, times, strict=True)):
            inside = (recording.times > time - 10 + 1e-6) & (recording.times <= time + 1e-6)
            # A clock's sample holds for the step before it; between those of an event engine lines are drawn.
            atol = 1e-12 if isinstance(engine, sl.Clock) else 2e-3
            assert value == pytest.approx(reference.sigmoid(v[row, inside].mean()), abs=atol)


def test_an_event_engine_samples_at_ends_of_slots_nearest_to_what_is_asked_for():
    whole, part = simulate(), simulate(every=0.7)
    np.testing.assert_allclose(whole.times, 0.25 * np.arange(1, 121))
    np.testing.assert_allclose(part.times, 0.75 * np.arange(1, 41))
    np.testing.assert_array_equal(part["output.v_soma"], whole["output.v_soma"][:, 2::3])


@both
def test_a_window_and_an_interval_choose_samples_and_spikes(engine):
    whole = simulate(engine=engine)
    part = simulate(engine=engine, window=(10.0, 20.0), every=5.0)
    np.testing.assert_allclose(part.times, [15.0, 20.0])
    for name, spikes in part.spikes.items():
        inside = (whole.spikes[name].time >= 10) & (whole.spikes[name].time < 20)
        np.testing.assert_array_equal(spikes.time, whole.spikes[name].time[inside])
    np.testing.assert_array_equal(
        part["output.v_soma"], whole["output.v_soma"][:, np.isclose(whole.times[:, None], part.times).any(1)]
    )


@pytest.mark.parametrize(("engine", "rtol"), [(sl.Clock(), 1e-5), (sl.Event(slot=0.02), 1e-2)], ids=ENGINES)
def test_the_trial_of_a_training_run_has_the_same_input_spikes(engine, rtol):
    images = sl.Images(x=np.tile(IMAGE, (3, 1)).astype(np.float32), y=np.array([0, 1, 2]), n_classes=3, name="few")
    model = sl.Model(network=NETWORK, learning_rates=(0.0,) * 3)
    chunk = next(sl.train(model, images, seed=3, engine=engine))
    first = simulate(weights=NETWORK.draw_weights(3), label=int(chunk.label[0]), engine=engine)
    end = first.phases[0].stop + 1e-9
    v = first["output.v_soma"][:, (first.times > end - 10) & (first.times <= end)].mean(axis=1)
    np.testing.assert_allclose(v, chunk.v_output[0], rtol=rtol)


def test_by_default_it_is_the_event_engine_that_simulates():
    recording = simulate(record=["output.spikes"])
    assert recording.annotations["engine"] == "Event"
    np.testing.assert_array_equal(
        recording.spikes["output"].time, simulate(record=["spikes"], engine=sl.Event()).spikes["output"].time
    )


# -- given spikes ------------------------------------------------------------------------------------------------------


def apical_delay(engine):
    """Return by how much feedback is late, ms: apical dendrites of a clock see the spikes of the step before."""
    return engine.dt if isinstance(engine, sl.Clock) else 0.0


@both
@pytest.mark.parametrize("cutoff", [None, 10.0])
def test_given_spikes_evoke_the_kernel_at_either_dendrite(engine, cutoff):
    network, weights = one_neuron(synapse=sl.Synapse(cutoff=cutoff))
    recording = sl.simulate(
        network, weights, input_spikes=([0, 0], [20.0, 3.0]), apical_spikes=([0, 0], [7.0, 40.0]), duration=60.0,
        engine=engine,
    )  # fmt: skip
    np.testing.assert_allclose(recording.spikes["input"].time, [3.0, 20.0], rtol=1e-9)

    def evoked(times, weight):
        age = recording.times[:, None] - np.array(times)
        live = (age > 1e-6) & (age < (cutoff or np.inf) + 1e-6)
        return weight * np.where(live, reference.kappa(sl.Synapse(), np.abs(age)), 0).sum(axis=1)

    late = apical_delay(engine)
    np.testing.assert_allclose(recording["hidden[0].v_basal"][0], evoked([3, 20], 20.0), atol=1e-12)
    np.testing.assert_allclose(recording["hidden[0].v_apical"][0], evoked([7 + late, 40 + late], 30.0), atol=1e-12)


def test_given_apical_spikes_move_the_soma_by_the_apical_conductance():
    network, weights = one_neuron(g_apical=0.3)
    spikes = {"input_spikes": ([0], [12.3]), "apical_spikes": ([0, 0], [5.25, 20.75])}
    recording = sl.simulate(network, weights, duration=50.0, engine=ENGINES["event"], **spikes)
    hidden = network.hidden

    def potential(t, times, weight):
        return weight * sum(float(reference.kappa(network.synapse, t - s)) for s in times if t > s)

    def motion(t, v):
        basal, apical = potential(t, [12.3], 20.0), potential(t, [5.25, 20.75], 30.0)
        return -hidden.g_total * v + hidden.g_basal * basal + hidden.g_apical * apical

    wanted = solve_ivp(motion, (0, 50), [0.0], t_eval=recording.times, rtol=1e-10, atol=1e-12, max_step=0.25).y[0]
    np.testing.assert_allclose(recording["hidden[0].v_soma"][0], wanted, atol=1e-8)
    without = sl.simulate(*one_neuron(g_apical=0.0), duration=50.0, engine=ENGINES["event"], **spikes)
    assert np.abs(without["hidden[0].v_soma"] - recording["hidden[0].v_soma"]).max() > 0.1


@both
def test_the_plateau_grows_with_the_apical_drive(engine):
    network, weights = one_neuron(w_apical=10.0)
    plateaus = []
    for every in (50.0, 10.0, 5.0, 2.0):
        times = np.arange(0.5, 100, every)
        spikes = (np.zeros(len(times), int), times)
        recording = sl.simulate(network, weights, [0.0], apical_spikes=spikes, duration=100.0, engine=engine)
        mean = 10.0 / every  # weight, times rate, times the kernel's area of 1
        assert recording.plateaus["hidden[0]"].forward[0] == pytest.approx(reference.sigmoid(mean), abs=0.03)
        plateaus.append(recording.plateaus["hidden[0]"].forward[0])
    assert (np.diff(plateaus) > 0).all()


def test_where_several_layers_feed_back_each_can_be_given_by_name():
    network = replace(NETWORK, feedback_from="above")
    weights = network.draw_weights(1)
    for engine in ENGINES.values():
        recording = sl.simulate(
            network, weights, IMAGE, duration=30.0, engine=engine,
            apical_spikes={"hidden1": ([4], [2.0]), "output": ([1], [3.0])},
        )  # fmt: skip
        for layer, source, time in ((0, 4, 2.0), (1, 1, 3.0)):
            age = recording.times - time - apical_delay(engine)
            live = (age > 1e-6) & (age < 10 - 1e-6)
            wanted = np.outer(weights.Y[layer][:, source], reference.kappa(sl.Synapse(), np.abs(age)))
            np.testing.assert_allclose(recording[f"hidden[{layer}].v_apical"][:, live], wanted[:, live], atol=1e-12)


# -- refusals ----------------------------------------------------------------------------------------------------------

TOO_LONG = {"phases": sl.Phases(test=1e7), "record": ["v_soma"]}
REFUSED = {
    "variable": (
        {"record": ["hidden[0].v_som"]},
        r"unknown variable 'hidden\[0\].v_som'.*did you mean .*v_soma.*Known",
    ),
    "layer of variables": ({"record": ["hidden[7].v_soma"]}, r"unknown variable .*Known: input.spikes, hidden\[0\]"),
    "layer": ({"neurons": {"hidden[2]": [1]}}, r"unknown layer 'hidden\[2\]'.*Known: input, hidden\[0\], hidden\[1\]"),
    "neuron": ({"neurons": {"hidden[1]": [9]}}, r"unknown neuron 9 of hidden\[1\]: it has neurons 0 to 8"),
    "neuron of one of the layers": ({"neurons": [20]}, r"unknown neuron 20 of hidden\[1\].*name the layer"),
    "negative neuron": ({"neurons": {"output": [-1]}}, "unknown neuron -1 of output"),
    "too much": (TOO_LONG, r"would take about [\d,]+ MB, more than limit=2,000 MB; record fewer neurons"),
    "interval": ({"every": 0.7, "engine": sl.Clock()}, "Record.every=0.7 ms is not a whole number of steps"),
    "window": ({"window": (5.0, 5.0)}, r"window\[1\]=5.0 must be a finite number > 5"),
    "no image": ({"image": None}, "give an image, or input_spikes"),
    "label and duration": ({"label": 1, "duration": 20.0}, "give phases"),
    "label": ({"label": 3}, "label 3"),
    "duration": ({"duration": -1.0}, "duration=-1.0"),
    "input neuron": (
        {"image": None, "input_spikes": ([12], [1.0])},
        "input_spikes: unknown neuron 12; there are neurons 0 to 11",
    ),
    "input time": ({"image": None, "input_spikes": ([0], [-1.0])}, "times must be finite and >= 0 ms, got -1"),
    "input lengths": ({"image": None, "input_spikes": ([0, 1], [1.0])}, "two arrays of equal length"),
    "input floats": ({"image": None, "input_spikes": ([0.5], [1.0])}, "neurons must be integers"),
    "apical layer": ({"apical_spikes": {"hidden[0]": ([0], [1.0])}}, r"hidden\[0\] does not feed back.*: output"),
}


@pytest.mark.parametrize("settings, message", REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises(sl.InputError, match=message):
        simulate(**settings)


def test_more_that_makes_no_sense_is_refused():
    with pytest.raises(sl.InputError, match=r"hidden\[1\], output feed back; give a mapping"):
        simulate(replace(NETWORK, feedback_from="above"), apical_spikes=([0], [1.0]))
    shallow = sl.Network(sizes=(12, 3))
    with pytest.raises(sl.InputError, match="no apical dendrites"):
        sl.simulate(shallow, shallow.draw_weights(1), IMAGE, apical_spikes=([0], [1.0]))
    with pytest.raises(sl.InputError, match="neither spikes nor time"):
        simulate(engine=sl.Rates())


# -- during training ---------------------------------------------------------------------------------------------------

IMAGES = sl.Images(
    x=np.random.default_rng(1).random((40, 12)).astype(np.float32), y=np.arange(40) % 3, n_classes=3, name="few"
)
MODEL = sl.Model(network=NETWORK, learning_rates=(0.1, 0.1, 0.1))


def run(path=None, record=None, **settings):
    training = sl.train(MODEL, IMAGES, seed=3, epochs=2, record=record, record_to=path, **settings)
    chunks = list(training)
    return training, chunks


@both
def test_training_is_the_same_whether_recorded_or_not(engine, tmp_path):
    plain, chunks = run(engine=engine, chunk_size=16, compare=sl.Backprop())
    record = sl.Record(variables=["hidden[0].v_soma", "spikes"], neurons={"hidden[0]": [2]}, examples=[0, 7, 8, 41, 79])
    recorded, others = run(tmp_path / "r.h5", record, engine=engine, chunk_size=16, compare=sl.Backprop())
    for a, b in zip((*plain.weights.W, *plain.weights.b), (*recorded.weights.W, *recorded.weights.b), strict=True):
        np.testing.assert_array_equal(a, b)
    for one, other in zip(chunks, others, strict=True):
        for name in ("label", "prediction", "loss", "angle", "v_output"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    file = sl.RecordingFile(tmp_path / "r.h5")
    assert file.examples == [0, 7, 8, 41, 79]
    assert file[41].annotations["label"] == int(np.concatenate([c.label for c in chunks])[41])
    assert set(file[7].potentials) == {"hidden[0].v_soma"} and len(file[7]["hidden[0].v_soma"]) == 1
    assert len({recording["hidden[0].v_soma"].tobytes() for recording in file}) == 5


@both
def test_a_recorded_example_is_what_the_weights_of_that_moment_do(engine, tmp_path):
    settings = {"record": sl.Record(examples=[16]), "record_to": tmp_path / "r.h5"}
    training = sl.train(MODEL, IMAGES, seed=3, engine=engine, chunk_size=16, **settings)
    next(training)
    core = engine.build(NETWORK, training.weights)
    core.restore(training.state())
    chunk = next(training)
    recorded = sl.RecordingFile(tmp_path / "r.h5")[16]
    trace = core.record(IMAGES.x[training._plan_of(0)[0][16]], int(chunk.label[0]), seed=3, example=16)
    np.testing.assert_array_equal(recorded["hidden[0].v_soma"], trace.v_soma[0].T)
    np.testing.assert_array_equal(recorded.spikes["output"].time, trace.spikes[-1][0])
    np.testing.assert_array_equal(recorded.plateaus["hidden[0]"].target, trace.plateaus[0][1])


def test_a_resumed_run_records_the_rest_again(tmp_path):
    path, record = tmp_path / "r.h5", sl.Record(variables=["output.spikes"])
    training = sl.train(MODEL, IMAGES, seed=3, record=record, record_to=path, chunk_size=16)
    next(training)
    state, weights = training.state(), training.weights
    next(training)
    whole = [recording.spikes["output"].time for recording in sl.RecordingFile(path)]
    assert len(whole) == 32
    again = sl.train(MODEL, IMAGES, seed=3, weights=weights, record=record, record_to=path, chunk_size=16)
    again.resume(16, state)
    assert sl.RecordingFile(path).examples == list(range(16))
    next(again)
    for one, other in zip(whole, sl.RecordingFile(path), strict=True):
        np.testing.assert_array_equal(one, other.spikes["output"].time)


def test_recording_a_run_is_refused_before_it_begins(tmp_path):
    with pytest.raises(sl.InputError, match="more than limit=0 MB; for 80 trials; record fewer"):
        run(tmp_path / "r.h5", sl.Record(limit=1000))
    with pytest.raises(sl.InputError, match="Record.examples=80 must be an integer >= 0 and < 80"):
        run(tmp_path / "r.h5", sl.Record(examples=[80]))
    with pytest.raises(sl.InputError, match="needs both"):
        run(None, sl.Record())
    assert not (tmp_path / "r.h5").exists()


def test_estimates_of_size_are_of_the_right_order(tmp_path):
    record = sl.Record(limit=1_000_000_000)
    resolved = record.resolve(NETWORK, sl.Clock())
    recording = simulate(engine=sl.Clock())
    bytes_held = sum(v.nbytes for v in recording.potentials.values())
    bytes_held += sum(12 * len(spikes.time) for spikes in recording.spikes.values())
    assert resolved.size(30.0, float(IMAGE.sum())) == pytest.approx(bytes_held, rel=0.3)
