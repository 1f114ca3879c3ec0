"""What the evidence of a statement says, in English; facts in braces. Pure data.

Key → (what was found, what to do). The Swedish texts are in `adapters/report/swedish_tiers.py`.
"""

from typing import Final

TEXTS: Final[dict[str, tuple[str, str]]] = {
    "properties-there": ("all {n} mandatory properties are there", ""),
    "property-missing": (
        "the catalogue record lacks {properties}",
        "give them when the dataset is made: tessera node dataset create --help",
    ),
    "checks-passed": ("the checks of images and tables found nothing against it", ""),
    "checks-failed": (
        "the quality report has errors or warnings against it",
        "look at the quality report of the version (quality.html), mend, make a new version",
    ),
    "checks-not-run": (
        "no check has looked at it",
        "deliver the clinical table (tessera clinical apply), then make a new version",
    ),
    "none-of-these": ("there is none of this kind in the dataset", ""),
    "profile": ("profile {profile}; {n} instances, each passed the second look", ""),
    "no-profile": (
        "the version does not say by which profile it was de-identified",
        "make a new version",
    ),
    "offsets-there": ("{n} dates, each with days from the baseline", ""),
    "offsets-missing": (
        "{n} of {of} dates have no days from a baseline",
        "give each subject a date of diagnosis, or images with a date",
    ),
    "segments-said": ("{n} segments, each with label, number, algorithm and annotators", ""),
    "segments-unsaid": (
        "{n} of {of} segments lack {what}",
        "import the labels again and say it: tessera node labels import --help",
    ),
    "documents-there": ("{n} documents, the newest of {newest}", ""),
    "document-missing": (
        "missing: {documents}",
        "add each: tessera node legal add HOME KIND FILE --date DATE --signed-by NAME",
    ),
    "document-changed": (
        "{document} is not the file that was added",
        "add it again: tessera node legal add",
    ),
    "joined": ("joined {hub} as {node}, {state}; it answered now", ""),
    "not-joined": ("the node has joined no hub", "tessera node join HOME URL CODE"),
    "hub-unreachable": (
        "the hub {hub} did not answer",
        "look at the line, and at tessera node status",
    ),
    "not-approved": ("the hub has not approved this node ({state})", "ask the hub's operator"),
    "keys-answered": ("{n} keys answered; unsupported here, and said so: {unsupported}", ""),
    "keys-failed": ("no answer to {keys}", "look at the log of the node; tessera node fsck"),
    "ids-agree": ("the answer names {dataset} version {version}, as the catalogue does", ""),
    "ids-differ": (
        "the catalogue does not list this version of {dataset}",
        "tessera node dataset publish HOME {dataset}",
    ),
    "tables-there": ("{n} tables with {rows} rows; mapped by {mappings}", ""),
    "tables-invalid": ("{problems}", "make a new version; tessera node fsck HOME finds damage"),
    "host": ("{cores} cores, {memory} GB of memory, {disk} GB free, data {data} GB", ""),
    "host-small": (
        "{cores} cores, {memory} GB of memory, {disk} GB free, data {data} GB",
        "this is advice: Tessera itself needs 2 cores and 4 GB (docs/performance.md)",
    ),
    "objects": ("{n} instances, all DICOM; {segmentations} segmentations, all DICOM SEG", ""),
    "not-seg": (
        "{n} contours are not DICOM SEG ({modalities})",
        "tessera node labels import makes DICOM SEG of them",
    ),
    "uids-differ": ("{n} UIDs of the tables are not those of the files", "tessera node fsck HOME"),
    "views-there": ("patients {patients}, series {series} in the mandatory views", ""),
    "view-made": ("{n} instances and {tables} tables, {checked} read back and the same", ""),
    "view-failed": ("no folder could be made: {problem}", "tessera node fsck HOME"),
    "contained": ("tools are contained; {tools} tools of permits here, hashes right", ""),
    "not-contained": ("this machine cannot contain a tool: {problem}", "docs/reference/sandbox.md"),
    "tool-changed": ("{n} tools are not what was permitted", "remove them; they are fetched again"),
}
