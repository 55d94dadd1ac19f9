"""Dense and locally connected layers: Bartunov et al.'s (2018) table on MNIST, and the same on Fashion-MNIST.

Five dense layers of 256 units for 60 epochs; two locally connected layers and a dense one of 1024 for 15. Published are
the best test errors of 500 epochs, with rates searched for each rule and architecture; ours are of the last epoch, with
the registry's rates, found on MNIST with two hidden layers. Resumable.

    python experiments/local.py --scale paper
"""

from typing import Any

from compared import main

from spikelearn.ratenet import architecture
from spikelearn.ratenet.architectures import patchwise

RULES = ("fa", "dfa", "dtp", "dtp-parallel", "sdtp", "sdtp-parallel", "ao-sdtp", "ao-sdtp-parallel")
EPOCHS = {"dense": 60, "local": 15}
SHARE = {"laptop": 15, "paper": 1}  # of the epochs


def layers(kind: str) -> dict[str, Any]:
    """Return sizes and local layers of an architecture of the paper."""
    found = architecture(f"mnist-{kind}")
    return {"sizes": found.sizes, "local": found.local}


SMALL = patchwise((8, 8, 1), ((3, 4, 2), (2, 3, 2)), (12, 10))
COMPARISONS: dict[str, dict[str, dict[str, Any]]] = {
    "smoke": {
        "digits, dense": {"data": "digits", "sizes": (64, 12, 12, 12, 10), "epochs": 1, "examples": 300},
        "digits, local": {"data": "digits", "sizes": SMALL.sizes, "local": SMALL.local, "epochs": 1, "examples": 300},
    },
}
for scale, share in SHARE.items():
    COMPARISONS[scale] = {
        f"{data}, {kind}": {"data": data, **layers(kind), "epochs": epochs // share}
        for kind, epochs in EPOCHS.items()
        for data in ("mnist", "fashion")
    }
for comparisons in COMPARISONS.values():
    for numbers in comparisons.values():
        numbers["rules"] = RULES

if __name__ == "__main__":
    main("local", __doc__, COMPARISONS)
