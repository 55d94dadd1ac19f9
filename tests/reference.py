"""The slow, obvious twin of the clock engine and of the learning rules.

Written from the equations of the paper and from what the docstrings promise, in plain Python, NumPy and SciPy. It takes
other routes than the core wherever there is one: words come from Python integers; numbers of candidates from SciPy's
quantiles; potentials from the spike train of each presynaptic neuron, convolved with the synaptic kernel; somata from
their conductances; layers always advance together; averages are means of recorded time series; learning is matrices.

With the core it shares the user's keys and two sizes that say which word is whose (`GROUP`, `SEGMENT`), no more.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit as sigmoid

from spikelearn.core.euler import SEGMENT
from spikelearn.core.layer import GROUP
from spikelearn.core.random import make_keys
from spikelearn.curves import Sigmoid, ThresholdLinear
from spikelearn.feedback import LearnedFeedback, SymmetricFeedback
from spikelearn.learning import Backprop, DirectFeedbackAlignment, FeedbackAlignment, OutputOnly, Plateau
from spikelearn.weights import Weights

# -- random draws -----------------------------------------------------------------------------------------------------

MASK = 0xFFFFFFFF
ROTATIONS = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))


def threefry(key, counter, rounds=13):
    """Threefry-4x32 (Salmon et al. 2011, section 3.3) of four-word keys and counters, as a list of four integers."""
    keys = [*key, 0x1BD11BDA ^ key[0] ^ key[1] ^ key[2] ^ key[3]]
    x = [(c + k) & MASK for c, k in zip(counter, key, strict=True)]
    for r in range(rounds):
        pairs = ((0, 1), (2, 3)) if r % 2 == 0 else ((0, 3), (2, 1))
        for (a, b), left in zip(pairs, ROTATIONS[r % 8], strict=True):
            x[a] = (x[a] + x[b]) & MASK
            x[b] = ((x[b] << left | x[b] >> 32 - left) & MASK) ^ x[a]
        if r % 4 == 3:
            injection = r // 4 + 1
            x = [(x[i] + keys[(injection + i) % 5]) & MASK for i in range(4)]
            x[3] = (x[3] + injection) & MASK
    return x


def words(key, stream, example):
    """Yield the words of a stream without end: in batches of 64, the first words of 16 counters, their second, ..."""
    key = [int(k) for k in key]
    for batch in itertools.count():
        groups = [threefry(key, (16 * batch + g, stream, example & MASK, example >> 32)) for g in range(16)]
        yield from (groups[g][w] for w in range(4) for g in range(16))


def first_words(n, key, stream, example):
    """Return the first `n` words of a stream, as an array."""
    return np.array(list(itertools.islice(words(key, stream, example), n)), np.int64)


def uniform(word):
    """Centre of one of 2**32 equal parts of the unit interval."""
    return (word + 0.5) / 2**32


def inverse_gaussian(mean, shape, w0, w1, w2):
    """Michael, Schucany & Haas (1976), with the formula as they print it (equation 6 and the rule after it)."""
    y = (math.sqrt(-2 * math.log(uniform(w0))) * math.cos(2 * math.pi * uniform(w1))) ** 2
    root = mean + mean**2 * y / (2 * shape) - mean / (2 * shape) * math.sqrt(4 * mean * shape * y + (mean * y) ** 2)
    return root if uniform(w2) <= mean / (mean + root) else mean**2 / root


def phase_lengths(phases, dt, seed, example):
    """Steps of the forward and the target phase of a training example."""
    key = [int(k) for k in make_keys(seed, "phases", 1)[0]]
    lengths = []
    for phase in range(2):
        w0, w1, w2, _ = threefry(key, (phase, 0, example & MASK, example >> 32))
        extra = inverse_gaussian(phases.extra_mean, phases.extra_shape, w0, w1, w2)
        lengths.append(round(phases.minimum / dt) + math.floor(extra / dt))
    return lengths


def input_events(key, onset, example, expected, n_steps):
    """Return (input, step) of the input spikes of a stretch: a unit-rate process along all inputs, end to end."""
    ends = np.cumsum(expected * n_steps)
    stream = words(key, onset, example)
    position, events = 0.0, []
    while True:
        position -= math.log(uniform(next(stream)))
        if position >= ends[-1]:
            return events
        j = int(np.searchsorted(ends, position, side="right"))
        begin = ends[j - 1] if j > 0 else 0.0
        events.append((j, min(int((position - begin) / expected[j]), n_steps - 1)))


def input_spikes(key, example, expected, lengths):
    """Return the input spikes of a trial, (steps, inputs) counts; drawn for `SEGMENT` steps of a phase at a time."""
    spikes = np.zeros((sum(lengths), len(expected)))
    for onset, n_steps in zip((0, lengths[0]), lengths, strict=True):
        for begin in range(onset, onset + n_steps, SEGMENT):
            n = min(SEGMENT, onset + n_steps - begin)
            for j, step in input_events(key, begin, example, expected, n):
                spikes[begin + step, j] += 1
    return spikes


class SpikeDraws:
    """The spikes of one layer in one trial: in each group of 64 neurons a Poisson number of candidates, thinned."""

    def __init__(self, count_key, candidate_key, first_group, n, rate_step, example, n_steps):
        self.n, self.groups = n, []
        for group, first in enumerate(range(0, n, GROUP), start=first_group):
            members = min(GROUP, n - first)
            draws = uniform(first_words(n_steps, count_key, group, example))
            counts = stats.poisson.ppf(draws, rate_step * members).astype(int)
            self.groups.append((first, members, counts, words(candidate_key, group, example)))

    def draw(self, step, activity):
        """Return the number of spikes of each neuron: of a candidate's word, the high part chooses the neuron."""
        spikes = np.zeros(self.n)
        for first, members, counts, stream in self.groups:
            for _ in range(counts[step]):
                neuron, draw = divmod(next(stream) * members, 2**32)
                spikes[first + neuron] += draw / 2**32 < activity[first + neuron]
        return spikes


