"""Pictures: arrays in, Axes out. The only place that imports matplotlib."""

from spikelearn.plotting.comparison import save_comparison
from spikelearn.plotting.curves import learning_curve, save_learning_curve

__all__ = ["learning_curve", "save_comparison", "save_learning_curve"]
