"""A hub of models on this machine: lists and gives out the files of folders, as huggingface_hub asks for them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """What a loopback hub holds and was asked for.

    ``repositories``: hub id to folder. ``requests``: method and path of every request, in order.
    """

    def __init__(self, repositories: Mapping[str, Path]) -> None:
        self.repositories = dict(repositories)
        self.requests: list[tuple[str, str]] = []
        self.url = ""

    def given(self) -> set[str]:
        """The files whose content was asked for."""
        return {path.partition(f"/resolve/{COMMIT}/")[2] for method, path in self.requests if method == "GET"} - {""}


@contextmanager
def loopback_hub(repositories: Mapping[str, Path]) -> Iterator[Hub]:
    hub = Hub(repositories)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.requests.append((self.command, path))
            for name, folder in hub.repositories.items():
                if path.startswith(f"/api/models/{name}"):
                    return self._listing(name, folder, tree="/tree/" in path)
                for revision in (COMMIT, "main"):
                    if path.startswith(f"/{name}/resolve/{revision}/"):
                        return self._file(folder / path.partition(f"/resolve/{revision}/")[2])
            return self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        do_HEAD = do_GET

        def _listing(self, name: str, folder: Path, *, tree: bool) -> None:
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            names = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
            inside = unquote(urlsplit(self.path).path).partition(f"/tree/{COMMIT}/")[2]
            names = {n: s for n, s in names.items() if n.startswith(f"{inside}/")} if inside else names
            if not names:
                return self._answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})
            if tree:
                body: object = [{"type": "file", "path": n, "size": s, "oid": "0" * 40} for n, s in names.items()]
            else:
                body = {
                    "id": name,
                    "sha": COMMIT,
                    "siblings": [{"rfilename": n, "size": s, "blobId": "0" * 40} for n, s in names.items()],
                }
            self._answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

        def _file(self, path: Path) -> None:
            if not path.is_file():
                return self._answer(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            data = path.read_bytes()
            etag = hashlib.sha256(data).hexdigest()
            return self._answer(200, data, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

        def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for header, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(header, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
