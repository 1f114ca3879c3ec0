"""A FederationClient without a hub: a real process that asks the node's bridge as an engine does.

The start-up kit holds `script.json`: a list of requests. `{"type": "train", "round": 1}` sends the
last weights that came back; `"payload"` instead sends the file of that name in the kit; `"wait_s"`
waits before. For tests of the node alone, and for a federation of one.
"""

import argparse
import io
import json
import socket
import sys
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tessera.wire.frames import Frame, read_frame, write_frame


@dataclass(frozen=True, slots=True)
class LoneEngine:
    """A FederationClient."""

    def command(self, kit: Path, bridge: Path) -> Sequence[str]:
        module = "tessera.testing.lone_engine"
        return (sys.executable, "-m", module, "--kit", str(kit), "--bridge", str(bridge))


def scripted_kit(
    script: Sequence[Mapping[str, object]], files: Mapping[str, bytes] | None = None
) -> bytes:
    """Return the kit that makes a LoneEngine ask for these, in this order."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("script.json", json.dumps([dict(one) for one in script]))
        for name, content in (files or {}).items():
            archive.writestr(name, content)
    return made.getvalue()


def whole_script(rounds: int) -> list[dict[str, object]]:
    """Return the requests of a training that goes well."""
    trains: list[dict[str, object]] = [
        {"type": "train", "round": number} for number in range(1, rounds + 1)
    ]
    return [{"type": "begin"}, *trains, {"type": "final", "rounds": rounds}]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kit", type=Path, required=True)
    parser.add_argument("--bridge", type=Path, required=True)
    given = parser.parse_args()
    weights = b""
    for one in json.loads((given.kit / "script.json").read_bytes()):
        time.sleep(one.pop("wait_s", 0))
        name = one.pop("payload", "")
        payload = (given.kit / name).read_bytes() if name else weights
        answered = _asked(given.bridge, Frame(one, payload if one["type"] != "begin" else b""))
        sys.stderr.write(f"{one} -> {dict(answered.header) if answered else None}\n")
        if answered is None or answered.type == "refused":
            return 3
        weights = answered.payload or weights
    return 0


def _asked(bridge: Path, asked: Frame) -> Frame | None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(bridge))
        with connection.makefile("wb") as to_node, connection.makefile("rb") as from_node:
            write_frame(to_node, asked)
            return read_frame(from_node)


if __name__ == "__main__":
    sys.exit(main())
