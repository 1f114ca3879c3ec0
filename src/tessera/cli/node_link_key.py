"""`tessera node link-key …`: the key by which the hub knows this node."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.wire.keys import Keys

link_key_app = typer.Typer(
    no_args_is_help=True, help="The key by which the hub knows this node: show, renew."
)
Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def register(node_app: typer.Typer) -> None:
    """Add the commands to `tessera node`."""
    node_app.add_typer(link_key_app, name="link-key")


@link_key_app.command("show")
def show(home: Home, as_json: AsJson = False) -> None:
    """Show the fingerprints of this node's key and of the hub's, and those before; never a key.

    **Example:** `tessera node link-key show /srv/tessera`
    """
    with told():
        from tessera.bootstrap.link import link_keys

        found = link_keys(home)
    if as_json:
        print_json(
            {
                "node": keys_as_json(found.own),
                "hub": keys_as_json(found.hub),
                "is_being_renewed": found.is_prepared,
            }
        )
        return
    typer.echo("\n".join(key_lines("this node's key", found.own)))
    typer.echo("\n".join(key_lines("the hub's key  ", found.hub)))
    if found.is_prepared:
        typer.echo("a renewal has begun: `tessera node run` or `link-key renew` finishes it")


@link_key_app.command("renew")
def renew(home: Home) -> None:
    """Make a new key and have the hub pin it, in a message that both keys sign.

    A running node goes on, and takes the new key up by itself. Interrupted, the same command
    or the running node finishes it. When the key may have been stolen, call the hub's operator
    first: whoever has it can renew it too.

    **Example:** `tessera node link-key renew /srv/tessera`
    """
    with told():
        from tessera.bootstrap.link import renew_link_key

        fingerprint = renew_link_key(home)
    typer.echo(f"the hub knows this node by its new key: {fingerprint}")
    typer.echo("the former key is deleted here; copies in backups are of no use to anybody")


def key_lines(name: str, keys: "Keys") -> list[str]:
    """Return a line for the key of now and one for each before it, the newest first."""
    lines = [f"{name}  {keys.current.fingerprint}"]
    for one in reversed(keys.former):
        ended = "revoked" if one.is_revoked else f"until {one.until:%Y-%m-%d %H:%M} UTC"
        lines.append(f"{'before':<{len(name)}}  {one.key.fingerprint}  {ended}")
    return lines


def keys_as_json(keys: "Keys") -> dict[str, object]:
    from tessera.wire.fields import moment_text

    return {
        "fingerprint": keys.current.fingerprint,
        "public_key": keys.current.x,
        "former": [
            {
                "fingerprint": one.key.fingerprint,
                "public_key": one.key.x,
                "until": moment_text(one.until),
                "is_revoked": one.is_revoked,
            }
            for one in keys.former
        ],
    }
