"""The few distributions that tests and intervals need. Pure."""

import math
from typing import Final

Z95: Final = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution."""
_PRECISION: Final = 1e-15
_MOST_TERMS: Final = 10_000


def two_sided(z: float) -> float:
    """Return how probable it is to be as far from 0 as `z`, standard normal."""
    return math.erfc(abs(z) / math.sqrt(2))


def chi_squared_above(x: float, df: int) -> float:
    """Return how probable a chi-squared variable with `df` degrees of freedom is above `x`.

    The regularised upper incomplete gamma function by its series, or its continued fraction
    (Press et al., Numerical Recipes, 3rd edition, 6.2).
    """
    if x <= 0:
        return 1.0
    a, half = df / 2, x / 2
    scale = math.exp(-half + a * math.log(half) - math.lgamma(a))
    if half < a + 1:
        term = total = 1 / a
        for n in range(1, _MOST_TERMS):
            term *= half / (a + n)
            total += term
            if term < total * _PRECISION:
                break
        return max(0.0, 1 - total * scale)
    tiny = 1e-300
    b = half + 1 - a
    c, d = 1 / tiny, 1 / b
    found = d
    for n in range(1, _MOST_TERMS):
        an = -n * (n - a)
        b += 2
        d = 1 / (an * d + b or tiny)
        c = b + an / c or tiny
        found *= d * c
        if abs(d * c - 1) < _PRECISION:
            break
    return scale * found
