"""What the syntax of generators adds to a prompt: flags, weights, settings, colours, addresses. None of it asks for things."""

from __future__ import annotations

import re

_VALUE = r"-?\d+(?:[.,:/x×]\d+)*%?"
_SETTINGS = (
    r"steps?|cfg(?:[ _]?scale)?|seed|sampler|clip[ _]?skip|denois\w{0,20}|guidance(?:[ _]?scale)?|sigmas?|eta|batch[ _]?size"
    r"|batch[ _]?count|image[ _]?size|width|height|iso|aspect[ _]?ratio|ar|fps|dpi|stylize|chaos|weird|niji|strength|scale|shift"
)
_MARKUP = re.compile(
    rf"(?<!\S)--(?!no\b)[a-z]+(?:[ =]+{_VALUE})?"  # --ar 16:9 --v 6
    r"|<[^<>:\n]{1,60}:[^<>\n]{1,60}>"  # <lora:name:0.8>
    rf"|::{_VALUE}"  # hot dog::2
    r"|:-?\d*\.\d+(?=\s*[)\]}])"  # (cat:1.3)
    rf"|\b(?:{_SETTINGS})\s*[:=]?\s*{_VALUE}(?![\w×])(?!\s*[x×]\s)"  # steps: 30
    r"|\bscore_\d\w*"
    r"|\b(?:rgba?|hsla?|hsv|cmyk)\([^()]{0,40}\)|#[0-9a-f]{3,8}\b"
    r"|\bhttps?://\S+",
    re.IGNORECASE,
)
_HAS_DIGIT = re.compile(r"[0-9]")


def markup_spans(text: str) -> list[tuple[int, int]]:
    """Find the spans of a text that are settings of a generator.

    >>> markup_spans("two cats --v 6")
    [(9, 14)]
    """
    if not _HAS_DIGIT.search(text) and "--" not in text:
        return []
    return [match.span() for match in _MARKUP.finditer(text)]
