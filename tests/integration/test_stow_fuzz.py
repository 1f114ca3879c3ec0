"""Malformed bodies that are sent to be stored: refused, and nothing of them is left."""

import random
import socket
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest

from tessera.domain.dicomweb.multipart import MultipartReader
from tessera.domain.errors import InvalidInput
from tessera.http.dicomweb import store
from tests.dicom_files import write_series
from tests.web_trial import make_node, served

WHOLE = b"--bb\r\nContent-Type: application/dicom\r\n\r\n" + b"DICM" * 50 + b"\r\n--bb--\r\n"
KIND = 'multipart/related; type="application/dicom"; boundary=bb'


def malformed(chance: random.Random) -> bytes:
    body = bytearray(WHOLE * chance.randint(1, 2))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(body))
        body[at : at + chance.randint(0, 9)] = chance.choice(
            (b"", b"\r\n", b"--bb", b"--bb--", b"\0", chance.randbytes(5), b":" * 40)
        )
    return bytes(body[: chance.randint(1, len(body))])


def parse(body: bytes, cut: int) -> None:
    reader = MultipartReader("bb")
    with suppress(InvalidInput):
        for piece in (body[:cut], body[cut:]):
            list(reader.feed(piece))


def test_ten_thousand_malformed_bodies_are_parsed_or_refused_and_fill_no_memory() -> None:
    chance = random.Random(5)
    for _ in range(5000):
        parse(malformed(chance), chance.randint(0, 200))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(5000):
        parse(malformed(chance), chance.randint(0, 200))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 200_000


def test_a_server_refuses_malformed_bodies_and_slow_ones_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(6)
    with served(make_node(tmp_path, write_series(tmp_path / "pacs", 1))) as web:
        with web.client() as client:
            for _ in range(200):
                body = malformed(chance)
                answer = client.post("/studies", content=body, headers={"content-type": KIND})
                assert answer.status_code in (400, 409)
            monkeypatch.setattr(store, "PATIENCE_S", 0.3)
            address = web.base.removeprefix("http://").partition("/")[0].split(":")
            with socket.create_connection((address[0], int(address[1])), timeout=5) as slow:
                head = (
                    "POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
                    f"Authorization: Bearer {web.key}\r\nContent-Type: {KIND}\r\n\r\n"
                )
                slow.sendall(head.encode() + WHOLE[:100])
                began = time.monotonic()
                assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
                assert 0.2 < time.monotonic() - began < 10
            assert client.get("/studies").status_code == 200
        assert list((web.node.identified / "received").rglob("*.*")) == []
