"""A small task, and numerical gradients."""

import numpy as np

from spikelearn.datasets import Dataset, Images
from spikelearn.ratenet.fit import begin
from spikelearn.ratenet.rule import Batch


def blobs(n, seed, pixels=12, classes=3, noise=0.25):
    """Noisy copies of one random pattern a class."""
    patterns = np.random.default_rng(7).random((classes, pixels)) > 0.5
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    x = np.clip(0.5 + 0.4 * (2 * patterns[y] - 1) + noise * rng.standard_normal((n, pixels)), 0, 1)
    return Images(x=x.astype(np.float32), y=y, n_classes=classes, name=f"blobs {seed}")


def task(n=600):
    return Dataset(train=blobs(n, 1), test=blobs(150, 2), name="blobs")


def batch(network, n=5, seed=0):
    """Random images and labels, in the network's own precision."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, network.sizes[0])).astype(network.dtype)
    labels = rng.integers(network.sizes[-1], size=n)
    return Batch(x, np.eye(network.sizes[-1], dtype=network.dtype)[labels])


def state_of(network, rule, seed=1, biases=0.3):
    """A network before learning, with biases that are not zero."""
    state = begin(network, rule, seed)
    rng = np.random.default_rng(seed)
    for b in state.parameters.b:
        b += biases * rng.standard_normal(b.shape)
    return state


def numerical_gradient(function, flat, step=1e-5):
    """Central differences of a number with respect to each entry of an array, which is changed and put back."""
    gradient = np.empty_like(flat)
    for k in range(flat.size):
        kept = flat[k]
        flat[k] = kept + step
        above = function()
        flat[k] = kept - step
        below = function()
        flat[k] = kept
        gradient[k] = (above - below) / (2 * step)
    return gradient


def degrees(first, second):
    """Angle between two arrays or lists of arrays, taken as vectors."""
    first, second = (
        np.concatenate([np.ravel(a) for a in each]) if isinstance(each, list) else np.ravel(each)
        for each in (first, second)
    )
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
