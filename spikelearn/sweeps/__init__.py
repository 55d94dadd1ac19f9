"""Many trainings of many settings: a grid or list of them becomes runs, each in a folder of its own, and one table.

`grid` reads what is asked for, `plan` makes configurations of it and refuses what cannot be run, `running` trains,
`table` puts the results together, `estimate` says before what it will take, `search` looks for the best setting.
"""

from spikelearn.sweeps.running import sweep

__all__ = ["sweep"]
