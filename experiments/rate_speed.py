"""How fast is backpropagation here, against the matrix products alone? Prints both; one thread.

Counted are the floating-point operations of the matrix products of one minibatch: forward, errors, weight gradients.
The plain time is that of a single product of 128 x 784 by 784 x n with as many operations. With ``--architecture`` the
locally connected layers of a network instead: forward, weight gradients, errors (none for the lowest).
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from spikelearn.datasets import Images
from spikelearn.ratenet import ARCHITECTURES, SGD, Adam, architecture, rules
from spikelearn.ratenet.fit import begin, minibatches
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.streams import stream

BATCH = 128


def operations(sizes: tuple[int, ...], batch: int) -> int:
    """Return the operations of the products of a minibatch; the lowest layer sends no error down."""
    products = [pre * post for pre, post in zip(sizes, sizes[1:], strict=False)]
    return 2 * batch * (2 * sum(products) + sum(products[1:]))


def seconds_of_training(sizes: tuple[int, ...], rule, steps: int) -> list[float]:
    """Return the seconds of each minibatch: choosing images, forward and backward pass, the optimiser's step."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (20_000, sizes[0]), np.uint8)
    images = Images(x=pixels, y=rng.integers(0, sizes[-1], len(pixels)), n_classes=sizes[-1], name="noise")
    network = RateNetwork(sizes=sizes)
    state, found = begin(network, rule, 1), []
    batches = minibatches(images, network, rule.batch, stream(1, "order"))
    while len(found) < steps:
        began = time.perf_counter()
        batch = next(batches, None)
        if batch is None:
            batches = minibatches(images, network, rule.batch, stream(1, "order"))
            continue
        rule.learn(state, batch, rng)
        found.append(time.perf_counter() - began)
    return found


def seconds_of_product(n_operations: int, batch: int, inner: int, steps: int) -> list[float]:
    """Return the seconds of one matrix product with so many operations."""
    rng = np.random.default_rng(0)
    a = rng.random((batch, inner), np.float32)
    b = rng.random((inner, round(n_operations / (2 * batch * inner))), np.float32)
    out, found = a @ b, []
    for _ in range(steps):
        began = time.perf_counter()
        np.matmul(a, b, out=out)
        found.append(time.perf_counter() - began)
    return found


def local_layers(name: str, rounds: int, steps: int) -> None:
    """Time the local layers of an architecture by turns with a product of as many operations, and print both."""
    rng, own, plain, count = np.random.default_rng(0), 0.0, 0.0, 0
    for k, layer in enumerate(architecture(name).local):
        W = layer.draw(rng).astype(np.float32)
        h, error = (rng.random((BATCH, size), np.float32) for size in (layer.pre, layer.post))
        gradient = np.empty_like(W)
        parts: list[Callable[[], Any]] = [partial(layer.send, W, h), partial(layer.correlate, error, h, gradient)]
        parts += [partial(layer.reverse.send, layer.turn(W), error)] if k else []
        n_operations = 2 * BATCH * len(parts) * W.size
        times: dict[str, list[float]] = {"local": [], "product": []}
        for _ in range(rounds):
            times["local"] += [sum(seconds(part) for part in parts) for _ in range(steps)]
            times["product"] += seconds_of_product(n_operations, BATCH, 784, steps)
        found = {kind: median(values) for kind, values in times.items()}
        print(
            f"{layer}: {1e3 * found['local']:.2f} ms, {100 * found['product'] / found['local']:.0f} % of the product's"
        )
        own, plain, count = own + found["local"], plain + found["product"], count + n_operations
    print(f"together {count / 1e6:.0f} million operations: {1e3 * own:.2f} ms, {100 * plain / own:.0f} % of the speed")


def seconds(function: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def main() -> None:
    """Time by turns, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="784,256,256,10")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=100, help="minibatches a round")
    parser.add_argument("--architecture", help=f"of {', '.join(ARCHITECTURES)}")
    options = parser.parse_args()
    if options.architecture:
        with threadpool_limits(1):
            local_layers(options.architecture, options.rounds, options.steps)
        return
    sizes = tuple(int(size) for size in options.sizes.split(","))
    count = operations(sizes, BATCH)
    times: dict[str, list[float]] = {"sgd": [], "adam": [], "product": []}
    with threadpool_limits(1):
        for _ in range(options.rounds):
            times["sgd"] += seconds_of_training(sizes, rules.Backprop(optimiser=SGD(rate=1e-3)), options.steps)
            times["adam"] += seconds_of_training(sizes, rules.Backprop(optimiser=Adam()), options.steps)
            times["product"] += seconds_of_product(count, BATCH, sizes[0], options.steps)
    plain = median(times["product"])
    print(f"{count / 1e6:.0f} million operations a minibatch of {BATCH}; plain product {1e3 * plain:.2f} ms")
    for name in ("sgd", "adam"):
        own = median(times[name])
        print(f"backprop, {name}: {1e3 * own:.2f} ms, {100 * plain / own:.0f} % of the plain product's speed")


if __name__ == "__main__":
    main()
