"""`tessera permits`, and the hub operator's `tessera hub permits`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tessera.wire.runs import HeldPermit

hub_permits_app = typer.Typer(no_args_is_help=True, help="The permits that this hub has issued.")
Home = Annotated[Path, typer.Argument(help="The hub's home folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
HubUrl = Annotated[str, typer.Option("--hub", envvar="TESSERA_HUB", help="The hub's address.")]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("permits")(permits)


def register_at_hub(hub_app: typer.Typer) -> None:
    """Add the commands below `tessera hub`."""
    hub_app.add_typer(hub_permits_app, name="permits")


def permits(
    permit_id: Annotated[str, typer.Argument(help="Show this one; all of yours otherwise.")] = "",
    hub: HubUrl = "http://127.0.0.1:8700",
    json: AsJson = False,
) -> None:
    """Show your permits, and how they stand at each hospital.

    **Example:** `tessera permits --hub https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            found = [client.permit(permit_id)] if permit_id else client.permits()
        _print(found, json=json)


@hub_permits_app.command("list")
def list_permits(home: Home, json: AsJson = False) -> None:
    """List every permit of the hub.

    **Example:** `tessera hub permits list /srv/hub`
    """
    with told():
        from tessera.bootstrap.hub import open_hub

        with open_hub(home) as (hub, _):
            found = hub.permits.public()
        _print(found, json=json)


@hub_permits_app.command("revoke")
def revoke(
    home: Home,
    permit_id: Annotated[str, typer.Argument(help="As `tessera hub permits list` shows it.")],
    reason: Annotated[str, typer.Option("--reason", help="Nodes and persons read it.")],
) -> None:
    """End a permit at the hub and at every node; what runs under it is stopped.

    **Example:** `tessera hub permits revoke /srv/hub 6f1c… --reason "The project has ended."`
    """
    with told():
        from tessera.bootstrap.hub import open_hub

        with open_hub(home) as (hub, _):
            hub.permits.revoke(permit_id, reason, "operator")
            held = hub.permits.find(permit_id)
        typer.echo(f"revoked; told to {', '.join(held.permit.nodes())} at their next call")


def _print(found: "Sequence[HeldPermit]", *, json: bool) -> None:
    if json:
        print_json([held.to_json() for held in found])
        return
    if not found:
        typer.echo("no permit")
    for held in found:
        _print_one(held)


def _print_one(held: "HeldPermit") -> None:
    from tessera.wire.text import one_line

    permit = held.permit
    typer.secho(one_line(permit.title), bold=True)
    typer.echo(f"  {permit.permit_id}")
    modes = ", ".join(sorted(permit.modes))
    typer.echo(f"  {modes}; from {permit.starts:%Y-%m-%d} to {permit.ends:%Y-%m-%d}")
    if held.revoked_at:
        typer.secho(
            f"  revoked {held.revoked_at:%Y-%m-%d}: {held.revoked_reason}", fg=typer.colors.RED
        )
    for at_node in held.nodes:
        detail = f": {at_node.detail}" if at_node.detail else ""
        typer.echo(f"  {at_node.node_id}: {at_node.state}{detail}")
        for one in permit.of_node(at_node.node_id):
            typer.echo(f"    {one.dataset_id} v{one.version}")
    for tool in permit.tools:
        typer.echo(f"  tool {one_line(tool.name)} {one_line(tool.version)}  {tool.digest}")
