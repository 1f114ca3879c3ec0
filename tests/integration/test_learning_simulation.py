"""`tessera learn simulate`: real trainers in real sandboxes, over the homes of two nodes."""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from tessera.adapters.files.tool_folder import write_tool
from tessera.bootstrap.audit import entries
from tessera.bootstrap.learning_simulation import SimulationRequest, run_simulation
from tessera.bootstrap.opt_out import opt_out
from tessera.cli import exit_codes
from tessera.domain.access.tool import tool_bundle
from tessera.domain.errors import InvalidInput, NotFound
from tessera.domain.zones import Identified
from tessera.node.simulation import SimulationFailed
from tests.integration.test_opt_out import tessera
from tests.learning_trial import LEARN
from tests.opt_out_trial import PATIENTS
from tests.run_trial import RunTrial, needs_sandbox

TEST = """
import json
import numpy as np
told = {"mean": float(np.load("/inputs/model.npz")["w"].mean()), "auc": {"value": 0.8, "low": 0.7,
"high": 0.9}}
json.dump(told, open("/out/metrics.json", "w"))
"""


@pytest.fixture(autouse=True)
def _sandbox() -> Iterator[None]:
    needs_sandbox()
    yield


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sites")
    made = RunTrial(folder / "a"), RunTrial(folder / "b")
    opt_out(made[1].home, [Identified(PATIENTS[7])])
    for trial, name in zip(made, ("north", "south"), strict=True):
        trial.home.rename(folder / name)
    return folder / "north", folder / "south"


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    manifest = (
        'name = "toy"\nversion = "1.0"\ntitle = "Learns a little"\n'
        '[entries]\nlearn = "learn.py"\nrun = "test.py"\n[outputs]\n"metrics.json" = "aggregate"\n'
        "[limits]\nmemory_mb = 1024\n"
    )
    files = {"tool.toml": manifest, "learn.py": LEARN, "test.py": TEST}
    bundle = tool_bundle({name: text.encode() for name, text in files.items()})
    write_tool(bundle, tmp_path / "tool")
    return tmp_path / "tool"


def data_of(homes: tuple[Path, ...]) -> tuple[str, ...]:
    return tuple(f"{home}:images" for home in homes)


def test_two_sites_learn_one_model_without_who_opted_out(
    tmp_path: Path, homes: tuple[Path, Path], tool: Path
) -> None:
    rounds: list[int] = []
    request = SimulationRequest(tool=str(tool), out=tmp_path / "out", rounds=2, data=data_of(homes))
    report = run_simulation(request, print, lambda number, rows: rounds.append(number))
    assert rounds == [1, 2]
    weights = dict(np.load(tmp_path / "out" / "model.npz"))
    first = np.random.default_rng(1).normal(size=(3, 4))
    step = (60 * 3.0 + 50 * 2.9) / 110  # weighted by samples as they leave, rounded down
    assert np.allclose(weights["w"], first + 2 * step)
    assert {(row.site, row.n_samples) for row in report.simulated.rounds} == {
        ("north", 60),
        ("south", 50),
    }
    ElementTree.parse(tmp_path / "out" / "metrics.svg")  # noqa: S314 - our own file
    told = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert told["at_the_end"]["north"]["membership_auc"] == 0.52
    for home in homes:
        assert list(home.glob("runs/simulation-*")) == []
        (*_, last) = entries(home)
        assert last.event.event == "learning-simulated"


def test_a_site_is_held_out_and_only_tests(
    tmp_path: Path, homes: tuple[Path, Path], tool: Path
) -> None:
    data = [part for one in data_of(homes) for part in ("--data", one)]
    done = tessera(
        *("learn", "simulate", str(tool), *data, "--rounds", "1"),
        *("--out", str(tmp_path / "out"), "--hold-out", "south"),
    )
    assert done.returncode == exit_codes.OK, done.stderr
    assert "south" not in done.stdout.split("Tested at")[0]
    assert "auc  0.8 (0.7 to 0.9)" in done.stdout
    assert (tmp_path / "out" / "held-out" / "metrics.json").exists()


@pytest.mark.parametrize(
    ("do", "word"), [("nan", "not finite"), ("exit", "exit 7"), ("metric", "may not leave")]
)
def test_what_a_node_would_refuse_is_told_with_the_log(
    tmp_path: Path, homes: tuple[Path, Path], tool: Path, do: str, word: str
) -> None:
    request = SimulationRequest(
        tool=str(tool), out=tmp_path, rounds=1, data=data_of(homes), arguments={"do": do}
    )
    with pytest.raises(SimulationFailed, match=word) as told:
        run_simulation(request, print, lambda number, rows: None)
    assert "learns from" in str(told.value)


def test_bad_requests_say_what_to_write(tmp_path: Path, homes: tuple[Path, Path]) -> None:
    def ask(**how: object) -> None:
        request = SimulationRequest(tool="lesion-classifier", out=tmp_path, rounds=1, **how)  # type: ignore[arg-type]
        run_simulation(request, print, lambda number, rows: None)

    with pytest.raises(InvalidInput, match="--phantom"):
        ask()
    with pytest.raises(InvalidInput, match="HOME:DATASET"):
        ask(data=("north",))
    with pytest.raises(NotFound, match="no dataset other"):
        ask(data=(f"{homes[0]}:other",))
    with pytest.raises(NotFound, match="version 7"):
        ask(data=(f"{homes[0]}:images:7",))
    with pytest.raises(InvalidInput, match="no-sandbox"):
        ask(data=data_of(homes), has_sandbox=False)
    with pytest.raises(InvalidInput, match="hold out"):
        ask(data=data_of(homes), hold_out="east")
