"""QIDO-RS over a large index: latency in the index and through HTTP on one connection.

Usage: python bench/qido.py [--series 1500000] [--requests 1500] [--index FILE]
Makes the index when FILE is not there (a minute and 2 GB for 1.5 million series).
"""

import argparse
import http.client
import random
import sqlite3
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from tessera.adapters.pixels.web import FolderWebPixels
from tessera.adapters.sqlite_node.connection import connect
from tessera.adapters.sqlite_node.instance_index import MIGRATIONS
from tessera.adapters.sqlite_node.web_index import SqliteWebIndex
from tessera.adapters.sqlite_node.web_keys import SqliteWebKeys
from tessera.adapters.sqlite_node.web_tables import SERIES_COLUMNS, STUDY_COLUMNS
from tessera.domain.dicomweb.answers import series_answer, series_rest, study_answer, study_rest
from tessera.domain.dicomweb.levels import Level
from tessera.domain.dicomweb.query import web_query
from tessera.http.dicomweb.app import create_dicomweb
from tessera.ports.web_index import Sight
from tessera.ports.web_keys import WebKey

MODALITIES = ("CT", "MR", "PT", "MG", "US", "DX", "SEG", "RTSTRUCT", "NM")
WEIGHTS = (44, 27, 9, 4, 5, 5, 4, 2, 0.01)
PARTS = ("CHEST", "BREAST", "PROSTATE", "ABDOMEN", "PELVIS", "BRAIN", "LIVER", "NECK")
FIRST = date(2004, 1, 1)
PAGE = 100


def make(path: Path, n_series: int) -> None:
    """Write an index of `n_series` series in studies of six on average, two studies a patient."""
    db = connect(path, MIGRATIONS)
    db.execute("PRAGMA synchronous = OFF")
    rnd = random.Random(7)
    db.execute("BEGIN")
    study = series = 0
    while series < n_series:
        study += 1
        n = min(n_series - series, 1 + rnd.randrange(11))
        uid, day = f"2.25.{study}", FIRST + timedelta(days=rnd.randrange(7600))
        known = {
            "study_uid": (0x0020000D, "UI", uid),
            "study_date": (0x00080020, "DA", f"{day:%Y%m%d}"),
            "study_time": (0x00080030, "TM", f"{rnd.randrange(24):02}{rnd.randrange(60):02}00"),
            "patient_id": (0x00100020, "LO", f"TES-{study // 2:07}"),
            "patient_name": (0x00100010, "PN", f"TES-{study // 2:07}"),
            "sex": (0x00100040, "CS", rnd.choice("FM")),
            "study_description": (0x00081030, "LO", rnd.choice(PARTS).title()),
        }
        parts = _parts(known)
        row = [known.get(name, (0, "", ""))[2] for name in STUDY_COLUMNS]
        marks = ", ".join("?" * (len(row) + 6))
        columns = f"id, subject, n_series, n_instances, {', '.join(STUDY_COLUMNS)}, answer, rest"
        db.execute(
            "INSERT INTO web_study " + f"({columns}) VALUES ({marks})",  # noqa: S608 - names of our own
            (
                study,
                known["patient_id"][2],
                0,
                40 * n,
                *row,
                study_answer(parts, uid),
                zlib.compress(study_rest(parts), 1),
            ),
        )
        for number in range(1, n + 1):
            series += 1
            told = {
                "series_uid": (0x0020000E, "UI", f"{uid}.{number}"),
                "modality": (0x00080060, "CS", rnd.choices(MODALITIES, WEIGHTS)[0]),
                "body_part": (0x00180015, "CS", rnd.choice(PARTS)),
                "series_number": (0x00200011, "IS", str(number)),
                "series_description": (0x0008103E, "LO", f"axial {rnd.randrange(400)}"),
            }
            parts = _parts(told)
            row = [told.get(name, (0, "", ""))[2] for name in SERIES_COLUMNS]
            marks = ", ".join("?" * (len(row) + 5))
            columns = f"study, n_instances, {', '.join(SERIES_COLUMNS)}, answer, rest, first"
            db.execute(
                "INSERT INTO web_series " + f"({columns}) VALUES ({marks})",  # noqa: S608 - names of our own
                (
                    study,
                    40,
                    *row,
                    series_answer(parts, uid, f"{uid}.{number}"),
                    zlib.compress(series_rest(parts), 1),
                    b"",
                ),
            )
    db.execute("COMMIT")
    db.close()


def _parts(known: dict[str, tuple[int, str, str]]) -> dict[int, str]:
    parts = {}
    for tag, vr, text in known.values():
        value = f'{{"Alphabetic":"{text}"}}' if vr == "PN" else f'"{text}"'
        parts[tag] = f'{{"vr":"{vr}","Value":[{text if vr == "IS" else value}]}}'
    return parts


