"""What a core carries from example to example: copied, rolled back, written out and taken up again."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikelearn.core import trial
from spikelearn.core.layer import Network, Spikes
from spikelearn.core.registered import registered
from spikelearn.core.rules import Silent
from spikelearn.engines import packing
from spikelearn.errors import InputError
from spikelearn.network import Network as Description
from spikelearn.weights import Weights

Snapshot = list[np.ndarray]  # what training changes and the next example reads, in the core's order


class Carried(ABC):
    """Records of a network, of which weights and activity can be taken out and put back."""

    engine: Any
    network: Description
    _net: Network
    _slot: float  # ms
    _memory: int  # slots after which a spike is forgotten, 0: never
    _rules: tuple[Any, Any]
    _float: Any

    @abstractmethod
    def _make_room(self, images: np.ndarray, durations: np.ndarray, n_given: int = 0) -> None:
        """Let the buffers hold the spikes of the brightest image in the longest trial, and what is remembered."""

    def prepare(self, rule: Any, compare: Any = None) -> None:
        """Make room for the numbers that a rule keeps, and for those of one that it is compared with.

        Parameters
        ----------
        rule : Rule
            The rule that will learn.
        compare : Rule, optional
            A rule to whose errors the angle is measured.

        Raises
        ------
        InputError
            The rule compared with keeps numbers of its own, so it cannot be compared with.
        """
        if (rule, compare) == self._rules:
            return
        asks, others = (
            registered(type(Silent() if each is None else each.constants())).asks for each in (rule, compare)
        )
        if others.memory or others.traces:
            raise InputError(
                f"{type(compare).__name__} keeps numbers from example to example, so it can learn, but not be "
                f"compared with"
            )
        self._net = packing.equip(self._net, asks, others, self._float)
        self._rules = rule, compare

    @property
    def _rule_name(self) -> str:
        return type(self._rules[0]).__name__

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy, or pickle, what the core holds: its arrays are views of each other, and copies of them would not be."""
        return _rebuilt, (self.engine, self.network, self.weights, self.state(), self._rules)

    def snapshot(self, spare: Snapshot | None = None) -> Snapshot:
        """Return a copy of all that training changes, for `rollback`.

        Parameters
        ----------
        spare : list of arrays of any shape, optional
            An older snapshot whose memory is used again.

        Returns
        -------
        list of arrays of any shape
            Weights, potentials and spikes in the core's order.
        """
        carried = self._carried()
        if spare is None or [old.shape for old in spare] != [array.shape for array in carried]:
            return [array.copy() for array in carried]
        for old, array in zip(spare, carried, strict=True):  # twenty times as fast as new memory
            old[:] = array
        return spare

    def rollback(self, snapshot: Snapshot) -> None:
        """Restore the state at which this core's `snapshot` was taken.

        Parameters
        ----------
        snapshot : list of arrays of any shape
            What `snapshot` returned.
        """
        for array, before in zip(self._carried(), snapshot, strict=True):
            array[: len(before)] = before  # buffers may have grown since

    def _carried(self) -> Snapshot:
        arrays = [self._net.model.elapsed]
        for layer in self._net.layers:
            arrays += [layer.weights, layer.bias, layer.feedback, layer.v_soma, *packing.kept(layer)]
        for _, spikes in self._populations():
            arrays += [spikes.trace, *(getattr(spikes, name) for name in packing.SPIKES)]
        return arrays

    # -- weights and state, in the user's order -------------------------------------------------------------------

    @property
    def weights(self) -> Weights:
        """The present weights, a copy."""
        return packing.get_weights(self._net.layers)

    @weights.setter
    def weights(self, weights: Weights) -> None:
        packing.check_weights(self.network, weights)
        packing.set_weights(self._net.layers, weights)

    def state(self) -> dict[str, np.ndarray]:
        """Return what is carried from example to example: restoring it continues bit for bit.

        Returns
        -------
        dict from str to array of any shape
            A copy of potentials, recent spikes and what a rule keeps.
        """
        trial.settle(self._net)
        state = {}
        for name, spikes in self._populations():
            n = spikes.first[self._memory]
            state[f"{name}_trace"] = spikes.trace.copy()
            state[f"{name}_recent"] = spikes.neuron[:n].copy()
            state[f"{name}_when"] = spikes.time[:n].copy() if len(spikes.time) else self._slots_of(spikes)
        for layer in self._net.layers:
            state[f"layer{layer.number + 1}_v_soma"] = layer.v_soma.reshape(-1)[: layer.n].copy()
            for name, array in packing.get_kept(layer).items():
                state[f"layer{layer.number + 1}_{name}"] = array
        return state

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Continue from a state of the same network and engine.

        Parameters
        ----------
        state : dict from str to array of any shape
            What `state` returned.

        Raises
        ------
        InputError
            The state is another network's, engine's or rule's, or of spikelearn 0.1.
        """
        if "v_soma" in state:
            raise InputError(
                "this state is of spikelearn 0.1, which this version cannot continue; finish the run with "
                "spikelearn 0.1, or train on from its weights: spikelearn.train(..., weights=...)"
            )
        own = self.state()
        for name, array in own.items():
            if name not in state:
                raise InputError(f"state has no {name!r}; it was written by another engine, or with another rule")
            given = state[name]
            is_list = name.endswith(("_recent", "_when"))
            fits = given.ndim == 1 if is_list else given.shape == array.shape
            if is_list:
                fits = fits and len(given) == len(state[name.rpartition("_")[0] + "_recent"])
            if not fits or given.dtype != array.dtype:
                raise InputError(
                    f"state {name!r} of shape {given.shape} {given.dtype} does not fit this network: "
                    f"it needs {array.shape} {array.dtype}"
                )
        for name in state:
            if name.startswith("layer") and name not in own:
                raise InputError(f"state has {name!r}, which nothing here takes up; it was written with another rule")
        # What is remembered may come from images far brighter than those that follow.
        self._make_room(np.ones((1, self.network.sizes[0]), np.float32), np.zeros(1))
        for name, spikes in self._populations():
            spikes.trace[:] = state[f"{name}_trace"]
            recent, when = state[f"{name}_recent"], state[f"{name}_when"]
            if len(recent) > len(spikes.neuron):
                raise InputError(f"state {name}_recent has {len(recent)} spikes, more than can occur")
            spikes.neuron[: len(recent)] = recent
            slots = when
            if len(spikes.time):
                spikes.time[: len(recent)] = when
                slots = np.clip(np.floor(when / self._slot).astype(np.int64) + self._memory, 0, self._memory - 1)
                spikes.left.reshape(-1)[: len(recent)] = (slots + 1 - self._memory) * self._slot - when
            spikes.first[: self._memory + 1] = np.searchsorted(slots, np.arange(self._memory + 1))
        for layer in self._net.layers:
            layer.v_soma.reshape(-1)[: layer.n] = state[f"layer{layer.number + 1}_v_soma"]
            packing.set_kept(
                layer, {name: state[f"layer{layer.number + 1}_{name}"] for name in packing.get_kept(layer)}
            )
        self._net.model.elapsed[:] = 0

    def _populations(self) -> list[tuple[str, Spikes]]:
        layers = self._net.layers
        return [("inputs", self._net.inputs), *((f"layer{layer.number + 1}", layer.spikes) for layer in layers)]

    def _slots_of(self, spikes: Spikes) -> np.ndarray:
        return np.repeat(np.arange(self._memory), np.diff(spikes.first[: self._memory + 1]))


def _rebuilt(
    engine: Any, network: Description, weights: Weights, state: dict[str, np.ndarray], rules: tuple[Any, Any]
) -> Carried:
    """Return a copy of a core, of which these are what it holds."""
    core: Carried = engine.build(network, weights)
    if rules[0] is not None:
        core.prepare(*rules)
    core.restore(state)
    return core
