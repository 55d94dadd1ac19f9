"""The loops over examples: what is yielded, what fixes every bit of it, and what must not influence it."""

import re
import threading
from dataclasses import replace

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.engines import EventCore
from spikelearn.errors import InputError, NotFiniteError
from spikelearn.models import guerguiev2017

N = 24
of_each_engine = pytest.mark.parametrize("engine", [sl.Event(), sl.Clock()], ids=["event", "clock"])


def images(n=N, seed=0, classes=3):
    """Images of 9 pixels, a bar for each class in noise."""
    rng = np.random.default_rng(seed)
    y = rng.integers(classes, size=n)
    x = 0.3 * rng.random((n, 9)) + 0.7 * np.eye(classes)[y].repeat(9 // classes, axis=1)
    return sl.Images(x=x, y=y, n_classes=classes, name="bars")


def describe(hidden=(5,), reading="text"):
    network = {0: guerguiev2017.no_hidden, 1: guerguiev2017.one_hidden, 2: guerguiev2017.two_hidden}[len(hidden)]
    return network(reading, n_input=9, hidden=hidden, n_output=3)


def arrays(weights):
    return [*weights.W, *weights.b, *weights.Y]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(arrays(first), arrays(second), strict=True))


def trained(model=None, **options):
    """Train to the end; return weights and everything that was yielded, one row for each example."""
    training = sl.train(model or describe(), options.pop("images", images()), **({"seed": 1, "epochs": 2} | options))
    chunks = list(training)
    told = {name: np.concatenate([getattr(c, name) for c in chunks]) for name in ("label", "prediction", "loss")}
    return training.weights, told


# -- what is yielded --------------------------------------------------------------------------------------------------


def test_nothing_happens_until_the_training_is_iterated_over():
    model = describe()
    training = sl.train(model, images(), seed=1, weights=model.network.draw_weights(5))
    float32 = [a.astype(np.float32) for a in arrays(model.network.draw_weights(5))]
    assert all(np.array_equal(a, b) for a, b in zip(arrays(training.weights), float32, strict=True))
    assert training.trials == 0


def test_training_goes_chunk_by_chunk_through_every_epoch():
    training = sl.train(describe(), images(), seed=1, epochs=2, chunk_size=10)
    steps = [(c.epoch, c.start, c.stop, len(c.label), training.trials) for c in training]
    assert steps == [
        (0, 0, 10, 10, 10),
        (0, 10, 20, 10, 20),
        (0, 20, 24, 4, 24),
        (1, 0, 10, 10, 34),
        (1, 10, 20, 10, 44),
        (1, 20, 24, 4, 48),
    ]
    assert list(training) == []


def test_every_epoch_shows_every_image_once_in_an_order_of_its_own():
    # As many classes as images, so that a label tells which image it was
    everything = sl.Images(x=np.random.default_rng(1).random((9, 9)), y=np.arange(9), n_classes=9, name="all")
    model = guerguiev2017.no_hidden("text", n_input=9, n_output=9)
    orders = [tuple(chunk.label) for chunk in sl.train(model, everything, seed=1, epochs=3)]
    assert [sorted(order) for order in orders] == [list(range(9))] * 3
    assert len(set(orders)) == 3
    assert tuple(next(sl.train(model, everything, seed=2)).label) not in orders


def test_a_chunk_counts_its_wrong_predictions():
    zeros = np.zeros((4, 2))
    chunk = sl.Chunk(0, 0, 4, np.array([0, 1, 2, 2]), np.array([0, 2, 1, 2]), zeros, zeros, zeros)
    assert (chunk.n_wrong, chunk.error) == (2, 50.0)


def test_errors_are_percentages_for_each_repetition():
    predictions = np.array([[0, 1, 2, 3], [0, 1, 0, 0], [3, 3, 3, 0]])
    np.testing.assert_array_equal(sl.error_percent(predictions, np.array([0, 1, 2, 3])), [0, 50, 100])


