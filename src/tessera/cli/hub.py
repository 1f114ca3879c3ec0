"""`tessera hub`: make a hub, let nodes join it, run it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.ports.hub_store import NodeRecord, NodeState

hub_app = typer.Typer(
    no_args_is_help=True, help="A hub: one catalogue and one search over many nodes."
)
Home = Annotated[Path, typer.Argument(help="The hub's home folder.")]
NodeName = Annotated[str, typer.Argument(help="As `tessera hub nodes` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    from tessera.cli.hub_backup import register as register_backup
    from tessera.cli.hub_catalogue import register as register_catalogue
    from tessera.cli.hub_harvest import register as register_harvest
    from tessera.cli.hub_key import register as register_key
    from tessera.cli.hub_tables import register as register_tables
    from tessera.cli.hub_user import register as register_users
    from tessera.cli.permits import register_at_hub as register_permits

    register_users(hub_app)
    register_harvest(hub_app)
    register_catalogue(hub_app)
    register_key(hub_app)
    register_backup(hub_app)
    register_tables(hub_app)
    register_permits(hub_app)
    app.add_typer(hub_app, name="hub")


@hub_app.command("init")
def init(
    home: Home,
    name: Annotated[str, typer.Option("--name", help="As people call it.")] = "Tessera hub",
    url: Annotated[
        str, typer.Option("--url", help="Where people and nodes reach it.")
    ] = "http://127.0.0.1:8700",
) -> None:
    """Make a hub: its key, its settings and an empty catalogue.

    **Example:** `tessera hub init /srv/hub --name "Nordic hub" --url https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.hub import init_hub

        fingerprint = init_hub(home, name=name, url=url)
        typer.echo(f"hub made in {home}")
        typer.echo(f"fingerprint of its key: {fingerprint}")
        typer.echo(f"next: tessera hub invite {home}; tessera hub run {home}")


@hub_app.command("invite")
def invite(
    home: Home,
    hours: Annotated[int, typer.Option("--hours", min=1, help="How long it is valid.")] = 168,
    node: Annotated[
        str,
        typer.Option(
            "--node",
            help="A revoked node that may join anew, under its id, with another key.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Print an invite code with which one node can join, once.

    **Example:** `tessera hub invite /srv/hub --hours 24`
    """
    with told():
        from tessera.bootstrap.hub import open_hub

        with open_hub(home) as (hub, _):
            typer.echo(str(hub.joining.invite(hours, node_id=node)))


@hub_app.command("nodes")
def nodes(home: Home, json: AsJson = False) -> None:
    """List the nodes that have joined, in every state.

    **Example:** `tessera hub nodes /srv/hub`
    """
    with told():
        from tessera.bootstrap.hub import open_hub

        with open_hub(home) as (_, store):
            found = store.nodes.all()
    if json:
        print_json([_as_json(node) for node in found])
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("name", "country", "state", "last seen (UTC)")
    table.add_column("node", no_wrap=True)
    table.add_column("key", no_wrap=True)
    for node in found:
        seen = f"{node.last_seen:%Y-%m-%d %H:%M:%S}" if node.last_seen else "never"
        table.add_row(
            *(escape(node.name), node.country, node.state.value, seen),
            *(node.node_id, node.public_key.fingerprint),
        )
    Console().print(table)


@hub_app.command("approve")
def approve(home: Home, node_id: NodeName) -> None:
    """Let a node publish and answer. Compare its key with what the node printed.

    **Example:** `tessera hub approve /srv/hub linkoping`
    """
    from tessera.ports.hub_store import NodeState

    _decide(home, node_id, NodeState.APPROVED)


@hub_app.command("reject")
def reject(home: Home, node_id: NodeName) -> None:
    """Refuse a node that waits for approval.

    **Example:** `tessera hub reject /srv/hub linkoping`
    """
    from tessera.ports.hub_store import NodeState

    _decide(home, node_id, NodeState.REJECTED)


@hub_app.command("revoke")
def revoke(home: Home, node_id: NodeName) -> None:
    """Take an approval back; the node's datasets leave the catalogue at once.

    From then on nothing that its keys sign is taken: so also when a key may have been stolen.
    `tessera hub invite HOME --node NODE_ID` lets the node join anew with another key.

    **Example:** `tessera hub revoke /srv/hub linkoping`
    """
    from tessera.ports.hub_store import NodeState

    _decide(home, node_id, NodeState.REVOKED)


@hub_app.command("run")
def run(
    home: Home,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")
    ] = 8700,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Log each request, with its address and query.")
    ] = False,
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--tls-certificate",
            help="PEM: the hub's certificate, then those above it.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--tls-key", help="PEM: its private key, without passphrase.", show_default=False
        ),
    ] = None,
) -> None:
    """Serve pages, REST and nodes until Ctrl-C.

    With a certificate it speaks HTTPS by itself, and takes a renewed one without a restart.
    Without, put a proxy with TLS before it.

    **Example:** `tessera hub run /srv/hub --host 0.0.0.0 --port 443 --tls-certificate
    hub.pem --tls-key hub.key`
    """
    with told():
        if (certificate is None) != (key is None):
            raise typer.BadParameter("--tls-certificate and --tls-key belong together")
        import logging

        from tessera.bootstrap.hub_server import run_hub
        from tessera.bootstrap.hub_tls import Tls

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        run_hub(
            home,
            host=host,
            port=port,
            access_log=access_log,
            tls=Tls(certificate, key) if certificate and key else None,
            on_ready=lambda url: typer.echo(f"hub is open at {url}"),
        )


def _decide(home: Path, node_id: str, state: "NodeState") -> None:
    with told():
        from tessera.bootstrap.hub import open_hub

        with open_hub(home) as (hub, _):
            node = hub.joining.decide(node_id, state)
        typer.echo(f"{node.node_id} ({node.name}) is {node.state.value}")


def _as_json(node: "NodeRecord") -> dict[str, object]:
    from tessera.wire.fields import moment_text, moment_text_or_none

    return {
        "node_id": node.node_id,
        "name": node.name,
        "country": node.country,
        "state": node.state.value,
        "fingerprint": node.public_key.fingerprint,
        "key_since": moment_text_or_none(node.key_since),
        "former_keys": [
            {
                "fingerprint": one.key.fingerprint,
                "until": moment_text(one.until),
                "is_revoked": one.is_revoked,
            }
            for one in node.former_keys
        ],
        "software": node.software,
        "joined_at": moment_text(node.joined_at),
        "decided_at": moment_text_or_none(node.decided_at),
        "last_seen": moment_text_or_none(node.last_seen),
    }
