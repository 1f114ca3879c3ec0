"""Reproducible randomness and UIDs: everything follows from the seed, nothing from the clock."""

from hashlib import sha256

import numpy as np

_UUID_ROOT = "2.25."
"""Root of UIDs made from 128-bit numbers. Source: PS3.5 section B.2."""


def digest(*keys: object) -> bytes:
    """32 bytes that depend on every key and on their order."""
    return sha256("\x1f".join(map(str, keys)).encode()).digest()


def stream(*keys: object) -> np.random.Generator:
    """A random stream of its own for these keys; other streams never shift it."""
    return np.random.default_rng(int.from_bytes(digest(*keys)[:16], "big"))


def uid(*keys: object) -> str:
    """A valid DICOM UID (at most 44 characters) for these keys."""
    return _UUID_ROOT + str(int.from_bytes(digest("uid", *keys)[:16], "big"))


def pick(rng: np.random.Generator, options: "tuple[str, ...] | list[str]") -> str:
    """One of `options`, equally likely."""
    return options[int(rng.integers(len(options)))]
