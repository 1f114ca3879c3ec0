"""The DICOM message exchange of a storage provider, as functions over bytes (PS3.7, PS3.8)."""
