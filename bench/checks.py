"""All checks over the metadata of 10,000 series; and reading that metadata, beside pydicom.

Usage: python bench/checks.py [--series 10000] [--slices 20] [--files 200]

Metadata is made in memory: MR and CT series of subjects with two studies each, rows of the common
data model beside them, looks of three pictures of each series. Then every check runs, once, on one
core. Reading is measured on files, the fastest of three passes in turn.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
from corpus import write
from measure import machine
from pydicom import dcmread

from tessera.adapters.files.instance_reader import read_instance_with_facts
from tessera.domain.clinical.cdm import CancerCondition, ClinicalRecord, Subject
from tessera.domain.clinical.entities import CancerStage
from tessera.domain.ids import InstanceUid, Pseudonym, SeriesUid, StudyUid
from tessera.domain.imaging.instance import InstanceRow
from tessera.domain.quality.checks import CHECKS
from tessera.domain.quality.facts import Facts
from tessera.domain.quality.inputs import CheckInput
from tessera.domain.quality.near_copies import candidates
from tessera.domain.quality.picture import Picture, figures
from tessera.domain.quality.report import run_checks

ROW = InstanceRow(
    subject=Pseudonym(""),
    study_uid=StudyUid(""),
    series_uid=SeriesUid(""),
    instance_uid=InstanceUid(""),
    sop_class_uid="1.2.840.10008.5.1.4.1.1.4",
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    modality="MR",
    body_part="PROSTATE",
    manufacturer="Maker",
    sex="M",
    age_years=66.0,
    image_type="ORIGINAL\\PRIMARY\\M",
    rows=384,
    columns=384,
    bits_allocated=16,
    orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    spacing_mm=(0.5, 0.5),
    slice_thickness_mm=3.0,
    frame_of_reference_uid="2.25.1",
    has_pixels=True,
    pixel_bytes=384 * 384 * 2,
)
FACTS = Facts(
    series_description="t2_tse_tra",
    protocol="Prostate MR",
    repetition_ms=5000.0,
    echo_ms=100.0,
    slice_step_mm=3.0,
    weight_kg=80.0,
    height_m=1.8,
    birth_date=date(1954, 5, 1),
)
KINDS = ("t2_tse_tra", "ep2d_diff_b0_b800", "ep2d_diff_ADC", "t1_vibe_dyn", "t2_tse_sag")


def rows_of(n_series: int, n_slices: int) -> Iterator[tuple[InstanceRow, Facts]]:
    for number in range(n_series):
        study, kind = number // len(KINDS), KINDS[number % len(KINDS)]
        day = date(2020, 5, 1) + timedelta(days=study % 200)
        facts = replace(FACTS, series_description=kind, acquisition_s=36_000.0 + number % 3600)
        series = replace(
            ROW,
            subject=Pseudonym(f"S{study // 2}"),
            study_uid=StudyUid(f"2.25.1{study}"),
            series_uid=SeriesUid(f"2.25.2{number}"),
            study_date=day,
            acquisition_date=day,
        )
        for index in range(n_slices):
            place = index % (n_slices // 2) if kind == "ep2d_diff_b0_b800" else index
            phase = index % 4 + 1 if kind == "t1_vibe_dyn" else None
            if phase is not None:
                place = index // 4
            yield (
                replace(
                    series,
                    instance_uid=InstanceUid(f"2.25.3{number}.{index}"),
                    instance_number=index + 1,
                    position_mm=(0.0, 0.0, 3.0 * place),
                    b_value=800.0 * (index >= n_slices // 2) if "b800" in kind else None,
                    temporal_position=phase,
                    pixel_sha256=f"{number}.{index}",
                ),
                replace(facts, n_phases=4 if phase else None),
            )


def records_of(n_subjects: int) -> list[ClinicalRecord]:
    found = []
    for number in range(n_subjects):
        subject = Pseudonym(f"S{number}")
        condition = CancerCondition(
            condition_id=f"C{number}",
            subject=subject,
            cancer="prostate",
            topography="C61.9",
            morphology="8140/3",
            age_at_diagnosis=66.0 + number % 20 / 10,
            diagnosis_date=date(2020, 4, 1),
            stage="II",
            gleason=7,
            psa_ng_ml=5.0 + number % 900 / 100,
        )
        stage = CancerStage(
            stage_id=f"T{number}",
            subject=subject,
            condition_id=f"C{number}",
            edition=8,
            t="cT2b",
            n="cN0",
            m="cM0",
            stage_group="IIB",
        )
        person = Subject(subject=subject, sex="male", population="cancer")
        found.append(ClinicalRecord(person, (condition,), (stage,)))
    return found


def pictures_of(rows: list[InstanceRow], n_slices: int) -> list[Picture]:
    """Return looks of noise: the hardest case, as no pair can be told apart by chance alone."""
    rng = np.random.default_rng(1)
    one = figures(rng.normal(100, 20, (64, 64)), instance_uid="", modality="MR")
    chosen = rows[:: max(1, n_slices // 3)]
    looks = rng.integers(0, 256, (len(chosen), 256), np.uint8)
    details = rng.integers(-40, 40, (len(chosen), 48 * 48), np.int8)
    return [
        replace(one, instance_uid=row.instance_uid, look=look.tobytes(), detail=detail.tobytes())
        for row, look, detail in zip(chosen, looks, details, strict=True)
    ]


def reading(n_files: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), n_files, 1)
        paths = [path for path in Path(folder).rglob("*") if path.is_file()][:n_files]
        best: dict[str, float] = {}
        for _ in range(3):
            for name, read in (
                ("tessera, row and facts, pixels hashed", read_instance_with_facts),
                ("pydicom, header read, nothing looked at", _by_pydicom),
            ):
                start = perf_counter()
                for path in paths:
                    read(path)
                best[name] = min(best.get(name, 1e9), perf_counter() - start)
    print("| reading | ms per file |\n|---|---:|")
    for name, seconds in best.items():
        print(f"| {name} | {1000 * seconds / len(paths):.2f} |")


def _by_pydicom(path: Path) -> object:
    ds = dcmread(path, stop_before_pixels=True)
    return [element.value for element in ds]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--slices", type=int, default=20)
    parser.add_argument("--files", type=int, default=200)
    asked = parser.parse_args()
    made = list(rows_of(asked.series, asked.slices))
    rows = [row for row, _ in made]
    facts = {row.instance_uid: known for row, known in made}
    pictures = pictures_of(rows, asked.slices)
    records = records_of(len({row.subject for row in rows}))
    print(machine())
    print(f"\n{asked.series} series, {len(rows)} instances, {len(records)} subjects, "
          f"{len(pictures)} pictures\n")  # fmt: skip
    start = perf_counter()
    data = CheckInput(rows=rows, facts=facts, records=records, pictures=pictures)
    grouped = perf_counter() - start
    times = {"grouping into series": grouped}
    for check in CHECKS:
        start = perf_counter()
        run_checks(data, [check])
        times[check.id] = perf_counter() - start
    start = perf_counter()
    candidates(rows, pictures)
    times["pairs that look alike"] = perf_counter() - start
    print("| step | s |\n|---|---:|")
    for name, seconds in sorted(times.items(), key=lambda item: -item[1])[:12]:
        print(f"| {name} | {seconds:.2f} |")
    print(f"| **all {len(CHECKS)} checks** | **{sum(times.values()):.1f}** |\n")
    reading(asked.files)


if __name__ == "__main__":
    main()
