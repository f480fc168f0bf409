"""What every provider is known to answer, and what it is: refusal (and for what, and of what), fault, or picture.

Read by the adapters' own readers, without a network; what the vendors' clients make of it is tested beside each adapter.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from countcheck.generators.providers import (
    a1111,
    bedrock,
    bfl,
    comfyui,
    dashscope,
    openrouter,
    reve,
    sdcpp,
    stability,
    xai,
)
from countcheck.generators.providers import ideogram as ideograms
from countcheck.generators.providers._google_protocol import reply_of_gemini, reply_of_imagen
from countcheck.generators.providers.fal import reply_of_fault, reply_of_result
from countcheck.generators.providers.huggingface import reply_of_hub_error
from countcheck.generators.providers.openai import reply_of_images, reply_of_response
from countcheck.generators.providers.replicate import reply_of_prediction
from countcheck.generators.refusals.blank_images import Look
from countcheck.generators.refusals.classify import read
from countcheck.generators.refusals.reading import Ended
from countcheck.generators.remote.error_replies import reply_of_body
from countcheck.generators.remote.http import Answer
from countcheck.registry import load_generator_class

B = "iVBORw0KGgo="
# fmt: off


def _case(reply, wanted, provider="", slotno=0, cat="", stage="", others=False):
    return reply, wanted, provider, slotno, cat, stage, others


def oa(status, **error):
    return reply_of_body({"error": error}, status=status)


def openai_images():
    yield _case(oa(400, message="Your request was rejected by the safety system. safety_violations=[violence].", type="image_generation_user_error", code="moderation_blocked", param=None, moderation_details={"moderation_stage": "output", "categories": ["violence"]}), "stated", "openai", cat="violence", stage="picture")
    yield _case(oa(400, message="rejected. safety_violations=[sexual].", code="moderation_blocked"), "stated", "openai", cat="sexual")
    yield _case(oa(400, message="Your request was rejected by the safety system.", code="moderation_blocked", moderation_details={"moderation_stage": "input", "categories": []}), "unexplained", "openai", stage="prompt")
    yield _case(oa(400, message="bad words", code="content_policy_violation"), "unexplained", "openai")
    yield _case(oa(400, message="This contains violence", code="content_policy_violation"), "stated", "openai")
    yield _case(oa(400, message="Your request was rejected as a result of our safety system.", code=None), "unexplained", "openai")
    for d in ([], None):
        yield _case(reply_of_images({"created": 1, "data": d}), "silent", "openai")
    yield _case(reply_of_images({"data": [{"b64_json": B}]}), "silent", "openai", slotno=1, others=True)
    for c in ("invalid_image_file", "image_too_large", "invalid_input_fidelity_model", "unknown_parameter"):
        yield _case(oa(400, message="x", code=c, type="image_generation_user_error"), "bad_request", "openai")
    yield _case(oa(400, message="We're so sorry, but the prompt may violate our guardrails around nudity, sexuality, or erotic content.", code="moderation_blocked"), "stated", "openai", cat="sexual", stage="prompt")
    yield _case(oa(400, message="We're so sorry, but the prompt may violate our guardrails concerning similarity to third-party content.", code=None), "stated", "openai", cat="copyright", stage="prompt")
    yield _case(oa(400, message="We're so sorry, but the image we created may violate our guardrails around violence.", code=None), "stated", "openai", cat="violence", stage="picture")
    yield _case(oa(400, message="We're so sorry, but the prompt may violate our content policies.", code=None), "unexplained", "openai", stage="prompt")
    yield _case(oa(400, message="the prompt may violate our guardrails concerning fraudulent or scam activity", code=None), "stated", "openai", cat="fraud")
    yield _case(oa(400, message="the prompt may violate our guardrails concerning illicit or illegal activities", code=None), "stated", "openai", cat="illegal")
    yield _case(oa(429, message="x", code="slow_down"), "transient", "openai")
    yield _case(oa(503, message="x", code="server_is_overloaded"), "transient", "openai")
    yield _case(oa(409, message="x"), "transient", "openai")
    yield _case(oa(403, message="Country, region, or territory not supported", code="unsupported_country_region_territory"), "closed", "openai")
    yield _case(oa(403, message="Your organization must be verified to use the model"), "closed", "openai")
    yield _case(oa(404, message="model", code="model_not_found"), "closed", "openai")
    for c in ("credit_balance_exhausted", "organization_spend_limit_exceeded", "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "whatever_new"):
        yield _case(oa(429, message="x", type="insufficient_quota", code=c), "closed", "openai")
    yield _case(oa(400, message="Billing hard limit has been reached", type="image_generation_user_error", code="billing_hard_limit_reached"), "closed", "openai")


def openai_responses():
    def r(**k):
        return reply_of_response({"id": "r", "status": "completed", "output": [], **k})

    def call(**k):
        return {"type": "image_generation_call", "id": "i", "status": "failed", "result": None, **k}

    def msg(*p):
        return {"type": "message", "content": list(p)}

    yield _case(r(output=[call(error={"code": "moderation_blocked", "type": "image_generation_user_error", "message": "no", "moderation_details": {"moderation_stage": "input", "categories": ["sexual"]}})]), "stated", "openai", cat="sexual", stage="prompt")
    yield _case(r(output=[call(error={"code": "moderation_blocked", "message": "no"})]), "unexplained", "openai")
    yield _case(r(output=[call(error=None)]), "silent", "openai")
    yield _case(r(output=[msg({"type": "refusal", "refusal": "I can't help with that."})]), "unexplained", "openai")
    yield _case(r(output=[msg({"type": "refusal", "refusal": "I can't create images with graphic violence."})]), "stated", "openai", cat="violence")
    yield _case(r(output=[msg({"type": "output_text", "text": "I can't create that image."})]), "unexplained", "openai")
    yield _case(r(output=[msg({"type": "output_text", "text": "Here are three pigs."})]), "deflected", "openai")
    yield _case(r(), "silent", "openai")
    yield _case(r(status="incomplete", incomplete_details={"reason": "content_filter"}), "unexplained", "openai")
    yield _case(r(status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "bad_request", "openai")
    for c in ("image_content_policy_violation", "bio_policy", "misalignment_policy_violation"):
        yield _case(r(status="failed", error={"code": c, "message": "x"}), "stated", "openai", cat=c)
    yield _case(r(status="failed", error={"code": "invalid_prompt", "message": "keep me"}), "unexplained", "openai")
    for c in ("rate_limit_exceeded", "server_error"):
        yield _case(r(status="failed", error={"code": c, "message": "x"}), "transient", "openai")
    for c in (
        "invalid_image",
        "invalid_image_format",
        "invalid_base64_image",
        "invalid_image_url",
        "image_too_large",
        "image_too_small",
        "image_parse_error",
        "invalid_image_mode",
        "image_file_too_large",
        "unsupported_image_media_type",
        "empty_image_file",
        "failed_to_download_image",
        "image_file_not_found",
        "vector_store_timeout",
    ):
        yield _case(r(status="failed", error={"code": c, "message": "x"}), "bad_request" if c != "vector_store_timeout" else "transient", "openai")


def azure():
    def cf(**k):
        return {"error": {"code": "contentFilter", "message": "Your task failed as a result of our safety system.", **k}}

    def res(f):
        return {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": f, "severity": "medium"}, "jailbreak": {"filtered": False, "detected": False}}

    for inner in ("inner_error", "innererror"):
        for rs in ("content_filter_results", "content_filter_result"):
            yield _case(reply_of_body(cf(**{inner: {"code": "ResponsibleAIPolicyViolation", "revised_prompt": "z", rs: res(True)}}), status=400), "stated", "azure", cat="violence")
            yield _case(reply_of_body(cf(**{inner: {"code": "ResponsibleAIPolicyViolation", rs: res(False)}}), status=400), "unexplained", "azure")
    for c in ("content_filter", "content_policy_violation", "moderation_blocked"):
        yield _case(oa(400, message="x", code=c), "unexplained", "azure")
    yield _case(reply_of_images({"data": [{"b64_json": B, "content_filter_results": res(False), "prompt_filter_results": res(False)}]}), "picture", "azure")
    yield _case(reply_of_images({"data": [{"b64_json": B, "content_filter_results": {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}}]}), "picture", "azure")
    yield _case(reply_of_images({"data": [{"content_filter_results": {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}}]}), "transient", "azure")
    yield _case(reply_of_images({"data": [{"content_filter_results": res(True)}]}), "stated", "azure", cat="violence")
    yield _case(oa(403, message="Your resource has been temporarily blocked because we detected behavior that may violate our content policy", code="content_policy_violation"), "closed", "azure")
    yield _case(oa(401, message="x"), "closed", "azure")
    yield _case(oa(404, message="Resource not found", code="404"), "closed", "azure")


def google():
    def g(**k):
        return reply_of_gemini(k)

    def cand(fr, parts=None, **k):
        return {"candidates": [{"finishReason": fr, **({"content": {"parts": parts}} if parts is not None else {}), **k}]}

    rate = [{"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}]
    for b in ("SAFETY", "IMAGE_SAFETY"):
        yield _case(g(promptFeedback={"blockReason": b, "safetyRatings": rate}), "stated", "google", cat="dangerous", stage="prompt")
        yield _case(g(promptFeedback={"blockReason": b, "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "MEDIUM"}]}), "stated", "google", cat="harassment")
        yield _case(g(promptFeedback={"blockReason": b}), "unexplained", "google", stage="prompt")
    for b in ("BLOCKLIST", "OTHER", "PROHIBITED_CONTENT"):
        yield _case(g(promptFeedback={"blockReason": b}), "unexplained", "google", stage="prompt")
    yield _case(g(promptFeedback={"blockReason": "JAILBREAK"}), "stated", "google", cat="jailbreak")
    yield _case(g(promptFeedback={"blockReason": "MODEL_ARMOR"}), "stated", "google", cat="org_policy")
    for f in ("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "SAFETY", "PROHIBITED_CONTENT"):
        yield _case(g(**cand(f)), "unexplained", "google", stage="picture")
        yield _case(g(**cand(f, safetyRatings=rate)), "stated", "google", cat="dangerous", stage="picture")
        yield _case(g(**cand(f, finishMessage="Unable to show generated images. Support codes: 56562880")), "stated", "google", cat="violence", stage="picture")
        yield _case(g(**cand(f, finishMessage="Unable. Support codes: 29578790")), "unexplained", "google")
    for f in ("IMAGE_RECITATION", "RECITATION"):
        yield _case(g(**cand(f)), "stated", "google", cat="copyright")
    yield _case(g(**cand("SPII")), "stated", "google", cat="personal_data")
    yield _case(g(**cand("BLOCKLIST")), "stated", "google", cat="blocklist")
    for f in ("IMAGE_OTHER", "OTHER", "ESCALATION"):
        yield _case(g(**cand(f)), "unexplained", "google")
    yield _case(g(**cand("NO_IMAGE")), "deflected", "google")
    yield _case(g(**cand("STOP", [{"text": "I'm just a language model and can't help with that."}])), "capability", "google")
    yield _case(g(**cand("STOP", [{"text": "I cannot create that."}])), "unexplained", "google")
    yield _case(g(**cand("STOP", [{"text": "Sure, here are three pigs."}])), "deflected", "google")
    yield _case(g(**cand("STOP", [])), "silent", "google")
    yield _case(g(**cand("STOP")), "silent", "google")
    for f in ("MAX_TOKENS", "CONTINUATION", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "MALFORMED_X", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE", "LANGUAGE"):
        yield _case(g(**cand(f)), "bad_request", "google")
        yield _case(g(**cand(f, [{"text": "Here are"}])), "bad_request", "google")
    yield _case(g(**cand("PUP_LIMITED_DISABLED")), "closed", "google")
    yield _case(g(**cand("IMAGE_SOMETHING_NEW")), "unexplained", "google")
    yield _case(g(**cand("SOMETHING_NEW")), "unknown", "google")
    yield _case(g(**cand("SOMETHING_NEW", [{"text": "Here you are."}])), "unknown", "google")
    yield _case(g(**cand("STOP", [{"text": "x"}, {"inlineData": {"mimeType": "image/png", "data": B}}])), "picture", "google")
    yield _case(g(**cand("STOP", [{"thought": True, "inlineData": {"mimeType": "image/png", "data": B}}])), "picture", "google")
    yield _case(g(**cand("STOP", [{"text": "data:image/png;base64," + B}])), "picture", "google")

    def ge(c, s, m, **k):
        return reply_of_body({"error": {"code": c, "status": s, "message": m, **k}}, status=c)

    yield _case(ge(400, "INVALID_ARGUMENT", "The prompt could not be submitted. This prompt contains sensitive words that violate Google's Responsible AI practices. Try rephrasing the prompt. Support codes: 90789179"), "stated", "google", cat="sexual", stage="prompt")
    yield _case(ge(400, "INVALID_ARGUMENT", "Image generation failed: your prompt could not be submitted."), "unexplained", "google", stage="prompt")
    yield _case(ge(400, "INVALID_ARGUMENT", "The image you want to edit violates Google's Responsible AI practices."), "unexplained", "google")
    yield _case(ge(400, "INVALID_ARGUMENT", "Unable to submit request because the aspect ratio is wrong."), "bad_request", "google")
    yield _case(ge(400, "FAILED_PRECONDITION", "Image generation is not available in your country."), "closed", "google")
    yield _case(ge(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", details=[{"reason": "API_KEY_INVALID"}]), "closed", "google")
    yield _case(ge(402, "RESOURCE_EXHAUSTED", "Prepaid"), "closed", "google")
    yield _case(ge(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", details=[{"retryDelay": "12s"}]), "transient", "google")
    for c, s in ((500, "INTERNAL"), (503, "UNAVAILABLE"), (504, "DEADLINE_EXCEEDED"), (408, "X")):
        yield _case(ge(c, s, "m"), "transient", "google")
    for c, s in ((401, "UNAUTHENTICATED"), (403, "PERMISSION_DENIED"), (404, "NOT_FOUND")):
        yield _case(ge(c, s, "m"), "closed", "google")


def imagen():
    im = reply_of_imagen({"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": B}, {"raiFilteredReason": "Unable to show generated images. All images were filtered out because they violated Google's Responsible AI practices. Support codes: 56562880"}]})
    yield _case(im, "picture", "google")
    yield _case(im, "stated", "google", slotno=1, cat="violence", stage="picture", others=True)
    yield _case(reply_of_imagen({}), "silent", "google")
    yield _case(reply_of_imagen({"predictions": [{"raiFilteredReason": "Unable. Support codes: 42876398"}]}), "unexplained", "google")
    yield _case(reply_of_hub_error(ValueError("generate_images is only supported in Gemini Enterprise Agent Platform mode")), "closed", "google")


def hf():
    def wave(m):
        return reply_of_hub_error(ValueError(m))

    yield _case(wave("WaveSpeed AI task failed: Content flagged as potentially sensitive. Please try different prompts."), "unexplained", "huggingface")
    yield _case(wave("WaveSpeed AI task failed: code 1200: content moderation"), "unexplained", "huggingface")
    yield _case(wave("WaveSpeed AI task failed: NSFW content"), "stated", "huggingface", cat="sexual")
    yield _case(wave("WaveSpeed AI task failed: Unknown error"), "unknown", "huggingface")
    yield _case(wave("WaveSpeed AI task failed: out of memory"), "transient", "huggingface")

    class InferenceTimeoutError(Exception):
        pass

    yield _case(reply_of_hub_error(InferenceTimeoutError("Model not loaded on the server")), "transient", "huggingface")


def replicate():
    def p(**k):
        return reply_of_prediction({"id": "p", "status": "failed", "output": None, "logs": "", **k})

    yield _case(p(error="The input or output was flagged as sensitive. Please try again with different inputs. (E005) (x)"), "unexplained", "replicate")
    yield _case(p(error="NSFW content detected. Try running it again, or try a different prompt."), "stated", "replicate", cat="sexual")
    yield _case(p(error="nsfw"), "stated", "replicate", cat="sexual")
    for o in ([], None):
        yield _case(p(status="succeeded", output=o, error=None), "silent", "replicate")
    yield _case(p(status="succeeded", output=["https://x/1"], error=None), "silent", "replicate", slotno=1, others=True)
    yield _case(p(status="canceled", error=None), "transient", "replicate")
    for e in ("E1000 unknown", "CUDA out of memory (E1001)", "E001", "Prediction interrupted; please retry (code: PA)", "Unknown error (E1000)"):
        yield _case(p(error=e), "transient", "replicate")
    for s, w in ((401, "closed"), (402, "closed"), (403, "closed"), (404, "closed"), (429, "transient"), (500, "transient"), (422, "bad_request")):
        yield _case(reply_of_body({"title": "t", "detail": "d", "status": s}, status=s), w, "replicate")


def fal():
    f = reply_of_result(Answer(status=200, body={"images": [{"url": "https://x"}, {"url": "https://y"}], "has_nsfw_concepts": [True, False]}))
    yield _case(f, "stated", "fal", cat="sexual", stage="picture")
    yield _case(f, "picture", "fal", slotno=1)

    def fe(status, detail, kind=None):
        return reply_of_fault(Answer(status=status, body={"detail": detail, **({"error_type": kind} if kind else {})}))

    yield _case(fe(422, [{"loc": ["body", "prompt"], "msg": "The content could not be processed because it contained material flagged by a content checker.", "type": "content_policy_violation"}]), "unexplained", "fal", stage="prompt")
    yield _case(fe(400, [{"loc": ["body", "prompt"], "msg": "bad", "type": "content_policy_violation", "ctx": {"reason": "violence"}}]), "stated", "fal", cat="violence")
    yield _case(fe(422, [{"loc": ["body", "prompt"], "msg": "it shows nudity", "type": "content_policy_violation"}]), "stated", "fal", cat="sexual")
    yield _case(fe(422, [{"loc": ["body"], "msg": "no", "type": "no_media_generated"}]), "deflected", "fal")
    for k in ("missing", "value_error", "image_too_large", "less_than_equal", "some_new_type"):
        yield _case(fe(422, [{"loc": ["body", "x"], "msg": "m", "type": k}]), "bad_request", "fal")
    for k in ("generation_timeout", "downstream_service_error", "internal_server_error"):
        yield _case(fe(422, [{"loc": ["body"], "msg": "m", "type": k}]), "transient", "fal")
    for k in ("request_timeout", "startup_timeout", "runner_scheduling_failure", "runner_connection_timeout", "runner_disconnected", "runner_connection_refused", "some_new_kind"):
        yield _case(fe(504, "m", k), "transient", "fal")
    yield _case(fe(401, "no"), "closed", "fal")
    yield _case(fe(403, "User is locked. Reason: Exhausted balance."), "closed", "fal")
    yield _case(fe(429, "x"), "transient", "fal")


def together():
    yield _case(reply_of_body({"error": {"message": "NSFW content detected in prompt", "code": "nsfw"}}, status=422), "stated", "together", cat="sexual")
    yield _case(reply_of_body({"error": {"message": "width too large", "code": None}}, status=422), "bad_request", "together")


def of_stability():
    def said(status, body):
        return stability.reply_of_answer(Answer(status=status, body=body))

    yield _case(said(200, {"image": B, "finish_reason": "SUCCESS", "seed": 3}), "picture", "stability")
    yield _case(said(200, {"image": B, "finish_reason": "CONTENT_FILTERED", "seed": 3}), "unexplained", "stability", stage="picture")
    yield _case(said(403, {"id": "x", "name": "content_moderation", "errors": ["Your request was flagged by our content moderation system, as a result your request was denied and you were not charged."]}), "unexplained", "stability", stage="prompt")
    yield _case(said(403, {"id": "x", "name": "forbidden", "errors": ["no"]}), "closed", "stability")
    for s, w in ((401, "closed"), (402, "closed"), (400, "unknown"), (413, "bad_request"), (422, "unknown"), (429, "transient"), (500, "transient")):
        yield _case(said(s, {"id": "x", "name": "n", "errors": ["e"]}), w, "stability")


def of_bfl():
    def t(st, b):
        return bfl.reply_of_task(Answer(status=st, body=b))

    yield _case(t(200, {"id": "1", "status": "Request Moderated"}), "unexplained", "bfl", stage="prompt")
    yield _case(t(200, {"id": "1", "status": "Request Moderated", "details": {"Moderation Reasons": ["Derivative Works Filter"]}}), "stated", "bfl", stage="prompt")
    yield _case(t(200, {"id": "1", "status": "Content Moderated"}), "unexplained", "bfl", stage="picture")
    yield _case(t(200, {"id": "1", "status": "Content Moderated", "details": {"Moderation Reasons": ["Safety Filter"]}}), "stated", "bfl", stage="picture")
    yield _case(t(200, {"id": "1", "status": "Error"}), "transient", "bfl")
    yield _case(t(404, {"id": "1", "status": "Task not found"}), "transient", "bfl")
    yield _case(t(200, {"id": "1", "status": "Task not found"}), "transient", "bfl")
    for s, w in ((402, "closed"), (403, "closed"), (422, "bad_request"), (429, "transient"), (500, "transient"), (503, "transient")):
        yield _case(Answer(status=s, body={"detail": "m"}).fault(), w, "bfl")


def of_bedrock():
    def ba(b, w=2):
        return bedrock.reply_of_answer(b, wanted=w, status=200, headers={})

    def ce(code, m, st):
        class ClientError(Exception):
            pass

        e = ClientError(m)
        e.response = {"Error": {"Code": code, "Message": m}, "ResponseMetadata": {"HTTPStatusCode": st, "HTTPHeaders": {}}}
        return bedrock.reply_of_client_error(e)

    yield _case(ce("ValidationException", "This request has been blocked by our content filters. Please adjust your text prompt to submit a new request.", 400), "unexplained", "bedrock", stage="prompt")
    yield _case(ce("ValidationException", "blocked by our content filters. Please adjust your input image", 400), "unexplained", "bedrock", stage="prompt")
    yield _case(ce("ValidationException", "Malformed input request", 400), "bad_request", "bedrock")
    yield _case(ce("ValidationException", "This model version has reached the end of its life.", 400), "closed", "bedrock")
    yield _case(ba({"images": [], "error": "All of the generated images have been blocked by our content filters."}), "unexplained", "bedrock", stage="picture")
    bs = ba({"images": [B], "error": "Some of the generated images have been blocked by our content filters."})
    yield _case(bs, "picture", "bedrock")
    yield _case(bs, "unexplained", "bedrock", slotno=1, stage="picture", others=True)
    yield _case(ba({"seeds": [1], "finish_reasons": [None], "images": [B]}, 1), "picture", "bedrock")
    for w, st in (("Filter reason: prompt", "prompt"), ("Filter reason: output image", "picture"), ("Filter reason: input image", "prompt")):
        yield _case(ba({"seeds": [], "finish_reasons": [w], "images": [B]}, 1), "unexplained", "bedrock", stage=st)
    yield _case(ba({"seeds": [], "finish_reasons": ["Inference error"], "images": [""]}, 1), "transient", "bedrock")
    for c, s, w in (
        ("ThrottlingException", 429, "transient"),
        ("ModelTimeoutException", 408, "transient"),
        ("ModelNotReadyException", 429, "transient"),
        ("ServiceUnavailableException", 503, "transient"),
        ("InternalServerException", 500, "transient"),
        ("ModelErrorException", 424, "transient"),
        ("AccessDeniedException", 403, "closed"),
        ("ResourceNotFoundException", 404, "closed"),
        ("ServiceQuotaExceededException", 400, "closed"),
    ):
        yield _case(ce(c, "m", s), w, "bedrock")
    for c in ("ModelStreamErrorException", "ExpiredTokenException"):
        yield _case(ce(c, "m", 424 if "Stream" in c else 403), "transient" if "Stream" in c else "closed", "bedrock")


def of_xai():
    class RpcError(Exception):
        def __init__(self, name, words):
            self.name, self.words = name, words

        def code(self):
            return SimpleNamespace(name=self.name)

        def details(self):
            return self.words

    def xe(n, d="m"):
        return xai.reply_of_grpc_error(RpcError(n, d))

    for n in ("RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "CANCELLED", "ABORTED"):
        yield _case(xe(n), "transient", "xai")
    for n in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        yield _case(xe(n), "closed", "xai")
    yield _case(xe("INVALID_ARGUMENT", "Argument not supported: size"), "bad_request", "xai")
    yield _case(xe("INVALID_ARGUMENT", "Generated image rejected by content moderation."), "unexplained", "xai")
    yield _case(xe("INVALID_ARGUMENT", "Prompt violates moderation rules: violence"), "stated", "xai", cat="violence", stage="prompt")
    yield _case(xe("NOT_FOUND", "The model x does not exist"), "closed", "xai")
    yield _case(xe("FAILED_PRECONDITION"), "bad_request", "xai")
    yield _case(xe("RESOURCE_EXHAUSTED", "Your team has run out of credits"), "closed", "xai")
    yield _case(xe("PERMISSION_DENIED", "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"), "unexplained", "xai")
    yield _case(reply_of_images({"data": []}), "silent", "xai")
    yield _case(reply_of_images({"data": [{}]}), "silent", "xai")
    yield _case(reply_of_images({"data": [{"respect_moderation": False}]}), "unexplained", "xai", stage="picture")


def ideogram():
    def ideo(st, b):
        return ideograms.reply_of_answer(Answer(status=st, body=b), asked="x")

    yield _case(ideo(200, {"data": [{"url": None, "is_image_safe": False}]}), "unexplained", "ideogram", stage="picture")
    yield _case(ideo(200, {"data": [{"url": "", "is_image_safe": False}]}), "unexplained", "ideogram", stage="picture")
    yield _case(ideo(422, {"error": "Prompt or provided image failed the safety checks"}), "unexplained", "ideogram", stage="prompt")
    for s, w in ((400, "bad_request"), (401, "closed"), (429, "transient"), (503, "transient")):
        yield _case(ideo(s, {"error": "m"}), w, "ideogram")


def of_openrouter():
    def router(st, b):
        return openrouter.reply_of_answer(Answer(status=st, body=b))

    yield _case(router(403, {"error": {"code": 403, "message": "Your input was flagged", "metadata": {"reasons": ["violence"], "flagged_input": "x", "provider_name": "p", "model_slug": "m"}}}), "stated", "google", cat="violence")
    yield _case(router(402, {"error": {"code": 402, "message": "Insufficient credits"}}), "closed", "google")
    yield _case(router(200, {"error": {"code": 402, "message": "m"}}), "closed", "google")
    yield _case(router(200, {"error": {"code": 429, "message": "m"}}), "transient", "google")
    yield _case(router(200, {"error": {"code": 502, "message": "Provider returned error"}}), "transient", "google")
    yield _case(router(200, {"choices": [{"error": {"code": 502, "message": "x"}, "message": {}}]}), "transient", "google")
    yield _case(router(200, {"choices": [{"native_finish_reason": "IMAGE_SAFETY", "finish_reason": "content_filter", "message": {"content": ""}}]}), "unexplained", "google")
    yield _case(router(200, {"choices": [{"native_finish_reason": "STOP", "finish_reason": "stop", "message": {"content": [{"type": "text", "text": "I can't create that image."}]}}]}), "unexplained", "google")
    yield _case(router(400, {"error": {"code": 400, "message": "Provider returned error", "metadata": {"raw": '{"error":{"code":"moderation_blocked","message":"Your request was rejected by the safety system."}}', "provider_name": "OpenAI"}}}), "unexplained", "google")
    yield _case(oa(400, message="x", code="DataInspectionFailed"), "unexplained", "openai")
    yield _case(oa(400, message="x", code="data_inspection_failed"), "unexplained", "openai")
    yield _case(oa(400, message="x", code="InputTextSensitiveContentDetected"), "unexplained", "openai", stage="prompt")
    yield _case(oa(400, message="x", code="OutputImageSensitiveContentDetected"), "unexplained", "openai", stage="picture")
    yield _case(oa(400, message="x", code="OutputImageSensitiveContentDetected.PolicyViolation"), "unexplained", "openai", stage="picture")
    yield _case(oa(500, message="rpc error: could not load model", code=500, type=""), "transient", "openai")
    yield _case(oa(503, message="model x is not available"), "transient", "openai")
    yield _case(oa(503, message="safety checker failed"), "transient", "openai")
    yield _case(oa(400, message="Generated image was flagged as unsafe by the safety checker"), "unexplained", "openai", stage="picture")
    yield _case(reply_of_body({"code": 1200, "message": "content moderation"}, status=400), "unexplained", "openai")
    yield _case(reply_of_body({"code": 1401, "message": "bad parameter"}, status=400), "bad_request", "openai")


def comfy():
    def c(m, t="Exception"):
        return comfyui.reply_of_history(Answer(status=200, body={"p": {"status": {"status_str": "error", "messages": [["execution_error", {"exception_type": t, "exception_message": m}]]}, "outputs": {}}}), "p")

    yield _case(c("BFL API did not return an image due to: Request Moderated."), "unexplained", "comfyui", stage="prompt")
    yield _case(c("BFL API did not return an image due to: Content Moderated."), "unexplained", "comfyui", stage="picture")
    yield _case(c("Allocation on device", "torch.OutOfMemoryError"), "transient", "comfyui")
    yield _case(c("CUDA out of memory"), "transient", "comfyui")
    yield _case(c("mat1 and mat2 shapes"), "unknown", "comfyui")
    yield _case(Answer(status=400, body={"error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": "", "extra_info": {}}, "node_errors": {}}).fault(), "bad_request", "comfyui")


def of_a1111():
    yield _case(a1111.reply_of_answer(Answer(status=500, body={"error": "NansException", "detail": "", "errors": "A tensor with all NaNs was produced in VAE."})), "transient", "a1111")
    yield _case(a1111.reply_of_answer(Answer(status=500, body={"error": "OutOfMemoryError", "detail": "", "errors": "CUDA out of memory"})), "transient", "a1111")


def of_dashscope():
    def answer(status, body):
        return dashscope.reply_of_answer(Answer(status=status, body=body))

    def drawn(*parts, finish="stop"):
        return answer(200, {"output": {"choices": [{"finish_reason": finish, "message": {"role": "assistant", "content": list(parts)}}]}, "usage": {"image_count": 1}, "request_id": "r"})

    def error(status, code, message="m"):
        return answer(status, {"request_id": "r", "code": code, "message": message})

    picture = {"image": "https://dashscope.example/a.png"}
    yield _case(drawn(picture), "picture", "dashscope")
    yield _case(drawn(picture), "silent", "dashscope", slotno=1, others=True)
    yield _case(drawn(), "silent", "dashscope")
    yield _case(drawn({"text": "I can't create that image."}), "unexplained", "dashscope")
    yield _case(error(400, "DataInspectionFailed", "Output data may contain inappropriate content."), "unexplained", "dashscope")
    yield _case(error(400, "DataInspectionFailed", "Input text data may contain inappropriate content."), "unexplained", "dashscope")
    yield _case(error(400, "data_inspection_failed"), "unexplained", "dashscope")
    yield _case(error(400, "IPInfringementSuspect", "Input data is suspected of being involved in IP infringement."), "stated", "dashscope", cat="copyright")
    yield _case(answer(200, {"request_id": "r", "code": "DataInspectionFailed", "message": "m"}), "unexplained", "dashscope")
    for code, status in (("Throttling", 429), ("Throttling.RateQuota", 429), ("InternalError", 500), ("InternalError.Timeout", 500), ("SystemError", 500), ("RequestTimeOut", 500)):
        yield _case(error(status, code), "transient", "dashscope")
    for code, status in (("InvalidApiKey", 401), ("Arrearage", 400), ("AccessDenied", 403), ("AccessDenied.Unpurchased", 403), ("ModelNotFound", 404), ("AllocationQuota.FreeTierOnly", 403), ("Throttling.AllocationQuota", 429)):
        yield _case(error(status, code), "closed", "dashscope")
    for code in ("InvalidParameter", "InvalidParameter.DataInspection", "BadRequest.EmptyInput"):
        yield _case(error(400, code), "bad_request", "dashscope")


def of_reve():
    def answer(status, body):
        return reve.reply_of_answer(Answer(status=status, body=body))

    yield _case(answer(200, {"image": B, "content_violation": False, "version": "v"}), "picture", "reve")
    yield _case(answer(200, {"image": B, "content_violation": True, "version": "v"}), "unexplained", "reve", stage="picture")
    yield _case(answer(200, {"image": "", "content_violation": True}), "unexplained", "reve")
    yield _case(answer(400, {"error_code": "PROMPT_TOO_LONG", "message": "m"}), "bad_request", "reve")
    yield _case(answer(401, {"error_code": "INVALID_API_KEY", "message": "m"}), "closed", "reve")
    yield _case(answer(402, {"error_code": "INSUFFICIENT_CREDITS", "message": "m"}), "closed", "reve")
    yield _case(answer(429, {"error_code": "TOO_MANY_REQUESTS", "message": "m"}), "transient", "reve")
    yield _case(answer(500, {"message": "m"}), "transient", "reve")


def of_sdcpp():
    def job(**fields):
        return sdcpp.reply_of_job(Answer(status=200, body={"id": "j", "kind": "img_gen", "result": None, "error": None, **fields}), seed=7)

    assert job(status="queued") is None and job(status="generating") is None
    done = job(status="completed", result={"output_format": "png", "images": [{"index": 0, "b64_json": B}]})
    yield _case(done, "picture", "sdcpp")
    yield _case(job(status="completed", result={"images": []}), "silent", "sdcpp")
    yield _case(job(status="failed", error={"code": "generation_failed", "message": "generate_image returned empty results"}), "transient", "sdcpp")
    yield _case(job(status="cancelled", error={"code": "cancelled", "message": "job cancelled by client"}), "transient", "sdcpp")
    yield _case(Answer(status=429, body={"error": {"code": "queue_full", "message": "queue is full"}}).fault(), "transient", "sdcpp")
    yield _case(Answer(status=400, body={"error": {"code": "invalid_request", "message": "invalid width"}}).fault(), "bad_request", "sdcpp")


def of_ark():
    yield _case(oa(400, code="InputTextSensitiveContentDetected", message="m"), "unexplained", "openai", stage="prompt")
    yield _case(reply_of_images({"model": "seedream-4-5", "created": 1, "data": [{"error": {"code": "OutputImageSensitiveContentDetected", "message": "The request failed because the output image may contain sensitive information."}}]}), "unexplained", "openai", stage="picture")
    yield _case(oa(401, code="AuthenticationError", message="m"), "closed", "openai")
    yield _case(oa(429, code="RateLimitExceeded.EndpointRPMExceeded", message="m"), "transient", "openai")
    yield _case(oa(403, code="AccountOverdueError", message="m"), "closed", "openai")


# fmt: on
PROVIDERS = [
    of_dashscope,
    of_reve,
    of_sdcpp,
    of_ark,
    openai_images,
    openai_responses,
    azure,
    google,
    imagen,
    hf,
    replicate,
    fal,
    together,
    of_stability,
    of_bfl,
    of_bedrock,
    of_xai,
    ideogram,
    of_openrouter,
    comfy,
    of_a1111,
]
CASES = [
    pytest.param(*case, id=f"{provider.__name__} {number}")
    for provider in PROVIDERS
    for number, case in enumerate(provider(), start=1)
]


@pytest.mark.parametrize(("reply", "wanted", "provider", "place", "category", "stage", "others"), CASES)
def test_an_answer_is_read_as_what_it_is(reply, wanted, provider, place, category, stage, others):
    slot = reply.slots[place] if len(reply.slots) > place else None
    look = Look.FINE if slot is not None and slot.has_picture and not slot.withheld else None
    codes = load_generator_class(provider).codes if provider else {}
    reading = read(reply, slot=slot, look=look, others=others, codes=codes)
    found = "picture" if reading.ended is Ended.PICTURE else str(reading.reason or reading.fault)
    assert found == wanted, reading
    assert category in reading.category
    assert stage in ("", str(reading.stage))
