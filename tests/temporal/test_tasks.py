"""What tasks show, and that their optimum and chance levels are those of the best and the blind answer."""

import math
from itertools import islice

import numpy as np
import pytest

import spikelearn as sl
from spikelearn.datasets.mnist_1d import TEMPLATES, signals
from spikelearn.errors import InputError
from spikelearn.temporal.tasks import Add, Adding, Copying, DelayedXor, Evidence, Mnist1D, PatternGeneration, Rows

TASKS = [Add(), Add(lags=(1, 3), length=20), DelayedXor(), DelayedXor(length=10), Adding(), Copying()]
each_task = pytest.mark.parametrize("task", TASKS, ids=repr)


def drawn(task, n=1, batch=400, seed=0):
    return list(islice(task.sequences(np.random.default_rng(seed), batch), n))


def mean_loss(task, answers, shown):
    target = shown.target[shown.scored]
    return task.output.loss(answers.reshape(-1, task.n_out).copy(), target.reshape(-1, task.n_out)).mean()


@each_task
def test_shapes_fit_and_the_same_seed_shows_the_same(task):
    (first,), (again,), (other,) = drawn(task), drawn(task), drawn(task, seed=1)
    assert first.x.shape == (task.length, 400, task.n_in)
    assert first.target.shape == (task.length, 400, task.n_out)
    assert first.scored.shape == (task.length,) and first.scored.any()
    np.testing.assert_array_equal(first.x, again.x)
    assert not np.array_equal(first.x, other.x)
    one, two = drawn(task, 2)
    assert not np.array_equal(one.x, two.x)


@each_task
def test_the_targets_themselves_reach_the_optimum(task):
    (shown,) = drawn(task)
    assert mean_loss(task, shown.target[shown.scored], shown) == pytest.approx(task.optimum, abs=0.01)
    assert task.judge(shown.target[shown.scored], shown) == 0


@each_task
def test_chance_is_the_best_answer_that_does_not_look(task):
    (shown,) = drawn(task, batch=4000)
    scored = shown.target[shown.scored]
    # the same for every sequence, but it may depend on the step
    blind = np.broadcast_to(scored.mean(axis=1, keepdims=True), scored.shape)
    assert mean_loss(task, blind, shown) == pytest.approx(task.chance, rel=0.05)


def test_the_floors_of_the_add_task_are_those_of_what_is_remembered():
    task = Add(lags=(5, 9), length=40)
    assert task.optimum == pytest.approx(0.4545, abs=5e-5)
    assert task.one_bit == pytest.approx((0.5192, 0.6277), abs=5e-5)
    assert task.chance == pytest.approx(0.6616, abs=5e-5)
    (shown,) = drawn(task, batch=4000)
    bits, p = shown.x[:, :, 0], shown.target[:, :, 0]
    for t in (9, 20, 39):
        np.testing.assert_array_equal(p[t], 0.5 + 0.5 * bits[t - 5] - 0.25 * bits[t - 9])
    near = np.where(bits[20 - 5] == 1, 7 / 8, 3 / 8)
    loss = -(p[20] * np.log(near) + (1 - p[20]) * np.log(1 - near)).mean()
    assert loss == pytest.approx(task.one_bit[0], abs=0.01)
    assert not shown.scored[:9].any() and shown.scored[9:].all()


def test_delayed_xor_is_of_both_bits_and_of_neither_alone():
    task = DelayedXor(length=10)
    (shown,) = drawn(task)
    first, second, answer = shown.x[0, :, 0], shown.x[5, :, 0], shown.target[-1].argmax(axis=1)
    np.testing.assert_array_equal(answer, first != second)
    assert abs(np.corrcoef(first, answer)[0, 1]) < 0.15 and abs(np.corrcoef(second, answer)[0, 1]) < 0.15
    assert not shown.x[[1, 2, 3, 4, 6, 7, 8], :, 0].any()
    assert (shown.x[:, :, 1] == (np.arange(10) == 9)[:, None]).all()


def test_the_adding_problem_marks_a_number_in_each_half():
    (shown,) = drawn(Adding(length=11))
    numbers, marks = shown.x[:, :, 0], shown.x[:, :, 1]
    assert (marks[:5].sum(axis=0) == 1).all() and (marks[5:].sum(axis=0) == 1).all()
    np.testing.assert_allclose((numbers * marks).sum(axis=0), shown.target[-1, :, 0])
    assert Adding().chance == 1 / 12


def test_copying_asks_for_the_items_after_the_delay():
    task = Copying(symbols=4, items=2, delay=3)
    (shown,) = drawn(task)
    given, wanted = shown.x.argmax(axis=2), shown.target.argmax(axis=2)
    np.testing.assert_array_equal(given[:2], wanted[-2:])
    assert (given[2:4] == 4).all() and (given[4] == 5).all() and (given[5:] == 4).all() and (wanted[:5] == 4).all()
    assert task.chance == pytest.approx(2 * math.log(4) / 7)
    assert Copying(symbols=8, items=10, delay=50).chance == pytest.approx(10 * math.log(8) / 70)


