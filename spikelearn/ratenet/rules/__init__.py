"""Learning rules for rate networks, one a file."""
