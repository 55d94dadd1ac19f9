"""Learning rules for rate networks, one a file."""

from spikelearn.ratenet.rules.alternating_minimisation import AlternatingMinimisation
from spikelearn.ratenet.rules.backprop import Backprop
from spikelearn.ratenet.rules.burst import BurstPropagation
from spikelearn.ratenet.rules.deep_belief import DeepBelief
from spikelearn.ratenet.rules.direct_feedback import DirectFeedback
from spikelearn.ratenet.rules.equilibrium import EquilibriumPropagation
from spikelearn.ratenet.rules.evolution_strategies import EvolutionStrategies
from spikelearn.ratenet.rules.feedback_alignment import FeedbackAlignment
from spikelearn.ratenet.rules.genetic_algorithm import GeneticAlgorithm
from spikelearn.ratenet.rules.hashed_winners import HashedWinners
from spikelearn.ratenet.rules.hsic_bottleneck import HSICBottleneck
from spikelearn.ratenet.rules.kolen_pollack import KolenPollack
from spikelearn.ratenet.rules.meta_learned import MetaLearned
from spikelearn.ratenet.rules.microcircuit import Microcircuit
from spikelearn.ratenet.rules.node_perturbation import NodePerturbation
from spikelearn.ratenet.rules.shallow import Shallow
from spikelearn.ratenet.rules.sign_symmetry import SignSymmetry
from spikelearn.ratenet.rules.target_propagation import DTP, SDTP, AuxiliarySDTP
from spikelearn.ratenet.rules.weight_mirror import WeightMirror
from spikelearn.ratenet.rules.weight_perturbation import WeightPerturbation

__all__ = [
    "DTP",
    "SDTP",
    "AlternatingMinimisation",
    "AuxiliarySDTP",
    "Backprop",
    "BurstPropagation",
    "DeepBelief",
    "DirectFeedback",
    "EquilibriumPropagation",
    "EvolutionStrategies",
    "FeedbackAlignment",
    "GeneticAlgorithm",
    "HSICBottleneck",
    "HashedWinners",
    "KolenPollack",
    "MetaLearned",
    "Microcircuit",
    "NodePerturbation",
    "Shallow",
    "SignSymmetry",
    "WeightMirror",
    "WeightPerturbation",
]
