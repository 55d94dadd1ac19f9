"""Recordings: by name, on disk, as pictures, and in the forms of other libraries."""

import copy
import os
import signal
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest

import spikelearn as sl
from spikelearn.models import guerguiev2017
from spikelearn.recording import Phase, Plateaus, Recording, Spikes
from spikelearn.recording_file import RecordingFile

RNG = np.random.default_rng(0)


def recording(n_times=40, target=True, regular=True):
    """Make one up."""
    times = np.arange(1.0, n_times + 1) * (1.0 if regular else RNG.random(n_times).cumsum())
    hidden, output = np.array([2, 5, 66]), np.arange(3)

    def train(n, n_neurons):
        return Spikes(RNG.integers(n_neurons, size=n), np.sort(RNG.random(n)) * n_times)

    return Recording(
        times=times,
        potentials={
            **{f"hidden[0].{v}": RNG.normal(size=(3, n_times)).astype(np.float32) for v in ("v_apical", "v_basal")},
            "hidden[0].v_soma": RNG.normal(size=(3, n_times)).astype(np.float32),
            "output.v_soma": RNG.normal(size=(3, n_times)),
        },
        neurons={"hidden[0]": hidden, "output": output},
        spikes={"input": train(200, 64), "hidden[0]": train(30, 70), "output": Spikes(np.zeros(0, int), np.zeros(0))},
        phases=(Phase("forward", 0.0, n_times / 2), Phase("target", n_times / 2, float(n_times)))
        if target
        else (Phase("forward", 0.0, float(n_times)),),
        plateaus={
            "hidden[0]": Plateaus(
                RNG.random(3),
                RNG.random(3) if target else None,
                np.full(3, n_times / 2),
                np.full(3, float(n_times)) if target else None,
            )
        },
        annotations={"seed": 1, "engine": "Clock", "dt": 0.5},
    )


def assert_equal(one, other):
    np.testing.assert_array_equal(one.times, other.times)
    for name in ("potentials", "neurons"):
        a, b = getattr(one, name), getattr(other, name)
        assert set(a) == set(b)
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])
            assert a[key].dtype == b[key].dtype
    for name in ("spikes", "plateaus"):
        a, b = getattr(one, name), getattr(other, name)
        assert set(a) == set(b)
        for key in a:
            for x, y in zip(a[key], b[key], strict=True):
                np.testing.assert_array_equal(x, y)
                assert (x is None) == (y is None)
    assert one.phases == other.phases
    assert one.annotations == other.annotations


# -- by name -----------------------------------------------------------------------------------------------------------


def test_potentials_are_found_by_name_and_neurons_by_number():
    one = recording()
    np.testing.assert_array_equal(one["hidden[0].v_soma"], one.potentials["hidden[0].v_soma"])
    assert one.row("hidden[0]", 66) == 2
    assert one.layers == ["input", "hidden[0]", "output"]


def test_ten_hidden_layers_are_in_order():
    one = replace(recording(), spikes={f"hidden[{k}]": Spikes(np.zeros(0, int), np.zeros(0)) for k in range(11)})
    assert one.layers == [*(f"hidden[{k}]" for k in range(11)), "output"]


@pytest.mark.parametrize(
    "ask, message",
    [
        (lambda r: r["hidden[0].v_some"], r"'hidden\[0\].v_some' was not recorded; did you mean 'hidden\[0\].v_soma'"),
        (lambda r: r.row("hidden[0]", 3), r"neuron 3 of hidden\[0\] was not recorded; those that were: 2, 5, 66"),
        (lambda r: r.row("hidden[1]", 2), r"'hidden\[1\]' was not recorded.*Known: hidden\[0\], output"),
        (lambda r: r.spikes["outptu"], "'outptu' was not recorded; did you mean 'output'"),
        (lambda r: r.plot(neurons=[7]), "neuron 7 of"),
        (lambda r: replace(r, spikes={}).raster(), "no spikes were recorded"),
        (lambda r: replace(r, neurons={}, potentials={}).plot(), "'' was not recorded"),
    ],
)
def test_what_was_not_recorded_is_named_with_what_was(ask, message):
    with pytest.raises(sl.InputError, match=message):
        ask(recording())


# -- on disk -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [True, False])
def test_what_is_saved_is_loaded_bit_for_bit(tmp_path, target):
    one = recording(target=target)
    one.save(tmp_path / "r.h5")
    assert_equal(Recording.load(tmp_path / "r.h5"), one)
    other = recording()
    other.save(tmp_path / "r.h5")
    assert_equal(Recording.load(tmp_path / "r.h5"), other)
    assert os.listdir(tmp_path) == ["r.h5"]


