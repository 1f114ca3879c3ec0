"""How many files may be open at once: a series of thin slices is more than is usual."""

import resource

_OTHERS = 256
"""Files, pipes and libraries that a worker has open besides."""


def room_for(n: int) -> int:
    """Let this process open `n` files at a time, as far as the system lets it; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n + _OTHERS
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return min(n, wanted - _OTHERS)
