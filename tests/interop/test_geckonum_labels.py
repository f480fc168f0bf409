"""Label files of GeckoNum's shape, against rates worked out independently."""

import json
from collections import defaultdict
from statistics import median

import pytest

from countcheck.cli.main import execute
from countcheck.counting.verdict import Kind
from countcheck.errors import BadInput
from countcheck.interop.geckonum_labels import counted_name, read_answers, run_of_folder, run_of_labels
from countcheck.storage.run_folder import RunFolder
from countcheck.suites.catalog import load_suite

PROMPTS = """index,prompt,has_numeral,is_frequent,entities,prompt_type,dataset_id
0,2 dogs.,0,1,dog:2,numeric_simple,geckonum_00000
1,Ten fish.,1,1,fish:10,numeric_simple,geckonum_00001
2,"2 dogs and four ants.",1,-1,"dog:2, ant:4",2-additive,geckonum_00002
3,Two black cats.,1,-1,black cat:2,attribute-color,geckonum_00003
4,An apple cut into thirds.,0,-1,apple:thirds,fractional-simple,geckonum_00004
"""
HEAD = "image_id,model,question_id,question,prompt,annot_id,raw_answer,answer\n"

# image, question noun, answers by person
ANSWERS = {
    "muse": [
        ("geckonum_00000_0", "dogs", ["2", "2", "2", "2", "3"]),
        ("geckonum_00000_1", "dogs", ["3", "3", "3", "2", "3"]),
        ("geckonum_00001_0", "fish", ["10+", "10+", "10+", "10", "10+"]),
        ("geckonum_00001_1", "fish", ["10", "10", "10", "9", "10"]),
        ("geckonum_00002_0", "dogs", ["2", "2", "2", "2", "2"]),
        ("geckonum_00002_0", "ants", ["4", "4", "3", "4", "4"]),
        ("geckonum_00002_1", "dogs", ["2", "2", "2", "2", "2"]),
        ("geckonum_00002_1", "ants", ["0", "0", "0", "0", "1"]),
        ("geckonum_00003_0", "black cats", ["2", "2-3", "2-3", "2-3", "3"]),
        ("geckonum_00004_0", "apples", ["3", "3", "3", "3", "3"]),
    ],
    "imagen": [
        ("geckonum_00000_0", "dogs", ["2", "2", "2", "2", "2"]),
        ("geckonum_00000_1", "dogs", ["2", "2", "2", "2", "2"]),
        ("geckonum_00001_0", "fish", ["9", "8", "9", "9", "9"]),
        ("geckonum_00002_0", "dogs", ["2", "2", "2", "2", "2"]),
        ("geckonum_00002_0", "ants", ["4", "4", "4", "4", "4"]),
        ("geckonum_00003_0", "black cats", ["2", "2", "2", "2", "2"]),
    ],
}


def stored(raw: str) -> str:
    """As upstream processes an answer."""
    if raw.endswith("+"):
        return "11.0"
    if "-" in raw:
        low, high = raw.split("-")
        return str((float(low) + float(high)) / 2)
    return f"{float(raw)}"


def label_file(folder, model):
    lines = [HEAD]
    for n, (image, noun, answers) in enumerate(ANSWERS[model]):
        for person, raw in enumerate(answers):
            row = f"{image},{model},{n},How many {noun} are in the image?,p,{person},{raw},{stored(raw)}\n"
            lines.append(row)
            if person == 0:
                lines.append(row)  # rows repeat upstream
    path = folder / f"task_1_{model}.csv"
    path.write_text("".join(lines))
    return path


@pytest.fixture
def files(tmp_path):
    (tmp_path / "prompts.csv").write_text(PROMPTS)
    return tmp_path / "prompts.csv", [label_file(tmp_path, model) for model in ANSWERS]


def independent_exact(model: str) -> dict[str, tuple[int, int]]:
    """(exact, pictures) in all and by prompt type, from the table above, with medians and nothing of ours."""
    asked = {
        "geckonum_00000": ({"dogs": 2}, "numeric_simple"),
        "geckonum_00001": ({"fish": 10}, "numeric_simple"),
        "geckonum_00002": ({"dogs": 2, "ants": 4}, "2-additive"),
        "geckonum_00003": ({"black cats": 2}, "attribute-color"),
    }
    pictures = defaultdict(dict)
    for image, noun, raw in ANSWERS[model]:
        pictures[image][noun] = median(float(stored(a)) for a in raw)
    found = defaultdict(lambda: [0, 0])
    for image, counted in pictures.items():
        wanted = asked.get(image.rpartition("_")[0])
        if wanted is None:
            continue
        numbers, kind = wanted
        right = all(counted[noun] == n for noun, n in numbers.items())
        for name in ("all", kind):
            found[name][0] += right
            found[name][1] += 1
    return {name: tuple(pair) for name, pair in found.items()}


