"""A promptfoo assertion: ``assert: [{type: python, value: "file://PATH/promptfoo.py"}]`` in promptfooconfig.yaml.

What the image should show is the assertion's ``config.targets`` (targets by noun), else the test's variable ``targets``, else
the prompt. ``config.counter`` names the counter, ``config.kind`` is ``strict`` or ``dense``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countcheck.errors import CountcheckError
from countcheck.interop.output_images import image_of
from countcheck.library.judging import judge, load_counter
from countcheck.library.reward import score


def get_assert(output: Any, context: Mapping[str, Any]) -> dict[str, Any]:
    """Grade one output of promptfoo; returns its ``pass``, ``score`` and ``reason``.

    Args:
        output: What the provider gave: a ``data:`` address, Markdown with an image, a path, or JSON with ``b64_json``.
        context: promptfoo's: ``prompt``, ``vars``, ``config`` ...
    """
    config = context.get("config") or {}
    variables = context.get("vars") or {}
    asked = config.get("targets") or variables.get("targets") or context.get("prompt") or ""
    image = image_of(output)
    if image is None:
        return {"pass": False, "score": 0.0, "reason": f"the output holds no image: {str(output)[:200]}"}
    try:
        (judgement,) = judge([image], [asked], load_counter(str(config.get("counter") or "tiny")))
        value = score(judgement, config.get("kind") or "strict")
    except CountcheckError as error:
        return {"pass": False, "score": 0.0, "reason": f"not judged: {error}"}
    if value is None:
        return {"pass": False, "score": 0.0, "reason": f"not judged: {judgement.reason}"}
    return {"pass": judgement.exact is True, "score": value, "reason": judgement.reason}
