"""Networks by name: those on which Bartunov et al. (2018) compared rules, dense and locally connected."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from spikelearn.errors import check_name
from spikelearn.ratenet.connections import Local

__all__ = ["ARCHITECTURES", "Architecture", "architecture"]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Layers, to be made a network by a rule: ``entry("fa").network(found.sizes, found.local)``.

    Parameters
    ----------
    sizes : tuple of int
        Units of each layer, input first.
    local : tuple of Local
        How the lowest layers see the image; all others are dense.
    """

    sizes: tuple[int, ...]
    local: tuple[Local, ...] = ()


def patchwise(
    image: tuple[int, int, int], patches: Sequence[tuple[int, int, int]], dense: Sequence[int]
) -> Architecture:
    """Return an architecture of locally connected layers, and dense ones above.

    Parameters
    ----------
    image : (rows, columns, channels) of int
        Of the input.
    patches : sequence of (kernel, channels, stride)
        Of each local layer, lowest first.
    dense : sequence of int
        Units of each dense layer, output last.

    Returns
    -------
    Architecture
        The layers.

    Raises
    ------
    InputError
        A patch does not fit its image.
    """
    local: list[Local] = []
    for kernel, channels, stride in patches:
        seen = local[-1].out if local else image
        local.append(Local(image=seen, kernel=kernel, channels=channels, stride=stride))
    return Architecture(sizes=(math.prod(image), *(layer.post for layer in local), *dense), local=tuple(local))


ARCHITECTURES: dict[str, Architecture] = {
    "mnist-dense": Architecture(sizes=(784, *5 * (256,), 10)),
    "mnist-local": patchwise((28, 28, 1), ((3, 32, 2), (3, 64, 2)), (1024, 10)),
    "cifar-dense": Architecture(sizes=(3072, *3 * (1024,), 10)),
    # The stride of the third local layer is not printed: 1.
    "cifar-local": patchwise((32, 32, 3), ((5, 64, 2), (5, 128, 2), (3, 256, 1)), (1024, 10)),
}


def architecture(name: str) -> Architecture:
    """Return the layers of a name.

    Parameters
    ----------
    name : str
        A key of `ARCHITECTURES`, such as ``"mnist-local"``.

    Returns
    -------
    Architecture
        Its layers.

    Raises
    ------
    InputError
        There is no such name; the message suggests the nearest.
    """
    check_name("architecture", name, ARCHITECTURES)
    return ARCHITECTURES[name]
