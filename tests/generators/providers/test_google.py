"""Google's real client against a server on this machine: Gemini in chats, and Imagen."""

from __future__ import annotations

import pytest
from loopback import B64, BLACK_B64, CUT_B64, Answer, Case, Loopback, check, common_faults, draw, sample_of_talk, told

from countcheck.cards import Card
from countcheck.generators.providers.google import GoogleGenerator
from countcheck.generators.providers.imagen import ImagenGenerator
from countcheck.suites.suite import Turn

KEY = "sk-loopback-abcdefgh"


@pytest.fixture(scope="module")
def server():
    with Loopback() as running:
        yield running


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)


@pytest.fixture(scope="module")
def clients():
    """Clients by timeout: making one reads all certificates of the machine, which is most of a test's time."""
    made = {}
    yield made
    for client in made.values():
        client.close()


@pytest.fixture
def gemini(server, clients):
    def make(**settings):
        plain = {"base_url": server.url, "first_wait": 0.001, **settings}
        card = Card(name="google:gemini", family="google", source="gemini-3.1-flash-image", price=0.04, settings=plain)
        return sharing(GoogleGenerator(card), clients)

    return make


def sharing(generator, clients):
    name = (generator.family, generator.settings["timeout"])
    generator._client = clients.get(name)
    clients[name] = generator.client
    generator.read_key()
    return generator


def answer(*parts, finish="STOP", **more):
    candidate = {"index": 0, "finishReason": finish, **more}
    if parts:
        candidate["content"] = {"role": "model", "parts": list(parts)}
    return {
        "candidates": [candidate],
        "usageMetadata": {"promptTokenCount": 9},
        "modelVersion": "gemini-3.1-flash-image",
        "responseId": "r1",
    }


def picture(data=B64, **more):
    return {"inlineData": {"mimeType": "image/png", "data": data}, **more}


def text(said, **more):
    return {"text": said, **more}


def blocked(reason, **more):
    return {"promptFeedback": {"blockReason": reason, **more}, "usageMetadata": {"promptTokenCount": 9}}


def error(status, kind, message, **more):
    return Answer(status, {"error": {"code": status, "message": message, "status": kind, **more}})


def refusal(reason, category="", **more):
    return {"ended": "refusal", "reason": reason, "category": category, **more}


LIKELY = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}]
FAILED = {"ended": "failure"}

