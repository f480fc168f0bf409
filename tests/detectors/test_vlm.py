import json
import math
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from countcheck.cards import Card
from countcheck.counting.counter import Counter as Looking
from countcheck.counting.geneval_rule import GenevalRule
from countcheck.counting.judging import judge_detections
from countcheck.counting.queries import query_map, renamed_nouns
from countcheck.counting.rule import CountingRule
from countcheck.counting.verdict import Kind
from countcheck.detectors.base import Detections
from countcheck.detectors.common.vlm_numbers import read_numbers
from countcheck.detectors.vlm import VlmDetector
from countcheck.errors import BadSettings, BadWeights, GeneratorClosed
from countcheck.suites.suite import Noun, Target

PICTURE = np.zeros((60, 80, 3), np.uint8)


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [
        ('{"pig": 3, "wolf": 0}', {"pig": 3, "wolf": 0}),
        ('Sure! ```json\n{"Pig": "3", "wolf": 1.0}\n``` Enjoy.', {"pig": 3, "wolf": 1}),
        ('{"pig": true, "wolf": -1}', {}),
        ('{"pig": 3}', {"pig": 3}),
        ("I see pigs: 4 and **wolf**: 1.", {"pig": 4, "wolf": 1}),
        ("There are 3 animals.", {}),
        ("", {}),
        ('{"pig": {"count": 3}}', {}),
        ('{"pig": "several"}', {}),
    ],
)
def test_numbers_are_read_from_an_answer_and_never_made_up(answer, numbers):
    assert read_numbers(answer, ["pig", "wolf"]) == numbers


def test_one_bare_number_answers_one_question():
    assert read_numbers("There are 3 of them.", ["pig"]) == {"pig": 3}
    assert read_numbers("3 or 4", ["pig"]) == {}


class Server(ThreadingHTTPServer):
    def __init__(self, replies):
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies, self.asked = list(replies), []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((body, dict(self.headers)))
        status, reply = self.server.replies.pop(0)
        if status == 200:
            text, reason, tokens = (reply, "stop", None) if isinstance(reply, str) else (*reply, None)[:3]
            choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
            if tokens is not None:
                top = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in tokens.items()]
                choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}], "refusal": None}
            reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        else:
            reply = {"error": {"message": reply, "type": "error", "code": "code"}}
        out = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *parts):
        pass


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-sent")
    running = []

    def start(*replies, **settings):
        server = Server(replies)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        settings = {"base_url": url, "concurrency": 1, **settings}
        return server, VlmDetector(Card(name="vlm:seer", family="vlm", source="seer", settings=settings))

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def test_a_server_is_shown_the_picture_and_its_number_is_taken(serve):
    server, looking = serve((200, '{"pig": 3}'))
    (found,) = looking.detect([PICTURE], ["pig"])
    assert Counter(found.nouns) == {"pig": 3}
    assert found.size == (80, 60)
    body, headers = server.asked[0]
    assert body["model"] == "seer"
    assert body["messages"][0]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert "sk-not-to-be-sent" not in json.dumps(headers)


def test_several_answers_give_a_median_and_a_spread(serve):
    _, looking = serve((200, '{"pig": 3}'), (200, '{"pig": 2}'), (200, '{"pig": 3}'), answers=3)
    rule = {"threshold": 0.5, "margin": 0.2}
    counter = Looking(Card(name="vlm", family="vlm", rule=rule), looking)
    (found,) = counter.detect([PICTURE], [Noun(name="pig")])
    counted = counter.count(found, [Noun(name="pig")])
    assert (counted.low["pig"], counted.counts["pig"], counted.high["pig"]) == (2, 3, 3)


def test_no_number_is_unsupported_and_never_0(serve):
    _, looking = serve((200, "I would rather not."), (400, "flagged by our safety filter"))
    for found in looking.detect([PICTURE, PICTURE], ["pig"]):
        assert found.unsupported == {"pig"} and found.nouns == ()


