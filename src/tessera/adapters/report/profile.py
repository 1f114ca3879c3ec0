"""The profile of clinical tables as one HTML file that needs nothing beside it. Identified zone."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from tessera.adapters.report.profile_words import WHYS_SV, WORDS
from tessera.domain.clinical.profile import TableProfile
from tessera.domain.clinical.profile_identity import WHYS
from tessera.domain.errors import InvalidInput


def render_profile(profiles: Sequence[TableProfile], *, language: str) -> str:
    """Return a complete HTML document. Raises InvalidInput for a language it does not speak."""
    if language not in WORDS:
        raise InvalidInput(f"language {language!r}: use one of {', '.join(sorted(WORDS))}")
    environment = Environment(
        loader=PackageLoader("tessera.adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("profile.html").render(
        profiles=profiles,
        language=language,
        words=WORDS[language],
        whys=WHYS_SV if language == "sv" else WHYS,
    )
