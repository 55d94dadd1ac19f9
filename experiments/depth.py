"""How deep does each rule reach? Error, and angle to backpropagation in each layer, of one to ten hidden layers.

MNIST-1D (Greydanus 2020), hidden layers of 100 units. Rates are those of the registry, found with two hidden layers;
the spiking network has rates for two at most. Resumable.

    python experiments/depth.py --scale paper
"""

from typing import Any

from compared import main

RULES = ("fa", "dfa", "kp", "mirror", "dtp", "hsic")
DEPTHS = {"smoke": (1, 2, 3), "laptop": (1, 2, 4, 8), "paper": tuple(range(1, 11))}
UNITS = {"smoke": 12, "laptop": 100, "paper": 100}
NUMBERS: dict[str, dict[str, Any]] = {
    "smoke": {"epochs": 1, "examples": 500},
    "laptop": {"epochs": 20},
    "paper": {"epochs": 100},
}
SPIKING = 2  # hidden layers at most


def rules(scale: str, depth: int) -> tuple[str, ...]:
    """Return the rules that are compared at a depth."""
    return RULES if depth > SPIKING or scale == "smoke" else (*RULES, "spiking")


COMPARISONS = {
    scale: {
        str(depth): {
            "data": "mnist-1d",
            "sizes": (40, *depth * (UNITS[scale],), 10),
            "rules": rules(scale, depth),
            **NUMBERS[scale],
        }
        for depth in depths
    }
    for scale, depths in DEPTHS.items()
}

if __name__ == "__main__":
    main("depth", __doc__, COMPARISONS)
