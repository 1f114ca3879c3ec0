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
        str, typer.Option(help="research, basic, crowd, or the path of a TOML file.")
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
    deface: Annotated[
        bool,
        typer.Option(
            "--deface",
            help="Take the face out of head CT and MR. The page of --html then shows faces.",
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

    With the profile crowd the whole batch is looked at first: OUT has to be empty, the key is
    thrown away, and who would stand out is told of less exactly, or held.

    **Example:** `tessera deid ./export ./shared --key project.key --report report.json`
    """
    import json
    from collections import Counter
    from contextlib import nullcontext
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
    from tessera.bootstrap.deid_studies import StudyPeople, taken_back
    from tessera.domain.deid.holding import FACE
    from tessera.ports.ledger import SourceFile, State
    from tessera.ports.review import PIXEL_REASONS

    with told():
        rules = rules_of(profile, deface=deface)
        crowd = rules.profile.crowd is not None
        if crowd:
            from tessera.bootstrap.deid_crowd import look_at_batch, release, require_untold

            require_untold(key=key, mapping=mapping)
        secret, is_new = read_key(key)
        if key is None and not crowd:
            typer.echo("note: no --key: pseudonyms will not match any other run's", err=True)
        elif key and is_new:
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
            deface=deface,
        )
        outcomes: dict[str, FileOutcome] = {}
        changes: Counter[tuple[int, int]] = Counter()
        patients: dict[str, str] = {}
        uids: dict[str, str] = {}
        told_apart: dict[str, object] = {}
        studies = StudyPeople()
        defaced: list[Any] = []
        began = perf_counter()

        def take(batch: BatchOutcome) -> int:
            changes.update(batch.changes)
            patients.update(batch.patients)
            uids.update(batch.uids)
            studies.add(batch.people)
            outcomes.update((one.source, one) for one in batch.files)
            return len(batch.files)

        def work(words: str, some: list[SourceFile], *, pixels: bool = False) -> None:
            parts = whole.parts(some, run) if whole else ((some, run),)
            for few, how in parts:
                place = whole.waiting if whole else out
                batches = deidentify_folder(few, place, how, pixels=pixels)
                with progress() as bar:
                    task = bar.add_task(words, total=len(few))
                    for batch in batches:
                        bar.advance(task, take(batch))

        every = list(sources.values())
        with look_at_batch(every, out, run) if crowd else nullcontext() as whole:
            work("de-identify", every)
            heads = [
                sources[one.source] for one in outcomes.values() if one.reason == FACE
            ]  # and with no text in their pixels: those come to be held for that first
            again = [
                sources[one.source]
                for one in outcomes.values()
                if one.state is State.HELD and one.reason in PIXEL_REASONS
            ]
            if again and pixels and reads_pixels(rules):
                work("read pixels", again, pixels=True)
            if heads:
                from tessera.bootstrap.deid_faces import deface_folder  # heavy: codecs

                for few, how in whole.parts(heads, run) if whole else ((heads, run),):
                    for one_head in deface_folder(few, whole.waiting if whole else out, how):
                        take(one_head.batch)
                        defaced.append(one_head)
            place = whole.waiting if whole else out
            back = taken_back(studies, outcomes.values(), place, run)
            outcomes.update((one.source, one) for one in back)
            if whole:
                outcomes.update((one.source, one) for one in whole.held_back(every))
                told_apart = release(whole, outcomes, out).as_json()
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
        **({"crowd": told_apart} if crowd else {}),
    }
    if report or html:
        from tessera.bootstrap.folder_report import folder_report, write_deid_html

        with told():
            told_of = folder_report(rules, changes, outcomes.values(), defaced)
            if report:
                body = {**told_of.as_json(), **summary, "outcomes": files}
                write_private(report, json.dumps(body, ensure_ascii=False, indent=1))
            if html:
                write_deid_html(told_of, html, title=source.name, language=language, faces=defaced)
    if as_json:
        print_json(summary)
    else:
        words = ", ".join(f"{state} {n}" for state, n in sorted(states.items()))
        words = words or "nothing to do"
        typer.echo(f"{len(sources)} files in {seconds:.1f} s with {rules.label}: {words}")
        if told_apart:
            typer.echo(
                "{patients} patients, each like at least {smallest_group} in all; "
                "{patients_held_back} held back".format(**told_apart)
            )
    if states[State.HELD] or states[State.REFUSED]:
        raise typer.Exit(exit_codes.INCOMPLETE)
