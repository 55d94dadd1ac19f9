"""Learning rules, one a file. Each turns the averages of a trial into one error for each neuron."""

from spikelearn.learning.backprop import Backprop as Backprop
from spikelearn.learning.direct_feedback_alignment import DirectFeedbackAlignment as DirectFeedbackAlignment
from spikelearn.learning.feedback_alignment import FeedbackAlignment as FeedbackAlignment
from spikelearn.learning.output_only import OutputOnly as OutputOnly
from spikelearn.learning.plateau import Plateau as Plateau
from spikelearn.learning.rule import Rule as Rule
from spikelearn.learning.rule import check_rule as check_rule
