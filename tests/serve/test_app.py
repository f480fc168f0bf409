"""The reward server over a real socket, in the formats that trainers speak."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import math
import pickle
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import uvicorn

import countcheck as cc
from countcheck.errors import BadSettings
from countcheck.images.decode import encode_png
from countcheck.scenes import compose, render
from countcheck.serve.app import build_app
from countcheck.serve.batching import JudgingPool, counters_for
from countcheck.serve.wires import GENEVAL_TASKS


def png(**counts: int) -> bytes:
    return encode_png(render(compose({noun: n for noun, n in counts.items() if n}, seed=1), 128))


PIGS = {n: png(pig=n) for n in range(1, 5)}
THREE = {"tag": "counting", "include": [{"class": "pig", "count": 3}], "exclude": [{"class": "pig", "count": 4}]}


@contextlib.contextmanager
def serving(pool=None, **options):
    """A server on a free port of this machine; gives a function that sends a request and returns status and body."""
    own = pool is None
    pool = pool or JudgingPool(counters_for("tiny", []), batch_size=16)
    config = uvicorn.Config(build_app(pool, **options), log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)

    def send(route, body=None, *, method="POST", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, route, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    send.port = port
    try:
        yield send
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        if own:
            pool.close()


@pytest.fixture(scope="module")
def server():
    with serving() as send:
        yield send


def compute(images, prompts) -> bytes:
    return json.dumps({"prompt": prompts, "image": [base64.b64encode(image).decode() for image in images]}).encode()


def test_flow_factory_is_answered(server):
    status, body, _ = server(
        "/compute", compute([PIGS[3], PIGS[4], b"no image", PIGS[1]], ["three pigs"] * 3 + ["a hill"])
    )
    assert status == 200
    assert json.loads(body) == {"rewards": [1.0, pytest.approx(2 / 3), None, None]}


def test_flow_factory_takes_geneval_metadata_as_the_targets(server):
    body = json.loads(compute([PIGS[3], PIGS[4]], ["some pigs"] * 2)) | {"metadata": [THREE, THREE]}
    assert json.loads(server("/compute", json.dumps(body))[1]) == {"rewards": [1.0, pytest.approx(2 / 3)]}


def test_unirl_is_answered_entry_by_entry(server):
    def request(image, text, metadata=None):
        history = [{"text": text, "image_b64": base64.b64encode(image).decode()}]
        return {"history": history, "required_rewards": ["geneval"], "metadata": metadata or {}}

    requests = [request(PIGS[3], "", THREE), request(PIGS[4], "three pigs"), request(b"no image", "three pigs")]
    status, body, _ = server("/score", json.dumps({"requests": requests}))
    answer = json.loads(body)
    assert status == 200
    assert answer["results"][0] == {"geneval": {"score": 1.0, "strict": 1.0, "dense": 1.0}}
    assert answer["results"][1]["geneval"]["strict"] == 0.0
    assert answer["results"][2] == {}
    assert [error is None for error in answer["errors"]] == [True, True, False]


def test_flow_grpo_is_answered():
    body = {"images": [PIGS[3], PIGS[4]], "meta_datas": [THREE, THREE], "only_strict": False}
    with serving(wires=["flow-grpo"]) as send:
        status, answer, _ = send("/", pickle.dumps(body))
        strictly = pickle.loads(send("/", pickle.dumps(body | {"only_strict": True}))[1])
    read = pickle.loads(answer)
    assert status == 200
    assert read["scores"] == [1.0, pytest.approx(2 / 3)]
    assert read["rewards"] == read["strict_rewards"] == strictly["scores"] == [1.0, 0.0]
    assert set(read["group_rewards"]) == set(read["group_strict_rewards"]) == set(GENEVAL_TASKS)
    assert read["group_strict_rewards"]["counting"] == [1.0, 0.0]
    assert read["group_rewards"]["colors"] == [-10.0, -10.0]


def test_verl_omni_is_answered():
    with serving(wires=["verl-omni"]) as send:
        body = {"images": [PIGS[2], PIGS[4], b"x"], "prompts": ["two pigs"] * 3, "metadata": {}}
        scores = pickle.loads(send("/", pickle.dumps(body))[1])["scores"]
    assert scores[:2] == [1.0, 0.0]
    assert math.isnan(scores[2])


def test_a_pickle_that_names_a_function_is_refused_and_not_run(tmp_path):
    class Runs:
        def __reduce__(self):
            return (tmp_path / "ran").touch, ()

    with serving(wires=["flow-grpo"]) as send:
        status, body, _ = send("/", pickle.dumps({"images": [Runs()], "meta_datas": [{}]}))
        assert status == 400
        assert b"which is not read" in body
        assert send("/health", method="GET")[0] == 200
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "no JSON"),
        (b"[1]", "no JSON object"),
        (b'{"prompt": ["a"]}', "image is missing"),
        (b'{"prompt": [], "image": []}', "prompt is missing or no list"),
        (b'{"prompt": ["a", "b"], "image": ["eA=="]}', "2 prompts and 1 images"),
        (b'{"prompt": ["a"], "image": ["\\u00e9"]}', "no base64"),
        (b'{"prompt": ["a"], "image": [5]}', "no base64"),
        (b'{"prompt": [7], "image": ["eA=="]}', "of type int"),
    ],
)
def test_a_bad_body_is_answered_in_a_sentence(server, body, words):
    status, answer, _ = server("/compute", body)
    assert status == 400
    assert words in json.loads(answer)["error"]


def test_a_bad_prompt_does_not_cost_its_neighbours_their_reward(server):
    def one(prompt):
        return server("/compute", compute([PIGS[3]], [prompt]))

    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(one, ["three pigs", {"pig": "lots"}] * 8))
    assert [status for status, *_ in answers] == [200, 400] * 8


def test_a_body_over_the_limit_is_refused():
    with serving(max_body=1000) as send:
        status, body, _ = send("/compute", b"x" * 1001)
    assert status == 413
    assert "more than 1000" in json.loads(body)["error"]


def test_more_than_the_queue_holds_is_answered_with_a_time_to_come_back():
    pool = JudgingPool(counters_for("tiny", []), max_queued=2)
    with serving(pool) as send:
        status, body, headers = send("/compute", compute([PIGS[1]] * 3, ["one pig"] * 3))
        assert status == 503
        assert int(headers["retry-after"]) > 0
        assert "are over 2" in json.loads(body)["error"]
        assert send("/compute", compute([PIGS[1]] * 2, ["one pig"] * 2))[0] == 200
    pool.close()


def test_a_token_is_wanted_everywhere_but_for_the_health():
    with serving(token="sesame") as send:
        assert send("/health", method="GET")[0] == 200
        assert send("/metrics", method="GET")[0] == 401
        assert send("/compute", compute([PIGS[1]], ["one pig"]))[0] == 401
        right = {"Authorization": "Bearer sesame"}
        assert send("/compute", compute([PIGS[1]], ["one pig"]), headers=right)[0] == 200


def test_metrics_count_what_was_judged(server):
    def judged():
        text = server("/metrics", method="GET")[1].decode()
        return float(next(line.split()[1] for line in text.splitlines() if line.startswith("countcheck_images_total")))

    before = judged()
    server("/compute", compute([PIGS[1]] * 5, ["one pig"] * 5))
    assert judged() == before + 5


def test_a_client_that_goes_away_costs_nobody_else_anything(server):
    body = compute([PIGS[1]] * 8, ["one pig"] * 8)
    for cut in (len(body), len(body) // 2):
        with socket.create_connection(("127.0.0.1", server.port)) as leaving:
            leaving.sendall(b"POST /compute HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:cut])
    assert server("/compute", compute([PIGS[2]], ["two pigs"]))[0] == 200


def test_many_clients_get_their_own_answers_in_order(server):
    """1,000 pictures in batches of 64 and less from 4 clients: none lost, in order, equal to the call in process."""
    numbers = [n % 4 + 1 for n in range(1000)]
    batches = [numbers[start : start + 64] for start in range(0, 1000, 64)]
    expected = dict(zip(PIGS, cc.reward(list(PIGS.values()), "three pigs"), strict=True))

    def ask(batch):
        status, body, _ = server("/compute", compute([PIGS[n] for n in batch], ["three pigs"] * len(batch)))
        assert status == 200
        return json.loads(body)["rewards"]

    with ThreadPoolExecutor(4) as clients:
        rewards = [reward for answer in clients.map(ask, batches) for reward in answer]
    assert rewards == [pytest.approx(expected[n]) for n in numbers]


def test_wires_that_share_a_route_are_refused():
    pool = JudgingPool([])
    with pytest.raises(BadSettings, match="share the route /"):
        build_app(pool, wires=["flow-grpo", "verl-omni"])
    with pytest.raises(BadSettings, match="no format of requests is named 'carrier-pigeon'"):
        build_app(pool, wires=["carrier-pigeon"])
