"""The whole corpus: which studies each patient has, how their files hide people, where they lie."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tessera.domain.errors import InvalidInput
from tessera.phantom.encode import EXPLICIT, IMPLICIT
from tessera.phantom.hiding import documents, images, objects, pictures
from tessera.phantom.hiding.draft import Draft, Study
from tessera.phantom.hiding.encoding import (
    BIG_ENDIAN,
    DEFLATED,
    JPEG_LOSSLESS,
    deflated_tail,
    encoded,
    pixels_of,
    tiff_preamble,
)
from tessera.phantom.hiding.key import Entry, write_key
from tessera.phantom.hiding.people import Patient, make_patient
from tessera.phantom.streams import digest, uid

IMAGES = "images"
KEY = "key.jsonl"
STUDIES_EACH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class HidingSummary:
    """Counts of one corpus; `actions` is how many checks there are of each action."""

    n_patients: int
    n_studies: int
    n_instances: int
    n_bytes: int
    n_checks: int
    actions: dict[str, int]


def generate_hiding_places(
    out: Path,
    *,
    n_patients: int,
    seed: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> HidingSummary:
    """Write `out/images` and `out/key.jsonl`; the same arguments give the same bytes.

    Raises:
        InvalidInput: no patients are asked for, or `out` holds something else.
    """
    if n_patients < 1:
        raise InvalidInput(f"a corpus needs at least one patient, not {n_patients}")
    if out.exists() and any(p.name not in (IMAGES, KEY) for p in out.iterdir()):
        raise InvalidInput("the folder of a corpus must be new, or hold an older corpus only")
    folder = out / IMAGES
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    entries: list[Entry] = []
    n_bytes = 0
    for number in range(n_patients):
        before: Draft | None = None
        for study in _studies(make_patient(seed, number), seed):
            drafts = draw_study(study)
            if before is not None:
                days = (before.study.day - study.day).days
                there = f"<(0008,0020)>|{before.uid}|{86400 * days}"
                place = "study-earlier-study"
                drafts[0].check("interval_kept", "<(0008,0020)>", there, "interval", place)
            before = drafts[0]
            for draft in drafts:
                entry, size = _write(folder, draft)
                entries.append(entry)
                n_bytes += size
        progress(number + 1, n_patients)
    n_checks = write_key(out / KEY, seed, entries)
    actions = Counter(check.action for entry in entries for check in entry.checks)
    return HidingSummary(
        n_patients=n_patients,
        n_studies=n_patients * STUDIES_EACH,
        n_instances=len(entries),
        n_bytes=n_bytes,
        n_checks=n_checks,
        actions=dict(sorted(actions.items())),
    )


def _studies(patient: Patient, seed: int) -> Iterator[Study]:
    for number in range(STUDIES_EACH):
        gap = timedelta(days=97 * number + 5 * patient.number % 31)
        yield Study(patient, number, patient.shown_day + gap, seed)


def draw_study(study: Study) -> list[Draft]:
    """The instances of a study, finished but not yet written."""
    kind = (study.patient.number + study.patient.number // 6 + 2 * study.number) % len(_KINDS)
    drafts = _KINDS[kind](study)
    for number, draft in enumerate(drafts):
        _hide_around(draft, study.patient.number * 31 + study.number * 7 + number)
    return drafts


def _syntax(study: Study, number: int) -> str:
    turn = study.patient.number * 3 + study.number + number
    return images.SYNTAXES[turn % len(images.SYNTAXES)]


def _ct(study: Study) -> list[Draft]:
    slices = [images.draw_ct(study, n, _syntax(study, n)) for n in range(2)]
    return [
        *slices,
        objects.draw_seg(study, slices),
        objects.draw_rtstruct(study, slices),
        documents.draw_sr(study, slices),
    ]


def _mr(study: Study) -> list[Draft]:
    slices = [images.draw_mr(study, n, _syntax(study, n)) for n in range(2)]
    others = [objects.draw_presentation(study, slices[0]), objects.draw_key_objects(study, slices)]
    return [*slices, images.draw_enhanced_mr(study), *others]


def _pet(study: Study) -> list[Draft]:
    slices = [
        images.draw_pet(study, n, (EXPLICIT, IMPLICIT, DEFLATED)[(n + study.number) % 3])
        for n in range(2)
    ]
    return [*slices, images.draw_ct(study, 5, _syntax(study, 5)), documents.draw_sr(study, slices)]


def _ultrasound(study: Study) -> list[Draft]:
    return [pictures.draw_us(study, 0), pictures.draw_us(study, 1), pictures.draw_cine(study)]


def _xray(study: Study) -> list[Draft]:
    shots = [("CR", 0), ("DX", 1), ("MG", 0), ("MG", 1)]
    return [pictures.draw_xray(study, modality, number) for modality, number in shots]


def _papers(study: Study) -> list[Draft]:
    return [
        pictures.draw_capture(study, 0),
        pictures.draw_capture(study, 1),
        documents.draw_pdf(study),
        documents.draw_ecg(study),
    ]


_KINDS: tuple[Callable[[Study], list[Draft]], ...] = (_ct, _mr, _pet, _ultrasound, _xray, _papers)
_PLAIN = frozenset((EXPLICIT, IMPLICIT, DEFLATED, BIG_ENDIAN))


def _hide_around(draft: Draft, turn: int) -> None:
    """What lies around the data set: preamble, file meta, padding, lengths, tails."""
    patient, ds = draft.patient, draft.ds
    if "PixelData" not in ds and "EncapsulatedDocument" not in ds and "WaveformSequence" not in ds:
        draft.syntax = (EXPLICIT, IMPLICIT, DEFLATED, BIG_ENDIAN)[turn % 4]
    name = f"{patient.romaji[1]} {patient.romaji[0]}"
    if turn % 5 == 0:
        draft.preamble = tiff_preamble(name)
        draft.check("text_removed", "preamble", draft.identity("name", name), "name", "preamble")
    if turn % 4 == 1:
        title = draft.identity("institution", patient.country.station)
        draft.meta["SourceApplicationEntityTitle"] = title
        draft.check("text_removed", "<(0002,0016)>", title, "institution", "file-meta")
    if turn % 7 == 2:
        raw = name.encode()
        draft.meta["PrivateInformationCreatorUID"] = uid(draft.uid, "meta creator")
        draft.meta["PrivateInformation"] = raw + b"\0" * (len(raw) % 2)
        draft.identity("name", name)
        draft.check("text_removed", "<(0002,0102)>", name, "name", "file-meta")
    if turn % 6 == 3:
        raw = f"{name} {patient.patient_id}".encode()
        ds.add_new(0xFFFCFFFC, "OB", raw + b"\0" * (len(raw) % 2))
        draft.check("tag_removed", "<(FFFC,FFFC)>", "", "name", "trailing-padding")
    if turn % 4 == 2 and draft.syntax == EXPLICIT:
        draft.group_lengths = True
    draft.undefined_lengths = draft.undefined_lengths or turn % 3 == 1
    if draft.syntax == DEFLATED:
        draft.tail = deflated_tail(f"{name} {patient.patient_id}")
        draft.identity("name", name)


def _write(folder: Path, draft: Draft) -> tuple[Entry, int]:
    """Write one file under a path that names the patient; return its entry and its size."""
    patient, study = draft.patient, draft.study
    family = patient.romaji[0].replace(" ", "_").replace("'", "")
    opaque = digest(draft.uid)[:5].hex()
    person = (
        f"{family}_{patient.romaji[1]}".replace(" ", "_"),
        patient.patient_id,
        f"{family} {patient.born:%Y%m%d}",
    )
    ending = (".dcm", "", ".DCM", ".ima")[int(opaque[0], 16) % 4]
    name = (opaque, f"{draft.name.replace(' ', '')}-{family}", f"{patient.patient_id}_{opaque}")
    relative = Path(
        person[patient.number % 3],
        f"{study.day:%Y-%m-%d} {study.accession}",
        name[int(opaque[1], 16) % 3] + ending,
    )
    data = encoded(draft)
    if draft.drawn is not None and draft.syntax == JPEG_LOSSLESS:
        draft.seen(draft.drawn)  # to decode it takes an optional package
    elif "PixelData" in draft.ds:
        draft.seen(pixels_of(data))
    entry = draft.finish(f"{IMAGES}/{relative.as_posix()}")
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return entry, len(data)
