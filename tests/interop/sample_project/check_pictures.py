import countcheck as cc
from countcheck.scenes import compose, render
from countcheck.suites.suite import Prompt, Suite, Target

UNSURE = "tiny?margin=0.3&threshold=0.69"


def drawn(**counts):
    return render(compose(counts, seed=1))


def made(path, prompts, spec="scenes"):
    asked = tuple(
        Prompt(id=str(n), text=f"{n % 3 + 1} pigs ({n})", targets=(Target(noun="pig", count=n % 3 + 1),))
        for n in range(prompts)
    )
    return cc.run(Suite(name="pigs", prompts=asked), generators=[spec], path=path)


def test_three_pigs(expect_count):
    expect_count(drawn(pig=3), pig=3, wolf="none")


def test_four_pigs_are_not_three(expect_count):
    expect_count(drawn(pig=4), pig=3)


def test_an_unsure_count_fails(expect_count):
    expect_count(drawn(pig=3), pig=3, counter=UNSURE)


def test_an_unsure_count_may_be_skipped(expect_count):
    expect_count(drawn(pig=3), pig=3, counter=UNSURE, uncertain="skip")


def test_an_unsure_count_may_pass(expect_count):
    expect_count(drawn(pig=3), pig=3, counter=UNSURE, uncertain="pass")


def test_rate_is_met(tmp_path):
    with made(tmp_path / "run", 40) as run:
        cc.assert_rate(run, "exact_rate", at_least=0.6)


def test_rate_is_missed(tmp_path):
    with made(tmp_path / "run", 40, "scenes?error_rate=0.9") as run:
        cc.assert_rate(run, "exact_rate", at_least=0.6)


def test_rate_of_too_few(tmp_path):
    with made(tmp_path / "run", 3) as run:
        cc.assert_rate(run, "exact_rate", at_least=0.6)
