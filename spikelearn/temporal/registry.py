"""Rules and tasks by name, with the numbers they are compared with.

A rule's name may hold a number: ``tbptt-10`` has blocks of 10 steps, ``sliding-10`` a window that slides, ``snap-2``
keeps influence within 2 steps. Rates are ours and were not searched for, unless a comment says more.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spikelearn.errors import InputError, check_name, nearest
from spikelearn.ratenet.optimisers import SGD, Adam, Optimiser
from spikelearn.temporal import rules
from spikelearn.temporal.connections import Independent, Sparse
from spikelearn.temporal.feedback import Random
from spikelearn.temporal.learning import Training
from spikelearn.temporal.network import RecurrentNetwork
from spikelearn.temporal.rule import Rule
from spikelearn.temporal.spiking import SpikingNetwork
from spikelearn.temporal.task import Task
from spikelearn.temporal.tasks import Add, Adding, Copying, DelayedXor, Evidence, Mnist1D, PatternGeneration, Rows

NAMED: dict[str, Rule] = {
    "bptt": rules.BPTT(),
    "rtrl": rules.RTRL(),
    "diagonal": rules.Diagonal(),
    "rflo": rules.RFLO(),
    "uoro": rules.UORO(),
    "kf-rtrl": rules.KFRTRL(),
    "dni": rules.SyntheticGradients(),
    "eprop": rules.EProp(),
    "eprop-random": rules.EProp(feedback=Random()),
    "readout": rules.ReadoutOnly(),
    "readout-spiking": rules.ReadoutOnly(),
}
NUMBERED: dict[str, Callable[[int], Rule]] = {
    "tbptt": lambda n: rules.Truncated(window=n),
    "sliding": lambda n: rules.Sliding(window=n),
    "snap": lambda n: rules.SnAp(order=n),
}
SPIKING = ("eprop", "eprop-random", "readout-spiking")
RATE_RULES = (
    "tbptt-10",
    "sliding-10",
    "rtrl",
    "snap-1",
    "snap-2",
    "diagonal",
    "rflo",
    "uoro",
    "kf-rtrl",
    "dni",
    "eprop",
)
QUICK_RULES = ("tbptt-10", "snap-1", "rflo", "uoro", "dni", "eprop")  # where RTRL would take an hour
KNOWN = (*NAMED, *(f"{name}-N" for name in NUMBERED))


def rule(name: str) -> Rule:
    """Return the rule of that name; `InputError` if there is none."""
    if name in NAMED:
        return NAMED[name]
    found = re.fullmatch(r"(\w+)-(\d+)", name)
    if found and found[1] in NUMBERED:
        return NUMBERED[found[1]](int(found[2]))
    raise InputError(f"unknown rule {name!r}; {nearest(name, KNOWN)}, where N is a number")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A task as it is compared on.

    Parameters
    ----------
    task : Task
    n : int
        Units.
    steps : int
        Of time, by default.
    training : Training
        Of rules without a rate of their own.
    rates : mapping of str to float
        Recurrent rate of some rules, by the beginning of their names.
    rate_network, spiking_network : mapping
        What networks differ in from the usual.
    spiking : bool
        Whether inputs are spikes, so that spiking networks are the usual ones.
    rules : tuple of str
        By default.
    """

    task: Task
    n: int
    steps: int
    training: Training
    rates: Mapping[str, float] = field(default_factory=dict)
    rate_network: Mapping[str, Any] = field(default_factory=dict)
    spiking_network: Mapping[str, Any] = field(default_factory=dict)
    spiking: bool = False
    rules: tuple[str, ...] = RATE_RULES

    def network(self, name: str, n: int | None = None) -> RecurrentNetwork | SpikingNetwork:
        """Describe the network that a rule trains, with `n` units if it is given."""
        task = self.task
        sizes: dict[str, Any] = {"n_in": task.n_in, "n": n or self.n, "n_out": task.n_out, "output": task.output}
        if name in SPIKING:
            return SpikingNetwork(**sizes, **self.spiking_network)
        connections = {"diagonal": Independent(), "snap-2": Sparse(0.25)}  # SnAp-2 of dense ones is RTRL
        own = {"connections": connections[name]} if name in connections else {}
        return RecurrentNetwork(**sizes, **{**self.rate_network, **own})

    def optimisers(self, name: str) -> Training:
        """Return how the rule's gradients become steps."""
        rates = [rate for begin, rate in self.rates.items() if name.startswith(begin)]
        training = self.training
        if not rates:
            return training
        kind: type[Optimiser] = type(training.recurrent)
        return Training(
            recurrent=kind(rate=rates[0]),  # type: ignore[call-arg]
            readout=training.readout,
            batch=training.batch,
            online=training.online,
        )


