"""`tessera login`, `logout` and `whoami`: a person's own computer and a hub."""

import sys
from typing import Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, told

HubUrl = Annotated[str, typer.Argument(envvar="TESSERA_HUB", help="The hub's address.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("login")(login)
    app.command("logout")(logout)
    app.command("whoami")(whoami)


def login(
    hub: HubUrl,
    user: Annotated[str, typer.Option("--user", help="User name; asked for if left out.")] = "",
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="Read the password from the first line of stdin."),
    ] = False,
    token_stdin: Annotated[
        bool,
        typer.Option("--token-stdin", help="Read a token, made on the account page, from stdin."),
    ] = False,
    name: Annotated[
        str, typer.Option("--name", help="What token and key are called; else this computer.")
    ] = "",
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Let the password go without encryption.")
    ] = False,
) -> None:
    """Sign in at a hub, and make and register this computer's key.

    Token and key are kept in the folder that TESSERA_CONFIG names, else in `~/.config/tessera`.
    Who signs in with an OpenID provider makes a token on the account page first.

    **Example:** `tessera login https://hub.example.org --user anna`
    """
    with told():
        from tessera.bootstrap import accounts
        from tessera.cli.hub_user import typed_password
        from tessera.client.credentials import hub_address

        # Before the password is asked for.
        hub_address(hub, plain_http=plain_http)
        token = password = ""
        if token_stdin:
            token = sys.stdin.readline().strip()
            if not token:
                raise typer.BadParameter("no token on stdin")
        else:
            if not user:
                if not sys.stdin.isatty():
                    raise typer.BadParameter("no terminal to ask at: give --user")
                user = typer.prompt("User name", err=True)
            password = typed_password(from_stdin=password_stdin, is_new=False)
        done = accounts.login(
            hub,
            label=name or _computer(),
            user=user,
            password=password,
            token=token,
            plain_http=plain_http,
        )
    typer.echo(f"signed in at {done.hub_url} as {done.name} until {done.expires_at[:10]}")
    made = "made and registered" if done.is_new_key else "registered"
    typer.echo(f"key of this computer {made}: {done.fingerprint}")


def logout(
    hub: HubUrl,
    forget_key: Annotated[
        bool, typer.Option("--forget-key", help="Revoke and remove this computer's key as well.")
    ] = False,
) -> None:
    """Revoke this computer's token at the hub, and remove it here.

    Exits with 3 when the hub could not be told: then revoke it on the account page.

    **Example:** `tessera logout https://hub.example.org`
    """
    with told():
        from tessera.bootstrap import accounts

        is_told = accounts.logout(hub, forget_key=forget_key)
    typer.echo(f"signed out at {hub}")
    if not is_told:
        typer.echo("the hub could not be told: revoke it on your account page", err=True)
        raise typer.Exit(exit_codes.INCOMPLETE)


def whoami(
    hub: Annotated[
        str, typer.Argument(envvar="TESSERA_HUB", help="The hub's address; else every hub.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Say who is signed in at a hub, with which roles and key.

    **Example:** `tessera whoami https://hub.example.org`
    """
    with told():
        from tessera.bootstrap import accounts
        from tessera.domain.errors import NotSignedIn
        from tessera.wire import fields

        hubs = [hub] if hub else [kept.hub_url for kept in accounts.logins()]
        if not hubs:
            raise NotSignedIn("not signed in anywhere: tessera login HUB")
        found = [accounts.whoami(address) for address in hubs]
        if json:
            print_json(found[0] if hub else found)
            return
        for answer in found:
            person = fields.child(answer, "person")
            key = fields.child(answer, "this_key")
            roles = ", ".join(fields.texts(person, "roles")) or "none"
            state = "registered" if fields.flag(key, "registered") else "not registered: log in"
            typer.echo(f"{fields.text(person, 'name')} at {fields.text(answer, 'hub_url')}")
            typer.echo(f"  id: {fields.text(person, 'person_id')}")
            typer.echo(f"  roles: {roles}")
            typer.echo(f"  key of this computer: {fields.text(key, 'fingerprint')} ({state})")


def _computer() -> str:
    import socket

    return socket.gethostname()[:100] or "computer"
