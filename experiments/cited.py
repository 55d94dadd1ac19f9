"""Not in the paper: the reading `cited`, with the fixed apical bias of the code that the paper cites.

The networks of figures 6B, 8B and 8D that have hidden layers.

    python experiments/cited.py --scale paper
"""

from protocol import compare_networks

NAMES = ("one-hidden-cited", "two-hidden-cited", "sparse-cited", "symmetric-cited", "symmetric-noisy-cited")

if __name__ == "__main__":
    compare_networks("cited", __doc__, NAMES)
