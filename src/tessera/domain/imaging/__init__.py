"""Study, series, instance, geometry, transfer syntax: the DICOM information model as values."""
