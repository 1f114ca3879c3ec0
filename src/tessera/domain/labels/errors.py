"""What can be wrong with a file of labels."""

from tessera.domain.errors import Conflict, InvalidInput


class InvalidLabels(InvalidInput):
    """A file of labels, or what describes it, cannot be read or is not complete."""

    code = "invalid-labels"
    public = "The labels are not valid."


class GridMismatch(Conflict):
    """Labels do not lie on the voxels of the series. The message tells mm and degrees."""

    code = "grid-mismatch"
    public = "The labels do not lie on the voxels of the images."
