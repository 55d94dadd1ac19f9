"""Trials of other orders: phases and learning as often and in what order one likes; every engine, as its twin."""

from dataclasses import replace

import numpy as np
import pytest
import reference

import spikelearn as sl
from spikelearn import descriptions
from spikelearn.peers import task
from spikelearn.phases import Showing

PHASES = sl.Phases(minimum=20.0, settle=8.0, window=10.0, test=30.0)
NETWORK = sl.Network(sizes=(12, 70, 9, 3), phases=PHASES)
IMAGES = np.random.default_rng(0).random((3, 12)).astype(np.float32)
LABELS = np.array([0, 2, 1])
ORDERS = {
    "twice": ("forward", "target", "learn", "forward", "target", "learn"),
    "forward only": ("forward", "learn"),
    "target only": ("target", "learn"),
    "target first": ("target", "forward", "learn"),
    "several of each": ("forward", "forward", "target", "target", "learn"),
    "learning between": ("forward", "learn", "target", "learn", "forward"),
    "no learning": ("forward", "target"),
}
VARIANTS = {
    "released": {},
    "apical": {"hidden": sl.HiddenNeuron(g_apical=0.1)},
    "rates fed back, text": {"feedback_signal": "rates", "synapse": sl.Synapse(), "carry_state": False},
    "jittered plateaus": {"plateaus": sl.JitteredPlateaus(at_most=4.0)},
    "noisy symmetric": {"feedback": sl.SymmetricFeedback(noise=0.1), "feedback_from": "above"},
}
of_each_engine = pytest.mark.parametrize(
    "engine", [sl.Event(), sl.Clock(), sl.Rates()], ids=lambda engine: type(engine).__name__
)


def ordered(order, **more):
    return replace(NETWORK, phases=replace(PHASES, order=order), **more)


def learn(core, n=3, **more):
    return core.train(
        IMAGES[:n], LABELS[:n], seed=3, first_example=0, learning_rates=(0.3, 0.2, 0.1), rule=sl.Plateau(), **more
    )


def data(n=20):
    rng = np.random.default_rng(1)
    return sl.Images(x=rng.random((n, 12)), y=rng.integers(3, size=n), n_classes=3, name="dots")


# -- twin: compiled = naive -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "variant"),
    [(order, "released") for order in ORDERS]
    + [(order, variant) for variant in list(VARIANTS)[1:] for order in ("several of each", "target only")],
)
def test_the_clock_learns_as_the_twin(order, variant):
    network = ordered(ORDERS[order], **VARIANTS[variant])
    weights = network.draw_weights(3)
    core = sl.Clock(dtype="float64").build(network, weights)
    chunk = learn(core, compare=sl.Backprop())
    twins = reference.train(
        network, 1.0, weights, IMAGES, LABELS, 3, (0.3, 0.2, 0.1), sl.Plateau(), compare=sl.Backprop()
    )
    for found, wanted in zip(core.weights.arrays, twins[-1].weights.arrays, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)
    parts = reference.showings_of(network.phases.order)
    by_example = [twins[k : k + len(parts)] for k in range(0, len(twins), len(parts))]
    seen = next((k for k, part in enumerate(parts) if "forward" in part), 0)
    told = max((k for k, part in enumerate(parts) if "learn" in part), default=len(parts) - 1)
    assert chunk.prediction.tolist() == [showings[seen].prediction for showings in by_example]
    np.testing.assert_allclose(chunk.v_output, [s[seen].averages.v_forward[-1] for s in by_example], rtol=1e-9)
    np.testing.assert_allclose(chunk.loss, [s[told].loss for s in by_example], rtol=1e-9, atol=1e-12)
    if "learn" in network.phases.order:
        np.testing.assert_allclose(chunk.angle, [s[told].angle for s in by_example], rtol=1e-6)
    else:
        assert core.weights == weights and np.isnan(chunk.angle).all()


# -- the other engines ------------------------------------------------------------------------------------------------


