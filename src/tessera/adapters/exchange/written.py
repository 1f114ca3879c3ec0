"""A folder that is being written: CSV, Parquet and text files, and a manifest of their hashes."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import file_digest
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tessera.domain.errors import Conflict
from tessera.domain.exchange.flat import FlatColumn
from tessera.domain.exchange.rows import to_text

MANIFEST = "manifest.json"
_BATCH = 10_000


class WrittenFolder:
    """Keeps one open file per table; `close` writes what is left and hashes everything."""

    def __init__(self, root: Path) -> None:
        """Make `root`, for its owner alone. Raises Conflict when something is in it already."""
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise Conflict(f"{root} is not empty; an export goes into a folder of its own")
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root = root
        self.n_rows: dict[str, int] = {}
        self._open: dict[str, TextIOWrapper] = {}
        self._writers: dict[str, Any] = {}
        self._parquet: dict[str, _ParquetFile] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def table(self, name: str, header: Sequence[str]) -> None:
        """Begin a CSV file, if it is not begun: a header and no row."""
        if name not in self._open:
            self.n_rows[name] = 0
            self._writers[name] = csv.writer(self._file(name), lineterminator="\n")
            self._writers[name].writerow(header)

    def row(self, name: str, cells: Iterable[str]) -> None:
        """Add a row to a CSV file that `table` began."""
        self._writers[name].writerow(cells)
        self.n_rows[name] += 1

    def line(self, name: str, text: str) -> None:
        """Add a line of text to a file."""
        stream = self._open.get(name) or self._file(name)
        self.n_rows[name] = self.n_rows.get(name, 0) + 1
        stream.write(f"{text}\n")

    def flat(self, name: str, columns: Sequence[FlatColumn], row: Mapping[str, Any]) -> None:
        """Add a row to `name`.csv and `name`.parquet."""
        if name not in self._parquet:
            self.table(f"{name}.csv", [one.name for one in columns])
            self._parquet[name] = _ParquetFile(self.root / f"{name}.parquet", columns)
        self.row(f"{name}.csv", (to_text(row.get(one.name)) for one in columns))
        self._parquet[name].add(row)

    def text(self, name: str, content: str) -> None:
        """Write a whole small file."""
        (self.root / name).write_text(content, encoding="utf-8")

    def manifest(self, about: Mapping[str, object]) -> str:
        """Write manifest.json, with the hash of each file; return its own SHA-256."""
        self._close()
        files = {
            path.relative_to(self.root).as_posix(): {
                "sha256": _sha256(path),
                "bytes": path.stat().st_size,
            }
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.name != MANIFEST
        }
        body = {**about, "rows": self.n_rows, "files": files}
        path = self.root / MANIFEST
        path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return _sha256(path)

    def _file(self, name: str) -> TextIOWrapper:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open[name] = path.open("w", encoding="utf-8", newline="")
        return self._open[name]

    def _close(self) -> None:
        for stream in self._open.values():
            stream.close()
        for one in self._parquet.values():
            one.close()
        self._open, self._parquet = {}, {}


class _ParquetFile:
    def __init__(self, path: Path, columns: Sequence[FlatColumn]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        kinds = {
            "text": pa.string(),
            "integer": pa.int64(),
            "number": pa.float64(),
            "boolean": pa.bool_(),
            "date": pa.date32(),
            "texts": pa.list_(pa.string()),
        }
        fields = [
            pa.field(one.name, kinds[one.kind], metadata={"description": one.meaning})
            for one in columns
        ]
        self._schema = pa.schema(fields)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []

    def add(self, row: Mapping[str, Any]) -> None:
        self._rows.append({name: row.get(name) for name in self._schema.names})
        if len(self._rows) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        self._writer.write_batch(pa.RecordBatch.from_pylist(self._rows, schema=self._schema))
        self._rows = []

    def close(self) -> None:
        self._flush()
        self._writer.close()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
