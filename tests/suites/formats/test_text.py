"""Plain text."""

from foreign_suites import sentences, written

from countcheck.suites.catalog import load_suite


def test_a_plain_text_file_is_a_suite(tmp_path):
    text = "three pigs\n\n# a remark\nthree pigs\nTwo Wolves\n3 pig\n"
    suite = load_suite(str(written(tmp_path, "prompts.txt", text)))
    assert sentences(suite) == [["exactly 3 pig"], ["exactly 2 wolf"], []]
    assert [(s.line, s.why) for s in suite.skipped] == [(4, "the same prompt as line 1")]
    assert [s.line for s in suite.remarks] == [6]
