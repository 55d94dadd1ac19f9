"""Pictures of the analyses: what is drawn is what was computed, axes say what it is and in which unit."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from spikelearn import analysis, plotting
from spikelearn.errors import InputError
from spikelearn.plotting.style import CLASS_COLOURS, COLOURS
from spikelearn.units import Hz

RNG = np.random.default_rng(0)
LOSSES = RNG.random((3, 40))


@pytest.fixture
def axes():
    return Figure().add_subplot()


def labels(axes):
    return axes.get_xlabel(), axes.get_ylabel()


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def line(axes, label):
    (found,) = [one for one in axes.lines if one.get_label() == label]
    return found.get_xdata(), found.get_ydata()


def test_angle_curves_show_means_errors_and_90_degrees(axes):
    blocks = analysis.block_means(60 + RNG.normal(size=100), 20)
    assert plotting.angle_curves(axes, {"spiking": blocks, "rates": blocks}) is axes
    np.testing.assert_array_equal(line(axes, "spiking"), [blocks.stop, blocks.mean])
    band = axes.collections[0].get_datalim(axes.transData)
    assert (band.y0, band.y1) == pytest.approx(((blocks.mean - blocks.sem).min(), (blocks.mean + blocks.sem).max()))
    assert any(list(one.get_ydata()) == [90, 90] for one in axes.lines)
    assert labels(axes) == ("training example", "angle to backpropagation (degrees)")
    assert legend(axes) == ["spiking", "rates"]
    assert axes.get_ylim() == (0, 100)


def test_angles_above_100_degrees_are_not_cut_off(axes):
    plotting.angle_curves(axes, {"opposed": analysis.block_means(np.linspace(100, 170, 30), 10)})
    assert axes.get_ylim()[1] > 160


def test_a_loss_scatter_has_a_dot_for_each_example_and_says_how_they_correlate(axes):
    hidden, output, shuffled = LOSSES
    plotting.loss_scatter(axes, hidden, output, shuffled)
    for loss, name in ((hidden, "as they were"), (shuffled, "shuffled")):
        r = np.corrcoef(loss, output)[0, 1]
        np.testing.assert_array_equal(line(axes, f"{name}: r = {r:.2f}"), [loss, output])
    assert labels(axes) == ("hidden loss $L^0$", "output loss $L^1$ ((spikes/ms)²)")


def test_correlations_stand_beside_the_range_of_their_shuffle(axes):
    found = analysis.loss_correlation(RNG.random(300), RNG.random(300), RNG.integers(0, 10, 300), 10, 1, 50)
    plotting.loss_correlations(axes, found)
    np.testing.assert_array_equal(line(axes, "as they were"), [np.arange(10), found.r])
    bars = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches]
    np.testing.assert_allclose(bars, np.transpose([found.shuffled_low, found.shuffled_high]))
    assert set(range(10)) <= set(axes.get_xticks())  # every digit has its number


def test_categories_without_a_correlation_leave_a_gap(axes):
    found = analysis.loss_correlation([1.0, 2, 4, 1], [1.0, 3, 2, 1], [0, 0, 0, 2], 3, 1, 20)
    plotting.loss_correlations(axes, found)
    axes.figure.draw_without_rendering()
    assert np.isfinite(axes.get_ylim()).all()


def test_eigenvalue_curves_show_the_limit_of_the_theorem(axes):
    plotting.eigenvalue_curves(axes, [0, 100, 200], {"mean of products": [2.0, 1.2, 0.9]})
    np.testing.assert_array_equal(line(axes, "mean of products"), [[0, 100, 200], [2.0, 1.2, 0.9]])
    assert any(list(one.get_ydata()) == [1, 1] for one in axes.lines)
    assert axes.get_ylim()[0] == 0


def test_a_matrix_is_drawn_on_a_scale_with_0_in_the_middle(axes):
    u = np.diag([0.5, -2.0])
    plotting.matrix_image(axes, u)
    (image,) = axes.images
    np.testing.assert_array_equal(image.get_array(), u)
    assert image.get_clim() == (-2, 2)
    assert axes.figure.axes[1].get_ylabel() == "U, for rates in spikes/ms"


def test_the_scale_of_a_matrix_can_be_given_for_pictures_side_by_side(axes):
    plotting.matrix_image(axes, np.zeros((3, 3)), limit=0.7)
    assert axes.images[0].get_clim() == (-0.7, 0.7)


def test_every_receptive_field_is_in_the_grid_the_right_way_up(axes):
    w = RNG.normal(size=(5, 12))
    plotting.receptive_fields(axes, w, (4, 3))
    grid = np.asarray(axes.images[0].get_array())
    for k, (top, left) in enumerate([(0, 0), (0, 4), (0, 8), (5, 0), (5, 4)]):
        np.testing.assert_array_equal(grid[top : top + 4, left : left + 3], w[k].reshape(4, 3))
    assert axes.figure.axes[1].get_ylabel() == "weight"


def test_fields_of_zeros_can_be_drawn(axes):
    plotting.receptive_fields(axes, np.zeros((2, 4)), (2, 2))
    assert axes.images[0].get_clim() == (-1, 1)


def test_a_match_histogram_counts_every_neuron_that_has_a_match(axes):
    plotting.match_histogram(axes, [0.5, 0.6, np.nan, 0.7], [0.1, 0.2, 0.2, np.nan], n_bins=6)
    heights = [bar.get_height() for bar in axes.patches]
    assert (len(heights), sum(heights[:6]), sum(heights[6:])) == (12, 3, 3)
    assert legend(axes) == ["shuffled: mean 0.17", "as they are: mean 0.60"]
    assert labels(axes) == ("best correlation (r)", "neurons")


def test_a_match_histogram_counts_untrained_neurons_in_the_same_bins(axes):
    plotting.match_histogram(axes, [0.5, 0.6], [0.1, 0.2], n_bins=4, untrained=[0.0, 0.3, np.nan])
    *bars, outline = axes.patches
    assert [bar.get_x() for bar in bars[:4]] == pytest.approx([0, 0.15, 0.3, 0.45])
    assert outline.get_xy()[:, 1].max() == 1
    assert legend(axes)[-1] == "untrained: mean 0.15"


def test_an_embedding_has_a_dot_an_example_and_the_name_of_every_class(axes):
    points, label = RNG.normal(size=(30, 2)), np.arange(30) % 3 + 1
    plotting.embedding_scatter(axes, points, label)
    drawn = [collection.get_offsets() for collection in axes.collections]
    for category, dots in zip((1, 2, 3), drawn, strict=True):
        np.testing.assert_array_equal(dots, points[label == category])
    assert [text.get_text() for text in axes.texts] == ["1", "2", "3"]
    assert all(text.get_position() in [tuple(p) for p in points] for text in axes.texts)


def test_a_rate_histogram_is_in_hz(axes):
    found = analysis.rate_distribution(np.array([0, 20, 190, 60]) * Hz, rate_max=200 * Hz)
    plotting.rate_histogram(axes, found)
    values, edges, _ = axes.patches[0].get_data()
    np.testing.assert_array_equal(values, found.counts)
    np.testing.assert_array_equal(edges, found.edges_hz)
    assert labels(axes) == ("mean firing rate (Hz)", "neurons")
    assert legend(axes) == ["mean 68 Hz", "silent 25 %, saturated 25 %"]


def test_bars_start_at_0_and_show_every_value(axes):
    groups = {"regular": [4.0, 4.2, 4.1], "sparse": [3.7]}
    plotting.group_bars(axes, groups)
    assert [(bar.get_y(), bar.get_height()) for bar in axes.patches] == [(0, pytest.approx(4.1)), (0, 3.7)]
    dots = [list(one.get_ydata()) for one in axes.lines if one.get_marker() == "o"]
    assert dots == list(groups.values())
    assert [text.get_text() for text in axes.get_xticklabels()] == ["regular", "sparse"]
    assert axes.get_ylabel() == "test error (%)"
    assert axes.get_ylim()[0] == 0


def test_bars_of_nothing_but_zeros_can_be_drawn(axes):
    plotting.group_bars(axes, {"perfect": [0.0, 0.0]})
    assert axes.get_ylim() == (0, 1)


def as_seen(colour, cones):
    """Return a colour as with one kind of cone missing, linear model of Machado, Oliveira & Fernandes 2009."""
    return np.asarray(cones) @ to_rgb(colour)


PROTANOPIA = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]


@pytest.mark.parametrize("cones", [np.eye(3), PROTANOPIA, DEUTERANOPIA])
@pytest.mark.parametrize(("colours", "apart"), [(COLOURS, 0.18), (CLASS_COLOURS, 0.15)])
def test_all_colours_can_be_told_apart_by_colour_blind_readers(cones, colours, apart):
    seen = [as_seen(colour, cones) for colour in colours]
    closest = min(np.linalg.norm(a - b) for k, a in enumerate(seen) for b in seen[:k])
    assert closest > apart


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda axes: plotting.angle_curves(axes, {}), "curves is empty"),
        (lambda axes: plotting.loss_scatter(axes, [1, 2], [1, 2], [1]), "losses of shapes (2,), (2,) and (1,)"),
        (lambda axes: plotting.eigenvalue_curves(axes, [1, 2], {}), "curves is empty"),
        (lambda axes: plotting.eigenvalue_curves(axes, [1, 2], {"mu": [1]}), "curves['mu'] of shape (1,) must have"),
        (lambda axes: plotting.matrix_image(axes, np.ones((2, 3))), "u of shape (2, 3) must be square"),
        (lambda axes: plotting.receptive_fields(axes, np.ones((2, 5)), (2, 3)), "must be (neurons, 2 x 3 = 6)"),
        (lambda axes: plotting.match_histogram(axes, [np.nan], [0.1]), "has no correlations"),
        (lambda axes: plotting.match_histogram(axes, [0.2], [0.1], 0), "n_bins=0"),
        (
            lambda axes: plotting.embedding_scatter(axes, np.ones((3, 2)), [1, 2]),
            "must be (examples, 2), label of shape",
        ),
        (lambda axes: plotting.group_bars(axes, {}), "groups is empty"),
    ],
)
def test_what_cannot_be_drawn_is_refused(axes, call, message):
    with pytest.raises(InputError) as info:
        call(axes)
    assert message in str(info.value)


def test_drawing_is_not_slowed_down_by_what_only_some_analyses_need():
    code = "import sys, spikelearn.plotting; sys.exit(any(m in sys.modules for m in ('sklearn', 'scipy.stats')))"
    subprocess.run([sys.executable, "-c", code], check=True)
