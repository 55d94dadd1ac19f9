r"""Equilibrium propagation: a network with symmetric connections settles twice, the second time nudged to the target.

.. math::
    E = \tfrac12 \sum s^2 - \sum_l s_{l+1}^T W_l s_l - \sum b^T s,\quad C = \|s_{out} - t\|^2,\quad F = E + \beta C \\
    s \leftarrow \mathrm{clip}(s - \epsilon\, dF/ds, 0, 1),\quad
    \Delta W_l \propto (\langle s_{l+1} s_l^T \rangle_{\beta} - \langle s_{l+1} s_l^T \rangle_0) / \beta

The sign of ``beta`` is drawn for each minibatch, which on average removes the first-order bias of a finite ``beta``.
Units start from a pass without feedback; images are held at the input. As ``beta`` shrinks, the update becomes the
gradient of C at the free fixed point. `reference` computes that gradient: errors settle through the same connections,

.. math::
    \lambda \leftarrow (1 - \epsilon) \lambda + \epsilon D (dC/ds + \text{connections} \cdot \lambda),\quad
    D = 1 \text{ for } s \text{ inside } (0, 1), \text{ else } 0

Source: Scellier & Bengio, Frontiers in Computational Neuroscience 11:24 (2017); C without 1/2 as in the authors' code.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikelearn.errors import check_range
from spikelearn.ratenet.activations import Clip
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.outputs import LinearOutput
from spikelearn.ratenet.parameters import Parameters
from spikelearn.ratenet.rule import Batch, Rule, State
from spikelearn.ratenet.shared import need_dense, need_deterministic_hidden


@dataclass(frozen=True, kw_only=True)
class EquilibriumPropagation(Rule):
    """Learning from the difference of two phases of settling.

    Parameters
    ----------
    beta : float
        Strength of the nudge.
    step : float
        Step of the settling, epsilon, within (0, 1].
    free, nudged : int
        Number of steps without and with the nudge.
    """

    beta: float = 0.5
    step: float = 0.5
    free: int = 30
    nudged: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("EquilibriumPropagation.beta", self.beta, above=0)
        check_range("EquilibriumPropagation.step", self.step, above=0, at_most=1)
        for name in ("free", "nudged"):
            check_range(f"EquilibriumPropagation.{name}", getattr(self, name), at_least=1, integer=True)

    def network(self, sizes: Sequence[int]) -> RateNetwork:
        """Describe a network of clipped units with a linear output; `outputs` clips that, too."""
        return RateNetwork(sizes=tuple(sizes), activation=Clip(), output=LinearOutput())

    def check(self, network: RateNetwork) -> None:
        """Raise `InputError` for a network without hidden layers, with units that draw, or local layers."""
        need_deterministic_hidden(self, network)
        need_dense(self, network)

    def settle(
        self,
        parameters: Parameters,
        drive: np.ndarray,
        s: list[np.ndarray],
        steps: int,
        nudge: tuple[float, np.ndarray] | None = None,
    ) -> list[np.ndarray]:
        """Return the activities after some steps of settling.

        Parameters
        ----------
        parameters : Parameters
            Weights and biases.
        drive : (n, units) array
            Input of the lowest hidden layer from the images, constant while the layers settle.
        s : list of (n, units) arrays
            Activities at the start, of all layers above the input; not changed.
        steps : int
            Number of steps.
        nudge : (float, (n, outputs) array), optional
            Strength beta and the targets.

        Returns
        -------
        list of (n, units) arrays
            Activities at the end, of all layers above the input.
        """
        W, b, top = parameters.W, parameters.b, len(s) - 1
        s = [layer.copy() for layer in s]
        for _ in range(steps):
            pulls = []
            for k in range(len(s)):
                pull = drive.copy() if k == 0 else s[k - 1] @ W[k].T + b[k]
                if k < top:
                    pull += s[k + 1] @ W[k + 1]
                elif nudge is not None:
                    beta, target = nudge
                    pull += 2 * beta * (target - s[k])
                pulls.append(pull)
            for layer, pull in zip(s, pulls, strict=True):
                layer *= 1 - self.step
                pull *= self.step
                layer += pull
                np.clip(layer, 0, 1, out=layer)
        return s

    def free_phase(self, parameters: Parameters, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the drive of the images, and the activities to which all units settle.

        Parameters
        ----------
        parameters : Parameters
            Weights and biases.
        x : (n, inputs) array
            Intensities, 0..1.

        Returns
        -------
        drive : (n, units) array
            Input of the lowest hidden layer from the images.
        s : list of (n, units) arrays
            Settled activities of all layers above the input.
        """
        drive = x @ parameters.W[0].T + parameters.b[0]
        s = [np.clip(drive, 0, 1)]
        for W, b in zip(parameters.W[1:], parameters.b[1:], strict=True):
            s.append(np.clip(s[-1] @ W.T + b, 0, 1))
        return drive, self.settle(parameters, drive, s, self.free)

    def phases(self, state: State, batch: Batch, beta: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the activities to which units settle without and with the nudge.

        Parameters
        ----------
        state : State
            The network while it learns.
        batch : Batch
            The examples.
        beta : float
            Strength of the nudge, with its sign.

        Returns
        -------
        free : list of (n, units) arrays
            Activities without the nudge, of all layers above the input.
        nudged : list of (n, units) arrays
            Activities with the nudge.
        """
        drive, free = self.free_phase(state.parameters, batch.x)
        return free, self.settle(state.parameters, drive, free, self.nudged, (beta, batch.target))

    def gradients(self, state: State, batch: Batch, rng: np.random.Generator) -> Parameters:
        """Return the difference of the two phases' correlations, with a sign of beta drawn anew."""
        beta = self.beta * rng.choice((-1, 1))
        free, nudged = ([batch.x, *s] for s in self.phases(state, batch, beta))
        scale = 1 / (beta * len(batch.x))
        for k in range(len(free) - 1):
            W, b = state.gradient.W[k], state.gradient.b[k]
            np.matmul((free[k + 1] * scale).T, free[k], out=W)
            W -= (nudged[k + 1] * scale).T @ nudged[k]
            b[:] = scale * (free[k + 1] - nudged[k + 1]).sum(axis=0)
        return state.gradient

    def teaching(self, state: State, batch: Batch, rng: np.random.Generator) -> list[np.ndarray]:
        """Return how far the nudge moves the hidden units, with the sign that points uphill."""
        free, nudged = self.phases(state, batch, self.beta)
        return [first - second for first, second in zip(free[:-1], nudged[:-1], strict=True)]

    def reference(self, state: State, batch: Batch, rng: np.random.Generator) -> list[np.ndarray]:
        """Return the gradient of the loss with respect to the input of each hidden unit at the free fixed point."""
        _, s = self.free_phase(state.parameters, batch.x)
        inside = [((layer > 0) & (layer < 1)).astype(layer.dtype) for layer in s]
        slope = [np.zeros_like(layer) for layer in s]
        slope[-1] = 2 * (s[-1] - batch.target)
        W, top = state.parameters.W, len(s) - 1
        errors = [np.zeros_like(layer) for layer in s]
        for _ in range(4 * self.free):
            sent = []
            for k in range(len(s)):
                total = slope[k] + (errors[k - 1] @ W[k].T if k > 0 else 0)
                sent.append(total + errors[k + 1] @ W[k + 1] if k < top else total)
            errors = [(1 - self.step) * e + self.step * d * t for e, d, t in zip(errors, inside, sent, strict=True)]
        return errors[:-1]

    def alignment(self, state: State) -> tuple[float, ...]:
        """Return zeros: the same connections carry both directions."""
        return (0.0,) * state.network.n_hidden

    def outputs(self, state: State, x: np.ndarray) -> np.ndarray:
        """Return the activities to which the outputs settle without a nudge."""
        return self.free_phase(state.parameters, x)[1][-1]
