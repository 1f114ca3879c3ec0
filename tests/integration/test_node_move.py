"""A node on PostgreSQL and S3: moved there, at work there, backed up, and moved back."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Timer
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from tessera.adapters.access_runs import FolderViews
from tessera.bootstrap.backup import back_up, restore
from tessera.bootstrap.check import CheckRequest, check
from tessera.bootstrap.datasets import DatasetRequest, clinical_store, create_dataset
from tessera.bootstrap.dicomweb import keys_of
from tessera.bootstrap.exclusions import exclusions_of
from tessera.bootstrap.fsck import fsck
from tessera.bootstrap.ingest import ingest_sources, list_sources
from tessera.bootstrap.move import move
from tessera.bootstrap.node import Node, NodeSettings, init_node, open_node
from tessera.bootstrap.pixels import review_queue_of
from tessera.bootstrap.status import node_status
from tessera.bootstrap.store_settings import with_settings
from tessera.bootstrap.stores import fetched_from
from tessera.cli import app
from tessera.cli.register import register_all
from tessera.domain.errors import Conflict, InvalidInput, InvalidSettings, Unavailable
from tessera.ports.ledger import State
from tessera.ports.web_keys import WebKey
from tessera.testing import clinical_store as clinical
from tessera.testing.exclusions import exclusion
from tessera.testing.review_queue import review_item
from tests.dicom_files import write_series
from tests.postgres_server import PostgresServer, running_postgres
from tests.s3_server import S3Server, running_s3
from tests.web_trial import served

register_all(app)
N = 6
DIGEST = sha256(b"a key").digest()
KEY = WebKey(
    name="viewer",
    sees_all=False,
    may_store=True,
    made=datetime(2026, 1, 2, tzinfo=UTC),
    ends=datetime(2027, 1, 2, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    with running_postgres() as running:
        yield running


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with running_s3() as running:
        yield running


def take_in(node: Node, pacs: Path) -> None:
    list(ingest_sources(node, list_sources([pacs]), workers=1))


@pytest.fixture
def node(tmp_path: Path) -> Node:
    made = init_node(tmp_path / "home", NodeSettings(name="A", country="SE", minimum_count=1))
    paths = write_series(tmp_path / "pacs", N)
    (tmp_path / "pacs" / "cut-off").write_bytes(paths[0].read_bytes()[:900])
    take_in(made, tmp_path / "pacs")
    clinical_store(made).replace(clinical.sealed(clinical.record("TES-A")), clinical.delivery())
    exclusions_of(made.home).add([exclusion("TES-A", reason="å")])
    review_queue_of(made.home).put([review_item("a")])
    keys_of(made).add(KEY, DIGEST, ["2.25.1", "2.25.2"])
    return made


@pytest.fixture
def to_postgres(postgres: PostgresServer, tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "dsn"
    file.write_text(postgres.dsn)
    file.chmod(0o600)
    return {"postgres_dsn_file": str(file), "postgres_schema": f"t{uuid4().hex}"}


@pytest.fixture
def to_s3(s3: S3Server, tmp_path: Path) -> dict[str, str]:
    place, file = s3.settings(), tmp_path / "s3.toml"
    file.write_text(
        f'access_key_id = "{place["access_key"]}"\nsecret_access_key = "{place["secret_key"]}"\n'
    )
    file.chmod(0o600)
    return {
        "s3_bucket": place["bucket"],
        "s3_prefix": place["prefix"],
        "s3_endpoint": place["endpoint"],
        "s3_region": place["region"],
        "s3_credentials_file": str(file),
    }


def state(home: Path) -> dict[str, object]:
    """Return all that a node knows, from wherever it keeps it."""
    node = open_node(home)
    return {
        "rows": list(node.index.all()),
        "counts": node.ledger.counts(),
        "entries": sorted(map(repr, node.ledger.entries(tuple(State)))),
        "tally": dict(node.ledger.tally()),
        "opted out": exclusions_of(home).all(),
        "records": list(clinical_store(node).all()),
        "deliveries": clinical_store(node).deliveries(),
        "waiting": [one.item_id for one in review_queue_of(home).waiting()],
        "keys": keys_of(node).all(),
        "opens": keys_of(node).find(DIGEST),
        "picture": review_queue_of(home).find(review_item("a").item_id).pictures[0].png.value,
    }


def test_a_node_moves_to_postgresql_and_s3_works_there_and_moves_back(
    node: Node, to_postgres: dict[str, str], to_s3: dict[str, str], tmp_path: Path
) -> None:
    before, home = state(node.home), node.home
    assert before["opens"] == replace(KEY, n_studies=2)
    (home / "node.toml").write_text(
        "# our own comment\n" + (home / "node.toml").read_text("utf-8"), "utf-8"
    )
    moved = move(home, "postgresql", to_postgres)
    assert any(path.endswith("ledger.sqlite.moved") for path in moved.left)
    assert state(home) == before
    files = move(home, "s3", to_s3)
    assert files.n_copied == N
    assert "# our own comment" in (home / "node.toml").read_text("utf-8")
    assert state(home) == before
    assert list((home / "research" / "instances.moved").glob("*/*.dcm"))
    assert not list((home / "research").glob("instances/*/*"))

    there = open_node(home)
    write_series(tmp_path / "pacs", 3, study=2)
    take_in(there, tmp_path / "pacs")
    assert there.index.totals().n_instances == N + 3
    version = create_dataset(home, DatasetRequest(title="Images", contact_email="a@example.org"))
    assert version.n_rows["instance"]
    looked_at: list[int] = []
    request = CheckRequest(target=version.folder, workers=1)
    check(request, on_total=looked_at.append, on_outcome=lambda *_: None)
    assert looked_at == [N + 3]
    view = FolderViews(home / "research", fetched_from(home, there.settings)).make(
        tmp_path / "views" / "one" / "data",
        version.dataset_id,
        1,
        manifest_sha256=version.manifest_sha256,
        excluded=frozenset(),
    )
    shown = {path.name: path for path in view.folder.glob("instances/*/*.dcm")}
    assert {uid.removesuffix(".dcm") for uid in shown} == {
        r.instance_uid for r in there.index.all()
    }
    assert list(fsck(home, deep=True)) == []
    assert node_status(there)["opted_out"] == 1
    back_up(home, tmp_path / "kept")
    after = state(home)
    assert state(restore(tmp_path / "kept", tmp_path / "again")) == after
    assert list(fsck(tmp_path / "again", deep=True)) == []
    assert open_node(tmp_path / "again").settings.is_embedded

    move(home, "folder", {})
    back = move(home, "sqlite", {})
    assert state(home) == after
    assert all("_moved_" in name for name in back.left), "nobody takes it for the node's"
    assert list(fsck(home, deep=True)) == []
    assert open_node(home).settings == node.settings


def test_dicomweb_answers_from_postgresql_and_s3(
    node: Node, to_postgres: dict[str, str], to_s3: dict[str, str], tmp_path: Path
) -> None:
    move(node.home, "postgresql", to_postgres)
    move(node.home, "s3", to_s3)
    there = open_node(node.home)
    write_series(tmp_path / "more", 2, study=2)
    take_in(there, tmp_path / "more")
    for copy in (there.research / "cache").glob("*/*.dcm"):
        copy.unlink()
    row = next(iter(there.index.all()))
    with served(there) as web, web.client() as client:
        assert len(client.get("/studies").json()) == 2
        where = f"/studies/{row.study_uid}/series/{row.series_uid}/instances/{row.instance_uid}"
        answer = client.get(where, headers={"Accept": "application/dicom"})
        assert sha256(answer.content).hexdigest() == row.sha256


def test_faults_of_a_bucket_are_found_and_mended(
    node: Node, to_s3: dict[str, str], tmp_path: Path
) -> None:
    move(node.home, "s3", to_s3)
    there = open_node(node.home)
    rows = list(there.index.all())
    there.store.remove(rows[0].path)
    there.store.bucket.put("ab/2.25.777.dcm", tmp_path / "pacs" / "I00001")  # type: ignore[attr-defined]
    there.store.bucket.put(rows[1].path, tmp_path / "pacs" / "cut-off")  # type: ignore[attr-defined]
    found = sorted(one.kind for one in fsck(node.home, deep=True))
    assert found == ["file-extra", "file-missing", "file-size"]
    assert all(one.is_repaired for one in fsck(node.home, deep=True, repair=True))
    take_in(there, tmp_path / "pacs")
    assert list(fsck(node.home, deep=True)) == []
    assert list(there.index.all()) == rows


def test_an_ingest_lives_through_a_restart_and_an_outage(
    node: Node,
    to_postgres: dict[str, str],
    to_s3: dict[str, str],
    postgres: PostgresServer,
    s3: S3Server,
    tmp_path: Path,
) -> None:
    move(node.home, "postgresql", to_postgres)
    move(node.home, "s3", to_s3)
    there = open_node(node.home)
    write_series(tmp_path / "more", 30, study=3)
    s3.way.mode = "500"
    mended = Timer(0.6, setattr, (s3.way, "mode", "open"))
    mended.start()
    for number, _ in enumerate(ingest_sources(there, list_sources([tmp_path / "more"]), workers=1)):
        if number == 0:
            postgres.stop("immediate")
            Timer(0.3, postgres.start).start()
    mended.join()
    assert there.index.totals().n_instances == N + 30
    assert there.ledger.counts()[(State.STORED, "")] == N + 30
    assert list(fsck(node.home, deep=True)) == []


def test_an_ingest_that_a_store_stops_goes_on_with_the_next(
    node: Node,
    to_s3: dict[str, str],
    s3: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    move(node.home, "s3", to_s3)
    there = open_node(node.home)
    monkeypatch.setattr(there.store.bucket, "_patience_s", 0.2)  # type: ignore[attr-defined]
    write_series(tmp_path / "more", 5, study=3)
    s3.way.mode = "500"
    with pytest.raises(Unavailable, match="nothing is lost"):
        take_in(there, tmp_path / "more")
    s3.way.mode = "open"
    take_in(there, tmp_path / "more")
    assert there.ledger.counts()[(State.STORED, "")] == N + 5
    assert list(fsck(node.home, deep=True)) == []


def test_an_interrupted_move_goes_on_and_another_does_not_come_between(
    node: Node, to_s3: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tessera.adapters.s3 import S3Bucket

    real, n = S3Bucket.put, [0]

    def put(self: S3Bucket, key: str, path: Path) -> object:
        n[0] += 1
        if n[0] == 4:
            raise KeyboardInterrupt
        return real(self, key, path)

    monkeypatch.setattr(S3Bucket, "put", put)
    with pytest.raises(KeyboardInterrupt):
        move(node.home, "s3", to_s3)
    assert open_node(node.home).settings.is_embedded
    with pytest.raises(Conflict, match="another move is under way"):
        move(node.home, "s3", {**to_s3, "s3_prefix": "elsewhere"})
    before, n[0] = n[0], 100
    move(node.home, "s3", to_s3)
    assert n[0] - 100 < before + N, "what is there is not sent again"
    assert list(fsck(node.home, deep=True)) == []


def test_a_move_that_was_killed_after_the_switch_is_finished(
    node: Node, to_postgres: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tessera.bootstrap import move as module

    def killed(_home: Path) -> list[str]:
        raise KeyboardInterrupt

    before = state(node.home)
    monkeypatch.setattr(module, "_retired_files", killed)
    with pytest.raises(KeyboardInterrupt):
        move(node.home, "postgresql", to_postgres)
    monkeypatch.undo()
    assert (node.home / "identified" / "opt-out.sqlite").exists()
    assert move(node.home, "postgresql", to_postgres).left
    assert not (node.home / "identified" / "opt-out.sqlite").exists()
    assert not (node.home / "move.json").exists()
    assert state(node.home) == before


def test_a_damaged_file_stops_a_move_and_nothing_is_switched(
    node: Node, to_s3: dict[str, str]
) -> None:
    path = node.store.path(next(iter(node.index.all())).path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Conflict, match="nothing was switched"):
        move(node.home, "s3", to_s3)
    assert open_node(node.home).settings.is_embedded


def test_rows_that_get_lost_stop_a_move(
    node: Node, to_postgres: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tessera.adapters.postgres_node import copying

    real = copying._sqlite_rows

    def summary(home: Path, part: copying.Part) -> dict[str, copying.Summary]:
        with copying._opened(home, part) as db:
            return {t: copying.summary_of(real(db, part, t)) for t in part.tables}

    monkeypatch.setattr(copying, "_sqlite_rows", lambda db, part, t: list(real(db, part, t))[1:])
    monkeypatch.setattr(copying, "sqlite_summary", summary)
    with pytest.raises(Conflict, match="Nothing was switched"):
        move(node.home, "postgresql", to_postgres)
    assert open_node(node.home).settings.is_embedded
    monkeypatch.undo()
    before = state(node.home)
    move(node.home, "postgresql", to_postgres)
    assert state(node.home) == before


def test_two_nodes_do_not_share_a_schema(
    node: Node, to_postgres: dict[str, str], tmp_path: Path
) -> None:
    move(node.home, "postgresql", to_postgres)
    other = init_node(tmp_path / "other", NodeSettings(name="B", country="SE"))
    with pytest.raises(Conflict, match="holds rows already"):
        move(other.home, "postgresql", to_postgres)


def test_settings_that_were_taken_out_do_not_bring_an_old_state_back(
    node: Node, to_postgres: dict[str, str], to_s3: dict[str, str]
) -> None:
    plain = (node.home / "node.toml").read_text("utf-8")
    move(node.home, "postgresql", to_postgres)
    move(node.home, "s3", to_s3)
    (node.home / "node.toml").write_text(plain, "utf-8")
    for use in (
        lambda: exclusions_of(node.home).excluded(),
        lambda: open_node(node.home).ledger,
        lambda: open_node(node.home).store,
    ):
        with pytest.raises(Conflict, match="has moved to another store"):
            use()


def test_secrets_are_read_from_files_of_ones_own_and_never_shown(
    node: Node, to_postgres: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(to_postgres["postgres_dsn_file"])
    file.chmod(0o644)
    with pytest.raises(InvalidSettings, match="chmod 600"):
        move(node.home, "postgresql", to_postgres)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    move(node.home, "postgresql", {**to_postgres, "postgres_dsn_file": "credential:dsn"})
    text = (node.home / "node.toml").read_text("utf-8")
    assert 'postgres_dsn_file = "credential:dsn"' in text
    assert file.read_text() not in text + repr(asdict(open_node(node.home).settings))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"postgres_dsn_file": "x", "postgres_schema": "A; drop"}, "postgres_schema"),
        ({"s3_bucket": "b", "s3_endpoint": "https://" + "a:b@c"}, "no user or password"),
        ({"s3_bucket": "b", "s3_prefix": "../x y"}, "s3_prefix"),
    ],
)
def test_settings_that_cannot_be_are_refused(node: Node, values: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        move(node.home, "postgresql" if "postgres_dsn_file" in values else "s3", values)


def test_the_command_moves_and_says_so(node: Node, to_s3: dict[str, str]) -> None:
    run, home = CliRunner(), str(node.home)
    assert run.invoke(app, ["node", "move", home, "--to", "s3", "--schema", "x"]).exit_code == 2
    none = run.invoke(app, ["node", "move", home, "--to", "s3"])
    assert (none.exit_code, "say where to" in none.stderr) == (1, True)
    words = ["--bucket", to_s3["s3_bucket"], "--prefix", to_s3["s3_prefix"]]
    words += ["--endpoint", to_s3["s3_endpoint"], "--region", to_s3["s3_region"]]
    words += ["--credentials-file", to_s3["s3_credentials_file"], "--json"]
    done = run.invoke(app, ["node", "move", home, "--to", "s3", *words])
    assert (done.exit_code, json.loads(done.stdout)["copied"]) == (0, N)
    again = run.invoke(app, ["node", "move", home, "--to", "s3", *words])
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    with pytest.raises(InvalidInput):
        move(node.home, "postgresql", {})


def test_what_is_written_meanwhile_stops_a_move(
    node: Node, to_postgres: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tessera.adapters.postgres_node import copying

    real = copying.into_postgres

    def into_postgres(home: Path, database: object, part: copying.Part) -> None:
        real(home, database, part)  # type: ignore[arg-type]
        if part.tables == ("exclusion",):
            with closing(sqlite3.connect(home / part.file)) as db, db:
                db.execute("INSERT INTO exclusion VALUES ('TES-B', '2026-11-22', 'x', '')")

    monkeypatch.setattr(copying, "into_postgres", into_postgres)
    with pytest.raises(Conflict, match="Nothing was switched"):
        move(node.home, "postgresql", to_postgres)
    monkeypatch.undo()
    move(node.home, "postgresql", to_postgres)
    assert len(exclusions_of(node.home).all()) == 2


@pytest.mark.parametrize(
    ("values", "module", "extra"),
    [
        ({"postgres_dsn_file": "dsn"}, "tessera.adapters.postgres_node", "postgres"),
        ({"s3_bucket": "research"}, "tessera.adapters.s3", "s3"),
    ],
)
def test_an_extra_that_is_not_installed_is_named(
    node: Node,
    values: dict[str, str],
    module: str,
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    text = (node.home / "node.toml").read_text("utf-8")
    (node.home / "node.toml").write_text(with_settings(text, values), "utf-8")
    opened = open_node(node.home)
    with pytest.raises(InvalidSettings, match=rf"tessera-node\[{extra}\]"):
        _ = opened.store if extra == "s3" else opened.ledger


def test_a_kill_between_the_bucket_and_staging_is_rolled_forward(
    node: Node, to_s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(node.home, "s3", to_s3)
    there, n = open_node(node.home), [0]
    write_series(tmp_path / "more", 5, study=3)
    real = there.store.bucket.put  # type: ignore[attr-defined]

    def put(key: str, path: Path) -> object:
        done = real(key, path)
        n[0] += 1
        if n[0] == 3:
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(there.store.bucket, "put", put)  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        take_in(there, tmp_path / "more")
    monkeypatch.undo()
    again = open_node(node.home)
    take_in(again, tmp_path / "more")
    assert again.ledger.counts()[(State.STORED, "")] == N + 5
    assert dict(again.store.leftovers()) == {}
    assert list(fsck(node.home, deep=True)) == []


@pytest.mark.slow
def test_an_ingest_into_postgresql_and_s3_that_is_killed_loses_nothing(
    node: Node, to_postgres: dict[str, str], to_s3: dict[str, str], tmp_path: Path
) -> None:
    move(node.home, "postgresql", to_postgres)
    move(node.home, "s3", to_s3)
    write_series(tmp_path / "more", 80, study=3)
    program = "from tessera.cli import main; main()"
    words = ["node", "ingest", str(node.home), str(tmp_path / "more"), "--workers", "1"]
    there, n_killed = open_node(node.home), 0
    for share in (0.1, 0.6):
        running = subprocess.Popen(
            [sys.executable, "-c", program, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while running.poll() is None:
            if there.index.totals().n_instances >= N + 80 * share:
                running.kill()
                running.wait()
                n_killed += 1
    assert n_killed
    take_in(there, tmp_path / "more")
    assert there.ledger.counts()[(State.STORED, "")] == N + 80
    assert there.index.totals().n_instances == N + 80
    assert list(fsck(node.home, deep=True)) == []
