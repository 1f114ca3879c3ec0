"""Settings and wiring of a hub; the only place that names its adapters."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from tessera import __version__
from tessera.adapters.jose.ed25519 import Ed25519Verifier
from tessera.adapters.jose.key_folder import KeyFolder
from tessera.adapters.sqlite_hub.store import SqliteHubStore
from tessera.adapters.system_clock import SystemClock
from tessera.bootstrap.audit import hub_audit
from tessera.bootstrap.hub_accounts import hub_accounts
from tessera.domain.catalogue.entry import CatalogueEntry
from tessera.domain.catalogue.notice import Withdrawn
from tessera.domain.errors import Conflict, InvalidSettings
from tessera.hub.hub import Hub, RenderCatalogue, RenderDataset, RenderRecord, RenderTombstone
from tessera.hub.views import Layer, RdfFormat
from tessera.ports.clock import Clock
from tessera.ports.hub_store import HubStore
from tessera.wire.keys import Keys

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8700
_TEXT = re.compile(r'[^"\\\x00-\x1f]+')


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """Everything a hub can be told: the keys of HOME/hub.toml."""

    name: str
    """As people call it."""
    url: str
    """Where people and nodes reach it; the base of the names in its RDF."""
    metadata_license: str = "https://creativecommons.org/licenses/by/4.0/"
    """IRI of the licence of the descriptions, not of the data."""
    oidc_issuer: str = ""
    """An OpenID Connect provider with which people may sign in; empty for none."""
    oidc_client_id: str = ""
    """The hub's name there."""
    oidc_name: str = ""
    """What people call the provider."""
    oidc_secret_file: str = ""
    """File with the secret that the provider gave the hub; none for a public client."""
    oidc_default_roles: str = ""
    """Roles of who signs in for the first time, with spaces between; none unless named."""
    learning_host: str = ""
    """Name or address under which nodes reach the engine of a training; else that of `url`."""
    learning_port: str = ""
    """TCP port of the engine; none takes a free one for each training."""
    learning_wait_seconds: str = ""
    """After so long a training begins with the nodes that are ready, if they are enough."""

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if not _TEXT.fullmatch(value) and (value or setting.default != ""):
                raise InvalidSettings(f"{setting.name}: text without quotes and backslashes")
        if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", self.url):
            raise InvalidSettings(f"url {self.url!r}: expected http://… or https://…")
        if not re.fullmatch(r"https?://[^\s<>{}|^`]+", self.metadata_license):
            raise InvalidSettings(
                f"metadata_license {self.metadata_license!r}: expected the address of a licence"
            )
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise InvalidSettings("oidc_issuer and oidc_client_id belong together")

    @classmethod
    def load(cls, home: Path) -> "HubSettings":
        """Read HOME/hub.toml. Raises InvalidSettings naming the key."""
        path = home / "hub.toml"
        try:
            raw = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError as err:
            raise InvalidSettings(
                f"{home} is no hub's home: no hub.toml there; make one with `tessera hub init`"
            ) from err
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
            raise InvalidSettings(f"{path}: {err}") from err
        known = {setting.name for setting in fields(cls)}
        if unknown := sorted(raw.keys() - known):
            raise InvalidSettings(f"{path}: unknown settings: {', '.join(unknown)}")
        defaults = {setting.name: setting.default for setting in fields(cls)}
        for key in sorted(known):
            if not isinstance(raw.get(key, defaults.get(key)), str):
                raise InvalidSettings(f"{path}: {key}: expected text")
        return cls(**raw)

    def toml(self) -> str:
        told = {s.name: getattr(self, s.name) for s in fields(self)}
        return "".join(f'{name} = "{value}"\n' for name, value in told.items() if value)


def init_hub(home: Path, *, name: str, url: str) -> str:
    """Make a hub's home and return the fingerprint of its key. Raises Conflict when it exists."""
    settings = HubSettings(name=name, url=url.rstrip("/"))
    if (home / "hub.toml").exists():
        raise Conflict(f"{home} is a hub's home already")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_file = home / "hub.key"
    signer = KeyFolder(key_file) if key_file.exists() else KeyFolder.create(key_file)
    SqliteHubStore(home / "hub.sqlite").close()
    # Written last: a home with hub.toml is whole.
    (home / "hub.toml").write_text(settings.toml(), "utf-8")
    return signer.public_key.fingerprint


@contextmanager
def open_hub(home: Path) -> Iterator[tuple[Hub, HubStore]]:
    """Open the hub of `home` for one command or for a server."""
    settings = HubSettings.load(home)
    store = SqliteHubStore(home / "hub.sqlite")
    try:
        signer, audit, clock = KeyFolder(home / "hub.key"), hub_audit(home), SystemClock()
        hub = Hub.assemble(
            name=settings.name,
            address=settings.url,
            store=store,
            clock=clock,
            signer=signer,
            verifier=Ed25519Verifier(),
            audit=audit,
            accounts=hub_accounts(
                home,
                settings,
                store=store,
                clock=clock,
                audit=audit,
                signer=signer,
            ),
            render_catalogue=catalogue_rdf(settings),
            render_dataset=dataset_rdf(settings),
            render_record=record_rdf(settings, clock),
            render_tombstone=tombstone_rdf(settings),
        )
        yield hub, store
    finally:
        store.close()


def hub_keys(home: Path) -> Keys:
    """Return the hub's key of now and those before it."""
    HubSettings.load(home)
    return KeyFolder(home / "hub.key").keys()


def renew_hub_key(home: Path) -> str:
    """Give the hub a new key and return its fingerprint. A running hub takes it up at once.

    Raises Conflict while the key before the present one still answers.
    """
    with open_hub(home) as (hub, _), KeyFolder(home / "hub.key").renewing():
        return hub.link_keys.renew().fingerprint


def catalogue_rdf(settings: HubSettings) -> RenderCatalogue:
    """Return the function that writes the whole catalogue as RDF."""

    def render(entries: Sequence[CatalogueEntry], format: RdfFormat) -> bytes:
        # rdflib takes most of a second to load; the hub starts without it.
        from tessera.adapters.rdf import catalogue_graph, written

        license = settings.metadata_license
        return written(
            catalogue_graph(entries, settings.url, settings.name, license=license), format
        )

    return render


def dataset_rdf(settings: HubSettings) -> RenderDataset:
    """Return the function that writes one dataset as RDF."""

    def render(entry: CatalogueEntry, format: RdfFormat) -> bytes:
        from tessera.adapters.rdf import dataset_graph, written

        graph = dataset_graph(
            entry.description,
            base_iri=settings.url,
            node_name=entry.node.name,
            node_id=entry.node.node_id,
        )
        return written(graph, format)

    return render


def record_rdf(settings: HubSettings, clock: Clock) -> RenderRecord:
    """Return the function that writes one record of the FAIR Data Point."""

    def render(layer: Layer, format: RdfFormat, entries: Sequence[CatalogueEntry]) -> bytes:
        from tessera.adapters.rdf import fdp, written

        point = fdp.Point(
            settings.url, settings.name, f"tessera {__version__}", settings.metadata_license
        )
        return written(fdp.record(point, layer, entries, clock.now()), format)

    return render


def tombstone_rdf(settings: HubSettings) -> RenderTombstone:
    """Return the function that writes what is left of a withdrawn dataset."""

    def render(gone: Withdrawn, format: RdfFormat) -> bytes:
        from tessera.adapters.rdf import tombstone_graph, written

        return written(tombstone_graph(gone.entry, gone.notice, settings.url), format)

    return render
