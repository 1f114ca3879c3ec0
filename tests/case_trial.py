"""A node with one small study, and a model with a tool that marks it in a real sandbox."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np

from tessera.bootstrap.case import CaseRequest, models_of, run_case
from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.domain.access.tool import ToolBundle, tool_bundle
from tessera.domain.case.model import ModelCard, ReleasedModel
from tessera.domain.ids import StudyUid
from tessera.domain.zones import Identified
from tessera.node.case import CaseOutcome
from tests.deid_oracle import encoded
from tests.dicom_files import ct_slice

PATIENT = "19121212-1212"
ORIGINAL = "1.2.826.0.1.3680043.10.99.1"
READ = """
import json
from pathlib import Path
import numpy as np
from pydicom import dcmread

images = sorted((dcmread(p) for p in Path("/data").rglob("*.dcm")), key=lambda d: d.InstanceNumber)
uids = [str(d.SOPInstanceUID) for d in images]
series = str(images[0].SeriesInstanceUID)
masks = np.zeros((len(images), images[0].Rows, images[0].Columns), dtype=bool)
masks[1:3, 4:9, 5:11] = True
told = {"label": "lesion", "probability": 0.875, "region_probability": 0.75, "volume_ml": 0.15,
        "series_uid": series}
"""
WRITE = """
np.savez_compressed("/out/segments.npz", uids=np.array(uids), masks=masks,
                    series_uid=np.array(series))
json.dump(told, open("/out/case.json", "w"))
"""
ONLY_NUMBER = READ + "json.dump(told, open('/out/case.json', 'w'))\n"


def marking_tool(code: str = READ + WRITE) -> ToolBundle:
    manifest = 'name = "marker"\nversion = "1.0"\ntitle = "Marks"\n[entries]\ncase = "case.py"\n'
    return tool_bundle({"tool.toml": manifest.encode(), "case.py": code.encode()})


def node_with_study(home: Path) -> Node:
    """Return a node that holds one CT study of eight slices of 16 x 16 pixels."""
    node = init_node(home, NodeSettings(name="Linköping", country="SE"))
    pacs = home.parent / "pacs"
    pacs.mkdir()
    for number in range(1, 9):
        ds = ct_slice(number)
        ds.FrameOfReferenceUID = f"{ORIGINAL}.9"
        ds.PositionReferenceIndicator = ""
        (pacs / f"I{number}").write_bytes(encoded(ds))
    assert all(ingest_sources(node, list_sources([pacs]), workers=1))
    return node


def add(node: Node, code: str = READ + WRITE, card: ModelCard | None = None) -> ReleasedModel:
    path = node.home.parent / "model.npz"
    np.savez(path, weights=np.arange(4.0))
    return models_of(node.home).add(path.read_bytes(), marking_tool(code), card or ModelCard())


def run(node: Node, model: ReleasedModel) -> CaseOutcome:
    asked = CaseRequest(study_uid=Identified(ORIGINAL), model=model.sha256[:10], is_original=True)
    return run_case(node.home, asked)[0]


def study_of(node: Node) -> StudyUid:
    return StudyUid(node.pseudonymiser().uid(ORIGINAL))


def stored(node: Node) -> Mapping[str, str]:
    """Return path → SHA-256 of every file in the store, after checking it against the index."""
    files = {
        str(p.relative_to(node.store.instances)): sha256(p.read_bytes()).hexdigest()
        for p in node.store.instances.rglob("*.dcm")
    }
    assert files == {row.path: row.sha256 for row in node.index.all()}
    assert not list(node.store.staging.iterdir())
    return files
