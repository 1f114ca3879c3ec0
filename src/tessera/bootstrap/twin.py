"""Wire the synthetic twin: the shape at the node, the folder anywhere."""

from collections.abc import Callable
from pathlib import Path

from tessera import __version__
from tessera.adapters.parquet.table import ALL_TABLES
from tessera.adapters.system_clock import SystemClock
from tessera.adapters.twin.draw import draw
from tessera.bootstrap.audit import write_down
from tessera.bootstrap.datasets import dataset_store, version_of
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.node import open_node
from tessera.domain.audit.events import shape_released
from tessera.domain.clinical.build import CdmTables
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.twin.gate import shape_of
from tessera.domain.twin.shape import Shape, shape_from_json
from tessera.domain.zones import Released
from tessera.node.datasets import require_nobody_opted_out

__all__ = ["make_twin", "release_shape"]


def release_shape(home: Path, identifier: str, version: int | None = None) -> Released[Shape]:
    """Return the shape of a version, through the gate, and write that down in the audit log.

    Raises NotFound; Conflict when the version holds somebody who has opted out since.
    """
    node = open_node(home)
    store = dataset_store(node)
    known, number = version_of(store, identifier, version)
    require_nobody_opted_out(store, known, number, exclusions_of(node.home))
    manifest = store.manifest(known, number)
    shape = shape_of(
        store.tables(known, number, tuple(name for name in ALL_TABLES if name != "instance")),
        node.policy,
        dataset_id=known,
        version=number,
        manifest_sha256=manifest.sha256,
    )
    write_down(home, shape_released(known, number, manifest.sha256))
    return shape


def make_twin(
    shape_file: Path,
    out: Path,
    *,
    seed: int,
    n_subjects: int | None = None,
    most_instances: int | None = None,
    on_total: Callable[[int], None] = lambda _n: None,
    on_series: Callable[[], None] = lambda: None,
) -> tuple[Shape, Path, dict[str, int], int]:
    """Draw a twin and write it below `out`; return shape, folder, rows by table and bytes.

    Raises NotFound, InvalidInput, Conflict.
    """
    from tessera.adapters.twin import write_twin

    if not shape_file.is_file():
        raise NotFound(f"{shape_file}: no such file")
    try:
        shape = shape_from_json(shape_file.read_text("utf-8"))
    except (InvalidInput, UnicodeDecodeError) as err:
        raise InvalidInput(f"{shape_file}: {err}") from err
    tables: CdmTables = draw(shape, seed=seed, n_subjects=n_subjects)
    on_total(len(tables["series"].rows))
    made = write_twin(
        out,
        tables,
        shape,
        seed=seed,
        now=SystemClock().now(),
        software=f"tessera {__version__}",
        most_instances=most_instances,
        on_series=on_series,
    )
    return shape, made.folder, made.n_rows, made.n_bytes
