"""`tessera demo`: the whole path on one machine, with made-up hospitals."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import told


def register(app: typer.Typer) -> None:
    app.command("demo")(demo_command)


def demo_command(
    home: Annotated[Path, typer.Option(help="Folder for everything it makes.")] = Path("demo-data"),
    once: Annotated[bool, typer.Option("--once", help="Print the results and stop.")] = False,
    patients: Annotated[int, typer.Option(min=1, help="Patients at each hospital.")] = 64,
    many: Annotated[
        int, typer.Option(min=0, help="Patients at Galway, with tiny images; 0 leaves it out.")
    ] = 600,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The hub's port.")] = 8700,
) -> None:
    """Show the whole path: raw DICOM at four hospitals to one search over all of them.

    Makes four hospitals (Linköping, València, Heraklion, and Galway with many patients and
    few images) with invented patients, takes their raw data into nodes, publishes, joins,
    searches and computes survival over all. A researcher asks for access, two
    hospitals grant it and one refuses; a model is trained over the two, released, tested at the
    third and used on a case; a patient opts out. Hub and nodes are left running. Run again, it
    goes on where it was.

    **Example:** `tessera demo --once --patients 20`
    """
    import signal

    from tessera.bootstrap.demo import SITES, Demo, Servers, shown
    from tessera.bootstrap.demo_story import Story

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    demo = Demo(home.absolute(), patients, port, lambda text: typer.echo(text), many)
    with told(), Servers(demo) as servers:
        demo.prepare()
        typer.echo("\n— hub and nodes, each a process of its own")
        servers.start_hub()
        demo.join()
        servers.start_nodes()
        demo.search()
        Story(demo).run()
        if once:
            return
        typer.echo(
            f"\nOpen {demo.url}\n"
            "Sign in as astrid (researcher), kim (committee), tove, quim or dafni (hospitals); "
            f"each password is in {shown(demo.home / 'people')}/NAME/password\n"
            f"Try  tessera search 'cancer = breast and stage in (I, II)' --hub {demo.url}\n"
            f"     tessera node status {shown(demo.node(SITES[0]))}\n"
            "Ctrl-C stops hub and nodes; the same command starts them again."
        )
        try:
            servers.wait()
        except KeyboardInterrupt:
            typer.echo("\nstopped")
