"""GenEval metadata."""

import json

from foreign_suites import GENEVAL, lines, sentences, written

from countcheck.suites.catalog import load_suite


def test_geneval_includes_mean_at_least_and_with_the_next_number_excluded_exactly(tmp_path):
    suite = load_suite(str(written(tmp_path, "evaluation_metadata.jsonl", lines(GENEVAL))))
    assert sentences(suite) == [
        ["at least 1 bench"],
        ["exactly 3 clock"],
        ["at least 1 cow", "at least 1 computer mouse"],
        ["at least 1 cup", "at least 1 bowl"],
        ["between 2 and 4 dog", "no cat"],
    ]
    assert [p.id for p in suite.prompts] == ["00000", "00001", "00002", "00003", "00004"]
    assert suite.prompts[2].tags == {"task": "position", "position": "left of"}
    assert suite.prompts[3].tags["colour"] == "red, blue"
    assert suite.nouns["computer mouse"].synonyms == ("mouse",)
    assert "are not" in suite.description


def test_negative_counts_are_skipped(tmp_path):
    wrong = {"tag": "counting", "include": [{"class": "clock", "count": -3}], "prompt": "clocks"}
    suite = load_suite(str(written(tmp_path, "m.jsonl", lines([*GENEVAL, wrong]))))
    assert (len(suite.prompts), [s.line for s in suite.skipped]) == (5, [6])


def test_a_damaged_line_of_geneval_moves_no_other_out_of_its_folder(tmp_path):
    file = tmp_path / "evaluation_metadata.jsonl"
    lines = [json.dumps(GENEVAL[0]), '{"tag": "coun', json.dumps(GENEVAL[1])]
    file.write_text("\n".join(lines))
    suite = load_suite(str(file))
    assert [prompt.id for prompt in suite.prompts] == ["00000", "00002"]
    assert [one.line for one in suite.skipped] == [2]
