"""What holds for every format: encodings, wrong files, writing and reading back."""

import json

import pytest
from foreign_suites import COCOCOUNT, GECKONUM, GENEVAL, GENEVAL2, lines, written

from countcheck.errors import BadSuite, UnknownName
from countcheck.suites.catalog import import_suite, load_suite
from countcheck.suites.serialize import write_suite


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_line_ends_and_encodings(tmp_path, ends, coding):
    text = ends.join(["three cafés", "two wolves", "four piñatas"])
    suite = load_suite(str(written(tmp_path, "p.txt", text.encode(coding))))
    assert [p.text for p in suite.prompts] == ["three cafés", "two wolves", "four piñatas"]


def test_lines_of_mixed_encodings_are_each_read_as_they_are(tmp_path):
    data = "three cafés\n".encode() + "four piñatas\r\n".encode("cp1252")
    assert [p.text for p in load_suite(str(written(tmp_path, "p.txt", data))).prompts] == [
        "three cafés",
        "four piñatas",
    ]


@pytest.mark.parametrize(
    ("format", "name", "text", "message"),
    [
        ("geneval", "a.csv", GECKONUM, "no geneval file; it looks like geckonum"),
        ("geckonum", "a.jsonl", lines(GENEVAL), "no geckonum file; it looks like geneval"),
        ("cococount", "a.jsonl", lines(GENEVAL2), "it looks like geneval2"),
        ("geneval", "a.txt", "three pigs\n", "it looks like text"),
        ("text", "a.yaml", "prompts: []\n", "it looks like yaml"),
        ("auto", "a.csv", "a,b\n1,2\n", "no prompts can be read"),
        ("auto", "a.jsonl", '{"a": 1}\n', "no prompts can be read"),
        ("auto", "a.json", "[{]", "no prompts can be read"),
        ("auto", "a.txt", "", "the file is empty"),
        ("auto", "a.txt", "  \n\n", "the file is empty"),
        ("auto", "a.txt", "# only remarks\n", "no prompt in it"),
        ("auto", "a.csv", "prompt,category\n", "no prompt in it"),
        ("auto", "a.png", b"\x89PNG\r\n\x1a\n\0\0\0", "not a text file"),
        ("auto", "a.csv", "image_id,model,question_id,question,annot_id,answer\n", "score --labels"),
    ],
)
def test_wrong_files_say_what_they_look_like(tmp_path, format, name, text, message):
    with pytest.raises(BadSuite) as caught:
        import_suite(format, written(tmp_path, name, text))
    assert message in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_an_unknown_format_is_answered_with_near_names(tmp_path):
    with pytest.raises(UnknownName, match="geneval"):
        import_suite("genevl", written(tmp_path, "a.txt", "a"))


@pytest.mark.parametrize("name", ["m.jsonl", "c.json", "g.csv", "t.txt"])
def test_what_was_imported_reads_back_the_same(tmp_path, name):
    texts = {
        "m.jsonl": lines(GENEVAL),
        "c.json": json.dumps(COCOCOUNT),
        "g.csv": GECKONUM,
        "t.txt": "3 cats\nno dogs\n",
    }
    suite = load_suite(str(written(tmp_path, name, texts[name])))
    write_suite(suite, tmp_path / "out.yaml")
    assert load_suite(str(tmp_path / "out.yaml")).digest == suite.digest
    assert [p.name for p in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("name", ["three-little-pigs", "two-kinds", "none-of-it"])
def test_shipped_suites_read_back_the_same(tmp_path, name):
    suite = load_suite(name)
    write_suite(suite, tmp_path / "out.yaml")
    assert load_suite(str(tmp_path / "out.yaml")).digest == suite.digest


def test_what_was_not_understood_lives_in_the_suite_file(tmp_path):
    suite = load_suite(str(written(tmp_path, "p.txt", "three pigs\n2 cats and 3 dog\n")))
    write_suite(suite, tmp_path / "out.yaml")
    loaded = load_suite(str(tmp_path / "out.yaml"))
    assert [p.not_understood for p in loaded.prompts] == [(), ("3 dog",)]
    (remark,) = loaded.remarks
    assert remark.why == "not understood: '3 dog'"
    assert (tmp_path / "out.yaml").read_text().splitlines()[remark.line - 1] == "- id: 2-cats-and-3-dog"
    assert loaded.digest == suite.digest


def test_a_remark_with_control_characters_leaves_the_suite_readable(tmp_path):
    rows = [{"prompt": "three pigs"}, {"prompt": "x", "targets": "\x07\x9b pig: \ud800"}]
    path = written(tmp_path, "p.jsonl", "\n".join(json.dumps(row) for row in rows))
    suite = load_suite(str(path))
    assert len(suite.skipped) == 1
    write_suite(suite, tmp_path / "out.yaml")
    assert load_suite(str(tmp_path / "out.yaml")).prompts == suite.prompts
