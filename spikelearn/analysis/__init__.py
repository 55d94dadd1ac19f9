"""Analyses of credit assignment: arrays in, numbers out, one idea a file.

They know nothing of networks, engines or run folders; arrays from elsewhere do as well. Rates are in spikes/ms, weights
(post, pre), feedback (hidden, output), as in the rest of the package. `spikelearn.plotting` draws the results.
"""

from spikelearn.analysis.alignment import Alignment, alignment, alignments, way_up
from spikelearn.analysis.angles import Blocks, angle, block_means, running_mean
from spikelearn.analysis.comparison import Comparison, compare, compare_all
from spikelearn.analysis.contraction import contraction, mean_diagonal
from spikelearn.analysis.embedding import Separation, embed, separation
from spikelearn.analysis.jacobians import (
    feedback_jacobian,
    output_jacobian,
    product_of_means,
    products,
    weight_product,
)
from spikelearn.analysis.losses import LossCorrelation, MeanLosses, loss_correlation, mean_losses
from spikelearn.analysis.rates import RateDistribution, rate_distribution, rates_from_counts, rates_from_spikes
from spikelearn.analysis.receptive_fields import Match, best_match, shuffled_match
from spikelearn.analysis.spread import SeedSpread, Spread, seed_spread, spread

__all__ = [
    "Alignment",
    "Blocks",
    "Comparison",
    "LossCorrelation",
    "Match",
    "MeanLosses",
    "RateDistribution",
    "SeedSpread",
    "Separation",
    "Spread",
    "alignment",
    "alignments",
    "angle",
    "best_match",
    "block_means",
    "compare",
    "compare_all",
    "contraction",
    "embed",
    "feedback_jacobian",
    "loss_correlation",
    "mean_diagonal",
    "mean_losses",
    "output_jacobian",
    "product_of_means",
    "products",
    "rate_distribution",
    "rates_from_counts",
    "rates_from_spikes",
    "running_mean",
    "seed_spread",
    "separation",
    "shuffled_match",
    "spread",
    "way_up",
    "weight_product",
]
