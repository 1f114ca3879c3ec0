"""The lesion classifier as the node meets it: processes, frames, files."""

import importlib.util
import io
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from tessera.domain.learning.aggregate import weighted_mean
from tessera.wire.frames import Array, Frame, arrays_to, read_frame, write_frame
from tests.unit.toolbox.made_site import SIDE, SLICES, MadeSite, environment, make_site, run_entry

TOOL = "lesion_classifier"
ROUNDS = 6


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> list[MadeSite]:
    """Two sites that learn, and one that is held out."""
    return [
        make_site(tmp_path_factory.mktemp(f"site{n}"), subjects=14, site=n, contrast=c)
        for n, c in ((1, 1.0), (2, 0.8), (3, 0.9))
    ]


class Trainer:
    """The node's side of the channel."""

    def __init__(self, process: "subprocess.Popen[bytes]", arguments: Mapping[str, object]) -> None:
        assert process.stdin and process.stdout
        self.process, self._in, self._out = process, process.stdin, process.stdout
        self._arguments = arguments

    def ask(self, kind: str, arrays: Mapping[str, Array] | None = None, **more: object) -> Frame:
        write_frame(self._in, Frame({"type": kind, **more}, arrays_to(arrays) if arrays else b""))
        frame = read_frame(self._out)
        assert frame is not None, "the tool ended"
        return frame

    def begin(self, seed: int = 7) -> Frame:
        return self.ask("begin", seed=seed, arguments=self._arguments)

    def train(self, number: int, weights: Mapping[str, Array]) -> Frame:
        return self.ask("train", weights, round=number)


@contextmanager
def trainer(site: MadeSite, arguments: Mapping[str, object] | None = None) -> Iterator[Trainer]:
    process = subprocess.Popen(
        [sys.executable, str(files("tessera.toolbox") / TOOL / "learn.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(site.data, site.data),
    )
    try:
        yield Trainer(process, arguments or {})
        process.stdin.close()  # type: ignore[union-attr]
        assert process.wait(30) == 0, process.stderr.read()  # type: ignore[union-attr]
        assert process.stdout.read() == b"", "only frames go to stdout"  # type: ignore[union-attr]
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()  # type: ignore[union-attr]


def learn_together(sites: list[MadeSite], arguments: Mapping[str, object]) -> dict[str, Array]:
    """Return the global model of all rounds, by the mean that the hub takes."""
    with trainer(sites[0], arguments) as one, trainer(sites[1], arguments) as other:
        weights = one.begin().arrays()
        other.begin()
        for number in range(1, ROUNDS + 1):
            updates = [each.train(number, weights) for each in (one, other)]
            weights = dict(
                weighted_mean([(int(str(u.header["n_samples"])), u.arrays()) for u in updates])
            )
    return weights


@pytest.fixture(scope="module")
def model(sites: list[MadeSite], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with model.npz, as /inputs is."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "model.npz").write_bytes(arrays_to(learn_together(sites[:2], {})))
    return folder


def test_the_frames_of_a_training(sites: list[MadeSite]) -> None:
    with trainer(sites[0]) as one:
        first = one.begin()
        assert first.type == "weights"
        # 14 subjects, of which 6 (40 %) are kept out of training.
        assert first.header["n_subjects"] == 8
        update = one.train(1, first.arrays())
        assert update.type == "update"
        assert set(update.header["metrics"]) == {"loss", "train_auc", "auc", "local_auc"}  # type: ignore[arg-type]
        before, after = first.arrays(), update.arrays()
        assert {k: (v.shape, v.dtype) for k, v in before.items()} == {
            k: (v.shape, v.dtype) for k, v in after.items()
        }
        assert not np.array_equal(before["hidden_weight"], after["hidden_weight"])
        final = one.ask("final", after)
        assert final.type == "final" and not final.payload
        assert set(final.header["metrics"]) == {  # type: ignore[arg-type]
            *("train_loss", "validation_loss", "train_auc", "validation_auc", "membership_auc")
        }


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(sites: list[MadeSite]) -> None:
    payloads = []
    for seed in (7, 7, 8):
        with trainer(sites[0]) as one:
            payloads.append(one.train(1, one.begin(seed).arrays()).payload)
    assert payloads[0] == payloads[1] != payloads[2]


def test_sites_begin_with_the_same_weights(sites: list[MadeSite]) -> None:
    with trainer(sites[0]) as one, trainer(sites[1]) as other:
        assert one.begin().payload == other.begin().payload


def test_nothing_is_told_of_a_part_with_too_few_subjects(sites: list[MadeSite]) -> None:
    with trainer(sites[0], {"validation_share": 0.0}) as one:
        update = one.train(1, one.begin().arrays())
        assert set(update.header["metrics"]) == {"loss", "train_auc"}  # type: ignore[arg-type]
        final = one.ask("final", update.arrays())
        assert "membership_auc" not in final.header["metrics"]  # type: ignore[operator]


def test_a_small_site_keeps_enough_subjects_for_training(tmp_path: Path) -> None:
    with trainer(make_site(tmp_path, subjects=6, site=8)) as one:
        first = one.begin()
        assert first.header["n_subjects"] == 5, "40 % of 6 would leave 4, under the minimum of 5"
        update = one.train(1, first.arrays())
        assert set(update.header["metrics"]) == {"loss", "train_auc"}  # type: ignore[arg-type]


def test_a_site_with_too_few_subjects_does_not_begin(tmp_path: Path) -> None:
    few = make_site(tmp_path, subjects=4, site=9)
    process = subprocess.run(
        [sys.executable, str(files("tessera.toolbox") / TOOL / "learn.py")],
        input=_frame({"type": "begin", "seed": 1, "arguments": {}}),
        env=environment(few.data, tmp_path),
        capture_output=True,
        check=False,
    )
    assert process.returncode == 1 and process.stdout == b""
    assert b"at least 5 are needed" in process.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"epoch": 2}, "epoch: not known"),
        ({"epochs": 0}, "epochs: from 1"),
        ({"epochs": "2"}, "epochs: expected int"),
        ({"modality": "US"}, "modality: expected MR or CT"),
        ({"backend": "jax"}, "backend: expected one of numpy, torch"),
        ({"learning_rate": 2}, "learning_rate"),
    ],
)
def test_wrong_arguments_are_named(
    sites: list[MadeSite], arguments: dict[str, object], named: str
) -> None:
    process = subprocess.run(
        [sys.executable, str(files("tessera.toolbox") / TOOL / "learn.py")],
        input=_frame({"type": "begin", "seed": 1, "arguments": arguments}),
        env=environment(sites[0].data, sites[0].data),
        capture_output=True,
        check=False,
    )
    assert process.returncode == 1
    assert named in process.stderr.decode()


