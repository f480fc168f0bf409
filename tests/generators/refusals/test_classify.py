"""What is a refusal, a fault, or neither: on a labelled set, and case by case."""

from __future__ import annotations

import collections
from pathlib import Path

import pytest
import yaml
from labelled_replies import halves

from countcheck.generators.outcome import Reason, Stage
from countcheck.generators.refusals.blank_images import Look
from countcheck.generators.refusals.classify import read
from countcheck.generators.refusals.reading import Ended
from countcheck.generators.refusals.words import area_of, claims_success, normal, read_words
from countcheck.generators.remote.reply import Reply, Slot
from countcheck.registry import load_generator_class

HERE = Path(__file__).parent
REASONS = {str(reason) for reason in Reason}


def labelled_words():
    for line in (HERE / "words.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            label, language, words = line.split("\t")
            yield label, language, words.replace("\\n", "\n")


def labelled_replies():
    for fields in yaml.safe_load((HERE / "replies.yaml").read_text(encoding="utf-8")):
        wanted, family = fields.pop("is"), fields.pop("provider", "")
        good = fields.pop("ok", False)
        plain = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        yield wanted, load_generator_class(family).codes if family else {}, Reply(error=not good, **plain)


WORDS = list(labelled_words())
REPLIES = list(labelled_replies())
NAMES = {"U": "unexplained", "C": "capability", "S": "stated", "K": "deflected", "D": "deflected"}


def class_of(reading):
    return str(reading.reason if reading.ended is Ended.REFUSAL else reading.fault)


def judged():
    """Label and reading of the whole set."""
    for label, _, words in WORDS:
        yield NAMES[label[0]], class_of(read(Reply(words=words)))
    for wanted, codes, reply in REPLIES:
        yield wanted, class_of(read(reply, codes=codes))


def test_the_labelled_set_is_large_and_speaks_many_languages():
    languages = collections.Counter(language for _, language, _ in WORDS)
    assert len(WORDS) + len(REPLIES) >= 400
    assert len(languages) >= 12
    assert sum(label[0] in "KD" for label, _, _ in WORDS) >= 0.4 * len(WORDS)


def confusion():
    """The table of the labelled set as text, and the share that was read rightly."""
    table = collections.Counter(judged())
    classes = sorted({name for pair in table for name in pair})
    rows = [f"{'labelled':<14}" + "".join(f"{name[:11]:>12}" for name in classes)]
    for wanted in classes:
        rows.append(f"{wanted:<14}" + "".join(f"{table[wanted, read_as] or '.':>12}" for read_as in classes))
    right = sum(n for (wanted, read_as), n in table.items() if wanted == read_as)
    return "\n".join(rows), right / table.total()


def claims():
    """Precision and recall of success claims on the labelled texts."""
    told = [(label == "K", claims_success(words)) for label, _, words in WORDS]
    right = sum(got and wanted for wanted, got in told)
    return right / sum(got for _, got in told), right / sum(wanted for wanted, _ in told)


def test_the_confusion_table_of_the_labelled_set():
    table, right = confusion()
    assert right >= 0.98, table


def test_no_fault_is_read_as_a_refusal_and_no_refusal_as_a_fault():
    crossed = [(wanted, got) for wanted, got in judged() if (wanted in REASONS) != (got in REASONS)]
    assert crossed == []


def test_the_areas_named_are_found():
    wrong = [(label, read(Reply(words=words)).category, words) for label, _, words in WORDS
             if label.startswith("S:") and read(Reply(words=words)).category != label[2:]]  # fmt: skip
    assert len(wrong) <= 0.02 * sum(label.startswith("S:") for label, _, _ in WORDS), wrong


def test_success_claims_have_high_precision_and_recall():
    assert min(claims()) >= 0.97


@pytest.mark.parametrize(
    ("slot", "look", "reason", "category"),
    [
        (Slot(data="x", withheld=True, categories=("sexual",)), Look.BLANK, "stated", "sexual"),
        (Slot(data="x", withheld=True, codes=("CONTENT_FILTERED",)), Look.BLURRED, "unexplained", ""),
        (Slot(data="x", withheld=True), Look.FINE, "silent", ""),
        (Slot(data="x"), Look.BLANK, "silent", ""),
        (Slot(data="x"), Look.MOSAIC, "silent", ""),
        (Slot(data="x"), Look.PLACEHOLDER, "silent", ""),
        (Slot(codes=("moderation_blocked",)), None, "unexplained", ""),
        (Slot(codes=("moderation_blocked",), categories=("violence",)), None, "stated", "violence"),
        (Slot(), None, "silent", ""),
        (None, None, "silent", ""),
    ],
)
def test_slots_that_hold_no_picture_to_count(slot, look, reason, category):
    reading = read(Reply(slots=(slot,) if slot else ()), slot=slot, look=look)
    assert (reading.ended, str(reading.reason), reading.category) == (Ended.REFUSAL, reason, category)


@pytest.mark.parametrize("look", [Look.FINE, Look.SPARSE])
def test_a_picture_wins_over_a_cautious_caption(look):
    reply = Reply(slots=(Slot(data="x"),), words="I can't create images of that.")
    assert read(reply, slot=reply.slots[0], look=look).ended is Ended.PICTURE


def test_words_beside_other_pictures_do_not_speak_of_the_missing_one():
    assert read(Reply(words="Here they are!"), others=True).reason is Reason.SILENT
    some = Reply(words="", message="Some of the generated images have been blocked by our content filters.")
    assert read(some, others=True).reason is Reason.UNEXPLAINED


def test_a_picture_that_cannot_be_decoded_is_damaged():
    assert class_of(read(Reply(), slot=Slot(data="x"), broken="cut short")) == "damaged"


@pytest.mark.parametrize(
    ("message", "stage"),
    [
        ("We're so sorry, but the prompt may violate our guardrails.", Stage.PROMPT),
        ("We're so sorry, but the image we created may violate our guardrails.", Stage.PICTURE),
        ("Blocked by the safety system.", Stage.UNKNOWN),
    ],
)
def test_the_stage_is_told_by_the_sentence(message, stage):
    assert read(Reply(error=True, status=400, codes=("moderation_blocked",), message=message)).stage is stage


def test_a_quoted_prompt_names_no_area():
    assert area_of('The prompt "two pigs with guns" was rejected.') == ""


def test_an_offer_is_still_a_refusal():
    heard = read_words("I can't draw that, but I can draw a farm without animals. Would you like that?")
    assert (heard.declines, heard.offers, heard.asks) == (True, True, True)


def test_words_are_normalised():
    assert normal("  **I CAN’T**\u00a0 do _that_ ") == "i can't do that"


@pytest.mark.parametrize("words", ["a" * 100_000, "I can't " * 20_000, "no " * 50_000, "\x00\ufffd" * 1000, "{" * 5000])
def test_hostile_words_are_read_quickly(words):
    read_words(words)


def test_looking_for_letters_first_loses_no_area():
    from countcheck.generators.refusals.phrases import AREAS

    for _, _, words in WORDS:
        text = normal(words)
        slow = next((name for name, pattern in AREAS if pattern.search(text)), "")
        assert area_of(text) == slow or '"' in text


def test_the_second_labelled_set_is_read_rightly_in_both_halves():
    """The untouched half was never looked at while the tables were widened."""
    for name, least in (("tuned", 0.99), ("untouched", 0.96)):
        entries = halves()[name]
        wrong = [entry for entry in entries if entry[0] != entry[1]]
        assert len(entries) > 100
        assert len(wrong) <= (1 - least) * len(entries), name


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("Model is loading; the NSFW filter is warming up", "transient"),
        ("Number of requests has exceeded your rate limit", "transient"),
    ],
)
def test_a_filter_that_is_not_ready_refuses_nothing(message, fault):
    assert class_of(read(Reply(error=True, status=503, message=message))) == fault


