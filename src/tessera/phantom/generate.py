"""Generates a whole site: PACS export, clinical table, truth. Goes on where it stopped."""

import json
import multiprocessing
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from tessera.domain.errors import Conflict
from tessera.phantom.export import IMAGE_FAULTS, PatientJob, write_patient
from tessera.phantom.locale import Locale, load_locale
from tessera.phantom.patients import Patient, make_patients
from tessera.phantom.spec import PhantomSpec, PhantomSummary
from tessera.phantom.streams import digest, stream
from tessera.phantom.tables import TableError, csv_bytes, table_rows, xlsx_bytes

_PATIENTS_PER_FAULT_SET = 60
_ZIP_EVERY = 9


def generate(
    out: Path,
    spec: PhantomSpec,
    *,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> PhantomSummary:
    """Write the site of `spec` into `out`; same spec, same bytes, whatever `workers` is.

    `progress` hears (patients done, patients in all). What an earlier, stopped
    run of the same spec has finished is kept; a finished site is left as it is.

    Raises:
        Conflict: `out` holds something else.
    """
    truth_path = out / "truth.json"
    if _is_finished(out, spec):
        return _summary(json.loads(truth_path.read_text(encoding="utf-8")), spec)
    locale = load_locale(spec.language)
    patients = make_patients(spec.seed, spec.site, locale, spec.n_patients)
    rows, table_errors = table_rows(spec.seed, patients, locale)
    faults = _image_faults(spec, patients)
    jobs = [
        PatientJob(spec=spec, patient=p, faults=tuple(faults.get(p.number, ())), out=out)
        for p in patients
    ]
    parts = out / ".parts"
    todo = [j for j in jobs if not (parts / f"{j.patient.number:05d}.json").exists()]
    done = len(jobs) - len(todo)
    for _ in _run(todo, workers):
        done += 1
        if progress:
            progress(done, len(jobs))
    truths = [
        json.loads((parts / f"{p.number:05d}.json").read_text(encoding="utf-8")) for p in patients
    ]
    _zip_some(out, truths)
    clinical = _write_clinical(out, rows, locale)
    _write_json(out / "site.json", _site(spec, locale, clinical))
    truth = _truth(spec, locale, truths, table_errors)
    fresh = out / "truth.json.new"
    _write_json(fresh, truth)
    fresh.replace(truth_path)
    shutil.rmtree(parts)
    (out / ".phantom.json").unlink()
    return _summary(truth, spec)


def _is_finished(out: Path, spec: PhantomSpec) -> bool:
    """True when `out` already is this site; prepares `out` when it is new or half done."""
    wanted = json.loads(json.dumps(asdict(spec)))
    truth, marker = out / "truth.json", out / ".phantom.json"
    for path in (truth, marker):
        if path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            if found.get("spec") != wanted:
                raise Conflict(
                    f"{out} holds a site generated from other settings ({found.get('spec')}); "
                    "choose another folder or remove this one"
                )
    if truth.exists() and not marker.exists():
        return True
    if not marker.exists() and out.exists() and any(out.iterdir()):
        raise Conflict(f"{out} is not empty; choose a new folder")
    (out / ".parts").mkdir(parents=True, exist_ok=True)
    _write_json(marker, {"spec": wanted})
    return False


def _run(jobs: Sequence[PatientJob], workers: int) -> Iterator[dict[str, object]]:
    """Do the jobs in this process, or spread over `workers` processes; order is not kept."""
    if workers <= 1 or len(jobs) <= 1:
        yield from map(write_patient, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
        try:
            for future in as_completed([pool.submit(write_patient, job) for job in jobs]):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _image_faults(spec: PhantomSpec, patients: Sequence[Patient]) -> dict[int, list[str]]:
    """Which patient carries which fault in the images: each kind once per 60 patients."""
    able = [p for p in patients if p.concept != "breast" and p.screening != "mammography"]
    if len(patients) < 3 or not able:
        return {}
    rounds = 1 + len(patients) // _PATIENTS_PER_FAULT_SET
    order = stream(spec.seed, spec.site, "image faults").permutation(len(able))
    faults: dict[int, list[str]] = {}
    for place, kind in enumerate(IMAGE_FAULTS * rounds):
        faults.setdefault(able[int(order[place % len(able)])].number, []).append(kind)
    return faults


def _zip_some(out: Path, truths: list[dict[str, Any]]) -> None:
    """Move the last study of every ninth patient into one zip, as a courier's disc has it."""
    chosen = [t for t in truths if t["number"] % _ZIP_EVERY == 3] or truths[-1:]
    name = f"pacs/EXPORT_{digest(truths[0]['patient_id'], 'zip').hex()[:6].upper()}.zip"
    folders = [t["studies"][-1]["folder"] for t in chosen]
    if not (out / name).exists():
        fresh = out / f"{name}.new"
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED) as archive:
            for folder in folders:
                for path in sorted((out / folder).rglob("*")):
                    if path.is_file():
                        inside = path.relative_to(out / "pacs").as_posix()
                        archive.writestr(
                            zipfile.ZipInfo(inside), path.read_bytes(), zipfile.ZIP_DEFLATED
                        )
        fresh.replace(out / name)
    for truth, folder in zip(chosen, folders, strict=True):
        if (out / folder).exists():
            shutil.rmtree(out / folder)
        truth["studies"][-1]["zip"] = name


def _write_clinical(out: Path, rows: list[Any], locale: Locale) -> dict[str, str]:
    folder = out / "clinical"
    folder.mkdir(exist_ok=True)
    names = {kind: f"clinical/{locale.table.name}.{kind}" for kind in ("csv", "xlsx")}
    (out / names["csv"]).write_bytes(csv_bytes(rows, locale.table))
    (out / names["xlsx"]).write_bytes(xlsx_bytes(rows, locale.table))
    mapping = files("tessera.phantom") / "mappings" / f"{locale.language}.toml"
    (folder / "mapping.toml").write_bytes(mapping.read_bytes())
    return {**names, "mapping": "clinical/mapping.toml"}


def _site(spec: PhantomSpec, locale: Locale, clinical: dict[str, str]) -> dict[str, object]:
    return {
        "site": spec.site,
        "country": locale.country,
        "language": locale.language,
        "organisation": locale.organisation,
        "institution": locale.institution,
        "issuer_of_patient_ids": locale.issuer,
        "n_patients": spec.n_patients,
        "pacs": "pacs",
        "clinical": clinical,
    }


def _truth(
    spec: PhantomSpec,
    locale: Locale,
    truths: list[dict[str, Any]],
    table_errors: list[TableError],
) -> dict[str, Any]:
    errors = [
        {
            "where": "clinical",
            "kind": e.kind,
            "patient_id": e.patient_id,
            "column": e.column,
            "text": e.text,
        }
        for e in table_errors
    ]
    errors += [
        {"where": "images", "kind": "patient-not-in-table", "patient_id": e.patient_id}
        for e in table_errors
        if e.kind == "missing-row"
    ]
    patients = []
    for truth in truths:
        errors += truth.pop("errors")
        patients.append(truth)
    return {
        "spec": json.loads(json.dumps(asdict(spec))),
        "site": spec.site,
        "country": locale.country,
        "errors": errors,
        "patients": patients,
    }


def _summary(truth: dict[str, Any], spec: PhantomSpec) -> PhantomSummary:
    patients = truth["patients"]
    series = [s for p in patients for study in p["studies"] for s in study["series"]]
    modalities: Counter[str] = Counter()
    for one in series:
        modalities[one["modality"]] += len(one["instance_uids"])
    return PhantomSummary(
        site=truth["site"],
        country=truth["country"],
        language=spec.language,
        n_patients=len(patients),
        n_studies=sum(len(p["studies"]) for p in patients),
        n_series=len(series),
        n_instances=sum(modalities.values()),
        n_files=sum(p["n_files"] for p in patients),
        n_bytes=sum(p["n_bytes"] for p in patients),
        cancers=dict(sorted(Counter(p["concept"] for p in patients).items())),
        modalities=dict(sorted(modalities.items())),
    )


def _write_json(path: Path, content: object) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
