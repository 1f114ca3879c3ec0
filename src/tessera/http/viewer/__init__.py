"""The viewer's pages: a list of studies, and the viewer over this node's own DICOMweb."""
