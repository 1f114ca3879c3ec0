"""DICOMweb on a real socket: search, retrieve, store, and who may."""

import json
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pydicom
import pytest

from tessera.adapters.sqlite_node.connection import connect
from tessera.bootstrap.dicomweb import add_key, keys_of
from tessera.bootstrap.exclusions import exclusions_of
from tessera.domain.access.exclusions import Exclusion
from tessera.domain.dicomweb.multipart import MultipartReader, PartBegins, PartBytes
from tessera.domain.ids import InstanceUid, Pseudonym
from tests.deid_oracle import encoded
from tests.dicom_files import ct_slice, write_series
from tests.web_trial import OPERATOR, Served, make_node, served

J2K = "1.2.840.10008.1.2.4.90"
EXPLICIT = "1.2.840.10008.1.2.1"
DICOM_PARTS = 'multipart/related; type="application/dicom"'
OCTET_PARTS = 'multipart/related; type="application/octet-stream"'


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("web")
    write_series(folder / "in/a", 3)
    write_series(folder / "in/b", 2, series=2)
    write_series(folder / "in/c", 1, study=2, patient="19500101-0001")
    compressed = ct_slice(1, study=3, patient="19600101-0003", side=32)
    ds = pydicom.dcmread(BytesIO(encoded(compressed)))
    ds.compress(J2K, generate_instance_uid=False)
    (folder / "in/d").mkdir()
    ds.save_as(folder / "in/d/1", enforce_file_format=True)
    with served(make_node(folder, folder / "in")) as found:
        yield found


@pytest.fixture
def client(web: Served) -> Iterator[httpx.Client]:
    with web.client() as made:
        yield made


def value(instance: dict[str, Any], tag: str) -> Any:
    return instance[tag]["Value"][0]


def studies(client: httpx.Client, **parameters: str) -> list[dict[str, Any]]:
    answer = client.get("/studies", params=parameters)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def big_study(client: httpx.Client) -> str:
    return next(value(s, "0020000D") for s in studies(client) if value(s, "00201206") == 2)


def first_instance(client: httpx.Client, study: str) -> str:
    one = client.get(f"/studies/{study}/instances").json()[0]
    return f"/studies/{study}/series/{series_of(one)}/instances/{value(one, '00080018')}"


def series_of(one: dict[str, Any]) -> str:
    return str(value(one, "00081190")).partition("/series/")[2].partition("/")[0]


def compressed_instance(client: httpx.Client) -> str:
    rows = client.get("/instances", params={"Rows": "32"}).json()
    assert len(rows) == 1
    return str(value(rows[0], "00081190")).partition("/dicom-web")[2]


def parts_of(answer: httpx.Response) -> list[tuple[dict[str, str], bytes]]:
    boundary = answer.headers["content-type"].partition("boundary=")[2]
    reader = MultipartReader(boundary)
    parts: list[tuple[dict[str, str], bytes]] = []
    for piece in reader.feed(answer.content):
        if isinstance(piece, PartBegins):
            parts.append((dict(piece.headers), b""))
        elif isinstance(piece, PartBytes):
            parts[-1] = (parts[-1][0], parts[-1][1] + piece.data)
    assert reader.is_whole
    return parts


def test_nothing_is_answered_without_a_key(web: Served) -> None:
    for path in ("/studies", "/studies/1.2/metadata", "/capabilities", "/nothing", "/studies/1.2"):
        answer = httpx.get(web.base + path, trust_env=False)
        assert answer.status_code == 401, path
        assert "www-authenticate" in answer.headers
    assert (
        httpx.get(web.base + "/studies", headers={"Authorization": "Bearer x"}).status_code == 401
    )
    assert httpx.post(web.base + "/studies", content=b"x").status_code == 401


def test_the_operators_cookie_reads_on_this_computer_and_writes_nowhere(web: Served) -> None:
    headers = {"cookie": f"tessera_desk={OPERATOR}"}
    get = httpx.get(web.base + "/studies", headers=headers)
    assert get.status_code == 200
    for other in (
        headers | {"host": "evil.example:80"},
        headers | {"sec-fetch-site": "cross-site"},
        {"cookie": "tessera_desk=x"},
    ):
        assert httpx.get(web.base + "/studies", headers=other).status_code == 401
    assert httpx.post(web.base + "/studies", headers=headers, content=b"").status_code == 401


