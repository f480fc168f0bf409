"""Foreign files: what they seem to be, and their lines."""

import pytest

from countcheck.suites.readers import PromptCollector, preview, table_rows
from countcheck.suites.suite import Prompt


@pytest.mark.parametrize(
    ("name", "text", "shape", "fields"),
    [
        ("a.yaml", "x", "yaml", set()),
        ("a.parquet", "x", "columnar", set()),
        ("a.csv", "Prompt,Style\nx,y\n", "table", {"prompt", "style"}),
        ("a.txt", "prompt\tstyle\nx\ty\n", "table", {"prompt", "style"}),
        ("a.txt", "text, three pigs\n", "text", set()),
        ("a.txt", "three pigs\n", "text", set()),
        ("a.jsonl", '{"prompt": "x"}\n{"prompt": "y"}\n', "json lines", {"prompt"}),
        ("a.jsonl", '{"prom\n{"prompt": "y"}\n', "json lines", {"prompt"}),
        ("a.json", '[{"prompt": "x"}]', "json list", {"prompt"}),
        ("a.json", '["x"]', "json list", {"prompt"}),
        ("a.json", '{\n "a": ["x"]\n}', "json object", {"a"}),
        ("a.json", "[{]", "json list", set()),
    ],
)
def test_a_preview_says_shape_and_fields(tmp_path, name, text, shape, fields):
    (tmp_path / name).write_text(text)
    seen = preview(tmp_path / name)
    assert (seen.shape, seen.fields) == (shape, fields)


def test_a_folder_is_one(tmp_path):
    assert preview(tmp_path).shape == "folder"


def test_fresh_ids_of_one_text_are_numbered_in_order():
    collector = PromptCollector(repeats=True)
    for n in range(4):
        collector.add(n, Prompt(id=collector.fresh_id("a"), text="a"))
    assert [prompt.id for prompt in collector.prompts] == ["a", "a-2", "a-3", "a-4"]


def test_rows_with_too_many_cells_are_skipped_and_short_ones_filled(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1\n1,2,3\n\n4,5\n")
    collector = PromptCollector()
    assert list(table_rows(tmp_path / "a.csv", collector)) == [(2, {"a": "1", "b": ""}), (5, {"a": "4", "b": "5"})]
    assert [(line.line, line.why) for line in collector.skipped] == [(3, "3 cells in a table of 2 columns")]
