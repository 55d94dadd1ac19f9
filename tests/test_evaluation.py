"""What else than classes a test may return: potentials and spikes, of the outputs or of whole layers."""

import numpy as np
import pytest

import spikelearn as sl

NETWORK = sl.Network(sizes=(6, 70, 9, 3), phases=sl.Phases(minimum=30.0, settle=10.0, test=40.0))
ENGINES = [sl.Event(), sl.Clock(), sl.Clock(dt=0.5), sl.Rates()]
of_each_engine = pytest.mark.parametrize("engine", ENGINES, ids=repr)
of_each_with_spikes = pytest.mark.parametrize("engine", ENGINES[:3], ids=repr)
LAYERS = {"input": 6, "hidden[0]": 70, "hidden[1]": 9, "output": 3}


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return sl.Images(x=rng.random((7, 6)), y=rng.integers(3, size=7), n_classes=3, name="dots")


@pytest.fixture
def weights():
    return NETWORK.draw_weights(1)


def options(engine, **more):
    return {"seed": 3, "engine": engine} | more


@of_each_with_spikes
def test_activity_is_what_recording_each_image_counts(engine, images, weights):
    counts = sl.activity(NETWORK, weights, images, **options(engine))
    assert {name: array.shape for name, array in counts.items()} == {name: (7, n) for name, n in LAYERS.items()}
    for k in range(len(images)):
        seen = sl.simulate(NETWORK, weights, images.intensities(slice(k, k + 1))[0], seed=3, example=k, engine=engine)
        for name, n in LAYERS.items():
            spikes = seen.spikes[name]
            wanted = np.bincount(spikes.neuron[spikes.time >= 10], minlength=n)
            np.testing.assert_array_equal(counts[name][k], wanted, err_msg=name)
    assert all(array.any() and array.dtype == np.int64 for array in counts.values())


@of_each_engine
def test_potentials_of_the_outputs_tell_the_classes(engine, images, weights):
    potentials = sl.evaluate(NETWORK, weights, images, **options(engine, repeats=2), returns="potentials")
    classes = sl.evaluate(NETWORK, weights, images, **options(engine, repeats=2))
    assert (potentials.shape, potentials.dtype) == ((2, 7, 3), np.float64)
    np.testing.assert_array_equal(potentials.argmax(axis=2), classes)
    layers = sl.activity(NETWORK, weights, images, **options(engine), returns="potentials")
    assert list(layers) == ["hidden[0]", "hidden[1]", "output"]
    np.testing.assert_array_equal(layers["output"], potentials[0])


@of_each_with_spikes
def test_mean_potentials_are_those_that_a_recording_has(engine, images, weights):
    """To the rounding of samples: of the clock every step is one, of the event engine a mean over many."""
    found = sl.activity(NETWORK, weights, images, **options(engine), returns="potentials")
    for k in range(3):
        seen = sl.simulate(NETWORK, weights, images.intensities(slice(k, k + 1))[0], seed=3, example=k, engine=engine)
        for name in ("hidden[0]", "output"):
            trace = seen[f"{name}.v_soma"][:, seen.times >= 10]
            tolerance = 0.2 if isinstance(engine, sl.Event) else 0.1
            np.testing.assert_allclose(found[name][k], trace.mean(axis=1), atol=tolerance)


@of_each_with_spikes
@pytest.mark.parametrize("returns", ["counts", "potentials"])
def test_the_bits_are_the_same_for_any_threads_and_chunks(engine, images, weights, returns):
    ways = [
        sl.activity(NETWORK, weights, images, **options(engine, threads=threads, chunk_size=size), returns=returns)
        for threads, size in ((1, 100), (2, 3), (3, 1))
    ]
    for way in ways[1:]:
        for name, array in ways[0].items():
            np.testing.assert_array_equal(way[name], array)


def test_counts_of_outputs_are_returned_by_repeat(images, weights):
    counts = sl.evaluate(NETWORK, weights, images, **options(sl.Event(), repeats=2), returns="counts")
    assert (counts.shape, counts.dtype) == ((2, 7, 3), np.int64)
    np.testing.assert_array_equal(
        counts[0], sl.activity(NETWORK, weights, images, **options(sl.Event()), layers=["output"])["output"]
    )
    assert not np.array_equal(counts[0], counts[1])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ({"returns": "count"}, "returns='count' is unknown; did you mean 'counts'"),
        ({"layers": ["hidden[2]"]}, r"unknown layer 'hidden\[2\]'"),
        ({"layers": ["input"], "returns": "potentials"}, "layers='input' is unknown; .*Known: hidden"),
        ({"engine": sl.Rates()}, "no spikes to count without time: ask for potentials, or take another engine"),
        ({"threads": 0}, "threads=0 must be an integer >= 1"),
    ],
)
def test_what_cannot_be_told_is_refused(images, weights, ask, message):
    with pytest.raises(sl.InputError, match=message):
        sl.activity(NETWORK, weights, images, **({"seed": 1} | ask))


def test_what_evaluate_cannot_return_is_refused(images, weights):
    with pytest.raises(sl.InputError, match="returns='classe' is unknown; did you mean 'classes'"):
        sl.evaluate(NETWORK, weights, images, seed=1, returns="classe")
