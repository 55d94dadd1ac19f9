"""How fast is backpropagation here, against the matrix products alone? Prints both; one thread.

Counted are the floating-point operations of the matrix products of one minibatch: forward, errors, weight gradients.
The plain time is that of a single product of 128 x 784 by 784 x n with as many operations.
"""

import argparse
import time
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from spikelearn.datasets import Images
from spikelearn.ratenet import SGD, Adam, rules
from spikelearn.ratenet.fit import begin, minibatches
from spikelearn.ratenet.network import RateNetwork
from spikelearn.ratenet.streams import stream


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


def main() -> None:
    """Time by turns, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="784,256,256,10")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=100, help="minibatches a round")
    options = parser.parse_args()
    sizes = tuple(int(size) for size in options.sizes.split(","))
    count = operations(sizes, 128)
    times: dict[str, list[float]] = {"sgd": [], "adam": [], "product": []}
    with threadpool_limits(1):
        for _ in range(options.rounds):
            times["sgd"] += seconds_of_training(sizes, rules.Backprop(optimiser=SGD(rate=1e-3)), options.steps)
            times["adam"] += seconds_of_training(sizes, rules.Backprop(optimiser=Adam()), options.steps)
            times["product"] += seconds_of_product(count, 128, sizes[0], options.steps)
    plain = median(times["product"])
    print(f"{count / 1e6:.0f} million operations a minibatch of 128; plain product {1e3 * plain:.2f} ms")
    for name in ("sgd", "adam"):
        own = median(times[name])
        print(f"backprop, {name}: {1e3 * own:.2f} ms, {100 * plain / own:.0f} % of the plain product's speed")


if __name__ == "__main__":
    main()
