"""What exceptions and bodies of vendors' clients say, whatever their shape."""

from __future__ import annotations

import pytest

from countcheck.generators.outcome import Stage
from countcheck.generators.remote.error_replies import completed, reply_of_body, reply_of_error
from countcheck.generators.remote.reply import Reply, Slot


def test_a_packed_error_counts_before_what_hands_it_on():
    inner = '{"error": {"code": "429", "message": "Rate limit is exceeded. Try again in 7 seconds."}}'
    reply = reply_of_body({"error": {"message": inner, "code": "INTERNAL_ERROR"}}, status=500)
    assert (reply.status, reply.message, reply.retry_after) == (
        429,
        "Rate limit is exceeded. Try again in 7 seconds.",
        7.0,
    )


def test_a_packed_refusal_keeps_its_categories_and_stage():
    details = '{"moderation_stage": "input", "categories": ["violence"]}'
    inner = f'{{"error": {{"code": "moderation_blocked", "message": "No.", "moderation_details": {details}}}}}'
    reply = reply_of_body({"message": inner}, status=502)
    assert (reply.codes[0], reply.categories, reply.stage) == ("moderation_blocked", ("violence",), Stage.PROMPT)


@pytest.mark.parametrize(
    ("violation", "code"),
    [
        ({"quotaId": "GenerateRequestsPerDayPerProject-FreeTier", "quotaValue": "50"}, "quota_per_day"),
        ({"quotaId": "GenerateRequestsPerMinutePerProject", "quotaValue": "0"}, "quota_of_zero"),
    ],
)
def test_googles_quota_metadata_is_a_code(violation, code):
    reply = reply_of_body({"error": {"details": [{"violations": [violation]}]}}, status=429)
    assert reply.codes[0] == code


def test_a_field_that_did_not_pass_validation_is_told_from_the_prompt():
    def rejected(*place):
        return reply_of_body({"detail": [{"loc": list(place), "msg": "no", "type": "new_type"}]}, status=422)

    assert rejected("body", "size").invalid_field
    assert not rejected("body", "prompt").invalid_field
    assert not rejected("body").invalid_field


def test_a_web_page_is_told_by_its_title():
    page = "<html><head><title>Sign in</title></head><body>hello</body></html>"
    assert reply_of_body(page, status=502).message == "Sign in"


def test_an_exception_without_an_answer_is_transport_through_its_causes():
    class Wrapped(Exception):
        pass

    error = Wrapped("request failed")
    error.__cause__ = TimeoutError()
    assert reply_of_error(error).transport
    assert not reply_of_error(Wrapped("no")).transport


@pytest.mark.parametrize(
    "reply",
    [
        Reply(slots=(Slot(data="x"),), raw={"error": "beside a picture"}),
        Reply(slots=(Slot(withheld=True),), raw={"error": "beside a withheld place"}),
        Reply(transport=True, raw={"error": "no"}),
        Reply(raw="plain text"),
        Reply(raw={"data": []}),
    ],
)
def test_what_needs_no_completion_stays(reply):
    assert completed(reply) is reply


def test_a_reply_is_completed_by_error_picture_task_or_unknown_field_in_this_order():
    picture = {"image": "https://x.example/a.png"}
    assert completed(Reply(raw={"error": {"code": "busy"}, "output": picture})).error
    assert completed(Reply(raw={"output": picture, "task_id": "1"})).slots[0].url.endswith("a.png")
    assert completed(Reply(raw={"data": {"task_id": "1", "asset": 3}})).codes == ("unfinished_task",)
    assert completed(Reply(raw={"data": [{"asset_ref": "abc"}]})).codes == ("no_known_picture",)
