"""Soft targets, populations of outputs, and trials that go on from one another."""

from dataclasses import replace

import numpy as np
import pytest
import reference

import spikelearn as sl

PHASES = sl.Phases(minimum=30.0, settle=10.0, test=40.0)
NETWORK = sl.Network(sizes=(5, 9, 6), phases=PHASES)
BY_TWO = replace(NETWORK, population=2)
ENGINES = [sl.Event(dtype="float64"), sl.Clock(dtype="float64"), sl.Rates(dtype="float64")]
of_each_engine = pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: type(engine).__name__)
of_each_with_spikes = pytest.mark.parametrize("engine", ENGINES[:2], ids=lambda engine: type(engine).__name__)
RATES = (0.2, 0.1)


def data(n, n_classes, **more):
    rng = np.random.default_rng(0)
    return sl.Images(x=rng.random((n, 5)), y=rng.integers(n_classes, size=n), n_classes=n_classes, name="dots", **more)


def trained(network, images, engine):
    model = sl.Model(network=network, learning_rates=RATES)
    training = sl.train(model, images, seed=1, epochs=1, engine=engine)
    return list(training), training.weights


# -- soft targets -----------------------------------------------------------------------------------------------------


@of_each_engine
def test_targets_of_one_class_are_labels(engine):
    images = data(6, 6)
    same = replace(images, targets=np.eye(6)[images.y])
    assert trained(NETWORK, images, engine)[1] == trained(NETWORK, same, engine)[1]


def taught_rates(network, weights, target):
    """Return what outputs do while they are taught by the rates engine, from its equation for the steady state."""
    core = ENGINES[2].build(network, weights)
    x = data(1, 3).intensities([0])
    core.train(
        x, np.array([0]), targets=target[None], seed=1, first_example=0, learning_rates=(0, 0), rule=sl.Plateau()
    )
    output, neuron = core._net.layers[-1], network.output
    dendrite = weights.W[1] @ output.own.psp + weights.b[1]
    shares = np.repeat(target, network.population)
    current = neuron.g_teach * (shares * neuron.e_excite + (1 - shares) * neuron.e_inhibit)
    v = (neuron.g_dendrite * dendrite + current) / (neuron.g_total + neuron.g_teach)
    return output.own.activity_target, reference.sigmoid(v)


@pytest.mark.parametrize("target", [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
def test_a_share_of_a_class_is_that_share_of_the_teaching_current(target):
    found, wanted = taught_rates(BY_TWO, BY_TWO.draw_weights(1), np.array(target))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@of_each_with_spikes
def test_outputs_fire_by_the_share_that_they_are_taught(engine):
    target = np.array([0.75, 0.0, 0.25])
    seen = sl.simulate(
        BY_TWO, BY_TWO.draw_weights(1), np.zeros(5), target=target, phases=replace(PHASES, minimum=400.0), engine=engine
    )
    start, stop = seen.phases[1].start + 20, seen.phases[1].stop
    spikes = seen.spikes["output"]
    late = (spikes.time >= start) & (spikes.time < stop)
    counts = np.bincount(spikes.neuron[late], minlength=6).reshape(3, 2).sum(axis=1)
    assert counts[0] > 2 * counts[2] > 3 * counts[1]


def test_targets_are_taken_along():
    images = data(6, 3, targets=np.full((6, 3), 1 / 3))
    assert images.first(2).targets.shape == (2, 3) and images.at(np.array([5])).targets.shape == (1, 3)
    other = replace(images, targets=np.eye(3)[images.y])
    assert images.digest() != other.digest() != data(6, 3).digest()


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (np.ones((6, 2)) / 2, r"targets must be numbers of shape \(6, 3\).* got float64 of shape \(6, 2\)"),
        (np.ones((6, 3)), r"targets \[1.0, 1.0, 1.0\] of image 0 must be >= 0 and sum to 1; divide them by their sum"),
        (np.array([[1, 0, 0]] * 5 + [[1.5, -0.5, 0]]), "of image 5 must be >= 0"),
        (np.full((6, 3), np.nan), "of image 0 must be >= 0"),
        ([["a", "b", "c"]] * 6, "targets must be numbers"),
    ],
)
def test_what_are_no_shares_is_refused(targets, message):
    with pytest.raises(sl.InputError, match=message):
        data(6, 3, targets=targets)


