"""`tessera node receive` and `tessera node arrivals`: what a PACS sends to a node."""

from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]


def register(node_app: typer.Typer) -> None:
    """Add the commands to `tessera node`."""
    node_app.command("receive")(receive_command)
    node_app.command("arrivals")(arrivals_command)


def receive_command(home: Home) -> None:
    """Receive from a PACS by C-STORE, and take in what comes, until Ctrl-C.

    Port, title and who may send are settings: dicom_port, dicom_ae_title, dicom_callers. A node
    that has joined a hub does the same within `tessera node run`.

    **Example:** `tessera node receive /srv/tessera`
    """
    with told():
        import logging

        from tessera.bootstrap.receive import receive

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
        receive(home, on_ready=lambda title, port: typer.echo(f"{title} receives at port {port}"))


def arrivals_command(
    home: Home,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what waits to be taken in, and what has come of each study.

    One line each, between tabs: last arrival, objects received, accession number, study. The
    list names studies: it stays in the hospital.

    **Example:** `tessera node arrivals /srv/tessera`
    """
    with told():
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.receive import arrivals_of

        book = arrivals_of(open_node(home).home)
        n, n_bytes = book.count()
        studies = book.studies()
    if as_json:
        shown = [
            {
                "study_uid": one.study_uid,
                "accession": one.accession,
                "received": one.n_received,
                "last": one.last.isoformat(timespec="seconds"),
            }
            for one in studies
        ]
        print_json({"waiting": n, "waiting_bytes": n_bytes, "studies": shown})
        return
    for one in studies:
        accession = one.accession or "-"
        typer.echo(f"{one.last:%Y-%m-%d %H:%M}\t{one.n_received}\t{accession}\t{one.study_uid}")
    typer.echo(f"{n} wait to be taken in, {n_bytes / 1e6:.0f} MB; {len(studies)} studies", err=True)
