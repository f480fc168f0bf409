import csv
import io
import json
from pathlib import Path

import pytest

from countcheck.errors import BadSuite, MissingExtra, UnknownName
from countcheck.suites.catalog import import_suite, load_suite
from countcheck.suites.serialize import write_suite
from countcheck.suites.suite import Suite

GENEVAL = [
    {"tag": "single_object", "include": [{"class": "bench", "count": 1}], "prompt": "a photo of a bench"},
    {
        "tag": "counting",
        "include": [{"class": "clock", "count": 3}],
        "exclude": [{"class": "clock", "count": 4}],
        "prompt": "a photo of three clocks",
    },
    {
        "tag": "position",
        "include": [
            {"class": "cow", "count": 1},
            {"class": "computer mouse", "count": 1, "position": ["left of", 0]},
        ],
        "prompt": "a photo of a computer mouse left of a cow",
    },
    {
        "tag": "color_attr",
        "include": [{"class": "cup", "count": 1, "color": "red"}, {"class": "bowl", "count": 1, "color": "blue"}],
        "prompt": "a photo of a red cup and a blue bowl",
    },
    {
        "tag": "custom",
        "include": [{"class": "dog", "count": 2}],
        "exclude": [{"class": "dog", "count": 5}, {"class": "cat", "count": 1}],
        "prompt": "a photo of some dogs and no cat",
    },
]
GENEVAL2 = [
    {
        "prompt": "four sheeps and a trumpet",
        "atom_count": 4,
        "vqa_list": [
            ["How many sheeps are in the image?", "four"],
            ["Are there any sheeps in the image?", "Yes"],
            ["How many trumpets are in the image?", "one"],
        ],
        "skills": ["count", "object", "count"],
    },
    {
        "prompt": "seven green croissants",
        "atom_count": 3,
        "vqa_list": [["How many croissants are in the image?", "seven"], ["Are the croissants green?", "Yes"]],
        "skills": ["count", "attribute"],
    },
]
COCOCOUNT = [
    {
        "prompt": "A photo of three ties on the ground",
        "object": "tie",
        "object_plural": "ties",
        "object_id": 27,
        "scene": "on the ground",
        "number": "three",
        "int_number": 3,
        "seed": 1,
    },
    {
        "prompt": "A photo of ten airplanes",
        "object": "airplane",
        "object_plural": "airplanes",
        "object_id": 4,
        "scene": "",
        "number": "ten",
        "int_number": 10,
        "seed": 2,
    },
]
COCOCOUNT.append({**COCOCOUNT[1], "seed": 3})
GECKONUM = """index,prompt,has_numeral,is_frequent,entities,prompt_type,dataset_id
0,1 dog.,0,1,dog:1,numeric_simple,geckonum_00000
1,A picture of 3 fish.,0,-1,fish:3,numeric_sentence,geckonum_00001
2,"2 dogs and four ants.",1,-1,"dog:2, ant:4",2-additive,geckonum_00002
3,"4 eggs, three paperclips and 4 koalas.",1,-1,"egg:4, paperclip:3, koala:4",3-additive,geckonum_00003
4,2 white mushrooms and 1 red mushroom.,0,-1,"white mushroom:2,red mushroom:1",2-additive-color,geckonum_00004
5,Two black cats.,1,-1,black cat:2,attribute-color,geckonum_00005
6,There are 2 books below 4 mushrooms.,0,-1,"book:2,mushroom:4",attribute-spatial,geckonum_00006
7,An image of a table. There are no grains of rice on the table.,0,-1,"grains of ric:no,table:1",approx-1-entity,geckonum_00007
8,An image of a table. There are many grains of rice on the table.,0,-1,"grains of ric:many,table:1",approx-1-entity,geckonum_00008
9,An image with some dogs and some cats. There are fewer dogs than cats.,0,-1,"dog:fewer,cat:X",approx-2-entity,geckonum_00009
10,An image with some dogs and some cats. There are as many dogs as cats.,0,-1,"dog:as many,cat:X",approx-2-entity,geckonum_00010
11,An apple cut into thirds.,0,-1,apple:thirds,fractional-simple,geckonum_00011
12,There is one apple and half of another apple on the table.,1,-1,apple:1.5,fractional-simple,geckonum_00012
13,A pencil where one half of it is red and the other half is blue.,1,-1,pencil:1/2red+1/2blue,fractional-complex,geckonum_00013
14,"There are 2 forks on the table, but one fork is broken into two pieces.",1,-1,fork:2,part-whole,geckonum_00014
"""


