"""Other simulators of the same networks, to compare speeds with: a loop over time steps in plain NumPy, and Brian2.

Both take steps of 1 ms, as the authors do, and draw their own spikes: they agree with the engines in distribution.

NumPy
    All that `Clock` does, learning included: one matrix-vector product for each layer and step, spikes as dense vectors
    of counts, the synaptic filter for each presynaptic neuron.
Brian2
    The two phases of every example with all their spikes, and no learning. What it does otherwise: somata decay
    exponentially within a step (``exponential_euler``), a neuron spikes once a step at most, spikes arrive a step
    later. What nothing depends on is left out: without apical conductance, the feedback.

Brian2 is an extra (``pip install 'spikelearn[brian2]'``). It changes the process it is imported into (signal handlers,
logging, preferences), so whatever uses it belongs into a process of its own: `apart`.
"""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, NamedTuple, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from spikelearn.engines import Clock
from spikelearn.errors import InputError
from spikelearn.examples import Images
from spikelearn.model import Model
from spikelearn.network import Network
from spikelearn.neurons import Synapse
from spikelearn.phases import STEPS, Phases
from spikelearn.storage import peak_memory_mb
from spikelearn.units import ms
from spikelearn.weights import Weights

DT = 1.0 * ms
FORGOTTEN = 1e-20  # traces go no lower: on denormal numbers, matrix products are ten times slower
STEP = 20.0  # both P of Table 1, times rate_max or its square

T = TypeVar("T")


