"""`tessera learn …`, `models`, `model …`: trainings over several nodes, and what came of them."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tessera.cli import exit_codes
from tessera.cli.run import AsJson, HubUrl, Names, PermitId, read_arguments
from tessera.cli.show import print_json, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tessera.client.client import Client
    from tessera.domain.learning.model_card import ModelCard
    from tessera.wire.learning import Learning

_WAIT_S = 20.0
_HUB = "http://127.0.0.1:8700"
LearnId = Annotated[str, typer.Argument(help="As `tessera learn list` shows it.")]

learn_app = typer.Typer(no_args_is_help=True, help="Train a model over several hospitals.")
model_app = typer.Typer(no_args_is_help=True, help="Trained models.")


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    learn_app.command("start")(start)
    learn_app.command("status")(status)
    learn_app.command("list")(list_)
    learn_app.command("stop")(stop)
    if find_spec("tessera.cli.learn_simulate"):
        import_module("tessera.cli.learn_simulate").register(learn_app)
    app.add_typer(learn_app, name="learn")
    app.command("models")(models)
    model_app.command("download")(download)
    app.add_typer(model_app, name="model")


def start(
    tool: Annotated[str, typer.Argument(help="Name or digest of a tool in the permit.")],
    permit: PermitId,
    rounds: Annotated[int, typer.Option("--rounds", help="How often updates are averaged.")] = 10,
    min_nodes: Annotated[
        int, typer.Option("--min-nodes", help="So many nodes are enough; 0: all of them.")
    ] = 0,
    round_seconds: Annotated[
        int, typer.Option("--round-seconds", help="How long one round may take.")
    ] = 600,
    seed: Annotated[int, typer.Option("--seed", help="For the first weights.")] = 0,
    title: Annotated[str, typer.Option("--title", help="Of the model; public.")] = "",
    hub: HubUrl = _HUB,
    node: Names = None,
    dataset: Annotated[
        list[str] | None, typer.Option("--dataset", help="Only this dataset; repeat.")
    ] = None,
    argument: Annotated[
        list[str] | None, typer.Option("--argument", help="NAME=VALUE for the tool; repeat.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until every hospital has released the model.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Train a model at every node of a permit. Your own key signs it for each of them.

    With --wait it exits with 0 when all have released the model, and with 3 when not.

    **Example:** `tessera learn start lesion-classifier --permit 6f1c… --rounds 20 --wait`
    """
    with told(stopped="stopped waiting; the training goes on: see `tessera learn list`"):
        from tessera.bootstrap.access import person_signer, signed_in_client
        from tessera.client.access import permitted_tool, wanted_runs

        signer, arguments = person_signer(hub), read_arguments(argument or [])
        with signed_in_client(hub) as client:
            held = client.permit(permit)
            wanted = wanted_runs(
                held, permitted_tool(held, tool), nodes=node or [], datasets=dataset or []
            )
            learning = client.learn(
                held,
                wanted,
                signer,
                rounds=rounds,
                min_nodes=min_nodes or None,
                round_s=round_seconds,
                seed=seed,
                arguments=arguments,
                title=title,
            )
            if wait:
                learning = _follow(client, learning)
        _show(learning, json=json)
        if wait and learning.state != "released":
            raise typer.Exit(exit_codes.INCOMPLETE)


