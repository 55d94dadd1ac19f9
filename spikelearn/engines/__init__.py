"""Engines: from a description and weights to the core's arrays, and back.

An engine says how to simulate: ``Clock()`` in time steps, ``Event()`` exactly, without. Its `build` returns a `Core`,
which holds the arrays in the core's blocked order and calls the compiled loops, a chunk of examples at a time.
"""

from spikelearn.engines.base import Chunk, Core, Silent, _of_package
from spikelearn.engines.clock import Clock, ClockCore, Recording
from spikelearn.engines.event import Event, EventCore

Engine = Clock | Event

__all__ = ["Chunk", "Clock", "ClockCore", "Core", "Engine", "Event", "EventCore", "Recording", "Silent", "_of_package"]
