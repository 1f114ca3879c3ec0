"""`tessera clinical …`: clinical tables of a hospital, in and out."""

import typer

from tessera.cli import (
    clinical_apply,
    clinical_dictionary,
    clinical_exchange,
    clinical_profile,
    clinical_suggest,
)

clinical_app = typer.Typer(no_args_is_help=True, help="Clinical tables: in and out.")


def register(app: typer.Typer) -> None:
    """Add `clinical` and its sub-commands."""
    app.add_typer(clinical_app, name="clinical")


clinical_profile.register(clinical_app)
clinical_suggest.register(clinical_app)
clinical_apply.register(clinical_app)
clinical_dictionary.register(clinical_app)
clinical_exchange.register(clinical_app)
