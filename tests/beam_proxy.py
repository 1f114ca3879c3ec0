"""A Beam proxy and its broker in one, by the interface that samply/beam documents.

Keeps tasks in memory. As the real one: `filter=todo` gives what this app has not answered or only
claimed, waits up to `wait_time` ms for `wait_count` tasks and says 206 when there are fewer; a
result takes the place of the app's earlier one; 401 without the app's key, 404 for an unknown task.
"""

import json
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

APP = "focus.site.broker.example.org"
SPOT = "spot.explorer.broker.example.org"
KEY = "a-key-of-the-app"


def body_of(tree: object, *, key: str = "payload") -> str:
    """Return a task's body as the explorer's server writes it."""
    inner = b64encode(json.dumps(tree).encode()).decode()
    return b64encode(json.dumps({"lang": "ast", key: inner}).encode()).decode()


@dataclass
class BeamNetwork:
    port: int = 0
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Of each task, every result that came, the last one last."""
    refuses: int = 0
    """So many results that are no claims are answered with 503."""

    def __enter__(self) -> Self:
        network, self._changed, self._is_open = self, threading.Condition(), True

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                self.reply(*network.asked(self.path, self.headers))

            def do_PUT(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.reply(network.put(self.path, self.headers, sent))

            def reply(self, status: int, body: object = None) -> None:
                content = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Say nothing: a connection was let go."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, body: str, **more: object) -> str:
        """Put a task for the app; return its id."""
        task_id = str(uuid4())
        task = {"id": task_id, "from": SPOT, "to": [APP], "body": body, "ttl": "360s"}
        task |= {"failure_strategy": "discard", "metadata": {"project": "eucaim"}}
        with self._changed:
            self.tasks[task_id] = {**task, **more}
            self._changed.notify_all()
        return task_id

    def answer(self, task_id: str, wait_s: float = 30) -> dict[str, Any]:
        """Return the last result of a task that is more than a claim."""
        end = time.monotonic() + wait_s
        with self._changed:
            while not self._is_done(task_id):
                left = end - time.monotonic()
                assert left > 0, f"no answer to {task_id}: {self.results.get(task_id)}"
                self._changed.wait(left)
            return self.results[task_id][-1]

    def told(self, task_id: str) -> Any:
        """Return what the explorer reads in the answer."""
        answer = self.answer(task_id)
        assert answer["status"] == "succeeded", answer
        return json.loads(b64decode(answer["body"]))

    def asked(self, path: str, headers: Mapping[str, str]) -> tuple[int, object]:
        if (status := self._door(headers)) != 200:
            return status, None
        where, asked = urlsplit(path), parse_qs(urlsplit(path).query)
        if where.path != "/v1/tasks" or asked.get("filter") != ["todo"]:
            return 404, None
        end = time.monotonic() + int(asked["wait_time"][0]) / 1000
        with self._changed:
            while not (todo := self._todo()) and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
                if not self._is_open:
                    raise ConnectionAbortedError
        return (200 if len(todo) >= int(asked["wait_count"][0]) else 206), todo

    def put(self, path: str, headers: Mapping[str, str], sent: dict[str, Any]) -> int:
        if (status := self._door(headers)) != 200:
            return status
        _, version, tasks, task_id, results, app = path.split("/")
        if (version, tasks, results, app) != ("v1", "tasks", "results", APP):
            return 404
        if sent["from"] != APP or sent["task"] != task_id or sent["to"] != [SPOT]:
            return 400
        with self._changed:
            if task_id not in self.tasks:
                return 404
            if sent["status"] != "claimed" and self.refuses > 0:
                self.refuses -= 1
                return 503
            is_new = task_id not in self.results
            self.results.setdefault(task_id, []).append(sent)
            self._changed.notify_all()
        return 201 if is_new else 204

    def _door(self, headers: Mapping[str, str]) -> int:
        return 200 if headers.get("Authorization") == f"ApiKey {APP} {KEY}" else 401

    def _todo(self) -> list[dict[str, Any]]:
        return [one for task_id, one in self.tasks.items() if not self._is_done(task_id)]

    def _is_done(self, task_id: str) -> bool:
        return bool(self.results.get(task_id)) and self.results[task_id][-1]["status"] != "claimed"
