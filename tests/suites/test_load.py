from pathlib import Path

import pytest

from countcheck.errors import BadSuite, UnknownName
from countcheck.suites.catalog import load_suite, shipped_suites
from countcheck.suites.load import parse_suite, read_suite
from countcheck.suites.merge import load_suites
from countcheck.suites.suite import Relation, Suite


def suite_of(text: str) -> Suite:
    return parse_suite(text, source="x.yaml", name="x")


def test_a_prompt_with_targets_in_the_short_form():
    suite = suite_of("prompts:\n  - {text: Three pigs!, targets: {pig: 3, dog: none, cat: 0}}\n")
    prompt = suite.prompts[0]
    assert (suite.name, prompt.id, prompt.benign) == ("x", "three-pigs", True)
    assert [t.sentence() for t in prompt.targets] == ["exactly 3 pig", "no dog", "no cat"]


@pytest.mark.parametrize(
    ("short", "sentence"),
    [
        ("3", "exactly 3 pig"),
        ("exactly 3", "exactly 3 pig"),
        ("at least 2", "at least 2 pig"),
        ("2 or more", "at least 2 pig"),
        ("2+", "at least 2 pig"),
        ("up to 4", "at most 4 pig"),
        ("3 to 5", "between 3 and 5 pig"),
        ("between 3 and 5", "between 3 and 5 pig"),
        ("3-5", "between 3 and 5 pig"),
        ("none", "no pig"),
        ("more than cat", "more pig than cat"),
        ("as many as cat", "as many pig as cat"),
    ],
)
def test_short_forms(short, sentence):
    suite = suite_of(f"prompts:\n  - {{text: pigs, targets: {{pig: {short}}}}}\n")
    assert suite.targets[0].sentence() == sentence


def test_the_long_form_of_a_target_keeps_its_phrase_and_words():
    suite = suite_of(
        "prompts:\n  - text: three pink pigs\n    targets:\n"
        "      - {noun: pig, count: 3, phrase: pink pig, words: three pink pigs}\n"
    )
    target = suite.targets[0]
    assert (target.relation, target.phrase, target.words) == (Relation.EXACTLY, "pink pig", "three pink pigs")


def test_a_noun_gives_the_detector_its_phrase():
    suite = suite_of("nouns:\n  crane: {phrase: crane bird}\nprompts:\n  - {text: a, targets: {crane: 1}}\n")
    assert suite.targets[0].phrase == "crane bird"


def test_targets_and_tags_carry_over_until_changed():
    suite = suite_of(
        "conversations:\n  - id: talk\n    repairs: 2\n    tags: {style: plain}\n    turns:\n"
        "      - {say: pigs, targets: {pig: 3}}\n"
        "      - {say: noir, tags: {style: noir}}\n"
        "      - {say: wolf, targets: {wolf: 1}}\n"
        "      - {say: fewer, targets: {pig: 2}}\n"
        "      - {say: forget them, forget: [pig]}\n"
    )
    turns = suite.conversations[0].turns
    assert [{t.noun: t.count for t in turn.targets} for turn in turns] == [
        {"pig": 3},
        {"pig": 3},
        {"pig": 3, "wolf": 1},
        {"pig": 2, "wolf": 1},
        {"wolf": 1},
    ]
    assert [turn.tags["style"] for turn in turns] == ["plain", "noir", "noir", "noir", "noir"]


def test_axes_multiply_and_write_numbers_and_nouns_as_they_go_together():
    suite = suite_of(
        "prompts:\n  - id: '{noun}-{number}-{form}'\n    text: '{number:form} {noun:number}'\n"
        "    axes: {number: [1, 2], form: [digit, word, phrase], noun: [wolf]}\n"
        "    targets: {'{noun}': '{number}'}\n    tags: {number_form: '{form}'}\n    group: '{noun}-{number}'\n"
    )
    assert [p.text for p in suite.prompts] == [
        "1 wolf",
        "one wolf",
        "a single wolf",
        "2 wolves",
        "two wolves",
        "a pair of wolves",
    ]
    assert suite.prompts[3].targets[0].count == 2
    assert {p.group for p in suite.prompts} == {"wolf-1", "wolf-2"}


def test_a_brace_outside_templates_is_a_brace():
    assert suite_of("prompts:\n  - {text: 'a {b'}\n").prompts[0].text == "a {b"


