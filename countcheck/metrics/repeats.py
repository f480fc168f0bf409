"""What repeated pictures say of a generator: how many different pictures its rates stand on, and what to look at. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from countcheck.images.hashes import SHORTEST, hash_distance
from countcheck.storage.repeats import (
    UNRELATED,
    RepeatedPicture,
    compared,
    groups_of_one_picture,
    hash_of,
    may_repeat,
    repeated_pictures,
)
from countcheck.storage.result_table import PICTURE, PLACEHOLDER, Results, ResultTable, table_of

ALIKE_BITS = 16  # bits in which pictures differ that a collapsed model draws
COMPARED = 200  # pictures of a generator that are compared each with each
_MOST = 0.8  # share of prompts whose repeats are all the same, from which the seed has no effect


def distinct_pictures(results: Results) -> int | None:
    """Count the different pictures among those that rates stand on; ``None`` where their files are not known."""
    table = table_of(results)
    drawn = table.take(table.outcome == PICTURE)
    if not len(drawn) or not np.not_equal(drawn.digest, b"").all():
        return None
    near = may_repeat(drawn)
    return int(compared(drawn).sum()) - len(near) + len(groups_of_one_picture(drawn.take(near).rows()))


def repeat_warnings(name: str, results: Results) -> Iterator[str]:
    """Say what the repeated pictures of one generator mean: a placeholder, a collapse, a seed or a prompt without effect.

    Args:
        name: The generator's.
        results: Of its prompts, as a run gives them: placeholders are silent refusals already.
    """
    table = table_of(results)
    repeated = repeated_pictures(table.take(may_repeat(table)).rows())
    for picture in repeated:
        if any(row.code == PLACEHOLDER for row in picture.rows):
            yield (
                f"{name}: one picture answers {picture.prompts} prompts with nothing in common "
                f"({len(picture.rows)} of {len(table)} samples). It is taken for a placeholder and counted as a silent "
                f"refusal. Look at {picture.rows[0].picture}."
            )
    real = [picture for picture in repeated if all(row.outcome == "picture" for row in picture.rows)]
    pictures = table.take((table.outcome == PICTURE) & table.drawn & ~table.conversation)
    sentence = _collapse(pictures, real) or _seed(pictures, real) or _other(real)
    if sentence:
        yield f"{name}: {sentence}"


def _collapse(pictures: ResultTable, repeated: Sequence[RepeatedPicture]) -> str:
    """Say that most pictures look alike although their prompts have nothing in common; empty when they do not."""
    for picture in repeated:
        if picture.unrelated >= UNRELATED and 2 * len(picture.rows) >= len(pictures):
            which = "all" if len(picture.rows) == len(pictures) else f"{len(picture.rows)} of"
            return (
                f"{which} {len(pictures)} pictures are the same one, although their prompts have nothing in common: a "
                f"collapsed model, a placeholder or a cached answer. Look at {picture.rows[0].picture}."
            )
    marked = np.flatnonzero(np.char.str_len(pictures.mark) >= SHORTEST)
    sample = list(pictures.take(marked[:: max(1, -(-len(marked) // COMPARED))]).rows())
    if len(sample) < 2 * UNRELATED:
        return ""
    marks = [hash_of(row) for row in sample]
    for mark in marks[:20]:
        alike = [row for row, other in zip(sample, marks, strict=True) if hash_distance(mark, other) <= ALIKE_BITS]
        nouns = {frozenset(noun for target in row.targets for noun in target.nouns) for row in alike}
        if (
            2 * len(alike) > len(sample)
            and len(nouns) >= UNRELATED
            and len({row.prompt_id for row in alike}) > UNRELATED
        ):
            return (
                f"{len(alike)} of {len(sample)} pictures that were compared look alike, although they were asked for "
                f"different things: the model may have collapsed. Look at {alike[0].picture}."
            )
    return ""


def _seed(pictures: ResultTable, repeated: Sequence[RepeatedPicture]) -> str:
    """Say that another seed gives the same picture; empty when it does not."""
    group_of = {row.key: place for place, picture in enumerate(repeated) for row in picture.rows}
    group = np.full(len(pictures), -1, np.int64)  # of pictures that came once
    for row in pictures.rows_of_keys(group_of).tolist():
        group[row] = group_of[pictures.key_of(row)]
    names, prompt = pictures.prompts()
    tries = np.bincount(prompt, minlength=len(names))
    least, most = np.full(len(names), len(repeated)), np.full(len(names), -1)
    np.minimum.at(least, prompt, group)
    np.maximum.at(most, prompt, group)
    tried = np.flatnonzero(tries > 1)
    fixed = int(((least == most) & (least >= 0))[tried].sum())
    if len(tried) < 2 or fixed < _MOST * len(tried):
        return ""
    return (
        f"the seed has no effect: {fixed} of {len(tried)} prompts got the same picture in every repeat, so that repeats "
        "add nothing. Ask with --repeats 1, or look whether the service takes a seed."
    )


def _other(repeated: Sequence[RepeatedPicture]) -> str:
    """Say that some pictures answer several samples; empty when none does."""
    if not repeated:
        return ""
    copies = sum(len(picture.rows) - 1 for picture in repeated)
    most = repeated[0]
    are_copies = "1 picture is a copy of another" if copies == 1 else f"{copies} pictures are copies of others"
    return (
        f"{are_copies}: cached answers, or prompts that the model does not tell apart. The "
        f"commonest answers {len(most.rows)} samples of {most.prompts} {'prompt' if most.prompts == 1 else 'prompts'}. "
        f"Look at {most.rows[0].picture}."
    )
