"""Small networks and sequences, and the naive twins: every loss blamed on every step, by explicit products."""

import numpy as np

from spikelearn.ratenet.activations import Identity
from spikelearn.ratenet.outputs import LinearOutput, Softmax
from spikelearn.temporal.connections import Sparse
from spikelearn.temporal.learning import begin, gradients
from spikelearn.temporal.network import RecurrentNetwork, outputs
from spikelearn.temporal.task import Sequences

NETWORKS = {
    "tanh": RecurrentNetwork(n_in=3, n=5, n_out=2),
    "leaky": RecurrentNetwork(n_in=3, n=5, n_out=2, alpha=0.3),
    "linear": RecurrentNetwork(n_in=3, n=5, n_out=2, activation=Identity(), output=LinearOutput()),
    "sparse": RecurrentNetwork(n_in=3, n=7, n_out=2, alpha=0.6, connections=Sparse(0.25)),
}


def sequences(network, steps=9, batch=3, seed=0, unscored=(1, 5)):
    """Random inputs and targets; some steps are not scored."""
    rng = np.random.default_rng(seed)
    target = rng.random((steps, batch, network.n_out))
    if isinstance(network.output, Softmax):
        target /= target.sum(axis=2, keepdims=True)
    return Sequences(rng.standard_normal((steps, batch, network.n_in)), target, ~np.isin(np.arange(steps), unscored))


def state_of(network, rule, seed=1):
    """A network before learning, with biases that are not zero."""
    state = begin(network, rule, seed)
    rng = np.random.default_rng(seed)
    state.weights.recurrent[:, -1] = 0.3 * rng.standard_normal(network.n)
    state.weights.readout[:, -1] = 0.3 * rng.standard_normal(network.n_out)
    return state


def emitted(network, rule, shown, seed=1):
    """The recurrent gradient that a rule adds at each step, and at the end, with weights frozen; (steps + 1, n, m)."""
    return np.array(list(gradients(rule, state_of(network, rule, seed), shown, np.random.default_rng(0))))


def trajectory(network, weights, shown):
    """What the network does with frozen weights: steps, and q of each, zero where it is not scored."""
    activity, steps, q = network.rest(shown.x.shape[1]), [], []
    for t, scored in enumerate(shown.scored):
        step = network.advance(weights, activity, shown.x[t])
        activity = step.state
        error = network.output.error(outputs(network, weights, step.sent), shown.target[t]) * scored
        steps.append(step)
        q.append(error @ weights.outward)
    return steps, q


def blame(network, weights, shown):
    """Blame every step for every loss: G[s, t] is the gradient of loss t for the use of the weights at step s.

    The mean over the batch, by products of Jacobians in loops over sequences; (steps, steps, n, m).
    """
    steps, q = trajectory(network, weights, shown)
    n_steps, batch = shown.x.shape[:2]
    G = np.zeros((n_steps, n_steps, *weights.recurrent.shape))
    for b in range(batch):
        for t in range(n_steps):
            credit = q[t][b]
            for s in range(t, -1, -1):
                G[s, t] += np.outer(steps[s].slope[b] * credit, steps[s].senders[b]) / batch
                J = np.diag(steps[s].slope[b]) @ weights.units + (1 - network.alpha) * np.eye(network.n)
                credit = J.T @ credit
    return G


def loss(network, weights, shown, used=None):
    """The objective; `used` are weights of each step's own, to change the use of one step only."""
    activity, total = network.rest(shown.x.shape[1]), 0.0
    each = []
    for t, scored in enumerate(shown.scored):
        step = network.advance(weights if used is None else used[t], activity, shown.x[t])
        activity = step.state
        total = network.output.loss(outputs(network, weights, step.sent), shown.target[t]).mean() if scored else 0.0
        each.append(total)
    return np.array(each)


def numerical(function, array, step=1e-6):
    """Central differences of a vector function with respect to each entry of an array; (*shape, len of result)."""
    found = np.zeros((*array.shape, *np.shape(function())))
    for at in np.ndindex(array.shape):
        kept = array[at]
        array[at] = kept + step
        above = function()
        array[at] = kept - step
        below = function()
        array[at] = kept
        found[at] = (above - below) / (2 * step)
    return found
