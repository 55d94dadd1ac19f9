"""As its time step shrinks the clock engine comes to the event engine, at first order."""

import numpy as np
import pytest
from conftest import needs_jit
from means import means_of

import spikelearn as sl
from spikelearn.engines import Clock, Event

TRIALS = 6000
# Averages over whole, short phases from rest: most of what they see is transient, where a time step matters most.
NETWORK = sl.Network(
    sizes=(12, 70, 9, 3),
    hidden=sl.HiddenNeuron(g_apical=0.05),
    phases=sl.Phases(minimum=12.0, settle=0.0, test=15.0),
    carry_state=False,
)
INTENSITY = np.random.default_rng(0).random(12).astype(np.float32)


def quantities(core):
    """Return what a trial has left behind, flat: means over the window, and the weight updates they give."""
    found, owns = means_of(core), [layer.own for layer in core._net.layers]
    return {
        "potentials": np.concatenate(found.v_forward),
        "filtered spikes": np.concatenate(found.psp),
        "rates of the outputs": found.activity_target[-1],
        "plateaus, forward": np.concatenate([own.plateau_forward for own in owns[:-1]]),
        "plateaus, target": np.concatenate([own.plateau_target for own in owns[:-1]]),
        **{
            f"update of layer {k}": np.outer(own.error, psp).ravel()
            for k, (own, psp) in enumerate(zip(owns, found.psp, strict=True), start=1)
        },
    }


def means(engine):
    """Return mean and squared standard error of every quantity over many trials of one image, at fixed weights."""
    core = engine.build(NETWORK, NETWORK.draw_weights(1))
    images, labels = INTENSITY[None], np.array([1])
    sums = None
    for example in range(TRIALS):
        core.train(images, labels, seed=2, first_example=example, learning_rates=(0.0,) * 3, rule=sl.Plateau())
        found = quantities(core)
        sums = sums or {name: np.zeros((2, values.size)) for name, values in found.items()}
        for name, values in found.items():
            sums[name] += values, values**2
    return {
        name: (first / TRIALS, (second / TRIALS - (first / TRIALS) ** 2) / TRIALS)
        for name, (first, second) in sums.items()
    }


@pytest.fixture(scope="module")
def exact_and_clock():
    return means(Event(dtype="float64")), {dt: means(Clock(dt=dt, dtype="float64")) for dt in (1, 1 / 2, 1 / 4, 1 / 8)}


@needs_jit
@pytest.mark.parametrize("name", list(quantities(Clock().build(NETWORK, NETWORK.draw_weights(1)))))
def test_halving_the_time_step_halves_the_error(name, exact_and_clock):
    # Errors are vectors, one number a neuron or synapse. In the direction of that at dt = 1/2, those at 1/4 and 1/8
    # should be a half and a quarter as long, but for sampling and for second order, of which dt = 1 shows the size.
    exact, clock = exact_and_clock
    errors = {dt: found[name][0] - exact[name][0] for dt, found in clock.items()}
    half = errors[1 / 2]
    length = {dt: error @ half / (half @ half) for dt, error in errors.items()}
    noise = {dt: np.sqrt((found[name][1] + exact[name][1]) @ half**2) / (half @ half) for dt, found in clock.items()}
    second_order = abs(length[1] - 2)
    assert noise[1 / 2] < 0.2
    for dt in (1 / 4, 1 / 8):
        allowed = 4 * noise[dt] + second_order * dt * (1 / 2 - dt) + 0.03
        assert length[dt] == pytest.approx(2 * dt, abs=allowed)
