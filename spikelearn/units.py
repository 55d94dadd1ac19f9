"""Units. Times are in ms and rates in spikes/ms; multiply to say so: ``200 * Hz``, ``50 * ms``.

Potentials are relative to rest and, as in the paper, dimensionless; conductances are divided by the
membrane capacitance and so are in 1/ms.
"""

ms = 1.0
second = 1000.0 * ms
Hz = 1.0 / second