def test_a_key_sees_its_studies_and_nothing_else(web: Served, client: httpx.Client) -> None:
    study = big_study(client)
    others = [value(s, "0020000D") for s in studies(client) if value(s, "0020000D") != study]
    with web.client(add_key(web.node, "one", days=1, studies=[study])) as narrow:
        assert [value(s, "0020000D") for s in studies(narrow)] == [study]
        assert len(narrow.get("/series").json()) == 2
        assert len(narrow.get("/instances").json()) == 5
        for other in others:
            for path in ("", "/metadata", "/rendered", "/bulkdata"):
                assert narrow.get(f"/studies/{other}{path}").status_code == 404
            assert narrow.get(f"/studies/{other}/series").json() == []
        assert narrow.post("/studies", content=b"x").status_code == 403
        keys_of(web.node).remove("one")
        assert narrow.get("/studies").status_code == 401


def test_who_opted_out_is_seen_by_nobody(web: Served, client: httpx.Client) -> None:
    gone = next(s for s in studies(client) if value(s, "00201208") == 1)
    study, subject = value(gone, "0020000D"), Pseudonym(value(gone, "00100020"))
    before = len(studies(client))
    exclusions_of(web.node.home).add(
        [Exclusion(subject=subject, since=web.service.now(), by="x", reason="asked")]
    )
    try:
        web.service._looked = float("-inf")
        assert len(studies(client)) == before - 1
        assert client.get(f"/studies/{study}").status_code == 404
        assert client.get(f"/studies/{study}/metadata").status_code == 404
    finally:
        exclusions_of(web.node.home).remove([subject])
        web.service._looked = float("-inf")
    assert len(studies(client)) == before


def test_each_kind_of_matching_finds_what_it_should(client: httpx.Client) -> None:
    everything = studies(client)
    assert len(everything) == 3
    one = everything[0]
    name, day = value(one, "00100020"), value(one, "00080020")
    assert len(studies(client, PatientID=name)) == 1
    assert len(studies(client, PatientID=name[:-3] + "*")) == 1
    assert len(studies(client, PatientID="*" + name[-3:])) == 1
    assert len(studies(client, PatientID="TES-????????????????")) == 3
    assert studies(client, PatientID=name.lower()) == []
    both = ",".join(value(s, "0020000D") for s in everything[:2])
    assert len(studies(client, StudyInstanceUID=both)) == 2
    assert len(studies(client, StudyDate=f"{day}-{day}")) >= 1
    assert studies(client, StudyDate="19000101-19000102") == []
    assert len(studies(client, StudyTime="10-10")) == 3
    assert studies(client, StudyTime="-0959") == []
    assert len(studies(client, ModalitiesInStudy="CT")) == 3
    assert studies(client, ModalitiesInStudy="MR") == []
    assert len(client.get("/series", params={"BodyPartExamined": "CHE*"}).json()) == 4
    assert len(client.get("/series", params={"SeriesNumber": "2"}).json()) == 1
    assert len(client.get("/instances", params={"InstanceNumber": "1"}).json()) == 4


def test_a_page_says_that_there_is_more(client: httpx.Client) -> None:
    first = client.get("/instances", params={"limit": "4"})
    rest = client.get("/instances", params={"limit": "4", "offset": "4"})
    assert "additional results" in first.headers["warning"]
    assert "warning" not in rest.headers
    uids = [value(i, "00080018") for i in first.json() + rest.json()]
    assert len(uids) == len(set(uids)) == 7


def test_fuzzy_matching_is_answered_literally_and_says_so(client: httpx.Client) -> None:
    answer = client.get("/studies", params={"fuzzymatching": "true"})
    assert "fuzzymatching parameter is not supported" in answer.headers["warning"]


def test_more_fields_are_included_when_asked_for(client: httpx.Client) -> None:
    assert "00101010" not in studies(client)[0]
    assert value(studies(client, includefield="PatientAge")[0], "00101010")
    every = studies(client, includefield="all")[0]
    assert value(every, "00120062") == "YES"
    assert list(every) == sorted(every)
    one = client.get("/instances", params={"includefield": "all", "limit": "1"}).json()[0]
    assert value(one, "00200032") == 0.0


def test_bad_queries_are_refused(client: httpx.Client) -> None:
    for query in ("limit=x", "StudyDate=x", "NoSuch=1", "PatientID=a&PatientID=b", "PixelData=1"):
        assert client.get(f"/studies?{query}").status_code == 400


def test_metadata_is_that_of_the_files(web: Served, client: httpx.Client) -> None:
    study = big_study(client)
    answer = client.get(f"/studies/{study}/metadata")
    assert answer.headers["content-encoding"] == "gzip"
    for one in answer.json():
        row = web.node.index.find([InstanceUid(value(one, "00080018"))])
        path = web.node.store.path(next(iter(row.values())).path)
        told = json.loads(pydicom.dcmread(path).to_json(bulk_data_element_handler=lambda _: ""))
        assert told.keys() == one.keys()
        assert value(one, "00200032") == value(told, "00200032")
    again = client.get(
        f"/studies/{study}/metadata", headers={"if-none-match": answer.headers["etag"]}
    )
    assert again.status_code == 304


