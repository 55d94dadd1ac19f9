"""The trials of the same networks in Brian2, without learning."""

import signal
import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spikelearn.network import Network
from spikelearn.peers.task import DT, Task, Times, Unavailable, image_steps, phase_steps
from spikelearn.phases import Phases
from spikelearn.storage import peak_memory_mb
from spikelearn.weights import Weights


@dataclass(frozen=True, kw_only=True)
class Brian2:
    """Brian2 on one thread, with its own floats (float64); one long run for training, one for testing.

    Parameters
    ----------
    target : str
        What Brian2 generates: ``"cython"``, ``"numpy"``, or ``"auto"``: Cython where it finds a compiler.
    """

    learns = False
    threads = 1

    target: str = "auto"

    def time(self, task: Task) -> Times:
        """Time both phases of training examples, without learning, and test images; only in a process of its own.

        What comes before the first step of the first run (generating and compiling code, or loading what was
        compiled before) is `compile_s`; before the second it is not counted.
        """
        network, weights, phases = task.model.network, task.weights, task.model.network.phases
        try:
            images, labels = task.shown(task.examples)
            schedule = training_schedule(phases, labels, np.random.default_rng(1))
            training = self.simulate(network, weights, images, schedule)
            images, _ = task.shown(task.test_images)
            testing = self.simulate(network, weights, images, image_schedule(phases, task.test_images))
        except Unavailable:
            raise
        except Exception as error:  # of which some cannot be handed from process to process
            raise Unavailable(f"Brian2 failed with {type(error).__name__}: {error}") from error
        return Times(
            settings={"dt": DT, "target": training.target, "version": training.version},
            train_ms=1000 * training.run_s / task.examples,
            test_ms=1000 * testing.run_s / task.test_images,
            compile_s=training.compile_s,
            peak_memory_mb=peak_memory_mb(),
        )

    def simulate(
        self, network: Network, weights: Weights, images: np.ndarray, schedule: "Schedule", seed: int = 1
    ) -> "Simulated":
        """Simulate images one after the other, state carried over, in one run; only in a process of its own.

        Parameters
        ----------
        network : Network
        weights : Weights
        images : (n, n_inputs) float array
            Intensities in [0, 1].
        schedule : Schedule
        seed : int
            Of Brian2's random numbers.

        Returns
        -------
        Simulated

        Raises
        ------
        Unavailable
            Brian2 cannot be imported.
        """
        began = time.perf_counter()
        b2 = _import_brian2()
        from brian2.devices.device import auto_target

        b2.prefs.codegen.target = self.target
        b2.defaultclock.dt = DT * b2.ms
        b2.seed(seed)
        parts, monitor = _brian2_parts(b2, network, weights, images, schedule)
        seconds: list[float] = []  # in the loop over steps, as Brian2 reports them at its beginning and at its end
        b2.Network(parts).run(
            len(schedule.shown) * DT * b2.ms,
            report=lambda elapsed, completed, start, duration: seconds.append(float(elapsed)),
            report_period=1e9 * b2.second,
        )
        return Simulated(
            v_output=np.array(monitor.v).T,
            run_s=seconds[-1],
            compile_s=time.perf_counter() - began - seconds[-1],
            target=auto_target().class_name if self.target == "auto" else self.target,
            version=b2.__version__,
        )


class Schedule(NamedTuple):
    """What happens in every step of a run of Brian2."""

    shown: np.ndarray  # (steps,) int, number of the image
    label: np.ndarray  # (steps,) int, its class
    teaching: np.ndarray  # (steps,) bool, are the teaching currents on?


class Simulated(NamedTuple):
    """A run of Brian2."""

    v_output: np.ndarray  # (steps, outputs) somatic potentials, at the beginning of each step
    run_s: float  # the steps
    compile_s: float  # everything before them
    target: str
    version: str


def training_schedule(phases: Phases, labels: np.ndarray, rng: np.random.Generator) -> Schedule:
    """Return two phases for each label, of random lengths."""
    lengths = np.array([[n for n, _ in phase_steps(phases, rng)] for _ in labels])
    shown = np.repeat(np.arange(len(labels)), lengths.sum(axis=1))
    return Schedule(shown, labels[shown], np.repeat(np.tile([False, True], len(labels)), lengths.ravel()))


def image_schedule(phases: Phases, n: int) -> Schedule:
    """Return one forward phase for each of `n` test images."""
    shown = np.repeat(np.arange(n), image_steps(phases)[0])
    return Schedule(shown, np.zeros_like(shown), np.zeros(len(shown), bool))


def _import_brian2() -> Any:
    """Import Brian2, and leave Ctrl-C to whom it belonged before."""
    interrupted = signal.getsignal(signal.SIGINT)
    try:
        import brian2
    except (ImportError, AttributeError) as error:  # the latter: Brian2 2.9 with NumPy 2.4
        raise Unavailable(f"Brian2 cannot be imported ({error}); pip install 'spikelearn[brian2]'") from error
    signal.signal(signal.SIGINT, interrupted)
    brian2.BrianLogger.log_level_error()
    return brian2


