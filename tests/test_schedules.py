"""Learning rates from epoch to epoch."""

import numpy as np
import pytest
from test_training import describe, images, same

import spikelearn as sl
from spikelearn import descriptions
from spikelearn.errors import InputError


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        (sl.Constant(), [1, 1, 1]),
        (sl.Decay(by=0.5), [1, 0.5, 0.25]),
        (sl.Hyperbolic(half=1.0), [1, 1 / 2, 1 / 3]),
        (sl.Hyperbolic(half=4.0), [1, 4 / 5, 4 / 6]),
    ],
)
def test_factors_of_the_first_epochs(schedule, wanted):
    np.testing.assert_allclose([schedule.factor(epoch) for epoch in range(3)], wanted, rtol=1e-14)


def test_an_epoch_learns_at_its_own_rates():
    """Two epochs with a decay are one with the first rates and one with the second."""
    model = describe()
    decaying = descriptions.override(model, ["schedule=decay", "schedule.by=0.25"])
    assert decaying.rates(1) == tuple(0.25 * rate for rate in model.learning_rates)
    whole = sl.train(decaying, images(), seed=1, epochs=2)
    list(whole)
    first = sl.train(model, images(), seed=1, epochs=1)
    list(first)
    second = sl.train(
        descriptions.override(model, [f"learning_rates={','.join(map(repr, decaying.rates(1)))}"]),
        images(), seed=1, epochs=2, weights=first.weights,
    )  # fmt: skip
    second.resume(first.trials, first.state())
    list(second)
    assert same(whole.weights, second.weights)
    constant = sl.train(model, images(), seed=1, epochs=2)
    list(constant)
    assert not same(whole.weights, constant.weights)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sl.Decay(by=0.0), r"Decay\.by=0\.0 must be a finite number > 0 and <= 1"),
        (lambda: sl.Decay(by=1.1), r"Decay\.by=1\.1"),
        (lambda: sl.Hyperbolic(half=0.0), r"Hyperbolic\.half=0\.0 must be a finite number > 0 epochs"),
        (
            lambda: sl.Model(network=describe().network, learning_rates=(1, 1), schedule=0.9),
            r"Model\.schedule.*spikelearn\.Decay",
        ),
        (lambda: sl.Plateau(gate=1.5), r"Plateau\.gate=1\.5 must be a finite number >= 0 and <= 1"),
        (lambda: sl.Plateau(gate=-0.1), r"Plateau\.gate"),
        (lambda: sl.OutputNeuron(loss="hinge"), r"OutputNeuron\.loss='hinge'"),
        (
            lambda: sl.OutputNeuron(loss="likelihood", curve=sl.ThresholdLinear(gain=1.0, threshold=0.0)),
            r"OutputNeuron\.loss='likelihood' needs the curve Sigmoid\(\).*keep loss='squares'",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
