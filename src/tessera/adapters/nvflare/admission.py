"""Which job a node's client takes: one, known to the byte. Anything else is refused unread.

FLARE's jobs name classes and their arguments. A node is told nothing by a job: what is deployed
must be exactly the file that this version of the program would write.
"""

# mypy: disable-error-code="import-untyped,import-not-found", allow-subclassing-any

import sys
from pathlib import Path
from typing import Final

from nvflare.apis.app_validation import AppValidator

from tessera.adapters.nvflare import layout

_ONLY_FILE: Final = Path("config/config_fed_client.json")


class OnlyOurJob(AppValidator):
    """Refuses every application that is not ours to the byte."""

    def validate(self, app_folder: str) -> tuple[str, dict[str, object]]:
        """Return why the application in `app_folder` is refused, or an empty text.

        The refusal stands in the node's own log as well, whatever the hub hears of it.
        """
        refusal = _refusal(Path(app_folder))
        if refusal:
            sys.stderr.write(f"job refused: {refusal}\n")
            sys.stderr.flush()
        return refusal, {}


def _refusal(folder: Path) -> str:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_dir():
            found = path.relative_to(folder)
            if found != _ONLY_FILE or path.is_symlink():
                return f"the job brings {found}; this node runs only its own program"
    try:
        content = (folder / _ONLY_FILE).read_bytes()
    except OSError:
        return f"the job has no {_ONLY_FILE}"
    if content != layout.client_app_config():
        return "the job asks for something else than this node's own program"
    return ""
