"""A de-identification report as one HTML file that needs nothing beside it."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from tessera.adapters.report.deid_words import WORDS
from tessera.domain.deid.report import DeidReport
from tessera.domain.errors import InvalidInput

_WIDEST = 100


def render_deid_html(report: DeidReport, *, title: str, language: str) -> str:
    """Return the report as a complete HTML document, in "en" or "sv".

    `title` names the batch, the node or the dataset. Raises InvalidInput for another language.
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
        num=_number,
        bars=[
            (size, n, size * n, round(_WIDEST * size * n / most))
            for size, n in (report.risk.sizes if report.risk else ())
        ],
    )


def _number(n: int) -> str:
    return f"{n:,}".replace(",", "\u202f")
