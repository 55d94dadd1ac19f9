"""The event engine is exact: potentials, spikes, averages."""

import dataclasses

import numpy as np
import pytest
from conftest import needs_jit
from scipy import stats
from scipy.integrate import solve_ivp

import spikelearn as sl
from spikelearn.core import event
from spikelearn.engines import Clock, Event
from spikelearn.models import guerguiev2017

SIZES = {"n_input": 12, "hidden": (70, 9), "n_output": 3}
SHORT = sl.Phases(minimum=12.0, settle=5.0, test=15.0)


def network(reading, **changes):
    model = guerguiev2017.two_hidden(reading, **SIZES)
    return dataclasses.replace(model.network, **({"phases": SHORT} | changes))


def image(seed=0, n=12):
    return np.random.default_rng(seed).random(n).astype(np.float32)


def core(net, slot=0.5, seed=1, dtype="float64"):
    return Event(slot=slot, dtype=dtype).build(net, net.draw_weights(seed))


def integrate(net, weights, recording, layer, cell, label):
    """Somatic potential of a neuron at the recorded times, by SciPy, from the same spikes at rtol 1e-12."""
    time, pre = recording.spikes[layer]
    drive = weights.W[layer][cell][pre]
    synapse, forward = net.synapse, recording.lengths[0]
    is_output = layer == net.n_layers - 1
    g = net.output.g_total if is_output else net.hidden.g_total
    g_dendrite = net.output.g_dendrite if is_output else net.hidden.g_basal
    reversal = net.output.e_excite if cell == label else net.output.e_inhibit

    def dendrite(t):
        age = t - time
        live = (age > 0) & (age < (np.inf if synapse.cutoff is None else synapse.cutoff))
        decay, rise = np.exp(-age[live] / synapse.tau_decay), np.exp(-age[live] / synapse.tau_rise)
        return weights.b[layer][cell] + drive[live] @ (decay - rise) / (synapse.tau_decay - synapse.tau_rise)

    def motion(t, v, teaching):
        current = teaching * net.output.g_teach * (reversal - v)
        return -g * v + g_dendrite * dendrite(t) + current

    # From one event to the next: in between, everything is smooth.
    expiry = [] if synapse.cutoff is None else time + synapse.cutoff
    stops = np.unique(np.concatenate([[0.0, forward], time, expiry, recording.times]))
    stops = stops[stops <= recording.times[-1]]
    v, found = np.zeros(1), {0.0: 0.0}
    for start, stop in zip(stops[:-1], stops[1:], strict=True):
        teaching = float(is_output and 0.5 * (start + stop) > forward)
        middle = solve_ivp(motion, (start, stop), v, args=(teaching,), rtol=1e-12, atol=1e-13, method="DOP853")
        v = middle.y[:, -1]
        found[stop] = v[0]
    return np.array([found[t] for t in recording.times]), np.array([dendrite(t) for t in recording.times])


@pytest.mark.parametrize("reading", ["released", "text"])
def test_potentials_are_those_of_a_high_accuracy_integration_with_the_same_spikes(reading):
    net = network(reading)
    simulator = core(net)
    recording = simulator.record(image(), 1, seed=3, example=0)
    assert all(len(time) > 5 for time, _ in recording.spikes)
    for layer, cells in enumerate([(0, 69), (0, 8), (0, 1, 2)]):
        for cell in cells:
            soma, dendrite = integrate(net, simulator.weights, recording, layer, cell, 1)
            np.testing.assert_allclose(recording.v_soma[layer][:, cell], soma, atol=1e-10)
            np.testing.assert_allclose(recording.v_dendrite[layer][:, cell], dendrite, atol=1e-10)


def test_equal_rates_are_no_special_case():
    # g_total = 1/tau_decay in hidden neurons, 1/tau_rise in the outputs: both resonances.
    net = network(
        "text",
        hidden=sl.HiddenNeuron(g_leak=0.04, g_basal=0.06),
        output=sl.OutputNeuron(g_leak=1 / 3 - 0.2, g_dendrite=0.2),
    )
    simulator = core(net)
    recording = simulator.record(image(), 0, seed=3, example=0)
    for layer in range(3):
        soma, _ = integrate(net, simulator.weights, recording, layer, 0, 0)
        np.testing.assert_allclose(recording.v_soma[layer][:, 0], soma, atol=1e-10)


