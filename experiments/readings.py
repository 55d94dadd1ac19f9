"""Not in the paper: what its two readings do, and the two engines.

The networks of figure 6B in the reading of the text, and one hidden layer in the event engine, with one seed each.

    python experiments/readings.py --scale paper
"""

from protocol import compare_networks

NAMES = ("one-hidden", "one-hidden-event", "no-hidden-text", "one-hidden-text", "two-hidden-text")

if __name__ == "__main__":
    compare_networks("readings", __doc__, NAMES)