def test_evidence_is_on_the_side_with_more_cues():
    task = Evidence()
    (shown,) = drawn(task)
    x = shown.x.reshape(task.length, 400, 4, 10).sum(axis=3)
    assert task.length == 220 and shown.scored.sum() == 20
    right = shown.target[-1].argmax(axis=1)
    counts = x.sum(axis=0)
    assert np.mean((counts[:, 1] > counts[:, 0]) == right) > 0.9
    assert not x[150:, :, :2].any()  # nothing of either side after the last cue
    assert not x[:200, :, 2].any() and x[200:, :, 2].any()  # the call for an answer
    for k in range(5):
        cue = x[30 * k : 30 * k + 20, :, :2].sum(axis=0)
        assert not (cue > 0).all(axis=1).any() and (cue.sum(axis=1) > 0).mean() > 0.99
        assert not x[30 * k + 20 : 30 * k + 30, :, :2].any()
    assert abs(right.mean() - 0.5) < 0.1
    assert x[:, :, 3].mean() / 10 == pytest.approx(0.04, rel=0.05)


def test_a_pattern_is_the_same_every_time_and_made_of_its_periods():
    task = PatternGeneration()
    one, two = drawn(task, 2, batch=1)
    np.testing.assert_array_equal(one.x, two.x)
    assert one.x.mean() == pytest.approx(0.05, rel=0.05) and abs(one.target).max() == 1
    wave, t = one.target[:, 0, 0], np.arange(1000)
    basis = np.column_stack([f(2 * np.pi * t / period) for period in (1000, 500, 333, 200) for f in (np.sin, np.cos)])
    rest = wave - basis @ np.linalg.lstsq(basis, wave, rcond=None)[0]
    np.testing.assert_allclose(rest, 0, atol=1e-10)
    assert task.judge(np.full((1000, 1, 1), wave.mean()), one) == pytest.approx(1)
    assert task.judge(one.target, one) == 0


def test_rows_are_the_rows_of_images_and_every_image_comes_before_any_comes_again():
    task = Rows(data="digits")
    assert (task.n_in, task.n_out) == (8, 10)
    batches = drawn(task, 24, batch=60)  # 1440 of 1437 images
    seen = np.concatenate([batch.x for batch in batches], axis=1).transpose(1, 0, 2)
    assert len(np.unique(seen[:1437].reshape(1437, -1), axis=0)) > 1430  # few pictures are equal
    data = sl.load("digits")
    held = task.held_out(5)
    np.testing.assert_allclose(held.x.transpose(1, 0, 2).reshape(5, 64), data.test.x[:5])
    np.testing.assert_array_equal(held.target[-1].argmax(axis=1), data.test.y[:5])
    assert held.scored.tolist() == [False] * 7 + [True]


def test_images_that_are_no_squares_are_refused(tmp_path):
    np.savez(tmp_path / "oblong.npz", x=np.random.default_rng(0).random((20, 12)), y=np.arange(20) % 2)
    with pytest.raises(InputError, match="have 12 pixels, which make no square; choose square images"):
        Rows(data=str(tmp_path / "oblong.npz")).n_in  # noqa: B018


def test_signals_of_a_digit_look_like_its_template(monkeypatch):
    rng = np.random.default_rng(0)
    digits = np.repeat(np.arange(10), 300)
    found = signals(digits, rng)
    assert found.shape == (3000, 40)
    assert found.std() == pytest.approx(0.15, abs=0.01)
    for name in ("SHEAR", "NOISE", "SMOOTH_NOISE", "SCALE"):
        monkeypatch.setattr(f"spikelearn.datasets.mnist_1d.{name}", 0.0)
    clean = signals(np.array([3, 3]), rng)
    stroke = TEMPLATES[3] - TEMPLATES[3].mean()
    stroke = (stroke / stroke.std() - (stroke / stroke.std())[0]) / 6
    assert clean.max() == pytest.approx(stroke.max(), abs=0.03)
    assert clean.min() == pytest.approx(0, abs=0.03)


def test_digits_are_as_frequent_and_the_last_step_is_scored():
    (shown,) = drawn(Mnist1D(), batch=2000)
    assert np.bincount(shown.target[-1].argmax(axis=1)).min() > 150
    assert shown.scored.tolist() == [False] * 39 + [True]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Add(lags=(0, 3)), "Add.lags=0"),
        (lambda: Add(lags=(3, 3)), "two different numbers of steps"),
        (lambda: Add(length=9), "Add.length=9"),
        (lambda: DelayedXor(length=3), "DelayedXor.length=3"),
        (lambda: Adding(length=1), "Adding.length=1"),
        (lambda: Copying(symbols=1), "Copying.symbols=1"),
        (lambda: Copying(delay=0), "Copying.delay=0"),
        (lambda: Evidence(cues=4), "Evidence.cues=4 must be odd"),
        (lambda: Evidence(rate=2.0), "Evidence.rate=2.0"),
        (lambda: PatternGeneration(rate=0.0), "PatternGeneration.rate=0.0"),
    ],
)
def test_bad_numbers_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