# -- neurons -----------------------------------------------------------------------------------------------------------


CURVES = {
    Sigmoid: lambda curve: sigmoid,
    ThresholdLinear: lambda curve: lambda v: np.clip(curve.gain * (v - curve.threshold), 0, 1),
}


def curve(description):
    """Return a curve as a function."""
    return CURVES[type(description)](description)


def neuron(network, layer):
    """Return the neuron of a hidden layer."""
    return network.hidden[layer] if isinstance(network.hidden, tuple) else network.hidden


def f_i_curves(network):
    """Return the f-I curve of each layer."""
    neurons = [*(neuron(network, layer) for layer in range(network.n_hidden)), network.output]
    return [curve(each.curve) for each in neurons]


# -- a trial ----------------------------------------------------------------------------------------------------------


def kappa(synapse, t):
    """Postsynaptic potential at age `t` of a spike (equation 12), zero after the cut-off."""
    shape = np.exp(-t / synapse.tau_decay) - np.exp(-t / synapse.tau_rise)
    shape = shape / (synapse.tau_decay - synapse.tau_rise)
    return shape if synapse.cutoff is None else np.where(t < synapse.cutoff + 1e-6, shape, 0.0)


def psp(synapse, dt, spikes):
    """Filtered spikes now (equation 11) of trains (steps, neurons) whose last step is now, and of age `dt`."""
    return kappa(synapse, dt * np.arange(len(spikes), 0, -1)) @ spikes


@dataclass
class Memory:
    """All spikes of inputs and layers so far, each (steps, neurons), and the potential of each layer's somata."""

    spikes: list
    v_soma: list


def at_rest(network):
    """Return the memory of a network that was silent for ever."""
    return Memory([np.zeros((0, n)) for n in network.sizes], [np.zeros(n) for n in network.sizes[1:]])


@dataclass
class Trial:
    """Everything that happened, each a list over layers of (steps, neurons); `spikes` and `psp` begin with inputs.

    ``v_apical[l]`` is what the soma saw: it comes from the spikes, or rates, of the steps before.
    """

    lengths: list
    spikes: list
    psp: list
    v_dendrite: list
    v_apical: list
    v_soma: list
    received: list  # of each hidden layer: (steps, neurons that feed back)


