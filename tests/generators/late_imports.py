"""Make pictures with one provider against a loopback server, and print what the threads that sent requests imported.

Run as a program, in a process that has imported nothing yet: ``python late_imports.py FAMILY``.
"""

from __future__ import annotations

import sys
import threading

from loopback import B64, PNG, Answer, Loopback

from countcheck.cards import Card
from countcheck.registry import load_generator_class
from countcheck.suites.samples import plan
from countcheck.suites.suite import Prompt, Suite

REFUSED = Answer(400, {"error": {"code": "moderation_blocked", "message": "Your request was rejected."}})


class Recorder:
    """Notes the modules that a worker thread begins to import; finds none itself."""

    def __init__(self):
        self.names = []

    def find_spec(self, name, path=None, target=None):
        if threading.current_thread().name.startswith("countcheck-"):
            self.names.append(name)


def main(family):
    recorder = Recorder()
    with Loopback() as server:
        server.by_path["/p.png"] = Answer(200, PNG, {"content-type": "image/png"})
        address = f"{server.url}/p.png"
        pictures = {
            "openai": [Answer(200, {"data": [{"url": address}]}), Answer(200, {"data": [{"b64_json": B64}]}), REFUSED],
            "together": [Answer(200, {"data": [{"b64_json": B64}]}), REFUSED],
            "fal": [Answer(200, {"images": [{"url": address}]})],
            "ideogram": [Answer(200, {"data": [{"url": address, "is_image_safe": True}]})],
        }[family]
        source = {"ideogram": "v3"}.get(family, "example/model")
        server.answers(*(pictures * 10))
        settings = {"base_url": server.url, "loopback": True, "key_env": "SERVICE_KEY"}
        card = Card(name=family, family=family, source=source, settings=settings)
        generator = load_generator_class(family)(card)
        suite = Suite(name="s", prompts=tuple(Prompt(id=f"p{n}", text=f"three pigs {n}") for n in range(12)))
        samples = list(plan(suite, generator.recipe))
        sys.meta_path.insert(0, recorder)
        kinds = sorted({type(outcome).__name__ for outcome in generator.generate(samples)})
        generator.close()
    sys.stdout.write(f"{' '.join(kinds)} | {' '.join(recorder.names)}\n")


if __name__ == "__main__":
    main(sys.argv[1])