def test_what_upstream_leaves_to_the_reader_is_counted(files):
    answers = read_answers(files[1])
    assert answers.notes["rows that repeat"] == 16
    assert answers.notes["answers"] == 80
    assert answers.notes["ranges, which stand as halves"] == 3
    assert answers.notes['answers "10+", which stand as 11'] == 4 + 1  # one of them in a row that repeats


def test_verdicts_are_the_median_answers(files, tmp_path):
    told = []
    with run_of_labels(load_suite(str(files[0])), files[1], tmp_path / "run", report=told.append) as run:
        kinds = {(r.generator, r.prompt_id, r.repeat): r.verdict for r in run.rows() if r.outcome == "picture"}
        labels = run.labels()
    assert kinds["muse", "geckonum_00000", 0] is Kind.EXACT
    assert kinds["muse", "geckonum_00000", 1] is Kind.OVER
    assert kinds["muse", "geckonum_00001", 0] is Kind.OVER
    assert kinds["muse", "geckonum_00002", 1] is Kind.MISSING
    assert kinds["muse", "geckonum_00003", 0] is Kind.UNCERTAIN
    assert kinds["imagen", "geckonum_00001", 0] is Kind.UNDER
    assert len(labels) == 75
    assert sum(label.count is None for label in labels) == 3
    assert any("prompts that the suite leaves out" in line for line in told)


