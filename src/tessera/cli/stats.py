"""`tessera stats`: statistics over the nodes of a hub, from the command line."""

from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from rich.console import Console

    from tessera.domain.statistics.models import Model
    from tessera.domain.statistics.survival import Curve, Point, Survival, Tested
    from tessera.domain.statistics.tables import Histogram, Table
    from tessera.hub.computing import Result

_WIDTH = 120


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("stats")(stats)


def stats(
    kind: Annotated[
        str,
        typer.Argument(
            help="table, histogram, survival, linear, logistic, cox, or similar (survival by first"
            " treatment)."
        ),
    ],
    query: Annotated[str, typer.Argument(help="A cohort query: whom to count.")],
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="A field, as stage or age_at_diagnosis(50, 60, 70). Repeatable."),
    ] = None,
    steps: Annotated[
        str, typer.Option("--steps", help="A number and its steps, as psa(0..50/5).")
    ] = "",
    outcome: Annotated[
        str, typer.Option("--outcome", help="Of a logistic model, as 'deceased = yes'.")
    ] = "",
    hub: Annotated[
        str, typer.Option("--hub", envvar="TESSERA_HUB", help="The hub's address.")
    ] = "http://127.0.0.1:8700",
    json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a table for a spreadsheet.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, max=30, help="Seconds to wait for nodes.")
    ] = 10,
) -> None:
    """Compute over every node, as if their subjects were pooled, as each count policy allows.

    A number is known up to the step that its subject is in. Exits with 0 when every node
    answered, 3 when some did not.

    **Examples:**

    `tessera stats survival 'cancer = colorectum' --by stage`

    `tessera stats table 'cancer = breast' --by stage --by her2`

    `tessera stats similar 'in one condition (cancer = breast and stage = II)'`

    `tessera stats histogram 'cancer = lung' --steps 'age_at_diagnosis(0..100/5)'`

    `tessera stats cox 'cancer = prostate' --by 'age_at_diagnosis(60, 70)' --by stage`
    """
    from tessera.client.client import Client
    from tessera.domain.statistics.statistic import statistic
    from tessera.hub.computing import result_of

    with told():
        asked = statistic(kind, tuple(by or ()), steps=steps, outcome=outcome)
        with Client(hub) as client:
            search = client.statistic(query, asked, wait)
        result = result_of(search)
    if json:
        from tessera.wire.statistics import computed_to_json

        print_json({"statistic": asked.to_json(), "result": computed_to_json(result.computed)})
    elif csv:
        from tessera.wire.statistics import computed_to_csv

        typer.echo(computed_to_csv(result.computed), nl=False)
    else:
        _print(result)
    if any(row.outcome == "no_answer" for row in search.results):
        raise typer.Exit(exit_codes.INCOMPLETE)


def _print(result: "Result") -> None:
    import sys

    from rich.console import Console

    from tessera.domain.statistics.computed import Similar
    from tessera.domain.statistics.models import Model
    from tessera.domain.statistics.survival import Survival
    from tessera.domain.statistics.tables import Histogram, Table

    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    match result.computed:
        case Table() as table:
            _print_table(console, table)
        case Histogram() as histogram:
            _print_histogram(console, histogram)
        case Survival() as survival:
            _print_survival(console, survival)
        case Similar() as similar:
            _print_table(console, similar.treatments)
            _print_survival(console, similar.together)
            _print_survival(console, similar.by_treatment)
        case Model() as model:
            _print_model(console, model, is_linear=result.statistic.kind == "linear")
    console.print(
        f"{result.n_subjects} subjects in {len(result.datasets)} of"
        f" {len(result.datasets) + len(result.left_out)} datasets; a person in two counts twice."
    )
    for row, why in result.left_out:
        console.print(f"  without {row.title} ({row.node_name}): {_WHY[why]}", markup=False)
    for words in sorted({row.policy for row in result.datasets}):
        console.print(f"  {words}", markup=False)


