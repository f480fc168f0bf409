"""DrawBench and PartiPrompts."""

from foreign_suites import sentences, written

from countcheck.suites.catalog import load_suite


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