def lines(rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def sentences(suite: Suite) -> list[list[str]]:
    return [[target.sentence() for target in prompt.targets] for prompt in suite.prompts]


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


def test_geneval2_takes_its_counts_from_the_questions(tmp_path):
    suite = load_suite(str(written(tmp_path, "geneval2_data.jsonl", lines(GENEVAL2))))
    assert sentences(suite) == [["exactly 4 sheep", "exactly 1 trumpet"], ["exactly 7 croissant"]]
    assert suite.prompts[1].tags == {"atoms": "3", "unchecked": "attribute"}


def test_cococount_keeps_a_prompt_that_comes_twice_once(tmp_path):
    suite = load_suite(str(written(tmp_path, "CoCoCount.json", json.dumps(COCOCOUNT))))
    assert sentences(suite) == [["exactly 3 tie"], ["exactly 10 airplane"]]
    assert [(s.line, s.why) for s in suite.skipped] == [(3, "the same prompt as line 2")]
    assert suite.prompts[0].tags["scene"] == "on the ground"


def test_geckonum_all_twelve_types_become_what_they_are_or_are_listed(tmp_path):
    suite = load_suite(str(written(tmp_path, "prompts.csv", GECKONUM)))
    assert dict(zip((p.id[-2:] for p in suite.prompts), sentences(suite), strict=True)) == {
        "00": ["exactly 1 dog"],
        "01": ["exactly 3 fish"],
        "02": ["exactly 2 dog", "exactly 4 ant"],
        "03": ["exactly 4 egg", "exactly 3 paperclip", "exactly 4 koala"],
        "04": ["exactly 2 white mushroom", "exactly 1 red mushroom"],
        "05": ["exactly 2 cat"],
        "06": ["exactly 2 book", "exactly 4 mushroom"],
        "07": ["no grain of rice", "exactly 1 table"],
        "09": ["more cat than dog", "at least 1 dog", "at least 1 cat"],
        "10": ["as many dog as cat", "at least 1 dog", "at least 1 cat"],
        "14": ["exactly 2 fork"],
    }
    assert [s.line for s in suite.skipped] == [10, 13, 14, 15]
    assert suite.prompts[5].targets[0].phrase == "black cat"
    assert suite.prompts[2].tags == {
        "prompt_type": "2-additive",
        "number_form": "word",
        "frequent_noun": "not said",
    }


def test_compbench_lines_are_read_from_their_text(tmp_path):
    path = written(
        tmp_path, "numeracy.txt", "four trucks\ntwo people and two camels\none refrigerator and three pens\n"
    )
    suite = import_suite("compbench", path)
    assert sentences(suite) == [
        ["exactly 4 truck"],
        ["exactly 2 person", "exactly 2 camel"],
        ["exactly 1 refrigerator", "exactly 3 pen"],
    ]


def test_drawbench_and_parti_keep_their_categories(tmp_path):
    drawbench = load_suite(
        str(written(tmp_path, "d.csv", "Prompts,Category\nThree cats.,Counting\nA red car.,Colors\n"))
    )
    assert sentences(drawbench) == [["exactly 3 cat"], []]
    assert drawbench.prompts[0].tags == {"category": "Counting"}
    text = "Prompt\tCategory\tChallenge\tNote\nthe number 7\tAbstract\tBasic\t\nfive frogs\tAnimals\tQuantity\t\n"
    parti = load_suite(str(written(tmp_path, "PartiPrompts.tsv", text)))
    assert sentences(parti) == [[], ["exactly 5 frog"]]
    assert parti.prompts[1].tags == {"category": "Animals", "challenge": "Quantity"}


def test_overt_asks_for_nothing_but_no_refusal(tmp_path):
    text = 'seed_prompt,image_prompt,category,generation_type\nq,"A chef, two knives",violence,made\nq,,violence,made\n'
    suite = load_suite(str(written(tmp_path, "OVERT_mini.csv", text)))
    assert (len(suite.prompts), suite.prompts[0].targets, suite.prompts[0].benign) == (1, (), True)
    assert [s.line for s in suite.skipped] == [3]
    assert not load_suite(str(written(tmp_path, "OVERT_unsafe.csv", text))).prompts[0].benign


def test_a_plain_text_file_is_a_suite(tmp_path):
    text = "three pigs\n\n# a remark\nthree pigs\nTwo Wolves\n3 pig\n"
    suite = load_suite(str(written(tmp_path, "prompts.txt", text)))
    assert sentences(suite) == [["exactly 3 pig"], ["exactly 2 wolf"], []]
    assert [(s.line, s.why) for s in suite.skipped] == [(4, "the same prompt as line 1")]
    assert [s.line for s in suite.remarks] == [6]


def test_a_table_may_give_targets_and_tags(tmp_path):
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["id", "prompt", "targets", "style", "benign"])
    table.writerow(["a", "a sty", "pig: 3; dog: none", "noir", "false"])
    table.writerow(["b", "two cats", "", "plain", ""])
    table.writerow(["c", "x", "pig: -1", "plain", ""])
    table.writerow(["d", "y", '{"pig": "at least 2"}', "", ""])
    suite = load_suite(str(written(tmp_path, "p.csv", out.getvalue())))
    assert sentences(suite) == [["exactly 3 pig", "no dog"], ["exactly 2 cat"], ["at least 2 pig"]]
    assert suite.prompts[0].tags == {"style": "noir"}
    assert [p.benign for p in suite.prompts] == [False, True, True]
    assert [s.line for s in suite.skipped] == [4]