HIDDEN = "dv/dt = g_basal*(v_basal - v) - g_leak*v : 1"
HIDDEN_WITH_APICAL = "dv/dt = g_basal*(v_basal - v) + g_apical*(v_apical - v) - g_leak*v : 1"
OUTPUT = """
dv/dt = g_dendrite*(v_basal - v) + g_teach*teaching(t)*(reversal - v) - g_leak*v : 1
reversal = e_inhibit + (e_excite - e_inhibit)*int(i//population == label(t)) : 1
"""
# The kernel has unit area, in 1/ms; weights carry the other ms, and potentials have no unit.
DENDRITE = """
v_{name} = bias_{name} + (slow_{name} - fast_{name})/(tau_decay - tau_rise) : 1
dslow_{name}/dt = -slow_{name}/tau_decay : second
dfast_{name}/dt = -fast_{name}/tau_rise : second
bias_{name} : 1 (constant)
"""
ARRIVE = "slow_{name} += weight; fast_{name} += weight"
FORGET = "slow_{name} -= weight*slow_left; fast_{name} -= weight*fast_left"  # at the cut-off, what is left of a spike


def _brian2_parts(
    b2: Any, network: Network, weights: Weights, images: np.ndarray, schedule: Schedule
) -> tuple[list[Any], Any]:
    """Return all objects of the network in Brian2, and among them the monitor of the outputs' potentials."""
    synapse, n_hidden, coupled = network.synapse, network.n_hidden, network.coupled
    neurons = [*network.hidden_neurons, network.output]
    names = _brian2_names(b2, network, images, schedule)
    dendrites = {"basal": weights.W} | ({"apical": weights.Y} if coupled else {})
    hidden = (HIDDEN_WITH_APICAL if coupled else HIDDEN) + "".join(DENDRITE.format(name=name) for name in dendrites)
    output = OUTPUT + DENDRITE.format(name="basal")
    layers = [b2.PoissonGroup(network.sizes[0], "rate_max*image(shown(t)*ms, i)", namespace=names)]
    for layer, n in enumerate(network.sizes[1:]):
        constants = names | _conductances(b2, neurons[layer])
        equations = hidden if layer < n_hidden else output
        threshold = f"rand() < rate_max*dt*({_expression(neurons[layer])})"
        method = "exponential_euler"  # exact for the synapses, whose equations are linear and by themselves
        layers.append(b2.NeuronGroup(n, equations, threshold=threshold, method=method, namespace=constants))
        layers[-1].bias_basal = weights.b[layer]
        if coupled and layer < n_hidden:
            layers[-1].bias_apical = weights.c[layer]
    parts = list(layers)
    for name, matrices in dendrites.items():
        for layer, matrix in enumerate(matrices):
            events, delays = {"arrive": ARRIVE.format(name=name)}, {}
            if synapse.cutoff is not None:
                events["forget"], delays["forget"] = FORGET.format(name=name), synapse.cutoff * b2.ms
            source = layers[layer] if name == "basal" else layers[-1]
            made = b2.Synapses(
                source, layers[layer + 1], "weight : second (constant)", on_pre=events, delay=delays, namespace=names
            )
            made.connect()
            made.weight = matrix[made.j[:], made.i[:]] * b2.ms
            parts.append(made)
    monitor = b2.StateMonitor(layers[-1], "v", record=True)
    return [*parts, monitor], monitor


def _brian2_names(b2: Any, network: Network, images: np.ndarray, schedule: Schedule) -> dict[str, Any]:
    """Return what the equations call by name, besides conductances."""
    synapse = network.synapse
    cutoff = np.inf if synapse.cutoff is None else synapse.cutoff
    by_step = {
        name: b2.TimedArray(np.asarray(values, float), dt=DT * b2.ms) for name, values in schedule._asdict().items()
    }
    return by_step | {
        "image": b2.TimedArray(images, dt=1 * b2.ms),  # image k is found at k ms
        "rate_max": network.rate_max / b2.ms,
        "population": network.population,
        "tau_decay": synapse.tau_decay * b2.ms,
        "tau_rise": synapse.tau_rise * b2.ms,
        "slow_left": np.exp(-cutoff / synapse.tau_decay),
        "fast_left": np.exp(-cutoff / synapse.tau_rise),
    }


def _conductances(b2: Any, neuron: Any) -> dict[str, Any]:
    """Return the numbers of a neuron: conductances in 1/ms, potentials without unit."""
    numbers = {name: value for name, value in vars(neuron).items() if isinstance(value, float)}
    return {name: value / b2.ms if name.startswith("g_") else value for name, value in numbers.items()}


def _expression(neuron: Any) -> str:
    """Return the f-I curve of a neuron as Brian2 writes it."""
    if not hasattr(neuron.curve, "expression"):
        raise Unavailable(
            f"{type(neuron.curve).__name__} does not say how Brian2 writes it; give it a method expression(v)"
        )
    return neuron.curve.expression("v")
