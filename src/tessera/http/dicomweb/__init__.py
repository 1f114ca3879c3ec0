"""DICOMweb (PS3.18) over the research zone: search, retrieve, store."""
