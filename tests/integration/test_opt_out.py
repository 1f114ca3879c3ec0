"""Opting out at a real node home: counts, versions, intake, and the commands."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread

from tessera.bootstrap.audit import entries
from tessera.bootstrap.datasets import DatasetRequest, create_dataset, dataset_store, publish
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.node import Node, NodeSettings, init_node
from tessera.bootstrap.opt_out import opt_out, renew, take_back
from tessera.domain.errors import Conflict, InvalidInput, InvalidSettings, NotFound
from tessera.domain.ids import DatasetId
from tessera.domain.zones import Identified
from tessera.ports.ledger import State
from tests.dicom_files import write_series
from tests.integration.test_dataset_commands import MAPPING
from tests.opt_out_trial import PATIENTS, files_with, put_patients, subject_of

HER = PATIENTS[7]
REQUEST = DatasetRequest(title="Images", contact_email="data@example.org")


def tessera(*words: object, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from tessera.cli import main; main()", *map(str, words)],
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
        input=given,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
    )


def named(*patient_ids: str) -> list[Identified[str]]:
    return [Identified(one) for one in patient_ids]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    made = init_node(
        tmp_path / "home",
        NodeSettings(name="Linköping", country="SE", issuers=("REGION-OST",)),
    )
    put_patients(made)
    return made


def test_a_new_version_is_without_her_and_the_old_one_is_as_it_was(node: Node) -> None:
    old = create_dataset(node.home, REQUEST)
    before = {path.name: path.read_bytes() for path in old.folder.iterdir()}
    her = subject_of(node, HER)
    tables = {f"{name}.parquet" for name in ("patient", "condition", "study", "series")}
    assert files_with(old.folder, her) == tables

    outcome = opt_out(node.home, named(HER), reason="letter")
    assert outcome.changed == outcome.in_node == {her}
    (seen,) = outcome.versions
    assert (seen.dataset_id, seen.version, seen.subjects) == ("images", 1, {her})
    assert (seen.is_newest, seen.is_published) == (True, False)

    (made,) = renew(node.home, outcome)
    assert (made.version, made.published, made.problem) == (2, "no", "")
    store = dataset_store(node)
    new = store.folder(DatasetId("images"), 2)
    assert files_with(new, her) == set()
    assert files_with(new, "2.25.1007") == set()  # her study
    manifest = store.manifest(DatasetId("images"), 2)
    assert (manifest.tables["patient"].n_rows, len(manifest.instances)) == (29, 58)
    said = json.loads((new / "description.json").read_text("utf-8"))
    assert (said["n_subjects"], said["n_instances"]) == (20, 50)
    assert {path.name: path.read_bytes() for path in old.folder.iterdir()} == before


def test_a_new_version_keeps_the_choice_of_subjects(node: Node) -> None:
    create_dataset(node.home, replace(REQUEST, where="cancer = prostate"))
    create_dataset(node.home, replace(REQUEST, title="Others", where="cancer = lung"))
    (made,) = renew(node.home, opt_out(node.home, named(HER)))
    assert (made.dataset_id, made.version) == ("images", 2)
    manifest = dataset_store(node).manifest(DatasetId("images"), 2)
    assert (manifest.where, manifest.tables["patient"].n_rows) == ("cancer = prostate", 14)


def test_who_takes_it_back_is_in_the_next_version_again(node: Node) -> None:
    first = create_dataset(node.home, REQUEST)
    renew(node.home, opt_out(node.home, named(HER)))
    outcome = take_back(node.home, named(HER))
    assert outcome.changed == {subject_of(node, HER)}
    third = create_dataset(node.home, REQUEST)
    assert (third.version, third.n_rows) == (3, first.n_rows)
    assert take_back(node.home, named(HER)).changed == frozenset()


def test_opting_out_again_changes_nothing_however_the_identifier_is_written(node: Node) -> None:
    opt_out(node.home, named(HER), reason="first")
    for written in (" 19121212 0007 ", "191212120007", HER, subject_of(node, HER)):
        assert opt_out(node.home, named(written), reason="again").changed == frozenset()
    assert opt_out(node.home, named(HER), issuer="region-ost").changed == frozenset()
    (one,) = exclusions_of(node.home).all()
    assert (one.reason, one.since.microsecond) == ("first", 0)
    other = opt_out(node.home, named(HER), issuer="ELSEWHERE")
    assert (len(other.changed), other.in_node, other.versions) == (1, frozenset(), ())


def test_a_damaged_version_does_not_stop_the_opt_out(node: Node) -> None:
    made = create_dataset(node.home, REQUEST)
    (made.folder / "patient.parquet").chmod(0o600)
    (made.folder / "patient.parquet").write_bytes(b"PAR1 nothing PAR1")
    outcome = opt_out(node.home, named(HER))
    assert exclusions_of(node.home).excluded() == {subject_of(node, HER)}
    assert [one.subjects for one in outcome.versions] == [None]


def test_she_is_out_even_when_what_was_published_cannot_be_read(node: Node) -> None:
    create_dataset(node.home, REQUEST)
    (node.link / "published.json").write_text("{", "utf-8")
    with pytest.raises(InvalidSettings, match=r"published\.json"):
        opt_out(node.home, named(HER))
    assert exclusions_of(node.home).excluded() == {subject_of(node, HER)}


def test_a_version_that_holds_her_is_not_published_any_more(node: Node) -> None:
    create_dataset(node.home, replace(REQUEST, where="cancer = prostate"))
    opt_out(node.home, named(HER))
    with pytest.raises(Conflict, match=r"holds 1 .* --id images --where 'cancer = prostate'"):
        publish(node.home, "images")


def test_a_dataset_of_nobody_else_has_no_new_version_and_says_so(tmp_path: Path) -> None:
    node = init_node(tmp_path / "one", NodeSettings(name="One", country="SE"))
    put_patients(node, [HER])
    create_dataset(node.home, REQUEST)
    (made,) = renew(node.home, opt_out(node.home, named(HER)))
    assert made.version is None and "nothing to put" in made.problem


def test_images_of_hers_that_arrive_later_are_held_and_come_in_when_she_takes_it_back(
    node: Node, tmp_path: Path
) -> None:
    pacs = tmp_path / "pacs"
    hers = write_series(pacs / "hers", 3, patient=HER, study=1)
    write_series(pacs / "his", 2, patient="19500101-1234", study=2)
    screen = dcmread(hers[2])
    screen.BurnedInAnnotation = "YES"  # without the opt-out: held, with a copy in quarantine
    screen.save_as(hers[2])
    opt_out(node.home, named(HER))
    before = node.index.totals()

    def take() -> dict[tuple[State, str], int]:
        list(ingest_sources(node, list_sources([pacs]), workers=1))
        return node.ledger.counts()

    for _ in range(2):
        assert take() == {(State.HELD, "opted-out"): 3, (State.STORED, ""): 2}
    assert node.index.totals().n_instances == before.n_instances + 2
    assert list((node.identified / "quarantine").iterdir()) == []
    assert list((node.research / "staging").iterdir()) == []
    take_back(node.home, named(HER))
    assert take() == {(State.HELD, "burned-in"): 1, (State.STORED, ""): 4}


def test_clinical_rows_of_hers_that_arrive_later_are_not_stored(tmp_path: Path) -> None:
    node = init_node(tmp_path / "home", NodeSettings(name="Linköping", country="SE"))
    (tmp_path / "table.csv").write_text(
        f"pnr,cancer,stage\n{HER},prostate,II\n19130101-1111,lung,I\n", "utf-8"
    )
    (tmp_path / "map.toml").write_text(MAPPING, "utf-8")
    opt_out(node.home, named(HER))
    words = ("clinical", "apply", node.home, tmp_path / "table.csv", "--mapping")
    done = tessera(*words, tmp_path / "map.toml", "--json")
    assert json.loads(done.stdout)["subjects"] == 1, done.stderr
    assert files_with(node.research, subject_of(node, HER)) == set()
    assert files_with(node.research, subject_of(node, "19130101-1111"))


def test_the_commands_read_a_file_and_standard_input_and_repeat_no_identifier(
    node: Node, tmp_path: Path
) -> None:
    create_dataset(node.home, REQUEST)
    listed = tmp_path / "objections.txt"
    listed.write_text(f"\ufeff# by letter\n{HER}\n\n19999999-0000\r\n{HER}\n", "utf-8")
    command = ("node", "opt-out", "add", node.home)
    done = tessera(*command, "--file", listed, "--reason", "by letter")
    assert done.returncode == 0, done.stderr
    her, unknown = subject_of(node, HER), subject_of(node, "19999999-0000")
    assert done.stdout.splitlines() == [
        "opted out: 2 now, 0 before",
        f"1\t{her}\tin this node",
        f"2\t{unknown}\tnot in this node",
        "holds number 1: images version 1 (newest, not published)",
        "no run or training has seen any of them",
        "make and publish a new version of: images; the same command with --new-versions does it",
    ]
    assert "check how the identifier is written" in done.stderr
    again = json.loads(tessera(*command, "-", "--new-versions", "--json", given=HER).stdout)
    assert again["subjects"] == [{"subject": her, "changed": False, "in_node": True}]
    assert again["new_versions"] == [
        {"dataset_id": "images", "version": 2, "published": "no", "problem": ""}
    ]
    shown = json.loads(tessera("node", "opt-out", "list", node.home, "--json").stdout)
    assert {one["subject"] for one in shown} == {her, unknown}
    assert {one["reason"] for one in shown} == {"by letter"} and all(one["by"] for one in shown)
    assert json.loads(tessera("node", "status", node.home, "--json").stdout)["opted_out"] == 2
    removed = tessera("node", "opt-out", "remove", node.home, "--file", "-", given=f"{HER}\n")
    assert "taken off the list: 1; not on it: 0" in removed.stdout
    plain = tessera("node", "opt-out", "list", node.home)
    assert plain.stdout.startswith(f"{unknown}\t") and "1 opted out" in plain.stderr
    for one in (done, removed, plain):
        assert "1912" not in one.stdout + one.stderr
    assert files_with(node.identified, HER) == set()


@pytest.mark.parametrize(
    ("words", "given", "code", "says"),
    [
        ((), "", 2, "give one of"),
        ((HER, "--file", "x"), "", 2, "give one of"),
        (("--file", "absent.txt"), "", 1, "absent.txt cannot be read"),
        (("-",), "# nobody\n", 1, "holds no patient identifier"),
        (("-",), f"{HER}\n -- \n", 1, "standard input, line 2"),
        ((" ",), "", 1, "PATIENT_ID"),
    ],
)
def test_a_wrong_command_opts_nobody_out(
    node: Node, words: tuple[str, ...], given: str, code: int, says: str
) -> None:
    done = tessera("node", "opt-out", "add", node.home, *words, given=given)
    assert done.returncode == code, done.stdout
    assert says in done.stderr
    assert exclusions_of(node.home).excluded() == frozenset()


def test_a_file_in_another_encoding_is_named_and_not_quoted(node: Node, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_bytes("Åsa-1\n".encode("latin-1"))
    done = tessera("node", "opt-out", "add", node.home, "--file", tmp_path / "ids.txt")
    assert done.returncode == 1
    assert "ids.txt is not UTF-8" in done.stderr and "sa-1" not in done.stderr


def test_help_says_why_a_file_is_better() -> None:
    said = " ".join(tessera("node", "opt-out", "add", "--help").stdout.replace("│", "").split())
    assert "none stands on a command line" in said
    assert "use --file or -" in said


def test_a_folder_that_is_no_home_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        opt_out(tmp_path, named(HER))
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_freeze_when_all_have_opted_out(node: Node) -> None:
    opt_out(node.home, named(*PATIENTS))
    with pytest.raises(InvalidInput, match="nothing to put"):
        create_dataset(node.home, REQUEST)


def test_the_audit_log_says_that_it_was_written_and_not_for_whom(tmp_path: Path) -> None:
    node = init_node(tmp_path / "home", NodeSettings(name="Linköping", country="SE"))
    put_patients(node)
    opt_out(node.home, [Identified(PATIENTS[0])])
    opt_out(node.home, [Identified(PATIENTS[0])])
    take_back(node.home, [Identified(PATIENTS[0])])
    told = [entry.event for entry in entries(node.home)]
    assert [event.event for event in told] == ["opt-out-written", "opt-out-taken-back"]
    assert all(event.facts == {"subjects": 1} for event in told)
