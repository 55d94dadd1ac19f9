"""Recurrent networks, and the rules that say which past event caused an error, without automatic differentiation.

A rule, a network and a task, and how gradients become steps::

    from spikelearn.temporal import RecurrentNetwork, Training, learn, rules, tasks
    from spikelearn.ratenet import SGD

    task = tasks.Add(lags=(1, 3))
    network = RecurrentNetwork(n_in=task.n_in, n=16, n_out=task.n_out)
    training = Training(recurrent=SGD(rate=0.03), readout=SGD(rate=0.03))
    for point in learn(network, rules.RTRL(), task, training, seed=1, steps=6000, every=2000):
        print(point.step, point.loss, "nats; optimum", task.optimum)
"""

from spikelearn.temporal import rules, tasks
from spikelearn.temporal.learning import Point, Training, learn
from spikelearn.temporal.network import RecurrentNetwork
from spikelearn.temporal.rule import Rule, State

__all__ = ["Point", "RecurrentNetwork", "Rule", "State", "Training", "learn", "rules", "tasks"]
