"""`tessera hub user`: the people of a hub, their roles and passwords."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.ports.accounts import AccountRecord

user_app = typer.Typer(no_args_is_help=True, help="The people who may sign in at a hub.")
role_app = typer.Typer(no_args_is_help=True, help="What a person may do at a hub.")
user_app.add_typer(role_app, name="role")
Home = Annotated[Path, typer.Argument(help="The hub's home folder.")]
User = Annotated[str, typer.Argument(help="User name, or person id.")]
RoleName = Annotated[
    str, typer.Argument(help="researcher, committee, holder@NODE or operator@NODE.")
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
]
Invite = Annotated[
    bool, typer.Option("--invite", help="Print a link with which the person sets a password.")
]


def register(app: typer.Typer) -> None:
    """Add the commands below `tessera hub`."""
    app.add_typer(user_app, name="user")


@user_app.command("add")
def add(
    home: Home,
    user: Annotated[str, typer.Argument(help="The name to sign in with.")],
    name: Annotated[str, typer.Option("--name", help="First and last name.")],
    organisation: Annotated[str, typer.Option("--organisation", help="Where the person works.")],
    email: Annotated[str, typer.Option("--email", help="For letters from the hub's people.")] = "",
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            help="researcher, committee, administrator, holder@NODE, operator@NODE; repeat.",
        ),
    ] = None,
    password_stdin: FromStdin = False,
    invite: Invite = False,
) -> None:
    """Make an account. The password is asked for, read from stdin, or set by the person.

    **Example:** `tessera hub user add /srv/hub anna --name "Anna Ek" --organisation "KI" --invite`
    """
    with told(stopped="stopped; no account was made"):
        from tessera.bootstrap.hub import open_hub
        from tessera.domain.access.people import Grant

        grants = frozenset(map(Grant.parse, role or []))
        password = None if invite else typed_password(from_stdin=password_stdin)
        with open_hub(home) as (hub, _):
            account = hub.accounts.add(
                name=name,
                user=user,
                organisation=organisation,
                email=email,
                grants=grants,
                password=password,
            )
            typer.echo(f"account {account.user_name} made: {account.person_id}")
            if invite:
                _print_link(hub.accounts.invite(account))


@user_app.command("list")
def list_(
    home: Home,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """List the accounts, first made first.

    **Example:** `tessera hub user list /srv/hub`
    """
    with told():
        from tessera.bootstrap.hub import open_hub

        with open_hub(home) as (hub, _):
            found = [(a, hub.accounts.keys(a.person_id)) for a in hub.accounts.all()]
    if json:
        print_json([_as_json(account, keys) for account, keys in found])
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("user", "name", "organisation", "roles", "state")
    table.add_column("keys", justify="right")
    for account, keys in found:
        table.add_row(
            escape(account.user_name or account.person_id),
            escape(account.name),
            escape(account.organisation),
            "\n".join(sorted(map(str, account.grants))) or "none",
            _state(account),
            str(len(keys)),
        )
    Console(width=None if sys.stdout.isatty() else 140).print(table)


@role_app.command("add")
def role_add(home: Home, user: User, role: RoleName) -> None:
    """Give a person a role, at once.

    **Example:** `tessera hub user role add /srv/hub anna holder@linkoping`
    """
    with told():
        from tessera.bootstrap.hub import open_hub
        from tessera.domain.access.people import Grant

        with open_hub(home) as (hub, _):
            hub.accounts.grant(hub.accounts.named(user), Grant.parse(role))
        typer.echo(f"{user} is {role}")


@role_app.command("remove")
def role_remove(home: Home, user: User, role: RoleName) -> None:
    """Take a role from a person, at once.

    **Example:** `tessera hub user role remove /srv/hub anna committee`
    """
    with told():
        from tessera.bootstrap.hub import open_hub
        from tessera.domain.access.people import Grant

        with open_hub(home) as (hub, _):
            hub.accounts.withdraw(hub.accounts.named(user), Grant.parse(role))
        typer.echo(f"{user} is no longer {role}")


@user_app.command("disable")
def disable(home: Home, user: User) -> None:
    """Close an account: sessions and tokens end at once, keys count no more.

    Permits that name the person are not revoked by this.

    **Example:** `tessera hub user disable /srv/hub anna`
    """
    with told():
        from tessera.bootstrap.hub import open_hub

        with open_hub(home) as (hub, _):
            hub.accounts.disable(hub.accounts.named(user))
        typer.echo(f"{user} is closed")


@user_app.command("enable")
def enable(home: Home, user: User) -> None:
    """Open a closed account again.

    **Example:** `tessera hub user enable /srv/hub anna`
    """
    with told():
        from tessera.bootstrap.hub import open_hub

        with open_hub(home) as (hub, _):
            hub.accounts.enable(hub.accounts.named(user))
        typer.echo(f"{user} is open")


@user_app.command("password")
def password(
    home: Home, user: User, password_stdin: FromStdin = False, invite: Invite = False
) -> None:
    """Set a password, or print a link with which the person does. Ends sessions and tokens.

    **Example:** `tessera hub user password /srv/hub anna --invite`
    """
    with told(stopped="stopped; nothing was changed"):
        from tessera.bootstrap.hub import open_hub

        with open_hub(home) as (hub, _):
            account = hub.accounts.named(user)
            if invite:
                _print_link(hub.accounts.invite(account))
                return
            hub.accounts.set_password(account.person_id, typed_password(from_stdin=password_stdin))
        typer.echo(f"password of {user} set; sessions and tokens are ended")


def typed_password(*, from_stdin: bool, is_new: bool = True) -> str:
    """Return a password from the first line of stdin, or asked for without showing it."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise typer.BadParameter("no terminal to ask at: use --password-stdin")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=is_new, err=True))


def _print_link(link: str) -> None:
    typer.echo("send this link to the person; it serves once, for 7 days:")
    typer.echo(link)


def _state(account: "AccountRecord") -> str:
    if account.disabled:
        return "closed"
    if not account.password_hash:
        return "invited" if account.user_name else "signs in elsewhere"
    return "open"


def _as_json(account: "AccountRecord", keys: tuple[str, ...]) -> dict[str, object]:
    from tessera.wire.accounts import person_to_json
    from tessera.wire.fields import moment_text

    return {
        **person_to_json(account.person()),
        "user": account.user_name,
        "state": _state(account),
        "keys": list(keys),
        "created_at": moment_text(account.created_at),
    }