def test_a_simulation_survives_the_disk(tmp_path):
    network = sl.Network(sizes=(3, 4, 2))
    one = sl.simulate(network, network.draw_weights(1), np.ones(3), label=1)
    one.save(tmp_path / "r.h5")
    assert_equal(Recording.load(tmp_path / "r.h5"), one)


def test_several_recordings_grow_in_one_file_and_are_cut_back(tmp_path):
    file, made = RecordingFile.create(tmp_path / "r.h5"), {k: recording() for k in (3, 20, 7)}
    for example, one in made.items():
        file.append(example, one)
    again = RecordingFile(tmp_path / "r.h5")
    assert again.examples == [3, 7, 20] and len(again) == 3
    for example, one in zip(again.examples, again, strict=True):
        assert_equal(one, made[example])
    again.append(7, made[3])
    assert_equal(again[7], made[3])
    again.truncate(7)
    assert again.examples == [3]


def test_a_killed_process_leaves_what_it_had_added(tmp_path):
    script = f"""
import os, signal, sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
from test_recording import recording
from spikelearn.recording_file import RecordingFile
file = RecordingFile.create({str(tmp_path / "r.h5")!r})
for k in range(5):
    file.append(k, recording())
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
    assert RecordingFile(tmp_path / "r.h5").examples == list(range(5))


def test_a_flipped_bit_is_noticed(tmp_path):
    recording().save(tmp_path / "r.h5")
    whole = (tmp_path / "r.h5").read_bytes()
    with h5py.File(tmp_path / "r.h5") as file:
        place = file["times"].id.get_chunk_info(0)
    for byte in (place.byte_offset, place.byte_offset + place.size - 1):
        (tmp_path / "r.h5").write_bytes(whole[:byte] + bytes([whole[byte] ^ 4]) + whole[byte + 1 :])
        with pytest.raises(sl.InputError, match="is damaged"):
            Recording.load(tmp_path / "r.h5")


def test_files_that_are_none_are_refused(tmp_path):
    one, path = recording(), tmp_path / "r.h5"
    with pytest.raises(sl.InputError, match="there is no such file"):
        Recording.load(path)
    path.write_text("hello")
    with pytest.raises(sl.InputError, match="it is no HDF5 file, or damaged"):
        Recording.load(path)
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(sl.InputError, match="is no recording of spikelearn"):
        Recording.load(path)
    one.save(path)
    with h5py.File(path, "r+") as file:
        del file["times"]
    with pytest.raises(sl.InputError, match="is damaged, or no recording"):
        Recording.load(path)
    one.save(path)
    with pytest.raises(sl.InputError, match="a single recording; open it with Recording.load"):
        RecordingFile(path)
    with pytest.raises(sl.InputError, match="exists already"):
        RecordingFile.create(path)
    with pytest.raises(sl.InputError, match="cannot write"):
        one.save(tmp_path / "nowhere" / "r.h5")
    many = RecordingFile.create(tmp_path / "many.h5")
    many.append(3, one)
    with pytest.raises(sl.InputError, match="several recordings; open it with RecordingFile"):
        Recording.load(tmp_path / "many.h5")
    with pytest.raises(sl.InputError, match="has no example 4; it begins with 3"):
        many[4]


# -- pictures ----------------------------------------------------------------------------------------------------------


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in (*axes.texts, axes.yaxis.label, axes.xaxis.label, axes.title)]


def test_compartments_are_drawn_with_plateaus_spikes_and_phases():
    one = recording()
    figure = one.plot(neurons=[5, 66])
    assert len(figure.axes) == 2 * 4
    apical, basal, soma, _ = figure.axes[::2]
    for axes, name in ((apical, "v_apical"), (basal, "v_basal"), (soma, "v_soma")):
        x, y = axes.lines[0].get_data()
        np.testing.assert_array_equal(x, one.times)
        np.testing.assert_array_equal(y, one[f"hidden[0].{name}"][1])
    mine = one.spikes["hidden[0]"].time[one.spikes["hidden[0]"].neuron == 5]
    assert any(np.array_equal(line.get_xdata(), mine) for line in soma.lines)
    shown = " ".join(texts(figure))
    assert f"= {one.plateaus['hidden[0]'].target[1]:.2f}" in shown
    assert "forward phase" in shown and "target phase" in shown and "time (ms)" in shown


def test_plateaus_of_any_curve_are_marked_on_the_potential():
    """A plateau may be 0 or 1: no potential is its logit."""
    lines = tuple(sl.HiddenNeuron(plateau=sl.ThresholdLinear(gain=0.1, threshold=at)) for at in (-20.0, 40.0))
    for plateau, neuron in zip((1, 0), lines, strict=True):
        network = sl.Network(sizes=(9, 4, 3), hidden=neuron)
        seen = sl.simulate(
            network, network.draw_weights(1), np.full(9, 0.5), label=1, record=["hidden[0]"], seed=1, engine=sl.Clock()
        )
        assert seen.plateaus["hidden[0]"].forward[2] == plateau
        axes = seen.plot(neurons=[2]).axes[0]
        marks = [line.get_xydata()[0] for line in axes.get_lines() if line.get_marker() == "D"]
        assert len(marks) == 2
        for time, level in marks:
            np.testing.assert_allclose(level, np.interp(time, seen.times, seen["hidden[0].v_apical"][2]))


def test_pictures_of_little_are_drawn(tmp_path):
    network = sl.Network(sizes=(3, 2))
    one = sl.simulate(network, network.draw_weights(1), np.zeros(3), duration=20.0)
    one.plot().savefig(tmp_path / "a.png")
    one.raster().savefig(tmp_path / "b.png")
    hidden = recording(target=False)
    hidden.plot().savefig(tmp_path / "c.png")
    assert all((tmp_path / f"{name}.png").stat().st_size > 5000 for name in "abc")


def test_a_raster_has_all_spikes_of_all_layers():
    one = recording()
    figure = one.raster()
    assert len(figure.axes) == 3
    np.testing.assert_array_equal(figure.axes[-1].lines[0].get_xdata(), one.spikes["input"].time)


# -- other libraries ---------------------------------------------------------------------------------------------------


def test_xarray_has_everything_with_units():
    pytest.importorskip("xarray")
    one = recording()
    data = one.to_xarray()
    np.testing.assert_array_equal(data["hidden0_v_soma"].sel(hidden0_neuron=5), one["hidden[0].v_soma"][1])
    assert data["time"].attrs["units"] == "ms"
    np.testing.assert_array_equal(data["input_spike_time"], one.spikes["input"].time)
    np.testing.assert_array_equal(data["hidden0_plateau_target"], one.plateaus["hidden[0]"].target)
    assert data.attrs["target_start"] == 20.0 and data.attrs["seed"] == 1


@pytest.mark.parametrize("regular", [True, False])
def test_neo_has_everything_with_units(regular):
    pytest.importorskip("neo")
    one = recording(regular=regular)
    segment = one.to_neo().segments[0]
    signals = {s.name: s for s in (segment.analogsignals if regular else segment.irregularlysampledsignals)}
    soma = signals["hidden[0].v_soma"]
    np.testing.assert_array_equal(soma.magnitude, one["hidden[0].v_soma"].T)
    np.testing.assert_allclose(soma.times.rescale("ms").magnitude, one.times)
    np.testing.assert_array_equal(soma.array_annotations["neuron"], [2, 5, 66])
    trains = [t for t in segment.spiketrains if t.annotations["layer"] == "hidden[0]"]
    total = np.sort(np.concatenate([t.rescale("ms").magnitude for t in trains]))
    np.testing.assert_allclose(total, one.spikes["hidden[0]"].time)
    for train in trains:
        mine = one.spikes["hidden[0]"].time[one.spikes["hidden[0]"].neuron == train.annotations["neuron"]]
        np.testing.assert_allclose(train.magnitude, mine)
    epoch = segment.epochs[0]
    assert epoch.labels.tolist() == ["forward", "target"] and epoch.durations.rescale("ms").magnitude.tolist() == [
        20,
        20,
    ]
    events = {e.name: e for e in segment.events}
    plateau = events["plateaus target hidden[0]"]
    np.testing.assert_array_equal(plateau.array_annotations["plateau"], one.plateaus["hidden[0]"].target)
    assert segment.annotations["seed"] == 1


def test_neos_own_files_keep_it(tmp_path):
    neo = pytest.importorskip("neo")
    pytest.importorskip("nixio")
    one = recording()
    path = str(tmp_path / "r.nix")
    with neo.io.NixIO(path, mode="ow") as io:
        io.write_block(one.to_neo())
    with neo.io.NixIO(path, mode="ro") as io:
        segment = io.read_block().segments[0]
    signals = {s.name: s for s in segment.analogsignals}
    assert set(signals) == set(one.potentials)
    for name, series in one.potentials.items():
        np.testing.assert_array_equal(signals[name].magnitude, series.T)
    times = np.sort(np.concatenate([t.rescale("ms").magnitude for t in segment.spiketrains]))
    np.testing.assert_allclose(times, np.sort(np.concatenate([s.time for s in one.spikes.values()])), rtol=1e-12)
    assert [str(label) for label in segment.epochs[0].labels] == ["forward", "target"]
    assert len(segment.events) == 2
    assert segment.annotations["engine"] == "Clock"


@pytest.mark.parametrize("name", ["xarray", "neo"])
def test_without_the_extra_the_remedy_is_named(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(sl.InputError, match=rf"{name} is not installed; pip install 'spikelearn\[export\]'"):
        getattr(recording(), f"to_{name}")()


# -- one file, one training -------------------------------------------------------------------------------------------


def recorded(path, **changes):
    """Train a little and record; `changes` are of the training, or of the network's model by name."""
    rng = np.random.default_rng(0)
    images = sl.Images(x=rng.random((8, 4)), y=np.arange(8) % 3, n_classes=3, name="few")
    model = guerguiev2017.one_hidden("released", n_input=4, hidden=(3,), n_output=3)
    settings = {
        "images": images,
        "seed": 1,
        "engine": sl.Clock(),
        "record": {},
        "chunk_size": 4,
        "model": model,
    } | changes
    record = sl.Record(**({"variables": ["spikes"], "examples": [0, 5]} | settings.pop("record")))
    training = sl.train(settings.pop("model"), settings.pop("images"), record=record, record_to=path, **settings)
    list(training)
    return training


