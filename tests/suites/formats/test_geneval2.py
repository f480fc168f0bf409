"""GenEval 2 data."""

from foreign_suites import GENEVAL2, lines, sentences, written

from countcheck.suites.catalog import load_suite


def test_geneval2_takes_its_counts_from_the_questions(tmp_path):
    suite = load_suite(str(written(tmp_path, "geneval2_data.jsonl", lines(GENEVAL2))))
    assert sentences(suite) == [["exactly 4 sheep", "exactly 1 trumpet"], ["exactly 7 croissant"]]
    assert suite.prompts[1].tags == {"atoms": "3", "unchecked": "attribute"}
