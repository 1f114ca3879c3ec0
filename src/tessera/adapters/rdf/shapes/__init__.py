"""SHACL shapes of the profiles that we write, as package data."""

from importlib.resources import files
from typing import Final

DATASETS: Final = "eucaim-dcat-ap-2.0.ttl"
FAIR_DATA_POINT: Final = "fair-data-point-1.2.ttl"


def shapes(name: str) -> str:
    """Return one of the files above, Turtle."""
    return files(__name__).joinpath(name).read_text("utf-8")
