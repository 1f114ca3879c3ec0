"""Wiring of permitted downloads on the researcher's computer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tessera.adapters.hpke.sealing import HpkeSealing
from tessera.adapters.jose.ed25519 import Ed25519Verifier
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.accounts import credentials
from tessera.client.beacon import Question, signed_use
from tessera.client.client import Client
from tessera.client.fetch import Fetch, Fetched, Terms
from tessera.domain.access.permit import AccessMode, PermitRefused, PermittedDataset, Reason
from tessera.domain.errors import NotFound
from tessera.wire.keys import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Told while files come in."""

    on_dataset: Callable[[PermittedDataset], None]
    on_total: Callable[[int], None]
    on_bytes: Callable[[int], None]


def beacon_use(hub_url: str, permit_id: str, node_id: str, question: Question) -> str:
    """Return a question to a node's Beacon, signed under a permit. Raises as `fetch_permit`."""
    own = credentials(hub_url)
    with Client(own.hub_url, token=own.token) as hub:
        held = hub.permit(permit_id)
    if AccessMode.DOWNLOAD not in held.permit.modes:
        raise PermitRefused(Reason.MODE, "it does not allow download; see tessera permits")
    now = SystemClock().now
    return signed_use(held.permit, held.sha256, node_id, question, own.signer, now)


def fetch_permit(
    hub_url: str,
    permit_id: str,
    out: Path,
    progress: Progress,
    *,
    node: str = "",
    dataset: str = "",
) -> Iterator[tuple[PermittedDataset, Fetched]]:
    """Yield each dataset version of a permit once it is in OUT/<node>/<dataset>-v<N>.

    Raises NotSignedIn, NotFound, PermitRefused with its reason, Unavailable.
    """
    own = credentials(hub_url)
    with Client(own.hub_url, token=own.token) as hub:
        held = hub.permit(permit_id)
        if AccessMode.DOWNLOAD not in held.permit.modes:
            raise PermitRefused(Reason.MODE, "it does not allow download; see tessera permits")
        keys = {one.node_id: one.public_key for one in hub.nodes()}
        wanted = [
            one
            for one in held.permit.datasets
            if node in ("", one.node_id) and dataset in ("", one.dataset_id)
        ]
        if not wanted:
            raise NotFound("the permit names no such dataset; see tessera permits")
        terms = Terms(
            permit_id=permit_id,
            permit_sha256=held.sha256,
            signer=own.signer,
            verifier=Ed25519Verifier(),
            reader=HpkeSealing().reader(),
            now=SystemClock().now,
        )
        for one in wanted:
            if one.node_id not in keys:
                raise NotFound(f"node {one.node_id} is no longer at this hub")
            progress.on_dataset(one)
            fetch = Fetch(
                one,
                PublicKey(keys[one.node_id]),
                terms,
                hub.fetch,
                out / one.node_id / f"{one.dataset_id}-v{one.version}",
                on_total=progress.on_total,
                on_bytes=progress.on_bytes,
            )
            yield one, fetch.run()
