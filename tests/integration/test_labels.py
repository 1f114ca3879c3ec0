"""Labels drawn elsewhere: file → SEG in the research zone → NIfTI, voxel by voxel."""

import json
from pathlib import Path

import highdicom
import numpy as np
import pytest
from click.testing import Result
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import RTStructureSetStorage
from typer.testing import CliRunner

from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.labels import LabelImport, LabelsAsked, export_series, list_labels
from tessera.bootstrap.node import Node
from tessera.cli.node_labels import labels_app
from tessera.domain.imaging.grid import Grid
from tessera.domain.labels.errors import GridMismatch, InvalidLabels
from tessera.domain.labels.file_kind import FileKind
from tessera.domain.labels.nrrd import write_nrrd
from tessera.domain.zones import Identified
from tessera.node.labels import LabelsStored
from tessera.ports.labels import ExportWish
from tests.deid_oracle import encoded
from tests.dicom_files import ct_slice
from tests.labels_trial import KINDS, make_node, read_volume, some_mask, values, write_mask

MAP = """
[annotation]
made = "manual"
annotator = "reader 2"
annotators = 2
annotator_type = "radiologist"
years_of_experience = 11
annotated = "T2 axial"
date = 2024-03-10

[[segment]]
label = 1
name = "Prostate"
[[segment]]
label = 2
name = "Lesion"
type = "Lesion"
anatomy = "41216001"
laterality = "left"
colour = "#ff8000"
description = "index lesion"
[[segment]]
label = 3
name = "Sven Andersson"
type = { code = "T-1", scheme = "99TEST", meaning = "Zone" }
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Node, dict[str, str]]:
    return make_node(tmp_path_factory.mktemp("labels") / "home")


def take(node: Node, file: Path, series: str = "auto", **more: object) -> LabelsStored:
    settings = {"made": "manual", **more}
    asked = LabelsAsked(series=Identified(series), **settings)  # type: ignore[arg-type]
    return LabelImport(node.home, asked).take(file)


@pytest.mark.parametrize("order", ["", "flip", "swap"])
@pytest.mark.parametrize("name", list(KINDS))
def test_a_mask_comes_back_voxel_by_voxel(
    made: tuple[Node, dict[str, str]], name: str, order: str, tmp_path: Path
) -> None:
    node, uids = made
    kind = KINDS[name]
    mask = some_mask(len(order) + 7)
    file = write_mask(tmp_path / "mask.nii.gz", mask, kind.affine(), order=order)
    stored = take(node, file, uids[name])
    assert [voxels for _, _, voxels in stored.segments] == [
        int((mask == n).sum()) for n in (1, 2, 3)
    ]

    # by highdicom, which knows nothing of how it was written
    seg = highdicom.seg.segread(stored.path)
    volume = seg.get_volume(combine_segments=True)
    full = np.zeros_like(mask)
    index = np.linalg.inv(kind.affine()) @ volume.affine
    for at in np.ndindex(*volume.array.shape):
        i, j, k = np.rint((index @ (*at, 1))[:3]).astype(int)
        full[k, j, i] = volume.array[at]
    np.testing.assert_array_equal(full, mask)

    # and by ours
    [one] = export_series(node.home, tmp_path / "out", [uids[name]], ExportWish())
    assert not one.problems
    files = [json.loads(f.read_bytes()) for f in (tmp_path / "out").rglob("labels*.json")]
    [label] = [f for f in files if f["instance_uid"] == stored.row.instance_uid]
    [path] = (tmp_path / "out").rglob(label["files"][0])
    array, affine = read_volume(path)
    np.testing.assert_array_equal(array, mask)
    np.testing.assert_allclose(affine, kind.affine(), atol=2e-4)


@pytest.mark.parametrize("name", list(KINDS))
def test_the_image_lies_where_it_did(
    made: tuple[Node, dict[str, str]], name: str, tmp_path: Path
) -> None:
    node, uids = made
    list(export_series(node.home, tmp_path, [uids[name]], ExportWish()))
    [path] = tmp_path.rglob("image.nii.gz")
    array, affine = read_volume(path)
    wanted = values() * 2 - 10 if KINDS[name].enhanced else values() - 1024
    np.testing.assert_array_equal(array, wanted)
    assert array.dtype == np.int16
    np.testing.assert_allclose(affine, KINDS[name].affine(), atol=2e-4)


def test_what_is_told_of_labels_is_coded_and_names_nobody(
    made: tuple[Node, dict[str, str]], tmp_path: Path
) -> None:
    node, uids = made
    (tmp_path / "map.toml").write_text(MAP)
    file = write_mask(tmp_path / "m.nii", some_mask(3), KINDS["axial"].affine())
    stored = take(node, file, uids["axial"], map_file=tmp_path / "map.toml", made="")
    assert not stored.missing
    assert stored.n_cleaned >= 1
    ds = dcmread(stored.path)
    one, two, three = ds.SegmentSequence
    assert one.SegmentedPropertyTypeCodeSequence[0].CodeValue == "41216001"
    assert one.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "91723000"
    assert two.SegmentAlgorithmType == "MANUAL"
    assert two.SegmentDescription == "index lesion"
    assert two.AnatomicRegionSequence[0].CodeValue == "41216001"
    side = two.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence
    assert side[0].CodeValue == "7771000"
    assert "Andersson" not in three.SegmentLabel
    assert ds.ContentCreatorName == "reader 2"
    assert "years_of_experience=11" in ds.ImageComments
    assert "days_after_study=10" in ds.ImageComments
    assert ds.PatientIdentityRemoved == "YES"
    assert b"Andersson" not in stored.path.read_bytes()
    row = node.index.find([stored.row.instance_uid])[stored.row.instance_uid]
    assert row.study_date is not None
    assert ds.ContentDate == ds.StudyDate == f"{row.study_date:%Y%m%d}" != "20240229"
    assert (row.referenced_series_uid, row.manufacturer) == (uids["axial"], "Tessera")
    [listed] = [
        one
        for one in list_labels(node.home, uids["axial"])
        if one["instance_uid"] == row.instance_uid
    ]
    assert listed["annotation"] == {
        "annotators": "2",
        "annotator_type": "radiologist",
        "years_of_experience": "11",
        "annotated": "T2 axial",
        "days_after_study": "10",
        "annotator": "reader 2",
    }
    assert [s["label"] for s in listed["segments"]][:2] == ["Prostate", "Lesion"]  # type: ignore[attr-defined,index]
    again = take(node, file, uids["axial"], map_file=tmp_path / "map.toml", made="")
    assert not again.is_new


def test_the_series_is_found_by_its_voxels_and_by_its_uid_in_the_pacs(
    made: tuple[Node, dict[str, str]], tmp_path: Path
) -> None:
    node, uids = made
    file = write_mask(tmp_path / "m.nii", some_mask(4), KINDS["oblique"].affine())
    assert take(node, file).series_uid == uids["oblique"]
    original = "1.2.826.0.1.3680043.10.99.1.4"
    assert take(node, file, original, is_original=True).series_uid == uids["oblique"]
    multi = write_mask(tmp_path / "e.nii", some_mask(5), KINDS["enhanced"].affine())
    assert take(node, multi).series_uid == uids["enhanced"]


def test_labels_on_other_voxels_are_refused_with_how_far_they_are_off(
    made: tuple[Node, dict[str, str]], tmp_path: Path
) -> None:
    node, uids = made
    moved = KINDS["oblique"].affine()
    moved[:3, 3] += (0.3, 0.0, 0.0)
    before = node.index.totals()
    file = write_mask(tmp_path / "m.nii", some_mask(), moved)
    with pytest.raises(GridMismatch, match=r"0\.30 mm apart, turned by 0\.00 degrees"):
        take(node, file, uids["oblique"])
    with pytest.raises(GridMismatch, match=r"the nearest is 0\.30 mm"):
        take(node, file)
    straight = write_mask(tmp_path / "s.nii", some_mask(), KINDS["axial"].affine())
    with pytest.raises(GridMismatch, match=r"turned by 2\d\.\d\d degrees"):
        take(node, straight, uids["oblique"])
    assert node.index.totals() == before
    stored = take(node, file, uids["oblique"], resample=True)
    assert sum(voxels for _, _, voxels in stored.segments) == int((some_mask() > 0).sum())


def test_a_cropped_mask_lies_where_it_was_cut_out(
    made: tuple[Node, dict[str, str]], tmp_path: Path
) -> None:
    node, uids = made
    affine = KINDS["sagittal"].affine()
    affine[:3, 3] = (affine @ (3, 2, 1, 1))[:3]
    file = write_mask(tmp_path / "m.nii", some_mask()[:3, :5, :6], affine)
    stored = take(node, file, uids["sagittal"])
    ds = dcmread(stored.path)
    assert [s.SegmentNumber for s in ds.SegmentSequence] == [1, 2, 3]
    full = np.zeros(some_mask().shape, np.uint8)
    full[1:4, 2:7, 3:9] = some_mask()[:3, :5, :6]
    list(export_series(node.home, tmp_path / "out", [uids["sagittal"]], ExportWish()))
    found = [read_volume(p)[0] for p in (tmp_path / "out").rglob("labels*.nii.gz")]
    assert any(np.array_equal(array, full) for array in found)


def test_segments_of_slicer_that_overlap_are_one_seg_and_one_file_each(
    made: tuple[Node, dict[str, str]], tmp_path: Path
) -> None:
    node, uids = made
    shape = some_mask().shape
    layers = np.zeros((2, *shape), np.uint8)
    layers[0, 1:4, 2:8, 3:9] = 1
    layers[1, 2:5, 5:9, 6:12] = 1
    keys = {
        "Segment0_Name": "Liver", "Segment0_LabelValue": "1", "Segment0_Layer": "0",
        "Segment0_Color": "1 0.5 0",
        "Segment1_Name": "Mass", "Segment1_LabelValue": "1", "Segment1_Layer": "1",
    }  # fmt: skip
    file = tmp_path / "s.seg.nrrd"
    file.write_bytes(write_nrrd(layers, Grid(KINDS["reversed"].affine(), shape), keys))
    stored = take(node, file, uids["reversed"])
    assert [(name, voxels) for name, _, voxels in stored.segments] == [
        ("Liver", int(layers[0].sum())),
        ("Mass", int(layers[1].sum())),
    ]
    assert stored.n_uncoded == 0
    seg = highdicom.seg.segread(stored.path)
    assert seg.SegmentsOverlap == "YES"
    out = tmp_path / "out"
    [one] = export_series(node.home, out, [uids["reversed"]], ExportWish())
    label = next(f for f in out.rglob("labels*.json") if stored.row.instance_uid in f.read_text())
    files = json.loads(label.read_bytes())["files"]
    for name, layer in zip(files, layers, strict=True):
        np.testing.assert_array_equal(read_volume(label.parent / name)[0], layer)
    wish = ExportWish(kind=FileKind.NRRD)
    [one] = export_series(node.home, tmp_path / "nrrd", [uids["reversed"]], wish)
    assert any(name.endswith(".seg.nrrd") for name in one.files)
    first = next(p for p in (tmp_path / "nrrd").rglob("*.seg.nrrd"))
    assert take(node, first, uids["reversed"]).segments


def test_an_empty_or_damaged_file_is_refused(
    made: tuple[Node, dict[str, str]], tmp_path: Path
) -> None:
    node, uids = made
    empty = write_mask(tmp_path / "e.nii", some_mask() * 0, KINDS["axial"].affine())
    with pytest.raises(InvalidLabels, match="nothing is labelled"):
        take(node, empty, uids["axial"])
    whole = write_mask(tmp_path / "w.nii.gz", some_mask(), KINDS["axial"].affine()).read_bytes()
    for name, content in {
        "cut.nii.gz": whole[:-20],
        "text.nii": b"labels",
        "none.nii": b"",
        "head.nrrd": b"NRRD0004\ntype: uint8\n",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidLabels):
            take(node, tmp_path / name, uids["axial"])
    with pytest.raises(InvalidLabels, match="say how the labels were made"):
        take(node, empty, uids["axial"], made="")


def test_the_commands_tell_what_they_did(made: tuple[Node, dict[str, str]], tmp_path: Path) -> None:
    node, uids = made
    file = write_mask(tmp_path / "m.nii.gz", some_mask(9), KINDS["axial"].affine())

    def run(words: list[str]) -> Result:
        return CliRunner().invoke(labels_app, words)

    words = ["import", str(node.home), str(file), "--series", uids["axial"]]
    result = run([*words, "--made", "automatic"])
    assert result.exit_code != 0
    assert "algorithm_name" in result.output
    result = run([*words, "--made", "manual", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)[0]["segments"][0]["type"] == "Tissue"
    result = run(["list", str(node.home)])
    assert result.exit_code == 0
    assert "Segment 1, Segment 2, Segment 3" in result.stdout
    out = tmp_path / "out"
    words = ["export", str(node.home), str(out), "--series", uids["axial"]]
    result = run(words)
    assert result.exit_code == 0, result.output
    log = (node.home / "audit" / "log.jsonl").read_text()
    assert "labels-taken" in log
    assert "series-exported" in log
    assert uids["axial"] not in log


def structures(kind: str, series: int, *, off: float = 0.0) -> bytes:
    """Return an RTSTRUCT of the PACS: a ring with a hole, and a region that overlaps it."""
    ds = ct_slice(900, series=90)
    for keyword in ("PixelData", "Rows", "Columns", "PixelSpacing", "ImagePositionPatient"):
        delattr(ds, keyword)
    ds.SOPClassUID, ds.Modality = RTStructureSetStorage, "RTSTRUCT"
    ds.StructureSetLabel = "PLAN"
    named, of_series, of_study, frame = Dataset(), Dataset(), Dataset(), Dataset()
    of_series.SeriesInstanceUID = f"1.2.826.0.1.3680043.10.99.1.{series}"
    of_study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    of_study.ReferencedSOPInstanceUID = "1.2.826.0.1.3680043.10.99.1"
    of_study.RTReferencedSeriesSequence = [of_series]
    frame.FrameOfReferenceUID = f"1.2.826.0.1.3680043.10.99.{series}.77"
    frame.RTReferencedStudySequence = [of_study]
    ds.ReferencedFrameOfReferenceSequence = [frame]
    rois, drawn = [], []
    regions = {"Liver": [(2.5, 10.5, 2), (4.5, 8.5, 2)], "Åsa Ek tumor": [(6.5, 12.5, 2)]}
    for number, (name, boxes) in enumerate(regions.items(), start=1):
        named, region = Dataset(), Dataset()
        named.ROINumber, named.ROIName = number, name
        named.ReferencedFrameOfReferenceUID = frame.FrameOfReferenceUID
        named.ROIGenerationAlgorithm = "MANUAL"
        region.ReferencedROINumber, region.ROIDisplayColor = number, [255, 40 * number, 0]
        region.ContourSequence = []
        for low, high, place in boxes:
            corners = [(low, low), (high, low), (high, high), (low, high)]
            index = np.array([(*corner, place + off, 1) for corner in corners])
            contour = Dataset()
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 4
            points = (index @ KINDS[kind].affine().T)[:, :3]
            contour.ContourData = [f"{value:.6f}" for value in points.reshape(-1)]
            region.ContourSequence.append(contour)
        rois.append(named)
        drawn.append(region)
    ds.StructureSetROISequence, ds.ROIContourSequence = rois, drawn
    return encoded(ds)


def test_an_rtstruct_of_the_pacs_becomes_a_seg_with_its_holes(
    made: tuple[Node, dict[str, str]], tmp_path: Path
) -> None:
    node, uids = made
    (tmp_path / "rt.dcm").write_bytes(structures("oblique", 4))
    stored = take(node, tmp_path / "rt.dcm")
    assert stored.series_uid == uids["oblique"]
    assert [voxels for _, _, voxels in stored.segments] == [64 - 16, 36]
    assert stored.segments[0][:2] == ("Liver", "Liver")
    assert "Åsa" not in stored.segments[1][0]
    assert "Ek" not in stored.segments[1][0].split()
    list(export_series(node.home, tmp_path / "out", [uids["oblique"]], ExportWish()))
    label = next(
        f
        for f in (tmp_path / "out").rglob("labels*.json")
        if stored.row.instance_uid in f.read_text()
    )
    one, two = (
        read_volume(label.parent / name)[0] for name in json.loads(label.read_bytes())["files"]
    )
    wanted = np.zeros(one.shape, np.uint8)
    wanted[2, 3:11, 3:11] = 1
    wanted[2, 5:9, 5:9] = 0
    np.testing.assert_array_equal(one, wanted)
    assert two[2, 7:13, 7:13].all()
    (tmp_path / "off.dcm").write_bytes(structures("oblique", 4, off=0.4))
    with pytest.raises(GridMismatch, match=r"1\.00 mm from the nearest slice"):
        take(node, tmp_path / "off.dcm")


def test_an_rtstruct_and_a_label_map_of_the_research_zone_are_exported(tmp_path: Path) -> None:
    node, uids = make_node(tmp_path / "home", ("axial",))
    pacs = tmp_path / "pacs2"
    pacs.mkdir()
    (pacs / "rt.dcm").write_bytes(structures("axial", 1))
    source = [dcmread(path) for path in sorted((tmp_path / "pacs").iterdir())]
    mask = some_mask(6, 2)
    for name, kind, array in (
        ("map", "LABELMAP", mask),
        ("part", "FRACTIONAL", np.where(mask == 1, 0.75, 0.25)),
    ):
        seg = highdicom.seg.Segmentation(
            source_images=source,
            pixel_array=array,
            segmentation_type=kind,
            segment_descriptions=[
                highdicom.seg.SegmentDescription(
                    number, f"Lesion {number}", codes.SCT.Lesion, codes.SCT.Lesion, "MANUAL"
                )
                for number in range(1, 3 if kind == "LABELMAP" else 2)
            ],
            series_instance_uid=f"1.2.826.0.1.3680043.10.99.1.{len(name) + 60}",
            series_number=60,
            sop_instance_uid=f"1.2.826.0.1.3680043.10.99.1.{len(name) + 70}",
            instance_number=1,
            manufacturer="SIEMENS",
            manufacturer_model_name="Made up",
            software_versions="1",
            device_serial_number="1",
            max_fractional_value=200,
        )
        seg.save_as(pacs / f"{name}.dcm")
    entries = list(ingest_sources(node, list_sources([pacs]), workers=1))
    assert [e.state for e in entries if e] == ["stored"] * 3, entries
    [one] = export_series(node.home, tmp_path / "out", [uids["axial"]], ExportWish())
    assert (one.n_labels, one.problems) == (3, ())
    found = {}
    for path in (tmp_path / "out").rglob("labels*.json"):
        told = json.loads(path.read_bytes())
        found[told["kind"], len(told["segments"]), len(told["files"])] = read_volume(
            path.parent / told["files"][0]
        )[0]
    np.testing.assert_array_equal(found["SEG", 1, 1], mask == 1)
    assert sorted(found) == [("RTSTRUCT", 2, 2), ("SEG", 1, 1), ("SEG", 2, 1)]
    np.testing.assert_array_equal(found["SEG", 2, 1], mask)
    assert found["RTSTRUCT", 2, 2].sum() == 48


def test_labels_that_leave_numbers_out_are_numbered_from_one_and_remembered(
    made: tuple[Node, dict[str, str]], tmp_path: Path
) -> None:
    node, uids = made
    mask = np.where(some_mask(12) == 1, 40, np.where(some_mask(12) == 2, 7, 0)).astype(np.uint8)
    file = write_mask(tmp_path / "m.nii.gz", mask, KINDS["axial"].affine())
    stored = take(node, file, uids["axial"])
    ds = dcmread(stored.path)
    assert [s.TrackingID for s in ds.SegmentSequence] == ["label 7", "label 40"]
    assert [n for _, _, n in stored.segments] == [int((mask == 7).sum()), int((mask == 40).sum())]
