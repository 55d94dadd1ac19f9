"""Networks by name: their numbers, with the source of each. Installed as ``spikelearn.models``."""

from spikelearn.models import beyond, guerguiev2017

NETWORKS = guerguiev2017.NETWORKS | beyond.NETWORKS
