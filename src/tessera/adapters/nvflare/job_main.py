"""The process of a job: FLARE's own, tied to its parent and without remote configuration.

Started by `launch.py` only: `python -m tessera.adapters.nvflare.job_main SIDE PARENT …`.
"""

import runpy
import sys
from typing import Final

from tessera.adapters.nvflare import hardening, lifeline

_MODULES: Final = {
    "server": "nvflare.private.fed.app.server.runner_process",
    "client": "nvflare.private.fed.app.client.worker_process",
}


def main() -> None:
    """Become FLARE's job process of the given side."""
    side, parent = sys.argv[1], int(sys.argv[2])
    lifeline.die_with(parent)
    hardening.refuse_remote_configuration()
    sys.argv[1:3] = []
    runpy.run_module(_MODULES[side], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
