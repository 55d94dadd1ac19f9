"""Where simple tasks stop: all rules on two small tasks that a linear classifier cannot do. Resumable.

Yin-yang (Kriener et al. 2022), three areas of a plane, and MNIST-1D (Greydanus 2020), signals that are shifted, scaled
and noisy; each beside its linear classifier. Rates are those of the registry, found on MNIST and on the digits.

    python experiments/harder.py --scale paper
"""

from typing import Any

from compared import main

FEW = ("fa", "np", "wp")
LINEAR: dict[str, Any] = {"rules": ("bp",)}
COMPARISONS: dict[str, dict[str, dict[str, Any]]] = {
    "smoke": {
        "yin-yang": {"data": "yin-yang", "sizes": (4, 12, 12, 3), "epochs": 2, "rules": FEW},
        "yin-yang, linear": {"data": "yin-yang", "sizes": (4, 3), "epochs": 2, **LINEAR},
        "mnist-1d": {"data": "mnist-1d", "sizes": (40, 12, 12, 10), "epochs": 2, "rules": FEW, "examples": 500},
        "mnist-1d, linear": {"data": "mnist-1d", "sizes": (40, 10), "epochs": 2, "examples": 500, **LINEAR},
    },
    "paper": {
        "yin-yang": {"data": "yin-yang", "sizes": (4, 120, 120, 3), "epochs": 200},
        "yin-yang, linear": {"data": "yin-yang", "sizes": (4, 3), "epochs": 200, **LINEAR},
        "mnist-1d": {"data": "mnist-1d", "sizes": (40, 256, 256, 10), "epochs": 100},
        "mnist-1d, linear": {"data": "mnist-1d", "sizes": (40, 10), "epochs": 100, **LINEAR},
    },
}
COMPARISONS["laptop"] = {
    name: {**numbers, "epochs": numbers["epochs"] // 5} for name, numbers in COMPARISONS["paper"].items()
}

if __name__ == "__main__":
    main("harder", __doc__, COMPARISONS)
