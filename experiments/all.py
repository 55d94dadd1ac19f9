"""All experiments at one scale, cheapest first; each goes on where it was stopped.

python experiments/all.py --scale paper --jobs 2
"""

import subprocess
import sys
from pathlib import Path

from harness import STOPPED

UNKNOWN_OPTION = 2  # exit status of argparse
# Those further down find networks of those above them trained.
NAMES = (
    "phase_lengths",
    "feedback_alignment_linear",
    "contraction",
    "temporal_credit",
    "meta_rule",
    "harder",
    "depth",
    "local",
    "angles",
    "losses",
    "traces",
    "apical_timing",
    "embedding",
    "receptive_fields",
    "plateau_timing",
    "sparse_feedback",
    "symmetric_feedback",
    "feedback_strength",
    "test_duration",
    "credit_assignment",
    "learning_curves",
    "readings",
    "cited",
    "apical_conductance",
    "fashion",
    "beyond",
)


def main() -> None:
    """Run one after the other; what fails does not keep the others from running."""
    failed = []
    try:
        for name in NAMES:
            command = [sys.executable, str(Path(__file__).with_name(f"{name}.py")), *sys.argv[1:]]
            status = subprocess.call(command)
            if status == STOPPED:
                raise KeyboardInterrupt
            if status == UNKNOWN_OPTION or {"-h", "--help"} & set(sys.argv):
                sys.exit(status)  # it would be the same for all
            if status:
                failed.append(name)
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    if failed:
        sys.exit(f"all: failed: {', '.join(failed)}; the others are done, and the same command tries these again")


if __name__ == "__main__":
    main()
