"""`tessera register`: the public register of a hub in a terminal."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from rich.console import Console

    from tessera.domain.access.register import Register, RegisterEntry
    from tessera.http.language import Texts

_WIDEST = 100
"""Columns; longer lines are hard to read."""


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("register")(show_register)


def show_register(
    permit_id: Annotated[str, typer.Argument(help="Show this permit; all otherwise.")] = "",
    hub: Annotated[
        str, typer.Option("--hub", envvar="TESSERA_HUB", help="The hub's address.")
    ] = "http://127.0.0.1:8700",
    hospital: Annotated[str, typer.Option("--hospital", help="Only with data of this one.")] = "",
    status: Annotated[
        str, typer.Option("--status", help="Only waiting, in-force, ended or revoked ones.")
    ] = "",
    words: Annotated[str, typer.Option("--words", help="Only with each of these words.")] = "",
    language: Annotated[str, typer.Option("--language", help="Of what is printed: en, sv.")] = "en",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Show who may use what, why, and what came of it. Everybody may; no sign-in.

    **Example:** `tessera register --hub https://hub.example.org --language sv`
    """
    with told():
        from rich.console import Console

        from tessera.client.client import Client
        from tessera.domain.access.register import RegisterFilter
        from tessera.http.language import LANGUAGES, texts
        from tessera.wire.register import entry_to_json, register_to_json

        if language not in LANGUAGES:
            raise typer.BadParameter(f"--language: use {' or '.join(LANGUAGES)}")
        console = Console(markup=False, highlight=False, emoji=False)
        console.width = min(console.width, _WIDEST)
        with Client(hub) as client:
            if permit_id:
                entry = client.register_entry(permit_id)
                if json:
                    print_json(entry_to_json(entry))
                else:
                    _print_one(console, entry, texts(language))
                return
            shown = client.register(RegisterFilter(hospital=hospital, status=status, text=words))
        if json:
            print_json(register_to_json(shown))
        else:
            _print_all(console, shown, texts(language))


def _print_all(console: "Console", shown: "Register", t: "Texts") -> None:
    numbers = shown.statistics
    console.print(_plain(t("register.title")), style="bold")
    days = (
        _plain(t("register.no_days"))
        if numbers.median_days is None
        else _plain(t("register.under_a_day"))
        if numbers.median_days < 1
        else _counted(t, "register.n_days", round(numbers.median_days))
    )
    _facts(
        console,
        [
            (t("register.n_in_force"), str(numbers.n_in_force)),
            (t("register.n_permits"), str(numbers.n_permits)),
            (t("register.days"), days),
            (t("register.n_out"), str(numbers.n_results + numbers.n_models)),
        ],
    )
    if any(numbers.refusals.values()):
        console.print()
        console.print(_plain(t("register.refusals")))
        refused = [(t(f"register.refusal.{kind}"), str(n)) for kind, n in numbers.refusals.items()]
        _facts(console, [pair for pair in refused if pair[1] != "0"])
    for entry in shown.entries:
        console.print()
        _print_head(console, entry, t)
        _print_facts(console, entry, t)
    if not shown.entries:
        console.print()
        console.print(_plain(t("register.none_fit" if numbers.n_permits else "register.none")))


def _print_one(console: "Console", entry: "RegisterEntry", t: "Texts") -> None:
    _print_head(console, entry, t)
    console.print()
    console.print(entry.purpose)
    console.print()
    _print_facts(console, entry, t)
    console.print()
    console.print(_plain(t("register.story")), style="bold")
    for step in entry.story:
        hospital = entry.hospital(step.node_id) if step.node_id else None
        name = hospital.name if hospital else step.node_id or ""
        told_ = t(f"register.step.{step.kind}", hospital=name, what=step.what)
        console.print(f"  {step.at:%Y-%m-%d}  {_plain(told_)}")
    console.print()
    console.print(f"{_plain(t('register.print'))}:")
    console.print(f"  {entry.sha256}")


def _print_head(console: "Console", entry: "RegisterEntry", t: "Texts") -> None:
    console.print(entry.title or _plain(t("register.untitled")), style="bold")
    standing = _plain(t(f"register.standing.{entry.standing}"))
    console.print(f"  {standing}, {entry.starts:%Y-%m-%d} – {entry.ends:%Y-%m-%d}")
    console.print(f"  {entry.permit_id}")


def _print_facts(console: "Console", entry: "RegisterEntry", t: "Texts") -> None:
    who = [
        f"{one.organisation} ({_counted(t, 'register.persons', one.n_persons)})"
        for one in entry.users
    ]
    data = [
        f"{one.name} ({_plain(t(f'register.at_short.{one.state}'))}): "
        + ", ".join(f"{d.title.get(t.language) or d.dataset_id} v{d.version}" for d in one.datasets)
        for one in entry.hospitals
    ]
    came = []
    if entry.results:
        came.append(_counted(t, "register.n_results", len(entry.results)))
    if entry.models:
        came.append(_counted(t, "register.n_models", len(entry.models)))
    nothing = "register.nothing_out" if entry.n_runs else "register.nothing_yet"
    _facts(
        console,
        [
            (t("register.who"), "; ".join(who)),
            (t("register.data_from"), "\n".join(data)),
            (
                t("register.may"),
                ", ".join(_plain(t(f"register.mode_short.{mode}")) for mode in entry.modes),
            ),
            (t("register.came_of_it"), ", ".join(came) or _plain(t(nothing))),
        ],
    )


def _facts(console: "Console", facts: "list[tuple[str, str]]") -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(max_width=44)
    grid.add_column()
    for name, value in facts:
        grid.add_row(Text(_plain(name), style="dim"), Text(value))
    console.print(Padding.indent(grid, 2))


def _counted(t: "Texts", key: str, n: int) -> str:
    return _plain(t.count(key, n, n=n))


def _plain(text: str) -> str:
    """Return words of the pages for a terminal: they come escaped for HTML."""
    from html import unescape

    return re.sub(r"\s+", " ", unescape(str(text)))