class Unavailable(Exception):
    """A peer cannot run here; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a peer is timed on.

    Parameters
    ----------
    model : Model
        Its rule is taken to be the plateau rule.
    weights : Weights
        To start from.
    images : Images
        Shown in their order, again from the first after the last.
    examples, test_images : int
        How many are timed in training and in testing.
    """

    model: Model
    weights: Weights
    images: Images
    examples: int
    test_images: int

    def shown(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return intensities, (n, n_inputs) float32, and labels, (n,) int64, of the first `n` examples."""
        index = np.arange(n) % len(self.images)
        return self.images.intensities(index), self.images.y[index]


class Times(NamedTuple):
    """How long a peer took."""

    settings: dict[str, Any]
    train_ms: float  # an example
    test_ms: float  # an image
    compile_s: float  # before the first step
    peak_memory_mb: float | None  # of the process


def apart(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in a new process: its memory is counted by itself, and what it changes ends with it.

    Raises
    ------
    Unavailable
        The process died. Exceptions of the function come as they are.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise Unavailable("its process was killed, perhaps for want of memory; time a smaller network") from error


# -- NumPy ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class NumPy:
    """A loop over time steps in plain NumPy, on one thread.

    Parameters
    ----------
    dtype : str
        Of all floats.
    """

    learns = True
    threads = 1

    dtype: str = "float32"

    def time(self, task: Task) -> Times:
        """Time training and testing; both are medians, of an example and of an image."""
        with threadpool_limits(self.threads):
            simulation = NumPyNetwork(task.model.network, task.weights, dtype=self.dtype, rng=np.random.default_rng(1))
            rates = task.model.learning_rates
            train_s = [_timed(simulation.train, *pair, rates) for pair in zip(*task.shown(task.examples), strict=True)]
            test_s = [_timed(simulation.test, image) for image in task.shown(task.test_images)[0]]
        return Times(
            settings={"dt": DT, "dtype": self.dtype},
            train_ms=1000 * float(np.median(train_s)),
            test_ms=1000 * float(np.median(test_s)),
            compile_s=0.0,
            peak_memory_mb=peak_memory_mb(),
        )


def _timed(function: Callable[..., Any], *arguments: Any) -> float:
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


class Traces:
    """Filtered spikes of one layer (equations 11 and 12) as the difference of two exponentials.

    Parameters
    ----------
    synapse : Synapse
        Without cut-off.
    n : int
        Neurons of the layer.
    dtype : str
    """

    def __init__(self, synapse: Synapse, n: int, dtype: str) -> None:
        self.keep = np.exp(-DT / np.array([[synapse.tau_decay], [synapse.tau_rise]])).astype(dtype)
        self.scale = 1 / (synapse.tau_decay - synapse.tau_rise)
        self.exponentials = np.zeros((2, n), dtype)

    def rest(self) -> None:
        """Forget all spikes."""
        self.exponentials[:] = 0

    def add(self, counts: np.ndarray) -> np.ndarray:
        """Take a step with these spikes, (n,) counts; return the potentials they evoke, (n,) spikes/ms."""
        self.exponentials += counts
        self.exponentials *= self.keep
        np.maximum(self.exponentials, FORGOTTEN, out=self.exponentials)
        return self.scale * (self.exponentials[0] - self.exponentials[1])


class Recent:
    """Filtered spikes of one layer where the kernel has a cut-off: the kernel times the spikes before it.

    Parameters
    ----------
    synapse : Synapse
    cutoff : float
        That of the synapse, ms.
    n : int
        Neurons of the layer.
    dtype : str
    """

    def __init__(self, synapse: Synapse, cutoff: float, n: int, dtype: str) -> None:
        memory = Clock(dt=DT).steps("Synapse.cutoff", cutoff)
        age = DT * (1 + (np.arange(memory)[:, None] - np.arange(memory)) % memory)  # of each row, at each position
        kernel = np.exp(-age / synapse.tau_decay) - np.exp(-age / synapse.tau_rise)
        self.kernels = (kernel / (synapse.tau_decay - synapse.tau_rise)).astype(dtype)
        self.counts = np.zeros((memory, n), dtype)  # of the last steps, a ring
        self.position = 0

    def rest(self) -> None:
        """Forget all spikes."""
        self.counts[:] = 0

    def add(self, counts: np.ndarray) -> np.ndarray:
        """Take a step with these spikes, (n,) counts; return the potentials they evoke, (n,) spikes/ms."""
        position, self.position = self.position, (self.position + 1) % len(self.counts)
        self.counts[position] = counts
        return self.kernels[position] @ self.counts


def _synapses(synapse: Synapse, n: int, dtype: str) -> Traces | Recent:
    cutoff = synapse.cutoff
    return Traces(synapse, n, dtype) if cutoff is None else Recent(synapse, cutoff, n, dtype)


class NumPyNetwork:
    """State of a network, advanced by forward Euler in the authors' order of events, and its learning.

    Parameters
    ----------
    network : Network
    weights : Weights
        Copied.
    dtype : str
    rng : numpy.random.Generator
        Draws all spikes and the lengths of phases.
    """

    def __init__(self, network: Network, weights: Weights, *, dtype: str, rng: np.random.Generator) -> None:
        self.network, self.rng = network, rng
        self.W, self.b, self.Y, self.c = ([np.array(a, dtype) for a in layers] for layers in vars(weights).values())
        self.synapses = [_synapses(network.synapse, n, dtype) for n in network.sizes]
        self.psp = [np.zeros(n, dtype) for n in network.sizes]  # inputs and layers
        self.v_soma, self.activity = ([np.zeros(n, dtype) for n in network.sizes[1:]] for _ in range(2))
        self.v_apical = [np.zeros(n, dtype) for n in network.sizes[1:-1]]

    def rest(self) -> None:
        """Forget all activity."""
        for synapses in self.synapses:
            synapses.rest()
        for v in (*self.psp, *self.v_soma):
            v[:] = 0

    def advance(self, counts: np.ndarray, reversal: np.ndarray | None) -> None:
        """Take a step, layers from the bottom up; apical dendrites see the output spikes of the step before.

        Parameters
        ----------
        counts : (n_inputs,) int array
            Input spikes.
        reversal : (n_outputs,) float array or None
            Reversal potentials of the teaching currents; None while they are off.
        """
        neurons, output = self.network.hidden_neurons, self.network.output
        self.v_apical = [Y @ self.psp[-1] + c for Y, c in zip(self.Y, self.c, strict=True)]
        for layer, (W, b, v) in enumerate(zip(self.W, self.b, self.v_soma, strict=True)):
            self.psp[layer] = self.synapses[layer].add(counts)
            v_dendrite = W @ self.psp[layer] + b
            if layer < self.network.n_hidden:
                hidden = neurons[layer]
                change = hidden.g_basal * (v_dendrite - v) - hidden.g_leak * v
                if hidden.g_apical:
                    change += hidden.g_apical * (self.v_apical[layer] - v)
            else:
                change = output.g_dendrite * (v_dendrite - v) - output.g_leak * v
                if reversal is not None:
                    change += output.g_teach * (reversal - v)
            v += DT * change
            self.activity[layer] = self.network.curves[layer].value(v)
            counts = self.rng.poisson(self.network.rate_max * DT * self.activity[layer])
        self.psp[-1] = self.synapses[-1].add(counts)

    def run(
        self,
        intensity: np.ndarray,
        n_steps: int,
        window: int,
        averaged: tuple[str, ...],
        reversal: np.ndarray | None = None,
    ) -> list[list[np.ndarray]]:
        """Show an image for `n_steps`; return means over the last `window` steps.

        Parameters
        ----------
        intensity : (n_inputs,) float array
        n_steps, window : int
        averaged : tuple of str
            Names of lists of arrays.
        reversal : (n_outputs,) float array or None

        Returns
        -------
        list of lists of arrays
        """
        inputs = self.rng.poisson(self.network.rate_max * DT * intensity, (n_steps, len(intensity)))
        means = [[np.zeros_like(array) for array in getattr(self, name)] for name in averaged]
        for step, counts in enumerate(inputs):
            self.advance(counts, reversal)
            if step >= n_steps - window:
                for name, arrays in zip(averaged, means, strict=True):
                    for mean, now in zip(arrays, getattr(self, name), strict=True):
                        mean += now / window
        return means

    def train(self, intensity: np.ndarray, label: int, learning_rates: tuple[float, ...]) -> list[float]:
        """Show an image in both phases and learn (equations 28, 29, 33, 35); return the loss of each layer."""
        network, output = self.network, self.network.output
        if not network.carry_state:
            self.rest()
        (forward, forward_window), (target, target_window) = phase_steps(network.phases, self.rng)
        psp, v, apical = self.run(intensity, forward, forward_window, ("psp", "v_soma", "v_apical"))
        classes = np.arange(network.sizes[-1]) // network.population
        reversal = np.where(classes == label, output.e_excite, output.e_inhibit)
        reversal = reversal.astype(v[-1].dtype)
        activity, taught = self.run(intensity, target, target_window, ("activity", "v_apical"), reversal)
        losses = []
        for layer in range(network.n_layers):
            curve = network.curves[layer]
            predicted = curve.value(v[layer])
            if layer < network.n_hidden:
                plateau = network.hidden_neurons[layer].plateau
                difference = plateau.value(taught[layer]) - plateau.value(apical[layer])
                losses.append(float(difference @ difference))
            else:
                difference = activity[layer] - predicted
                losses.append(network.rate_max**2 * float(difference @ difference))
            error = STEP * network.dendrite_gains[layer] * difference * curve.slope(v[layer])
            self.W[layer] += np.outer(learning_rates[layer] * error, psp[layer])
            self.b[layer] += learning_rates[layer] * error
        return losses

    def test(self, intensity: np.ndarray) -> int:
        """Show an image to the network at rest; return the class whose outputs have the highest mean potential."""
        self.rest()
        n_steps, window = image_steps(self.network.phases)
        (v,) = self.run(intensity, n_steps, window, ("v_soma",))
        return int(np.argmax(v[-1].reshape(-1, self.network.population).sum(axis=1)))


def phase_steps(phases: Phases, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Draw the steps of both phases of a training example; return those and the steps that are averaged."""
    if phases.order != STEPS:
        raise InputError(f"peers know a forward phase, a target phase and learning, not Phases.order={phases.order}")
    lengths = round(phases.minimum / DT) + (rng.wald(phases.extra_mean, phases.extra_shape, 2) / DT).astype(int)
    return [(int(n), round((n * DT - phases.settle if phases.window is None else phases.window) / DT)) for n in lengths]


def image_steps(phases: Phases) -> tuple[int, int]:
    """Return the steps of a test image, and those that are averaged."""
    return round(phases.test / DT), round((phases.test - phases.settle) / DT)


# -- Brian2 -----------------------------------------------------------------------------------------------------------


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


Peer = NumPy | Brian2
PEERS = NumPy(), Brian2()


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
