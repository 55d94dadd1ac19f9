"""A network handed to Brian2 does there what it does here."""

import logging
import sys
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import needs_jit

import spikelearn as sl
from spikelearn.models import guerguiev2017

with warnings.catch_warnings():
    # Brian2 2.9 defines its grammar with pyparsing's old names, which are deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    b2: Any = pytest.importorskip("brian2", reason="Brian2 is not installed: pip install 'spikelearn[brian2]'")

pytestmark = [
    needs_jit,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(brian2|pyparsing)"),  # the grammar at work
]

b2.prefs.codegen.target = "numpy"  # nothing is compiled, nothing is cached
logging.getLogger("brian2").setLevel(logging.ERROR)  # it tells the root logger, and a file, of every object made

LABEL = 1


class Silent(sl.Sigmoid):
    """A curve that Brian2 has no words for."""

    expression = property()


BLOCK = 100  # ms, over which rates and plateaus are averaged: ten times as long as synapses remember


@pytest.fixture(autouse=True)
def clock():
    """Leave Brian2's clock as it was."""
    before = b2.defaultclock.dt
    yield
    b2.defaultclock.dt = before


def network_of(reading, sizes, **changes):
    network = guerguiev2017.network(reading, sizes)
    return replace(network, **changes)


def run(network, phases):
    """Run the phases of a recording."""
    network["output"].label = LABEL
    for phase in phases:
        network["output"].teaching = phase.name == "target"
        network.run((phase.stop - phase.start) * b2.ms)


# No two conductances or reversal potentials are alike, so that none can stand in for another.
OUTPUT = sl.OutputNeuron(g_leak=0.12, g_dendrite=0.5, g_teach=1.0, e_excite=8.0, e_inhibit=-6.0)
NAMES = {"v_soma": "v", "v_basal": "v_basal", "v_dendrite": "v_basal", "v_apical": "v_apical"}


