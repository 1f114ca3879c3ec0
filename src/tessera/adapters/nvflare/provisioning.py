"""Make the keys and certificates of one training, with FLARE's own provisioning.

A process of its own: reads `{"nodes", "host", "port"}` as JSON on standard input and writes
into the folder named on the command line: `server/` (the server's kit) and `kits/NODE.zip`.
The certificate authority's key exists only while this runs: nobody can be added afterwards.
"""

# mypy: disable-error-code="import-untyped,import-not-found", allow-subclassing-any

import io
import json
import logging
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from nvflare.lighter.constants import CtxKey, PropKey
from nvflare.lighter.entity import Project
from nvflare.lighter.impl.cert import CertBuilder
from nvflare.lighter.impl.static_file import StaticFileBuilder
from nvflare.lighter.impl.workspace import WorkspaceBuilder
from nvflare.lighter.provisioner import Provisioner

from tessera.adapters.nvflare import layout

_SERVER_FILES: Final = ("rootCA.pem", "server.crt", "server.key")
_TEMPLATES: Final = ["master_template.yml"]


def main() -> None:
    """Provision into the folder given."""
    folder, asked = Path(sys.argv[1]), json.load(sys.stdin)
    provision(folder, asked["nodes"], asked["host"], asked["port"])


def provision(folder: Path, nodes: Sequence[str], host: str, port: int) -> None:
    """Write the server's kit and one kit for each node into `folder`."""
    making = folder / "making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    try:
        made = _provisioned(making, nodes, host, port)
        server, kits = folder / "server" / "startup", folder / "kits"
        server.mkdir(parents=True, exist_ok=True)
        kits.mkdir(exist_ok=True)
        for name in _SERVER_FILES:
            layout.write_whole(
                server / name, (made / layout.SERVER / "startup" / name).read_bytes()
            )
        for node in nodes:
            layout.write_whole(kits / f"{node}.zip", _kit(made / node / "startup"))
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _provisioned(folder: Path, nodes: Sequence[str], host: str, port: int) -> Path:
    project = Project(layout.PROJECT, "one training", props={"api_version": 3})
    props: dict[str, Any] = {
        PropKey.FED_LEARN_PORT: port,
        PropKey.ADMIN_PORT: port,
        PropKey.DEFAULT_HOST: host,
    }
    project.set_server(layout.SERVER, layout.ORG, props)
    for node in nodes:
        project.add_client(node, layout.ORG, {})
    builders = [
        WorkspaceBuilder(_TEMPLATES),
        StaticFileBuilder(config_folder="config", scheme="grpc"),
        CertBuilder(),
    ]
    log = logging.getLogger("provisioning")  # only warnings and errors, to standard error
    context = Provisioner(str(folder), builders).provision(project, logger=log)
    if context.get(CtxKey.BUILD_ERROR):
        raise RuntimeError("provisioning failed")
    return Path(str(context["current_prod_dir"]))


def _kit(startup: Path) -> bytes:
    """Return the zip archive of a node's start-up kit; the key is marked private."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in layout.KIT_FILES:
            entry = zipfile.ZipInfo(f"startup/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100600 << 16
            archive.writestr(entry, (startup / name).read_bytes())
    return made.getvalue()


if __name__ == "__main__":
    main()
