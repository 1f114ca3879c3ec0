"""Puts one patient's files on disk as a PACS export has them, with the planted faults.

Folder and file names are opaque and follow one of several habits; a file is
named `.dcm` or has no ending.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tessera.phantom.locale import load_locale
from tessera.phantom.patient_files import EncodedInstance, Truths, encoded_patient
from tessera.phantom.patients import Patient
from tessera.phantom.planted import Planted
from tessera.phantom.spec import PhantomSpec
from tessera.phantom.streams import digest

IMAGE_FAULTS = (
    "missing-slice",
    "duplicate-instance",
    "truncated-file",
    "zero-length-file",
    "text-file",
)
"""Faults planted in a PACS export, each on a patient with a volume (CT, MR or PET)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientJob:
    """One patient's work, small enough to send to another process."""

    spec: PhantomSpec
    patient: Patient
    faults: tuple[str, ...]
    out: Path


def write_patient(job: PatientJob) -> dict[str, object]:
    """Write the patient's files under `out/pacs`; the truth is kept in `out/.parts` when done."""
    planted, truths = Planted(), Truths()
    writer = _Writer(job, planted)
    locale = load_locale(job.spec.language)
    for instance in encoded_patient(job.spec, job.patient, locale, planted, truths):
        writer.put(instance)
    patient = job.patient
    truth: dict[str, object] = {
        "number": patient.number,
        "patient_id": patient.person.patient_id,
        "concept": patient.concept,
        "screening": patient.screening,
        "identities": planted.as_truth(),
        "person": _plain(asdict(patient.person)),
        "diagnosis": _plain(asdict(patient.cancer)) if patient.cancer else None,
        "last_contact": patient.last_contact.isoformat(),
        "died": patient.died.isoformat() if patient.died else None,
        "studies": [
            {**study, "folder": writer.folders.get(str(study["study_uid"]), "")}
            for study in truths.as_list(without=writer.lost)
        ],
        "errors": writer.errors,
        "n_files": writer.n_files,
        "n_bytes": writer.n_bytes,
    }
    part = job.out / ".parts" / f"{patient.number:05d}.json"
    fresh = part.with_suffix(".new")
    fresh.write_text(json.dumps(truth, ensure_ascii=False), encoding="utf-8")
    fresh.replace(part)
    return truth


def _plain(values: dict[str, object]) -> dict[str, object]:
    """Dates as ISO text, tuples as lists, so that JSON can hold them."""
    return {
        key: value.isoformat() if hasattr(value, "isoformat") else value
        for key, value in values.items()
    }


class _Writer:
    """Names and writes files, and plants each fault where it first fits."""

    def __init__(self, job: PatientJob, planted: Planted) -> None:
        self._job = job
        self._planted = planted
        self._faults = list(job.faults)
        self._counts: dict[str, int] = {}
        self.folders: dict[str, str] = {}
        self.errors: list[dict[str, object]] = []
        self.lost: set[str] = set()
        self.n_files = 0
        self.n_bytes = 0

    def put(self, instance: EncodedInstance) -> None:
        path = self._path(instance)
        volume = instance.series.kind in ("ct", "t2w", "pt")
        fault = self._faults[0] if self._faults and volume and instance.number == 7 else ""
        if fault:
            self._faults.pop(0)
            self._fault(fault, path, instance)
            return
        self._write(path, instance.content)

    def _fault(self, fault: str, path: str, instance: EncodedInstance) -> None:
        record: dict[str, object] = {
            "where": "images",
            "kind": fault,
            "patient_id": self._job.patient.person.patient_id,
            "series_uid": instance.series.series_uid,
            "instance_uid": instance.uid,
            "path": path,
        }
        beside = path.rsplit("/", 1)[0]
        if fault == "missing-slice":
            self.lost.add(instance.uid)
        elif fault == "truncated-file":
            self.lost.add(instance.uid)
            self._write(path, instance.content[: len(instance.content) * 3 // 5])
        else:
            self._write(path, instance.content)
            extra, content = self._extra(fault, beside, instance)
            record["path"] = extra
            self._write(extra, content)
        self.errors.append(record)

    def _extra(self, fault: str, beside: str, instance: EncodedInstance) -> tuple[str, bytes]:
        name = digest("extra", instance.uid)[:4].hex()
        if fault == "duplicate-instance":
            return f"{beside}/{name}", instance.content
        if fault == "zero-length-file":
            return f"{beside}/{name}.dcm", b""
        person = self._job.patient.person
        spoken = self._planted.add("name", f"{person.given} {person.family}")
        text = f"Export log\r\n{spoken} {person.patient_id}\r\nimages: ok\r\n"
        return f"{beside}/{name}.txt", text.encode()

    def _write(self, path: str, content: bytes) -> None:
        target = self._job.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        self.n_files += 1
        self.n_bytes += len(content)

    def _path(self, instance: EncodedInstance) -> str:
        """Where the export puts this image, relative to `out`; one habit per study."""
        study, series = instance.study, instance.series
        code = digest("folder", study.study_uid).hex().upper()
        folder = f"pacs/{code[:8]}"
        self.folders[study.study_uid] = folder
        count = self._counts[folder] = self._counts.get(folder, 0) + 1
        habit = study.style % 3
        if habit == 0:
            return f"{folder}/{code[8:12]}{series.number:04d}/IM{instance.number:05d}"
        if habit == 1:
            name = digest("file", instance.uid)[:10].hex()
            return f"{folder}/{name}.dcm"
        return f"{folder}/I{count:07d}"