def test_metadata_opens_no_file(web: Served, client: httpx.Client) -> None:
    study = big_study(client)
    instances = web.node.store.instances
    instances.rename(instances.with_name("away"))
    try:
        assert client.get(f"/studies/{study}/metadata").status_code == 200
    finally:
        instances.with_name("away").rename(instances)


def test_metadata_as_xml_is_the_native_model(client: httpx.Client) -> None:
    from xml.etree import ElementTree as ET

    answer = client.get(
        f"/studies/{big_study(client)}/metadata",
        headers={"accept": 'multipart/related; type="application/dicom+xml"'},
    )
    parts = parts_of(answer)
    assert len(parts) == 5
    for _, body in parts:
        assert ET.fromstring(body).tag.endswith("NativeDicomModel")  # noqa: S314 - of our own server


def test_a_study_comes_with_the_bytes_of_its_files(web: Served, client: httpx.Client) -> None:
    study = big_study(client)
    answer = client.get(f"/studies/{study}", headers={"accept": DICOM_PARTS})
    rows = {row.sha256: row for row in web.node.index.all() if row.study_uid == study}
    files = sorted(web.node.store.path(row.path).read_bytes() for row in rows.values())
    assert sorted(body for _, body in parts_of(answer)) == files
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_many_answers_go_over_one_connection(client: httpx.Client) -> None:
    study = big_study(client)
    for _ in range(5):
        assert len(parts_of(client.get(f"/studies/{study}", headers={"accept": DICOM_PARTS}))) == 5
        assert client.head(f"/studies/{study}").content == b""
        assert len(studies(client)) == 3


def test_one_instance_comes_by_itself_and_by_ranges(client: httpx.Client) -> None:
    path = first_instance(client, big_study(client))
    one = {"accept": "application/dicom"}
    whole = client.get(path, headers=one)
    assert pydicom.dcmread(BytesIO(whole.content)).SOPInstanceUID == path.rpartition("/")[2]
    for header, expected in (
        ("bytes=10-19", whole.content[10:20]),
        ("bytes=-7", whole.content[-7:]),
        ("bytes=100-", whole.content[100:]),
    ):
        part = client.get(path, headers=one | {"range": header})
        assert (part.status_code, part.content) == (206, expected)
    assert client.get(path, headers=one | {"range": "bytes=9999999-"}).status_code == 416
    tag = {"if-none-match": whole.headers["etag"]}
    assert client.get(path, headers=one | tag).status_code == 304


def test_transfer_syntaxes_are_negotiated(client: httpx.Client) -> None:
    path = compressed_instance(client)

    def syntax_of(accept: str) -> str:
        answer = client.get(path, headers={"accept": accept})
        if answer.status_code != 200:
            return str(answer.status_code)
        ((_, body),) = parts_of(answer)
        ds = pydicom.dcmread(BytesIO(body))
        assert set(ds.pixel_array.flat) == {1}
        return str(ds.file_meta.TransferSyntaxUID)

    assert syntax_of(f"{DICOM_PARTS}; transfer-syntax=*") == J2K
    assert syntax_of(f"{DICOM_PARTS}; transfer-syntax={J2K}") == J2K
    assert syntax_of("*/*") == J2K
    assert syntax_of(DICOM_PARTS) == EXPLICIT
    assert syntax_of(f"{DICOM_PARTS}; transfer-syntax=1.2.840.10008.1.2.4.50") == "406"
    assert (
        syntax_of(f"{DICOM_PARTS}; transfer-syntax=1.2.840.10008.1.2.4.50, {DICOM_PARTS}; q=0.5")
        == EXPLICIT
    )
    assert syntax_of("text/html") == "406"


