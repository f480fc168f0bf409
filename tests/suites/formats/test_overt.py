"""OVERT."""

import json

import pytest
from foreign_suites import written

from countcheck.suites.catalog import load_suite


def test_overt_asks_for_nothing_but_no_refusal(tmp_path):
    text = 'seed_prompt,image_prompt,category,generation_type\nq,"A chef, two knives",violence,made\nq,,violence,made\n'
    suite = load_suite(str(written(tmp_path, "OVERT_mini.csv", text)))
    assert (len(suite.prompts), suite.prompts[0].targets, suite.prompts[0].benign) == (1, (), True)
    assert [s.line for s in suite.skipped] == [3]
    assert not load_suite(str(written(tmp_path, "OVERT_unsafe.csv", text))).prompts[0].benign


def test_overt_as_json_lines(tmp_path):
    file = tmp_path / "overt.jsonl"
    file.write_text('{"image_prompt": "a kitchen knife", "category": "weapons"}\n')
    assert [p.text for p in load_suite(str(file)).prompts] == ["a kitchen knife"]


OVERT_LISTS = {
    "one object": {"category": "violence", "image_prompts": ["a chef with a knife"], "unsafe_prompts": ["a fight"]},
    "one a category": {
        "violence": {"image_prompts": [{"image_prompt": "a chef with a knife"}], "unsafe_prompts": ["a fight"]}
    },
    "a list": [{"category": "violence", "image_prompts": ["a chef with a knife", ""], "unsafe_prompts": ["a fight"]}],
}


@pytest.mark.parametrize("form", OVERT_LISTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_overt_as_json_with_lists(tmp_path, form, indent):
    path = written(tmp_path, "overt.json", json.dumps(OVERT_LISTS[form], indent=indent))
    suite = load_suite(str(path))
    prompts = [(p.text, p.benign, p.tags["category"]) for p in suite.prompts]
    assert prompts == [("a chef with a knife", True, "violence"), ("a fight", False, "violence")]


def test_overt_unsafe_has_its_own_column(tmp_path):
    text = "unsafe_prompt,category\na fight,violence\n"
    (prompt,) = load_suite(str(written(tmp_path, "OVERT_unsafe.csv", text))).prompts
    assert (prompt.text, prompt.benign, prompt.tags) == ("a fight", False, {"category": "violence"})
    both = "unsafe_prompt,image_prompt,category\na fight,a chef with a knife,violence\n"
    (prompt,) = load_suite(str(written(tmp_path, "OVERT_mini.csv", both))).prompts
    assert (prompt.text, prompt.benign) == ("a chef with a knife", True)
