import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from picture_folders import CATS, PIGS, SUITE, png, put

from countcheck.cards import Card
from countcheck.errors import BadInput, BadSettings
from countcheck.generators.folder import FolderGenerator
from countcheck.generators.folder_layouts import read_picture_folder
from countcheck.generators.outcome import Picture
from countcheck.suites.samples import plan
from countcheck.suites.suite import Prompt, Target


def names(folder, prompt: Prompt, model: str = "") -> dict[int, str]:
    return {n: picture.member or picture.path.name for n, picture in folder.by_repeat(prompt, model).items()}


def test_flat_by_prompt_id_and_number(tmp_path):
    put(tmp_path, "pigs_0.png", "pigs_2.png", "cats_0.jpg", "stray.png")
    folder = read_picture_folder(tmp_path)
    assert folder.layout == "flat"
    assert names(folder, PIGS) == {0: "pigs_0.png", 2: "pigs_2.png"}
    assert names(folder, CATS) == {0: "cats_0.jpg"}
    assert folder.repeats(SUITE) == 3
    assert [p.path.name for p in folder.unmatched(SUITE)] == ["stray.png"]


def test_flat_numbers_may_begin_at_one_and_one_picture_needs_none(tmp_path):
    put(tmp_path, "pigs-1.png", "pigs-2.png", "cats.png")
    folder = read_picture_folder(tmp_path)
    assert names(folder, PIGS) == {0: "pigs-1.png", 1: "pigs-2.png"}
    assert names(folder, CATS) == {0: "cats.png"}


def test_a_number_that_belongs_to_the_id_is_no_repeat(tmp_path):
    put(tmp_path, "geckonum_00005.png", "geckonum_00006_0.png", "geckonum_00006_1.png")
    folder = read_picture_folder(tmp_path)
    assert names(folder, Prompt(id="geckonum_00005", text="x")) == {0: "geckonum_00005.png"}
    assert names(folder, Prompt(id="geckonum_00006", text="y")) == {
        0: "geckonum_00006_0.png",
        1: "geckonum_00006_1.png",
    }


def test_compbench_names_are_the_prompt_and_a_running_number(tmp_path):
    put(
        tmp_path,
        "samples/three pigs_000007.png",
        "samples/two cats, film noir_000310.png",
        "samples/three pigs_000205.png",
    )
    folder = read_picture_folder(tmp_path)
    assert names(folder, PIGS) == {0: "three pigs_000007.png", 1: "three pigs_000205.png"}
    assert names(folder, CATS) == {0: "two cats, film noir_000310.png"}


def test_one_folder_a_prompt(tmp_path):
    put(tmp_path, "pigs/0.png", "pigs/1.png", "cats/0.png")
    folder = read_picture_folder(tmp_path)
    assert names(folder, PIGS) == {0: "0.png", 1: "1.png"}


def geneval_tree(folder: Path) -> None:
    for n, (noun, count) in enumerate([("clock", 3), ("bench", 1)]):
        put(folder, f"{n:05d}/samples/0000.png", f"{n:05d}/samples/0001.png", f"{n:05d}/grid.png")
        body = {"tag": "counting", "include": [{"class": noun, "count": count}], "prompt": f"a photo of {count} {noun}"}
        body["exclude"] = [{"class": noun, "count": count + 1}]
        (folder / f"{n:05d}" / "metadata.jsonl").write_text(json.dumps(body))


def test_genevals_tree_tells_its_prompts(tmp_path):
    geneval_tree(tmp_path)
    put(tmp_path, "00002/samples/0000.png")
    folder = read_picture_folder(tmp_path)
    assert folder.layout == "geneval"
    assert [[t.sentence() for t in p.targets] for p in folder.suite.prompts] == [
        ["exactly 3 clock"],
        ["exactly 1 bench"],
    ]
    assert names(folder, folder.suite.prompts[0]) == {0: "0000.png", 1: "0001.png"}
    assert folder.unmatched(folder.suite) == []
    assert "00002" in folder.skipped[0]


def test_cococount_names_tell_number_and_noun(tmp_path):
    put(tmp_path, "3__sports_ball__on the grass_7.png", "3__sports_ball__on the grass_8.png", "2__cat__12.png")
    folder = read_picture_folder(tmp_path)
    assert folder.layout == "cococount"
    assert {p.text: p.targets[0].sentence() for p in folder.suite.prompts} == {
        "a photo of 3 sports balls on the grass": "exactly 3 sports ball",
        "a photo of 2 cats": "exactly 2 cat",
    }
    assert folder.repeats(folder.suite) == 2


