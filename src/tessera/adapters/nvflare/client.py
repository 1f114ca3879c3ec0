"""FederationClient on FLARE: the command that a node runs for one training."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NvflareClient:
    """Starts FLARE's client in one process tree, with the node's own configuration."""

    python: str = sys.executable
    """As it is named where the command runs."""
    gone_s: float = 120.0
    """The client ends itself when the server is silent for so long. Seconds."""

    def command(self, kit: Path, bridge: Path) -> Sequence[str]:
        """Return the command. It needs a writable folder for temporary files (TMPDIR)."""
        module = "tessera.adapters.nvflare.client_main"
        return (
            *(self.python, "-m", module, "--kit", str(kit)),
            *("--bridge", str(bridge), "--gone-s", f"{self.gone_s:g}"),
        )
