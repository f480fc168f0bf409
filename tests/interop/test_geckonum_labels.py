"""Label files of GeckoNum's shape, against rates worked out independently."""

import json
from collections import defaultdict
from statistics import median

import pytest

from countcheck.cli.main import execute
from countcheck.counting.verdict import Kind
from countcheck.errors import BadInput
from countcheck.interop.geckonum_labels import read_answers, run_of_labels
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
