"""Images of many requests are decoded ahead and judged together, whatever becomes of one of them."""

from __future__ import annotations

import threading

from countcheck.counting.verdict import Kind
from countcheck.images.decode import encode_png
from countcheck.images.inputs import load_image
from countcheck.scenes import compose, render
from countcheck.serve import batching
from countcheck.serve.batching import DECODERS, JudgingPool, counters_for
from countcheck.serve.wires import ScoreRequest

PIGS = encode_png(render(compose({"pig": 3}, seed=1), 128))


def test_an_image_that_breaks_its_decoder_holds_up_no_other(monkeypatch):
    def load(image):
        if image == b"breaks":
            raise RuntimeError("a decoder of its own")
        return load_image(image)

    monkeypatch.setattr(batching, "load_image", load)
    pool = JudgingPool(counters_for("tiny", []), batch_size=2)
    asked = [ScoreRequest(image=image, prompt="three pigs") for image in (b"breaks", PIGS, b"breaks", PIGS)]
    verdicts = [future.result(60).verdict for future in pool.submit(asked)]
    pool.close()
    assert verdicts == [Kind.FAILED, Kind.EXACT, Kind.FAILED, Kind.EXACT]


def test_no_more_than_two_batches_wait_decoded(monkeypatch):
    batch, most = 2, 2 + 2 * 2 + DECODERS  # being judged, decoded, and one in the hands of each decoder
    lock, full = threading.Lock(), threading.Event()
    decoded, ahead, judged = [], [], []

    def decode(image):
        with lock:
            decoded.append(image)
            ahead.append(len(decoded) - len(judged))
            if len(decoded) == most:
                full.set()
        return image

    def judge(images, asked, counter, batch_size):
        full.wait(60)
        with lock:
            judged.extend(images)
        return [f"judged {image}" for image in images]

    monkeypatch.setattr(batching, "_decoded", decode)
    monkeypatch.setattr(batching, "judge", judge)
    pool = JudgingPool([None], batch_size=batch)
    futures = pool.submit([ScoreRequest(image=number, prompt="three pigs") for number in range(40)])
    assert [future.result(60) for future in futures] == [f"judged {number}" for number in range(40)]
    pool.close()
    assert full.is_set() and max(ahead) <= most
    assert pool.queued == 0 and pool.tally.images == 40
