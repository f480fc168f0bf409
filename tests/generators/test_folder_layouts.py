import io
import json
import tarfile
from pathlib import Path

import pytest
from PIL import Image

from countcheck.cards import Card
from countcheck.errors import BadInput, BadSettings
from countcheck.generators.folder import FolderGenerator
from countcheck.generators.folder_layouts import read_album
from countcheck.generators.outcome import Failure, Picture
from countcheck.suites.samples import plan
from countcheck.suites.suite import Prompt, Suite, Target


def png(value: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (value, 0, 0)).save(out, "PNG")
    return out.getvalue()


def put(folder: Path, *names: str) -> None:
    for n, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(n))


PIGS = Prompt(id="pigs", text="three pigs", targets=(Target(noun="pig", count=3),))
CATS = Prompt(id="cats", text="two cats, film noir", targets=(Target(noun="cat", count=2),))
SUITE = Suite(name="s", prompts=(PIGS, CATS))


def names(album, prompt: Prompt, model: str = "") -> dict[int, str]:
    return {n: entry.member or entry.path.name for n, entry in album.pictures_of(prompt, model).items()}


def test_flat_by_prompt_id_and_number(tmp_path):
    put(tmp_path, "pigs_0.png", "pigs_2.png", "cats_0.jpg", "stray.png")
    album = read_album(tmp_path)
    assert album.layout == "flat"
    assert names(album, PIGS) == {0: "pigs_0.png", 2: "pigs_2.png"}
    assert names(album, CATS) == {0: "cats_0.jpg"}
    assert album.repeats(SUITE) == 3
    assert [e.path.name for e in album.unclaimed(SUITE)] == ["stray.png"]


def test_flat_numbers_may_begin_at_one_and_one_picture_needs_none(tmp_path):
    put(tmp_path, "pigs-1.png", "pigs-2.png", "cats.png")
    album = read_album(tmp_path)
    assert names(album, PIGS) == {0: "pigs-1.png", 1: "pigs-2.png"}
    assert names(album, CATS) == {0: "cats.png"}


def test_a_number_that_belongs_to_the_id_is_no_repeat(tmp_path):
    put(tmp_path, "geckonum_00005.png", "geckonum_00006_0.png", "geckonum_00006_1.png")
    album = read_album(tmp_path)
    assert names(album, Prompt(id="geckonum_00005", text="x")) == {0: "geckonum_00005.png"}
    assert names(album, Prompt(id="geckonum_00006", text="y")) == {0: "geckonum_00006_0.png", 1: "geckonum_00006_1.png"}


def test_compbench_names_are_the_prompt_and_a_running_number(tmp_path):
    put(
        tmp_path,
        "samples/three pigs_000007.png",
        "samples/two cats, film noir_000310.png",
        "samples/three pigs_000205.png",
    )
    album = read_album(tmp_path)
    assert names(album, PIGS) == {0: "three pigs_000007.png", 1: "three pigs_000205.png"}
    assert names(album, CATS) == {0: "two cats, film noir_000310.png"}


def test_one_folder_a_prompt(tmp_path):
    put(tmp_path, "pigs/0.png", "pigs/1.png", "cats/0.png")
    album = read_album(tmp_path)
    assert names(album, PIGS) == {0: "0.png", 1: "1.png"}


def geneval_tree(folder: Path) -> None:
    for n, (noun, count) in enumerate([("clock", 3), ("bench", 1)]):
        put(folder, f"{n:05d}/samples/0000.png", f"{n:05d}/samples/0001.png", f"{n:05d}/grid.png")
        body = {"tag": "counting", "include": [{"class": noun, "count": count}], "prompt": f"a photo of {count} {noun}"}
        body["exclude"] = [{"class": noun, "count": count + 1}]
        (folder / f"{n:05d}" / "metadata.jsonl").write_text(json.dumps(body))


def test_genevals_tree_tells_its_prompts(tmp_path):
    geneval_tree(tmp_path)
    put(tmp_path, "00002/samples/0000.png")
    album = read_album(tmp_path)
    assert album.layout == "geneval"
    assert [[t.sentence() for t in p.targets] for p in album.suite.prompts] == [
        ["exactly 3 clock"],
        ["exactly 1 bench"],
    ]
    assert names(album, album.suite.prompts[0]) == {0: "0000.png", 1: "0001.png"}
    assert album.unclaimed(album.suite) == []
    assert "00002" in album.skipped[0]


def test_cococount_names_tell_number_and_noun(tmp_path):
    put(tmp_path, "3__sports_ball__on the grass_7.png", "3__sports_ball__on the grass_8.png", "2__cat__12.png")
    album = read_album(tmp_path)
    assert album.layout == "cococount"
    assert {p.text: p.targets[0].sentence() for p in album.suite.prompts} == {
        "a photo of 3 sports balls on the grass": "exactly 3 sports ball",
        "a photo of 2 cats": "exactly 2 cat",
    }
    assert album.repeats(album.suite) == 2


