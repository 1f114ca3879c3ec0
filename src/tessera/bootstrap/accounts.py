"""Wiring of what `tessera login` keeps on a person's own computer."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tessera.adapters.jose.ed25519 import Ed25519Signer
from tessera.client.accounts import AccountClient
from tessera.client.credentials import (
    HubFolder,
    KeptLogin,
    config_folder,
    hub_address,
    known_hubs,
)
from tessera.domain.errors import InvalidSettings, NotSignedIn, TesseraError
from tessera.ports.signing import Signer
from tessera.wire import fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """With what a person's computer speaks to one hub."""

    hub_url: str
    token: str = field(repr=False)
    signer: Signer
    """The person's own key, with which uses of a permit are signed."""


def credentials(hub_url: str) -> Credentials:
    """Return what `tessera login` has kept for the hub; TESSERA_TOKEN wins over its token.

    Raises NotSignedIn, InvalidSettings.
    """
    folder = _folder(hub_address(hub_url, plain_http=True))
    kept = folder.login()
    token = os.environ.get("TESSERA_TOKEN", "") or (kept.token if kept else "")
    if not token or not folder.key_file.exists():
        raise NotSignedIn(f"not signed in at {folder.hub_url}: tessera login {folder.hub_url}")
    signer = Ed25519Signer.load(folder.key_file)
    return Credentials(hub_url=folder.hub_url, token=token, signer=signer)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """What came of a login."""

    hub_url: str
    name: str
    fingerprint: str
    expires_at: str
    is_new_key: bool


def login(
    hub_url: str,
    *,
    label: str,
    user: str = "",
    password: str = "",
    token: str = "",
    plain_http: bool = False,
) -> LoggedIn:
    """Sign in with user and password, or a token; make and register this computer's key.

    Killed between two steps, the same command goes on: a key that is there is used again.
    """
    address = hub_address(hub_url, plain_http=plain_http)
    folder = _folder(address)
    folder.make()
    before = _readable_login(folder)
    if not token:
        with AccountClient(address) as client:
            token = client.sign_in(user, password, label).token
    with AccountClient(address, token=token) as client:
        account = _account_of(client)
        is_new = not folder.key_file.exists()
        if not is_new and _fingerprint(folder) in account.revoked:
            folder.key_file.unlink()
            is_new = True
        signer = (
            Ed25519Signer.create(folder.key_file) if is_new else Ed25519Signer.load(folder.key_file)
        )
        if signer.public_key.fingerprint not in account.active:
            client.register_key(signer, account.person_id, label)
    kept = KeptLogin(
        hub_url=address,
        person_id=account.person_id,
        name=account.name,
        token=token,
        expires_at=account.expires_at,
    )
    folder.keep(kept)
    if before is not None and before.token != token:
        # The token that it replaces; one that is over already is no trouble.
        with suppress(TesseraError), AccountClient(address, token=before.token) as client:
            client.sign_out()
    return LoggedIn(
        hub_url=address,
        name=account.name,
        fingerprint=signer.public_key.fingerprint,
        expires_at=account.expires_at,
        is_new_key=is_new,
    )


def logout(hub_url: str, *, forget_key: bool = False) -> bool:
    """Revoke the token at the hub and remove it here; with `forget_key` the key as well.

    Returns False when the hub could not be told; the files here are removed in any case.
    """
    folder = _folder(hub_address(hub_url, plain_http=True))
    kept = _readable_login(folder)
    is_told = True
    if kept is not None:
        try:
            with AccountClient(folder.hub_url, token=kept.token) as client:
                if forget_key and folder.key_file.exists():
                    fingerprint = _fingerprint(folder)
                    if fingerprint in _account_of(client).active:
                        client.revoke_key(fingerprint)
                client.sign_out()
        except NotSignedIn:
            is_told = not forget_key
        except TesseraError:
            is_told = False
    folder.forget_login()
    if forget_key:
        folder.forget()
    return is_told


def whoami(hub_url: str) -> dict[str, object]:
    """Return the account as the hub has it, and this computer's key. Raises NotSignedIn."""
    own = credentials(hub_url)
    with AccountClient(own.hub_url, token=own.token) as client:
        answer = dict(client.account())
    fingerprint = own.signer.public_key.fingerprint
    is_registered = fingerprint in _read_account(answer).active
    return {
        "hub_url": own.hub_url,
        **answer,
        "this_key": {"fingerprint": fingerprint, "registered": is_registered},
    }


def logins() -> Sequence[KeptLogin]:
    """Return the hubs at which this computer is signed in."""
    return known_hubs(_config())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    person_id: str
    name: str
    expires_at: str
    active: frozenset[str]
    revoked: frozenset[str]


def _account_of(client: AccountClient) -> _Account:
    return _read_account(client.account())


def _read_account(answer: fields.Json) -> _Account:
    person = fields.child(answer, "person")
    keys = fields.objects(answer, "keys", lambda key: key)
    over = {fields.text(k, "fingerprint") for k in keys if k.get("revoked_at") is not None}
    return _Account(
        person_id=fields.text(person, "person_id"),
        name=fields.text(person, "name"),
        expires_at=fields.text(fields.child(answer, "token"), "expires_at"),
        active=frozenset(fields.text(k, "fingerprint") for k in keys) - over,
        revoked=frozenset(over),
    )


def _config() -> Path:
    return config_folder(os.environ.get("TESSERA_CONFIG", ""))


def _folder(hub_url: str) -> HubFolder:
    return HubFolder(_config(), hub_url)


def _readable_login(folder: HubFolder) -> KeptLogin | None:
    """A login that cannot be read is one to be replaced or removed."""
    try:
        return folder.login()
    except InvalidSettings:
        return None


def _fingerprint(folder: HubFolder) -> str:
    return Ed25519Signer.load(folder.key_file).public_key.fingerprint
