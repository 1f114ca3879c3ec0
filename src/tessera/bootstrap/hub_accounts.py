"""Wiring of people's accounts at the hub."""

from pathlib import Path
from typing import TYPE_CHECKING

from tessera.adapters.argon2 import Argon2Hasher
from tessera.adapters.jose.ed25519 import Ed25519Verifier
from tessera.domain.access.people import Grant
from tessera.domain.errors import InvalidSettings
from tessera.hub.accounts import Accounts
from tessera.ports.accounts import IdentityProvider
from tessera.ports.audit_log import AuditLog
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore
from tessera.ports.signing import Signer

if TYPE_CHECKING:
    from tessera.bootstrap.hub import HubSettings

_TOO_OPEN = 0o027
"""A group may read the file, as where a container's platform hands it out."""


def hub_accounts(
    home: Path,
    settings: "HubSettings",
    *,
    store: HubStore,
    clock: Clock,
    audit: AuditLog,
    signer: Signer,
) -> Accounts:
    """Return the accounts of a hub, whose key `signer` has. Raises InvalidSettings."""
    return Accounts.assemble(
        store=store,
        clock=clock,
        audit=audit,
        hasher=Argon2Hasher(),
        verifier=Ed25519Verifier(),
        signer=signer,
        url=settings.url,
        provider=_provider(home, settings, clock),
        default_grants=frozenset(map(Grant.parse, settings.oidc_default_roles.split())),
    )


def _provider(home: Path, settings: "HubSettings", clock: Clock) -> IdentityProvider | None:
    if not settings.oidc_issuer:
        return None
    from tessera.adapters.oidc.provider import OidcProvider

    secret = ""
    if settings.oidc_secret_file:
        secret = _secret(home / settings.oidc_secret_file)
    return OidcProvider(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=secret,
        name=settings.oidc_name or settings.oidc_issuer,
        clock=clock,
    )


def _secret(path: Path) -> str:
    try:
        is_too_open = bool(path.stat().st_mode & _TOO_OPEN)
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidSettings(f"oidc_secret_file: {path} cannot be read") from err
    if is_too_open:
        raise InvalidSettings(f"{path}: other users can read or change this secret; use chmod 600")
    if not text:
        raise InvalidSettings(f"oidc_secret_file: {path} is empty")
    return text