def test_frames_come_decoded_or_as_they_are(web: Served, client: httpx.Client) -> None:
    path = compressed_instance(client)
    native = client.get(f"{path}/frames/1", headers={"accept": OCTET_PARTS})
    ((headers, body),) = parts_of(native)
    assert headers["content-type"].endswith(EXPLICIT)
    assert body == (1).to_bytes(2, "little") * 32 * 32
    stored = client.get(f"{path}/frames/1", headers={"accept": f"{OCTET_PARTS}; transfer-syntax=*"})
    ((headers, stream),) = parts_of(stored)
    assert headers["content-type"].endswith(J2K)
    assert stream[:2] == b"\xff\x4f"
    single = client.get(f"{path}/frames/1", headers={"accept": "image/jp2"})
    assert single.content == stream
    assert client.get(f"{path}/frames/2", headers={"accept": "*/*"}).status_code == 404
    assert client.get(f"{path}/frames/0", headers={"accept": "*/*"}).status_code == 404
    assert client.get(f"{path}/frames/x", headers={"accept": "*/*"}).status_code == 400
    jpeg = f'multipart/related; type="image/jpeg"; transfer-syntax={J2K}'
    assert client.get(f"{path}/frames/1", headers={"accept": jpeg}).status_code == 406


def test_bulk_data_is_what_metadata_says(client: httpx.Client) -> None:
    path = first_instance(client, big_study(client))
    (one,) = client.get(f"{path}/metadata").json()
    where = one["7FE00010"]["BulkDataURI"]
    answer = client.get(where)
    assert len(answer.content) == 16 * 16 * 2
    assert client.get(where, headers={"range": "bytes=0-1"}).content == answer.content[:2]
    assert len(parts_of(client.get(f"{path}/bulkdata"))) == 1
    for wrong in ("00100010/1/00100020", "zz", "7FE00010/1/1", "00081115/0/00081155"):
        assert client.get(f"{path}/bulk/{wrong}").status_code == 404


def test_pictures_are_rendered(client: httpx.Client) -> None:
    from PIL import Image

    study = big_study(client)
    path = first_instance(client, study)
    for where in (f"/studies/{study}", path.partition("/instances")[0], path, f"{path}/frames/1"):
        for kind in ("rendered", "thumbnail"):
            answer = client.get(f"{where}/{kind}", headers={"accept": "image/png"})
            assert answer.status_code == 200, answer.text
            size = 16 if kind == "rendered" else 128
            assert Image.open(BytesIO(answer.content)).size == (size, size)
    dark = client.get(
        f"{path}/rendered", params={"window": "1000,10,linear", "accept": "image/png"}
    )
    assert Image.open(BytesIO(dark.content)).getextrema() == (0, 0)
    for wrong in ({"window": "a"}, {"viewport": "0,9"}, {"quality": "101"}, {"window": "1,2,sig"}):
        assert client.get(f"{path}/rendered", params=wrong).status_code == 400
    assert client.get(f"{path}/rendered", headers={"accept": "image/gif"}).status_code == 406


def test_what_leaves_the_index_leaves_at_once(web: Served, client: httpx.Client) -> None:
    study = big_study(client)
    before = studies(client, StudyInstanceUID=study)[0]
    row = next(row for row in web.node.index.all() if row.study_uid == study)
    web.node.index.remove([row.instance_uid])
    try:
        after = studies(client, StudyInstanceUID=study)[0]
        assert value(after, "00201208") == value(before, "00201208") - 1
        assert (
            client.get(
                f"/studies/{study}/series/{row.series_uid}/instances/{row.instance_uid}"
            ).status_code
            == 404
        )
    finally:
        from tessera.testing.node_stores import sealed

        web.node.index.put(sealed(row))
        assert sum(web.service.describe()) == 1
    assert studies(client, StudyInstanceUID=study)[0] == before


def test_capabilities_are_told(client: httpx.Client) -> None:
    from xml.etree import ElementTree as ET

    assert ET.fromstring(client.get("/capabilities").content).tag.endswith("application")  # noqa: S314 - the same
    assert ET.fromstring(client.request("OPTIONS", "/").content).tag.endswith("application")  # noqa: S314 - the same
    told = client.get("/capabilities", headers={"accept": "application/json"}).json()
    assert {"SearchForStudies", "StoreInstances"} <= {one["id"] for one in told["resources"]}


def stow(client: httpx.Client, *bodies: bytes, study: str = "", kind: str = "") -> httpx.Response:
    content = b"".join(
        b"\r\n--bb\r\nContent-Type: application/dicom\r\n\r\n" + body for body in bodies
    )
    default = 'multipart/related; type="application/dicom"; boundary=bb'
    return client.post(
        "/studies" + (f"/{study}" if study else ""),
        content=content[2:] + b"\r\n--bb--\r\n",
        headers={"content-type": kind or default},
    )


def received(web: Served) -> list[Path]:
    return sorted((web.node.identified / "received/stow").iterdir())