def simulate(network, dt, weights, memory, intensity, label, keys, example, lengths):
    """Run one trial; `memory` goes on. Order of events in a step: layers from the bottom up."""
    output, n_layers, sizes = network.output, network.n_layers, network.sizes
    n_steps, rate_step = sum(lengths), network.rate_max * dt
    draws, first_group = [], 0
    for layer, n in enumerate(sizes[1:]):
        draws.append(SpikeDraws(keys[1 + 2 * layer], keys[2 + 2 * layer], first_group, n, rate_step, example, n_steps))
        first_group += math.ceil(n / GROUP)
    past = len(memory.spikes[0])
    spikes = [np.concatenate([before, np.zeros((n_steps, before.shape[1]))]) for before in memory.spikes]
    spikes[0][past:] = input_spikes(keys[0], example, rate_step * intensity.astype(float), lengths)
    v_soma = list(memory.v_soma)
    rows = sizes, sizes[1:], sizes[1:-1], sizes[1:], sizes[1:-1]
    trial = Trial(lengths, [], *([[] for _ in layers] for layers in rows))
    for step in range(n_steps):
        now = past + step
        if network.feedback_signal == "spikes":
            received = [psp(network.synapse, dt, train[:now]) for train in spikes[1:]]
        else:
            received = [network.rate_max * phi(v) for phi, v in zip(f_i_curves(network), v_soma, strict=True)]
        for layer in range(n_layers):
            psp_below = psp(network.synapse, dt, spikes[layer][: now + 1])
            v_dendrite = weights.W[layer] @ psp_below + weights.b[layer]
            v = v_soma[layer]
            if layer < n_layers - 1:
                hidden = neuron(network, layer)
                source = -1 if network.feedback_from == "output" else layer + 1
                v_apical = weights.Y[layer] @ received[source] + weights.c[layer]
                change = (
                    -hidden.g_leak * v + hidden.g_basal * (v_dendrite - v) + hidden.g_apical * (v_apical - v)
                )  # equations 1, 13-16
                trial.v_apical[layer].append(v_apical)
                trial.received[layer].append(received[source])
            else:
                change = -output.g_leak * v + output.g_dendrite * (v_dendrite - v)  # equations 18-20
                if step >= lengths[0]:
                    classes = np.arange(sizes[-1]) // network.population
                    reversal = np.where(classes == label, output.e_excite, output.e_inhibit)
                    change = change + output.g_teach * (reversal - v)
            v_soma[layer] = v + dt * change
            spikes[layer + 1][now] = draws[layer].draw(step, f_i_curves(network)[layer](v_soma[layer]))
            trial.psp[layer].append(psp_below)
            trial.v_dendrite[layer].append(v_dendrite)
            trial.v_soma[layer].append(v_soma[layer])
        trial.psp[-1].append(psp(network.synapse, dt, spikes[-1][: now + 1]))
    memory.spikes, memory.v_soma = spikes, v_soma
    trial.spikes = [train[past:] for train in spikes]
    for series in (trial.psp, trial.v_dendrite, trial.v_apical, trial.v_soma, trial.received):
        series[:] = [np.array(rows) for rows in series]
    return trial


# -- averages, errors, weights ----------------------------------------------------------------------------------------


@dataclass
class Averages:
    """Means over the ends of the phases, lists over layers: all that learning rules know, and `psp` of their inputs."""

    psp: list  # of inputs and all layers but the last, forward phase
    v_forward: list
    activity_target: list  # zero in hidden layers
    apical_forward: list
    apical_target: list
    plateaus: tuple = (sigmoid,) * 9  # what each hidden layer makes of apical potentials
    dt: float = 1.0  # ms, of the clock
    echo_forward: list = None  # what apical dendrites receive from each layer; each neuron for itself: (n, feeding)
    seen: tuple = (True, True)  # which phases the trial has had so far

    @property
    def plateau_forward(self):
        """Plateau potentials at the end of the forward phase (equation 5)."""
        return [alpha(v) for alpha, v in zip(self.plateaus, self.apical_forward, strict=False)]

    @property
    def plateau_target(self):
        """Plateau potentials at the end of the target phase."""
        return [alpha(v) for alpha, v in zip(self.plateaus, self.apical_target, strict=False)]


def window(phases, dt, lengths, phase):
    """Return the steps that the averages of a phase are taken over."""
    stop = sum(lengths[: phase + 1])
    n_steps = lengths[phase] - round(phases.settle / dt) if phases.window is None else round(phases.window / dt)
    return slice(stop - n_steps, stop)


