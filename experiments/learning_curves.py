"""Figure 6B: do hidden layers help? Test errors over 60 epochs with none, one and two, and what readings do.

Beside the paper's three networks stand the same ones in the reading of the text, and one hidden layer in the event
engine, with one seed each.

    python experiments/learning_curves.py --scale paper
"""

from protocol import compare_networks

NAMES = (
    "no-hidden",
    "one-hidden",
    "two-hidden",
    "no-hidden-text",
    "one-hidden-text",
    "two-hidden-text",
    "one-hidden-event",
)


if __name__ == "__main__":
    compare_networks("learning_curves", __doc__, NAMES)
