"""`tessera node model …`: the released models that a node may use on a study."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from tessera.domain.case.model import ReleasedModel

Home = Annotated[Path, typer.Argument(help="The node's home folder.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[
    str,
    typer.Argument(help="A model's id, or how it begins.", metavar="MODEL", show_default=False),
]
model_app = typer.Typer(no_args_is_help=True, help="Released models, to be used on a study.")


def register(node_app: typer.Typer) -> None:
    """Add `model` to `tessera node`."""
    node_app.add_typer(model_app, name="model")


@model_app.command("add")
def add_command(
    home: Home,
    path: Annotated[
        Path, typer.Argument(help="The model.", metavar="MODEL.npz", show_default=False)
    ],
    tool: Annotated[str, typer.Option(help="A built-in tool, or a tool's folder.")],
    card: Annotated[
        Path | None,
        typer.Option(help="JSON: a card, or the metrics.json of an external test."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a released model with the tool that reads it.

    **Example:** `tessera node model add /srv/tessera model.npz --tool lesion-classifier`
    """
    from tessera.bootstrap.case import add_model

    with told():
        model = add_model(home, path, tool, card)
    if as_json:
        print_json(model_json(model))
    else:
        typer.echo("\t".join(_row(model)))


@model_app.command("list")
def list_command(home: Home, as_json: Json = False) -> None:
    """List the models, with those that a training at this node has released.

    One line each, between tabs: id, tool, version, where from, external test.

    **Example:** `tessera node model list /srv/tessera`
    """
    from tessera.bootstrap.case import models_of

    with told():
        models = models_of(home).all()
    if as_json:
        print_json([model_json(model) for model in models])
        return
    for model in models:
        typer.echo("\t".join(_row(model)))
    typer.echo(f"{len(models)} models", err=True)


@model_app.command("remove")
def remove_command(home: Home, model: Id) -> None:
    """Take a model off. Results that it has written stay.

    **Example:** `tessera node model remove /srv/tessera 3f9a1c`
    """
    from tessera.bootstrap.case import models_of

    with told():
        removed = models_of(home).remove(model)
    typer.echo(f"removed {removed.sha256[:12]}")


def _row(model: "ReleasedModel") -> tuple[str, ...]:
    test = model.card.external_test
    return (
        model.sha256[:12],
        model.tool_name,
        model.tool_version,
        model.origin,
        test.told() if test else "no external test known",
    )


def model_json(model: "ReleasedModel") -> dict[str, object]:
    return {
        "model": model.sha256,
        "n_bytes": model.n_bytes,
        "tool": {"digest": model.tool, "name": model.tool_name, "version": model.tool_version},
        "card": model.card.as_json(),
        "origin": model.origin,
    }