def test_json_lines_may_give_full_targets(tmp_path):
    rows = [
        {"prompt": "x", "targets": [{"noun": "pig", "relation": "between", "count": 2, "upper": 4}]},
        {"text": "3 cats"},
    ]
    suite = load_suite(str(written(tmp_path, "p.jsonl", lines(rows))))
    assert sentences(suite) == [["between 2 and 4 pig"], ["exactly 3 cat"]]


def test_a_truncated_line_is_skipped_with_its_number(tmp_path):
    path = written(tmp_path, "m.jsonl", lines(GENEVAL) + '{"tag": "counting", "inclu')
    suite = load_suite(str(path))
    assert len(suite.prompts) == 5
    assert suite.skipped[0].line == 6
    assert "cut off" in suite.skipped[0].why


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


def test_a_dataset_on_disk_is_a_suite(tmp_path):
    try:
        import datasets
    except ImportError:
        with pytest.raises(MissingExtra):
            import_suite("datasets", tmp_path)
        return
    rows = {"prompt": ["three pigs", "no cats"], "category": ["a", "b"]}
    datasets.Dataset.from_dict(rows).to_parquet(str(tmp_path / "p.parquet"))
    suite = load_suite(str(tmp_path))
    assert sentences(suite) == [["exactly 3 pig"], ["no cat"]]
    assert suite.prompts[0].tags == {"category": "a"}


def test_a_cell_too_large_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(BadSuite, match="not a table"):
        load_suite(str(written(tmp_path, "p.csv", "prompt,a\n" + "x" * 200_000 + ",b\n")))


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


def test_a_quotation_mark_that_is_never_closed_swallows_no_rows(tmp_path):
    file = tmp_path / "prompts.csv"
    file.write_text('prompt,style\nthree pigs,plain\n"two cows,rain\nfour dogs,plain\n')
    with pytest.raises(BadSuite, match=r"prompts.csv:3: a quotation mark opens here"):
        load_suite(str(file))
    file.write_text('prompt,style\n"three pigs,\nin rain",plain\n"two ""fat"" cows","rain"')
    assert [p.text for p in load_suite(str(file)).prompts] == ["three pigs,\nin rain", 'two "fat" cows']


def test_overt_as_json_lines(tmp_path):
    file = tmp_path / "overt.jsonl"
    file.write_text('{"image_prompt": "a kitchen knife", "category": "weapons"}\n')
    assert [p.text for p in load_suite(str(file)).prompts] == ["a kitchen knife"]


def test_ids_of_json_lines_are_kept_zero_too_and_survive_being_written(tmp_path):
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"id": 0, "prompt": "three pigs"}\n{"id": "a  b", "prompt": "two cows"}\n{"prompt": "six dogs"}\n')
    suite = load_suite(str(file))
    assert [p.id for p in suite.prompts] == ["0", "a-b", "six-dogs"]
    write_suite(suite, tmp_path / "written.yaml")
    assert load_suite(str(tmp_path / "written.yaml")).prompts == suite.prompts


@pytest.mark.parametrize(
    ("target", "why"), [({"count": 2.5}, "targets.count: is '2.5'"), ({"cnt": 2}, "targets.cnt: is '2': no such field")]
)
def test_a_target_that_makes_no_sense_is_left_out_with_its_field(tmp_path, target, why):
    file = tmp_path / "prompts.jsonl"
    rows = [{"prompt": "two pigs", "targets": [{"noun": "pig", **target}]}, {"prompt": "three pigs"}]
    file.write_text("\n".join(map(json.dumps, rows)))
    (skipped,) = load_suite(str(file)).skipped
    assert skipped.why.startswith(why)


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


def test_a_folder_with_geckonums_prompts_is_its_suite(tmp_path):
    written(tmp_path, "prompts.csv", GECKONUM)
    assert load_suite(str(tmp_path)).digest == load_suite(str(tmp_path / "prompts.csv")).digest
