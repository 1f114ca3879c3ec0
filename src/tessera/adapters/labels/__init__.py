"""Files of labels, and the pixels that they lie on: NIfTI, NRRD, RTSTRUCT, SEG, series."""