def _sgd(rate: float, batch: int = 1) -> Training:
    return Training(recurrent=SGD(rate=rate), readout=SGD(rate=rate), batch=batch)


def _adam(rate: float, batch: int) -> Training:
    return Training(recurrent=Adam(rate=rate), readout=Adam(rate=rate), batch=batch, online=False)


# Units that see one number a step as a current: short time constants, or they would only see its mean.
QUICK = {"tau_membrane": 4.0, "tau_output": 2.0}

SETTINGS: dict[str, Setting] = {
    "add": Setting(
        task=Add(),
        n=32,
        steps=50_000,
        training=_sgd(0.01),
        rates={"bptt": 3e-3, "uoro": 1e-4, "kf-rtrl": 3e-4},  # bptt at 0.01: one of five went astray
        spiking_network=QUICK,
    ),
    "add-near": Setting(
        task=Add(lags=(1, 3)),
        n=32,
        steps=50_000,
        training=_sgd(0.01),
        rates={"bptt": 3e-3, "uoro": 1e-4, "kf-rtrl": 3e-4},  # bptt at 0.01: one of five went astray
        spiking_network=QUICK,
    ),
    "delayed-xor": Setting(
        task=DelayedXor(),
        n=64,
        steps=20_000,
        training=_adam(3e-3, 50),
        rates={"uoro": 1e-3},
        spiking_network=QUICK,
        rules=QUICK_RULES,
    ),
    **{
        name: Setting(task=task, n=64, steps=steps, training=_adam(rate, 50), spiking_network=QUICK, rules=QUICK_RULES)
        for name, task, steps, rate in (
            ("adding", Adding(), 60_000, 1e-3),
            ("copy", Copying(), 22_000, 3e-3),
            ("rows", Rows(), 28_000, 1e-3),
            ("mnist-1d", Mnist1D(), 80_000, 1e-3),
        )
    },
    "pattern": Setting(
        task=PatternGeneration(),
        n=100,
        steps=200_000,
        training=_adam(3e-3, 1),
        # Bellec et al.'s: time constants of 30 ms; their threshold 0.03, with inputs times 1 - a, is this one
        spiking_network={"tau_membrane": 30.0, "tau_output": 30.0, "threshold": 0.915},
        spiking=True,
        rules=("eprop-random",),
    ),
    "evidence": Setting(
        task=Evidence(),
        n=40,
        steps=44_000,
        training=_adam(5e-3, 8),
        spiking_network={"adaptive": 20, "tau_adaptation": 200.0, "refractory": 5, "threshold": 0.6},
        spiking=True,
        rules=("eprop-random",),
    ),
}


def setting(name: str) -> Setting:
    """Return the task of that name; `InputError` if there is none."""
    check_name("task", name, SETTINGS)
    return SETTINGS[name]


def with_controls(names: Sequence[str], spiking: bool) -> tuple[str, ...]:
    """Return rules behind those that every picture has: the exact gradient or e-prop, and the readout-only controls.

    Spiking networks have a control of their own, wherever one of them is compared.
    """
    controls = ["eprop"] if spiking else ["bptt", "readout"]
    if spiking or any(name in SPIKING for name in names):
        controls.append("readout-spiking")
    return (*controls, *(name for name in names if name not in controls))
