"""Weights before learning: how they are drawn, and with which moments."""

import math

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import spikelearn as sl
from spikelearn.core.random import make_generator
from spikelearn.errors import InputError
from spikelearn.feedback import ProductFeedback, RandomFeedback

RATE_MAX = 200 * sl.Hz
SQRT3 = math.sqrt(3)  # half the width of a uniform distribution over its standard deviation

# Fact sheet 1.10, computed from the authors' code: fan-in, mean and SD of forward weights.
MOMENTS = [(784, 0.018707, 0.504903), (500, 0.029333, 0.632115), (100, 0.146667, 1.410406)]


@pytest.mark.parametrize(("fan_in", "mean", "sd"), MOMENTS)
def test_forward_weights_have_the_moments_of_the_authors_code(fan_in, mean, sd):
    assert sl.InitialWeights().moments(fan_in, RATE_MAX) == pytest.approx((mean, sd), abs=5e-7)


@pytest.mark.parametrize("fan_in", [784, 100])
@pytest.mark.parametrize("wanted", [sl.InitialWeights(), sl.InitialWeights(v_mean=2.0, v_sd=1.0, bias_mean=0.3)])
def test_matched_weights_give_dendrites_the_wanted_mean_and_spread(fan_in, wanted):
    rng = np.random.default_rng(1)
    mean, sd = wanted.moments(fan_in, RATE_MAX)
    nu = wanted.activity * RATE_MAX
    weights = rng.normal(mean, sd, (4000, fan_in))
    inputs = nu * rng.normal(wanted.v_mean, wanted.v_sd, (4000, fan_in))
    v = (weights * inputs).sum(axis=1) + wanted.bias_mean
    # 4000 draws: the mean is known to 1.6 % of the SD, the SD to 1.1 %
    assert v.mean() == pytest.approx(wanted.v_mean, abs=0.07 * wanted.v_sd)
    assert v.std() == pytest.approx(wanted.v_sd, rel=0.05)


def test_moments_that_no_weights_have_are_refused():
    with pytest.raises(InputError, match="v_mean=3, v_sd=3 cannot be had with bias_mean=50 and fan-in 100; raise v_sd"):
        sl.InitialWeights(bias_mean=50.0).moments(100, RATE_MAX)


@pytest.fixture(scope="module")
def drawn():
    """Weights of the largest published network."""
    return sl.Network(sizes=(784, 500, 100, 10), feedback=ProductFeedback()).draw_weights(1)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_forward_weights_are_uniform_with_the_matched_moments(drawn, layer):
    _, mean, sd = MOMENTS[layer]
    w = drawn.W[layer]
    error = sd / math.sqrt(w.size)
    assert w.mean() == pytest.approx(mean, abs=4 * error)
    assert w.std() == pytest.approx(sd, rel=4 / math.sqrt(w.size))
    # Fact sheet: U range -0.856..0.894 for 784. All of it, and evenly.
    assert abs(w - mean).max() == pytest.approx(SQRT3 * sd, rel=0.02)
    assert abs(w - mean).max() <= SQRT3 * sd + 1e-6
    quarters = np.histogram(w, 4, (mean - SQRT3 * sd, mean + SQRT3 * sd))[0] / w.size
    assert quarters == pytest.approx(0.25, abs=2 / math.sqrt(w.size))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_biases_are_uniform_around_their_mean(drawn, layer):
    b = drawn.b[layer]
    assert abs(b - 0.8).max() <= SQRT3 * 0.001
    assert b.mean() == pytest.approx(0.8, abs=4 * 0.001 / math.sqrt(b.size))
    assert 0.0005 < b.std() < 0.0015


def test_biases_without_spread_are_all_equal():
    weights = sl.Network(sizes=(5, 4, 3), initial=sl.InitialWeights(bias_mean=0.5, bias_sd=0.0)).draw_weights(1)
    assert all((b == 0.5).all() for b in weights.b)


