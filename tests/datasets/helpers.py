"""A tiny set of images, in memory and as files."""

import gzip

import numpy as np

from spikelearn.datasets import IDX_NAMES, Images


def idx_bytes(array, kind=0x08):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, kind, array.ndim]) + sizes + array.tobytes()


def tiny_set(seed=0):
    """Contents of the four files: 6 training and 4 test images of 3x2 pixels, classes 0..2."""
    rng = np.random.default_rng(seed)
    train, test = (rng.integers(0, 256, (n, 3, 2)).astype(np.uint8) for n in (6, 4))
    labels = np.array([0, 1, 2, 0, 1, 2], np.uint8)
    return dict(zip(IDX_NAMES, map(idx_bytes, (train, labels, test, labels[:4])), strict=True))


def write_set(folder, files, gz=True):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}{'.gz' if gz else ''}").write_bytes(gzip.compress(content) if gz else content)
    return folder


def images(**changes):
    return Images(**{"x": np.zeros((4, 6), np.uint8), "y": [0, 1, 2, 0], "n_classes": 3, "name": "toy"} | changes)


def damaged(content, rng):
    """Change one to three bytes, and cut off the end of every fifth."""
    found = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        found[rng.integers(len(found))] = rng.integers(256)
    return bytes(found[: rng.integers(len(found))] if rng.random() < 0.2 else found)
