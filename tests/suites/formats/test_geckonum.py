"""GeckoNum's prompts."""

from foreign_suites import GECKONUM, sentences, written

from countcheck.suites.catalog import load_suite


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


def test_a_folder_with_geckonums_prompts_is_its_suite(tmp_path):
    written(tmp_path, "prompts.csv", GECKONUM)
    assert load_suite(str(tmp_path)).digest == load_suite(str(tmp_path / "prompts.csv")).digest