def test_training_before_begin_is_refused(sites: list[MadeSite]) -> None:
    process = subprocess.run(
        [sys.executable, str(files("tessera.toolbox") / TOOL / "learn.py")],
        input=_frame({"type": "train", "round": 1}),
        env=environment(sites[0].data, sites[0].data),
        capture_output=True,
        check=False,
    )
    assert process.returncode == 1 and process.stdout == b""


def test_the_joint_model_is_good_where_nobody_learned(
    sites: list[MadeSite], model: Path, tmp_path: Path
) -> None:
    told = environment(
        sites[2].data,
        tmp_path,
        TESSERA_INPUTS=str(model),
        TESSERA_ARGUMENTS='{"repeats": 200}',
    )
    done = run_entry(TOOL, "external_test.py", told)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["auc"]["value"] > 0.8
    assert found["auc"]["low"] <= found["auc"]["value"] <= found["auc"]["high"]
    assert found["auc"]["low"] > 0.6, "clearly better than chance"
    assert 0 < found["dice"]["value"] <= 1
    assert found["n_subjects"] == 10, "14, rounded down to a multiple of 5"
    assert set(found["by_manufacturer"]) == {"SIEMENS", "Philips"}
    assert sites[2].rows["patient"][0]["subject"] not in json.dumps(found)
    assert (tmp_path / "roc.svg").read_text().startswith("<svg")


def test_the_test_of_a_model_that_knows_nothing_is_not_better_than_chance(
    sites: list[MadeSite], model: Path, tmp_path: Path
) -> None:
    with np.load(model / "model.npz") as known:
        blank = {k: known[k] if k == "spec" else np.zeros_like(known[k]) for k in known.files}
    (tmp_path / "model.npz").write_bytes(arrays_to(blank))
    told = environment(
        sites[2].data,
        tmp_path,
        TESSERA_INPUTS=str(tmp_path),
        TESSERA_ARGUMENTS='{"repeats": 100, "segments": false}',
    )
    done = run_entry(TOOL, "external_test.py", told)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert found["auc"]["value"] == 0.5
    assert "dice" not in found


