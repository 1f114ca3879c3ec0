"""Use case: what is stored becomes searchable: its header as DICOM JSON, once.

The index itself remembers what waits, so that a kill loses nothing and nothing is done twice.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tessera.domain.errors import InvalidDicom
from tessera.domain.imaging.dicom_json import Described
from tessera.ports.web_index import Waiting, WebIndex

_BATCH: Final = 256


def describe_waiting(
    index: WebIndex, read: Callable[[str], Described], *, batch: int = _BATCH
) -> Iterator[int]:
    """Describe all that waits; yield the number done after each batch.

    `read` takes a place in the store. A file that cannot be read is left out and stays
    retrievable by nobody; OSError is not caught: nothing is lost, the next run goes on.
    """
    while waiting := index.waiting(batch):
        described, failed = _read(waiting, read)
        index.put(described, failed)
        yield len(waiting)


def _read(
    waiting: Sequence[Waiting], read: Callable[[str], Described]
) -> tuple[list[Described], list[str]]:
    described, failed = [], []
    for one in waiting:
        try:
            made = read(one.place)
        except (InvalidDicom, FileNotFoundError):
            failed.append(one.instance_uid)
            continue
        if made.instance_uid == one.instance_uid:
            described.append(made)
        else:
            failed.append(one.instance_uid)
    return described, failed