def test_cococount_pictures_answer_its_own_suite(tmp_path):
    put(tmp_path, "3__ties__on the ground_7.png", "10__airplane.png")
    tie = Prompt(id="x", text="A photo of three ties on the ground", targets=(Target(noun="tie", count=3),))
    plane = Prompt(id="y", text="A photo of ten airplanes", targets=(Target(noun="airplane", count=10),))
    folder = read_picture_folder(tmp_path)
    assert folder.layout == "cococount"
    assert names(folder, tie) == {0: "3__ties__on the ground_7.png"}
    assert names(folder, plane) == {0: "10__airplane.png"}
    assert [p.targets[0].noun for p in folder.suite.prompts] == ["airplane", "tie"]


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
    folder = read_picture_folder(tmp_path)
    assert folder.layout == "manifest"
    assert folder.models == ("one", "two")
    assert names(folder, PIGS, "one") == {0: "a.png"}
    assert names(folder, PIGS, "two") == {0: "b.png"}
    assert names(folder, CATS, "one") == {1: "c.png"}
    assert len(folder.skipped) == 3
    assert "outside" in folder.skipped[0]


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
    folder = read_picture_folder(tmp_path)
    assert folder.layout == "webdataset"
    assert names(folder, PIGS) == {0: "00.png"}
    assert names(folder, CATS) == {0: "01.png"}
    assert len(folder.skipped) == 1
    generator = FolderGenerator(Card(name="f", family="folder", source=str(tmp_path)))
    samples = list(plan(SUITE, generator.recipe))
    assert [type(o) for o in generator.generate(samples)] == [Picture, Picture]


def test_a_plain_folder_with_what_every_picture_shows(tmp_path):
    put(tmp_path, "x.png", "deep/y.png")
    folder = read_picture_folder(tmp_path, of="pig=3,wolf=at least 1")
    assert [p.id for p in folder.suite.prompts] == ["deep/y", "x"]
    assert [t.sentence() for t in folder.suite.prompts[0].targets] == ["exactly 3 pig", "at least 1 wolf"]
    assert folder.repeats(folder.suite) == 1


@pytest.mark.parametrize("of", ["pig", "pig=", "pig=lots", "=3"])
def test_of_that_makes_no_sense(tmp_path, of):
    put(tmp_path, "x.png")
    with pytest.raises(BadSettings, match="--of"):
        read_picture_folder(tmp_path, of=of)


def test_folders_that_will_not_do(tmp_path):
    with pytest.raises(BadInput, match="no picture in it"):
        read_picture_folder(tmp_path)
    with pytest.raises(BadInput, match="no such folder"):
        read_picture_folder(tmp_path / "nowhere")
    for name in ("x" * 300, "a\0b"):
        with pytest.raises(BadInput, match="no such folder"):
            read_picture_folder(tmp_path / name)
    with pytest.raises(BadSettings, match="no layout 'flatt'"):
        read_picture_folder(tmp_path, "flatt")
    (tmp_path / "a.tar").write_bytes(b"not a tar")
    with pytest.raises(BadInput, match="not a tar shard"):
        read_picture_folder(tmp_path / "a.tar")


def test_a_raised_digit_is_no_number(tmp_path):
    put(tmp_path, "pigs/².png")
    (tmp_path / "manifest.csv").write_text("picture,prompt,repeat\npigs/².png,three pigs,²\n", encoding="utf-8")
    assert read_picture_folder(tmp_path, "flat").pictures[0].number is None
    assert read_picture_folder(tmp_path, "manifest").pictures[0].number is None


def geneval_prompts(folder, *samples, prompts=4):
    """A GenEval tree; ``samples`` are names, with {n} for the prompt's number."""
    for n in range(prompts):
        body = {"tag": "counting", "include": [{"class": "pig", "count": n + 1}], "prompt": f"a photo of {n + 1} pigs"}
        put(folder, *(f"{n:05d}/samples/{sample.format(n=n)}" for sample in samples))
        (folder / f"{n:05d}" / "metadata.jsonl").write_text(json.dumps(body))
    return read_picture_folder(folder)


@pytest.mark.parametrize(
    "samples",
    [
        ["0000.png", "0001.png"],
        ["00001.png", "00002.png"],
        ["{n:05d}_0.png", "{n:05d}_1.png"],
        ["{n:05d}-seed-41.png", "{n:05d}-seed-42.png"],
        ["1700000{n}01.png", "1700000{n}02.jpg"],
        ["a.png", "b.png"],
    ],
)
def test_files_of_a_geneval_tree_are_repeats_in_order_whatever_their_numbers(tmp_path, samples):
    """Numbers of prompts, from 1, seeds and time stamps used to be taken for repeats: 4 of 16 pictures were there."""
    folder = geneval_prompts(tmp_path, *samples)
    assert folder.repeats(folder.suite) == 2
    assert all(sorted(folder.by_repeat(prompt)) == [0, 1] for prompt in folder.suite.prompts)
    assert folder.unmatched(folder.suite) == []


