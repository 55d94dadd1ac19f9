"""Published networks: their numbers, with the source of each. Installed as ``spikelearn.models``."""