def test_losses_are_finite_and_there_is_one_for_each_layer():
    _, told = trained(describe((5, 4)))
    assert told["loss"].shape == (2 * N, 3)
    assert (told["loss"] > 0).all()
    # Plateau potentials are within 0..1, rates within 0..0.2 spikes/ms: no sum of squares can be larger than this.
    assert (told["loss"].max(axis=0) <= [5, 4, 3 * 0.2**2]).all()


def test_training_learns_the_bars():
    model, seen = describe((12,)), images(60)
    training = sl.train(model, seen, seed=1, epochs=40)
    errors = [chunk.error for chunk in training]
    predictions = sl.evaluate(model.network, training.weights, images(60, seed=9), seed=1)
    assert errors[0] > 30
    assert sl.error_percent(predictions, images(60, seed=9).y)[0] < 10


# -- what fixes every bit ---------------------------------------------------------------------------------------------


@of_each_engine
@pytest.mark.parametrize("reading", ["released", "text"])
@pytest.mark.parametrize("hidden", [(), (5,), (5, 4)])
def test_the_size_of_chunks_has_no_influence(hidden, reading, engine):
    model, options = describe(hidden, reading), {"images": images(60), "engine": engine}
    weights, told = trained(model, chunk_size=100, **options)
    for chunk_size in (7, 60):
        again, retold = trained(model, chunk_size=chunk_size, **options)
        assert same(weights, again)
        for name in told:
            np.testing.assert_array_equal(told[name], retold[name])


def test_by_default_it_is_the_event_engine_that_trains():
    assert same(trained()[0], trained(engine=sl.Event())[0])
    assert not same(trained()[0], trained(engine=sl.Clock())[0])


def test_equal_seeds_give_equal_bits():
    first, told = trained(seed=3)
    again, retold = trained(seed=3)
    assert same(first, again)
    np.testing.assert_array_equal(told["loss"], retold["loss"])


def test_other_seeds_give_other_weights_order_and_spikes():
    # From the same weights, so that what differs are order and spikes
    start = describe().network.draw_weights(1)
    first, told = trained(seed=3, weights=start)
    other, retold = trained(seed=4, weights=start)
    assert not np.array_equal(told["label"], retold["label"])
    assert all((a != b).any() for a, b in zip(first.W + first.b, other.W + other.b, strict=True))
    assert same(replace(first, W=(), b=()), replace(other, W=(), b=()))  # feedback is not learned


def test_seeds_of_numpy_are_the_same_seeds():
    assert same(trained(seed=np.int64(3), epochs=np.int32(2))[0], trained(seed=3)[0])


def test_weights_to_start_from_are_not_changed():
    start = describe().network.draw_weights(7)
    before = [a.copy() for a in arrays(start)]
    weights, _ = trained(weights=start)
    assert all(np.array_equal(a, b) for a, b in zip(arrays(start), before, strict=True))
    assert not same(start, weights)


def test_the_weights_that_are_handed_out_are_copies():
    training = sl.train(describe(), images(), seed=1, epochs=2, chunk_size=12)
    next(training)
    early = training.weights
    for array in arrays(training.weights):
        array[:] = np.nan
    assert same(early, training.weights)
    list(training)
    assert not same(early, training.weights)
    assert same(training.weights, trained()[0])


def test_a_learning_rate_of_0_keeps_a_layer_as_it_is():
    model = replace(describe(), learning_rates=(0.0, 0.2))
    start = model.network.draw_weights(1)
    weights, _ = trained(model)
    np.testing.assert_array_equal(weights.W[0], start.W[0].astype(np.float32))
    np.testing.assert_array_equal(weights.b[0], start.b[0].astype(np.float32))
    assert (weights.W[1] != start.W[1].astype(np.float32)).any()


def test_every_trial_of_every_epoch_has_spikes_of_its_own():
    # One image, weights that stay and a network at rest before each trial: only the spikes can make a difference.
    model = replace(describe(), learning_rates=(0.0, 0.0))
    model = replace(model, network=replace(model.network, carry_state=False))
    losses = [tuple(chunk.loss[0]) for chunk in sl.train(model, images(1), seed=1, epochs=20)]
    assert len(set(losses)) == 20


