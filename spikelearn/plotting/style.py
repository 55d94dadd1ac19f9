"""What all pictures share: colours that colour-blind readers can tell apart, and no frame."""

from matplotlib.axes import Axes

# Okabe & Ito 2008, without yellow, which is too light for lines on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")

# Petroff 2021 (arXiv:2107.02270): ten colours for classes, tested for colour-vision deficiencies.
CLASS_COLOURS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip

CHANCE = "0.6"  # grey: shuffles, chance, limits

DIVERGING = "PuOr_r"  # negative purple, 0 white, positive orange


def bare(axes: Axes) -> Axes:
    """Remove the frame but for the axes that carry numbers."""
    axes.spines[["top", "right"]].set_visible(False)
    return axes