def early_steps(network, dt, seed, example):
    """Return by how many steps each hidden neuron's plateaus are early, a list over layers of (2, neurons)."""
    chances, early, first_group = network.plateaus.cumulative(), [], 0
    key = make_keys(seed, "plateaus", 1)[0]
    for n in network.sizes[1:-1]:
        groups = math.ceil(n / GROUP)
        draws = [uniform(first_words(2 * GROUP, key, first_group + g, example)) for g in range(groups)]
        draws = np.concatenate([d.reshape(2, GROUP) for d in draws], axis=1)[:, :n]
        early.append(np.searchsorted(chances, draws, side="right") * round(network.plateaus.grain / dt))
        first_group += groups
    return early


def average_early(series, span, early):
    """Average series (steps, neurons) over a slice of steps that each neuron has earlier by its own number of steps."""
    means = [series[span.start - k : span.stop - k, i].mean() for i, k in enumerate(early)]
    return np.array(means)


def average(network, dt, trial, early, before=None):
    """Average a training trial; of a phase that it does not have, what was averaged `before` it, if anything was.

    If nothing was, the phase that there is stands for it.
    """
    spans = [window(network.phases, dt, trial.lengths, phase) for phase in range(2)]
    there = [n > 0 for n in trial.lengths]
    forward, target = (spans[phase if there[phase] else 1 - phase] for phase in range(2))
    found = Averages(
        psp=[s[forward].mean(0) for s in trial.psp[:-1]],
        v_forward=[v[forward].mean(0) for v in trial.v_soma],
        activity_target=[np.zeros(n) for n in network.sizes[1:-1]]
        + [f_i_curves(network)[-1](trial.v_soma[-1][target]).mean(0)],
        apical_forward=[average_early(v, forward, e[0]) for v, e in zip(trial.v_apical, early, strict=True)],
        apical_target=[average_early(v, target, e[1]) for v, e in zip(trial.v_apical, early, strict=True)],
        plateaus=tuple(curve(neuron(network, layer).plateau) for layer in range(network.n_hidden)),
        dt=dt,
        echo_forward=[
            np.array([r[forward.start - k : forward.stop - k].mean(0) for k in e[0]])
            for r, e in zip(trial.received, early, strict=True)
        ],
        seen=tuple(there),
    )
    if before is not None:
        names = ("psp", "v_forward", "apical_forward", "echo_forward"), ("activity_target", "apical_target")
        for phase in range(2):
            if not there[phase] and before.seen[phase]:
                for name in names[phase]:
                    setattr(found, name, getattr(before, name))
        found.seen = tuple(a or b for a, b in zip(there, before.seen, strict=True))
    return found


def slope(v, phi=sigmoid):
    """Return the derivative of a curve, as a difference over a millionth."""
    if phi is sigmoid:
        return sigmoid(v) * (1 - sigmoid(v))
    return (phi(v + 5e-7) - phi(v - 5e-7)) / 1e-6


def rises(network, averages, layer):
    """Return the slope of each neuron's f-I curve at its mean potential."""
    return slope(averages.v_forward[layer], f_i_curves(network)[layer])


def gains(network):
    """Return `k_b` of the hidden layers and `k_d` of the output (equations 34 and 27)."""
    hidden, output = [neuron(network, layer) for layer in range(network.n_hidden)], network.output
    k_b = [each.g_basal / (each.g_leak + each.g_basal + each.g_apical) for each in hidden]
    return [*k_b, output.g_dendrite / (output.g_leak + output.g_dendrite)]


def area(network, averages):
    """Area of the synaptic kernel as the clock sees it: what a steady rate of 1 becomes."""
    dt = averages.dt
    return psp(network.synapse, dt, np.ones((round(500 / dt), 1)))[0] * dt


def output_error(network, averages):
    """Equation 28 times ``P_1`` (Table 1), the sign turned: weights follow it; no slope where likelihood is climbed."""
    rate_max, v = network.rate_max, averages.v_forward[-1]
    p_1 = 20 / rate_max**2
    phi = f_i_curves(network)[-1]
    target, predicted = rate_max * averages.activity_target[-1], rate_max * phi(v)
    rise = 1 if network.output.loss == "likelihood" else slope(v, phi)
    return p_1 * gains(network)[-1] * rate_max * (target - predicted) * rise


def mismatch(network, averages):
    """Return by how much the output that is farthest from its target misses it, in `rate_max`."""
    return abs(averages.activity_target[-1] - f_i_curves(network)[-1](averages.v_forward[-1])).max()


