"""`tessera node pull`: fetch studies from a PACS by a list or a query."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, progress, told

if TYPE_CHECKING:
    from tessera.ports.pacs import PullRequest

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]


def register(node_app: typer.Typer) -> None:
    """Add the command to `tessera node`."""
    node_app.command("pull")(pull_command)


def pull_command(
    home: Home,
    pacs: Annotated[str, typer.Option(help="Name in dicom_pacs; default the first.")] = "",
    accessions: Annotated[
        Path | None, typer.Option(help="File with an accession number in each line.")
    ] = None,
    patients: Annotated[
        Path | None, typer.Option(help="File with a patient identifier in each line.")
    ] = None,
    studies: Annotated[
        Path | None, typer.Option(help="File with a StudyInstanceUID in each line.")
    ] = None,
    query: Annotated[
        Path | None, typer.Option(help="TOML file with tables [[query]] of DICOM keywords.")
    ] = None,
    by: Annotated[str, typer.Option(help="get, move, or auto: get where the PACS can.")] = "auto",
    between: Annotated[str, typer.Option(help="Only in these hours, as 20:00-06:00.")] = "",
    per_second: Annotated[
        float, typer.Option(help="Instances a second, at the most; 0 is no limit.", min=0)
    ] = 0.0,
    again: Annotated[
        bool, typer.Option("--again", help="Try what failed, or was not there, once more.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fetch studies from a PACS and take them in. Goes on where an earlier run stopped.

    Identifiers are read from files, never from the command line. What is asked for is written
    down, so that the command without a list goes on with what is left. With C-MOVE the node
    must be receiving. Exit code 3 when something was not there or could not be fetched.

    **Example:** `tessera node pull /srv/tessera --accessions list.txt --between 20:00-06:00`
    """
    with told():
        from tessera.adapters.pacs.scu import METHODS
        from tessera.bootstrap.node import open_node
        from tessera.bootstrap.pull import add_requests, pacs_address, pull_book, run_pull
        from tessera.ports.pacs import PullState, PullStudy

        if by not in METHODS:
            raise typer.BadParameter(f"one of {', '.join(METHODS)}", param_hint="--by")
        node = open_node(home)
        where = pacs_address(node, pacs)
        files = (accessions, patients, studies, query)
        new = add_requests(node, where, list(_requests(files)))
        book = pull_book(node, where)
        if again:
            book.again()
        with progress() as bar:
            task = bar.add_task("pull", total=len(book.requests(PullState.WAITING)))
            steps = run_pull(node, where, method=by, between=between, per_second=per_second)
            for step in steps:
                total = len(book.requests()) + len(book.studies())
                is_open = isinstance(step, PullStudy) and step.state is PullState.WAITING
                bar.update(task, total=total, advance=0 if is_open else 1)
        asked = [request.state for request in book.requests()]
        fetched = book.studies()
    counts = {
        "new_requests": new,
        "requests": len(asked),
        "nothing": asked.count(PullState.NOTHING),
        "studies": len(fetched),
        "done": sum(one.state is PullState.DONE for one in fetched),
        "failed": sum(one.state is PullState.FAILED for one in fetched),
        "instances": sum(one.n_received for one in fetched),
    }
    if as_json:
        print_json(counts)
    else:
        typer.echo(
            f"{counts['requests']} requests, {counts['nothing']} without a study; "
            f"{counts['done']} of {counts['studies']} studies, {counts['instances']} instances"
        )
        for one in fetched:
            if one.state is PullState.FAILED:
                typer.echo(f"failed\t{one.found.study_uid}\t{one.problem}", err=True)
    if counts["nothing"] or counts["failed"]:
        raise typer.Exit(exit_codes.INCOMPLETE)


def _requests(files: tuple[Path | None, ...]) -> Iterator["PullRequest"]:
    from tessera.bootstrap.pull import requests_in
    from tessera.ports.pacs import Kind

    for kind, file in zip(
        (Kind.ACCESSION, Kind.PATIENT, Kind.STUDY, Kind.QUERY), files, strict=True
    ):
        if file is not None:
            yield from requests_in(kind, file)