def test_without_time_phases_are_steady_states_in_any_order():
    """So an order that repeats what is there already changes nothing."""
    weights = NETWORK.draw_weights(3)
    found = {}
    for name in ("usual", "target first", "several of each"):
        order = PHASES.order if name == "usual" else ORDERS[name]
        core = sl.Rates(dtype="float64").build(ordered(order, hidden=sl.HiddenNeuron(g_apical=0.1)), weights)
        chunk = learn(core)
        found[name] = [*core.weights.arrays, chunk.loss, chunk.prediction]
    for name in ("target first", "several of each"):
        for one, other in zip(found[name], found["usual"], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize("g_apical", [0.0, 0.1])
@pytest.mark.parametrize("order", ["target only", "several of each", "forward only"])
def test_the_event_engine_is_what_a_fine_clock_converges_to(order, g_apical):
    """Mean errors over many showings without learning: of the outputs, of which teaching is the cause, and hidden."""
    network = ordered(ORDERS[order], hidden=sl.HiddenNeuron(g_apical=g_apical), carry_state=True)
    weights = network.draw_weights(3)
    n = 400
    x, y = np.tile(IMAGES[:1], (n, 1)), np.zeros(n, np.int64)
    means = []
    for engine in (sl.Event(dtype="float64"), sl.Clock(dt=0.25, dtype="float64")):
        core = engine.build(network, weights)
        chunk = core.train(x, y, seed=3, first_example=0, learning_rates=(0.0,) * 3, rule=sl.Plateau())
        rows = np.concatenate([chunk.v_output, 1e4 * chunk.loss[:, -1:], chunk.loss[:, :1]], axis=1)
        means.append((rows.mean(axis=0), rows.std(axis=0) / np.sqrt(n)))
    (one, spread), (other, other_spread) = means
    assert (abs(one - other) <= 4 * np.hypot(spread, other_spread) + 0.03 * abs(other)).all(), (one, other)


@of_each_engine
def test_a_phase_stands_for_the_one_that_is_missing_so_phases_do_not_differ(engine):
    network = ordered(("forward", "learn"))
    weights = network.draw_weights(3)
    core = engine.build(network, weights)
    chunk = learn(core)
    assert not chunk.loss[:, :-1].any()
    for found, wanted in zip(core.weights.W[:-1], weights.W[:-1], strict=True):
        np.testing.assert_array_equal(found, wanted.astype(np.float32))


@of_each_engine
def test_outputs_are_taught_in_a_trial_that_is_target_phase_alone(engine):
    taught = learn(engine.build(ordered(("target",)), NETWORK.draw_weights(3)))
    assert taught.prediction.tolist() == LABELS.tolist()
    alone = learn(engine.build(ordered(("forward",)), NETWORK.draw_weights(3)))
    assert abs(taught.v_output - alone.v_output).max() > 2


@pytest.mark.parametrize(
    "engine", [sl.Event(slot=0.05, dtype="float64"), sl.Clock(dtype="float64")], ids=["Event", "Clock"]
)
@pytest.mark.parametrize("g_apical", [0.0, 0.1])
def test_averages_of_a_target_phase_alone_are_those_of_its_record(engine, g_apical):
    phases = replace(PHASES, order=("target", "learn"))
    network = replace(NETWORK, phases=phases, hidden=sl.HiddenNeuron(g_apical=g_apical))
    core = engine.build(network, network.draw_weights(3))
    chunk = learn(core, n=1)
    seen = sl.simulate(network, network.draw_weights(3), IMAGES[0], label=0, seed=3, engine=engine)
    (phase,) = seen.phases
    assert phase.name == "target" and phase.start == 0
    assert seen.plateaus["hidden[0]"].forward is None
    v = seen.potentials["output.v_soma"][:, seen.times > phase.stop - 10 + 1e-9]
    np.testing.assert_allclose(chunk.v_output[0], v.mean(axis=1), rtol=1e-9 if isinstance(engine, sl.Clock) else 2e-3)


# -- runs -------------------------------------------------------------------------------------------------------------


@of_each_engine
def test_neither_chunks_nor_a_stop_change_what_is_learned(engine):
    model = sl.Model(network=ordered(ORDERS["several of each"]), learning_rates=(0.3, 0.2, 0.1))
    whole = sl.train(model, data(), seed=1, engine=engine)
    list(whole)
    parts = sl.train(model, data(), seed=1, engine=engine, chunk_size=3)
    for _ in range(3):
        next(parts)
    again = sl.train(model, data(), seed=1, engine=engine, chunk_size=7, weights=parts.weights)
    again.resume(parts.trials, parts.state())
    list(again)
    assert again.weights == whole.weights
    assert again.trials == len(data())


@of_each_engine
def test_a_usual_trial_said_in_full_is_the_usual_trial(engine):
    model = sl.Model(network=NETWORK, learning_rates=(0.3, 0.2, 0.1))
    said = replace(model, network=ordered(["forward", "target", "learn"]))
    assert said == model
    assert descriptions.override(model, ("network.phases.order=target,learn",)).network.phases.showings == (
        Showing(False, True, True),
    )


def test_what_is_shown_more_than_once_is_not_recorded(tmp_path):
    network = ordered(ORDERS["twice"])
    with pytest.raises(sl.InputError, match=r"a recording has one forward and one target phase.*2 times"):
        sl.simulate(network, network.draw_weights(1), IMAGES[0], label=1)
    model = sl.Model(network=network, learning_rates=(0.3, 0.2, 0.1))
    with pytest.raises(sl.InputError, match=r"a recording has one forward and one target phase.*2 times"):
        sl.train(model, data(), seed=1, record=sl.Record(examples=[0]), record_to=tmp_path / "r.h5")
    assert not list(tmp_path.iterdir())
    assert len(sl.simulate(network, network.draw_weights(1), IMAGES[0]).phases) == 1  # a test image is


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ((), r"Phases.order=\(\) needs a phase, 'forward' or 'target', at least"),
        (("learn",), "before the 'learn' at place 0"),
        (("forward", "learn", "learn"), "before the 'learn' at place 2"),
        (("forwards",), "Phases.order='forwards' is unknown; did you mean 'forward'"),
        ("target,learn", "Phases.order='target,learn' is unknown"),
        (3, "Phases.order must be a tuple of forward, target, learn, got 3"),
    ],
)
def test_orders_that_make_no_sense_are_refused(order, message):
    with pytest.raises(sl.InputError, match=message):
        sl.Phases(order=order)


def test_peers_refuse_other_orders():
    with pytest.raises(sl.InputError, match="peers know a forward phase, a target phase and learning"):
        task.phase_steps(ordered(("target", "learn")).phases, np.random.default_rng(0))
