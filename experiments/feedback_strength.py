"""Not in the paper: are figures 8B and 8D about the kind of feedback, or about its strength.

Random feedback as strong as the sparse and as the symmetric one, and random feedback whose hidden layer learns faster
by that factor, beside those two; 20 epochs.

    python experiments/feedback_strength.py --scale paper
"""

from conditions import STRONGER
from protocol import compare_networks

NAMES = (
    "one-hidden",
    "sparse",
    "symmetric",
    *(f"{kind}-{times:g}" for kind in ("gain", "hidden-rate") for times in STRONGER),
)

if __name__ == "__main__":
    compare_networks("feedback_strength", __doc__, NAMES)
