"""From a name or a file to a suite, through the registry of formats."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from countcheck.errors import BadSettings, BadSuite
from countcheck.suites import catalog, formats
from countcheck.suites.catalog import import_suite, load_suite, suite_formats
from countcheck.suites.readers import Fit
from countcheck.suites.suite import Prompt, Suite


@pytest.fixture
def fresh_formats():
    suite_formats.cache_clear()
    yield
    suite_formats.cache_clear()


def format_module(name: str, **parts) -> ModuleType:
    module = ModuleType(f"other_package_{name}")
    module.NAME = name
    module.accepts = lambda preview: Fit.EXACT if preview.path.suffix == ".pigs" else Fit.NONE
    module.read = lambda path, options: Suite(name=path.stem, prompts=(Prompt(id="a", text=path.read_text()),))
    for part, value in parts.items():
        setattr(module, part, value)
    return module


def install(monkeypatch, module: ModuleType) -> None:
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry = EntryPoint(name=module.NAME, value=module.__name__, group=catalog.GROUP)
    monkeypatch.setattr(catalog, "entry_points", lambda group: [entry] if group == catalog.GROUP else [])


def test_every_module_in_the_folder_is_a_format(fresh_formats):
    names = {name for name in suite_formats()}
    assert {"geneval", "geneval2", "compbench", "cococount", "geckonum", "drawbench", "parti", "overt"} <= names
    assert {"text", "csv", "jsonl", "json", "datasets", "yaml"} <= names


def test_a_module_laid_in_the_folder_is_found_and_named_nowhere_else(fresh_formats, monkeypatch, tmp_path):
    (tmp_path / "herd.py").write_text(
        "from countcheck.suites.readers import Fit\n"
        "from countcheck.suites.suite import Prompt, Suite\n"
        "NAME = 'herd'\n"
        "def accepts(preview):\n    return Fit.EXACT if preview.path.suffix == '.herd' else Fit.NONE\n"
        "def read(path, options):\n    return Suite(name='herd', prompts=(Prompt(id='a', text='three cows'),))\n"
    )
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    (tmp_path / "x.herd").write_text("cows")
    assert load_suite(str(tmp_path / "x.herd")).prompts[0].text == "three cows"


def test_an_installed_format_is_read_like_one_that_ships(fresh_formats, monkeypatch, tmp_path):
    install(monkeypatch, format_module("pigs"))
    (tmp_path / "a.pigs").write_text("three pigs")
    assert load_suite(str(tmp_path / "a.pigs")).prompts[0].text == "three pigs"
    assert import_suite("pigs", tmp_path / "a.pigs").name == "a"


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (format_module("geneval"), "two suite formats are named 'geneval'"),
        (format_module("pigs", read=None), None),
    ],
)
def test_a_format_that_clashes_or_lacks_a_part_is_refused(fresh_formats, monkeypatch, module, message):
    if message is None:
        del module.read
        message = "has no read"
    install(monkeypatch, module)
    with pytest.raises(BadSettings, match=message):
        suite_formats()


def test_two_formats_that_fit_alike_are_left_to_the_user(fresh_formats, monkeypatch, tmp_path):
    install(monkeypatch, format_module("pigs", accepts=lambda preview: Fit.EXACT))
    (tmp_path / "a.yaml").write_text("prompts: [{text: a}]")
    with pytest.raises(BadSuite, match="it looks like yaml and like pigs"):
        load_suite(str(tmp_path / "a.yaml"))
    assert import_suite("yaml", tmp_path / "a.yaml").prompts[0].text == "a"


@pytest.mark.parametrize(
    ("name", "text", "texts"),
    [
        (
            "comma.txt",
            "text, three pigs, film noir\ntwo cats, rain\n",
            ["text, three pigs, film noir", "two cats, rain"],
        ),
        ("prompt.txt", "prompt: three pigs; film noir\n", ["prompt: three pigs; film noir"]),
        ("head.txt", "prompt,style\nthree pigs,noir\n", ["three pigs"]),
        ("list.json", '["three pigs", "two cats"]', ["three pigs", "two cats"]),
        ("list.json", '[\n  "three pigs",\n  {"prompt": "two cats"}\n]', ["three pigs", "two cats"]),
    ],
)
def test_a_prompt_is_not_taken_for_a_head_line_nor_a_list_of_texts_for_nothing(tmp_path, name, text, texts):
    (tmp_path / name).write_text(text)
    assert [prompt.text for prompt in load_suite(str(tmp_path / name)).prompts] == texts