def test_summary_equals_an_independent_calculation(files, tmp_path, capsys):
    labels = [part for path in files[1] for part in ("--labels", str(path))]
    assert execute(["score", str(files[0]), *labels, "-o", str(tmp_path / "run"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    for model in ANSWERS:
        mine, theirs = independent_exact(model), summary["generators"][model]
        assert theirs["counts"]["pictures"] == mine["all"][1]
        assert theirs["rates"]["exact_rate"]["value"] == pytest.approx(mine["all"][0] / mine["all"][1])
        assert theirs["rates"]["exact_rate"]["low"] <= theirs["rates"]["exact_rate"]["value"]
        by_type = theirs["by"]["prompt_type"]
        for kind in ("numeric_simple", "2-additive"):
            exact, n = mine[kind]
            assert by_type[kind]["exact_rate"]["value"] == pytest.approx(exact / n)
    assert RunFolder.open(tmp_path / "run").generators == ["imagen", "muse"]


def test_files_of_another_kind(files, tmp_path):
    with pytest.raises(BadInput, match=r"Give task_1_MODEL\.csv"):
        read_answers([files[0]])
    suite = load_suite(str(files[0]))
    stranger = tmp_path / "s.csv"
    stranger.write_text(HEAD + "other_00_0,m,0,How many dogs are in the image?,p,1,2,2\n")
    with pytest.raises(BadInput, match="none of its pictures"):
        run_of_labels(suite, [stranger], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_two_models_compare_in_pairs_as_an_independent_calculation_says(files, tmp_path, capsys):
    for path, model in zip(files[1], ANSWERS, strict=True):
        assert execute(["score", str(files[0]), "--labels", str(path), "-o", str(tmp_path / model), "--json"]) == 0
    capsys.readouterr()
    assert execute(["compare", str(tmp_path / "muse"), str(tmp_path / "imagen"), "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    # Both drew 00000_0, 00000_1, 00001_0, 00002_0 and 00003_0.
    assert body["pairs"] == 5
    both = {"geckonum_00000_0", "geckonum_00000_1", "geckonum_00001_0", "geckonum_00002_0", "geckonum_00003_0"}
    for side, model in (("a", "muse"), ("b", "imagen")):
        exact = exact_pictures(model) & both
        assert body["rates"]["exact_rate"][side]["value"] == pytest.approx(len(exact) / len(both))


def exact_pictures(model: str) -> set[str]:
    """Pictures whose every median is the asked number, from the table above."""
    numbers = {"geckonum_00000": [2], "geckonum_00001": [10], "geckonum_00002": [2, 4], "geckonum_00003": [2]}
    found = defaultdict(list)
    for image, _, raw in ANSWERS[model]:
        found[image].append(median(float(stored(a)) for a in raw))
    return {image for image, medians in found.items() if medians == numbers.get(image.rpartition("_")[0])}


FOLDER_PROMPTS = """index,prompt,has_numeral,is_frequent,entities,prompt_type,dataset_id
0,4 lychees.,0,0,lychee:4,numeric_simple,geckonum_00000
1,Two bonsais.,1,0,bonsai:2,numeric_simple,geckonum_00001
2,"2 knives and 3 okras.",0,0,"knife:2, okra:3",2-additive,geckonum_00002
3,"Two black cats and one white cat.",1,1,"black cat:2, white cat:1",2-additive-color,geckonum_00003
"""
MANY, COLOUR = "How many {} are in the image?", "How many {} are {}?"
# model, picture, question, answers of three people
FOLDER_ANSWERS = [
    ("a", "geckonum_00000_0", MANY.format("lychees"), ["4", "4", "4"]),  # exact
    ("a", "geckonum_00000_1", MANY.format("lychees"), ["5", "5", "4"]),  # over by 1
    ("a", "geckonum_00000_2", MANY.format("lychees"), ["4", "4", "4"]),  # exact
    ("a", "geckonum_00001_0", MANY.format("bonsais"), ["2", "2-3", "3"]),  # median 2.5: uncertain, off by 0.5
    ("a", "geckonum_00002_0", MANY.format("knifes"), ["2", "2", "2"]),
    ("a", "geckonum_00002_0", MANY.format("okras"), ["3", "3", "3"]),  # exact
    ("a", "geckonum_00003_0", MANY.format("black cats"), ["2", "2", "2"]),
    ("a", "geckonum_00003_0", MANY.format("white cats"), ["1", "1", "1"]),  # exact
    ("a", "geckonum_00003_0", MANY.format("cats"), ["3", "3", "3"]),  # another question, the same person
    ("a", "geckonum_00003_0", COLOUR.format("cats", "grey"), ["0", "0", "0"]),  # and another
    ("a", "geckonum_00003_0", "What is in the image?", ["0", "0", "0"]),
    ("b", "geckonum_00000_0", MANY.format("lychees"), ["1", "1", "1"]),  # under by 3
    ("b", "geckonum_00003_0", COLOUR.format("cats", "black"), ["2", "2", "3"]),
    ("b", "geckonum_00003_0", COLOUR.format("cats", "white"), ["0", "0", "0"]),  # missing, off by 1
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "gecko" / "labels").mkdir(parents=True)
    (tmp_path / "gecko" / "prompts.csv").write_text(FOLDER_PROMPTS)
    for model in "ab":
        rows = [
            f"{image},{model},{n},{question},p,{person},{raw},{stored(raw)}\n"
            for n, (whose, image, question, answers) in enumerate(FOLDER_ANSWERS)
            for person, raw in enumerate(answers)
            if whose == model
        ]
        (tmp_path / "gecko" / "labels" / f"task_1_{model}.csv").write_text(HEAD + "".join(rows))
    return tmp_path / "gecko"


def test_a_folder_of_labels_becomes_a_run_with_the_rates_worked_out_by_hand(folder, tmp_path, capsys):
    assert execute(["suite", "import", "geckonum", str(folder), "-o", str(tmp_path / "run"), "--json"]) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)["generators"]
    a, b = summary["a"], summary["b"]
    assert [a["counts"][key] for key in ("planned", "asked", "pictures", "missing")] == [6, 6, 6, 0]
    assert [b["counts"][key] for key in ("planned", "asked", "pictures", "missing")] == [2, 2, 2, 0]
    assert a["counts"]["uncertain"] == 1
    assert a["rates"]["exact_rate"]["value"] == pytest.approx(4 / 6)
    assert b["rates"]["exact_rate"]["value"] == 0
    assert a["rates"]["over_rate"]["value"] == pytest.approx(1 / 6)
    # Nouns asked for: lychee three times, bonsai, knife, okra, black cat, white cat; errors 1 and 0.5.
    assert a["rates"]["mean_abs_error"]["value"] == pytest.approx(1.5 / 8)
    assert b["rates"]["mean_abs_error"]["value"] == pytest.approx((3 + 0 + 1) / 3)
    assert a["matrix"]["2"] == {"2": 2, "2.5": 1}
    assert "contradict" not in captured.err
    assert "3 rows of questions that ask for no number of things" in captured.err


def test_labels_of_other_questions_are_labels_of_nothing(folder, tmp_path):
    assert execute(["suite", "import", "auto", str(folder), "-o", str(tmp_path / "run")]) == 0
    with RunFolder.open(tmp_path / "run") as run:
        labels = {(label.noun, label.count, label.labeller) for label in run.labels()}
        rows = [row for row in run.rows() if row.prompt_id == "geckonum_00001"]
    assert {noun for noun, *_ in labels} == {"lychee", "bonsai", "knife", "okra", "black cat", "white cat"}
    assert [(row.verdict, row.counted, row.low, row.high) for row in rows] == [
        (Kind.UNCERTAIN, {"bonsai": 2.5}, {"bonsai": 2}, {"bonsai": 3})
    ]


@pytest.mark.parametrize(
    ("missing", "message"), [("prompts.csv", "no prompts.csv in it"), ("labels", "no CSV file with")]
)
def test_a_folder_that_lacks_prompts_or_labels(folder, tmp_path, missing, message):
    for path in folder.rglob(f"{missing}*" if missing == "prompts.csv" else "task_1_*"):
        path.unlink()
    with pytest.raises(BadInput, match=message):
        run_of_folder(folder, tmp_path / "run")


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("How many dogs are there?", "dogs"),
        ("how many dogs do you see in the image?", "dogs"),
        ("How many white mushrooms are in this picture?", "white mushrooms"),
        ("How many mushrooms are red?", "red mushrooms"),
        ("How many dogs are looking at the camera?", None),
        ("Is there a dog in the image?", None),
    ],
)
def test_what_a_question_asks_to_count(question, name):
    assert counted_name(question) == name
