"""The loader of YAML: what people mean, and one sentence with the line for everything else."""

import pytest

from countcheck.cards import read_card
from countcheck.errors import BadSettings, BadSuite
from countcheck.gate.policy import read_policy
from countcheck.suites.load import read_suite
from countcheck.yaml_loader import MAX_DEPTH, load_yaml, read_yaml

ALIASES = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))
MERGES = "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 20))

UNSOUND = {
    "brackets": ("a: b\nc: " + "[" * 50_000, ":2: its fields lie in each other too deep"),
    "braces": ("a: b\nc: " + "{a: " * 50_000, ":2: its fields lie in each other too deep"),
    "hyphens": ("- " * 50_000 + "a", ":1: its fields lie in each other too deep"),
    "indents": (
        "\n".join("  " * n + "a:" for n in range(100)),
        f":{MAX_DEPTH + 1}: its fields lie in each other too deep",
    ),
    "cycle": ("a: b\nc: &c\n  - *c\n", ":2: its fields lie in each other too deep, or in themselves"),
    "alias bomb": ("a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + ALIASES, ":1: its aliases stand for more than"),
    "merge bomb": ("a0: &a0 {x: 1}\n" + MERGES, ":1: its aliases stand for more than"),
    "key twice": ("a: 1\nb: 2\na: 3\n", ":3: 'a' is given twice"),
    "inner key twice": ("a:\n  b: 1\n  'b': 2\n", ":3: 'b' is given twice"),
    "date by tag": ("a: 1\nb: !!timestamp 2025-99-99\n", ":2: '2025-99-99' is no timestamp"),
    "int by tag": ("a: !!int x\n", ":1: 'x' is no int"),
    "empty int": ("a: !!int ''\n", ":1: '' is no int"),
    "float by tag": ("a: !!float x\n", ":1: 'x' is no float"),
    "bool by tag": ("a: !!bool perhaps\n", ":1: 'perhaps' is no bool"),
    "5,000 digits": ("a: 1\nb: " + "9" * 5000, ":2: '9999"),
    "hexadecimal": ("a: 0x" + "f" * 5000, ":1: '0xff"),
    "class": ("a: !!python/object:os.system x\n", ":1: not YAML (could not determine a constructor"),
    "unhashable key": ("a: 1\n? [b]\n: c\n", ":2: not YAML (found unhashable key)"),
    "control character": ("a: 1\nb: \x01\n", ":2: not YAML (control characters"),
    "half a pair": ("a: 1\nb: \ud83d\n", ":2: half a character pair"),
    "escaped half a pair": ('a: "\\ud83d"\n', ":1: not YAML"),
    "two documents": ("a: 1\n---\nb: 2\n", ":2: not YAML"),
    "unclosed": ("a: [b\n", ":2: not YAML"),
    "unknown alias": ("a: *b\n", ":1: not YAML (found undefined alias)"),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_what_is_not_sound_is_one_sentence_with_its_line(case):
    text, message = UNSOUND[case]
    with pytest.raises(BadSuite) as caught:
        load_yaml(text, source="x.yaml")
    assert str(caught.value).startswith(f"x.yaml{message}")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("case", [case for case, (text, _) in UNSOUND.items() if "\ud83d" not in text])
@pytest.mark.parametrize(
    ("read", "error"), [(read_suite, BadSuite), (read_card, BadSettings), (read_policy, BadSettings)]
)
def test_suites_cards_and_policies_say_it_alike(tmp_path, read, error, case):
    text, message = UNSOUND[case]
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(error) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}{message}")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("[no, off, yes, on, true, False]", ["no", "off", "yes", "on", True, False]),
        ("[2025-01-02, 2025-99-99, 12:30, 1:02:03]", ["2025-01-02", "2025-99-99", "12:30", "1:02:03"]),
        ("[0, -3, +4, 1_000, 0x1f, 2.5, .5, null, ~]", [0, -3, 4, 1000, 31, 2.5, 0.5, None, None]),
        ("a: <<\nb: =\n", {"a": "<<", "b": "="}),
        ("a: &a {x: 1}\nb: {<<: *a, y: 2}\n", {"a": {"x": 1}, "b": {"x": 1, "y": 2}}),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, None),
        ("", None),
        ("# a remark\n", None),
    ],
)
def test_values_are_what_people_mean(text, data):
    loaded = load_yaml(text, source="x").data
    assert loaded == data if data is not None else loaded is None or len(text) == 2 * MAX_DEPTH


def test_braces_in_texts_are_not_taken_for_depth():
    text = "".join(f"- 'a {{{{{{ [[[ {n}'\n" for n in range(100))
    assert len(load_yaml(text, source="x").data) == 100


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (r'{"a": "three \ud83d\udc37 pigs"}', {"a": "three 🐷 pigs"}),
        (r'{"\uD83D\uDC37": "\u00e9"}', {"🐷": "é"}),
        (r'{"a": "\\ud83d\\udc37 \ud83d\udc37"}', {"a": r"\ud83d\udc37 🐷"}),
    ],
)
def test_an_emoji_may_be_escaped_as_json_escapes_it(text, data):
    assert load_yaml(text, source="x").data == data


def test_the_line_of_a_field_or_of_the_nearest_around_it():
    document = load_yaml("a:\n  - x\n  - b: 1\n    c:\n      - d\ne: 1\n", source="x")
    places = {("a",): 1, ("a", 0): 2, ("a", 1, "c"): 4, ("a", 1, "c", 0): 5, ("a", 1, "z"): 3, ("e", "f"): 6, (): 1}
    assert {place: document.line(*place) for place in places} == places


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"a: caf\xe9\n", "not UTF-8 (byte 6). Save the card as UTF-8."), (None, "cannot be read (No such file")],
)
def test_a_file_that_cannot_be_read(tmp_path, data, message):
    path = tmp_path / "x.yaml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadSettings) as caught:
        read_yaml(path, error=BadSettings, what="card")
    assert str(caught.value).startswith(f"{path}: {message}")
