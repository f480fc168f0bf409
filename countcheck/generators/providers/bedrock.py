"""Amazon Bedrock's picture models, through boto3: Nova Canvas and Titan, and Stability's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import orjson

from countcheck.generators.outcome import Stage
from countcheck.generators.refusals.codes import Meaning, Sense, code_table
from countcheck.generators.remote.client import RemoteGenerator
from countcheck.generators.remote.error_replies import reply_of_body, reply_of_error
from countcheck.generators.remote.http import body_of, reply_of_useless
from countcheck.generators.remote.reply import Ask, Reply, Slot

# The largest seed that Amazon's own models take; larger ones are folded into their range.
_MAX_SEED = 858_993_459
_PROMPT = re.compile(r"text prompt|input (?:image|text)", re.IGNORECASE)


def request_body(source: str, ask: Ask, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request body for a model: each maker has a shape of its own."""
    if "stability." in source:
        return {
            "prompt": ask.text,
            "seed": ask.seed,
            "mode": "text-to-image",
            "aspect_ratio": settings["aspect_ratio"],
            "output_format": "png",
        } | ({"negative_prompt": settings["negative_prompt"]} if settings["negative_prompt"] else {})
    asked = {"text": ask.text} | ({"negativeText": settings["negative_prompt"]} if settings["negative_prompt"] else {})
    return {
        "taskType": "TEXT_IMAGE",
        "textToImageParams": asked,
        "imageGenerationConfig": {
            "numberOfImages": ask.count,
            "seed": ask.seed % (_MAX_SEED + 1),
            "width": settings["width"],
            "height": settings["height"],
            "quality": settings["quality"],
            "cfgScale": settings["guidance"],
        },
    }


def reply_of_answer(body: Any, *, wanted: int, status: int, headers: Mapping[str, str]) -> Reply:
    """Read a model's answer, whoever made the model; ``wanted`` pictures were asked for."""
    fields: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    images, reasons, error = fields.get("images"), fields.get("finish_reasons"), str(fields.get("error") or "")
    if not isinstance(images, list) and not isinstance(reasons, list) and not error:
        return reply_of_useless(body, status=status, headers=headers)
    pictures = [image if isinstance(image, str) and image else None for image in images or ()]
    whys = [str(why or "") for why in reasons] if isinstance(reasons, list) else []
    slots = [
        _slot(pictures[place] if place < len(pictures) else None, whys[place] if place < len(whys) else "")
        for place in range(max(len(pictures), len(whys)))
    ]
    if error:  # Amazon's own models leave the blocked pictures out and say so once for all
        blocked = Slot(withheld=True, message=error, stage=Stage.PICTURE)
        slots += [blocked] * (wanted - len(slots))
    seeds = fields.get("seeds")
    return Reply(
        slots=tuple(slots),
        status=status,
        request_id=headers.get("x-amzn-requestid", ""),
        raw=body,
        extra={"seeds": seeds} if isinstance(seeds, list) else {},
    )


def reply_of_client_error(error: BaseException) -> Reply:
    """Read an exception of boto3, which holds a dict instead of an HTTP response."""
    said = getattr(error, "response", None)
    if not isinstance(said, Mapping):
        return reply_of_error(error)
    about, sent = said.get("Error") or {}, said.get("ResponseMetadata") or {}
    message = str(about.get("Message") or error)
    reply = reply_of_body(
        {"code": about.get("Code"), "message": message},
        status=sent.get("HTTPStatusCode"),
        headers=sent.get("HTTPHeaders") or {},
    )
    prompt = _PROMPT.search(message)
    return replace(
        reply,
        stage=Stage.PROMPT if prompt else reply.stage,
        request_id=str(sent.get("RequestId") or reply.request_id),
    )


class BedrockGenerator(RemoteGenerator):
    """Make pictures with models on Amazon Bedrock, by model id. boto3 finds keys, profile and region."""

    family: ClassVar[str] = "bedrock"
    service: ClassVar[str] = "Amazon Bedrock"
    extra: ClassVar[str] = "bedrock"
    defaults: ClassVar[dict[str, Any]] = {
        "width": 1024,
        "height": 1024,
        "quality": "standard",
        "guidance": 6.5,
        "negative_prompt": "",
        "aspect_ratio": "1:1",
        "region": "us-east-1",
        "base_url": "",
    }
    codes: ClassVar[Mapping[str, Meaning]] = {
        **code_table(Sense.REFUSED, "filter_reason_prompt filter_reason_input_image", stage=Stage.PROMPT),
        **code_table(Sense.REFUSED, "filter_reason_output_image", stage=Stage.PICTURE),
    }
    seeded: ClassVar[bool] = True
    max_per_request: ClassVar[int] = 5

    def connect(self) -> Any:
        """Return boto3's client with its own retries off."""
        timeout = float(self.settings["timeout"])
        config = self.sdk("botocore.config").Config(
            read_timeout=timeout,
            connect_timeout=min(timeout, 20.0),
            retries={"total_max_attempts": 1},
            max_pool_connections=int(self.settings["concurrency"]),
        )
        # A session of its own: the module's default one would keep the first credentials it ever found.
        return (
            self.sdk("boto3")
            .session.Session()
            .client(
                "bedrock-runtime",
                region_name=str(self.settings["region"]),
                endpoint_url=str(self.settings["base_url"]) or None,
                config=config,
            )
        )

    def ask(self, ask: Ask) -> Reply:
        """Send one request. Amazon's own models make several pictures for it, Stability's one."""
        answer = self.client.invoke_model(
            modelId=self.source,
            body=orjson.dumps(request_body(self.source, ask, self.settings)),
            contentType="application/json",
            accept="application/json",
        )
        sent = answer["ResponseMetadata"]
        headers = sent.get("HTTPHeaders") or {}
        body = body_of(answer["body"].read(), headers)
        return reply_of_answer(body, wanted=ask.count, status=sent["HTTPStatusCode"], headers=headers)

    def explain(self, error: Exception) -> Reply:
        """Read an exception of boto3."""
        return reply_of_client_error(error)


def _slot(picture: str | None, why: str) -> Slot:
    if not why:
        return Slot(data=picture)
    if "inference error" in why.lower():
        return Slot(codes=("inference_error",), message=why)
    stage = Stage.PICTURE if "output" in why.lower() else Stage.PROMPT
    return Slot(data=picture, withheld=True, codes=(why,), message=why, stage=stage)


PROVIDER = BedrockGenerator
