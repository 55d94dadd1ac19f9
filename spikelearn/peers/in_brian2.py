"""The trials of the same networks in Brian2, without learning."""

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spikelearn.network import Network
from spikelearn.peers.brian2_parts import OUTPUT, import_brian2, layers, numbers_of, synapses
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
        Code that Brian2 generates: ``"cython"``, ``"numpy"``, or ``"auto"``: Cython where it finds a compiler.
    """

    learns = False
    threads = 1

    target: str = "auto"

    def time(self, task: Task) -> Times:
        """Time both phases of training examples, without learning, and test images; only in a process of its own.

        What comes before the first step of the first run (generating and compiling code, or loading what was
        compiled before) is `compile_s`; before the second it is not counted.

        Parameters
        ----------
        task : Task
            What to run.

        Returns
        -------
        Times
            The times, ms, and the memory.

        Raises
        ------
        Unavailable
            Brian2 is not installed, or failed.
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
            The network to simulate.
        weights : Weights
            Its weights, which do not change.
        images : (n, n_inputs) float array
            Intensities in [0, 1].
        schedule : Schedule
            Times of phases and of the teaching current.
        seed : int
            Seed of Brian2's random numbers.

        Returns
        -------
        Simulated
            Averages, and the times that it took.

        Raises
        ------
        Unavailable
            Brian2 cannot be imported.
        """
        began = time.perf_counter()
        b2 = import_brian2()
        b2.BrianLogger.log_level_error()
        from brian2.devices.device import auto_target

        b2.prefs.codegen.target = self.target
        b2.defaultclock.dt = DT * b2.ms
        b2.seed(seed)
        parts, monitor = _parts(b2, network, weights, images, schedule)
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


def _parts(
    b2: Any, network: Network, weights: Weights, images: np.ndarray, schedule: Schedule
) -> tuple[list[Any], Any]:
    """Return all objects of the network in Brian2, and among them the monitor of the outputs' potentials."""
    by_step = {
        name: b2.TimedArray(np.asarray(values, float), dt=DT * b2.ms) for name, values in schedule._asdict().items()
    }
    # Image k is found at k ms.
    names = numbers_of(b2, network) | by_step | {"image": b2.TimedArray(images, dt=1 * b2.ms)}
    inputs = b2.PoissonGroup(network.sizes[0], "rate_max*image(shown(t)*ms, i)", namespace=names, name="input")
    # exponential_euler: exact for the synapses, whose equations are linear and by themselves
    output = OUTPUT.format(teaching="teaching(t)", label="label(t)")
    groups = layers(b2, network, weights, names, output, apical=network.coupled, method="exponential_euler")
    parts = synapses(b2, network, "basal", [inputs, *groups[:-1]], groups, weights.W, names=names)
    if network.coupled:
        sources = [groups[layer] for layer in network.feeding]
        parts += synapses(b2, network, "apical", sources, groups[:-1], weights.Y, names=names)
    monitor = b2.StateMonitor(groups[-1], "v", record=True)
    return [inputs, *groups, *parts, monitor], monitor
