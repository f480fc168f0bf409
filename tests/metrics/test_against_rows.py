"""Columns against the plain loops over rows that define them."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest
from verdict_rows import row

from countcheck.counting.verdict import Kind
from countcheck.metrics.columns import columns_of, plain_numbers, tags_of
from countcheck.metrics.consistency import UNCLEAR, consistency_rates
from countcheck.metrics.failures import failure_reasons
from countcheck.metrics.outcome_codes import CODES, KINDS
from countcheck.stats.intervals import cluster_rate
from countcheck.suites.suite import Relation, Target

RELATIONS = (Relation.EXACTLY, Relation.AT_LEAST, Relation.NONE)


def made_rows(seed, n=400):
    """Rows over prompts with one to three nouns, in groups, of which some are not benign, and some ask for nothing."""
    dice = random.Random(seed)
    rows = []
    for i in range(n):
        prompt = dice.randrange(n // 5)
        own = random.Random(prompt)
        targets = tuple(
            Target(noun=noun, count=own.randrange(1, 5), relation=own.choice(RELATIONS), words=own.choice(("two", "2")))
            for noun in ("pig", "cat", "dog")[: own.randrange(0, 4)]
        )
        fields = {
            "targets": targets,
            "asked": {target.noun: target.count for target in targets},
            "tags": {"style": own.choice(("noir", "plain"))},
            "group": own.choice((None, "a", "b", "c")),
            "benign": own.random() < 0.8,
        }
        letter = dice.choice("eoumx?rcndsf-")
        if letter in "eoumx?":
            counted = {target.noun: dice.randrange(5) for target in targets}
            fields |= {"counted": counted, "low": counted, "high": {noun: k + (k == 3) for noun, k in counted.items()}}
            fields["cost"] = dice.choice((None, 0.25))
        if letter == "f":
            fields["message"] = dice.choice(("gone", "too  late"))
        rows.append(row(letter, f"p{prompt}", i, **fields))
    return rows


def letter_of(one, rows):
    """The outcome code of one row, by its definition."""
    countable = bool(one.targets or one.asked) or one.verdict not in (None, Kind.REFUSED, Kind.FAILED)
    if one.outcome == "missing":
        return "-"
    if one.outcome == "refusal":
        family = [other for other in rows if (other.group or other.prompt_id) == (one.group or one.prompt_id)]
        kin = [other for other in family if bool(other.group) == bool(one.group)]
        unclear = one.benign and (one.refusal in UNCLEAR or any(other.outcome == "picture" for other in kin))
        return ("R" if unclear else "r") if countable else (";" if unclear else ",")
    if one.outcome == "picture" and (one.verdict is None or not countable):
        return "."
    return CODES[KINDS.index(one.verdict)]


@pytest.mark.parametrize("seed", range(3))
def test_codes_numbers_nouns_and_tags(seed):
    rows = made_rows(seed)
    columns = columns_of(rows)
    assert [CODES[code] for code in columns.samples.code] == [letter_of(one, rows) for one in rows]
    assert [columns.samples.prompts[k] for k in columns.samples.prompt] == [one.prompt_id for one in rows]
    assert list(columns.samples.prompts) == list(dict.fromkeys(one.prompt_id for one in rows))
    numbers = [
        (i, n, one.counted[noun])
        for i, one in enumerate(rows)
        if one.outcome == "picture"
        for noun, n in plain_numbers(one).items()
        if noun in one.counted
    ]
    found = columns.numbers
    assert list(zip(found.row.tolist(), found.asked.tolist(), found.counted.tolist(), strict=True)) == numbers
    asked = [len(one.targets) if one.outcome in ("picture", "refusal") else 0 for one in rows]
    assert columns.nouns_asked.tolist() == asked
    for tag, column in columns.tags.items():
        pairs = {(i, column.values[code]) for i, code in zip(column.rows.tolist(), column.codes.tolist(), strict=True)}
        assert pairs == {(i, value) for i, one in enumerate(rows) for value in tags_of(one).get(tag, ())}


@pytest.mark.parametrize("seed", range(3))
def test_how_often_refusals_are_not_repeated(seed):
    rows = [one for one in made_rows(seed) if one.benign and one.outcome in ("picture", "refusal")]
    drawn, refused = Counter(), Counter()
    groups = defaultdict(set)
    for one in rows:
        (refused if one.outcome == "refusal" else drawn)[one.prompt_id] += 1
        if one.group is not None:
            groups[one.group].add(one.prompt_id)
    again = [(refused[p] * drawn[p], refused[p] * (refused[p] + drawn[p] - 1)) for p in refused]
    found = consistency_rates(made_rows(seed))
    assert found["refusal_flip_rate"] == cluster_rate([hits for hits, _ in again], [size for _, size in again])
    hits = {g: sum(refused[p] * drawn[q] for p in own for q in own if p != q) for g, own in groups.items()}
    sizes = {
        g: sum(refused[p] * (drawn[q] + refused[q]) for p in own for q in own if p != q) for g, own in groups.items()
    }
    assert found["sibling_flip_rate"] == cluster_rate([hits[g] for g in groups], [sizes[g] for g in groups])


def test_reasons_of_failures_with_the_same_number_stay_in_their_order():
    rows = made_rows(1)
    tally = Counter(("transient", " ".join(one.message.split())) for one in rows if one.outcome == "failure")
    assert [(reason.failure, reason.message, reason.n) for reason in failure_reasons(rows)] == [
        (failure, message, n) for (failure, message), n in tally.most_common()
    ]
