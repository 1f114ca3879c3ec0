"""One patient, from story to files in memory: every study drawn, encoded and accounted for."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset as DicomDataset

from tessera.phantom.derived import draw_seg, draw_sr
from tessera.phantom.encode import InstanceWriter
from tessera.phantom.equipment import add_private_blocks, machine
from tessera.phantom.header import fits, series_header, study_charset, study_header
from tessera.phantom.images import Bench, SeriesImages
from tessera.phantom.locale import Locale
from tessera.phantom.patients import Patient
from tessera.phantom.plan import SeriesPlan, StudyPlan, plan_studies
from tessera.phantom.planted import Planted
from tessera.phantom.projections import draw_mg, draw_xray
from tessera.phantom.spec import SIZES, PhantomSpec
from tessera.phantom.streams import stream
from tessera.phantom.ultrasound import draw_us
from tessera.phantom.volumes import centre_mm, draw_ct, draw_mr, draw_pt, table_shift

_DRAWERS = {
    "ct": draw_ct,
    "t2w": draw_mr,
    "dwi": draw_mr,
    "adc": draw_mr,
    "dce": draw_mr,
    "pt": draw_pt,
    "mg": draw_mg,
    "us": draw_us,
    "dx": draw_xray,
    "cr": draw_xray,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedInstance:
    """One Part 10 file of a patient, not yet on disk."""

    study: StudyPlan
    series: SeriesPlan
    uid: str
    number: int
    content: bytes


def encoded_patient(
    spec: PhantomSpec, patient: Patient, locale: Locale, planted: Planted, truths: "Truths"
) -> Iterator[EncodedInstance]:
    """Every instance of the patient, study by study; `truths` and `planted` fill on the way."""
    sizes = SIZES[spec.scale]
    for study in plan_studies(spec.seed, spec.site, patient):
        charset = _charset(patient, study, locale)
        bench = Bench(
            patient=patient,
            study=study,
            locale=locale,
            sizes=sizes,
            planted=planted,
            charset=charset,
            rng=stream(study.study_uid, "noise"),
        )
        drawn: dict[int, SeriesImages] = {}
        for series in study.series:
            images = _draw(bench, series, drawn)
            if images is None:
                continue
            drawn[series.number] = images
            yield from _encode(bench, images)
            truths.add(bench, images)


class Truths:
    """Collects the truth of each study of one patient while it is written."""

    def __init__(self) -> None:
        self._studies: dict[str, dict[str, object]] = {}
        self._series: dict[str, list[dict[str, object]]] = {}

    def add(self, bench: Bench, images: SeriesImages) -> None:
        study = bench.study
        if study.study_uid not in self._studies:
            self._studies[study.study_uid] = _study_truth(bench)
            self._series[study.study_uid] = []
        plan = images.plan
        self._series[study.study_uid].append(
            {
                "series_uid": plan.series_uid,
                "kind": plan.kind,
                "modality": plan.modality,
                "vendor": plan.vendor,
                "transfer_syntax": plan.transfer_syntax,
                "sop_class": images.sop_class,
                "instance_uids": [i.uid for i in images.instances],
                **images.facts,
            }
        )

    def as_list(self, *, without: set[str]) -> list[dict[str, object]]:
        """Studies with their series; instances in `without` are not on disk in readable form."""
        studies: list[dict[str, object]] = []
        for study_uid, study in self._studies.items():
            series = []
            for one in self._series[study_uid]:
                uids = one["instance_uids"]
                kept = [u for u in uids if u not in without] if isinstance(uids, list) else []
                series.append({**one, "instance_uids": kept})
            studies.append({**study, "series": series})
        return studies


def _study_truth(bench: Bench) -> dict[str, object]:
    study, lesion = bench.study, bench.study.lesion
    found: dict[str, object] | None = None
    if lesion is not None:
        place = zip(centre_mm(bench), table_shift(bench), strict=True)
        found = {
            "diameter_mm": lesion.diameter_mm,
            "intensity": lesion.intensity,
            "side": "left" if lesion.side > 0 else "right",
            "centre_mm": [round(a + b, 1) for a, b in place],
        }
    return {
        "study_uid": study.study_uid,
        "frame_of_reference_uid": study.frame_uid,
        "date": study.day.isoformat(),
        "visit": study.visit,
        "region": study.region,
        "accession": study.accession,
        "charset": bench.charset,
        "lesion": found,
    }


def _charset(patient: Patient, study: StudyPlan, locale: Locale) -> str:
    """The study's character set, or UTF-8 where the patient's data does not fit in it."""
    charset = study_charset(locale, study)
    person = patient.person
    texts = [person.family, person.given, person.address, person.physician, locale.department]
    texts += [locale.institution, locale.institution_address, *locale.words.values()]
    texts += [v for group in locale.table.values["diagnosis"].values() for v in group]
    return charset if fits(" ".join(texts), charset) else "ISO_IR 192"


def _draw(bench: Bench, series: SeriesPlan, drawn: dict[int, SeriesImages]) -> SeriesImages | None:
    """The series, or None for a SEG or SR of a lesion too small to be seen on its grid."""
    if series.kind in ("seg", "sr"):
        of = drawn.get(series.of_number)
        if of is None or of.mask is None:
            return None
        if series.kind == "seg":
            return draw_seg(bench, series, of)
        seg = next((d for d in drawn.values() if d.plan.kind == "seg"), None)
        return draw_sr(bench, series, of, seg) if seg else None
    made_by = machine(series.vendor, series.modality, bench.locale.site)
    header: DicomDataset = study_header(
        bench.patient, bench.study, bench.locale, bench.planted, bench.charset
    )
    series_header(header, bench.study, series, made_by, bench.planted)
    if series.kind == "us" and bench.locale.language == "sv":
        # Ultrasound machines here take the number without century, as people say it.
        header.PatientID = bench.planted.add("id", bench.patient.person.ids[2])
    add_private_blocks(header, made_by, series.modality, bench.planted, 100)
    return _DRAWERS[series.kind](bench, series, header)


def _encode(bench: Bench, images: SeriesImages) -> Iterator[EncodedInstance]:
    writer = InstanceWriter(
        images.header, transfer_syntax=images.plan.transfer_syntax, charset=bench.charset
    )
    for instance in images.instances:
        yield EncodedInstance(
            study=bench.study,
            series=images.plan,
            uid=instance.uid,
            number=instance.number,
            content=writer.write(images.sop_class, instance.uid, instance.varying, instance.frame),
        )