def test_one_study_is_marked_without_any_table_or_seg(
    sites: list[MadeSite], model: Path, tmp_path: Path
) -> None:
    overlaps = []
    for number in range(4):
        case, out = tmp_path / f"case{number}", tmp_path / f"out{number}"
        series = sorted(sites[2].masks)[number]
        _one_study(sites[2], series, case)
        out.mkdir()
        done = run_entry(TOOL, "case.py", environment(case, out, TESSERA_INPUTS=str(model)))
        assert done.returncode == 0, done.stderr
        told = json.loads((out / "case.json").read_text())
        assert told["series_uid"] == series
        assert told["label"] == "lesion"
        assert "Research use only" in told["notice"]
        with np.load(out / "segments.npz", allow_pickle=False) as found:
            assert found["uids"].tolist() == [f"{series}.{i + 1}" for i in range(SLICES)]
            assert found["masks"].shape == (SLICES, SIDE, SIDE)
            assert found["masks"].dtype == np.bool_
            assert str(found["series_uid"]) == series
            drawn, marked = sites[2].masks[series], found["masks"]
        overlaps.append(2 * (drawn & marked).sum() / (drawn.sum() + marked.sum()))
    assert np.median(overlaps) > 0.4


def test_a_study_of_another_kind_is_refused(model: Path, tmp_path: Path) -> None:
    done = run_entry(TOOL, "case.py", environment(tmp_path, tmp_path, TESSERA_INPUTS=str(model)))
    assert done.returncode == 1
    assert "no T2-weighted MR series" in done.stderr


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("pickle", "no npz archive of plain arrays"),
        ("no spec", "no readable array `spec`"),
        ("shapes", "other names or shapes"),
        ("other tool", "the model is no lesion-classifier/1"),
    ],
)
def test_what_is_no_model_of_this_tool_is_refused(
    sites: list[MadeSite], model: Path, tmp_path: Path, name: str, named: str
) -> None:
    with np.load(model / "model.npz") as known:
        arrays = {k: known[k] for k in known.files}
    if name == "pickle":
        arrays = {"spec": np.array([{"a": 1}], dtype=object)}
    elif name == "no spec":
        del arrays["spec"]
    elif name == "shapes":
        arrays["out_bias"] = np.zeros(3, np.float32)
    else:
        arrays["spec"] = np.frombuffer(b'{"format": "other/1"}', np.uint8)
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    (tmp_path / "model.npz").write_bytes(packed.getvalue())
    told = environment(sites[2].data, tmp_path, TESSERA_INPUTS=str(tmp_path))
    done = run_entry(TOOL, "external_test.py", told)
    assert done.returncode == 1
    assert named in done.stderr
    assert not (tmp_path / "metrics.json").exists()


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="PyTorch is not installed; it comes with the extra `torch`",
)
def test_the_convolutional_network_learns_as_well(sites: list[MadeSite], tmp_path: Path) -> None:
    arguments = {"backend": "torch", "hidden": 8, "learning_rate": 0.005, "epochs": 4}
    weights = learn_together(sites[:2], arguments)
    (tmp_path / "model.npz").write_bytes(arrays_to(weights))
    told = environment(
        sites[2].data,
        tmp_path,
        TESSERA_INPUTS=str(tmp_path),
        TESSERA_ARGUMENTS='{"repeats": 100, "segments": false}',
    )
    done = run_entry(TOOL, "external_test.py", told)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "metrics.json").read_text())["auc"]["value"] > 0.75


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is not None, reason="PyTorch is installed here"
)
def test_without_pytorch_its_backend_says_so(sites: list[MadeSite]) -> None:
    process = subprocess.run(
        [sys.executable, str(files("tessera.toolbox") / TOOL / "learn.py")],
        input=_frame({"type": "begin", "seed": 1, "arguments": {"backend": "torch"}}),
        env=environment(sites[0].data, sites[0].data),
        capture_output=True,
        check=False,
    )
    assert process.returncode == 1
    assert b"PyTorch is not installed" in process.stderr


def _one_study(site: MadeSite, series: str, folder: Path) -> None:
    for row in site.rows["instance"]:
        if row["series_uid"] == series:
            source = site.dataset / "instances" / str(row["path"])
            target = folder / "study" / "instances" / str(row["path"])
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(source)


def _frame(header: dict[str, object]) -> bytes:
    out = io.BytesIO()
    write_frame(out, Frame(header))
    return out.getvalue()
