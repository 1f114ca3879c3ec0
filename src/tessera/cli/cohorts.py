"""`tessera cohorts`: the cohorts that a person keeps at a hub."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tessera.cli.search import print_result
from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tessera.domain.cohort.compare import Pair
    from tessera.domain.cohort.result import DatasetResult, SearchResult

cohorts_app = typer.Typer(
    no_args_is_help=True, help="Cohorts that you keep: save, ask again, compare, share."
)
HubUrl = Annotated[str, typer.Option("--hub", envvar="TESSERA_HUB", help="The hub's address.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print a table for a spreadsheet.")]
Named = Annotated[str, typer.Argument(help="Its name, its id, or the start of its id.")]
Wait = Annotated[float, typer.Option("--wait", min=0, max=30, help="Seconds to wait for nodes.")]
DEFAULT_HUB = "http://127.0.0.1:8700"


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(cohorts_app, name="cohorts")


@cohorts_app.command("list")
def list_cohorts(hub: HubUrl = DEFAULT_HUB, json: AsJson = False) -> None:
    """List your cohorts, last saved first.

    **Example:** `tessera cohorts list --hub https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            found: list[Mapping[str, Any]] = list(client.cohorts())
        if json:
            print_json(found)
            return
        if not found:
            typer.echo("no cohort; keep one with `tessera cohorts save`")
        for one in found:
            shared = "  shared" if one["shared"] else ""
            typer.echo(f"{one['cohort_id'][:8]}  {one['name']}{shared}\n          {one['query']}")


@cohorts_app.command("save")
def save(
    name: Annotated[str, typer.Argument(help="What you call it.")],
    query: Annotated[str, typer.Argument(help="A cohort query.")],
    hub: HubUrl = DEFAULT_HUB,
    json: AsJson = False,
) -> None:
    """Keep a query under a name.

    **Example:** `tessera cohorts save "Prostate, MR" 'cancer = prostate and modality = MR'`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            made: Mapping[str, Any] = client.save_cohort(name, query)
        if json:
            print_json(made)
        else:
            typer.echo(f"{made['cohort_id'][:8]}  {made['name']}\n          {made['query']}")


@cohorts_app.command("run")
def run(
    cohort: Named,
    hub: HubUrl = DEFAULT_HUB,
    wait: Wait = 10,
    json: AsJson = False,
    csv: AsCsv = False,
) -> None:
    """Ask it again, at every node. Exits with 3 when some did not answer.

    **Example:** `tessera cohorts run "Prostate, MR" --csv > today.csv`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            result = client.run_cohort(str(client.cohort(cohort)["cohort_id"]), wait)
    print_result(result, json=json, csv=csv)


@cohorts_app.command("show")
def show(cohort: Named, hub: HubUrl = DEFAULT_HUB, json: AsJson = False) -> None:
    """Show one, with what your last two runs found side by side.

    **Example:** `tessera cohorts show "Prostate, MR"`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            found: Mapping[str, Any] = client.cohort(cohort)
        if json:
            print_json(found)
            return
        typer.echo(f"{found['name']}{'  (shared)' if found['shared'] else ''}\n  {found['query']}")
        runs = _runs(found)
        if len(runs) > 1:
            _print_pairs(
                runs[1], runs[0], *(f"{one.asked_at:%Y-%m-%d %H:%M}" for one in runs[1::-1])
            )
        elif runs:
            print_result(runs[0])
        else:
            typer.echo("not asked yet, or too long ago; ask with `tessera cohorts run`")


@cohorts_app.command("compare")
def compare(one: Named, other: Named, hub: HubUrl = DEFAULT_HUB, json: AsJson = False) -> None:
    """Lay the newest answers of two cohorts side by side.

    **Example:** `tessera cohorts compare "Prostate, MR" "Prostate, CT"`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client
        from tessera.domain.errors import NotFound

        with signed_in_client(hub) as client:
            both: list[Mapping[str, Any]] = [client.cohort(name) for name in (one, other)]
        newest = [_runs(found)[:1] for found in both]
        for found, runs in zip(both, newest, strict=True):
            if not runs:
                raise NotFound(f"{found['name']} has no answer yet; ask with `tessera cohorts run`")
        if json:
            from tessera.domain.cohort.compare import pairs

            print_json([_pair_to_json(pair) for pair in pairs(newest[0][0], newest[1][0])])
            return
        _print_pairs(newest[0][0], newest[1][0], both[0]["name"], both[1]["name"])


@cohorts_app.command("share")
def share(
    cohort: Named,
    stop: Annotated[bool, typer.Option("--stop", help="Share it no more.")] = False,
    hub: HubUrl = DEFAULT_HUB,
    json: AsJson = False,
) -> None:
    """Let whoever is signed in and has its address see the question; never the answers.

    **Example:** `tessera cohorts share "Prostate, MR"`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            cohort_id = str(client.cohort(cohort)["cohort_id"])
            found = client.share_cohort(cohort_id, shared=not stop)
        if json:
            print_json(found)
        else:
            typer.echo("no longer shared" if stop else f"{hub.rstrip('/')}/cohorts/{cohort_id}")


@cohorts_app.command("delete")
def delete(cohort: Named, hub: HubUrl = DEFAULT_HUB) -> None:
    """Delete one of yours.

    **Example:** `tessera cohorts delete "Prostate, MR"`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            found = client.cohort(cohort)
            client.delete_cohort(str(found["cohort_id"]))
        typer.echo(f"deleted: {found['name']}")


def _runs(found: "Mapping[str, Any]") -> "list[SearchResult]":
    from tessera.wire.search import search_from_json

    return [search_from_json(run) for run in found["runs"]]


def _print_pairs(one: "SearchResult", other: "SearchResult", *names: str) -> None:
    import sys

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from tessera.domain.cohort.compare import pairs

    table = Table("node", "dataset", *(escape(name) for name in names), "difference")
    for column in table.columns[2:]:
        column.justify = "right"
    for pair in pairs(one, other):
        row = pair.either
        apart = "" if pair.apart is None else f"{pair.apart:+d}"
        changed = " (other version)" if pair.is_other_version else ""
        table.add_row(
            escape(row.node_name),
            escape(row.title),
            _cell(pair.one),
            _cell(pair.other),
            apart + changed,
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _cell(row: "DatasetResult | None") -> str:
    if row is None:
        return "not asked"
    if row.n_subjects is None:
        return row.outcome.value.replace("_", " ")
    return str(row.n_subjects)


def _pair_to_json(pair: "Pair") -> dict[str, object]:
    def side(row: "DatasetResult | None") -> dict[str, object] | None:
        return {"outcome": row.outcome, "n_subjects": row.n_subjects} if row else None

    return {
        "node_id": pair.either.node_id,
        "dataset_id": pair.either.dataset_id,
        "one": side(pair.one),
        "other": side(pair.other),
        "difference": pair.apart,
        "other_version": pair.is_other_version,
    }