@of_each_engine
@pytest.mark.parametrize("reading", ["released", "text"])
@pytest.mark.parametrize("at", [7, 20, N, N + 3])
def test_training_can_be_taken_up_anywhere_bit_for_bit(reading, at, engine):
    model, options = describe(reading=reading), {"seed": 1, "epochs": 2, "chunk_size": 1, "engine": engine}
    whole, _ = trained(model, engine=engine)
    first = sl.train(model, images(), **options)
    for _ in range(at):
        next(first)
    second = sl.train(model, images(), weights=first.weights, **options)
    second.resume(first.trials, first.state())
    list(second)
    assert same(second.weights, whole)


@pytest.mark.parametrize("engine", [sl.Clock(dtype="float64"), sl.Event()])
@pytest.mark.parametrize("hidden", [(5,), (70, 4)])
def test_weights_set_between_chunks_are_those_of_a_training_begun_with_them(engine, hidden):
    model, options = describe(hidden), {"seed": 1, "chunk_size": 10, "engine": engine}
    first = sl.train(model, images(), **options)
    next(first)
    other = model.network.draw_weights(7)
    second = sl.train(model, images(), weights=other, **options)
    second.resume(first.trials, first.state())
    first.weights = other
    assert same(first.weights, second.weights)
    list(first), list(second)
    assert same(first.weights, second.weights)
    assert same(other, model.network.draw_weights(7))


def test_weights_of_another_network_are_not_set():
    training = sl.train(describe(), images(), seed=1)
    before = training.weights
    with pytest.raises(
        InputError, match=re.escape("weights of sizes (9, 6, 3) do not fit a network of sizes (9, 5, 3)")
    ):
        training.weights = describe((6,)).network.draw_weights(1)
    assert same(training.weights, before)


def test_after_training_was_taken_up_chunks_end_where_they_would_have():
    training = sl.train(describe(), images(), seed=1, epochs=2, chunk_size=10)
    training.resume(7, training.state())
    assert [(c.start, c.stop) for c in training][:3] == [(7, 10), (10, 20), (20, 24)]


def test_the_state_that_is_handed_out_is_a_copy():
    training = sl.train(describe(), images(), seed=1, epochs=2, chunk_size=12)
    next(training)
    state = training.state()
    kept = {name: array.copy() for name, array in state.items()}
    list(training)
    assert all(np.array_equal(state[name], kept[name]) for name in kept)


# -- what must not influence it ---------------------------------------------------------------------------------------


@of_each_engine
def test_evaluating_in_between_does_not_disturb_training(engine):
    model = describe()
    training = sl.train(model, images(), seed=1, epochs=2, chunk_size=5, engine=engine)
    for _ in training:
        sl.evaluate(model.network, training.weights, images(10, seed=4), seed=1, engine=engine)
    assert same(training.weights, trained(engine=engine)[0])


@pytest.mark.parametrize("hidden", [(5,), (5, 4)])
def test_comparing_with_another_rule_measures_angles_and_changes_nothing(hidden):
    model = describe(hidden)
    training = sl.train(model, images(), seed=1, epochs=2, compare=sl.Backprop())
    angles = np.concatenate([chunk.angle for chunk in training])
    assert angles.shape == (2 * N, len(hidden))
    assert ((0 < angles) & (angles < 180)).all()
    assert same(training.weights, trained(model)[0])


def test_a_rule_is_at_no_angle_to_itself():
    angles = np.concatenate([c.angle for c in sl.train(describe(), images(), seed=1, compare=sl.Plateau())])
    np.testing.assert_allclose(angles, 0, atol=0.05)  # the arc cosine of a float32 near 1


def test_without_a_rule_to_compare_with_angles_are_not_numbers():
    assert np.isnan(next(sl.train(describe(), images(), seed=1)).angle).all()


def test_without_hidden_layers_there_are_no_angles():
    chunk = next(sl.train(describe(()), images(), seed=1, compare=sl.Backprop()))
    assert chunk.angle.shape == (N, 0)


