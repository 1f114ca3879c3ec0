"""`tessera deid`: de-identify any folder, with no node."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tessera.cli import exit_codes
from tessera.cli.show import has_folder, print_json, progress, told

_PARTS = ("deid_explain", "deid_evaluate", "deid_compare", "deid_report")
_HELP = ("--help", "-h")


class WithDefault(TyperGroup):
    """A group in which words that are no command of its own go to its default command."""

    default = "run"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in _HELP:
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    group = typer.Typer(
        cls=WithDefault,
        no_args_is_help=True,
        help="De-identify any folder, with no node: `tessera deid IN OUT`.",
    )
    group.command(WithDefault.default)(deid_command)
    for name in _PARTS:
        if find_spec(f"tessera.cli.{name}"):
            import_module(f"tessera.cli.{name}").register(group)
    app.add_typer(group, name="deid")


def deid_command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder, zip or file.", exists=True)],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the result.")],
    profile: Annotated[
        str, typer.Option(help="research, basic, or the path of a TOML file.")
    ] = "research",
    key: Annotated[
        Path | None,
        typer.Option(help="Key file; made when absent. Without it a key for this run only."),
    ] = None,
    issuer: Annotated[
        list[str] | None, typer.Option(help="IssuerOfPatientID that means home. Repeatable.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write what was done to a JSON file. It names sources: keep it in the hospital.",
            callback=has_folder,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Write a page: each action with its reason and clause. It names nobody.",
            callback=has_folder,
        ),
    ] = None,
    language: Annotated[str, typer.Option(help="Of the page: en or sv.")] = "en",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default one for each core.")
    ] = None,
    pixels: Annotated[
        bool,
        typer.Option(
            "--pixels/--no-pixels",
            help="Read text in pixels and blank who is named, where the profile asks for it.",
        ),
    ] = True,
    every_picture: Annotated[
        bool,
        typer.Option(
            "--every-picture",
            help="Read each CT, MR, NM and PET picture, not one of each series. Slow.",
        ),
    ] = False,
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="Folder for patients.csv and uids.csv, old and new. They undo the "
            "pseudonyms: keep them in the hospital.",
        ),
    ] = None,
    cluster: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Dask scheduler, such as tls://host:8786.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """De-identify DICOM by PS3.15 into OUT/subject/study/series/instance.dcm.

    What may carry text in its pixels is read and blanked; what stays uncertain is held, what
    cannot be understood is refused: both are reported with a reason, never copied. Exit code 3
    when there was any. A run that was stopped goes on from where it was: the same command.

    **Example:** `tessera deid ./export ./shared --key project.key --report report.json`
    """
    import json
    from collections import Counter
    from dataclasses import asdict
    from time import perf_counter

    from tessera.adapters.files.deid_folder import BatchOutcome, FileOutcome
    from tessera.bootstrap.deid import (
        DeidRun,
        deidentify_folder,
        list_sources,
        read_key,
        reads_pixels,
        rules_of,
        write_mapping,
        write_private,
    )
    from tessera.bootstrap.folder_report import folder_report, write_deid_html
    from tessera.ports.ledger import State
    from tessera.ports.review import PIXEL_REASONS

    with told():
        rules = rules_of(profile)
        secret, is_new = read_key(key)
        if key is None:
            typer.echo("note: no --key: pseudonyms will not match any other run's", err=True)
        elif is_new:
            typer.echo(f"note: new key written to {key}; keep it secret and keep it", err=True)
        if cluster and not cluster.startswith("tls://"):
            typer.echo("warning: the key goes to the cluster unencrypted; use tls://", err=True)
        sources = {one.key: one for one in list_sources([source])}
        run = DeidRun(
            profile=profile,
            key=secret,
            issuers=tuple(issuer or ()),
            workers=workers,
            cluster=cluster,
            with_mapping=mapping is not None,
            probes=pixels and reads_pixels(rules),
            every_picture=every_picture,
        )
        outcomes: dict[str, FileOutcome] = {}
        changes: Counter[tuple[int, int]] = Counter()
        patients: dict[str, str] = {}
        uids: dict[str, str] = {}
        began = perf_counter()

        def take(batch: BatchOutcome) -> int:
            changes.update(batch.changes)
            patients.update(batch.patients)
            uids.update(batch.uids)
            outcomes.update((one.source, one) for one in batch.files)
            return len(batch.files)

        batches = deidentify_folder(list(sources.values()), out, run)
        with progress() as bar:
            task = bar.add_task("de-identify", total=len(sources))
            for batch in batches:
                bar.advance(task, take(batch))
            again = [
                sources[one.source]
                for one in outcomes.values()
                if one.state is State.HELD and one.reason in PIXEL_REASONS
            ]
            if again and pixels and reads_pixels(rules):
                task = bar.add_task("read pixels", total=len(again))
                for batch in deidentify_folder(again, out, run, pixels=True):
                    bar.advance(task, take(batch))
        if mapping:
            write_mapping(mapping, patients, uids)
    states = Counter(one.state for one in outcomes.values())
    n_bytes = sum(one.n_bytes for one in outcomes.values())
    files = [asdict(one) for one in outcomes.values()] if report else []
    seconds = perf_counter() - began
    summary = {
        "profile": rules.label,
        "options": list(rules.profile.options),
        "files": len(sources),
        "bytes_written": n_bytes,
        "seconds": round(seconds, 3),
        "states": dict(sorted(states.items())),
    }
    if report or html:
        with told():
            told_of = folder_report(rules, changes, outcomes.values())
            if report:
                body = {**told_of.as_json(), **summary, "outcomes": files}
                write_private(report, json.dumps(body, ensure_ascii=False, indent=1))
            if html:
                write_deid_html(told_of, html, title=source.name, language=language)
    if as_json:
        print_json(summary)
    else:
        words = ", ".join(f"{state} {n}" for state, n in sorted(states.items()))
        words = words or "nothing to do"
        typer.echo(f"{len(sources)} files in {seconds:.1f} s with {rules.label}: {words}")
    if states[State.HELD] or states[State.REFUSED]:
        raise typer.Exit(exit_codes.INCOMPLETE)
