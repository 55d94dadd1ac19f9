"""The means that a trial leaves in a core, in the user's order: the one place where tests look for them."""

import reference


def means_of(core):
    """Return the means of the last trial, as the twin calls them."""
    layers, inputs = core._net.layers, core._net.inputs
    apical = [layer.apical.reshape(2, -1)[:, : layer.n] for layer in layers[:-1]]
    return reference.Averages(
        psp=[inputs.psp, *(layer.spikes.psp for layer in layers[:-1])],
        v_forward=[layer.own.v_forward for layer in layers],
        activity_target=[layer.own.activity_target for layer in layers],
        apical_forward=[forward for forward, _ in apical],
        apical_target=[target for _, target in apical],
    )
