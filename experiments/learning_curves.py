"""Figure 6B: do hidden layers help? Test errors over 60 epochs with none, one and two.

python experiments/learning_curves.py --scale paper
"""

from protocol import compare_networks

NAMES = ("no-hidden", "one-hidden", "two-hidden")

if __name__ == "__main__":
    compare_networks("learning_curves", __doc__, NAMES)
