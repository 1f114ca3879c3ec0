"""`tessera search`: ask every node of a hub from the command line."""

from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from rich.console import Console

    from tessera.domain.cohort.result import DatasetResult, SearchResult
    from tessera.domain.errors import InvalidQuery


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("search")(search)


def search(
    query: Annotated[str, typer.Argument(help="A cohort query.")],
    hub: Annotated[
        str, typer.Option("--hub", envvar="TESSERA_HUB", help="The hub's address.")
    ] = "http://127.0.0.1:8700",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for a spreadsheet.")] = False,
    distributions: Annotated[
        bool,
        typer.Option("--distributions", help="Print the distributions as a table."),
    ] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, max=30, help="Seconds to wait for nodes.")
    ] = 10,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what the query means and ask nobody.")
    ] = False,
) -> None:
    """Count subjects and studies at every node, as each node's count policy allows.

    Exits with 0 when every node answered, 3 when some did not.

    **Example:** `tessera search 'cancer = prostate and modality in (MR, PT)' --hub https://hub.example.org`
    """
    from tessera.domain.errors import InvalidQuery

    with told():
        try:
            if explain:
                _explain(query, as_json=json)
                return
            result = _ask(query, hub, wait)
        except InvalidQuery as err:
            _point_at(query, err)
            raise typer.Exit(exit_codes.FAILED) from err
    print_result(result, json=json, csv=csv, distributions=distributions)


def print_result(
    result: "SearchResult", *, json: bool = False, csv: bool = False, distributions: bool = False
) -> None:
    """Print an answer in the form that was asked for; exit with 3 when a node gave none."""
    if json:
        from tessera.wire.search import search_to_json

        print_json(search_to_json(result))
    elif distributions:
        from tessera.wire.search_csv import distributions_to_csv

        typer.echo(distributions_to_csv(result), nl=False)
    elif csv:
        from tessera.wire.search_csv import search_to_csv

        typer.echo(search_to_csv(result), nl=False)
    else:
        _print(result)
    if any(row.outcome == "no_answer" for row in result.results):
        raise typer.Exit(exit_codes.INCOMPLETE)


def _ask(query: str, hub: str, wait_s: float) -> "SearchResult":
    from rich.console import Console

    from tessera.client.client import Client

    progress = Console(stderr=True)
    with Client(hub) as client:
        if not progress.is_terminal:
            return client.search(query, wait_s)
        with progress.status("asking the nodes"):
            return client.search(query, wait_s)


def _explain(query: str, *, as_json: bool) -> None:
    from tessera.domain.cohort.explain import explain
    from tessera.domain.cohort.syntax import parse

    parsed = parse(query)
    conditions = explain(parsed)
    if as_json:
        from tessera.wire.search import condition_to_json

        explained = [condition_to_json(condition) for condition in conditions]
        print_json({"query": str(parsed), "explained": explained})
        return
    typer.echo(str(parsed))
    for condition in conditions:
        typer.echo(f"  {condition.text}  [per {condition.level}]  {condition.meaning}")


def _point_at(query: str, error: "InvalidQuery") -> None:
    """Show the query with a mark under the place of the fault."""
    typer.secho(f"error ({error.code}): {error.message}", err=True, fg=typer.colors.RED)
    if "\n" not in query:
        typer.echo(f"  {query}\n  {' ' * error.position}^", err=True)
    if error.mend:
        typer.echo(f"  {error.mend}", err=True)


def _print(result: "SearchResult") -> None:
    import sys

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(escape(result.query), style="bold", highlight=False)
    for condition in result.explained:
        line = f"  {condition.text}  [per {condition.level}]  {condition.meaning}"
        console.print(escape(line), highlight=False)
    if not result.results:
        console.print("No node has published a dataset at this hub.")
        return
    table = Table("node", "dataset", "version", "subjects", "studies", "outcome")
    for column in table.columns[2:5]:
        column.justify = "right"
    for row in result.results:
        table.add_row(
            escape(f"{row.node_name} ({row.country})"),
            escape(row.title),
            str(row.version),
            "" if row.n_subjects is None else str(row.n_subjects),
            "" if row.n_studies is None else str(row.n_studies),
            escape(_words(row)),
        )
    console.print(table)
    _print_totals(console, result)


def _print_totals(console: "Console", result: "SearchResult") -> None:
    from rich.markup import escape

    counted = [row for row in result.results if row.outcome == "counted"]
    total = (
        f"{result.n_subjects} subjects and {result.n_studies or 'too few'} studies in "
        f"{len(counted)} of {len(result.results)} datasets; a person in two datasets counts twice."
    )
    console.print(total if counted else "No dataset gave a count.", highlight=False)
    for name, cells in result.distributions.items():
        told = [f"{cell.value} {cell.n_subjects}" for cell in cells if cell.n_subjects is not None]
        line = ", ".join(told) or "too few to tell"
        console.print(escape(f"  {name}: {line}"), highlight=False)
    policies: dict[str, list[str]] = {}
    for row in result.results:
        if row.policy and row.node_name not in policies.setdefault(row.policy, []):
            policies[row.policy].append(row.node_name)
    for policy, nodes in policies.items():
        console.print(escape(f"Policy of {', '.join(nodes)}: {policy}"), highlight=False)


def _words(row: "DatasetResult") -> str:
    """Say the outcome; the four are never folded into one another."""
    match row.outcome.value:
        case "counted":
            words = "counted"
            if row.n_studies is None:
                words += "; too few studies to tell"
        case "too_few":
            words = "too few to tell"
        case "not_supported":
            words = f"not supported: {', '.join(row.not_supported)}"
        case _:
            seen = f"; last seen {row.last_seen:%Y-%m-%d %H:%M:%S} UTC" if row.last_seen else ""
            words = f"no answer{seen}"
    return f"{words}. {row.detail}" if row.detail else words