def test_a_picture_without_a_number_is_uncertain_and_ends_no_run(serve):
    _, looking = serve((200, '{"pig": 3}'))
    pigs, wolves = Target(noun="pig", count=3), Target(noun="wolf", count=1)
    nouns = [Noun(name="pig"), Noun(name="wolf")]
    for rule in (CountingRule(), GenevalRule()):
        counter = Looking(Card(name="vlm", family="vlm"), looking, rule=rule)
        found = Detections.nothing((80, 60), frozenset({"wolf"}))
        seen = judge_detections(counter, found, (pigs, wolves), {}, nouns)
        assert seen.verdict.kind is Kind.UNCERTAIN and "no number for wolf" in seen.verdict.reason
        assert seen.counted == {"pig": (0, 0, 0)}


def test_boxes_are_asked_for_and_lie_in_pixels_of_the_picture(serve):
    reply = '[{"bbox_2d": [0, 0, 500, 500], "label": "pig"}, {"bbox_2d": [500, 500, 1000, 1000], "label": "pig"}]'
    server, looking = serve((200, reply), ask="boxes")
    (found,) = looking.detect([PICTURE], ["pig", "wolf"])
    assert found.nouns == ("pig", "pig") and not found.unsupported and not found.not_auditable
    assert found.boxes.tolist() == [[0, 0, 40, 30], [40, 30, 80, 60]]
    question = server.asked[0][0]["messages"][0]["content"][0]["text"]
    assert '["pig", "wolf"]' in question and "bbox_2d" in question


def test_points_are_asked_for_noun_by_noun(serve):
    server, looking = serve((200, '<points coords="1 1 500 500">pigs</points>'), (200, "There are none."), ask="points")
    (found,) = looking.detect([PICTURE], ["pig", "wolf"])
    assert found.nouns == ("pig",) and not found.unsupported
    assert found.boxes.tolist() == [[40, 30, 40, 30]]
    asked = [body["messages"][0]["content"][0]["text"] for body, _ in server.asked]
    assert asked == ["Point to all the pigs in this picture.", "Point to all the wolves in this picture."]


def test_a_bare_number_is_counted_and_marked_as_not_auditable(serve):
    _, looking = serve((200, '{"pig": 3}'), ask="boxes")
    (found,) = looking.detect([PICTURE], ["pig"])
    assert found.nouns == ("pig",) * 3 and found.not_auditable == {"pig"}
    counter = Looking(Card(name="vlm", family="vlm"), looking)
    seen = judge_detections(counter, found, (Target(noun="pig", count=3),), {}, [Noun(name="pig")])
    assert seen.verdict.kind is Kind.EXACT and seen.verdict.reason.endswith("not auditable: a bare number for pig")


def test_answers_agree_on_places(serve):
    two = '[{"bbox_2d": [0, 0, 500, 500], "label": "pig"}, {"bbox_2d": [500, 500, 1000, 1000], "label": "pig"}]'
    one = '[{"bbox_2d": [10, 0, 510, 500], "label": "pig"}]'
    _, looking = serve((200, two), (200, one), (200, two), ask="boxes", answers=3)
    (found,) = looking.detect([PICTURE], ["pig"])
    assert found.scores.tolist() == pytest.approx([1, 2 / 3])


def test_a_total_that_differs_from_the_places_makes_the_count_uncertain(serve):
    _, looking = serve(
        (200, 'Counting the <points coords="1 1 500 500">pigs</points> shows a total of 2.'), ask="points"
    )
    counter = Looking(Card(name="vlm", family="vlm"), looking)
    found = renamed_nouns(looking.detect([PICTURE], ["pig"])[0], query_map([Noun(name="pig")], None))
    counted = counter.count(found, [Noun(name="pig")])
    assert (counted.low["pig"], counted.counts["pig"], counted.high["pig"]) == (1, 1, 2)


def test_an_answer_that_is_cut_off_gives_no_number(serve):
    _, looking = serve((200, ('[{"bbox_2d": [0, 0, 500, 500], "label": "pig"}]', "length")), ask="boxes")
    (found,) = looking.detect([PICTURE], ["pig"])
    assert found.unsupported == {"pig"} and found.nouns == ()


