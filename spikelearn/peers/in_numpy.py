"""The clock engine once more, in plain NumPy: a loop over time steps, learning included."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from spikelearn.engines import Clock
from spikelearn.network import Network
from spikelearn.neurons import Synapse
from spikelearn.peers.task import DT, Task, Times, image_steps, phase_steps
from spikelearn.storage import peak_memory_mb
from spikelearn.weights import Weights

FORGOTTEN = 1e-20  # traces go no lower: on denormal numbers, matrix products are ten times slower
STEP = 20.0  # both P of Table 1, times rate_max or its square


@dataclass(frozen=True, kw_only=True)
class NumPy:
    """A loop over time steps in plain NumPy, on one thread.

    Parameters
    ----------
    dtype : str
        Type of all floats.
    """

    learns = True
    threads = 1

    dtype: str = "float32"

    def time(self, task: Task) -> Times:
        """Time training and testing; both are medians, of an example and of an image.

        Parameters
        ----------
        task : Task
            What to run.

        Returns
        -------
        Times
            The times, ms, and the memory.
        """
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
