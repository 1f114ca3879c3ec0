"""Models that find names in text beyond the rules. They ship here: nothing is fetched."""

from importlib.resources import files
from typing import Final

from tessera.domain.deid.text.cleaner import NameFinder
from tessera.domain.deid.text.vocabulary import Vocabulary
from tessera.domain.errors import InvalidSettings

SURNAMES: Final = "surnames"
DATA: Final = files("tessera.adapters.names") / "data"


def labelled(name: str) -> str:
    """Return the name of a model with what tells its version. Raises InvalidSettings.

    It goes into the fingerprint of a profile: another model makes other outputs.
    """
    if name != SURNAMES:
        raise InvalidSettings(f"names_model: there is no {name!r}; known is {SURNAMES}")
    return f"{name} {(DATA / 'version.txt').read_text(encoding='ascii').strip()}"


def finder_of(label: str, vocabulary: Vocabulary) -> NameFinder | None:
    """Return the model of a profile's `names_model`; None for nothing."""
    if not label:
        return None
    from tessera.adapters.names.surnames import SurnameFinder

    return SurnameFinder(vocabulary)
