"""What figures that compare rules share: names, errors at the end, and words for captions."""

NAMES = {
    "bp": "backpropagation",
    "shallow": "output layer only",
    "fa": "feedback alignment",
    "dfa": "direct feedback alignment",
    "dtp": "target propagation",
    "dtp-parallel": "target propagation, parallel",
    "sdtp": "simplified target prop.",
    "sdtp-parallel": "simplified t. p., parallel",
    "ao-sdtp": "auxiliary outputs",
    "ao-sdtp-parallel": "auxiliary outputs, parallel",
    "sign": "sign symmetry",
    "mirror": "weight mirror",
    "kp": "Kolen-Pollack",
    "hsic": "HSIC bottleneck",
    "am": "alternating minimisation",
    "dbn": "deep belief network",
    "ep": "equilibrium propagation",
    "microcircuit": "dendritic microcircuit",
    "burst": "burst propagation",
    "np": "node perturbation",
    "wp": "weight perturbation",
    "es": "evolution strategies",
    "ga": "genetic algorithm",
    "hash": "winners by hashing",
    "meta": "learned local rule",
    "bp-binary": "backprop., binary units",
    "bp-dropout": "backprop., dropout",
    "spiking": "plateaus, spiking",
}


def last(results: list[dict]) -> dict[str, list[float]]:
    """Return for each rule the test error of each seed after the last epoch; those that diverged are left out."""
    found: dict[str, list[float]] = {}
    for result in results:
        errors = found.setdefault(result["rule"], [])
        if result["diverged"] is None:
            errors.append(result["test_error"][-1])
    return found


def diverged(comparisons: dict) -> str:
    """Say which rules diverged with some seed."""
    results = [result for found in comparisons.values() for result in found["results"]]
    names = list(dict.fromkeys(result["rule"] for result in results if result["diverged"] is not None))
    return f" Diverged with some seed: {', '.join(NAMES[name] for name in names)}." if names else ""


def seeds(found: dict) -> str:
    """Say how many seeds a comparison has."""
    n = len({result["seed"] for result in found["results"]})
    return "1 seed" if n == 1 else f"{n} seeds"
