"""Checks that body part and side of an image agree with what is written of it. Pure."""

from collections import Counter
from collections.abc import Iterator

from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.finding import Evidence, Finding, Level, Severity, Where, finding
from tessera.domain.quality.inputs import CheckInput, SeriesRows
from tessera.domain.quality.judging import NO_HEADERS, image_series, judged
from tessera.domain.quality.regions import are_apart, regions_of, side_of
from tessera.domain.quality.registry import Looked

_Pair = tuple[SeriesRows, list[InstanceRow]]
_PAIRED_MODALITIES = frozenset({"MG"})


def body_part_agrees(data: CheckInput) -> Looked:
    """BodyPartExamined and the words about the series speak of one region. Source: PS3.16."""
    if data.facts is None:
        return NO_HEADERS

    def judge(pair: _Pair) -> Iterator[Finding] | None:
        series, images = pair
        facts = data.facts_of(images[0])
        stated = regions_of(images[0].body_part)
        written = regions_of(facts.words) or regions_of(facts.study_description)
        if not stated or not written:
            return None
        return _body_part(series, images[0], stated, written, facts.words)

    return judged(image_series(data), judge)


def laterality_agrees(data: CheckInput) -> Looked:
    """Laterality is that of the description, and a mammogram has one. Source: PS3.3 C.7.3.1."""
    if data.facts is None:
        return NO_HEADERS

    def judge(pair: _Pair) -> Iterator[Finding] | None:
        series, images = pair
        paired = images[0].modality in _PAIRED_MODALITIES
        stated = {row.laterality.upper() for row in images} & {"L", "R"}
        written = side_of(data.facts_of(images[0]).series_description)
        if not paired and not (stated and written):
            return None
        return _laterality(series, images, stated, written)

    return judged(image_series(data), judge)


def _body_part(
    series: SeriesRows,
    row: InstanceRow,
    stated: frozenset[str],
    written: frozenset[str],
    words: str,
) -> Iterator[Finding]:
    if are_apart(stated, written):
        facts: Evidence = {
            "body_part": row.body_part,
            "written": ", ".join(sorted(written)),
            "words": words[:80],
            "modality": row.modality,
        }
        where = Where(Level.SERIES, series.series_uid)
        middle = series.rows[len(series.rows) // 2].instance_uid
        yield finding("body-part-disagrees", Severity.WARNING, where, facts, pictures=(middle,))


def _laterality(
    series: SeriesRows, images: list[InstanceRow], stated: set[str], written: str
) -> Iterator[Finding]:
    where = Where(Level.SERIES, series.series_uid)
    if written and stated and written not in stated:
        facts: Evidence = {"laterality": ", ".join(sorted(stated)), "written": written}
        yield finding(
            "laterality-disagrees",
            Severity.WARNING,
            where,
            facts,
            pictures=(images[0].instance_uid,),
        )
    without = Counter(not row.laterality for row in images)[True]
    if images[0].modality in _PAIRED_MODALITIES and without:
        named: Evidence = {"n_images": without, "modality": images[0].modality}
        yield finding("laterality-absent", Severity.WARNING, where, named)
