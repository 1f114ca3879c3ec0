"""`python -m tessera.adapters.pixels.lossless_child`: decode lossless JPEG in a process of its own.

GDCM ends the whole process on some streams that are made to do so; here that process holds
nothing else. Reads requests from standard input and writes answers to standard output, each as a
description in JSON and raw bytes, with their lengths before them. Ends with its input.
"""

import json
import os
import sys
from typing import IO, Any

_MEMORY = 8 << 30


def main() -> None:
    """Answer requests until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # GDCM writes what it reads to both
        os.dup2(nothing, descriptor)
    _limit()
    while True:
        request = received(sys.stdin.buffer)
        if request is None:
            return
        try:
            told, raw = _decoded(*request)
        except Exception as err:  # decoders raise nearly anything
            told, raw = {"error": type(err).__name__}, b""
        send(answers, told, raw)


def _decoded(told: dict[str, Any], stream: bytes) -> tuple[dict[str, Any], bytes]:
    import numpy as np
    from pydicom.encaps import encapsulate
    from pydicom.pixels.decoders.base import get_decoder

    array, found = get_decoder(told["uid"]).as_array(
        encapsulate([stream]), index=0, raw=True, decoding_plugin="gdcm", **told["options"]
    )
    plain = np.ascontiguousarray(array)
    photometric = str(found["photometric_interpretation"])
    answer = {"dtype": plain.dtype.str, "shape": plain.shape, "photometric": photometric}
    return answer, plain.tobytes()


def _limit() -> None:
    """No core file, which would hold a picture; and no more memory than a large frame needs."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > _MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, hard))


def send(to: IO[bytes], told: dict[str, Any], raw: bytes) -> None:
    """Write one message."""
    words = json.dumps(told).encode()
    to.write(len(words).to_bytes(4, "little") + len(raw).to_bytes(8, "little") + words)
    to.write(raw)
    to.flush()


def received(come: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Return one message; None at the end of the input."""
    head = come.read(12)
    if len(head) < 12:
        return None
    n_words, n_raw = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:], "little")
    words, raw = come.read(n_words), come.read(n_raw)
    if len(words) < n_words or len(raw) < n_raw:
        return None
    return json.loads(words), raw


if __name__ == "__main__":
    main()
