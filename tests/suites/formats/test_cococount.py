"""CoCoCount."""

import json

from foreign_suites import COCOCOUNT, sentences, written

from countcheck.suites.catalog import load_suite


def test_cococount_keeps_a_prompt_that_comes_twice_once(tmp_path):
    suite = load_suite(str(written(tmp_path, "CoCoCount.json", json.dumps(COCOCOUNT))))
    assert sentences(suite) == [["exactly 3 tie"], ["exactly 10 airplane"]]
    assert [(s.line, s.why) for s in suite.skipped] == [(3, "the same prompt as line 2")]
    assert suite.prompts[0].tags["scene"] == "on the ground"
