"""T2I-CompBench's numeracy prompts."""

from foreign_suites import sentences, written

from countcheck.suites.catalog import import_suite


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
