"""One picture of each series of a kind that seldom has text is read; if it has, all are."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from tessera.adapters.pixels.stage import NeedsReview, PixelStage
from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.encoding import FileMeta, OddEncoding, Source
from tessera.domain.imaging.header import scan
from tessera.domain.zones import Identified

_SERIES: Final = 0x0020000E
_CLASSES: Final = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{end}"
    for end in ("2", "2.1", "2.2", "4", "4.1", "4.3", "4.4", "20", "128", "128.1", "130")
)
"""CT, MR, nuclear medicine and PET, enhanced and legacy converted ones too."""
_KEPT = 10_000
_LARGEST = 64 << 20
"""Bytes of an instance; a larger one would take too long for a sample."""


class SeriesProbe:
    """Reads the first picture of each series that a worker meets. Costly to begin with, so the
    stage is made when the first one comes."""

    def __init__(self, make_stage: Callable[[], PixelStage], *, every: bool = False) -> None:
        """With `every` each picture is read, not one of each series: slow, and the surest."""
        self._make = make_stage
        self._every = every
        self._stage: PixelStage | None = None
        self._has_text: OrderedDict[str, bool] = OrderedDict()

    def __call__(self, source: Source, meta: FileMeta) -> None:
        """Raise InvalidDicom ("pixels") when text was found in a picture of this series."""
        if meta.sop_class_uid not in _CLASSES:
            return
        series = scan(source, meta, frozenset((_SERIES,))).text(_SERIES)
        if self._every or series not in self._has_text:
            self._has_text[series] = self._look(source, meta)
            if len(self._has_text) > _KEPT:
                self._has_text.popitem(last=False)
        if self._has_text[series]:
            raise InvalidDicom(
                "pixels",
                "text was found in it, or in a picture of its series",
                element="(7FE0,0010)",
                mend="its pixels are to be read",
            )

    def _look(self, source: Source, meta: FileMeta) -> bool:
        if source.size > _LARGEST:
            return False
        if self._stage is None:
            self._stage = self._make()
        try:
            outcome = self._stage.clean(Identified(source), meta)
        except (InvalidDicom, OddEncoding):
            return False  # the gate says what is wrong with it
        return isinstance(outcome, NeedsReview) or bool(outcome.findings)
