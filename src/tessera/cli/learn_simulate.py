"""`tessera learn simulate`: try a training over several sites on one machine."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.bootstrap.learning_simulation import SimulationReport
    from tessera.node.simulation import SiteRound


def register(learn_app: typer.Typer) -> None:
    """Add `simulate` to `tessera learn`."""
    learn_app.command("simulate")(simulate)


def simulate(
    tool: Annotated[
        str, typer.Argument(help="A folder, or the name of a built-in tool.", show_default=False)
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for model, metrics and picture.", show_default=False)
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(help="HOME:DATASET[:VERSION] of a node here; once for each site."),
    ] = None,
    phantom: Annotated[int, typer.Option(help="So many made-up sites instead of --data.")] = 0,
    patients: Annotated[int, typer.Option(min=1, help="Of each made-up site.")] = 40,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of training.")] = 5,
    argument: Annotated[
        list[str] | None, typer.Option(help="name=value for the tool; repeat for more.")
    ] = None,
    hold_out: Annotated[str, typer.Option(help="The site that only tests the model.")] = "",
    seed: Annotated[int, typer.Option(min=1, help="Decides everything that is random.")] = 1,
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Your own tool, unprotected; with --phantom only.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train a tool over several sites on this machine, with the gate that a node has.

    No permit, no hub: to try a tool out. With --phantom the sites are made up and stay in OUT
    for the next time. With --data real images are used: the model in OUT has passed no airlock.

    **Example:** `tessera learn simulate lesion-classifier --phantom 3 --rounds 5 --out ./try
    --hold-out heraklion`
    """
    with told(stopped="stopped; made-up sites stay for the next time"):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        from tessera.bootstrap.learning_simulation import SimulationRequest, run_simulation

        request = SimulationRequest(
            tool=tool,
            out=out,
            rounds=rounds,
            data=tuple(data or ()),
            n_phantoms=phantom,
            n_patients=patients,
            arguments=_arguments(argument or []),
            seed=seed,
            hold_out=hold_out,
            has_sandbox=not no_sandbox,
        )
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("Rounds", total=rounds)

            def on_round(number: int, rows: "Sequence[SiteRound]") -> None:
                bar.update(task, completed=number)

            report = run_simulation(request, lambda line: typer.echo(line, err=True), on_round)
    if as_json:
        print_json(_json(report))
        return
    _show(report)
    if data:
        typer.secho(
            "made from real data, and past no airlock: keep the model where the data is",
            err=True,
            fg=typer.colors.YELLOW,
        )


def _arguments(texts: Sequence[str]) -> dict[str, object]:
    import json

    found: dict[str, object] = {}
    for text in texts:
        name, is_given, value = text.partition("=")
        if not is_given or not name:
            raise typer.BadParameter(f"{text!r}: write name=value", param_hint="--argument")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _show(report: "SimulationReport") -> None:
    done = report.simulated
    names = sorted({name for row in done.rounds for name in row.metrics})
    lines = [["round", "site", "samples", *names]]
    for row in done.rounds:
        values = [f"{row.metrics[name]:g}" if name in row.metrics else "-" for name in names]
        lines.append([str(row.round), row.site, str(row.n_samples), *values])
    _columns(lines)
    ends = sorted({name for told in done.finals.values() for name in told})
    typer.echo("\nThe final model:")
    _columns(
        [["site", *ends]]
        + [
            [site, *(f"{told[name]:g}" if name in told else "-" for name in ends)]
            for site, told in done.finals.items()
        ]
    )
    if report.held_out:
        typer.echo(f"\nTested at {report.held_out}, which did not train:")
        for line in _tested(report):
            typer.echo(line)
    typer.echo("\n" + "\n".join(str(path) for path in report.files))


def _tested(report: "SimulationReport") -> list[str]:
    import json

    lines = []
    for name, content in sorted(report.tested.items()):
        if not name.endswith(".json"):
            continue
        told = json.loads(content)
        for key, value in told.items() if isinstance(told, dict) else ():
            if isinstance(value, dict) and value.keys() == {"value", "low", "high"}:
                low, high = value["low"], value["high"]
                lines.append(f"{key}  {value['value']} ({low} to {high})")
            elif isinstance(value, (int, float)):
                lines.append(f"{key}  {value}")
    return lines


def _columns(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def _json(report: "SimulationReport") -> dict[str, object]:
    import json

    done = report.simulated
    return {
        "by_round": [
            {
                "round": row.round,
                "site": row.site,
                "n_samples": row.n_samples,
                "metrics": dict(row.metrics),
            }
            for row in done.rounds
        ],
        "at_the_end": {site: dict(told) for site, told in done.finals.items()},
        "held_out": report.held_out,
        "tested": {
            name: json.loads(content)
            for name, content in report.tested.items()
            if name.endswith(".json")
        },
        "files": [str(path) for path in report.files],
    }