@pytest.mark.parametrize("reading", ["released", "text"])
def test_within_a_slot_the_sigmoid_stays_within_its_margin_of_the_chord(reading):
    # What lets nearly all candidates be decided without their exact potential; with margins that are not slack.
    net = dataclasses.replace(guerguiev2017.no_hidden(reading, n_input=12, n_output=20).network, phases=SHORT)
    simulator = core(net)
    simulator.record(image(), 1, seed=3, example=0)
    keyed, work, state = simulator._keyed(3, "training"), simulator._work, simulator._state
    slack = []
    for phase in range(2):
        event.begin_segment(keyed, work, 0.2 * image().astype(float), 1, 0, 10.0)
        event.begin_layer(keyed, state, work, phase, 0, 10.0, 20, False)
        event.run_block(keyed, state, work, simulator._averages, 0, 0, phase, 1, 0, 10.0, 20, False)
        for s in range(20):
            for part in (0.1, 0.3, 0.5, 0.7, 0.9):
                for lane in range(20):
                    v = event.potential(keyed, work, phase, 0, 0, lane, s, part * 0.5)
                    chord = (1 - part) * work.slot_activity[s, lane] + part * work.slot_activity[s + 1, lane]
                    slack.append(work.margin[s, lane] - abs(1 / (1 + np.exp(-v)) - chord))
    assert min(slack) >= 0
    assert np.median(slack) < 0.05


@needs_jit
@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_time_rescaled_intervals_are_unit_exponentials(layer):
    # The integral of a neuron's rate between its spikes is exponential with mean 1, whatever its rate does (Brown et
    # al. 2002, Neural Computation 14:325). Between slot ends the integral is taken by the trapezoid rule.
    net = network("text", phases=sl.Phases(minimum=12.0, settle=5.0, test=3000.0))
    simulator = core(net, slot=0.25)
    recording = simulator.record(image(4), None, seed=11, example=0)
    times, cells = recording.spikes[layer]
    grid = np.concatenate([[0.0], recording.times])
    intervals = []
    for cell in range(net.sizes[layer]):
        if layer == 0:
            rate = np.full(len(grid), net.rate_max * image(4)[cell])
        else:
            v = np.concatenate([[0.0], recording.v_soma[layer - 1][:, cell]])
            rate = net.rate_max / (1 + np.exp(-v))
        total = np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]) * np.diff(grid))])
        intervals.append(np.diff(np.interp(times[cells == cell], grid, total)))
    intervals = np.concatenate(intervals)
    assert len(intervals) > 500
    assert stats.kstest(intervals, "expon").pvalue > 0.01


def test_training_runs_the_trial_that_is_recorded():
    net = network("released")
    trained, recorded = core(net), core(net)
    x, y = np.stack([image(k) for k in range(4)]), np.array([0, 1, 2, 0])
    for k in range(4):
        recorded.record(x[k], int(y[k]), seed=5, example=k)
    trained.train(x, y, seed=5, first_example=0, learning_rates=(0.0,) * 3, rule=sl.Plateau())
    for name, array in trained.state().items():
        np.testing.assert_array_equal(array, recorded.state()[name])


