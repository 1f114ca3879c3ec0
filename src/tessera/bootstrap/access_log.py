"""The log of requests, without what opens an account: codes of invitations and of sign-in."""

import logging
from typing import Final

_PRIVATE: Final = ("/account", "/sign-in")


class WithoutCodes(logging.Filter):
    """Leaves out the query of pages that get a secret in it. For `uvicorn.access`."""

    def filter(self, record: logging.LogRecord) -> bool:
        match record.args:
            case (client, method, str(path), *rest) if path.startswith(_PRIVATE):
                record.args = (client, method, path.partition("?")[0], *rest)
        return True