def test_cococount_pictures_answer_its_own_suite(tmp_path):
    put(tmp_path, "3__ties__on the ground_7.png", "10__airplane.png")
    tie = Prompt(id="x", text="A photo of three ties on the ground", targets=(Target(noun="tie", count=3),))
    plane = Prompt(id="y", text="A photo of ten airplanes", targets=(Target(noun="airplane", count=10),))
    album = read_album(tmp_path)
    assert album.layout == "cococount"
    assert names(album, tie) == {0: "3__ties__on the ground_7.png"}
    assert names(album, plane) == {0: "10__airplane.png"}
    assert [p.targets[0].noun for p in album.suite.prompts] == ["airplane", "tie"]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_manifest_names_pictures_prompts_and_models(tmp_path, kind):
    put(tmp_path, "a.png", "b.png", "c.png")
    rows = [
        {"picture": "a.png", "prompt_id": "pigs", "model": "one", "repeat": "0"},
        {"picture": "b.png", "prompt_id": "pigs", "model": "two", "repeat": "0"},
        {"picture": "c.png", "prompt": "two cats, film noir", "model": "one", "repeat": "1"},
        {"picture": "../../etc/passwd", "prompt_id": "pigs", "model": "one", "repeat": "2"},
        {"picture": "gone.png", "prompt_id": "pigs", "model": "one", "repeat": "3"},
        {"picture": "a.png", "model": "one"},
    ]
    fields = ("picture", "prompt_id", "prompt", "model", "repeat")
    if kind == "csv":
        lines = [",".join(fields), *(",".join(f'"{row.get(f, "")}"' for f in fields) for row in rows)]
    else:
        lines = [json.dumps(row) for row in rows]
    (tmp_path / f"manifest.{kind}").write_text("\n".join(lines))
    album = read_album(tmp_path)
    assert album.layout == "manifest"
    assert album.models == ("one", "two")
    assert names(album, PIGS, "one") == {0: "a.png"}
    assert names(album, PIGS, "two") == {0: "b.png"}
    assert names(album, CATS, "one") == {1: "c.png"}
    assert len(album.skipped) == 3
    assert "outside" in album.skipped[0]


def test_webdataset_shards_carry_prompt_and_picture(tmp_path):
    with tarfile.open(tmp_path / "0000.tar", "w") as tar:
        for name, data in [
            ("00.png", png()),
            ("00.json", json.dumps({"prompt_id": "pigs"}).encode()),
            ("01.png", png()),
            ("01.txt", b"two cats, film noir"),
            ("02.png", png()),
            ("02.json", b"{broken"),
        ]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    album = read_album(tmp_path)
    assert album.layout == "webdataset"
    assert names(album, PIGS) == {0: "00.png"}
    assert names(album, CATS) == {0: "01.png"}
    assert len(album.skipped) == 1
    generator = FolderGenerator(Card(name="f", family="folder", source=str(tmp_path)))
    samples = list(plan(SUITE, generator.recipe))
    assert [type(o) for o in generator.generate(samples)] == [Picture, Picture]


def test_a_plain_folder_with_what_every_picture_shows(tmp_path):
    put(tmp_path, "x.png", "deep/y.png")
    album = read_album(tmp_path, of="pig=3,wolf=at least 1")
    assert [p.id for p in album.suite.prompts] == ["deep/y", "x"]
    assert [t.sentence() for t in album.suite.prompts[0].targets] == ["exactly 3 pig", "at least 1 wolf"]
    assert album.repeats(album.suite) == 1


@pytest.mark.parametrize("of", ["pig", "pig=", "pig=lots", "=3"])
def test_of_that_makes_no_sense(tmp_path, of):
    put(tmp_path, "x.png")
    with pytest.raises(BadSettings, match="--of"):
        read_album(tmp_path, of=of)


def test_folders_that_will_not_do(tmp_path):
    with pytest.raises(BadInput, match="no picture in it"):
        read_album(tmp_path)
    with pytest.raises(BadInput, match="no such folder"):
        read_album(tmp_path / "nowhere")
    with pytest.raises(BadSettings, match="no layout 'flatt'"):
        read_album(tmp_path, "flatt")
    (tmp_path / "a.tar").write_bytes(b"not a tar")
    with pytest.raises(BadInput, match="not a tar shard"):
        read_album(tmp_path / "a.tar")


def test_the_generator_gives_what_is_there_and_nothing_for_what_is_not(tmp_path):
    put(tmp_path, "pigs_0.png", "cats_1.png")
    (tmp_path / "cats_0.png").write_bytes(b"\x89PNG broken")
    generator = FolderGenerator(Card(name="f", family="folder", source=str(tmp_path)))
    samples = list(plan(SUITE, generator.recipe, repeats=2))
    outcomes = {o.key: o for o in generator.generate(samples)}
    by = {(s.asked.id, s.repeat): outcomes.get(s.key) for s in samples}
    assert isinstance(by["pigs", 0], Picture)
    assert by["pigs", 1] is None
    assert isinstance(by["cats", 0], Failure)
    assert "cats_0.png" in by["cats", 0].message


def test_another_folder_is_another_generator(tmp_path):
    put(tmp_path, "pigs_0.png")
    before = FolderGenerator(Card(name="f", family="folder", source=str(tmp_path))).recipe.revision
    put(tmp_path, "pigs_1.png")
    assert FolderGenerator(Card(name="f", family="folder", source=str(tmp_path))).recipe.revision != before


def test_a_raised_digit_is_no_number(tmp_path):
    put(tmp_path, "pigs/².png")
    (tmp_path / "manifest.csv").write_text("picture,prompt,repeat\npigs/².png,three pigs,²\n", encoding="utf-8")
    assert read_album(tmp_path, "flat").entries[0].number is None
    assert read_album(tmp_path, "manifest").entries[0].number is None
