"""`tessera deid explain`: what a de-identification profile does, in words."""

from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.domain.deid.explain import ExplainedAttribute, ExplainedProfile


def register(app: typer.Typer) -> None:
    app.command("explain")(explain)


def explain(
    profile: Annotated[
        str,
        typer.Argument(help="research, basic, eucaim, full-dates, or the path of a TOML file."),
    ],
    tags: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TAG]...",
            help="Attributes by number, by keyword, or private ones with their creator.",
        ),
    ] = None,
    sop_class: Annotated[
        str,
        typer.Option("--class", help="Kind of object, by UID or name: what may be empty differs."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say in words what a profile does, as a whole or attribute by attribute.

    Of an attribute: what becomes of it, why, what decided (table and column, option, override,
    list or rule), its Type in a kind of object, and the clause of the standard.

    **Example:** `tessera deid explain research`

    **Example:** `tessera deid explain research SeriesDescription "(0008,0080)" --class CT`

    **Example:** `tessera deid explain research '(0019,"SIEMENS MR HEADER",0C)'`
    """
    from dataclasses import asdict

    from tessera.bootstrap.deid_explain import explained_attributes, explained_profile

    with told():
        if not tags:
            whole = explained_profile(profile)
            if as_json:
                print_json(asdict(whole) | {"actions": dict(whole.actions)})
            else:
                _show_profile(whole)
            return
        name, found = explained_attributes(profile, tags, sop_class)
    if as_json:
        print_json({"class": name, "attributes": [asdict(one) for one in found]})
    else:
        _show_attributes(name, found)


def _show_profile(whole: "ExplainedProfile") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(whole.label, style="bold"))
    if whole.extends:
        console.print(Text(f"extends {whole.extends}", style="dim"))
    console.print(Text(whole.description))
    console.print()
    console.print(Text("Options of the standard that are taken", style="italic"))
    for one in whole.options:
        if one.taken:
            name = Text(f"  {one.option}", style="green")
            console.print(name.append(f"  {one.clause}, code {one.code}", style="dim"))
            console.print(Text(f"      {one.words}"))
    left = ", ".join(one.option for one in whole.options if not one.taken)
    console.print(Text(f"Not taken: {left}", style="dim"))
    console.print()
    if whole.overrides:
        console.print(Text("Overrides of the profile", style="italic"))
        for line in whole.overrides:
            console.print(Text("  " + line))
        console.print()
    counts = Table(title="Attributes of the standard", title_justify="left", box=None)
    counts.add_column("number", justify="right")
    counts.add_column("what becomes of them")
    for action, n in whole.actions:
        counts.add_row(str(n), Text(action))
    console.print(counts)
    console.print()
    console.print(f"Private elements that may stay: {whole.private}. All others go.")


def _show_attributes(name: str, found: "list[ExplainedAttribute]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if name:
        console.print(Text(f"in {name}", style="dim"))
    for one in found:
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        rows = [
            ("what", Text(one.action, style="bold")),
            ("why", Text(one.why)),
            ("decided by", Text(one.source)),
            ("standard", Text(one.clause)),
        ]
        if one.iod:
            types = f"{one.type_top} at the top, {one.type_inside} inside sequences"
            rows.append(("Type", Text(types)))
        for row in rows:
            table.add_row(*row)
        title = f"{one.tag} {one.keyword} {one.vr}".replace("  ", " ").strip()
        console.print(Text(title, style="bold cyan"))
        console.print(table)
        console.print()
