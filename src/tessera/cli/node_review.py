"""`tessera node review …`: a person decides what the machine was not certain of."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told

review_app = typer.Typer(
    no_args_is_help=True, help="Pictures that wait for a person: look, decide, remember."
)
Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Item = Annotated[str, typer.Argument(help="Its name in the list, or the start of it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(node_app: typer.Typer) -> None:
    """Add the commands to `tessera node`."""
    node_app.add_typer(review_app, name="review")


@review_app.command("open")
def open_command(
    home: Home,
    port: Annotated[int, typer.Option(help="TCP port; 0 is a free one.", min=0)] = 0,
    browser: Annotated[bool, typer.Option(help="Open a browser at the page.")] = True,
) -> None:
    """Open the page on which a person looks and decides. It shows patients: this computer only.

    The address holds a key that lasts until the command ends; Ctrl-C ends it.

    **Example:** `tessera node review open /srv/tessera`
    """
    with told(stopped="closed"):
        from tessera.bootstrap.desk import serve_desk
        from tessera.bootstrap.node import open_node

        serve_desk(open_node(home), port=port, tell=typer.echo, browser=browser)


@review_app.command("list")
def list_command(home: Home, as_json: Json = False) -> None:
    """List what waits. The texts that were read are not shown: open the page to see them.

    **Example:** `tessera node review list /srv/tessera`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.pixels import waiting

        items = waiting(open_node(home))
    told_of = [
        {
            "item": item.item_id,
            "since": item.since.isoformat(timespec="seconds"),
            "reason": item.reason,
            "modality": item.layout.modality,
            "device": " ".join(filter(None, (item.layout.manufacturer, item.layout.model))),
            "size": f"{item.layout.columns} x {item.layout.rows}",
            "boxes": len(item.findings),
            "unsure": sum(one.action == "unsure" for one in item.findings),
        }
        for item in items
    ]
    if as_json:
        print_json(told_of)
        return
    for one in told_of:
        typer.echo("\t".join(str(value) for value in one.values()))
    typer.echo(f"{len(told_of)} wait; decide: tessera node review open {home}", err=True)


@review_app.command("decide")
def decide_command(
    home: Home,
    item: Item,
    keep: Annotated[
        list[int] | None, typer.Option(help="Number of a box that stays as it is. Repeatable.")
    ] = None,
    blank: Annotated[
        list[str] | None,
        typer.Option(help="One more box to blank: x,y,width,height in pixels. Repeatable."),
    ] = None,
    remember: Annotated[
        bool, typer.Option(help="Decide so for every picture of that device and layout.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Blank the boxes that were found, but for those to keep, and take the instance in.

    **Example:** `tessera node review decide /srv/tessera 3f2a --keep 2 --blank 0,0,640,40`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.pixels import decide
        from tessera.bootstrap.review import decisions_of

        node = open_node(home)
        chosen = decisions_of(node, item, keep=keep or (), blank=blank or ())
        entry = decide(node, item, chosen, remember=remember)
    _tell(str(entry.state), entry.message, as_json=as_json)


@review_app.command("refuse")
def refuse_command(home: Home, item: Item, as_json: Json = False) -> None:
    """Keep an instance out for good; its copy in quarantine is deleted.

    **Example:** `tessera node review refuse /srv/tessera 3f2a`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.pixels import refuse

        entry = refuse(open_node(home), item)
    _tell(str(entry.state), entry.message, as_json=as_json)


@review_app.command("face")
def face_command(
    home: Home,
    series: Annotated[str, typer.Argument(help="SeriesInstanceUID, or the start of it.")],
    as_json: Json = False,
) -> None:
    """Say that no face is in a series in which none was found: its slices are taken in as they are.

    **Example:** `tessera node review face /srv/tessera 1.2.752.37.54.1`
    """
    from collections import Counter

    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.pixels import let_faceless_pass

        counts = Counter(str(e.state) for e in let_faceless_pass(open_node(home), series))
    if as_json:
        print_json(dict(counts))
    else:
        typer.echo(", ".join(f"{state} {n}" for state, n in sorted(counts.items())))


@review_app.command("remembered")
def remembered_command(
    home: Home,
    forget: Annotated[str, typer.Option(help="Drop what is remembered for this layout.")] = "",
    as_json: Json = False,
) -> None:
    """List what was decided for whole layouts of a device.

    **Example:** `tessera node review remembered /srv/tessera`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.pixels import remembered, review_queue_of

        node = open_node(home)
        if forget:
            review_queue_of(node.home).forget(forget)
        rules = remembered(node)
    told_of = [
        {
            "layout": rule.layout.key,
            "modality": rule.layout.modality,
            "device": " ".join(filter(None, (rule.layout.manufacturer, rule.layout.model))),
            "size": f"{rule.layout.columns} x {rule.layout.rows}",
            "boxes": len(rule.decisions),
            "by": rule.by,
            "since": rule.since.isoformat(timespec="seconds"),
        }
        for rule in rules
    ]
    if as_json:
        print_json(told_of)
        return
    for one in told_of:
        typer.echo("\t".join(str(value) for value in one.values()))
    typer.echo(f"{len(told_of)} layouts", err=True)


def _tell(state: str, message: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"state": state, "message": message})
    else:
        typer.echo(f"{state}{': ' + message if message else ''}")
