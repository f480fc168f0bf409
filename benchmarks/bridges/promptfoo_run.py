"""Grade pictures of the shipped painter with the real promptfoo, offline, and print its table.

    npm install promptfoo
    python -m benchmarks.bridges.promptfoo_run [FOLDER WITH node_modules]

A loopback server draws with the shipped painter and refuses one prompt; promptfoo asks it and grades its answers with
`countcheck/interop/promptfoo.py`.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import countcheck.interop.promptfoo
from countcheck.cards import read_generator_card
from countcheck.engine.run import load_generator
from countcheck.images.decode import encode_png
from countcheck.suites.samples import Sample
from countcheck.suites.suite import Prompt

PROMPTS = ("one pig", "two cats", "three pigs", "one car", "two pigs and a wolf", "four cats")


def serve() -> ThreadingHTTPServer:
    """Serve ``POST /draw`` {"prompt": text} on a free port of this machine."""
    generator = load_generator(read_generator_card("tiny"))
    drawing = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["prompt"]
            if "wolf" in text:
                body = {"output": "I'm sorry, but I can't create that image."}
            else:
                asked = Sample(
                    key="0" * 32, generator="tiny", asked=Prompt(id=text, text=text), repeat=0, seed=len(text)
                )
                with drawing:
                    (outcome,) = generator.generate([asked])
                data = base64.b64encode(encode_png(outcome.pixels)).decode()
                body = {"output": f"data:image/png;base64,{data}"}
            answer = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    packages = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    server = serve()
    assertion = Path(countcheck.interop.promptfoo.__file__).resolve()
    config = {
        "prompts": ["{{asked}}"],
        "providers": [
            {
                "id": f"http://127.0.0.1:{server.server_port}/draw",
                "config": {"method": "POST", "body": {"prompt": "{{prompt}}"}, "transformResponse": "json.output"},
            }
        ],
        "tests": [
            {"vars": {"asked": prompt}, "assert": [{"type": "python", "value": f"file://{assertion}"}]}
            for prompt in PROMPTS
        ],
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "promptfooconfig.json").write_text(json.dumps(config))
        environment = os.environ | {
            "PROMPTFOO_PYTHON": sys.executable,
            "PROMPTFOO_CONFIG_DIR": folder,
            "PROMPTFOO_DISABLE_TELEMETRY": "1",
            "PROMPTFOO_DISABLE_UPDATE": "1",
            "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
        }
        command = [
            str(packages / "node_modules/.bin/promptfoo"),
            "eval",
            "-c",
            "promptfooconfig.json",
            "-o",
            "out.json",
        ]
        command += ["--no-cache", "--no-table", "--no-progress-bar", "-j", "1"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        out = Path(folder) / "out.json"
        if not out.exists():
            sys.exit(f"promptfoo ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        report = json.loads(out.read_text())["results"]
    print(f"{'prompt':<22}{'pass':<7}{'score':>6}  reason")
    for result in sorted(report["results"], key=lambda result: PROMPTS.index(result["vars"]["asked"])):
        grade = result["gradingResult"]
        print(f"{result['vars']['asked']:<22}{grade['pass']!s:<7}{grade['score']:>6.2f}  {grade['reason'][:70]}")
    stats = report["stats"]
    print(f"promptfoo: {stats['successes']} passed, {stats['failures']} failed, {stats['errors']} errors")
    server.shutdown()


if __name__ == "__main__":
    main()
