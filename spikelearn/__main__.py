"""``python -m spikelearn``: the command line."""

import sys

from spikelearn.cli import main

sys.exit(main())
