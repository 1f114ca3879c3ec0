"""What each kind of finding says, in English, with the evidence it names in braces. Data.

The kind is the key of the same text in every other language; each translation uses the
same names of evidence.
"""

from dataclasses import dataclass

from tessera.domain.quality import texts_images, texts_tables


@dataclass(frozen=True, slots=True)
class Text:
    """`message` and `mend` are filled in from the evidence of the finding."""

    check: str
    message: str
    mend: str


TEXTS: dict[str, Text] = {
    "unreadable": Text(
        "Q-INT-01",
        "{reason_text}",
        "{reason_mend}",
    ),
    "pixels-short": Text(
        "Q-INT-02",
        "Pixel data has {found_bytes} bytes; its header describes {expected_bytes}",
        "Send the instance again from the PACS; the end of the image is missing",
    ),
    "pixels-long": Text(
        "Q-INT-02",
        "Pixel data has {found_bytes} bytes; its header describes only {expected_bytes}",
        "Compare Rows, Columns, BitsAllocated and NumberOfFrames with the source",
    ),
    "pixels-empty": Text(
        "Q-INT-02",
        "Pixel data is empty",
        "Send the instance again from the PACS",
    ),
    "pixels-absent": Text(
        "Q-INT-02",
        "The header describes an image of {rows} x {columns}, but there is no pixel data",
        "Send the instance again from the PACS, with its pixel data",
    ),
    "pixels-undescribed": Text(
        "Q-INT-02",
        "There is pixel data, but Rows, Columns or BitsAllocated is missing",
        "Send the instance again from the PACS; without these the image cannot be shown",
    ),
    "content-changed": Text(
        "Q-INT-03",
        "The content of {path} is not what the manifest says",
        "Restore the file from a copy; a dataset version must not change",
    ),
    "content-missing": Text(
        "Q-INT-03",
        "{path} is in the manifest, but there is no such file",
        "Restore the file from a copy; a dataset version must not change",
    ),
    "uid-copies": Text(
        "Q-UNI-01",
        "The same file is there {n_files} times, byte for byte",
        "Keep one of the files",
    ),
    "uid-conflict": Text(
        "Q-UNI-01",
        "{n_files} files carry one SOPInstanceUID, and their contents differ",
        "Find out which one the PACS holds and remove the others; a changed image needs a new UID",
    ),
    "pixels-shared": Text(
        "Q-UNI-02",
        "Images have the same pixels under different UIDs: {n_images}",
        "If they are copies, keep one",
    ),
    "pixels-shared-subjects": Text(
        "Q-UNI-02",
        "Images of {n_subjects} subjects have the same pixels: {n_images}",
        "Find out whose images they are: one person under two identifiers, or a misfiled image",
    ),
    "pixels-blank": Text(
        "Q-UNI-02",
        "Images are blank, each pixel is 0: {n_images}",
        "Nothing, if they lie outside the body; otherwise export the series again",
    ),
    "uid-absent": Text(
        "Q-UNI-03",
        "Instances without {attribute}: {n_images}",
        "Send them again from the PACS; without it they belong to nothing",
    ),
    "series-in-studies": Text(
        "Q-UNI-03",
        "One series occurs in {n_studies} studies",
        "Export the series again from the PACS; a series belongs to one study",
    ),
    "study-of-subjects": Text(
        "Q-UNI-03",
        "One study belongs to {n_subjects} subjects",
        "Find out whose study it is; merge or correct the identifiers at the source",
    ),
    "slices-missing": Text(
        "Q-GEO-01",
        "Slices missing: {n_missing} ({places})",
        "Send the series again from the PACS and compare the number of images",
    ),
    "spacing-irregular": Text(
        "Q-GEO-01",
        "Slice spacing varies: {step_mm} mm as a rule, up to {worst_mm} mm off, at {places}",
        "Do not treat the series as one volume before its slices are resampled or split",
    ),
    "spacing-uneven": Text(
        "Q-GEO-01",
        "Slice spacing varies a little: {step_mm} mm as a rule, up to {worst_mm} mm off",
        "Nothing for viewing; resample before measuring volumes",
    ),
    "layers-uneven": Text(
        "Q-GEO-01",
        "Of {n_stacks} stacks told apart by {key}, {n_short} have fewer slices than the fullest; "
        "missing in all: {n_missing}",
        "Send the series again from the PACS and compare the number of images",
    ),
    "position-invalid": Text(
        "Q-GEO-02",
        "ImagePositionPatient or ImageOrientationPatient is no possible number; images: {n_images}",
        "Export the series again from the scanner or PACS; positions cannot be trusted",
    ),
    "orientation-invalid": Text(
        "Q-GEO-02",
        "ImageOrientationPatient is not two perpendicular unit vectors; images: {n_images}",
        "Export the series again from the scanner or PACS; positions cannot be trusted",
    ),
    "orientation-stacks": Text(
        "Q-GEO-02",
        "The series holds {n_orientations} stacks in different planes",
        "Nothing; tools that expect one volume should leave the series out or split it",
    ),
    "orientation-groups": Text(
        "Q-GEO-02",
        "The series holds {n_orientations} stacks that are turned by {angle_degrees} degrees",
        "Split the series by orientation before treating it as a volume",
    ),
    "orientation-varies": Text(
        "Q-GEO-02",
        "Slices are turned against each other by up to {angle_degrees} degrees",
        "Export the series again; if it stays so, leave the series out of volume analysis",
    ),
    "matrix-varies": Text(
        "Q-GEO-03",
        "Slices of one stack have {n_sizes} matrix sizes: {sizes}",
        "Export the series again; images of another series may have slipped in",
    ),
    "pixel-spacing-varies": Text(
        "Q-GEO-03",
        "Slices of one stack have {n_spacings} pixel spacings: {spacings}",
        "Export the series again; images of another series may have slipped in",
    ),
    "place-shared": Text(
        "Q-GEO-04",
        "Slices lie at a place that is taken: {n_extra} (places: {n_places})",
        "Look for images that were sent twice under new UIDs, or that belong to another series",
    ),
    "place-layers": Text(
        "Q-GEO-04",
        "Each place has {n_layers} slices, and no attribute tells them apart",
        "Keep b-value, temporal position, echo or acquisition number when exporting the series",
    ),
    "image-without-row": Text(
        "Q-LNK-01",
        "The subject has images and no row in the clinical table",
        "Add the subject to the clinical table, or leave the images out",
    ),
    "image-without-row-similar": Text(
        "Q-LNK-01",
        "The subject has images and no row in the clinical table, "
        "which does hold a similar identifier",
        "Write the identifier the same way in both places (leading zeros, century, prefix)",
    ),
    "row-without-image": Text(
        "Q-LNK-02",
        "A subject of the clinical table has no image",
        "Send the images, or leave the subject out",
    ),
    "reference-lost": Text(
        "Q-LNK-03",
        "{modality} refers to a series that is not here",
        "Send the series that was segmented or measured, or leave these instances out",
    ),
    "reference-foreign": Text(
        "Q-LNK-03",
        "{modality} refers to a series of another subject",
        "Find out whose series it is; correct the identifiers at the source",
    ),
    "reference-absent": Text(
        "Q-LNK-03",
        "{modality} does not name the series that it refers to",
        "Export the segmentation again with its ReferencedSeriesSequence",
    ),
    "minimum-imaging": Text(
        "Q-T1-05",
        "{attribute} is empty",
        "Fill {attribute} at the source, or keep it when de-identifying",
    ),
    "minimum-imaging-age": Text(
        "Q-T1-05",
        "The subject's age at imaging is neither stated nor computable",
        "Keep PatientAge, or give age and date of diagnosis in the clinical table",
    ),
    "minimum-clinical": Text(
        "Q-T1-06",
        "{value} is missing for a subject with cancer",
        "Fill {value} in the clinical table, or map the column that holds it",
    ),
    "no-condition": Text(
        "Q-T1-06",
        "A subject of the cancer population has no cancer condition",
        "Map the diagnosis column, or correct the subject's population",
    ),
    "no-population": Text(
        "Q-T1-06",
        "Population is missing: cancer, control, benign or screening",
        "Map or set the population in the clinical table",
    ),
    "minimum-control": Text(
        "Q-T1-07",
        "{value} is missing for a subject without cancer",
        "Fill {value} in the clinical table, or map the column that holds it",
    ),
    **{kind: Text(*told) for kind, told in texts_images.TEXTS.items()},
    **{kind: Text(*told) for kind, told in texts_tables.TEXTS.items()},
}
"""Kind of finding → the check it belongs to and its English text."""
