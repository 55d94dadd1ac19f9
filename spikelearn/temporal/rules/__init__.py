"""Rules that assign credit through time, one a file."""

from spikelearn.temporal.rules.backprop import BPTT
from spikelearn.temporal.rules.diagonal import Diagonal
from spikelearn.temporal.rules.eprop import EProp
from spikelearn.temporal.rules.kf_rtrl import KFRTRL
from spikelearn.temporal.rules.readout import ReadoutOnly
from spikelearn.temporal.rules.rflo import RFLO
from spikelearn.temporal.rules.rtrl import RTRL
from spikelearn.temporal.rules.snap import SnAp
from spikelearn.temporal.rules.synthetic import SyntheticGradients
from spikelearn.temporal.rules.truncated import Sliding, Truncated
from spikelearn.temporal.rules.uoro import UORO

__all__ = [
    "BPTT",
    "KFRTRL",
    "RFLO",
    "RTRL",
    "UORO",
    "Diagonal",
    "EProp",
    "ReadoutOnly",
    "Sliding",
    "SnAp",
    "SyntheticGradients",
    "Truncated",
]