def test_one_picture_a_prompt_numbered_by_prompt_is_one_repeat(tmp_path):
    folder = geneval_prompts(tmp_path, "{n:04d}.png")
    assert folder.repeats(folder.suite) == 1
    assert all(list(folder.by_repeat(prompt)) == [0] for prompt in folder.suite.prompts)


def test_a_sheet_of_thumbnails_beside_numbered_samples_is_no_sample(tmp_path):
    folder = geneval_prompts(tmp_path, "0000.png", "0001.png", "grid.png")
    assert folder.repeats(folder.suite) == 2


@pytest.mark.parametrize("column", ["index", "sample", "id"])
def test_a_tables_row_number_is_no_repeat(tmp_path, column):
    put(tmp_path, *(f"img_{n}.png" for n in range(4)))
    texts = [PIGS.text, PIGS.text, "two cats", "two cats"]
    rows = [f"{n},img_{n}.png,{text}" for n, text in enumerate(texts)]
    (tmp_path / "manifest.csv").write_text("\n".join([f"{column},file_name,prompt", *rows]))
    folder = read_picture_folder(tmp_path)
    assert folder.repeats(SUITE) == 2
    assert names(folder, PIGS) == {0: "img_0.png", 1: "img_1.png"}


@pytest.mark.parametrize("ending", ["jfif", "ppm", "JPEG", "tif", "avif"])
def test_every_ending_that_count_reads_is_scored(tmp_path, ending):
    put(tmp_path, f"pigs_0.{ending}")
    assert names(read_picture_folder(tmp_path), PIGS) == {0: f"pigs_0.{ending}"}


def test_names_that_are_not_utf8_are_read_and_printed(tmp_path):
    for n, stem in enumerate((b"pigs_0", b"caf\xe9_0", b"caf\xe8_0")):
        (tmp_path / os.fsdecode(stem + b".png")).write_bytes(png(n))
    folder = read_picture_folder(tmp_path)
    assert names(folder, PIGS) == {0: "pigs_0.png"}
    assert [p.label.rpartition("/")[2] for p in folder.unmatched(SUITE)] == ["caf\\xe8_0.png", "caf\\xe9_0.png"]
    same = read_picture_folder(tmp_path, of="pig=3")
    assert [prompt.id for prompt in same.suite.prompts] == ["caf\\xe8_0", "caf\\xe9_0", "pigs_0"]


@pytest.mark.parametrize("name", ["a\0b.png", "x" * 300 + ".png", "x/" * 3000 + "y.png", "../a.png", "/etc/passwd"])
def test_a_name_in_a_manifest_that_no_file_can_have_is_left_out(tmp_path, name):
    put(tmp_path, "a.png")
    rows = [{"picture": name, "prompt": "three pigs"}, {"picture": "a.png", "prompt": "three pigs"}]
    (tmp_path / "manifest.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    folder = read_picture_folder(tmp_path)
    assert names(folder, PIGS) == {0: "a.png"}
    assert len(folder.skipped) == 1 and len(folder.skipped[0]) < 600


def test_a_link_out_of_the_folder_is_left_out_and_one_inside_is_read(tmp_path):
    (tmp_path / "private.png").write_bytes(png())
    shared = tmp_path / "shared"
    put(shared, "pigs_0.png")
    (shared / "pigs_1.png").symlink_to("pigs_0.png")
    (shared / "pigs_2.png").symlink_to(tmp_path / "private.png")
    (shared / "pigs_3.png").symlink_to("/dev/zero")
    (shared / "pigs_4.png").symlink_to("pigs_4.png")
    os.mkfifo(shared / "pigs_5.png")
    folder = read_picture_folder(shared)
    assert names(folder, PIGS) == {0: "pigs_0.png", 1: "pigs_1.png"}
    assert len(folder.skipped) == 1 and "pigs_2.png: a link to a file outside" in folder.skipped[0]


def test_a_compressed_shard_is_refused_and_a_pipe_is_none(tmp_path):
    with tarfile.open(tmp_path / "0000.tar", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("00.png"), io.BytesIO())
    with pytest.raises(BadInput, match="not a tar shard that can be read"):
        read_picture_folder(tmp_path)
    (tmp_path / "0000.tar").unlink()
    os.mkfifo(tmp_path / "0001.tar")
    with pytest.raises(BadInput, match="no picture in it"):
        read_picture_folder(tmp_path)
