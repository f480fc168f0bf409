"""As much of the Hugging Face hub as a commit needs, on this machine: the real client talks to it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass
class Hub:
    """What was asked of the hub, and what it is to refuse.

    ``files`` are by repository (``datasets/farm/pigs``) and path.
    """

    url: str = ""
    made: list[dict] = field(default_factory=list)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    proposals: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    refuse: int | None = None


@contextmanager
def serving() -> Iterator[Hub]:
    """Serve a hub on a free port."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status: int, body: dict) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Transfer-Encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            address = urlsplit(self.path)
            hub.tokens.add(self.headers.get("Authorization", ""))
            parts = address.path.strip("/").split("/")
            if hub.refuse is not None and parts[-2:-1] in (["preupload"], ["commit"]):
                return self.answer(hub.refuse, {"error": "you may not write here"})
            if address.path == "/api/repos/create":
                hub.made.append(json.loads(body))
                return self.answer(
                    200, {"url": f"{hub.url}/datasets/{json.loads(body)['organization']}/{json.loads(body)['name']}"}
                )
            if address.path == "/api/validate-yaml":
                return self.answer(200, {"errors": [], "warnings": []})
            repository, action = "/".join(parts[1:4]), parts[4]
            if action == "preupload":
                wanted = json.loads(body)["files"]
                modes = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in wanted]
                return self.answer(200, {"files": modes})
            assert action == "commit", address.path
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    content = base64.b64decode(entry["value"]["content"])
                    hub.files.setdefault(repository, {})[entry["value"]["path"]] = content
            reply = {"commitUrl": f"{hub.url}/{repository}/commit/abc", "commitOid": "abc", "success": True}
            if "create_pr" in parse_qs(address.query):
                hub.proposals.append(repository)
                reply["pullRequestUrl"] = f"{hub.url}/{repository}/discussions/1"
            return self.answer(200, reply)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
