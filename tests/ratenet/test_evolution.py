"""Rules that try networks out: evolution strategies and the genetic algorithm."""

from dataclasses import replace

import numpy as np
import pytest

from ratenet.helpers import batch, state_of
from spikelearn.errors import InputError
from spikelearn.ratenet import SGD, RateNetwork, rules
from spikelearn.ratenet.outputs import LinearOutput, LogisticOutput
from spikelearn.ratenet.rules.evolution_strategies import Losses, Ranks, search_gradient
from spikelearn.ratenet.shared import mean_loss
from spikelearn.ratenet.streams import stream
from spikelearn.ratenet.units import Dropout


def rng():
    return np.random.default_rng(0)


def gradients(rule, network, n=10):
    """The rule's gradient, the exact one, and the draws."""
    state = state_of(network, rule)
    shown = batch(network, n)
    exact = rules.Backprop().gradients(state, shown, rng()).flat.copy()
    return rule.gradients(state, shown, rng()).flat.copy(), exact, rng().standard_normal((rule.pairs, len(exact)))


@pytest.mark.parametrize("noise", [1e-3, 0.5, 20.0])
def test_on_a_quadratic_loss_evolution_strategies_see_the_gradient_itself_through_their_draws(noise):
    rule = rules.EvolutionStrategies(noise=noise, pairs=7, shaping=Losses())
    network = RateNetwork(sizes=(4, 3), output=LinearOutput(), dtype="float64")
    found, exact, draws = gradients(rule, network)
    np.testing.assert_allclose(found, draws.T @ (draws @ exact) / 7, rtol=1e-9, atol=1e-9)


def test_mirrored_pairs_leave_an_error_of_second_order():
    network = RateNetwork(sizes=(4, 5, 3), dtype="float64")
    errors = []
    for noise in (1e-1, 1e-2, 1e-3):
        found, exact, draws = gradients(rules.EvolutionStrategies(noise=noise, pairs=7, shaping=Losses()), network)
        errors.append(np.abs(found - draws.T @ (draws @ exact) / 7).max())
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(100, rel=0.1)


def test_the_mean_gradient_of_evolution_strategies_is_that_of_the_smoothed_loss():
    noise, pairs = 4.0, 4000
    rule = rules.EvolutionStrategies(noise=noise, pairs=pairs, shaping=Losses())
    network = RateNetwork(sizes=(1, 1), output=LogisticOutput(), dtype="float64")
    state, trial = state_of(network, rule), state_of(network, rule).parameters
    shown = batch(network, 3)._replace(target=np.array([[1.0], [0.0], [1.0]]))

    def loss(flat):
        trial.flat[:] = flat
        return mean_loss(network, trial, shown)

    points, weights = np.polynomial.hermite_e.hermegauss(40)  # of the two dimensions of weight and bias
    grid = np.stack(np.meshgrid(points, points), axis=-1).reshape(-1, 2)
    share = np.outer(weights, weights).ravel() / (2 * np.pi)
    values = np.array([loss(state.parameters.flat + noise * point) for point in grid])
    smoothed = (share * values) @ grid / noise
    plain = rules.Backprop().gradients(state, shown, rng()).flat.copy()
    found = rule.gradients(state, shown, rng()).flat
    draws = rng().standard_normal((pairs, 2))
    each = [search_gradient(loss, state.parameters.flat, draw[None], noise, Losses()) for draw in draws]
    uncertain = np.std(each, axis=0) / np.sqrt(pairs)
    assert (np.abs(found - smoothed) < 3 * uncertain).all()
    assert (np.abs(plain - smoothed) > 10 * uncertain).any()


def test_ranks_are_spread_evenly_and_equal_losses_share_theirs():
    found = Ranks().utilities(np.array([[3.0, 1.0], [np.inf, 2.0], [1.0, 9.0]]))
    np.testing.assert_allclose(found, [[0.1, -0.4], [0.5, -0.1], [-0.4, 0.3]], atol=1e-15)


