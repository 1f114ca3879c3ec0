"""Wiring of permitted downloads at the node."""

from typing import TYPE_CHECKING

from tessera.adapters.access_runs.views import FolderViews
from tessera.adapters.hpke.sealing import HpkeSealing
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.adapters.link.folder import LinkFolder
from tessera.bootstrap.exclusions import exclusions_of, store_settings_of
from tessera.bootstrap.stores import fetched_from
from tessera.node.fetch import FetchDesk, fetch_handler
from tessera.node.tasks import Handler

if TYPE_CHECKING:
    from tessera.bootstrap.tasks import Running


def fetch_handler_of(running: "Running") -> Handler:
    """Return the handler of fetches of a running node."""
    home = running.home
    desk = FetchDesk(
        book=running.book,
        views=FolderViews(home / "research", fetched_from(home, store_settings_of(home))),
        folder=home / "runs" / "fetch",
        exclusions=exclusions_of(home),
        signer=KeyFolder(LinkFolder(home / "link").key_file),
        sealing=HpkeSealing(),
    )
    return fetch_handler(desk, running.link)
