"""Wire the catalogue of a hub to a workbook."""

from pathlib import Path

from tessera.adapters.harvest.form import write_workbook
from tessera.adapters.rdf.reading import read_rdf
from tessera.bootstrap.hub import open_hub
from tessera.domain.catalogue.harvested import ReadDataset
from tessera.domain.errors import Conflict


def write_form(file: Path, *, force: bool = False) -> None:
    """Write an empty form. Raises Conflict when the file is there."""
    _write(file, (), force)


def export_workbook(home: Path, file: Path, *, force: bool = False) -> int:
    """Write what the hub's own RDF says of its datasets, and return how many there are.

    So a workbook says what another catalogue reads from the RDF. Raises Conflict.
    """
    with open_hub(home) as (hub, _):
        turtle = hub.rdf(hub.catalogue(), "turtle")
        datasets = read_rdf(turtle, "turtle", hub.address).datasets
    _write(file, datasets, force)
    return len(datasets)


def _write(file: Path, datasets: tuple[ReadDataset, ...], force: bool) -> None:
    data = write_workbook(datasets)
    try:
        with file.open("wb" if force else "xb") as stream:
            stream.write(data)
    except FileExistsError as err:
        raise Conflict(f"{file} is there already; --force writes over it") from err
    except OSError as err:
        raise Conflict(f"{file} cannot be written: {err.strerror}") from err