CASES = [
    Case("success with words", (Answer(200, answer(text("Sure, here are three pigs."), picture())),),
         {"ended": "picture", "words": "Sure, here are three pigs.", "cost": 0.04, "attempts": 1}),
    Case("thoughts are not words, interim pictures not answers", (Answer(200, answer(text("Let me think", thought=True), picture(BLACK_B64, thought=True), picture())),),
         {"ended": "picture", "words": ""}),
    Case("the final picture marked as a thought", (Answer(200, answer(picture(thought=True))),), {"ended": "picture"}),
    Case("a picture as a data URL in the words", (Answer(200, answer(text(f"Here: ![p](data:image/png;base64,{B64})"))),), {"ended": "picture", "words": "Here:"}),
    Case("explained block of the prompt", (Answer(200, blocked("SAFETY", safetyRatings=LIKELY)),), refusal("stated", "dangerous_content", code="SAFETY", stage="prompt", attempts=1)),
    Case("unexplained block of the prompt", (Answer(200, blocked("PROHIBITED_CONTENT")),), refusal("unexplained", code="PROHIBITED_CONTENT", stage="prompt", attempts=1)),
    Case("blocked for OTHER", (Answer(200, blocked("OTHER")),), refusal("unexplained", code="OTHER")),
    Case("blocked as a jailbreak", (Answer(200, blocked("JAILBREAK")),), refusal("stated", "jailbreak")),
    Case("blocked by the organisation", (Answer(200, blocked("MODEL_ARMOR")),), refusal("stated", "org_policy")),
    Case("the picture blocked, no word why", (Answer(200, answer(finish="IMAGE_SAFETY")),), refusal("unexplained", code="IMAGE_SAFETY", stage="picture", attempts=1)),
    Case("the picture blocked, a support code says why", (Answer(200, answer(finish="IMAGE_SAFETY", finishMessage="Unable to show the generated image. Support codes: 56562880")),),
         refusal("stated", "violence", stage="picture")),
    Case("a support code that says nothing", (Answer(200, answer(finish="IMAGE_SAFETY", finishMessage="Unable to show it. Support codes: 29578790")),), refusal("unexplained")),
    Case("recitation", (Answer(200, answer(finish="IMAGE_RECITATION")),), refusal("stated", "copyright")),
    Case("personal data", (Answer(200, answer(finish="SPII")),), refusal("stated", "personal_data")),
    Case("a blocklist", (Answer(200, answer(finish="BLOCKLIST")),), refusal("stated", "blocklist")),
    Case("an unheard-of picture reason", (Answer(200, answer(finish="IMAGE_SOMETHING_NEW")),), refusal("unexplained", code="IMAGE_SOMETHING_NEW")),
    Case("an unheard-of reason", (Answer(200, answer(finish="WHATEVER")),), {**FAILED, "fault": "unknown", "code": "WHATEVER"}),
    Case("no picture made", (Answer(200, answer(finish="NO_IMAGE")),), refusal("deflected", code="NO_IMAGE")),
    Case("words only: a decline", (Answer(200, answer(text("I’m just a language model and can’t help with that."))),), refusal("capability", "capability")),
    Case("words only: an unexplained decline", (Answer(200, answer(text("I'm unable to create that image."))),), refusal("unexplained", stage="prompt", words="I'm unable to create that image.")),
    Case("success claim over nothing", (Answer(200, answer(text("Here are your three pigs!"))),), refusal("deflected", words="Here are your three pigs!")),
    Case("STOP and nothing, twice", (Answer(200, answer()),), refusal("silent", attempts=2)),
    Case("silent filter: a black picture", (Answer(200, answer(picture(BLACK_B64))),), refusal("silent", code="blank", withheld=True)),
    Case("out of tokens", (Answer(200, answer(finish="MAX_TOKENS")),), {**FAILED, "fault": "bad_request"}),
    Case("a limited account", (Answer(200, answer(finish="PUP_LIMITED_DISABLED")),), {**FAILED, "fault": "closed"}),
    Case("truncated base64", (Answer(200, answer(picture(CUT_B64))),), {**FAILED, "fault": "damaged", "attempts": 1}),
    Case("a bad prompt by 400 that is a block", (error(400, "INVALID_ARGUMENT", "The prompt could not be submitted. It may violate Google's Responsible AI practices. Support codes: 90789179"),),
         refusal("stated", "sexual", code="INVALID_ARGUMENT", stage="prompt")),
    Case("a bad parameter", (error(400, "INVALID_ARGUMENT", "Invalid aspect ratio."),), {**FAILED, "fault": "bad_request", "code": "INVALID_ARGUMENT", "attempts": 1}),
    Case("wrong key", (error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", details=[{"reason": "API_KEY_INVALID"}]),), {**FAILED, "fault": "closed", "attempts": 1}),
    Case("wrong country", (error(400, "FAILED_PRECONDITION", "Image generation is not available in your country."),), {**FAILED, "fault": "closed"}),
    Case("exhausted credit", (error(402, "RESOURCE_EXHAUSTED", "Prepaid credit is used up."),), {**FAILED, "fault": "closed"}),
    Case("429 with Google's own delay", (error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for requests per minute.", details=[{"@type": "RetryInfo", "retryDelay": "0.01s"}]), Answer(200, answer(picture()))),
         {"ended": "picture", "statuses": (429, 200)}),
    Case("a permission that lacks", (error(403, "PERMISSION_DENIED", "Your project has been denied access."),), {**FAILED, "fault": "closed"}),
    Case("no such model", (error(404, "NOT_FOUND", "models/x is not found"),), {**FAILED, "fault": "closed"}),
    Case("overloaded", (error(503, "UNAVAILABLE", "The model is overloaded."),), {**FAILED, "fault": "transient", "attempts": 5}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES + common_faults(answer(picture())), ids=lambda case: case.name)
def test_gemini(server, gemini, case):
    check(gemini(**case.settings), server, case)


def test_what_is_sent(server, gemini):
    server.answers(Answer(200, answer(picture())))
    draw(gemini(safety="BLOCK_NONE"))
    sent = server.requests[0]
    assert sent.path == "/v1/models/gemini-3.1-flash-image:generateContent"
    assert sent.headers["x-goog-api-key"] == KEY
    config = sent.json["generationConfig"]
    assert (config["responseModalities"], config["imageConfig"]) == (
        ["TEXT", "IMAGE"],
        {"aspectRatio": "1:1", "imageSize": "1K"},
    )
    assert isinstance(config["seed"], int)
    assert {setting["threshold"] for setting in sent.json["safetySettings"]} == {"BLOCK_NONE"}


def say(dialogue, *texts):
    return [told(dialogue.say(text, turn, Turn(say=text))) for turn, text in enumerate(texts)]


def test_a_hard_block_vanishes_from_what_the_next_turn_sees_and_is_told(server, gemini):
    server.answers(
        Answer(200, answer(picture())), Answer(200, answer(finish="IMAGE_SAFETY")), Answer(200, answer(picture()))
    )
    generator = gemini()
    dialogue = generator.open(sample_of_talk(generator))
    outcomes = [dialogue.say(text, turn, Turn(say=text)) for turn, text in enumerate(("pigs", "noir", "rain"))]
    said = [
        [c["parts"][0].get("text") for c in request.json["contents"] if c["role"] == "user"]
        for request in server.requests
    ]
    assert said == [["pigs"], ["pigs", "noir"], ["pigs", "rain"]]
    assert {name: outcomes[2].extra[name] for name in ("turns_said", "turns_seen")} == {
        "turns_said": 2,
        "turns_seen": 1,
    }


def test_a_refusal_in_words_stays_in_the_history_until_it_is_rewound(server, gemini):
    server.answers(
        Answer(200, answer(picture())),
        Answer(200, answer(text("I can't create that image."))),
        Answer(200, answer(picture())),
    )
    generator = gemini()
    for rewinds, expected in ((False, ["pigs", "noir", "rain"]), (True, ["pigs", "rain"])):
        server.answers(*server.script)
        dialogue = generator.open(sample_of_talk(generator))
        say(dialogue, "pigs", "noir")
        if rewinds:
            dialogue.rewind()
        say(dialogue, "rain")
        last = server.requests[-1].json["contents"]
        assert [c["parts"][0]["text"] for c in last if c["role"] == "user"] == expected


def test_the_pictures_of_earlier_turns_go_back_with_the_history(server, gemini):
    server.answers(Answer(200, answer(picture(thoughtSignature="c2ln"))))
    generator = gemini()
    say(generator.open(sample_of_talk(generator)), "pigs", "noir")
    model = next(content for content in server.requests[1].json["contents"] if content["role"] == "model")
    assert model["parts"][0]["inlineData"]["data"].replace("-", "+").replace("_", "/") == B64
    assert model["parts"][0]["thoughtSignature"] == "c2ln"


@pytest.fixture
def imagen(server, clients):
    def make(**settings):
        plain = {"base_url": server.url, "first_wait": 0.001, **settings}
        return sharing(
            ImagenGenerator(Card(name="imagen:4", family="imagen", source="imagen-4.0-generate-001", settings=plain)),
            clients,
        )

    return make


def predictions(*found):
    return {"predictions": list(found)}


DRAWN = {"mimeType": "image/png", "bytesBase64Encoded": B64}

IMAGEN = [
    Case("success", (Answer(200, predictions(DRAWN)),), {"ended": "picture", "attempts": 1}),
    Case("explained block of the picture", (Answer(200, predictions({"raiFilteredReason": "Unable to show generated images. Support codes: 56562880"})),),
         refusal("stated", "violence", stage="picture", attempts=1)),
    Case("unexplained block of the picture", (Answer(200, predictions({"raiFilteredReason": "Unable to show generated images."})),), refusal("unexplained", stage="picture")),
    Case("explained block of the prompt", (error(400, "INVALID_ARGUMENT", "Image generation failed: the prompt may violate our usage guidelines. Support codes: 29310472"),),
         refusal("stated", "celebrity", stage="prompt")),
    Case("nothing at all", (Answer(200, {}),), refusal("silent", attempts=2)),
    Case("silent filter: a black picture", (Answer(200, predictions({**DRAWN, "bytesBase64Encoded": BLACK_B64})),), refusal("silent", code="blank")),
    Case("truncated base64", (Answer(200, predictions({**DRAWN, "bytesBase64Encoded": CUT_B64})),), {**FAILED, "fault": "damaged"}),
    Case("wrong key", (error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),), {**FAILED, "fault": "closed"}),
    Case("a model that is gone", (error(404, "NOT_FOUND", "Publisher Model was not found."),), {**FAILED, "fault": "closed"}),
    Case("exhausted quota", (error(402, "RESOURCE_EXHAUSTED", "Billing."),), {**FAILED, "fault": "closed"}),
]  # fmt: skip


@pytest.mark.parametrize("case", IMAGEN + common_faults(predictions(DRAWN)), ids=lambda case: case.name)
def test_imagen(server, imagen, case):
    check(imagen(**case.settings), server, case)


def test_imagen_tells_its_pictures_apart(server, imagen):
    server.answers(Answer(200, predictions(DRAWN, {"raiFilteredReason": "Support codes: 56562880"})))
    drawn, filtered, absent = (told(outcome) for outcome in draw(imagen(per_request=3), 1, repeats=3))
    assert (drawn["ended"], filtered["reason"], filtered["category"], absent["reason"]) == (
        "picture",
        "stated",
        "violence",
        "silent",
    )
    sent = server.requests[0].json["parameters"]
    assert (sent["sampleCount"], sent["includeRaiReason"], sent["addWatermark"]) == (3, True, False)