# -- populations ------------------------------------------------------------------------------------------------------


@of_each_engine
def test_a_population_is_read_by_its_sum(engine):
    weights = BY_TWO.draw_weights(7)
    images = data(8, 3)
    potentials = sl.evaluate(BY_TWO, weights, images, seed=1, engine=engine, returns="potentials")[0]
    classes = sl.evaluate(BY_TWO, weights, images, seed=1, engine=engine)[0]
    np.testing.assert_array_equal(classes, potentials.reshape(8, 3, 2).sum(axis=2).argmax(axis=1))
    assert not np.array_equal(classes, potentials.argmax(axis=1) // 2)  # or it would not show
    chunks, _ = trained(BY_TWO, images, engine)
    v = chunks[0].v_output.reshape(8, 3, 2)
    np.testing.assert_array_equal(chunks[0].prediction, v.sum(axis=2).argmax(axis=1))


def test_all_of_a_population_are_taught():
    found, wanted = taught_rates(BY_TWO, BY_TWO.draw_weights(1), np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert min(found[2:4]) > 0.9 and max(*found[:2], *found[4:]) < 0.1


def test_populations_learn():
    digits = sl.load("digits")
    network = sl.Network(sizes=(64, 50, 30), population=3)
    training = sl.train(sl.Model(network=network, learning_rates=(0.3, 0.1)), digits.train, seed=1, epochs=6)
    list(training)
    predictions = sl.evaluate(network, training.weights, digits.test, seed=1)
    assert sl.error_percent(predictions, digits.test.y)[0] < 25


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(NETWORK, population=4), "Network.population=4 does not divide the 6 outputs"),
        (lambda: replace(NETWORK, population=0), "Network.population=0 must be an integer >= 1"),
        (
            lambda: trained(BY_TWO, data(6, 4), ENGINES[2]),
            "4 classes do not fit a network with 3 outputs of population=2",
        ),
    ],
)
def test_populations_that_cannot_be_are_refused(make, message):
    with pytest.raises(sl.InputError, match=message):
        make()


# -- trials that go on ------------------------------------------------------------------------------------------------


@of_each_with_spikes
def test_a_trial_goes_on_from_the_state_of_another(engine):
    weights, bright = NETWORK.draw_weights(1), np.ones(5)
    first = sl.simulate(NETWORK, weights, bright, duration=60.0, engine=engine)
    rested = sl.simulate(NETWORK, weights, np.zeros(5), duration=60.0, engine=engine, example=1)
    following = sl.simulate(NETWORK, weights, np.zeros(5), duration=60.0, engine=engine, example=1, state=first.state)
    last, start = first["hidden[0].v_soma"][:, -1], following["hidden[0].v_soma"][:, 0]
    assert np.abs(start - last).max() < 0.5 < np.abs(rested["hidden[0].v_soma"][:, 0] - last).max()
    end = following["hidden[0].v_basal"][:, -1] - rested["hidden[0].v_basal"][:, -1]
    assert np.abs(end).max() < 0.1  # forgotten after 60 ms, six time constants


@of_each_with_spikes
def test_training_is_a_row_of_trials_that_go_on(engine):
    """State is handed from trial to trial as training carries it."""
    weights, images = NETWORK.draw_weights(1), data(3, 6)
    core = engine.build(NETWORK, weights)
    state = None
    for k in range(3):
        seen = sl.simulate(
            NETWORK,
            weights,
            images.intensities([k])[0],
            label=int(images.y[k]),
            seed=1,
            example=k,
            engine=engine,
            state=state,
        )
        trace = core.record(images.intensities([k])[0], int(images.y[k]), seed=1, example=k)
        np.testing.assert_array_equal(seen["output.v_soma"], trace.v_soma[-1].T)
        state = seen.state


def test_a_state_of_another_network_is_refused():
    other = sl.Network(sizes=(5, 4, 6), phases=PHASES)
    state = sl.simulate(other, other.draw_weights(1), np.zeros(5)).state
    with pytest.raises(sl.InputError, match="does not fit this network"):
        sl.simulate(NETWORK, NETWORK.draw_weights(1), np.zeros(5), state=state)