def status(learn_id: LearnId, hub: HubUrl = _HUB, json: AsJson = False) -> None:
    """Show how each node gets on, and what each round gave.

    **Example:** `tessera learn status 5e0b… --hub https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            _show(client.learning(learn_id).learning, json=json)


def list_(hub: HubUrl = _HUB, json: AsJson = False) -> None:
    """List your trainings and where each stands.

    **Example:** `tessera learn list --hub https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            found = client.learnings()
        if json:
            print_json([learning.to_json() for learning in found])
        elif not found:
            typer.echo("no training")
        else:
            for learning in found:
                typer.echo(f"{learning.learn_id}  {learning.state:<10}  {learning.title}")


def stop(learn_id: LearnId, hub: HubUrl = _HUB) -> None:
    """End a training at every node; there will be no model of it.

    **Example:** `tessera learn stop 5e0b… --hub https://hub.example.org`
    """
    with told():
        from tessera.bootstrap.access import signed_in_client

        with signed_in_client(hub) as client:
            typer.echo(str(client.stop_learning(learn_id).state))


def models(
    model_id: Annotated[str, typer.Argument(help="One model; all when left out.")] = "",
    hub: HubUrl = _HUB,
    json: AsJson = False,
) -> None:
    """List models that every hospital concerned has released, or show the card of one.

    **Example:** `tessera models --hub https://hub.example.org`
    """
    with told():
        from tessera.client.client import Client
        from tessera.wire.models import card_to_json

        with Client(hub) as client:
            cards = [client.model(model_id)] if model_id else client.models()
        if json:
            shown = [card_to_json(card) for card in cards]
            print_json(shown[0] if model_id else shown)
        elif model_id:
            _show_card(cards[0])
        elif not cards:
            typer.echo("no model has been released")
        else:
            for card in cards:
                typer.echo(f"{card.model_id}  {card.released_at:%Y-%m-%d}  {card.title}")


def download(
    model_id: Annotated[str, typer.Argument(help="As `tessera models` shows it.")],
    hub: HubUrl = _HUB,
    out: Annotated[Path, typer.Option("--out", help="Folder for the model and its card.")] = Path(
        "model"
    ),
) -> None:
    """Save a model and its card, checked against its hash. For persons of its permit.

    **Example:** `tessera model download 5e0b… --hub https://hub.example.org --out model`
    """
    with told():
        import json as json_module

        from tessera.bootstrap.access import signed_in_client
        from tessera.wire.models import card_to_json

        with signed_in_client(hub) as client:
            card = client.model(model_id)
            path = client.save_model(card, out)
        told_card = json_module.dumps(card_to_json(card), indent=2, ensure_ascii=False) + "\n"
        (out / "card.json").write_text(told_card, encoding="utf-8")
        typer.echo(str(path))


def _follow(client: "Client", learning: "Learning") -> "Learning":
    """Tell how it goes on, a line for each change, until it has ended."""
    said: set[str] = set()
    tag = ""
    while True:
        shown = client.learning(learning.learn_id, wait_s=_WAIT_S if tag else 0, unlike=tag)
        tag, now = shown.tag, shown.learning
        lines = [f"{site.node_id}: {site.standing}" for site in now.sites]
        lines += [f"round {u.round}: {u.node_id}{_numbers(u.metrics)}" for u in now.updates]
        lines.append(f"training: {now.state} {now.detail}".rstrip())
        for line in lines:
            if line not in said:
                said.add(line)
                typer.echo(line, err=True)
        if now.state.is_final:
            return now


def _show(learning: "Learning", *, json: bool) -> None:
    if json:
        print_json(learning.to_json())
        return
    typer.echo(f"training  {learning.learn_id}")
    typer.echo(f"title     {learning.title}")
    typer.echo(f"state     {learning.state} {learning.detail}".rstrip())
    last = max((update.round for update in learning.updates), default=0)
    typer.echo(f"rounds    {last} of {learning.rounds}")
    if learning.model_sha256:
        typer.echo(f"model     sha256 {learning.model_sha256}")
    for site in learning.sites:
        typer.echo(f"{site.node_id}: {site.standing} {site.detail}".rstrip())
    for update in learning.updates:
        typer.echo(f"round {update.round}: {update.node_id}{_numbers(update.metrics)}")


def _show_card(card: "ModelCard") -> None:
    from tessera.wire.models import RESEARCH_ONLY

    typer.echo(f"{card.title}\n{RESEARCH_ONLY}")
    typer.echo(f"model     {card.model_id}\nsha256    {card.sha256}")
    typer.echo(f"tool      {card.tool.name} {card.tool.version}, {card.rounds} rounds")
    typer.echo(f"permit    {card.permit_id}")
    for site in card.sites:
        names = ", ".join(f"{name} v{version}" for name, version in site.datasets)
        when = f"released {site.released_at:%Y-%m-%d}"
        typer.echo(f"{site.name}: {names}; {when}{_numbers(site.metrics)}")
    for test in card.tests:
        interval = f" ({test.low} to {test.high})" if None not in (test.low, test.high) else ""
        kind = "external test" if test.is_external else "test on training data"
        typer.echo(f"{kind} at {test.name}: AUC {test.auc}{interval}")


def _numbers(metrics: "Mapping[str, float]") -> str:
    return "".join(f"  {name} {value:.4g}" for name, value in sorted(metrics.items()))