@pytest.mark.parametrize(("dt", "feedback_from"), [(1.0, "output"), (0.5, "above"), (0.25, "output")])
@pytest.mark.parametrize("g_apical", [0.0, 0.05])
@pytest.mark.parametrize("reading", ["text", "released"])
def test_from_our_spikes_it_comes_to_our_potentials(reading, g_apical, dt, feedback_from):
    network = network_of(
        reading, (12, 7, 6, 4), hidden=sl.HiddenNeuron(g_apical=g_apical), output=OUTPUT, population=2,
        feedback=sl.RandomFeedback(gain=3.0), feedback_from=feedback_from, initial=sl.InitialWeights(apical_bias=1.0),
    )  # fmt: skip
    weights = network.draw_weights(seed=5)
    image = np.random.default_rng(6).random(12)
    ours = sl.simulate(network, weights, image, label=LABEL, seed=7, engine=sl.Clock(dt=dt, dtype="float64"))
    assert any(len(np.unique(np.stack(each), axis=1).T) < len(each.time) for each in ours.spikes.values())
    b2.defaultclock.dt = dt * b2.ms
    theirs = sl.to_brian2(network, weights, seed=1, spikes=ours.spikes)
    run(theirs, ours.phases)
    for name, potentials in ours.potentials.items():
        layer, variable = name.replace("[", "").replace("]", "").split(".")
        found = np.array(getattr(theirs[f"potentials_{layer}"], NAMES[variable]))
        assert potentials.std(axis=1).min() > 0.01
        np.testing.assert_allclose(found[:, 1:], potentials[:, :-1], rtol=0, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("g_apical", [0.0, 0.05])
@pytest.mark.parametrize("reading", ["text", "released"])
def test_with_spikes_of_its_own_its_rates_and_plateaus_are_ours(reading, g_apical):
    network = network_of(
        reading, (10, 40, 20), hidden=sl.HiddenNeuron(g_apical=g_apical), feedback=sl.RandomFeedback(gain=2.0)
    )
    weights = network.draw_weights(seed=3)
    image = np.random.default_rng(4).random(10)
    long = replace(network.phases, minimum=25.0 * BLOCK, window=None)
    ours = sl.simulate(network, weights, image, label=LABEL, seed=2, phases=long, every=1.0)
    b2.defaultclock.dt = 0.25 * b2.ms
    theirs = sl.to_brian2(network, weights, seed=2)
    theirs["input"].rates = network.rate_max / b2.ms * image
    run(theirs, ours.phases)
    for phase in ours.phases:
        starts = phase.start + BLOCK * np.arange(1, 25)  # the first block settles
        for layer, group in (("hidden[0]", "hidden0"), ("output", "output")):
            spikes = theirs[f"spikes_{group}"]
            agree(counts(*ours.spikes[layer], starts), counts(spikes.i, spikes.t / b2.ms, starts), f"{layer} {phase}")
        monitor = theirs["potentials_hidden0"]
        agree(
            plateaus(ours.times, ours["hidden[0].v_apical"], starts),
            plateaus(monitor.t / b2.ms, monitor.v_apical, starts),
            f"plateaus {phase}",
        )


def counts(neuron, time, starts):
    """Return the spikes of each neuron in each block, (neurons, blocks)."""
    n = int(np.max(neuron)) + 1
    return np.array([np.bincount(neuron[(time >= t) & (time < t + BLOCK)], minlength=n) for t in starts]).T


def plateaus(times, v_apical, starts):
    """Return the plateau potential that each block would end with, (neurons, blocks)."""
    means = [v_apical[:, (times >= t) & (times < t + BLOCK)].mean(axis=1) for t in starts]
    return 1 / (1 + np.exp(-np.array(means).T))


def agree(ours, theirs, what):
    """Assert that means over blocks agree, of each neuron and of all together, whose inputs vary together."""
    assert ours.shape == theirs.shape
    assert abs(differences(ours, theirs)).max() < 4.5, what
    assert abs(differences(ours.mean(axis=0, keepdims=True), theirs.mean(axis=0, keepdims=True))) < 3.5, what


def differences(ours, theirs):
    """Return differences of the means in each row, in their standard errors."""
    error = np.sqrt((ours.var(axis=1, ddof=1) + theirs.var(axis=1, ddof=1)) / ours.shape[1])
    return (ours.mean(axis=1) - theirs.mean(axis=1)) / error


@pytest.mark.parametrize(
    ("change", "spikes", "message"),
    [
        ({"feedback_signal": "rates"}, None, "Network.feedback_signal='rates' has no counterpart in Brian2"),
        ({"sizes": (5, 3, 2)}, None, r"weights of sizes \(4, 3, 2\) do not fit a network of sizes \(5, 3, 2\)"),
        ({"hidden": sl.HiddenNeuron(curve=Silent())}, None, "Silent does not say how Brian2 writes it"),
        ({}, {"hidden[1]": ([0], [1.0])}, "hidden"),
        ({}, {"input": ([4], [1.0])}, "spikes of input: unknown neuron 4; there are neurons 0 to 3"),
        ({}, {"input": ([0], [-1.0])}, "spikes of input: times must be finite and >= 0 ms, got -1.0"),
    ],
)
def test_what_brian2_cannot_be_told_is_refused_in_one_line(change, spikes, message):
    network = sl.Network(sizes=(4, 3, 2))
    with pytest.raises(sl.InputError, match=message) as refused:
        sl.to_brian2(replace(network, **change), network.draw_weights(1), seed=1, spikes=spikes)
    assert "\n" not in str(refused.value)


def test_without_brian2_one_hears_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "brian2", None)
    network = sl.Network(sizes=(4, 3, 2))
    with pytest.raises(sl.InputError, match=r"cannot be imported .*; pip install 'spikelearn\[brian2\]'"):
        sl.to_brian2(network, network.draw_weights(1), seed=1)


def test_the_same_seed_gives_the_same_spikes_and_another_seed_others():
    network = sl.Network(sizes=(8, 5, 3))
    b2.defaultclock.dt = 0.5 * b2.ms
    sent = []
    for seed in (1, 1, 2):
        theirs = sl.to_brian2(network, network.draw_weights(1), seed=seed)
        theirs["input"].rates = np.linspace(0, 200, 8) * b2.Hz
        theirs.run(60 * b2.ms)
        sent.append([(np.array(m.i), np.array(m.t)) for m in (theirs["spikes_input"], theirs["spikes_hidden0"])])
    first, again, other = sent
    assert all(np.array_equal(a, b) for x, y in zip(first, again, strict=True) for a, b in zip(x, y, strict=True))
    assert len(first[1][0]) > 5 and not np.array_equal(first[0][1], other[0][1])
    assert 0 not in first[0][0]
