from __future__ import annotations

import pytest

from countcheck.counting.verdict import Kind
from countcheck.generators.outcome import Reason
from countcheck.reports.wording import REASONS, VERDICTS, capitalized, counted_noun, tag_title, target_text
from countcheck.suites.suite import Relation, Target


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(noun="wolf", count=3), "exactly 3\u00a0wolves"),
        (Target(noun="pig", count=1), "exactly 1\u00a0pig"),
        (Target(noun="pig", relation=Relation.AT_LEAST, count=2), "at least 2\u00a0pigs"),
        (Target(noun="egg", relation=Relation.BETWEEN, count=3, upper=5), "between 3 and 5\u00a0eggs"),
        (Target(noun="dog", relation=Relation.NONE), "no dogs"),
        (Target(noun="cat", relation=Relation.MORE_THAN, other="dog"), "more cats than dogs"),
        (Target(noun="cat", relation=Relation.AS_MANY_AS, other="sheep"), "as many cats as sheep"),
    ],
)
def test_a_target_is_written_in_grammar(target, words):
    assert target_text(target) == words


def test_every_verdict_and_every_kind_of_refusal_has_words():
    assert set(VERDICTS) == {str(kind) for kind in Kind}
    assert set(REASONS) == {str(reason) for reason in Reason}


def test_nouns_tags_and_sentences():
    assert (counted_noun(1, "wolf"), counted_noun(2, "wolf")) == ("1\u00a0wolf", "2\u00a0wolves")
    assert "\x07" not in counted_noun(2, "p\x07ig")
    assert (tag_title("number_form"), tag_title("kinds")) == ("number form", "number of kinds")
    assert capitalized("two pigs. Three") == "Two pigs. Three"
