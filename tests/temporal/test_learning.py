"""The contract of all rules, by name, and the loop."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from spikelearn.errors import InputError, NotFiniteError
from spikelearn.ratenet.optimisers import SGD, Adam
from spikelearn.temporal import rules
from spikelearn.temporal.connections import Independent, Sparse
from spikelearn.temporal.cost import cost
from spikelearn.temporal.feedback import Random
from spikelearn.temporal.learning import Training, begin, learn
from spikelearn.temporal.network import RecurrentNetwork
from spikelearn.temporal.spiking import SpikingNetwork
from spikelearn.temporal.tasks import Add, Adding
from temporal.helpers import emitted, sequences

TASK = Add(lags=(1, 3), length=30)
NETWORK = RecurrentNetwork(n_in=2, n=12, n_out=2)
RULES = {
    "bptt": rules.BPTT(),
    "truncated": rules.Truncated(window=7),
    "sliding": rules.Sliding(window=5),
    "rtrl": rules.RTRL(),
    "snap-1": rules.SnAp(),
    "snap-2": rules.SnAp(order=2),
    "diagonal": rules.Diagonal(),
    "rflo": rules.RFLO(),
    "uoro": rules.UORO(),
    "kf-rtrl": rules.KFRTRL(),
    "dni": rules.SyntheticGradients(),
    "readout": rules.ReadoutOnly(),
    "eprop": rules.EProp(),
    "eprop-random": rules.EProp(feedback=Random()),
}
SPIKING = SpikingNetwork(n_in=2, n=12, n_out=2, adaptive=3, tau_membrane=4.0, tau_output=2.0)
each_rule = pytest.mark.parametrize("name", RULES)
RATES = {"uoro": 3e-4, "kf-rtrl": 1e-3}


def network_for(name):
    if name.startswith("eprop"):
        return SPIKING
    kinds = {"diagonal": Independent(), "snap-2": Sparse(0.3)}
    return replace(NETWORK, connections=kinds[name]) if name in kinds else NETWORK


def training(name="", **changes):
    return Training(**{"recurrent": SGD(rate=RATES.get(name, 0.03)), "readout": SGD(rate=0.03)} | changes)


def points(name, seed=1, steps=600, **changes):
    return list(
        learn(network_for(name), RULES[name], TASK, training(name, **changes), seed=seed, steps=steps, every=150)
    )


@each_rule
def test_it_learns(name):
    found = points(name, steps=1500)
    assert found[-1].loss < found[0].loss - 0.04
    assert found[-1].quality < found[0].quality


@each_rule
@pytest.mark.parametrize("online", [True, False])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(name, online):
    one, again, other = (points(name, seed, online=online)[-1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.state.weights.recurrent, again.state.weights.recurrent)
    np.testing.assert_array_equal(one.state.weights.readout, again.state.weights.readout)
    assert (one.loss, one.quality) == (again.loss, again.quality)
    assert not np.array_equal(one.state.weights.readout, other.state.weights.readout)


@each_rule
def test_a_batch_of_equal_sequences_has_the_gradient_of_one(name):
    if name in ("uoro", "kf-rtrl"):
        pytest.skip("draws for each sequence")
    network = network_for(name)
    one = sequences(network, batch=1)
    three = one._replace(x=np.repeat(one.x, 3, axis=1), target=np.repeat(one.target, 3, axis=1))
    np.testing.assert_allclose(emitted(network, RULES[name], three), emitted(network, RULES[name], one), atol=1e-12)


@each_rule
def test_connections_that_do_not_exist_stay_so(name):
    networks = [
        network_for(name),
        replace(NETWORK, connections=Independent()),
        replace(NETWORK, connections=Sparse(0.3)),
    ]
    for network in networks[: {"diagonal": 2, "eprop": 1, "eprop-random": 1}.get(name)]:
        adam = training(name, recurrent=Adam(rate=1e-3))
        state = list(learn(network, RULES[name], TASK, adam, seed=1, steps=60, every=60))[-1].state
        assert not state.weights.recurrent[~state.weights.free].any()
        moved = state.weights.recurrent != begin(network, RULES[name], 1).weights.recurrent
        assert moved[state.weights.free].any() != (name == "readout")


@each_rule
def test_a_rule_is_a_value(name):
    assert RULES[name] == replace(RULES[name])
    assert "object at" not in repr(RULES[name])  # files of results are recognised by it


def test_blas_has_one_thread_while_a_network_learns():
    seen = []

    class Watched(rules.RTRL):
        def step(self, state, step, error, rng):
            seen.extend(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
            return super().step(state, step, error, rng)

    task = Add()
    with threadpool_limits(2, user_api="blas"):
        network = RecurrentNetwork(n_in=task.n_in, n=4, n_out=task.n_out)
        for _ in learn(network, Watched(), task, training(), seed=1, steps=20, every=10):
            assert 2 in {library["num_threads"] for library in threadpool_info()}  # as before
    assert set(seen) == {1}


def test_points_come_at_the_ends_of_sequences_and_the_last_at_the_end():
    found = list(learn(NETWORK, RULES["readout"], TASK, training(), seed=1, steps=200, every=70))
    assert [point.step for point in found] == [90, 150, 210]
    whole = list(learn(NETWORK, RULES["readout"], TASK, training(), seed=1, steps=200, every=1000))
    assert [point.step for point in whole] == [210]
    parts = [3, 2, 2]
    assert np.average([p.loss for p in found], weights=parts) == pytest.approx(whole[0].loss, rel=1e-12)


def test_the_loss_is_measured_before_weights_learn_from_it():
    still = training(recurrent=SGD(rate=0.0), readout=SGD(rate=0.0))
    first = [
        list(learn(NETWORK, RULES["bptt"], TASK, t, seed=1, steps=30, every=30))[0].loss for t in (still, training())
    ]
    assert first[0] == first[1]


def test_divergence_names_the_step():
    network = RecurrentNetwork(n_in=2, n=8, n_out=1, output=Adding().output)
    wild = training(recurrent=SGD(rate=1e3), readout=SGD(rate=1e3))
    with pytest.raises(
        NotFiniteError, match=r"diverged at step \d+: weights or outputs are not finite; lower the rate"
    ):
        list(points := learn(network, RULES["bptt"], Adding(length=10), wild, seed=1, steps=5000, every=100))
    with pytest.raises(InputError, match="this training was stopped in its midst by DivergedError; start it again"):
        next(points)


def test_a_network_that_does_not_fit_the_task_is_refused():
    with pytest.raises(InputError, match=r"has 2 inputs, 2 outputs and Softmax\(\), but Adding needs n_in=2, n_out=1"):
        learn(NETWORK, RULES["bptt"], Adding(), training(), seed=1, steps=10, every=10)


@pytest.mark.parametrize("what", ["seed", "steps", "every"])
def test_bad_numbers_are_refused(what):
    numbers = {"seed": 1, "steps": 10, "every": 10} | {what: -1}
    with pytest.raises(InputError, match=f"{what}=-1"):
        learn(NETWORK, RULES["bptt"], TASK, training(), **numbers)


def test_what_a_rule_stores_grows_as_its_docstring_says():
    def bytes_of(name, n=8, steps=10):
        network = replace(network_for(name), n=n)
        return cost(network, RULES[name], sequences(network, steps=steps, batch=1), repeats=1).stored / 8

    for steps in (10, 20):
        assert bytes_of("bptt", steps=steps) == steps * (11 + 3 * 8) - 8 * 2  # senders, slope, state, q where scored
        assert bytes_of("sliding", steps=steps) <= 4 * (11 + 3 * 8)
        for name, expected in {
            "rtrl": 8 * 8 * 11,
            "rflo": 8 * 11 + 2 * 8,  # with the feedback weights
            "uoro": 8 + 8 * 11,
            "kf-rtrl": 11 + 8 * 8,
            "diagonal": 8 * 4,
            "readout": 0,
        }.items():
            assert bytes_of(name, steps=steps) == expected, name