@needs_jit
@pytest.mark.parametrize("reading", ["released", "text"])
def test_averages_are_integrals_over_the_window(reading):
    # Against the trapezoid rule on a fine record: slots of 0.01 ms.
    net = network(reading)
    simulator = core(net, slot=0.01)
    recording = simulator.record(image(), 1, seed=3, example=0)
    simulator = core(net, slot=0.01)
    simulator.train(image()[None], np.array([1]), seed=3, first_example=0, learning_rates=(0.0,) * 3, rule=sl.Plateau())
    averages, layout = simulator._averages, simulator._layout
    ends = np.cumsum(recording.lengths)
    for phase in range(2):
        start, stop = ends[phase] - (recording.lengths[phase] - net.phases.settle), ends[phase]
        inside = (recording.times >= start - 1e-9) & (recording.times <= stop + 1e-9)
        t = recording.times[inside]
        for layer, n in enumerate(net.sizes[1:]):
            blocks = slice(layout.first_block[layer], layout.first_block[layer + 1])
            v = recording.v_soma[layer][inside]
            mean = np.trapezoid(v, t, axis=0) / (stop - start)
            found = averages.v_soma.reshape(2, -1, 64)[phase, blocks].ravel()[:n]
            np.testing.assert_allclose(found, mean, atol=2e-6)
            mean = np.trapezoid(1 / (1 + np.exp(-v)), t, axis=0) / (stop - start)
            found = averages.activity.reshape(2, -1, 64)[phase, blocks].ravel()[:n]
            np.testing.assert_allclose(found, mean, atol=2e-6)


@pytest.mark.parametrize("reading", ["released", "text"])
def test_average_filtered_spikes_are_integrals_of_the_kernel(reading):
    net = network(reading)
    simulator, recorder = core(net), core(net)
    recording = recorder.record(image(), 1, seed=3, example=0)
    simulator.train(image()[None], np.array([1]), seed=3, first_example=0, learning_rates=(0.0,) * 3, rule=sl.Plateau())
    stop = recording.lengths[0]
    t = np.linspace(net.phases.settle, stop, 20001)
    for layer in range(3):
        time, cell = recording.spikes[layer]
        age = t[:, None] - time[None, cell == 0]
        live = (age > 0) & (age < (net.synapse.cutoff or np.inf))
        decay, rise = np.exp(-np.abs(age) / net.synapse.tau_decay), np.exp(-np.abs(age) / net.synapse.tau_rise)
        psp = (live * (decay - rise)).sum(axis=1) / (net.synapse.tau_decay - net.synapse.tau_rise)
        expected = np.trapezoid(psp, t) / (t[-1] - t[0])
        assert simulator._averages.psp[0, simulator._layout.first_source[layer]] == pytest.approx(expected, abs=1e-5)


@needs_jit
def test_the_clock_engine_converges_to_the_event_engine():
    # Means over many trials of the same image; the clock's error is of first order in dt, sampling adds noise.
    net = network("text", phases=sl.Phases(minimum=40.0, settle=10.0, test=60.0))
    trials = 400
    x, y = np.repeat(image()[None], trials, axis=0), np.zeros(trials, np.int64)

    def mean_loss(engine):
        simulator = engine.build(net, net.draw_weights(1))
        chunk = simulator.train(x, y, seed=2, first_example=0, learning_rates=(0.0,) * 3, rule=sl.Plateau())
        return chunk.loss.mean(axis=0), chunk.loss.std(axis=0) / np.sqrt(trials)

    exact, error = mean_loss(Event(dtype="float64"))
    fine, fine_error = mean_loss(Clock(dt=0.125, dtype="float64"))
    assert (np.abs(fine - exact) < 4 * np.hypot(error, fine_error)).all()


def test_state_restored_goes_on_bit_for_bit():
    net = network("released")
    x, y = np.stack([image(k) for k in range(4)]), np.array([0, 1, 2, 0])
    how = {"seed": 5, "learning_rates": (0.2,) * 3, "rule": sl.Plateau()}
    whole = core(net)
    whole.train(x, y, first_example=0, **how)
    first = core(net)
    first.train(x[:2], y[:2], first_example=0, **how)
    second = Event(dtype="float64").build(net, first.weights)
    second.restore(first.state())
    second.train(x[2:], y[2:], first_example=2, **how)
    for a, b in zip(whole.weights.W, second.weights.W, strict=True):
        np.testing.assert_array_equal(a, b)


def test_apical_conductance_and_long_slots_are_refused():
    net = network("text", hidden=sl.HiddenNeuron(g_apical=0.05))
    with pytest.raises(sl.InputError, match="g_apical=0.05.*clock engine"):
        Event().build(net, net.draw_weights(1))
    net = network("text")
    with pytest.raises(sl.InputError, match="slot=3 ms is too long.*use slot <="):
        Event(slot=3.0).build(net, net.draw_weights(1))