def test_receptive_fields_are_squares_anywhere_in_the_image_with_moments_of_their_own_fan_in():
    initial = sl.InitialWeights(receptive_field=3)
    lowest, upper = sl.Network(sizes=(49, 2000, 10), initial=initial).draw_weights(1).W
    places = lowest.reshape(-1, 7, 7) != 0
    rows, columns = places.any(axis=2), places.any(axis=1)
    assert (rows.sum(axis=1) == 3).all()
    assert (columns.sum(axis=1) == 3).all()
    assert (places == rows[:, :, None] & columns[:, None, :]).all()
    for sides in (rows, columns):
        first = sides.argmax(axis=1)
        assert (sides[np.arange(2000), first + 2]).all(), "a gap"
        assert np.bincount(first, minlength=5) == pytest.approx(400, abs=80), "not all places alike"
    mean, sd = initial.moments(9, RATE_MAX)
    assert lowest[lowest != 0].mean() == pytest.approx(mean, abs=4 * sd / math.sqrt(18_000))
    assert lowest[lowest != 0].std() == pytest.approx(sd, rel=4 / math.sqrt(18_000))
    assert (upper != 0).all()


@pytest.mark.parametrize(
    ("n_inputs", "field", "message"),
    [
        (49, 8, "receptive_field=8 pixels do not fit into images of 7 x 7; 7 at most"),
        (50, 3, "receptive_field=3 needs square images; 50 pixels are not a square"),
        (49, 0, "receptive_field=0"),
        (49, 2.5, "receptive_field=2.5"),
    ],
)
def test_receptive_fields_that_images_cannot_have_are_refused(n_inputs, field, message):
    with pytest.raises(InputError, match=message):
        sl.Network(sizes=(n_inputs, 5, 3), initial=sl.InitialWeights(receptive_field=field))


def test_a_hidden_layer_that_does_not_learn_keeps_its_receptive_fields():
    x, y = np.random.default_rng(1).random((20, 49)), np.arange(20) % 3
    network = sl.Network(sizes=(49, 12, 3), initial=sl.InitialWeights(receptive_field=3))
    model = sl.Model(network=network, learning_rates=(0.2, 0.2), rule=sl.OutputOnly())
    training = sl.train(model, sl.Images(x=x, y=y, n_classes=3, name="noise"), seed=1)
    for _ in training:
        pass
    learned, drawn = training.weights.W, network.draw_weights(1).W
    assert np.array_equal(learned[0], drawn[0].astype(np.float32))
    assert not np.array_equal(learned[1], drawn[1].astype(np.float32))


def test_random_feedback_has_zero_mean_and_the_spread_of_the_layer_size():
    weights = sl.Network(sizes=(784, 500, 100, 10), feedback=RandomFeedback()).draw_weights(1)
    for y, (_, _, sd) in zip(weights.Y, MOMENTS[1:], strict=True):
        assert y.mean() == pytest.approx(0, abs=4 * sd / math.sqrt(y.size))
        assert y.std() == pytest.approx(sd, rel=4 / math.sqrt(y.size))
        assert abs(y).max() <= SQRT3 * sd + 1e-6
    common = np.corrcoef(weights.Y[0][:100].ravel(), weights.Y[1].ravel())[0, 1]
    assert abs(common) < 4 / math.sqrt(1000)


def test_product_feedback_has_a_spread_of_about_9_below_and_the_usual_one_above(drawn):
    assert drawn.Y[0].std() == pytest.approx(8.9, rel=0.05)  # sqrt(100) * 0.632 * 1.410
    assert drawn.Y[1].std() == pytest.approx(1.410, rel=0.05)
    assert abs(drawn.Y[0].mean()) < 0.6


def test_product_feedback_sees_the_outputs_through_the_layer_above(drawn):
    # Undo the upper matrix: what is left must be the lower one, of the SD that belongs to 500 neurons.
    combination = np.linalg.pinv(drawn.Y[1]) @ drawn.Y[1]
    np.testing.assert_allclose(drawn.Y[0] @ combination, drawn.Y[0], atol=1e-9)
    through = drawn.Y[0] @ np.linalg.pinv(drawn.Y[1])
    assert through.std() == pytest.approx(0.632 * math.sqrt(10 / 100), rel=0.1)


def test_with_one_hidden_layer_both_feedbacks_are_the_same():
    drawn = [sl.Network(sizes=(9, 5, 3), feedback=f).draw_weights(4).Y for f in (RandomFeedback(), ProductFeedback())]
    np.testing.assert_array_equal(drawn[0][0], drawn[1][0])


