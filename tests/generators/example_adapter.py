"""An adapter without network and vendor, which answers from a script."""

from __future__ import annotations

import threading
import time

from PIL import Image

from countcheck.cards import Card
from countcheck.generators.remote.client import EditingGenerator, RemoteGenerator
from countcheck.generators.remote.dialogue import ConversingGenerator
from countcheck.generators.remote.reply import Ask, Reply, Slot
from countcheck.images.decode import encode_png
from countcheck.suites.samples import plan
from countcheck.suites.suite import Prompt, Suite

PICTURE = encode_png(Image.effect_noise((64, 64), 60).convert("RGB"))


class Example(ConversingGenerator, EditingGenerator, RemoteGenerator):
    """Answers from a script: one entry a request; the last one is repeated."""

    family = "example"
    max_per_request = 4
    needs_source = False

    def __init__(self, *script, price=0.01, **settings):
        super().__init__(
            Card(name="example", family="example", price=price, settings={"first_wait": 0.001, **settings})
        )
        self.script = list(script) or [good()]
        self.asked: list[Ask] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def connect(self):
        return object()

    def ask(self, ask):
        with self.lock:
            self.asked.append(ask)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            answer = self.script[min(len(self.asked), len(self.script)) - 1]
        time.sleep(0.002)
        with self.lock:
            self.at_once -= 1
        if callable(answer):
            answer = answer(ask)
        if isinstance(answer, Exception):
            raise answer
        return answer


def good(n=1, **more):
    return Reply(slots=tuple(Slot(data=PICTURE) for _ in range(n)), **more)


def bad(status, *codes, message="", **more):
    return Reply(error=True, status=status, codes=codes, message=message, **more)


def samples_for(generator, n=1, repeats=1):
    suite = Suite(name="s", prompts=tuple(Prompt(id=f"p{i}", text=f"prompt {i}") for i in range(n)))
    return list(plan(suite, generator.recipe, repeats=repeats))


def outcomes_of(generator, n=1, repeats=1):
    return list(generator.generate(samples_for(generator, n, repeats)))