OTHERS = {
    "seed": ({"seed": 2}, "seed is 1 there, now 2"),
    "network": (
        {"model": guerguiev2017.one_hidden("released", n_input=4, hidden=(5,), n_output=3)},
        r"model\.network\.sizes is \[4, 3, 3\] there, now \[4, 5, 3\]",
    ),
    "reading": (
        {"model": guerguiev2017.one_hidden("text", n_input=4, hidden=(3,), n_output=3)},
        r"model\.network\.\S+ is .* there, now",
    ),
    "images": (
        {"images": sl.Images(x=np.full((8, 4), 0.5), y=np.arange(8) % 3, n_classes=3, name="few")},
        "images is '.*' there, now '",
    ),
    "engine": ({"engine": sl.Clock(dtype="float64")}, "engine.dtype is 'float32' there, now 'float64'"),
    "variables": ({"record": {"variables": ["v_soma"]}}, "record.variables is .* there, now"),
    "neurons": ({"record": {"neurons": {"hidden[0]": [1]}}}, r"record\.neurons\.hidden\[0\] is"),
    "window": ({"record": {"window": (10.0, 20.0)}}, r"record\.window is \[0\.0, inf\] there, now \[10\.0, 20\.0\]"),
}


@pytest.mark.parametrize("of", OTHERS)
def test_a_file_of_another_training_is_refused_and_left_as_it_is(tmp_path, of):
    changes, difference = OTHERS[of]
    path = tmp_path / "r.h5"
    recorded(path)
    before = path.read_bytes()
    with pytest.raises(sl.InputError, match=rf"r\.h5 has examples of another training: {difference}"):
        recorded(path, **changes)
    assert path.read_bytes() == before


