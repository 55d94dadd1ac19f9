"""Tasks that need memory, one a file."""

from spikelearn.temporal.tasks.add import Add
from spikelearn.temporal.tasks.adding import Adding
from spikelearn.temporal.tasks.copying import Copying
from spikelearn.temporal.tasks.delayed_xor import DelayedXor
from spikelearn.temporal.tasks.evidence import Evidence
from spikelearn.temporal.tasks.mnist_1d import Mnist1D
from spikelearn.temporal.tasks.pattern_generation import PatternGeneration
from spikelearn.temporal.tasks.rows import Rows

__all__ = ["Add", "Adding", "Copying", "DelayedXor", "Evidence", "Mnist1D", "PatternGeneration", "Rows"]
