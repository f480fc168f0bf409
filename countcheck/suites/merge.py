"""Joining several suites into one, so that one run covers them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from countcheck.errors import BadSuite
from countcheck.suites.catalog import load_suite
from countcheck.suites.suite import Conversation, Noun, Prompt, Suite

Asked = TypeVar("Asked", Prompt, Conversation)


def load_suites(specs: Sequence[str]) -> Suite:
    """Load one suite, or several joined into one.

    Args:
        specs: Names of suites that ship, or files.

    Raises:
        UnknownName: For a name that is not known.
        BadSuite: For a file that cannot be read, or suites that contradict each other.

    >>> load_suites(["demo", "two-kinds"]).name
    'demo+two-kinds'
    """
    suites = [load_suite(spec) for spec in dict.fromkeys(specs)]
    return suites[0] if len(suites) == 1 else join(suites)


def join(suites: Sequence[Suite]) -> Suite:
    """Join suites: all prompts and conversations, each tagged with the suite it came from.

    An id that several suites use is prefixed with its suite's name, and so are groups, which belong to one suite. Suites of
    one name are numbered.

    Raises:
        BadSuite: When two suites describe one noun differently.
    """
    suites = _distinctly_named(suites)
    used = Counter(asked.id for suite in suites for asked in suite.asked)
    nouns: dict[str, Noun] = {}
    for suite in suites:
        for name, noun in suite.nouns.items():
            if nouns.setdefault(name, noun) != noun:
                raise BadSuite(f"{suite.name} and another suite describe {name!r} differently. Run them apart.")

    def moved(suite: Suite, asked: Asked) -> Asked:
        name = f"{suite.name}/{asked.id}" if used[asked.id] > 1 else asked.id
        group = None if asked.group is None else f"{suite.name}/{asked.group}"
        return replace(asked, id=name, group=group, tags={**asked.tags, "suite": suite.name})

    return Suite(
        name="+".join(suite.name for suite in suites),
        description="\n\n".join(suite.description for suite in suites if suite.description),
        prompts=tuple(moved(suite, prompt) for suite in suites for prompt in suite.prompts),
        conversations=tuple(moved(suite, conversation) for suite in suites for conversation in suite.conversations),
        nouns=nouns,
        skipped=tuple(skipped for suite in suites for skipped in suite.skipped),
        remarks=tuple(remark for suite in suites for remark in suite.remarks),
        source=", ".join(suite.source for suite in suites if suite.source),
    )


def _distinctly_named(suites: Sequence[Suite]) -> list[Suite]:
    """The suites under distinct names: ``a/prompts.txt`` and ``b/prompts.txt`` are both called prompts."""
    times = Counter[str]()
    named = []
    for suite in suites:
        times[suite.name] += 1
        n = times[suite.name]
        named.append(suite if n == 1 else replace(suite, name=f"{suite.name}-{n}"))
    return named