_WHY = {
    "not_counted": "it has no count",
    "no_noise": "its hospital's count policy has no noise, without which it gives no statistics",
    "not_supported": "it lacks a field, or its node's program is too old",
}


def _print_table(console: "Console", found: "Table") -> None:
    from rich.table import Table

    lines = Table(*found.fields, "subjects", "between")
    for cell in found.cells:
        if cell.high:
            n = "too few" if cell.n_subjects is None else str(cell.n_subjects)
            group = ("unknown" if one == "?" else one for one in cell.group)
            lines.add_row(*group, n, f"{cell.low} and {cell.high}")
    console.print(lines, markup=False)
    _print_test(console, "chi-squared", found.test)
    if found.least_expected is not None and found.least_expected < 5:
        console.print("  a cell is expected to hold fewer than 5: do not rely on the test")


def _print_test(console: "Console", name: str, test: "Tested | None") -> None:
    if test is not None:
        console.print(
            f"{name}: {test.chi_squared:.2f} on {test.df} degrees of freedom, p = {test.p:.3g}"
            f" ({test.p_low:.3g} to {test.p_high:.3g} by noise)"
        )


def _print_histogram(console: "Console", found: "Histogram") -> None:
    _print_table(console, found.bands)
    if found.mean is not None:
        low, high = found.mean_low, found.mean_high
        console.print(f"mean {found.mean:.2f} ({low:.2f} to {high:.2f} by noise), of steps' starts")
    for one in found.quantiles:
        end = "and more" if one.high is None else f"to below {one.high:g}"
        console.print(f"  {one.share:.0%} of the subjects are reached at {one.low:g} {end}")


def _print_survival(console: "Console", found: "Survival") -> None:
    from math import isnan

    from rich.table import Table

    lines = Table("group", "day", "at risk", "survival", "95% interval")
    for curve in found.curves:
        for point in _some(curve):
            lines.add_row(
                "unknown" if curve.group == "?" else curve.group or "all",
                f"{point.time:g}",
                "" if isnan(point.at_risk) else f"{point.at_risk:.0f}",
                f"{point.survival:.1%}",
                f"{point.low:.1%} to {point.high:.1%}",
            )
        lines.add_section()
    console.print(lines, markup=False)
    for curve in found.curves:
        if curve.median:
            name = curve.group or "all"
            low, high = curve.median
            console.print(f"  median of {name}: between day {low:g} and {high:g}", markup=False)
    _print_test(console, "log-rank", found.log_rank)


def _some(curve: "Curve") -> "list[Point]":
    return [point for place, point in enumerate(curve.points) if place % 4 == 0]


def _print_model(console: "Console", found: "Model", *, is_linear: bool) -> None:
    from math import exp

    from rich.table import Table

    if found.lacking:
        console.print(f"no estimate: {_LACKING[found.lacking]}")
        return
    lines = Table("term", "estimate" if is_linear else "ratio", "95% interval", "p", "noise")
    shown = (lambda value: value) if is_linear else exp
    for term in found.terms:
        name = f"{term.field} {term.value}" if term.field else "intercept"
        interval = f"{shown(term.low):.3g} to {shown(term.high):.3g}"
        share = term.noise / max(term.total_error, 1e-300)
        lines.add_row(
            name, f"{shown(term.estimate):.3g}", interval, f"{term.p:.3g}", f"{share:.0%}"
        )
    console.print(lines, markup=False)
    compared = ", ".join(f"{field} {value}" for field, value in found.references)
    events = "" if found.n_events is None else f", {found.n_events:.0f} events"
    console.print(f"compared with {compared}; {found.n_subjects:.0f} subjects{events}")


_LACKING = {
    "few": "too few subjects have known values",
    "noise": "the noise is larger than what could be told; take a wider cohort or fewer fields",
    "separated": "a group has all of the events or none; take fewer fields or a wider cohort",
}
