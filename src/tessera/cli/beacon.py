"""`tessera beacon`: ask a Beacon v2, with a permit also for records."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tessera.cli.show import print_json, told


class Entity(StrEnum):
    """The paths of the entry types."""

    INDIVIDUALS = "individuals"
    IMAGING = "imagingStudies"
    DATASETS = "datasets"


class Granularity(StrEnum):
    """As Beacon v2 names them."""

    BOOLEAN = "boolean"
    COUNT = "count"
    RECORD = "record"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("beacon")(beacon)


def beacon(
    address: Annotated[str, typer.Argument(help="The Beacon, as https://node.example.org/beacon.")],
    filters: Annotated[
        list[str] | None, typer.Argument(help="All must hold: modality:MR, 'gleason >= 7'.")
    ] = None,
    entity: Annotated[Entity, typer.Option(help="What to ask for.")] = Entity.INDIVIDUALS,
    granularity: Annotated[Granularity, typer.Option(help="How much.")] = Granularity.COUNT,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that the site gave.")
    ] = None,
    permit: Annotated[str, typer.Option(help="For records: the permit's id.")] = "",
    hub: Annotated[str, typer.Option(help="For records: the hub of the permit.")] = "",
    node: Annotated[str, typer.Option(help="For records: the node's id at that hub.")] = "",
    skip: Annotated[int, typer.Option(help="Records to pass over.", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="Records of each dataset.", min=1, max=1000)] = 10,
) -> None:
    """Ask a GA4GH Beacon v2 and print its answer as JSON.

    Records need a permit that lets the datasets be downloaded. The request is signed with your
    key, for this one question. Without one the answer is a count.

    **Example:** `tessera beacon https://node.example.org/beacon modality:MR --token-file token`

    **Example:** `tessera beacon … --granularity record --permit 0b2c… --hub https://hub… --node x`
    """
    with told():
        from tessera.client.beacon import Question, ask, filters_of

        question = Question(
            entity=entity.value,
            filters=filters_of(filters or []),
            granularity=granularity.value,
            skip=skip,
            limit=limit,
        )
        use = ""
        if permit:
            if not (hub and node):
                raise typer.BadParameter("--permit needs --hub and --node")
            from tessera.bootstrap.fetch import beacon_use

            use = beacon_use(hub, permit, node, question)
        token = token_file.read_text("utf-8").strip() if token_file else ""
        print_json(ask(address, token, question, use))