WRONG = [
    (
        "prompts:\n  - text: a\n    targts: {pig: 1}\n",
        "x.yaml:3: prompts.0: no field 'targts'. Did you mean 'targets'?",
    ),
    ("promts: []\n", "x.yaml:1: no field 'promts'. Did you mean 'prompts'?"),
    ("prompts:\n  - {id: a}\n", "x.yaml:2: prompts.0: the field 'text' is missing."),
    (
        "prompts:\n  - text: a\n    targets:\n      pig: -1\n",
        "x.yaml:4: prompts.0.targets.pig: pig is -1. Give a whole",
    ),
    ("prompts:\n  - text: a\n    targets:\n      pig: lots\n", "x.yaml:4: prompts.0.targets.pig: pig is 'lots'"),
    ("prompts:\n  - text: a\n    targets: {pig: 2.5}\n", "pig is 2.5"),
    ("prompts:\n  - text: a\n    targets: {pig: true}\n", "pig is True"),
    ("prompts:\n  - text: a\n    targets: {pig: 5 to 3}\n", "Give the smaller number first"),
    ("prompts:\n  - text: a\n    targets: [{noun: pig, count: -2}]\n", "pig is -2"),
    ("prompts:\n  - text: a\n    targets: [{noun: pig, count: 1000000000}]\n", "pig is more than 999,999,999"),
    ("prompts:\n  - text: a\n    targets: [{noun: pig}]\n", "pig has no count"),
    ("prompts:\n  - text: a\n    targets: [{noun: pig, relation: more_than}]\n", "needs another noun"),
    ("prompts:\n  - text: a\n    targets: [{noun: pig, cnt: 2}]\n", "no such field"),
    ("prompts:\n  - text: a\n  - text: A\n", "x.yaml:3: prompts.1.id: the id 'a' is already used by prompts.0"),
    ("nouns: {pig: }\nprompts:\n  - text: a\n    targets: {pgi: 1}\n", "no noun 'pgi'. Did you mean 'pig'?"),
    ("prompts:\n  - text: a\n    text: b\n", "x.yaml:3: 'text' is given twice"),
    ("prompts:\n  - text: a\n    axes: {n: [1]}\n    tags: {t: '{m}'}\n", "prompts.0.tags.t: no axis 'm'"),
    ("prompts:\n  - text: a\n    axes: [style]\n", "no axis 'style'"),
    ("prompts:\n  - text: '{n:phrase}'\n    axes: {n: [5]}\n", "no phrase says 5"),
    ("prompts:\n  - text: '{n:wrod}'\n    axes: {n: [5]}\n", "Did you mean 'word'?"),
    ("prompts:\n  - text: '{n'\n    axes: {n: [5]}\n", "is not a template"),
    ("prompts:\n  - text: '{n}'\n    axes: {n: [5]}\n    pick: 2\n", "pick is 2, and the axes give only 1"),
    ("prompts:\n  - {text: a, pick: 2}\n", "pick and leave_out need axes"),
    ("axes: {s: [x]}\nprompts:\n  - {text: '{s}', axes: {s: [y]}}\n", "no level 'y'"),
    ("conversations:\n  - id: a\n    on_refusal: rewnd\n    turns: [{say: a}]\n", "Did you mean 'rewind'?"),
    ("conversations:\n  - id: a\n    turns: []\n", "conversations.0.turns"),
    ("prompts:\n  - text: [a\n", "not YAML"),
    ("- a\n", "a list, not a suite"),
    ("", "the file is empty"),
    ("# only a comment\n", "the file is empty"),
    ("name: a\n", "no prompts and no conversations"),
    ("prompts:\n  - {text: '  '}\n", "the text is empty"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_errors_name_file_line_and_field(text, message):
    with pytest.raises(BadSuite) as caught:
        suite_of(text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("x.yaml")


def test_a_file_that_is_not_utf8(tmp_path: Path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"prompts:\n  - text: caf\xe9\n")
    with pytest.raises(BadSuite, match="not UTF-8"):
        read_suite(path)


@pytest.mark.parametrize("name", sorted(shipped_suites()))
def test_every_shipped_suite_loads_and_says_what_it_is_for(name):
    suite = load_suite(name)
    assert suite.name == name
    assert suite.description
    assert shipped_suites()[name].read_text().startswith(f"# {name}: ")


def test_unknown_suites_are_answered_with_near_names():
    with pytest.raises(UnknownName, match="Did you mean 'demo'"):
        load_suite("dmeo")
    with pytest.raises(BadSuite, match="no such file"):
        load_suite("nowhere/dmeo.yaml")


def test_no_is_a_word_and_a_date_is_text():
    suite = suite_of("prompts:\n  - {id: no, text: a, tags: {day: 2024-01-02, on: off, yes: true}}\n")
    assert suite.prompts[0].id == "no"
    assert dict(suite.prompts[0].tags) == {"day": "2024-01-02", "on": "off", "yes": "true"}


def test_an_alias_bomb_is_refused():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(BadSuite, match="its aliases stand for"):
        suite_of("\n".join(rows))


def test_the_suite_in_the_documentation_is_one():
    text = (Path(__file__).parents[2] / "docs" / "suites.md").read_text()
    suite = suite_of(text.partition("```yaml\n")[2].partition("```")[0])
    assert (len(suite.prompts), len(suite.conversations)) == (25, 1)
    assert [t.sentence() for t in suite.conversations[0].turns[-1].targets] == ["exactly 1 wolf"]


@pytest.mark.parametrize("body", ["&a\n  - *a\n", "[" * 3000 + "]" * 3000])
def test_fields_within_themselves_or_too_deep_are_refused(body):
    with pytest.raises(BadSuite, match="too deep, or in themselves"):
        suite_of(f"name: s\nprompts: {body}")


def test_a_conversation_forgets_only_what_was_asked():
    turns = "{say: three pigs, targets: {pig: 3}}, {say: no pigs, forget: [pgi]}"
    with pytest.raises(BadSuite, match=r"x.yaml:2: conversations.0.turns.1.forget: no noun to forget 'pgi'. Did you"):
        suite_of(f"conversations:\n  - turns: [{turns}]\n")


def test_a_number_too_large_for_a_word_is_refused():
    with pytest.raises(BadSuite, match="1000 cannot be written as a word; 0 to 999 can"):
        suite_of('prompts:\n  - text: "{number:word} pigs"\n    axes: {number: [1000]}\n')


def test_files_of_one_name_are_told_apart(tmp_path):
    for folder, text in (("a", "three pigs\n"), ("b", "three pigs\ntwo pigs\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.txt").write_text(text)
    joined = load_suites([str(tmp_path / "a/mine.txt"), str(tmp_path / "b/mine.txt")])
    assert [prompt.id for prompt in joined.prompts] == ["mine/three-pigs", "mine-2/three-pigs", "two-pigs"]
