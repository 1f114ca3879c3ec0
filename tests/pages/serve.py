"""Show the pages in a browser without a hub: `python -m tests.pages.serve 8099`."""

import sys

import uvicorn

from tessera.http.app import create_app
from tessera.wire.envelope import MessageType
from tests.pages.fake_hub import FakeHub


async def no_nodes(type: MessageType, token: str) -> str:
    """Take no message: there is no node here."""
    raise NotImplementedError


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8099
    uvicorn.run(create_app(FakeHub(is_quick=False), no_nodes), port=port, log_level="warning")


if __name__ == "__main__":
    main()
