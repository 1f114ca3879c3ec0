"""The generated files: readable DICOM, rich headers, identities that are really there."""

import json
import shutil
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset as DicomDataset
from typer.testing import CliRunner

from tessera.cli import app
from tessera.cli.phantom import register
from tessera.domain.errors import Conflict
from tessera.phantom import PhantomSpec, PhantomSummary, generate
from tessera.phantom.encode import DEFLATED, SYNTAXES
from tessera.testing.identity_forms import byte_forms
from tessera.testing.judges import dciodvfy_errors, dcmdump_errors, missing_judges

Truth = dict[str, Any]
_UNREADABLE = {"truncated-file", "zero-length-file", "text-file"}


@dataclass(frozen=True, slots=True)
class Site:
    """A generated site: its folder, its truth, every readable instance, and one per series."""

    out: Path
    truth: Truth
    summary: PhantomSummary
    files: dict[str, bytes]
    instances: list[DicomDataset]
    firsts: list[DicomDataset]


@pytest.fixture(scope="module")
def crete(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return _site(tmp_path_factory.mktemp("crete") / "out", "el", 7)


@pytest.fixture(scope="module")
def sweden(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return _site(tmp_path_factory.mktemp("sweden") / "out", "sv", 3)


def _site(out: Path, language: str, n_patients: int) -> Site:
    spec = PhantomSpec(n_patients=n_patients, seed=12, language=language)
    summary = generate(out, spec, workers=1)
    truth = json.loads((out / "truth.json").read_text("utf-8"))
    bad = {e["path"] for e in truth["errors"] if e["kind"] in _UNREADABLE}
    files = dict(_contents(out))
    instances = [
        pydicom.dcmread(BytesIO(content)) for name, content in files.items() if name not in bad
    ]
    firsts = {str(ds.SeriesInstanceUID): ds for ds in instances}
    return Site(out, truth, summary, files, instances, list(firsts.values()))


def _contents(out: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every file of the export, those in its zip too."""
    for path in sorted((out / "pacs").rglob("*")):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"pacs/{name}", archive.read(name)
        elif path.is_file():
            yield path.relative_to(out).as_posix(), path.read_bytes()


def _tree(out: Path) -> dict[str, bytes]:
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_same_seed_gives_the_same_bytes_whatever_the_workers_and_the_stops(tmp_path: Path) -> None:
    spec = PhantomSpec(n_patients=2, seed=6, language="es")
    generate(tmp_path / "whole", spec, workers=2)

    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "stopped", spec, workers=1, progress=stop)
    seen: list[int] = []
    generate(tmp_path / "stopped", spec, workers=1, progress=lambda done, _: seen.append(done))
    assert seen == [2], "one patient was done already"
    assert _tree(tmp_path / "stopped") == _tree(tmp_path / "whole")


def test_every_instance_that_truth_names_is_there_and_decodes(crete: Site) -> None:
    truth, summary = crete.truth, crete.summary
    wanted = Counter(
        uid
        for patient in truth["patients"]
        for study in patient["studies"]
        for series in study["series"]
        for uid in series["instance_uids"]
    )
    found: Counter[str] = Counter()
    for ds in crete.instances:
        found[str(ds.SOPInstanceUID)] += 1
        if "PixelData" in ds:
            assert ds.pixel_array.size
    twice = [e["instance_uid"] for e in truth["errors"] if e["kind"] == "duplicate-instance"]
    assert len(twice) == 1
    assert found == wanted + Counter(twice)
    assert summary.n_instances == sum(wanted.values())


def test_all_modalities_transfer_syntaxes_and_character_sets_occur(
    crete: Site, sweden: Site
) -> None:
    modalities, syntaxes, charsets = set(), set(), set()
    for site in (crete, sweden):
        for ds in site.firsts:
            modalities.add(ds.Modality)
            syntaxes.add(str(ds.file_meta.TransferSyntaxUID))
            charsets.add(ds.get("SpecificCharacterSet"))
    assert {"CT", "MR", "PT", "MG", "US", "SEG", "SR"} <= modalities
    assert modalities & {"CR", "DX"}
    assert set(SYNTAXES) <= syntaxes
    assert {"ISO_IR 100", "ISO_IR 126", "ISO_IR 192"} <= charsets


def test_headers_are_as_rich_as_a_scanner_writes_them(crete: Site) -> None:
    vendors = set()
    for ds in crete.firsts:
        if ds.Modality in ("SEG", "SR"):
            continue
        vendors.add(ds.Manufacturer)
        assert len(ds) >= 120
        assert ds.RequestAttributesSequence[0].RequestedProcedureCodeSequence
        assert ds.OtherPatientIDsSequence[1].PatientID
        assert any(element.tag.is_private for element in ds)
    assert len(vendors) >= 4


def test_names_are_written_in_greek_and_in_component_groups(crete: Site) -> None:
    names = {str(ds.PatientName) for ds in crete.firsts}
    assert any("=" in name for name in names)
    assert any("α" <= c <= "ω" for name in names for c in name)


def test_identities_named_in_truth_are_in_the_bytes(sweden: Site, crete: Site) -> None:
    for site in (sweden, crete):
        blob: dict[str, bytearray] = defaultdict(bytearray)
        folder_of = {
            study["folder"]: p["patient_id"]
            for p in site.truth["patients"]
            for study in p["studies"]
        }
        for name, content in site.files.items():
            blob[folder_of["/".join(name.split("/")[:2])]] += content + _inflated(content)
        for patient in site.truth["patients"]:
            assert len(patient["identities"]) > 20
            for identity in patient["identities"]:
                if identity["kind"] == "burned_in":
                    continue  # in the pixels
                forms = [
                    identity["value"].encode(codec, "ignore")
                    for codec in ("utf-8", "latin-1", "iso8859-7")
                ]
                found = any(f and f in blob[patient["patient_id"]] for f in forms)
                assert found, identity


def _inflated(content: bytes) -> bytes:
    if DEFLATED.encode() not in content[:400]:
        return b""
    start = 144 + int.from_bytes(content[140:144], "little")
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[start:])


def test_every_identity_is_long_enough_for_a_byte_search(sweden: Site, crete: Site) -> None:
    for site in (sweden, crete):
        for patient in site.truth["patients"]:
            for identity in patient["identities"]:
                assert list(byte_forms(identity["value"])), identity


def test_a_name_hides_in_private_binary_elements(crete: Site, sweden: Site) -> None:
    hidden = 0
    for site in (crete, sweden):
        for ds in site.firsts:
            for element in ds:
                if element.VR == "OB" and element.tag.is_private:
                    hidden += str(ds.PatientID).encode() in element.value
    assert hidden


def test_truth_names_every_fault_of_the_export_and_it_is_there(crete: Site) -> None:
    out, truth = crete.out, crete.truth
    kinds = {e["kind"]: e for e in truth["errors"] if e["where"] == "images"}
    assert set(kinds) == {
        "missing-slice",
        "duplicate-instance",
        "truncated-file",
        "zero-length-file",
        "text-file",
        "patient-not-in-table",
    }
    files = crete.files
    assert kinds["missing-slice"]["path"] not in files
    assert files[kinds["zero-length-file"]["path"]] == b""
    assert files[kinds["text-file"]["path"]][128:132] != b"DICM"
    assert files[kinds["truncated-file"]["path"]][128:132] == b"DICM"
    absent = kinds["patient-not-in-table"]["patient_id"]
    assert absent.encode() not in (out / "clinical" / "μητρώο_ογκολογίας.csv").read_bytes()


def test_slices_of_a_ct_lie_at_even_distances(crete: Site) -> None:
    damaged = {e.get("series_uid") for e in crete.truth["errors"]}
    places: dict[str, list[float]] = defaultdict(list)
    for ds in crete.instances:
        if ds.Modality == "CT" and ds.SeriesInstanceUID not in damaged:
            places[ds.SeriesInstanceUID].append(float(ds.ImagePositionPatient[2]))
    assert places
    for z in places.values():
        steps = np.diff(sorted(z))
        assert 40 <= len(z) <= 200
        assert np.allclose(steps, steps[0], atol=1e-3)


def test_diffusion_series_carry_b_values_in_standard_and_private_elements(
    crete: Site, sweden: Site
) -> None:
    seen: dict[str, set[float]] = defaultdict(set)
    for site in (crete, sweden):
        for ds in site.instances:
            if "DiffusionBValue" in ds:
                seen[ds.Manufacturer].add(ds.DiffusionBValue)
                assert _private_b_value(ds) == ds.DiffusionBValue
    assert any({0.0, 400.0, 800.0} <= values for values in seen.values())


def _private_b_value(ds: DicomDataset) -> float:
    if ds.Manufacturer == "SIEMENS":
        return float(ds.private_block(0x0019, "SIEMENS MR HEADER")[0x0C].value)
    if ds.Manufacturer == "Philips":
        return float(ds.private_block(0x2001, "Philips Imaging DD 001")[0x03].value)
    return float(ds.private_block(0x0043, "GEMS_PARM_01")[0x39].value[0]) - 1e9


def test_dynamic_series_have_temporal_positions(crete: Site) -> None:
    phases = {
        (int(ds.TemporalPositionIdentifier), int(ds.NumberOfTemporalPositions))
        for ds in crete.instances
        if "NumberOfTemporalPositions" in ds
    }
    assert phases
    assert all(1 <= phase <= total for phase, total in phases)


def test_uptake_from_pet_headers_is_what_the_lesion_was_given(crete: Site, sweden: Site) -> None:
    checked = 0
    for site in (crete, sweden):
        peaks = {
            series["series_uid"]: series["suv_peak"]
            for patient in site.truth["patients"]
            for study in patient["studies"]
            for series in study["series"]
            if "suv_peak" in series
        }
        highest: dict[str, float] = defaultdict(float)
        for ds in site.instances:
            if ds.Modality == "PT" and ds.SeriesInstanceUID in peaks:
                uid = str(ds.SeriesInstanceUID)
                highest[uid] = max(highest[uid], float(_suv(ds).max()))
        for uid, value in highest.items():
            assert 0.7 * peaks[uid] < value < 1.6 * peaks[uid]
            checked += 1
    assert checked


def _suv(ds: DicomDataset) -> np.ndarray:
    drug = ds.RadiopharmaceuticalInformationSequence[0]
    injected = datetime.strptime(drug.RadiopharmaceuticalStartDateTime, "%Y%m%d%H%M%S")  # noqa: DTZ007
    scanned = datetime.strptime(ds.SeriesDate + ds.SeriesTime, "%Y%m%d%H%M%S")  # noqa: DTZ007
    waited_s = (scanned - injected).total_seconds()
    dose = float(drug.RadionuclideTotalDose) * 0.5 ** (waited_s / float(drug.RadionuclideHalfLife))
    grams = float(ds.PatientWeight) * 1000
    return np.asarray(ds.pixel_array * float(ds.RescaleSlope) * grams / dose)


def test_segmentations_point_at_slices_of_their_own_study(crete: Site) -> None:
    sources = {str(ds.SOPInstanceUID): ds for ds in crete.instances if ds.Modality != "SEG"}
    lost = {e.get("instance_uid") for e in crete.truth["errors"]}
    checked = 0
    for ds in crete.instances:
        if ds.Modality != "SEG":
            continue
        assert ds.pixel_array.any()
        for frame in ds.PerFrameFunctionalGroupsSequence:
            item = frame.DerivationImageSequence[0].SourceImageSequence[0]
            if item.ReferencedSOPInstanceUID in lost:
                continue
            source = sources[item.ReferencedSOPInstanceUID]
            assert source.StudyInstanceUID == ds.StudyInstanceUID
            place = frame.PlanePositionSequence[0].ImagePositionPatient
            assert np.allclose(place, source.ImagePositionPatient, atol=1e-3)
            checked += 1
    assert checked


def test_lesions_drawn_have_the_volume_that_truth_says(crete: Site, sweden: Site) -> None:
    pairs = []
    for site in (crete, sweden):
        for patient in site.truth["patients"]:
            for study in patient["studies"]:
                for series in study["series"]:
                    if series["kind"] == "seg":
                        ball = np.pi / 6 * study["lesion"]["diameter_mm"] ** 3 / 1000
                        pairs.append((ball, series["volume_ml"]))
    assert len(pairs) > 5
    assert np.corrcoef(np.log(np.array(pairs)).T)[0, 1] > 0.85


def test_ultrasound_has_writing_burned_into_the_pixels(crete: Site) -> None:
    for ds in crete.instances:
        if ds.Modality == "US":
            top = ds.pixel_array[: ds.Rows // 7, :, 0]
            assert (top > 200).sum() > 150
            return
    pytest.fail("no ultrasound image at this site")


@pytest.mark.skipif(bool(missing_judges()), reason="dcmtk and dicom3tools are not installed")
def test_outside_judges_find_no_error_in_any_kind_of_object(
    crete: Site, sweden: Site, tmp_path: Path
) -> None:
    kinds: dict[tuple[str, str, str], DicomDataset] = {}
    for site in (crete, sweden):
        for ds in site.firsts:
            kinds.setdefault((ds.Modality, ds.get("Manufacturer", ""), ds.SeriesDescription), ds)
    path = tmp_path / "one.dcm"
    for kind, ds in kinds.items():
        if ds.file_meta.TransferSyntaxUID == DEFLATED:
            continue  # dciodvfy cannot inflate
        ds.save_as(path)
        assert dciodvfy_errors(path) == frozenset(), kind
        assert dcmdump_errors(path) == frozenset(), kind


def test_the_clinical_folder_has_both_tables_and_the_mapping(sweden: Site) -> None:
    out = sweden.out
    site = json.loads((out / "site.json").read_text("utf-8"))
    assert all((out / path).is_file() for path in site["clinical"].values())
    assert site["issuer_of_patient_ids"] == "SE-PNR"
    assert "[source]" in (out / site["clinical"]["mapping"]).read_text("utf-8")


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path, sweden: Site) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(Conflict, match="not empty"):
        generate(tmp_path, PhantomSpec(n_patients=1, seed=1), workers=1)
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(sweden.out / "truth.json", copy)
    with pytest.raises(Conflict, match="other settings"):
        generate(copy, PhantomSpec(n_patients=3, seed=13), workers=1)


def test_a_finished_site_is_left_as_it_is(sweden: Site) -> None:
    out, summary = sweden.out, sweden.summary
    before = (out / "truth.json").stat().st_mtime_ns
    again = generate(out, PhantomSpec(n_patients=3, seed=12), workers=1)
    assert again == summary
    assert (out / "truth.json").stat().st_mtime_ns == before


def test_the_command_prints_its_summary_as_json(tmp_path: Path) -> None:
    if not app.registered_commands:
        register(app)
    arguments = ["phantom", str(tmp_path / "o"), "--patients", "1", "--seed", "3", "--json"]
    done = CliRunner().invoke(app, [*arguments, "--language", "en", "--workers", "1"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["n_patients"] == 1
    wrong = CliRunner().invoke(app, [*arguments, "--language", "fr"])
    assert wrong.exit_code == 1
    assert "fr" in wrong.stderr
