"""Tasks that need memory, one a file."""

from spikelearn.temporal.tasks.add import Add
from spikelearn.temporal.tasks.adding import Adding
from spikelearn.temporal.tasks.copying import Copying
from spikelearn.temporal.tasks.delayed_xor import DelayedXor

__all__ = ["Add", "Adding", "Copying", "DelayedXor"]