def test_with_ranks_only_the_order_of_losses_counts():
    draws, centre = rng().standard_normal((9, 5)), np.ones(5)
    plain, stretched = (
        search_gradient(loss, centre, draws, 0.3, Ranks())
        for loss in (lambda w: np.square(w).sum(), lambda w: np.exp(np.square(w).sum()))
    )
    np.testing.assert_array_equal(plain, stretched)


# -- the genetic algorithm ---------------------------------------------------------------------------------------------


def evolving(**numbers):
    rule = rules.GeneticAlgorithm(**numbers)
    network = RateNetwork(sizes=(6, 5, 4))
    return rule, state_of(network, rule), batch(network, 12)


def test_the_best_network_is_never_lost_on_the_same_examples():
    rule, state, shown = evolving(noise=0.3, population=6, parents=2)
    generator, losses = rng(), [np.inf]
    for _ in range(40):
        rule.learn(state, shown, generator)
        losses.append(mean_loss(state.network, state.parameters, shown))
        assert losses[-1] <= losses[-2]
    assert losses[-1] < losses[1]


def test_a_network_is_the_seeds_that_led_to_it():
    rule, state, _ = evolving(population=8, parents=3)
    first, generator = state.memory.weights[0].copy(), rng()
    for k in range(25):
        rule.learn(state, batch(state.network, 12, seed=k), generator)
    for weights, seeds in zip(*state.memory, strict=True):
        np.testing.assert_array_equal(rule.descend(first, seeds), weights)
    np.testing.assert_array_equal(state.parameters.flat, state.memory.weights[0])
    assert max(len(seeds) for seeds in state.memory.seeds) > 5


def test_a_generation_is_its_definition():
    rule, state, shown = evolving(noise=0.2, population=9, parents=4)
    rule.learn(state, shown, rng())
    parents = [weights.copy() for weights in state.memory.weights]
    draws = np.random.default_rng(5)
    chosen, seeds = draws.integers(4, size=8), draws.integers(2**63 - 1, size=8)
    people = [parents[0]]
    for k in range(8):
        change = stream(int(seeds[k]), "mutation").standard_normal(len(parents[0]), np.float32)
        people.append(parents[chosen[k]] + 0.2 * change)
    trial, losses = state.parameters.copy(), []
    for weights in people:
        trial.flat[:] = weights
        losses.append(mean_loss(state.network, trial, shown))
    rule.learn(state, shown, np.random.default_rng(5))
    for place, weights in zip(np.argsort(losses), state.memory.weights, strict=False):
        np.testing.assert_array_equal(weights, people[place])
    assert len(state.memory.weights) == 4


def test_descending_its_gradient_by_one_is_a_generation():
    rule, state, shown = evolving(noise=0.2)
    stepped = state.parameters.flat - SGD(rate=1).steps(None, rule.gradients(state, shown, rng()).flat.copy())
    rule.learn(state, shown, rng())
    np.testing.assert_allclose(stepped, state.parameters.flat, atol=1e-6)


@pytest.mark.parametrize(
    "rule",
    [rules.EvolutionStrategies(), rules.GeneticAlgorithm(), rules.HashedWinners()],
    ids=lambda rule: repr(rule)[:8],
)
def test_units_that_draw_are_refused(rule):
    with pytest.raises(InputError, match=r"needs deterministic units, not Dropout\(keep=0.5\); use Deterministic\(\)"):
        rule.check(replace(rule.network((4, 3, 2)), units=Dropout()))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rules.EvolutionStrategies(noise=0), "EvolutionStrategies.noise=0 must be a finite number > 0"),
        (lambda: rules.EvolutionStrategies(pairs=0), "EvolutionStrategies.pairs=0 must be an integer >= 1"),
        (lambda: rules.GeneticAlgorithm(population=1), "GeneticAlgorithm.population=1 must be an integer >= 2"),
        (lambda: rules.GeneticAlgorithm(parents=40), "GeneticAlgorithm.parents=40 must be an integer >= 1 and <= 32"),
        (lambda: rules.HashedWinners(bits=-1), "HashedWinners.bits=-1 must be an integer >= 0"),
        (lambda: rules.HashedWinners(tables=0), "HashedWinners.tables=0 must be an integer >= 1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()