def test_a_file_of_other_weights_to_start_from_is_refused(tmp_path):
    path = tmp_path / "r.h5"
    model = recorded(path).model
    before = {recording.spikes["output"].time.tobytes() for recording in RecordingFile(path)}
    with pytest.raises(sl.InputError, match=r"has examples of another training: weights is '.*' there, now"):
        recorded(path, weights=model.network.draw_weights(7))
    assert {recording.spikes["output"].time.tobytes() for recording in RecordingFile(path)} == before


def test_the_same_training_records_into_its_file_again_and_more_examples(tmp_path):
    path = tmp_path / "r.h5"
    recorded(path)
    recorded(path, record={"examples": [0, 2]}, epochs=2, chunk_size=3)
    assert RecordingFile(path).examples == [0, 2, 5]


def test_an_empty_file_may_become_any_trainings_and_one_that_does_not_say_whose_it_is_none(tmp_path):
    file = RecordingFile.create(tmp_path / "r.h5")
    recorded(file.path, record={"examples": []})
    recorded(file.path, seed=2)
    assert file.examples == [0, 5]
    other = RecordingFile.create(tmp_path / "by_hand.h5")
    other.append(3, recording())
    with pytest.raises(sl.InputError, match=r"by_hand\.h5 does not say where its examples come from; choose another"):
        recorded(other.path)


def test_a_rule_of_ones_own_records(tmp_path):
    class Rule:
        constants = sl.Plateau().constants

    model = guerguiev2017.one_hidden("released", n_input=4, hidden=(3,), n_output=3)
    own = replace(model, rule=Rule())
    recorded(tmp_path / "r.h5", model=own)
    recorded(tmp_path / "r.h5", model=own)
    with pytest.raises(sl.InputError, match=r"another training: model\.rule"):
        recorded(tmp_path / "r.h5", model=model)


def test_a_request_may_be_used_again_and_copied_whatever_its_examples_came_from(tmp_path):
    request = sl.Record(variables=["spikes"], examples=(k for k in (0, 5)))
    for name, used in (("one", request), ("other", request), ("copy", copy.deepcopy(request))):
        training = recorded(tmp_path / f"{name}.h5", record={"examples": used.examples})
        assert training.trials == 8
        assert RecordingFile(tmp_path / f"{name}.h5").examples == [0, 5]
