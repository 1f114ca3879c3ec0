"""What a stranger's address may lead to: nothing but small public documents."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tessera.adapters.harvest.fetch import GuardedFetch, is_public
from tessera.domain.errors import Unavailable
from tessera.ports.harvest import AddressRefused, Fetched, RecordGone, SourceUnreadable


@pytest.mark.parametrize(
    "number",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.1"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1", "fec0::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0::1"),
        *("not a number", ""),
    ],
)
def test_an_address_inside_a_network_is_not_public(number: str) -> None:
    assert not is_public(number)


@pytest.mark.parametrize("number", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(number: str) -> None:
    assert is_public(number)


@pytest.mark.parametrize(
    "address",
    [
        *("file:///etc/passwd", "ftp://example.org/x", "gopher://example.org", "/etc/passwd"),
        *("http://someone@example.org/", "http://", "data:text/turtle,", "https:///x", "\x00"),
    ],
)
def test_another_scheme_than_the_webs_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        GuardedFetch().get(address, allow_private=True)


@pytest.mark.parametrize(
    "address",
    ["http://localhost/", "http://127.0.0.1:1/", "http://2130706433/", "http://[::1]:1/"],
)
def test_a_private_address_is_refused_unless_the_operator_allows_it(address: str) -> None:
    with pytest.raises(AddressRefused, match="--allow-private"):
        GuardedFetch().get(address, allow_private=False)


class Handler(BaseHTTPRequestHandler):
    n_busy = 0

    def do_GET(self) -> None:
        answers = {
            "/ok": (200, {"Content-Type": "Text/Turtle; charset=utf-8"}, b"<a> <b> <c> ."),
            "/large": (200, {}, b"x" * 5000),
            "/packed": (200, {"Content-Encoding": "gzip"}, b"x"),
            "/gone": (410, {"Content-Type": "text/turtle"}, b"<a> <b> <c> ."),
            "/gone-large": (410, {}, b"x" * 5000),
            "/broken": (500, {}, b""),
            "/moved": (302, {"Location": "/ok"}, b""),
            "/round": (302, {"Location": "/round"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/metadata": (302, {"Location": "http://169.254.169.254/latest"}, b""),
        }
        if self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                try:
                    self.wfile.write(b"x")
                    self.wfile.flush()
                except OSError:
                    return
                self.server.pause.wait(0.05)  # type: ignore[attr-defined]
            return
        if self.path == "/busy" and Handler.n_busy < 2:
            Handler.n_busy += 1
            answers["/busy"] = (429, {"Retry-After": "0"}, b"")
        status, headers, body = answers.get(self.path, answers["/ok"])
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.pause = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.pause.set()  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_document_is_taken_with_its_media_type_and_where_it_was(site: str) -> None:
    got = GuardedFetch().get(f"{site}/moved", allow_private=True)
    assert (got.data, got.media, got.address) == (b"<a> <b> <c> .", "text/turtle", f"{site}/ok")


def test_a_source_that_asks_for_patience_is_asked_again(site: str) -> None:
    assert GuardedFetch().get(f"{site}/busy", allow_private=True).data
    assert Handler.n_busy == 2


@pytest.mark.parametrize(
    ("path", "error", "why"),
    [
        ("/large", SourceUnreadable, "more than 1000 bytes"),
        ("/packed", SourceUnreadable, "compressed"),
        ("/round", SourceUnreadable, "redirects"),
        ("/gone", RecordGone, "410"),
        ("/broken", Unavailable, "500"),
        ("/file", AddressRefused, "http"),
        ("/drip", Unavailable, "within"),
    ],
)
def test_a_limit_is_kept_and_named(site: str, path: str, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        GuardedFetch(max_bytes=1000, timeout_s=0.5).get(site + path, allow_private=True)


def test_what_is_left_of_a_record_that_is_gone_is_taken_within_the_same_limits(site: str) -> None:
    fetch = GuardedFetch(max_bytes=1000)
    with pytest.raises(RecordGone) as gone:
        fetch.get(f"{site}/gone", allow_private=True)
    assert gone.value.left == Fetched(b"<a> <b> <c> .", "text/turtle", f"{site}/gone")
    with pytest.raises(RecordGone) as large:
        fetch.get(f"{site}/gone-large", allow_private=True)
    assert large.value.left is None


def test_a_redirect_into_a_network_is_refused_although_the_first_address_was_public(
    site: str,
) -> None:
    # As if the test's own server were on the internet.
    fetch = GuardedFetch(is_public=lambda number: number == "127.0.0.1" or is_public(number))
    assert fetch.get(f"{site}/ok", allow_private=False).data
    with pytest.raises(AddressRefused, match=r"169\.254\.169\.254"):
        fetch.get(f"{site}/metadata", allow_private=False)
