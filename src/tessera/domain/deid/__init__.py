"""De-identification by DICOM PS3.15 Annex E: rules as data, one pass over bytes."""
