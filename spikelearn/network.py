"""The description of a network: what it is made of, without arrays and without a time step."""

import numbers
from collections.abc import Iterable
from dataclasses import dataclass, field

from spikelearn.core.random import make_generator
from spikelearn.curves import Curve
from spikelearn.errors import InputError, check_able, check_choice, check_kind, check_range, described
from spikelearn.feedback import Feedback, PooledFeedback, RandomFeedback
from spikelearn.neurons import HiddenNeuron, OutputNeuron, Synapse
from spikelearn.phases import Phases
from spikelearn.plateaus import Plateaus, SynchronousPlateaus
from spikelearn.units import Hz
from spikelearn.weights import InitialWeights, Weights, draw_apical_biases, draw_forward

MAX_SIZE = 1 << 20
PARTS = {
    "synapse": Synapse,
    "output": OutputNeuron,
    "phases": Phases,
    "initial": InitialWeights,
}


@dataclass(frozen=True, kw_only=True)
class Network:
    """A feedforward network of spiking neurons with feedback to the apical dendrites of its hidden neurons.

    Parameters
    ----------
    sizes : tuple of int
        Number of neurons in each layer, input first, output last.
    rate_max : float
        Highest firing rate of every neuron and of an input at intensity 1, spikes/ms (Table 1: 200 Hz).
    synapse : Synapse
        Kernel of all synapses.
    hidden : HiddenNeuron or tuple of HiddenNeuron
        Neurons of the hidden layers: the same for all, or one for each, from the lowest up.
    output : OutputNeuron
        Neurons of the output layer.
    feedback : Feedback
        Feedback weights: RandomFeedback, ProductFeedback, SparseFeedback, SymmetricFeedback, LearnedFeedback,
        KolenPollack, WeightMirror, PooledFeedback, or a registered class (`spikelearn.register`).
    feedback_from : str
        ``"output"``: every hidden layer receives feedback from the output layer; ``"above"``: from the layer above it.
    feedback_signal : str
        Input of apical dendrites: ``"spikes"``, filtered by their synapses, or the momentary ``"rates"``, as in figure
        7A. Forward connections always carry spikes.
    plateaus : SynchronousPlateaus, JitteredPlateaus or another Plateaus
        When hidden neurons have their plateau potentials.
    phases : Phases
        Lengths and order of the phases of a trial.
    initial : InitialWeights
        Moments of the initial weights.
    carry_state : bool
        Keep potentials and spikes from one training example to the next, as the authors do. Test images always start
        from rest.
    population : int
        Number of outputs for each class, 1 in the paper: those of class `c` are ``c * population`` and those that
        follow. All of them are taught, and the class whose outputs have the highest mean potential is the prediction.

    Raises
    ------
    InputError
        A size or a part is not as above, or parts do not fit each other.
    """

    sizes: tuple[int, ...]
    rate_max: float = 200.0 * Hz
    synapse: Synapse = field(default_factory=Synapse)
    hidden: HiddenNeuron | tuple[HiddenNeuron, ...] = field(default_factory=HiddenNeuron)
    output: OutputNeuron = field(default_factory=OutputNeuron)
    feedback: Feedback = field(default_factory=RandomFeedback)
    feedback_from: str = "output"
    feedback_signal: str = "spikes"
    plateaus: Plateaus = field(default_factory=SynchronousPlateaus)
    phases: Phases = field(default_factory=Phases)
    initial: InitialWeights = field(default_factory=InitialWeights)
    carry_state: bool = True
    population: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.sizes, Iterable):
            raise InputError(
                f"Network.sizes must be the number of neurons in each layer, such as (784, 500, 10), got "
                f"{described(self.sizes)}"
            )
        sizes = tuple(self.sizes)  # of a list, too
        if len(sizes) < 2:
            raise InputError(f"Network.sizes={sizes} needs at least an input and an output layer")
        for n in sizes:
            if not isinstance(n, numbers.Integral) or isinstance(n, bool) or not 1 <= n <= MAX_SIZE:
                raise InputError(
                    f"Network.sizes={sizes}: every layer needs an integer of 1 to {MAX_SIZE} neurons, got {n!r}"
                )
        object.__setattr__(self, "sizes", tuple(map(int, sizes)))
        check_range("Network.population", self.population, at_least=1, integer=True)
        if self.sizes[-1] % self.population:
            raise InputError(
                f"Network.population={self.population} does not divide the {self.sizes[-1]} outputs of sizes="
                f"{self.sizes}; every class needs as many"
            )
        for name, kind in PARTS.items():
            check_kind(f"Network.{name}", getattr(self, name), kind, f"give a spikelearn.{kind.__name__}(...)")
        self._check_hidden()
        self.initial.check(self.sizes[0])
        check_able("Network.feedback", self.feedback, ("draw", "plan"), "spikelearn.SparseFeedback()")
        check_able("Network.plateaus", self.plateaus, ("cumulative",), "spikelearn.JitteredPlateaus()")
        check_range("Network.rate_max", self.rate_max, above=0, unit="spikes/ms (write 200 * Hz)")
        check_choice("Network.feedback_from", self.feedback_from, ("output", "above"))
        check_choice("Network.feedback_signal", self.feedback_signal, ("spikes", "rates"))
        if isinstance(self.feedback, PooledFeedback) and self.feedback.population != self.population:
            raise InputError(
                f"PooledFeedback.population={self.feedback.population} is not Network.population={self.population}; "
                f"give both the same"
            )
        if hasattr(self.feedback, "check"):
            self.feedback.check(self.feeding)
        if self.plateaus.earliest > self.phases.settle:
            raise InputError(
                f"JitteredPlateaus.at_most={self.plateaus.earliest:g} ms must not exceed Phases.settle="
                f"{self.phases.settle:g} ms: the average before an early plateau would begin before its phase"
            )

    def _check_hidden(self) -> None:
        remedy = "give a spikelearn.HiddenNeuron(...), or a tuple with one for each hidden layer"
        if not isinstance(self.hidden, tuple | list):
            check_kind("Network.hidden", self.hidden, HiddenNeuron, remedy)
            return
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for layer, neuron in enumerate(self.hidden):
            check_kind(f"Network.hidden[{layer}]", neuron, HiddenNeuron, remedy)
        if len(self.hidden) != self.n_hidden:
            raise InputError(
                f"Network.hidden has {len(self.hidden)} neurons for the {self.n_hidden} hidden layers of sizes="
                f"{self.sizes}; {remedy}"
            )

    @property
    def n_layers(self) -> int:
        """Number of layers with weights."""
        return len(self.sizes) - 1

    @property
    def n_hidden(self) -> int:
        """Number of hidden layers."""
        return len(self.sizes) - 2

    @property
    def hidden_neurons(self) -> tuple[HiddenNeuron, ...]:
        """The neuron of each hidden layer, from the lowest up."""
        return self.hidden if isinstance(self.hidden, tuple) else (self.hidden,) * self.n_hidden

    @property
    def curves(self) -> tuple[Curve, ...]:
        """The f-I curve of each layer with weights, from the lowest up."""
        return (*(neuron.curve for neuron in self.hidden_neurons), self.output.curve)

    @property
    def coupled(self) -> bool:
        """Whether feedback reaches the soma of any layer."""
        return any(neuron.g_apical > 0 for neuron in self.hidden_neurons)

    @property
    def n_classes(self) -> int:
        """Number of classes that the outputs stand for."""
        return self.sizes[-1] // self.population

    @property
    def feeding(self) -> tuple[int, ...]:
        """Number of the layer that feeds back to each hidden layer; 0 is the first with weights."""
        output = self.n_layers - 1
        return tuple(output if self.feedback_from == "output" else layer + 1 for layer in range(self.n_hidden))

    @property
    def dendrite_gains(self) -> tuple[float, ...]:
        """Steady-state somatic over dendritic potential of each layer, `k_b` or `k_d` (equations 34 and 27)."""
        return (*(neuron.dendrite_gain for neuron in self.hidden_neurons), self.output.dendrite_gain)

    def draw_weights(self, seed: int) -> Weights:
        """Draw initial forward and feedback weights.

        Parameters
        ----------
        seed : int
            Fixes every number.

        Returns
        -------
        Weights
            Arrays of float64.

        Raises
        ------
        InputError
            `seed` is negative, or there are no weights with the moments of `initial`.
        """
        check_range("seed", seed, at_least=0, integer=True)
        rng = make_generator(seed, "weights")
        forward, biases = draw_forward(rng, self.sizes, self.initial, self.rate_max)
        scales = [self.initial.moments(n, self.rate_max)[1] for n in self.sizes[1:-1]]
        feedback = self.feedback.draw(rng, forward, scales, self.feeding)
        apical = draw_apical_biases(rng, feedback, scales, self.initial)
        for bias, neuron in zip(apical, self.hidden_neurons, strict=True):
            bias += neuron.apical_bias
        return Weights(tuple(forward), tuple(biases), tuple(feedback), tuple(apical))
