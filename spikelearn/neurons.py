r"""Synapses and neurons: parameters with units, and what they become at a time step `dt`.

Hidden neurons have a basal dendrite (feedforward input), an apical dendrite (feedback) and a soma; output
neurons have one dendrite, a soma and teaching conductances. Both somas obey

.. math:: dV/dt = -g_{leak} V + \sum_d g_d (V_d - V) + g_{teach} (E - V),

spikes are a Poisson process of rate ``rate_max * curve(V)``, in the paper's case the sigmoid. Equations 1-4 and 13-20
of Guerguiev, Lillicrap & Richards (2017), eLife 6:e22901.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from spikelearn.curves import Curve, Sigmoid, check_curve
from spikelearn.errors import InputError, check_choice, check_range
from spikelearn.units import ms


@dataclass(frozen=True, kw_only=True)
class Synapse:
    """Double-exponential postsynaptic potential (equations 11 and 12).

    ``kernel(t) = (exp(-t/tau_decay) - exp(-t/tau_rise)) / (tau_decay - tau_rise)`` for ``0 <= t``, of unit area
    (in 1/ms), or nothing after `cutoff`.

    Parameters
    ----------
    tau_rise, tau_decay : float
        Time constants, ms; ``0 < tau_rise < tau_decay``.
    cutoff : float or None
        Age in ms at which a spike is forgotten. The authors' simulations forget after 10 ms, which leaves an
        area of 0.51; None keeps the whole kernel.

    Raises
    ------
    InputError
        Time constants are not as above, or `cutoff` is not above 0.
    """

    tau_rise: float = 3.0 * ms
    tau_decay: float = 10.0 * ms
    cutoff: float | None = None

    def __post_init__(self) -> None:
        check_range("Synapse.tau_rise", self.tau_rise, above=0, unit="ms")
        check_range("Synapse.tau_decay", self.tau_decay, above=self.tau_rise, unit="ms (tau_rise)")
        if self.cutoff is not None:
            check_range("Synapse.cutoff", self.cutoff, above=0, unit="ms, or none")

    def area(self, dt: float | None = None) -> float:
        """Return the area of the kernel up to its cut-off, without unit: 1 where there is none.

        Parameters
        ----------
        dt : float, optional
            Time step of a clock, ms. Its kernel has values at whole steps only, the first one step after the spike.

        Returns
        -------
        float
            Integral of the kernel, or with `dt` its sum times `dt`.
        """
        parts = []
        for tau in (self.tau_decay, self.tau_rise):
            whole = tau if dt is None else dt / math.expm1(dt / tau)
            parts.append(whole if self.cutoff is None else whole * -math.expm1(-self.cutoff / tau))
        return (parts[0] - parts[1]) / (self.tau_decay - self.tau_rise)


class SomaStep(NamedTuple):
    """Coefficients of one Euler step of a soma.

    ``V <- keep * V + dendrite * V_dendrite + apical * V_apical + current``.

    Parameters
    ----------
    keep : float
        Factor of the somatic potential, without unit.
    dendrite : float
        Factor of the basal potential, or of the only dendrite's, without unit.
    apical : float
        Factor of the apical potential, without unit.
    current : float
        Change by the teaching current, relative to rest.
    """

    keep: float
    dendrite: float
    apical: float
    current: float


@dataclass(frozen=True, kw_only=True)
class HiddenNeuron:
    """Pyramidal neuron with basal dendrite, apical dendrite and soma (equations 1-3, 13-17).

    Parameters
    ----------
    g_leak, g_basal, g_apical : float
        Conductances over capacitance, 1/ms (Table 1).
    curve : Curve
        The f-I curve: from the potential of the soma to its rate, in units of the network's `rate_max`.
    plateau : Curve
        Curve from the mean apical potential before a plateau to the plateau potential (equation 5).
    apical_bias : float
        Potential of the apical dendrite without feedback, relative to rest; drawn weights have it in ``c[l]``. Not in
        the paper.

    Raises
    ------
    InputError
        A number is out of its range, or the kernels of a curve do not fit together.
    """

    g_leak: float = 0.1 / ms
    g_basal: float = 0.6 / ms
    g_apical: float = 0.0 / ms
    curve: Curve = field(default_factory=Sigmoid)
    plateau: Curve = field(default_factory=Sigmoid)
    apical_bias: float = 0.0

    def __post_init__(self) -> None:
        check_range("HiddenNeuron.g_leak", self.g_leak, above=0, unit="1/ms")
        check_range("HiddenNeuron.g_basal", self.g_basal, above=0, unit="1/ms")
        check_range("HiddenNeuron.g_apical", self.g_apical, at_least=0, unit="1/ms")
        check_range("HiddenNeuron.apical_bias", self.apical_bias)
        check_curve("HiddenNeuron.curve", self.curve)
        check_curve("HiddenNeuron.plateau", self.plateau)

    @property
    def g_total(self) -> float:
        """Total conductance, 1/ms: the inverse of the soma's time constant."""
        return self.g_leak + self.g_basal + self.g_apical

    @property
    def dendrite_gain(self) -> float:
        """Steady-state somatic over basal potential, `k_b` of equation 34, without unit."""
        return self.g_basal / self.g_total

    def soma_step(self, dt: float) -> SomaStep:
        """Return the coefficients of one Euler step.

        Parameters
        ----------
        dt : float
            Time step, ms.

        Returns
        -------
        SomaStep
            The coefficients, the same in both phases.

        Raises
        ------
        InputError
            The step would be unstable: ``dt * g_total`` is not below 2.
        """
        keep = _stable("hidden", dt, self.g_total)
        return SomaStep(keep, dt * self.g_basal, dt * self.g_apical, 0.0)