@pytest.mark.parametrize("kind", [RandomFeedback, ProductFeedback])
def test_the_gain_scales_feedback_and_nothing_else(kind):
    one, three = (sl.Network(sizes=(9, 7, 5, 3), feedback=kind(gain=gain)).draw_weights(4) for gain in (1.0, 3.0))
    for layer in range(2):
        np.testing.assert_allclose(three.Y[layer], 3 * one.Y[layer], rtol=1e-12)
    for before, after in zip(one.W + one.b, three.W + three.b, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("kind", [RandomFeedback, ProductFeedback])
def test_the_spread_of_feedback_is_the_scale_that_was_asked_for(kind):
    forward = [np.zeros((400, 3)), np.zeros((10, 400))]
    y = kind().draw(make_generator(1, "weights"), forward, [2.5], (1,))[0]
    assert y.std() == pytest.approx(2.5, rel=0.05)


def test_apical_biases_are_what_constant_rates_would_add_and_leave_the_other_draws_alone(drawn):
    network = sl.Network(
        sizes=(784, 500, 100, 10), feedback=ProductFeedback(), initial=sl.InitialWeights(apical_bias=2.0)
    )
    weights = network.draw_weights(1)
    assert [c.shape for c in weights.c] == [(500,), (100,)] and not any(c.any() for c in drawn.c)
    for before, after in zip(drawn.W + drawn.b + drawn.Y, weights.W + weights.b + weights.Y, strict=True):
        np.testing.assert_array_equal(before, after)
    for Y, c, (_, _, sd) in zip(weights.Y, weights.c, MOMENTS[1:], strict=True):
        rates, left, *_ = np.linalg.lstsq(Y, c, rcond=None)
        assert left == pytest.approx(0, abs=1e-9)
        assert abs(rates / 2).max() <= SQRT3 * sd
        assert rates.std() / 2 == pytest.approx(sd, rel=0.6)  # of ten draws


def test_of_one_strength_the_biases_are_those_of_the_code_that_is_cited():
    initial = sl.InitialWeights(apical_bias=1.0)
    found = [sl.Network(sizes=(784, 500, 10), initial=initial).draw_weights(seed).c[0].std() for seed in range(30)]
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(math.sqrt(10) * 0.632**2, rel=0.15)


@pytest.mark.parametrize("feedback", [ProductFeedback(), sl.SymmetricFeedback()])
def test_products_of_weights_have_the_same_bits_for_any_number_of_threads(feedback):
    network = sl.Network(sizes=(9, 777, 333, 47), feedback=feedback)
    drawn = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            drawn.append(network.draw_weights(1))
    assert drawn[0] == drawn[1] == drawn[2]
    if feedback == sl.SymmetricFeedback():
        np.testing.assert_allclose(drawn[0].Y[0], drawn[0].W[1].T @ drawn[0].W[2].T, rtol=1e-9)


@pytest.mark.parametrize("sizes", [(5, 3), (5, 4, 3), (5, 4, 2, 3)])
def test_weights_without_apical_biases_have_zeros(sizes):
    drawn = sl.Network(sizes=sizes).draw_weights(1)
    given = sl.Weights(drawn.W, drawn.b, drawn.Y)
    assert given == drawn and all(not c.any() for c in given.c) and len(given.c) == len(sizes) - 2


def test_equal_seeds_draw_equal_weights_and_others_do_not():
    network = sl.Network(sizes=(9, 5, 3))
    first, again, other = (network.draw_weights(seed) for seed in (1, 1, 2))
    for name in ("W", "b", "Y"):
        for a, b, c in zip(getattr(first, name), getattr(again, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(a, b)
            assert (a != c).all()


def test_a_seed_below_0_is_refused():
    with pytest.raises(InputError, match="seed=-1 must be an integer >= 0"):
        sl.Network(sizes=(2, 1)).draw_weights(-1)


def test_weights_know_the_sizes_of_their_network(drawn):
    assert drawn.sizes == (784, 500, 100, 10)
    assert [y.shape for y in drawn.Y] == [(500, 10), (100, 10)]
