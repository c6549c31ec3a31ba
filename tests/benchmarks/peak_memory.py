"""Peak memory of a benchmark's process."""

import resource


def peak_gb() -> float:
    """Most memory that this process has held so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
