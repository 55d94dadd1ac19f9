"""Pictures: arrays in, Axes out. The only place that imports matplotlib."""

from spikelearn.plotting.angles import angle_curves
from spikelearn.plotting.comparison import save_comparison
from spikelearn.plotting.curves import learning_curve, save_learning_curve, seed_curves
from spikelearn.plotting.embedding import embedding_scatter
from spikelearn.plotting.groups import group_bars
from spikelearn.plotting.jacobians import eigenvalue_curves, matrix_image
from spikelearn.plotting.losses import loss_correlations, loss_scatter
from spikelearn.plotting.rates import rate_histogram
from spikelearn.plotting.receptive_fields import match_histogram, receptive_fields

__all__ = [
    "angle_curves",
    "eigenvalue_curves",
    "embedding_scatter",
    "group_bars",
    "learning_curve",
    "loss_correlations",
    "loss_scatter",
    "match_histogram",
    "matrix_image",
    "rate_histogram",
    "receptive_fields",
    "save_comparison",
    "save_learning_curve",
    "seed_curves",
]
