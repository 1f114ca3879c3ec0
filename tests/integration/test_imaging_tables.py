"""What a version says of acquisition and segments is what its files say."""

from pathlib import Path

from tessera.adapters.files.imaging_reader import read_imaging
from tessera.adapters.files.instance_reader import read_instance
from tessera.adapters.twin.images import encoded, image
from tessera.adapters.twin.labels import segmentation
from tessera.domain.clinical.imaging_tables import imaging_tables

SERIES = {"study_uid": "2.25.1", "series_uid": "2.25.1.1", "modality": "MR", "n_instances": 3}
SERIES |= {"rows": 32, "columns": 32, "slice_thickness_mm": 2.5, "series_number": 1}
STUDY, PATIENT = {"subject": "TES-A", "study_date": None}, {"sex": "female"}


def test_tables_say_what_the_first_image_and_the_segmentation_say(tmp_path: Path) -> None:
    made = []
    for place in range(3):
        row = {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.4", "instance_number": place + 1}
        row["instance_uid"] = f"2.25.1.1.{place}"
        made.append(image(SERIES, STUDY, PATIENT, row, place, seed=1))
    made[0].ProtocolName = "T2 for Anna Andersson"
    seg = segmentation(made, SERIES | {"series_uid": "2.25.1.2"}, "2.25.1.2.1")
    seg.ImageComments = "annotators=2; annotator_type=radiologist; years_of_experience=7"
    for number, ds in enumerate([*made, seg]):
        (tmp_path / f"{number}.dcm").write_bytes(encoded(ds))
    (tmp_path / "4.dcm").write_bytes(b"no DICOM")
    rows = [read_instance(tmp_path / f"{number}.dcm") for number in range(4)]
    said = read_imaging(rows, Path)
    tables = imaging_tables(said)
    parameters = tables["acquisition_parameter"]
    values = dict(zip(parameters.column("code"), parameters.column("value_number"), strict=True))
    assert (values["slice_thickness"], values["tr"], values["rows"]) == (2.5, 3000.0, 32.0)
    words = [word for word in parameters.column("value_text") if word]
    assert sorted(map(str, words)) == ["HFS", "SE"], "a protocol's name is a person's own words"
    (about,) = tables["segmentation"].rows
    assert about[3:] == ("2.25.1.1", 1, 2, "radiologist", 7)
    (segment,) = tables["segment"].rows
    assert segment[4] == "Lesion" and segment[6] == "MANUAL"
    lost = read_imaging(rows, lambda _path: tmp_path / "4.dcm")
    assert (lost.n_unread, lost.acquired, lost.segmented) == (2, (), ())
