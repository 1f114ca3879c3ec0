"""A twin from the command line: of the dataset's shape, readable, and the dataset untouched."""

import json
from hashlib import sha256
from pathlib import Path

import pydicom
from typer.testing import CliRunner

from tessera.adapters.parquet.table import read_tables
from tessera.bootstrap.audit import entries
from tessera.bootstrap.datasets import create_dataset
from tessera.bootstrap.node import NodeSettings, init_node
from tessera.cli import app
from tessera.cli.register import register_all
from tessera.domain.catalogue.manifest import parse_manifest
from tessera.domain.tiers.tables import problems
from tests.integration.test_datasets import REQUEST, put

register_all(app)


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_twin_of_a_version_is_a_dataset_that_tools_can_read(tmp_path: Path) -> None:
    node = init_node(tmp_path / "home", NodeSettings(name="Linköping", country="SE", language="sv"))
    put(node, range(25))
    create_dataset(node.home, REQUEST)
    shape = tmp_path / "shape.json"
    run("twin", "shape", node.home, "cancer-images", "-o", shape)
    assert "TES-" not in shape.read_text("utf-8")
    assert "shape-released" in [entry.event.event for entry in entries(node.home)]
    told = json.loads(
        run("twin", "make", shape, "-o", tmp_path / "data", "--instances", 2, "--json")
    )
    folder = Path(told["folder"])
    manifest = parse_manifest((folder / "manifest.json").read_bytes())
    tables = read_tables(folder / "tables")
    assert problems(tables) == ()
    assert len(manifest.instances) == told["rows"]["instance"] > 0
    for entry in manifest.instances:
        content = (folder / entry.path).read_bytes()
        assert (len(content), sha256(content).hexdigest()) == (entry.n_bytes, entry.sha256)
    first = pydicom.dcmread(folder / manifest.instances[0].path)
    assert (first.SyntheticData, first.PatientIdentityRemoved) == ("YES", "YES")
    assert first.pixel_array.shape == (64, 64)
    cancers = [str(one) for one in tables["condition"].column("cancer")]
    assert (cancers.count("prostate"), cancers.count("lung")) == (10, 10)
