"""What of a training goes into a checkpoint, as arrays by name, and back."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spikelearn.errors import InputError
from spikelearn.network import Network
from spikelearn.weights import Weights


def pack(weights: Weights, state: Mapping[str, np.ndarray], average: Weights | None = None) -> dict[str, np.ndarray]:
    """Return the arrays that a checkpoint needs to go on exactly: weights, and what examples leave to the next."""
    arrays = {f"state/{name}": array for name, array in state.items()}
    for prefix, kept in {"": weights, "average/": average}.items():
        if kept is not None:
            for name, layers in vars(kept).items():
                arrays |= {f"{prefix}{name}/{layer}": array for layer, array in enumerate(layers)}
    return arrays


def unpack(
    arrays: Mapping[str, np.ndarray], network: Network, path: Path
) -> tuple[Weights, dict[str, np.ndarray], Weights | None]:
    """Return weights, state and averaged weights that `pack` took.

    Raises
    ------
    InputError
        The file at `path` is another network's.
    """
    try:
        weights = weights_in(arrays, network.n_layers)
    except KeyError as missing:
        raise InputError(
            f"{path} belongs to another network: it has no {missing}; config.json has sizes {network.sizes}"
        ) from missing
    if weights.sizes != network.sizes:
        raise InputError(
            f"{path} belongs to another network: it has sizes {weights.sizes}, config.json {network.sizes}"
        )
    averages, state = (_below(arrays, prefix) for prefix in ("average/", "state/"))
    return weights, state, weights_in(averages, network.n_layers) if averages else None


def _below(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def weights_in(arrays: Mapping[str, np.ndarray], n_layers: int) -> Weights:
    """Return the weights in a checkpoint; a KeyError names what it has not."""
    return Weights(
        tuple(arrays[f"W/{layer}"] for layer in range(n_layers)),
        tuple(arrays[f"b/{layer}"] for layer in range(n_layers)),
        tuple(arrays[f"Y/{layer}"] for layer in range(n_layers - 1)),
        # Files from before there were such biases have none.
        tuple(arrays.get(f"c/{layer}", 0 * arrays[f"b/{layer}"]) for layer in range(n_layers - 1)),
    )
