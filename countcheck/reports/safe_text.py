"""Make text from models, providers and suites safe to show: on a page, in a terminal, in a CI log, in a spreadsheet."""

from __future__ import annotations

import re
import unicodedata

# Marks that turn the direction of the text around them; shown by name, so that they cannot disguise a sentence.
_DIRECTION = {
    ord(c): f"⟨U+{ord(c):04X}⟩" for c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
}
_CONTROL = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"} | {0x7F: "\u2421"}
_CONTROL |= {code: f"⟨U+{code:04X}⟩" for code in range(0x80, 0xA0)}
_LONE = {code: "\ufffd" for code in range(0xD800, 0xE000)}
_VISIBLE = _DIRECTION | _CONTROL | _LONE

# Log commands of GitHub (`::error`, `##[error]`), Azure Pipelines (`##vso[`) and TeamCity (`##teamcity[`).
# GitHub's are obeyed at the beginning of a line, where a narrow table may wrap to.
_WORDS = "error|warning|notice|debug|group|endgroup|add-mask|add-path|set-env|set-output|save-state|stop-commands|echo"
_COMMAND = re.compile(rf"##(?=\w*\[)|^(\s*)::|::(?=(?:{_WORDS}|add-matcher|remove-matcher)\b)", re.MULTILINE | re.I)
# What a terminal, or a CI service that reads its log, would obey; inside JSON text each has a harmless spelling.
_ACTIVE_IN_JSON = re.compile("##|[\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
# Everything that Markdown, or the HTML inside it, could take for more than a letter.
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#!|~@&$])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def visible(text: str, max_length: int | None = None) -> str:
    r"""Show control and direction marks as visible signs, and cut the text to ``max_length`` characters.

    Line breaks and tabs stay. The result is not escaped for HTML.

    >>> visible("three\x1b[31m pigs")
    'three␛[31m pigs'
    """
    if max_length is not None and len(text) > max_length:
        text = text[: max_length - 1] + "…"
    # Most text has no such mark: telling that takes a tenth of the time.
    return text if text.isascii() and text.isprintable() else text.translate(_VISIBLE)


def terminal_text(text: str) -> str:
    """Make text safe for a terminal and a CI log: no control characters, no log commands; line breaks stay.

    >>> terminal_text("##vso[task.complete]")
    '＃#vso[task.complete]'
    """
    return _without_commands(visible(text))


def _without_commands(text: str) -> str:
    return _COMMAND.sub(lambda match: "＃#" if match.group() == "##" else f"{match[1] or ''}：:", text)


def log_text(text: str) -> str:
    """Make text that is safe in a file safe for a CI log, too: nothing in it is a log command.

    >>> log_text("::error::three pigs")
    '：:error::three pigs'
    """
    return _without_commands(text)


def json_text(document: str) -> str:
    r"""Spell control and direction marks and the marks of log commands in a JSON document as escapes; its values stay.

    >>> json_text('{"words": "##[group]"}')
    '{"words": "\\u0023#[group]"}'
    """
    return _ACTIVE_IN_JSON.sub(lambda match: f"\\u{ord(match.group()[0]):04x}{match.group()[1:]}", document)


def one_line(text: str, max_length: int = 60) -> str:
    r"""Make text safe for a table cell: one line of at most ``max_length`` characters, control characters as spaces.

    >>> one_line("three\npigs,\tnoir")
    'three pigs, noir'
    """
    spaced = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in str(text))
    line = terminal_text(" ".join(spaced.split()))
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def markdown_text(text: str, max_length: int = 200) -> str:
    """Make text safe for Markdown: one line of at most ``max_length`` characters in which none has a meaning.

    >>> markdown_text("*3* pigs")
    '&#42;3&#42; pigs'
    """
    line = terminal_text(" ".join(visible(text, max_length).split()))
    return _MARKDOWN.sub(lambda match: f"&#{ord(match.group())};", line)


def csv_cell(text: str) -> str:
    r"""Make text safe for a spreadsheet: a formula gets an apostrophe in front, control characters become visible.

    A bare carriage return would end the row for many readers, so it becomes visible too.

    >>> csv_cell("=1+1"), csv_cell("pigs\r=1+1")
    ("'=1+1", 'pigs␍=1+1')
    """
    guarded = f"'{text}" if text[:1] in _FORMULA else text
    return visible(guarded.replace("\r\n", "\n"))