@dataclass(frozen=True, kw_only=True)
class OutputNeuron:
    """Output neuron with dendrite, soma and, in the target phase, a teaching conductance (equations 4, 18-20).

    Parameters
    ----------
    g_leak, g_dendrite : float
        Conductances over capacitance, 1/ms (Table 1).
    g_teach : float
        Teaching conductance, 1/ms. The paper's equation 19 taken literally gives 0.1 (the conductance is
        divided by that of the leak), which does not clamp the outputs as the text says; 1.0, ten times more, does,
        and is what made the published numbers.
    e_excite, e_inhibit : float
        Reversal potentials of the teaching current to the correct unit and to the others, relative to rest.
    curve : Curve
        The f-I curve, as of hidden neurons.
    loss : str
        Loss that learning descends. ``"squares"``: half the squared difference of taught and predicted rates (equation
        23). ``"likelihood"``: minus the log-likelihood of the taught spikes if the predicted rate made them, as a
        chance per shortest interval ``1 / rate_max``. With a sigmoid its slope drops out of the gradient, so outputs
        that are wrong and saturated learn; errors are 4 times larger or more. Pfister, Toyoizumi, Barber & Gerstner
        (2006), Neural Computation 18.

    Raises
    ------
    InputError
        A number is out of its range, or curve and loss do not fit together.
    """

    g_leak: float = 0.1 / ms
    g_dendrite: float = 0.6 / ms
    g_teach: float = 1.0 / ms
    e_excite: float = 8.0
    e_inhibit: float = -8.0
    curve: Curve = field(default_factory=Sigmoid)
    loss: str = "squares"

    def __post_init__(self) -> None:
        check_range("OutputNeuron.g_leak", self.g_leak, above=0, unit="1/ms")
        check_range("OutputNeuron.g_dendrite", self.g_dendrite, above=0, unit="1/ms")
        check_range("OutputNeuron.g_teach", self.g_teach, above=0, unit="1/ms")
        check_range("OutputNeuron.e_excite", self.e_excite)
        check_range("OutputNeuron.e_inhibit", self.e_inhibit, at_most=self.e_excite, unit="(e_excite)")
        check_curve("OutputNeuron.curve", self.curve)
        check_choice("OutputNeuron.loss", self.loss, ("squares", "likelihood"))
        if self.loss == "likelihood" and not isinstance(self.curve, Sigmoid):
            raise InputError(
                f"OutputNeuron.loss='likelihood' needs the curve Sigmoid(), whose slope drops out of its gradient, got "
                f"{self.curve!r}; keep loss='squares'"
            )

    @property
    def g_total(self) -> float:
        """Total conductance without teaching, 1/ms."""
        return self.g_leak + self.g_dendrite

    @property
    def dendrite_gain(self) -> float:
        """Steady-state somatic over dendritic potential, `k_d` of equation 27, without unit."""
        return self.g_dendrite / self.g_total

    def soma_step(self, dt: float, teach: float | None = None) -> SomaStep:
        """Return the coefficients of one Euler step.

        Parameters
        ----------
        dt : float
            Time step, ms.
        teach : float or None
            None in the forward phase; in the target phase the reversal potential, `e_excite` or `e_inhibit`, relative
            to rest.

        Returns
        -------
        SomaStep
            The coefficients in that phase.

        Raises
        ------
        InputError
            The step would be unstable: ``dt`` times the total conductance is not below 2.
        """
        g_teach, e_teach = (0.0, 0.0) if teach is None else (self.g_teach, teach)
        keep = _stable("output", dt, self.g_total + g_teach)
        return SomaStep(keep, dt * self.g_dendrite, 0.0, dt * g_teach * e_teach)


def _stable(layer: str, dt: float, g_total: float) -> float:
    if not dt * g_total < 2:
        # The Euler factor 1 - dt*g leaves (-1, 1) and the potential would oscillate and grow.
        limit = math.floor(1000 * 2 / g_total) / 1000
        raise InputError(
            f"dt={dt:g} ms is too large: dt * total conductance of the {layer} soma = {dt * g_total:.3g}, must be < 2; "
            f"use dt < {limit:g} ms"
        )
    return 1.0 - dt * g_total
