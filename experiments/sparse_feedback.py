"""Figures 8B and 8, supplement 1: is it enough if few outputs reach each dendrite? 80 % of the feedback is zero.

python experiments/sparse_feedback.py --scale paper
"""

from protocol import compare_networks

NAMES = ("one-hidden", "sparse", "sparse-unamplified")


if __name__ == "__main__":
    compare_networks("sparse_feedback", __doc__, NAMES)
