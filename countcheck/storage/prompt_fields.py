"""What the rows of one prompt, or of one scripted turn of a conversation, have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from countcheck.suites.suite import Conversation, Prompt, Relation, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFields:
    """What all rows of one prompt, or of one scripted turn of a conversation, have in common."""

    text: str
    targets: tuple[Target, ...]
    tags: Mapping[str, str]
    group: str | None
    benign: bool
    conversation: bool
    asked: Mapping[str, int]

    @classmethod
    def of(cls, asked: Prompt | Conversation, script: int) -> PromptFields:
        """Read them from a prompt, or from turn ``script`` of a conversation."""
        if isinstance(asked, Prompt):
            text, targets, tags = asked.text, asked.targets, asked.tags
        else:
            turn = asked.turns[min(script, len(asked.turns) - 1)]
            text, targets, tags = turn.say, turn.targets, {**asked.tags, **turn.tags}
        numbers = {t.noun: t.count for t in targets if t.count is not None and t.relation is not Relation.MORE_THAN}
        return cls(
            text=text,
            targets=targets,
            tags=tags,
            group=asked.group,
            benign=asked.benign,
            conversation=isinstance(asked, Conversation),
            asked=numbers,
        )

    def with_text(self, text: str) -> PromptFields:
        """Return them as said in other words, as a repair is."""
        return self if text == self.text else replace(self, text=text)
