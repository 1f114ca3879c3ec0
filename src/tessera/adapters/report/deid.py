"""A de-identification report as one HTML file that needs nothing beside it."""

from base64 import b64encode
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from tessera.adapters.report.deid_words import WORDS
from tessera.domain.deid.report import DeidReport
from tessera.domain.errors import InvalidInput

_WIDEST = 100


def render_deid_html(
    report: DeidReport,
    *,
    title: str,
    language: str,
    faces: Sequence[tuple[bytes, bytes]] = (),
) -> str:
    """Return the report as a complete HTML document, in "en" or "sv".

    `title` names the batch, the node or the dataset; `faces` are PNG pictures before and after a
    face was taken out, and make it a page that stays in the hospital. Raises InvalidInput for
    another language.
    """
    if language not in WORDS:
        raise InvalidInput(f"language {language!r}: use one of {', '.join(sorted(WORDS))}")
    environment = Environment(
        loader=PackageLoader("tessera.adapters.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    most = max((size * n for size, n in report.risk.sizes), default=1) if report.risk else 1
    return environment.get_template("deid.html").render(
        title=title,
        language=language,
        words=WORDS[language],
        report=report,
        faces=[tuple(b64encode(one).decode() for one in pair) for pair in faces],
        num=_number,
        bars=[
            (size, n, size * n, round(_WIDEST * size * n / most))
            for size, n in (report.risk.sizes if report.risk else ())
        ],
    )


def _number(n: int) -> str:
    return f"{n:,}".replace(",", "\u202f")