@pytest.mark.parametrize(
    ("reply", "ended"),
    [
        (Reply(error=True, status=400, message="Unrecognized value for moderation filter level"), "bad_request"),
        (Reply(error=True, status=400, codes=("rate_limit_error",), message="slow down"), "transient"),
        (Reply(error=True, status=400, codes=("moderation_blocked_v2",), message="Blocked."), "unexplained"),
        (Reply(error=True, status=400, message="Sorry, this prompt is not allowed."), "unexplained"),
        (Reply(error=True, status=422, message="prompt flagged: violence"), "stated"),
        (Reply(error=True, status=400, message="the provided model identifier is invalid"), "closed"),
        (Reply(error=True, status=400, codes=("Arrearage",), message="Access denied."), "closed"),
        (Reply(error=True, status=403, raw="<html>", message="Just a moment..."), "transient"),
        (Reply(error=True, status=451, message="Unavailable For Legal Reasons"), "unexplained"),
        (Reply(error=True, status=400, codes=("X-77",), message="Something unusual was found."), "unknown"),
        (Reply(error=True, status=429, codes=("quota_per_day",), retry_after=31.0, message="quota"), "closed"),
        (Reply(error=True, status=429, message="Quota exceeded for metric: images, limit: 0"), "closed"),
        (Reply(words="This query violates the policy"), "stated"),
        (
            Reply(
                error=True,
                status=403,
                categories=("violence",),
                message="google/x requires moderation. Your input was flagged. No credits were charged.",
            ),
            "stated",
        ),
    ],
)
def test_wordings_found_on_services(reply, ended):
    assert class_of(read(reply)) == ended


FOUNDING = [
    ("I can't generate images of that. Try asking for something else.", "unexplained"),
    (
        "I'm sorry about that. I'm still learning, and there may be several reasons: perhaps a policy, perhaps the limits"
        " of what I can do, perhaps the request was too vague. I can't always make every image.",
        "deflected",
    ),
    ("You've reached today's limit for making pictures. You can make more after 23:10.", "transient"),
    ("Sorry about that, there was an error while making your picture. Please try again in a few minutes.", "transient"),
    ("I'm unable to generate more pictures right now: the rate limit was hit. Please wait 12 minutes.", "transient"),
    ("I can't draw that because it could be offensive and might be seen as hateful.", "stated"),
    ("Sorry for the earlier error! Here's the corrected picture with three pigs.", "deflected"),
    ("An error occurred: your prompt violates our content policy.", "unexplained"),
]


@pytest.mark.parametrize(("words", "ended"), FOUNDING)
def test_apologies_limits_and_faults_in_an_assistants_words(words, ended):
    assert class_of(read(Reply(words=words))) == ended


@pytest.mark.parametrize(
    "message",
    [
        "Invalid size '512x512' for prompt 'three pigs in blood-red coats beside a poster about our content policy'",
        'Unsupported aspect ratio for input "a bloody knife, nude, flagged by the safety system"',
        "Prompt must be shorter: three pigs with guns and a content policy",
    ],
)
def test_a_repeated_prompt_is_not_read_as_the_services_opinion(message):
    asked = "three pigs with guns and a content policy"
    reading = read(Reply(error=True, status=400, message=message), asked=asked)
    assert class_of(reading) == "bad_request"
    assert reading.message == message