def questions(
    n_studies: int,
) -> dict[str, tuple[Level, Callable[[random.Random], list[tuple[str, str]]]]]:
    """Return the kinds of query: name → level and parameters."""

    def patient(rnd: random.Random) -> str:
        return f"TES-{rnd.randrange(n_studies // 2):07}"

    def day(rnd: random.Random) -> date:
        return FIRST + timedelta(days=rnd.randrange(7600))

    def week(rnd: random.Random) -> str:
        first = day(rnd)
        return f"{first:%Y%m%d}-{first + timedelta(days=7):%Y%m%d}"

    return {
        "studies by PatientID": ("studies", lambda r: [("PatientID", patient(r))]),
        "studies by PatientID with wildcard": (
            "studies",
            lambda r: [("PatientID", patient(r)[:-2] + "*")],
        ),
        "studies of a week": ("studies", lambda r: [("StudyDate", week(r))]),
        "studies, all, any page of the first 10,000": (
            "studies",
            lambda r: [("offset", str(r.randrange(0, 10_000, PAGE)))],
        ),
        "studies with a rare modality": ("studies", lambda _: [("ModalitiesInStudy", "NM")]),
        "series by Modality": ("series", lambda r: [("Modality", r.choice(MODALITIES))]),
        "series by Modality in a week": (
            "series",
            lambda r: [("Modality", "MR"), ("StudyDate", week(r))],
        ),
        "series by body part and modality": (
            "series",
            lambda r: [("BodyPartExamined", r.choice(PARTS)), ("Modality", "PT")],
        ),
        "series of a study": (
            "series",
            lambda r: [("StudyInstanceUID", f"2.25.{1 + r.randrange(n_studies)}")],
        ),
        "series of a study, all fields": (
            "series",
            lambda r: [
                ("StudyInstanceUID", f"2.25.{1 + r.randrange(n_studies)}"),
                ("includefield", "all"),
            ],
        ),
    }


class Service:
    """One node's DICOMweb, of its index alone."""

    def __init__(self, path: Path) -> None:
        self.index = SqliteWebIndex(path)
        self.keys = SqliteWebKeys(path)
        self.pixels = FolderWebPixels()

    @property
    def inbox(self) -> object:
        raise NotImplementedError

    def path(self, place: str) -> Path:
        return Path(place)

    def file(self, place: str) -> str:
        return place

    def hidden(self) -> frozenset[str]:
        return _HIDDEN

    def arrived(self) -> None:
        pass

    def now(self) -> datetime:
        return datetime.now(UTC)


_HIDDEN = frozenset(f"TES-{n:07}" for n in range(0, 2000, 20))
"""A hundred patients who opted out."""


def told(name: str, seconds: list[float], rows: float) -> None:
    seconds.sort()
    ms = [seconds[int(len(seconds) * q)] * 1000 for q in (0.5, 0.9, 0.99)]
    print(f"| {name} | {rows:.0f} | {ms[0]:.2f} | {ms[1]:.2f} | {ms[2]:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=int, default=1_500_000)
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--index", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.index or Path(folder) / "index.sqlite"
        if not path.exists():
            began = time.perf_counter()
            make(path, given.series)
            print(f"index made in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        measure(path, given.requests)


def measure(path: Path, n: int) -> None:
    db = sqlite3.connect(path)
    n_studies, n_series = (
        db.execute(f"SELECT max(id) FROM web_{t}").fetchone()[0]  # noqa: S608 - names of our own
        for t in ("study", "series")
    )
    db.close()
    service, sight = Service(path), Sight("", _HIDDEN)
    print(
        f"{n_series:,} series in {n_studies:,} studies; pages of {PAGE}; a hundred patients "
        "hidden. Milliseconds.\n"
    )
    print("| query | rows | p50 | p90 | p99 |\n|---|---|---|---|---|")
    kinds = questions(n_studies)
    everything: list[float] = []
    for name, (level, ask) in kinds.items():
        rnd, seconds, rows = random.Random(3), [], 0
        for number in range(n // len(kinds) + 10):
            query = [*ask(rnd), ("limit", str(PAGE))]
            began = time.perf_counter()
            found = service.index.search(web_query(level, query), sight, "http://x/dicom-web")
            body = b"[" + b",".join(found.answers) + b"]"
            if number >= 10 and body:
                seconds.append(time.perf_counter() - began)
                rows += len(found.answers)
        everything += seconds
        told(name, seconds, rows / len(seconds))
    told("**all, in the server**", everything, 0)
    _through_http(service, kinds, n)


def _through_http(service: Service, kinds: object, n: int) -> None:
    import socket
    from urllib.parse import urlencode

    from tessera.bootstrap.dicomweb import server_for

    now = service.now()
    if service.keys.find(sha256(b"bench").digest()) is None:
        key = WebKey(
            name="bench", sees_all=True, may_store=False, made=now, ends=now + timedelta(days=900)
        )
        service.keys.add(key, sha256(b"bench").digest(), ())
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = server_for(create_dicomweb(service))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    connection = http.client.HTTPConnection("127.0.0.1", listening.getsockname()[1])
    rnd, seconds = random.Random(4), []
    for number in range(n):
        level, ask = list(kinds.values())[number % len(kinds)]  # type: ignore[attr-defined]
        words = urlencode([*ask(rnd), ("limit", str(PAGE))])
        began = time.perf_counter()
        connection.request(
            "GET", f"/dicom-web/{level}?{words}", headers={"Authorization": "Bearer bench"}
        )
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {body[:200]!r}")
        seconds.append(time.perf_counter() - began)
    told("**all, through HTTP, client in the same process**", seconds, 0)
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    main()
