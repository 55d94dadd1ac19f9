"""The loop: what a rule is shown, and what is measured of it."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from ratenet.helpers import task
from spikelearn.errors import InputError, NotFiniteError
from spikelearn.ratenet import SGD, fit, rules
from spikelearn.ratenet.fit import error_on
from spikelearn.ratenet.rules import Backprop


@dataclass(frozen=True, kw_only=True)
class Watching(Backprop):
    """Backpropagation that keeps what it was shown."""

    passes: list = field(default_factory=list, compare=False)

    def prepare(self, state, batches, epoch, rng):
        self.passes.append([batch.x.copy() for batch in batches()])  # a pass of its own
        self.passes.append([])

    def learn(self, state, batch, rng):
        assert (batch.target.sum(axis=1) == 1).all()
        self.passes[-1].append(batch.x.copy())


def shown(n, batch, epochs=2):
    """The images of each pass, in order."""
    rule = Watching(batch=batch)
    list(fit(rule.network((12, 5, 3)), rule, task(n), seed=1, epochs=epochs))
    return rule.passes


def test_every_pass_shows_each_image_once_in_an_order_of_its_own():
    images = {row.tobytes() for row in task(60).train.x}
    passes = [np.concatenate(batches) for batches in shown(60, 20)]
    assert len(passes) == 4  # two epochs, in each one for `prepare`
    for found in passes:
        assert {row.tobytes() for row in found} == images
        assert len(found) == 60
    assert len({found.tobytes() for found in passes}) == 4


def test_the_rest_that_fills_no_minibatch_is_left_out_and_is_another_one_each_time():
    passes = shown(50, 20)
    assert all([len(batch) for batch in batches] == [20, 20] for batches in passes)
    assert len({frozenset(row.tobytes() for row in np.concatenate(batches)) for batches in passes}) == 4


def test_with_few_images_the_minibatch_is_all_of_them():
    assert [len(batch) for batch in shown(30, 128)[1]] == [30]


def test_the_error_is_the_share_of_wrong_classes_in_percent():
    rule, data = Backprop(), task(60)
    last = list(fit(rule.network((12, 5, 3)), rule, data, seed=1, epochs=1))[-1]
    outputs = rule.outputs(last.state, data.test.x)
    expected = 100 * np.mean(outputs.argmax(axis=1) != data.test.y)
    assert 0 < expected < 100
    assert last.test_error == error_on(rule, last.state, data.test) == pytest.approx(expected, abs=1e-12)


def test_divergence_is_an_error_that_names_the_epoch():
    rule = rules.Backprop(optimiser=SGD(rate=1e39))
    with pytest.raises(NotFiniteError, match="diverged at epoch 1: weights or outputs are not finite; lower the rate"):
        list(fit(rule.network((12, 5, 3)), rule, task(60), seed=1))


def test_after_an_interrupt_going_on_is_refused_as_the_epoch_is_half_learned():
    @dataclass(frozen=True, kw_only=True)
    class Interrupted(Backprop):
        def learn(self, state, batch, rng):
            raise KeyboardInterrupt

    epochs = fit(Interrupted().network((12, 5, 3)), Interrupted(), task(200), seed=1, epochs=2)
    with pytest.raises(KeyboardInterrupt):
        next(epochs)
    with pytest.raises(InputError, match="this training was stopped in its midst by KeyboardInterrupt; start it again"):
        next(epochs)
    done = fit(Backprop().network((12, 5, 3)), Backprop(), task(200), seed=1, epochs=1)
    assert [len(list(done)), len(list(done))] == [1, 0]


def test_blas_has_one_thread_while_a_network_learns_and_its_own_number_between_epochs():
    """Else results would depend on the number, and small products take a hundred times as long on a busy machine."""
    seen = []

    @dataclass(frozen=True, kw_only=True)
    class Watched(Backprop):
        def learn(self, state, batch, rng):
            seen.append(threads())
            super().learn(state, batch, rng)

    with threadpool_limits(2, user_api="blas"):
        for _ in fit(Watched().network((12, 5, 3)), Watched(), task(200), seed=1, epochs=2):
            assert threads() == {2}
    assert seen and all(found == {1} for found in seen)


def threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}
