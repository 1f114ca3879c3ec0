"""The rules of DICOMweb (PS3.18): queries, media types, multipart bodies, levels. Pure."""
