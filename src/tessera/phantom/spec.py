"""What to generate, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum

from tessera.domain.errors import InvalidInput
from tessera.phantom.locale import LANGUAGES, load_locale


class Scale(StrEnum):
    """How large images are: tiny for many patients, small for tests, full as real scanners send."""

    TINY = "tiny"
    SMALL = "small"
    MEDIUM = "medium"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomSpec:
    """All that the bytes depend on. `site` empty: the place usual for the language."""

    n_patients: int
    seed: int
    language: str = "sv"
    site: str = ""
    scale: Scale = Scale.SMALL

    def __post_init__(self) -> None:
        if self.n_patients < 1:
            raise InvalidInput(f"a site needs at least one patient, not {self.n_patients}")
        if self.language not in LANGUAGES:
            raise InvalidInput(
                f"no phantom hospital speaks {self.language!r}; use one of {', '.join(LANGUAGES)}"
            )
        if not self.site:
            object.__setattr__(self, "site", load_locale(self.language).site)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhantomSummary:
    """Counts of one generated site; `n_files` and `n_bytes` are those under `pacs/`."""

    site: str
    country: str
    language: str
    n_patients: int
    n_studies: int
    n_series: int
    n_instances: int
    n_files: int
    n_bytes: int
    cancers: dict[str, int]
    modalities: dict[str, int]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Matrix and slice numbers of one scale. MG and X-ray are (rows, columns)."""

    matrix: int
    ct_slices: tuple[int, int]
    ct_spacing_mm: float
    mr_slices: int
    mr_extra_slices: int
    mammogram: tuple[int, int]
    xray: tuple[int, int]
    ultrasound: tuple[int, int]


SIZES = {
    Scale.TINY: Sizes(48, (4, 6), 40.0, 3, 2, (96, 72), (64, 64), (75, 100)),
    Scale.SMALL: Sizes(128, (40, 46), 5.0, 18, 10, (512, 384), (256, 256), (300, 400)),
    Scale.MEDIUM: Sizes(256, (60, 80), 3.0, 24, 18, (1280, 1024), (1024, 1024), (480, 640)),
    Scale.FULL: Sizes(512, (120, 200), 1.5, 30, 26, (3328, 2560), (2022, 2022), (768, 1024)),
}
