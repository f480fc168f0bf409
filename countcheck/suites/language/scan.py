"""The state of one reading of one text: its tokens, the targets found so far, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from countcheck.suites.language.markup import markup_spans
from countcheck.suites.language.reconcile import Candidate
from countcheck.suites.language.tokens import Token, low_at, outside, quoted_spans, tokens_of
from countcheck.suites.suite import Target

Article = Literal["ignore", "one", "at_least"]


@dataclass(slots=True)
class Scan:
    """One text on its way to targets.

    Attributes:
        text: As given.
        article: How "a dog" is read.
        approximate: Whether vague amounts give targets.
        tokens: Its words and signs outside quotation marks and settings.
        quoted: The spans inside quotation marks, in characters.
        title_case: Whether every word begins with a capital, so that a capital marks no name.
        candidates: Targets so far, in the order of the text.
        unread: First token and words of what has a number and could not be read.
    """

    text: str
    article: Article
    approximate: bool
    tokens: list[Token] = field(init=False)
    quoted: list[tuple[int, int]] = field(init=False)
    title_case: bool = field(init=False)
    candidates: list[Candidate] = field(default_factory=list)
    unread: list[tuple[int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.quoted = quoted_spans(self.text)
        spans = sorted([*self.quoted, *markup_spans(self.text)])
        self.tokens = outside(tokens_of(self.text), _apart(spans))
        words = [token for token in self.tokens if token.text[0].isalpha() and len(token.text) > 3]
        starts = bool(self.tokens) and self.tokens[0].text[0].isupper()
        self.title_case = starts and len(words) > 1 and all(word.text[0].isupper() for word in words)

    def low(self, i: int) -> str:
        """Return the lower-case word at a place; empty outside the text."""
        return low_at(self.tokens, i)

    def words(self, start: int, end: int) -> str:
        """Return the text from one token up to another."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end]

    def add(self, target: Target, start: int, end: int, *, holds: bool = True) -> None:
        """Keep a target with the tokens that it comes from; without ``holds`` they are not understood."""
        self.candidates.append(Candidate(target, start, end, holds))

    def give_up(self, start: int, end: int) -> None:
        """Report the words from one token up to another as not understood."""
        self.unread.append((start, self.words(max(start, 0), max(end, start + 1))))

    @property
    def last_end(self) -> int | None:
        """The token after the last target; ``None`` when there is none."""
        return self.candidates[-1].end if self.candidates else None


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans without those that begin inside an earlier one."""
    apart: list[tuple[int, int]] = []
    for span in spans:
        if not apart or span[0] >= apart[-1][1]:
            apart.append(span)
    return apart