def plateau_errors(network, weights, averages, gate=0.0):
    """Equations 28 and 33 with ``P_0`` and ``P_1``, a list over layers; hidden ones less where outputs are right."""
    rate_max, k, errors = network.rate_max, gains(network), []
    told = 1 if gate == 0 else min(1, mismatch(network, averages) / gate)
    for layer in range(network.n_hidden):
        difference = averages.plateau_target[layer] - averages.plateau_forward[layer]
        errors.append(told * 20 / rate_max * k[layer] * difference * rate_max * rises(network, averages, layer))
    return [*errors, output_error(network, averages)]


def backprop_errors(network, weights, averages, hidden_scale=1.0):
    """Output as above; hidden layers by the chain rule, all times `hidden_scale`."""
    k, errors = gains(network), [output_error(network, averages)]
    for layer in reversed(range(network.n_hidden)):
        # how the layer above hears of the potential
        up = area(network, averages) * network.rate_max * rises(network, averages, layer)
        errors.insert(0, weights.W[layer + 1].T @ errors[0] * k[layer] * up)
    return [hidden_scale * e for e in errors[:-1]] + errors[-1:]


def fed_back_errors(network, weights, averages, hidden_scale=1.0):
    """Backpropagation with ``Y`` in place of ``W^T``; scaled where the errors leave the output layer."""
    k, errors, layers = gains(network), {network.n_layers - 1: output_error(network, averages)}, network.n_layers
    for layer in reversed(range(network.n_hidden)):
        source = layers - 1 if network.feedback_from == "output" else layer + 1
        down = weights.Y[layer] @ errors[source] * (hidden_scale if source == layers - 1 else 1.0)
        up = area(network, averages) * network.rate_max * rises(network, averages, layer)
        errors[layer] = down * k[layer] * up
    return [errors[layer] for layer in range(layers)]


def output_only_errors(network, weights, averages):
    """Nothing but the output learns."""
    return [np.zeros_like(v) for v in averages.v_forward[:-1]] + [output_error(network, averages)]


def silent(network, weights, averages):
    """Errors of zero."""
    return [np.zeros_like(v) for v in averages.v_forward]


def predict(network, v_output):
    """Return the class whose outputs have the highest mean potential."""
    return int(np.argmax(np.reshape(v_output, (-1, network.population)).sum(axis=1)))


def errors_of(rule, network, weights, averages):
    """Return the errors of a rule of the package, or of a function with the arguments of those above."""
    if isinstance(rule, Plateau):
        return plateau_errors(network, weights, averages, rule.gate)
    if isinstance(rule, Backprop):
        return backprop_errors(network, weights, averages, rule.hidden_scale)
    if isinstance(rule, FeedbackAlignment | DirectFeedbackAlignment):
        return fed_back_errors(network, weights, averages, rule.hidden_scale)
    if isinstance(rule, OutputOnly):
        return output_only_errors(network, weights, averages)
    return rule(network, weights, averages)


def losses(network, averages):
    """Equation 32 for each hidden layer, equation 23 for the output."""
    hidden = [((t - f) ** 2).sum() for t, f in zip(averages.plateau_target, averages.plateau_forward, strict=True)]
    predicted = f_i_curves(network)[-1](averages.v_forward[-1])
    difference = network.rate_max * (averages.activity_target[-1] - predicted)
    return [*hidden, (difference**2).sum()]


def angle(a, b):
    """Return the angle between two vectors, degrees; NaN if one is zero."""
    if not (a.any() and b.any()):
        return np.nan
    return math.degrees(math.acos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))


def normals(key, batch, stream, example):
    """Return 64 standard normal draws (Box & Muller) from 64 words."""
    draws = uniform(first_words(64 * (batch + 1), key, stream, example)[-64:])
    radius, turn = np.sqrt(-2 * np.log(draws[:32])), 2 * math.pi * draws[32:]
    return np.concatenate([radius * np.cos(turn), radius * np.sin(turn)])


def feedback_weights(network, W, Y, seed, example):
    """Return the feedback weights that an example uses, from those of the example before."""
    feedback = network.feedback
    if not isinstance(feedback, SymmetricFeedback):
        return Y
    Y = [w.T for w in W[1:]]
    if network.feedback_from == "output":
        for layer in reversed(range(len(Y) - 1)):
            Y[layer] = Y[layer] @ Y[layer + 1]
    key, first_group, noisy = make_keys(seed, "feedback", 1)[0], 0, []
    for y in Y:
        n, groups = len(y), math.ceil(len(y) / GROUP)
        noise = np.array(
            [
                np.concatenate([normals(key, k, first_group + g, example) for g in range(groups)])[:n]
                for k in range(y.shape[1] if feedback.noise else 0)
            ]
        )
        noisy.append(y + feedback.noise * noise.T if feedback.noise else y)
        first_group += groups
    return tuple(noisy)