def test_instances_that_are_sent_are_taken_in(web: Served, client: httpx.Client) -> None:
    new = encoded(ct_slice(9, study=1, series=1))
    with web.service.keeping_up():
        answer = stow(client, new)
        assert answer.status_code == 200
        assert len(answer.json()["00081199"]["Value"]) == 1
        for _ in range(100):
            if len(client.get("/instances").json()) == 8:
                break
            time.sleep(0.1)
        assert len(client.get("/instances").json()) == 8
    assert received(web) == []


def test_each_instance_has_its_own_outcome(web: Served, client: httpx.Client) -> None:
    good, bad = encoded(ct_slice(8)), b"no DICOM at all"
    mixed = stow(client, bad, good)
    assert mixed.status_code == 202
    told = mixed.json()
    assert value(told["00081198"]["Value"][0], "00081197") == 0xC000
    assert value(told["00081199"]["Value"][0], "00081155") == ct_slice(8).SOPInstanceUID
    assert [path.read_bytes() for path in received(web)] == [good]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in received(web))
    received(web)[0].unlink()
    assert stow(client, bad).status_code == 409
    other = stow(client, good, study="1.2.3")
    assert other.status_code == 409
    assert value(other.json()["00081198"]["Value"][0], "00081197") == 0xA900
    assert received(web) == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/dicom+json", 415),
        (b"x", 'multipart/related; type="application/dicom+json"; boundary=b', 415),
        (b"x", "multipart/related; type=application/dicom", 400),
        (b"", "multipart/related; boundary=bb", 400),
        (b"--bb\r\n\r\nabc", "multipart/related; boundary=bb", 400),
        (b"--bb--", "multipart/related; boundary=bb", 400),
        (b"--bb garbage\r\n\r\n", "multipart/related; boundary=bb", 400),
        (b"--bb\r\n" + b"x" * 50_000, "multipart/related; boundary=bb", 400),
        (b"--bb\r\n\r\n\r\n--bb--", "multipart/related; boundary=" + "b" * 71, 400),
    ],
)
def test_hostile_bodies_leave_nothing(
    web: Served, client: httpx.Client, content: bytes, kind: str, status: int
) -> None:
    answer = client.post("/studies", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert received(web) == []


def test_a_reader_that_goes_away_stops_nothing(web: Served, client: httpx.Client) -> None:
    import socket

    study, port = big_study(client), int(web.base.rpartition(":")[2].partition("/")[0])
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(
                f"GET /dicom-web/studies/{study} HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {web.key}\r\n\r\n".encode()
            )
            raw.recv(10)
    assert len(parts_of(client.get(f"/studies/{study}"))) >= 5


def test_searches_run_beside_each_other(web: Served) -> None:
    problems: list[int] = []

    def ask() -> None:
        with web.client() as own:
            problems.extend(
                status for _ in range(10) if (status := own.get("/instances").status_code) != 200
            )

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_dicomweb_client_reads_everything(web: Served) -> None:
    api = pytest.importorskip("dicomweb_client.api")
    requests = pytest.importorskip("requests")
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {web.key}"
    peer = api.DICOMwebClient(web.base, session=session)
    n = 0
    for study in peer.search_for_studies():
        for series in peer.search_for_series(value(study, "0020000D")):
            uids = value(study, "0020000D"), value(series, "0020000E")
            metadata = peer.retrieve_series_metadata(*uids)
            assert len(metadata) == value(series, "00201209")
            assert len(peer.retrieve_series(*uids)) == len(metadata)
            for one in metadata:
                uid = value(one, "00080018")
                assert peer.retrieve_instance(*uids, uid).SOPInstanceUID == uid
                assert peer.retrieve_instance_frames(*uids, uid, [1])
                assert peer.retrieve_bulkdata(one["7FE00010"]["BulkDataURI"])
                assert peer.retrieve_instance_rendered(*uids, uid)[:2] == b"\xff\xd8"
                n += 1
    assert n >= 7


def test_a_home_of_before_is_described(tmp_path: Path) -> None:
    """A database of version 1 gets the tables, and what is in it waits to be described."""
    from tessera.adapters.sqlite_node.instance_index import MIGRATIONS
    from tessera.adapters.sqlite_node.web_index import SqliteWebIndex

    write_series(tmp_path / "in", 2)
    node = make_node(tmp_path, tmp_path / "in")
    rows = SimpleNamespace(old=list(node.index.all()))
    old = tmp_path / "old.sqlite"
    db = connect(old, MIGRATIONS[:1])
    new = node.home / "research/index.sqlite"
    db.execute("ATTACH ? AS new", (str(new),))
    db.execute("INSERT INTO instance SELECT * FROM new.instance")
    db.close()
    assert len(SqliteWebIndex(old).waiting(10)) == len(rows.old) == 2
