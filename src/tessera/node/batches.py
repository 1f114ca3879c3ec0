"""Which sources a worker takes together."""

from collections.abc import Iterable, Iterator

from tessera.ports.ledger import SourceFile


def batches(
    sources: Iterable[SourceFile], shortest: int, longest: int
) -> Iterator[list[SourceFile]]:
    """Yield the sources in order, those of one folder together: they are mostly of one series.

    A worker is quick with instances of a series that it has seen.
    """
    batch: list[SourceFile] = []
    folder = ""
    for source in sources:
        before, folder = folder, source.path.rpartition("/")[0]
        n = len(batch)
        if n >= shortest and (n >= longest or folder != before):
            yield batch
            batch = []
        batch.append(source)
    if batch:
        yield batch