def test_probabilities_of_the_first_word_become_scores(serve):
    tokens = {"three": 0.6, " Three": 0.1, "two": 0.2, "many": 0.1}
    _, looking = serve(
        (200, ("three", "stop", tokens)), (200, ("many", "stop", {"many": 0.9, "two": 0.1})), ask="probabilities"
    )
    (found,) = looking.detect([PICTURE], ["pig", "wolf"])
    assert found.nouns == ("pig",) * 3 and found.not_auditable == {"pig"} and found.unsupported == {"wolf"}
    assert found.scores.tolist() == pytest.approx([0.9, 0.9, 0.7])


def test_a_server_that_tells_no_probabilities_is_told(serve):
    _, looking = serve((200, "three"), ask="probabilities")
    with pytest.raises(BadSettings, match="tells no probabilities"):
        looking.detect([PICTURE], ["pig"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ask": "circles"}, "ask is 'circles'"),
        ({"coordinates": "inches"}, "coordinates is 'inches'"),
        ({"question": "How many {things}?"}, "cannot be filled in"),
    ],
)
def test_settings_that_make_no_question_are_refused(serve, settings, message):
    with pytest.raises(BadSettings, match=message):
        serve(**settings)


@pytest.mark.parametrize("setting", ["answers", "concurrency"])
def test_no_answers_at_all_and_nobody_to_ask_are_refused(serve, setting):
    with pytest.raises(BadSettings, match=f"{setting} is 0"):
        serve(**{setting: 0})


def test_a_server_that_takes_no_such_request_is_told(serve):
    _, looking = serve((400, "temperature is not supported"), temperature=0.5)
    with pytest.raises(BadSettings, match="temperature is not supported"):
        looking.detect([PICTURE], ["pig"])


def test_a_server_that_knows_no_such_model_is_told(serve):
    _, looking = serve((404, "no such model"))
    with pytest.raises(GeneratorClosed, match="'seer'"):
        looking.detect([PICTURE], ["pig"])


def test_a_key_in_the_settings_is_refused():
    with pytest.raises(BadSettings, match="written down"):
        VlmDetector(Card(name="vlm", family="vlm", source="m", settings={"api_key": "sk-1"}))


def test_without_a_key_there_is_no_server(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(GeneratorClosed, match="OPENAI_API_KEY"):
        VlmDetector(Card(name="vlm", family="vlm", source="m"))


def test_a_local_model_runs_from_processor_to_answer(tmp_path):
    import torch
    import transformers as T

    from tests.detectors.tiny_models import bert_tokenizer

    tokenizer, size = bert_tokenizer(tmp_path)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    tokenizer.chat_template = (
        "{% for m in messages %}{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>"
        "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endfor %}"
    )
    torch.manual_seed(0)
    shape = T.LlavaConfig(
        vision_config=T.CLIPVisionConfig(
            hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
        ),
        text_config=T.LlamaConfig(
            vocab_size=size + 1, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=2, max_position_embeddings=512, bos_token_id=101, eos_token_id=102, pad_token_id=0,
        ),
        image_token_index=size, vision_feature_layer=-1,
    )  # fmt: skip
    T.LlavaForConditionalGeneration(shape).save_pretrained(tmp_path)
    T.LlavaProcessor(
        image_processor=T.CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}),
        tokenizer=tokenizer, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=tokenizer.chat_template,
    ).save_pretrained(tmp_path)  # fmt: skip
    card = Card(
        name="vlm",
        family="vlm",
        source=str(tmp_path),
        settings={"backend": "transformers", "longest": 4, "device": "cpu"},
    )
    detector = VlmDetector(card)
    found = detector.detect([PICTURE, PICTURE], ["pig", "wolf"])
    assert [f.size for f in found] == [(80, 60)] * 2
    assert all(f.unsupported <= {"pig", "wolf"} for f in found)
    tokens = detector._model.first_token(Image.fromarray(PICTURE), "How many pigs?")
    assert tokens and 0 < sum(tokens.values()) <= 1


def test_a_folder_without_a_model_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    card = Card(name="vlm", family="vlm", source=str(tmp_path), settings={"backend": "transformers"})
    with pytest.raises(BadWeights, match="no vision-language model"):
        VlmDetector(card)