def guessing():
    """Return a network and weights for which the class of a grey image is a matter of chance, of its spikes."""
    network = describe(()).network
    return network, sl.Weights((2.0 * np.eye(3).repeat(3, axis=1),), (np.zeros(3),), ())


GREY = sl.Images(x=np.full((50, 9), 0.5), y=np.zeros(50, int), n_classes=3, name="grey")


SHADES = replace(GREY, x=np.random.default_rng(0).uniform(0.3, 0.7, GREY.x.shape), name="shades")


def evaluated(**options):
    network, weights = guessing()
    seen = options.pop("images", SHADES)
    return sl.evaluate(network, options.pop("weights", weights), seen, **({"seed": 1} | options))


def test_a_guessing_network_guesses_every_class_equally_often():
    shares = np.bincount(evaluated(images=GREY, repeats=40).ravel(), minlength=3) / 2000
    np.testing.assert_allclose(shares, 1 / 3, atol=0.05)  # 0.05: five standard errors


@of_each_engine
@pytest.mark.parametrize(("threads", "chunk_size"), [(2, 100), (7, 100), (1, 1), (3, 7)])
def test_threads_and_chunks_have_no_influence_on_predictions(threads, chunk_size, engine):
    expected = evaluated(repeats=3, engine=engine)
    assert len(set(expected.ravel())) == 3
    found = evaluated(repeats=3, threads=threads, chunk_size=chunk_size, engine=engine)
    np.testing.assert_array_equal(found, expected)


def test_an_error_stops_the_threads_that_go_on(monkeypatch):
    """As does Ctrl-C while they work: nothing is tested that nobody waits for."""
    shown, usual = [], EventCore.look

    def look(core, images, *, first_example, **others):
        shown.append(len(images))
        if len(images) > 0 and first_example == 0:
            raise KeyboardInterrupt
        return usual(core, images, first_example=first_example, **others)

    monkeypatch.setattr(EventCore, "look", look)
    with pytest.raises(KeyboardInterrupt):
        evaluated(repeats=40, threads=2, chunk_size=2)
    assert 2 <= len(shown) < 40 * 25 / 2


def test_a_network_may_be_compiled_before_there_is_an_image_to_test_it_on():
    network, weights = guessing()
    for engine in (sl.Event(), sl.Clock(), sl.Rates()):
        found = engine.build(network, weights).test(np.zeros((0, 9), np.float32), seed=1, first_example=0)
        assert found.shape == (0,)


def test_threads_may_be_more_than_images():
    np.testing.assert_array_equal(evaluated(images=SHADES.first(2), threads=5), evaluated(images=SHADES.first(2)))


def test_repeats_have_spikes_of_their_own():
    predictions = evaluated(repeats=4)
    assert predictions.shape == (4, 50)
    assert len(np.unique(predictions, axis=0)) == 4
    np.testing.assert_array_equal(predictions[:1], evaluated())


def test_other_seeds_test_with_other_spikes():
    assert (evaluated(seed=1) != evaluated(seed=2)).any()


def test_a_prediction_does_not_depend_on_the_images_before_it():
    bright = SHADES.x.copy()
    bright[:-1, :3], bright[:-1, 3:] = 1.0, 0.2
    for seed in range(10):
        others = evaluated(images=replace(SHADES, x=bright), seed=seed)[0]
        assert (others[:-1] == 0).mean() > 0.8
        assert others[-1] == evaluated(seed=seed)[0, -1]


def test_evaluating_changes_no_weights():
    _, weights = guessing()
    before = [a.copy() for a in arrays(weights)]
    evaluated(weights=weights, threads=2)
    assert all(np.array_equal(a, b) for a, b in zip(arrays(weights), before, strict=True))


