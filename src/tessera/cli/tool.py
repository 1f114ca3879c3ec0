"""`tessera tool`: check a tool, name it by its digest, bring it to a hub."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.wire.runs import ListedTool

tool_app = typer.Typer(
    no_args_is_help=True, help="Tools: folders of Python files that run where the data are."
)
Which = Annotated[str, typer.Argument(help="A folder, or the name of a built-in tool.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
HubUrl = Annotated[str, typer.Option("--hub", envvar="TESSERA_HUB", help="The hub's address.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(tool_app, name="tool")


@tool_app.command("check")
def check(
    folder: Annotated[Path, typer.Argument(help="The tool's folder.")], json: AsJson = False
) -> None:
    """Check a tool's folder and show what it says of itself.

    **Example:** `tessera tool check ./my-tool`
    """
    with told():
        from tessera.bootstrap.access import tool_in
        from tessera.wire.runs import ListedTool

        bundle = tool_in(folder)
        if json:
            print_json(ListedTool.of(bundle).to_json())
            return
        limits = bundle.limits
        typer.echo(f"{bundle.name} {bundle.version}: {bundle.title}")
        typer.echo(f"digest   {bundle.digest}")
        for entry, path in sorted(bundle.entries.items()):
            typer.echo(f"entry    {entry}: {path}")
        for name, kind in sorted(bundle.outputs.items()):
            typer.echo(f"output   {name}: {kind}")
        typer.echo(
            f"limits   {limits.seconds} s, {limits.memory_mb} MB memory, "
            f"{limits.processes} processes, {limits.output_mb} MB output"
        )


@tool_app.command("digest")
def digest(which: Which) -> None:
    """Print the digest by which a permit names the tool.

    **Example:** `tessera tool digest ./my-tool`
    """
    with told():
        from tessera.bootstrap.access import tool_named

        typer.echo(tool_named(which).digest)


@tool_app.command("add")
def add(which: Which, hub: HubUrl = "http://127.0.0.1:8700", json: AsJson = False) -> None:
    """Bring a tool to a hub, where reviewers can read it and applications can name it.

    **Example:** `tessera tool add ./my-tool --hub https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client, tool_named

        bundle = tool_named(which)
        with signed_in_client(hub) as client:
            added = client.add_tool(bundle)
        if json:
            print_json(added.to_json())
            return
        typer.echo(f"{added.name} {added.version} is at the hub")
        typer.echo(added.digest)


@tool_app.command("list")
def list_tools(
    hub: HubUrl = "http://127.0.0.1:8700",
    built_in: Annotated[
        bool, typer.Option("--built-in", help="Those that come with Tessera; asks no hub.")
    ] = False,
    json: AsJson = False,
) -> None:
    """List the tools of a hub, or those that come with Tessera.

    **Example:** `tessera tool list --built-in`
    """
    with told():
        from tessera.bootstrap.access import listed_builtin_tools, signed_in_client

        found: Sequence[ListedTool]
        if built_in:
            found = listed_builtin_tools()
        else:
            with signed_in_client(hub) as client:
                found = client.tools()
        if json:
            print_json([tool.to_json() for tool in found])
            return
        for tool in found:
            entries = ", ".join(tool.entries)
            typer.echo(f"{tool.name} {tool.version}  {tool.title}  [{entries}]")
            typer.echo(f"  {tool.digest}")
        if not found:
            typer.echo("no tool; add one with `tessera tool add`")
