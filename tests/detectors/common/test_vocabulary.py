import pytest

from countcheck.detectors.common.vocabulary import LOOKALIKES, lookalikes_of, synonyms_of


@pytest.mark.parametrize(
    ("noun", "words"),
    [("sofa", ("couch", "settee")), ("couch", ("sofa", "settee")), ("pony", ("horse",)), ("spanner", ())],
)
def test_words_for_the_same_thing(noun, words):
    assert synonyms_of(noun) == words


def test_a_synonym_has_the_lookalikes_of_its_noun():
    assert lookalikes_of("hound") == lookalikes_of("dog") == LOOKALIKES["dog"]


@pytest.mark.parametrize("noun", LOOKALIKES)
def test_no_noun_looks_like_itself_or_like_a_word_for_it(noun):
    assert noun not in LOOKALIKES[noun]
    assert not set(LOOKALIKES[noun]) & set(synonyms_of(noun))