def test_training_and_testing_can_run_in_other_threads():
    results = []
    threads = [threading.Thread(target=lambda: results.append(trained()[0])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert same(results[0], results[1])
    assert same(results[0], trained()[0])


# -- refusals ---------------------------------------------------------------------------------------------------------

SMALL = sl.Images(x=np.zeros((4, 4)), y=np.zeros(4, int), n_classes=3, name="small")
MANY = sl.Images(x=np.zeros((4, 9)), y=np.arange(4), n_classes=4, name="many")

BAD_TRAINING = [
    ({"images": SMALL}, "small: examples of 4 inputs do not fit a network with 9 inputs"),
    ({"images": MANY}, "many: 4 classes do not fit a network with 3 outputs"),
    ({"seed": -1}, "seed=-1 must be an integer >= 0"),
    ({"seed": 1.0}, "seed=1.0 must be an integer >= 0"),
    ({"epochs": 0}, "epochs=0 must be an integer >= 1"),
    ({"epochs": 1.5}, "epochs=1.5 must be an integer >= 1"),
    ({"chunk_size": 0}, "chunk_size=0 must be an integer >= 1"),
    ({"weights": describe((6,)).network.draw_weights(1)}, "weights of sizes (9, 6, 3) do not fit a network of sizes"),
    ({"engine": sl.Clock(dt=2.0)}, "dt=2 ms is too large: dt * total conductance of the output soma = 3.4"),
    ({"engine": sl.Clock(dt=6.0)}, "dt=6 ms is too large: rate_max * dt = 1.2 spikes a step, must be <= 1"),
    ({"engine": sl.Clock(dt=0.7)}, "Phases.settle=30 ms is not a whole number of steps of dt=0.7 ms"),
]


@pytest.mark.parametrize(("options", "message"), BAD_TRAINING)
def test_training_that_cannot_work_is_refused_before_it_starts(options, message):
    seen = options.get("images", images())
    others = {name: value for name, value in options.items() if name != "images"}
    with pytest.raises(InputError, match=re.escape(message)):
        sl.train(describe(), seen, **({"seed": 1} | others))


BAD_TESTING = [
    ({"images": SMALL}, "small: examples of 4 inputs do not fit a network with 9 inputs"),
    ({"images": MANY}, "many: 4 classes do not fit a network with 3 outputs"),
    ({"seed": -1}, "seed=-1 must be an integer >= 0"),
    ({"repeats": 0}, "repeats=0 must be an integer >= 1"),
    ({"threads": 0}, "threads=0 must be an integer >= 1"),
    ({"chunk_size": 0}, "chunk_size=0 must be an integer >= 1"),
    ({"weights": describe((6,)).network.draw_weights(1)}, "weights of sizes (9, 6, 3) do not fit"),
    ({"engine": sl.Clock(dt=2.0)}, "dt=2 ms is too large"),
]


@pytest.mark.parametrize(("options", "message"), BAD_TESTING)
def test_testing_that_cannot_work_is_refused(options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        evaluated(**options)


def test_fewer_classes_than_outputs_are_fine():
    two = sl.Images(x=np.zeros((4, 9)), y=np.arange(4) % 2, n_classes=2, name="two")
    assert len(next(sl.train(describe(), two, seed=1)).label) == 4


def test_a_state_of_another_network_or_before_the_beginning_is_refused():
    state = sl.train(describe((70,)), images(), seed=1).state()
    training = sl.train(describe((5,)), images(), seed=1)
    with pytest.raises(InputError, match="does not fit this network"):
        training.resume(3, state)
    with pytest.raises(InputError, match="trials=-1 must be an integer >= 0"):
        training.resume(-1, training.state())


# Means of the clock are sums that overflow before weights do.
@pytest.mark.parametrize("engine, rate", [(sl.Event(), 1e39), (sl.Clock(), 1e38)], ids=["event", "clock"])
@pytest.mark.parametrize("layer", [1, 2])
def test_training_that_diverges_says_where_and_at_which_example(engine, rate, layer):
    model = replace(describe(), learning_rates=(rate, 0.0) if layer == 1 else (0.0, rate))
    training = sl.train(model, images(), seed=1, epochs=50, chunk_size=6, engine=engine)
    with pytest.raises(NotFiniteError, match=rf"of layer {layer} is not finite (at|before) example \d+"):
        list(training)
    assert training.trials < 50 * N
