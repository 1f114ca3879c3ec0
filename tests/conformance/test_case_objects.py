"""What is written of a model's answer, judged from outside: dcmdump, dciodvfy, highdicom."""

from collections.abc import Iterator
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from tessera.adapters.highdicom import HighdicomWriter
from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.domain.case.model import ModelCard, ReleasedModel
from tessera.domain.case.result import CaseAnswer
from tessera.domain.imaging.instance import InstanceRow
from tessera.testing.judges import JUDGES, missing_judges
from tests.conformance.delivery import make_phantom

MODEL = ReleasedModel(
    sha256="ab" * 32,
    n_bytes=10,
    tool="sha256:" + "cd" * 32,
    tool_name="lesion-classifier",
    tool_version="1.0.0",
    card=ModelCard(),
    origin="by hand",
)
DEIDENTIFIED = ("PatientIdentityRemoved", "DeidentificationMethod", "PatientID", "StudyInstanceUID")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    folder = tmp_path_factory.mktemp("case")
    node = init_node(folder / "home", NodeSettings(name="A", country="SE"))
    pacs = make_phantom(folder / "phantom", patients=4, seed=11)
    list(ingest_sources(node, list_sources([pacs]), workers=2))
    return node


@pytest.fixture(scope="module", params=["MR", "CT"])
def series(node: Node, request: pytest.FixtureRequest) -> tuple[InstanceRow, ...]:
    """The longest stack of a modality, by place."""
    found: dict[str, list[InstanceRow]] = {}
    for row in node.index.all():
        if row.modality == request.param and row.position_mm:
            found.setdefault(row.series_uid, []).append(row)
    if not found:
        pytest.skip(f"this phantom has no {request.param}")
    stacks = (rows for rows in found.values() if len({r.position_mm for r in rows}) == len(rows))
    longest = max(stacks, key=len)
    return tuple(sorted(longest, key=lambda row: row.position_mm or (0, 0, 0)))


def written(
    node: Node, series: tuple[InstanceRow, ...], mask: np.ndarray | None, path: Path
) -> Dataset:
    writer = HighdicomWriter(lambda row: node.store.path(row.path), node.store.place)
    answer = CaseAnswer(
        label="lesion",
        probability=0.91,
        region_probability=0.8,
        volume_ml=1.5,
        series=series,
        mask=mask,
    )
    made = writer.write(answer, MODEL)
    assert writer.write(answer, MODEL).content == made.content
    path.write_bytes(made.content)
    return dcmread(path)


def marks(series: tuple[InstanceRow, ...]) -> np.ndarray:
    mask = np.zeros((len(series), series[0].rows or 0, series[0].columns or 0), dtype=bool)
    mask[1:4, 20:31, 40:52] = True
    return mask


def dates(ds: Dataset) -> Iterator[str]:
    for element in ds.iterall():
        if element.VR in ("DA", "DT") and element.value:
            yield str(element.value)[:8]


def assert_well_made(path: Path, ds: Dataset, node: Node, source: InstanceRow) -> None:
    if missing := missing_judges():
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert {name: judge(path) for name, judge in JUDGES.items()} == {
        "dcmdump": frozenset(),
        "dciodvfy": frozenset(),
    }
    of = dcmread(node.store.path(source.path), stop_before_pixels=True)
    assert all(ds[keyword].value == of[keyword].value for keyword in DEIDENTIFIED)
    assert "RESEARCH USE ONLY" in ds.SeriesDescription
    assert set(dates(ds)) == {str(of.StudyDate)}
    assert ds.SOPInstanceUID.startswith("2.25.") and ds.SeriesInstanceUID.startswith("2.25.")


def test_a_segmentation_is_valid_and_reads_back_as_it_was_marked(
    node: Node, series: tuple[InstanceRow, ...], tmp_path: Path
) -> None:
    mask, path = marks(series), tmp_path / "seg.dcm"
    ds = written(node, series, mask, path)
    assert_well_made(path, ds, node, series[0])
    seg = highdicom.seg.segread(path)
    back = seg.get_pixels_by_source_instance(
        [row.instance_uid for row in series],
        ignore_spatial_locations=False,
        assert_missing_frames_are_empty=True,
    )
    assert (back[..., 0].astype(bool) == mask).all()
    (segment,) = ds.SegmentSequence
    assert segment.SegmentAlgorithmType == "AUTOMATIC"
    (by,) = segment.SegmentationAlgorithmIdentificationSequence
    assert MODEL.sha256 in by.AlgorithmParameters and MODEL.tool in by.AlgorithmParameters
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == "52988006"


@pytest.mark.parametrize("has_mask", [True, False])
def test_a_report_is_valid_where_nothing_is_marked(
    node: Node, series: tuple[InstanceRow, ...], tmp_path: Path, has_mask: bool
) -> None:
    path = tmp_path / "sr.dcm"
    ds = written(node, series, np.zeros_like(marks(series)) if has_mask else None, path)
    assert_well_made(path, ds, node, series[0])
    read = highdicom.sr.srread(path)
    (group,) = read.content.get_image_measurement_groups()
    (measured,) = group.get_measurements()
    assert (measured.value, measured.name.value) == (91.0, "111012")
    assert ds.CompletionFlag == "PARTIAL" and ds.VerificationFlag == "UNVERIFIED"
