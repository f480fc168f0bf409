"""Names of verdicts, refusals, nouns and tags as a reader sees them; numbers are in `countcheck.reports.format`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from countcheck.reports.format import estimate_text, quantity
from countcheck.reports.safe_text import visible

if TYPE_CHECKING:
    from countcheck.suites.suite import Target

VERDICTS = {
    "exact": "every count is as asked",
    "over": "more than asked",
    "under": "fewer than asked",
    "missing": "none of something that was asked for",
    "mixed": "too many of one thing and too few of another",
    "refused": "the model refused to make the picture",
    "uncertain": "the counter is not sure; not counted as exact, and worth checking by eye",
    "failed": "the service or the machine failed; counts neither for nor against the model",
}
"""Each verdict in a few words, for a reader who meets them for the first time."""

REASONS = {
    "stated": "Refused with a reason",
    "capability": "Cannot make this, by its own words",
    "unexplained": "Refused without a reason",
    "deflected": "Answered with other words or a question",
    "silent": "Gave a blank, black or withheld picture",
}
"""Each kind of refusal, as a heading."""


def counted_noun(n: float, noun: str) -> str:
    """Write ``1 pig``, ``3 pigs``, with a space that does not break; the noun is made visible."""
    from countcheck.suites.language.nouns import plural_of

    return f"{n:g}\u00a0{visible(noun if n == 1 else plural_of(noun), 60)}"


def target_text(target: Target) -> str:
    """Write what a target demands: ``exactly 3 pigs``, ``no dogs``, ``more cats than dogs``."""
    from countcheck.suites.language.nouns import plural_of

    return target.sentence(things=counted_noun, many=lambda noun: visible(plural_of(noun), 60))


def tag_title(tag: str) -> str:
    """Write a tag as the head of a chart or a list of choices."""
    return "number of kinds" if tag == "kinds" else visible(tag, 60).replace("_", " ")


def capitalized(text: str) -> str:
    """Return the text with its first letter large; the rest stays."""
    return text[:1].upper() + text[1:]


def label_advice(plan: Mapping[str, Any]) -> str:
    """Say which labels would most reduce the uncertainty, and by how much, from the published plan.

    >>> label_advice({"pictures": 40, "seconds": 360, "half_width": 0.03, "half_width_now": None,
    ...               "command": "countcheck review runs/x --sample 40"})
    "label 40 pictures: countcheck review runs/x --sample 40 (about 6 minutes); exact would be known to ±3 points, the counter's errors included"
    """
    minutes = max(1, round(plan["seconds"] / 60))
    return (
        f"label {quantity(plan['pictures'], 'picture')}: {plan['command']} (about {quantity(minutes, 'minute')}); "
        f"exact would be known to ±{100 * plan['half_width']:.2g} points, the counter's errors included"
    )


def rewriting_in_words(body: Mapping[str, Any]) -> str:
    """Say what rewriting did to the prompts of a generator, from the published body, and how exact it was with and without.

    >>> rate = {"value": 0.5, "low": 0.4, "high": 0.6}
    >>> rewriting_in_words({"rewritten": 40, "numbers": {"kept": 32, "changed": 8}, "exact_rate": {"kept": rate}})
    '40 tries were drawn from a rewritten prompt, 8 of them from one with another number; exact 50\xa0% (40 to 60) where the number was kept'
    """
    if not body["rewritten"]:
        return "its provider rewrites prompts and does not say to what; what is counted may not be what was asked"
    numbers = body["numbers"]
    verb = "was" if body["rewritten"] == 1 else "were"
    text = f"{quantity(body['rewritten'], 'try', 'tries')} {verb} drawn from a rewritten prompt"
    text += f", {numbers.get('changed', 0)} of them from one with another number"
    if numbers.get("unclear"):
        text += f", {numbers['unclear']} from one whose numbers cannot be read"
    rates = [
        f"{estimate_text('exact_rate', estimate)} where the number was {group}"
        for group, estimate in body["exact_rate"].items()
    ]
    return f"{text}; exact {', '.join(rates)}" if rates else text


def refusal_review_in_words(body: Mapping[str, Any]) -> str:
    """Say how far people agree with what was read as a refusal, from the published body.

    >>> share = {"value": 0.9, "low": 0.7, "high": 0.97, "n": 20}
    >>> refusal_review_in_words({"agreement": share, "agreed": 18, "replies": {"reviewed": 2, "refusals": 1},
    ...                          "pictures": {"reviewed": 40, "refusals": 0}})
    'people agree with 18 of 20 refusals, 90\xa0% (70 to 97); they take 1 of 2 failures and 0 of 40 pictures for refusals'
    """
    parts = []
    if body["agreement"]["n"]:
        share = estimate_text("refusal_rate", body["agreement"])
        parts.append(f"people agree with {body['agreed']} of {quantity(body['agreement']['n'], 'refusal')}, {share}")
    taken = [
        f"{part['refusals']} of {quantity(part['reviewed'], name)}"
        for name, part in (("failure", body["replies"]), ("picture", body["pictures"]))
        if part["reviewed"]
    ]
    if taken:
        parts.append(f"{'they' if parts else 'people'} take {' and '.join(taken)} for refusals")
    return "; ".join(parts)