def learned_feedback(network, Y, averages):
    """One step down the inverse loss, fact sheet 1.13."""
    if not isinstance(network.feedback, LearnedFeedback):
        return Y
    learned = []
    for layer, y in enumerate(Y):
        alpha = averages.plateau_forward[layer]
        rate = network.rate_max * f_i_curves(network)[layer](averages.v_forward[layer])
        error = (rate - alpha) * -slope(averages.apical_forward[layer], averages.plateaus[layer])
        step = -network.feedback.rate * error[:, None] * averages.echo_forward[layer]
        learned.append(np.where(y == 0, 0, y + step))
    return tuple(learned)


@dataclass
class Example:
    """A training example, or one of its showings: the trial, what was made of it, and the weights after it."""

    trial: Trial
    averages: Averages
    errors: list
    prediction: int
    loss: list
    angle: list
    weights: Weights


def showings_of(order):
    """Return the parts of a trial, each a list of steps; a target phase that follows a forward phase belongs to it."""
    parts = []
    for step, last in zip(order, (None, *order), strict=False):
        if step == "learn" or (last, step) == ("forward", "target"):
            parts[-1].append(step)
        else:
            parts.append([step])
    return parts


def train(network, dt, weights, images, labels, seed, learning_rates, rule, compare=None, first_example=0):
    """Train on consecutive examples, beginning at rest; return an `Example` for each of their showings."""
    keys, memory, found = make_keys(seed, "training", 1 + 2 * network.n_layers), at_rest(network), []
    parts = showings_of(network.phases.order)
    for example, (image, label) in enumerate(zip(images, labels, strict=True), start=first_example):
        averages = None
        if not network.carry_state:
            memory = at_rest(network)
        for showing, part in enumerate(parts, start=example * len(parts)):
            Y = feedback_weights(network, weights.W, weights.Y, seed, showing)
            weights = Weights(weights.W, weights.b, tuple(Y), weights.c)
            lengths = phase_lengths(network.phases, dt, seed, showing)
            lengths = [n if phase in part else 0 for n, phase in zip(lengths, ("forward", "target"), strict=True)]
            trial = simulate(network, dt, weights, memory, image, label, keys, showing, lengths)
            averages = average(network, dt, trial, early_steps(network, dt, seed, showing), averages)
            errors = errors_of(rule, network, weights, averages)
            others = errors_of(compare or silent, network, weights, averages)
            if "learn" in part:
                weights = learned(network, weights, averages, errors, learning_rates)
                following = feedback_weights(network, weights.W, weights.Y, seed, showing + 1)
                weights = Weights(weights.W, weights.b, tuple(following), weights.c)
            found.append(
                Example(
                    trial=trial,
                    averages=averages,
                    errors=errors,
                    prediction=predict(network, averages.v_forward[-1]),
                    loss=losses(network, averages),
                    angle=[angle(a, b) for a, b in zip(errors[:-1], others[:-1], strict=True)],
                    weights=weights,
                )
            )
    return found


def learned(network, weights, averages, errors, learning_rates):
    """Return the weights after an example."""
    return Weights(
        tuple(
            W + eta * np.outer(error, s)
            for W, eta, error, s in zip(weights.W, learning_rates, errors, averages.psp, strict=True)
        ),
        tuple(b + eta * error for b, eta, error in zip(weights.b, learning_rates, errors, strict=True)),
        learned_feedback(network, weights.Y, averages),
        weights.c,
    )


def test(network, dt, weights, images, seed, first_example=0):
    """Show test images, each to the network at rest; return their trials and the predicted classes."""
    keys, trials = make_keys(seed, "evaluation", 1 + 2 * network.n_layers), []
    lengths = [round(network.phases.test / dt), 0]
    for example, image in enumerate(images, start=first_example):
        trials.append(simulate(network, dt, weights, at_rest(network), image, None, keys, example, lengths))
    settle = round(network.phases.settle / dt)
    return trials, np.array([predict(network, trial.v_soma[-1][settle:].mean(0)) for trial in trials])
