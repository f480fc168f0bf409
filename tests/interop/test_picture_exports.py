"""Exports with pictures: COCO JSON and Hugging Face datasets."""

from __future__ import annotations

import json

import pytest
from PIL import Image

import countcheck as cc
from countcheck.cli.main import execute
from countcheck.suites.suite import Prompt, Suite, Target


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    prompts = tuple(
        Prompt(
            id=f"p{n}", text=f"{n} pigs and a cat", targets=(Target(noun="pig", count=n), Target(noun="cat", count=1))
        )
        for n in (1, 2, 3)
    )
    path = tmp_path_factory.mktemp("runs") / "run"
    cc.run(Suite(name="pigs", prompts=prompts), generators=["scenes"], path=path).close()
    return path


def test_coco_holds_every_counted_box_and_its_picture(run, tmp_path, capsys):
    assert execute(["export", str(run), "-f", "coco", "-o", str(tmp_path / "boxes")]) == 0
    labels = json.loads((tmp_path / "boxes/labels.json").read_text())
    names = {category["id"]: category["name"] for category in labels["categories"]}
    for image in labels["images"]:
        with Image.open(tmp_path / "boxes/data" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])
        mine = [a for a in labels["annotations"] if a["image_id"] == image["id"]]
        counted = {noun: sum(names[a["category_id"]] == noun for a in mine) for noun in image["counted"]}
        assert counted == image["counted"] == image["asked"]
        for annotation in mine:
            x, _, width, height = annotation["bbox"]
            assert 0 <= x <= x + width <= image["width"] + 0.5
            assert annotation["area"] == pytest.approx(width * height, rel=0.01)
    assert len({annotation["id"] for annotation in labels["annotations"]}) == len(labels["annotations"]) == 9


def test_a_dataset_holds_rows_and_pictures(run, tmp_path):
    import datasets

    assert execute(["export", str(run), "-f", "datasets", "-o", str(tmp_path / "set")]) == 0
    dataset = datasets.load_from_disk(str(tmp_path / "set"))
    assert len(dataset) == 3
    assert dataset[0]["image"].size == dataset[0]["image"].convert("RGB").size
    assert json.loads(dataset[0]["asked"]) == {"pig": 1, "cat": 1}
    assert set(dataset["verdict"]) == {"exact"}


@pytest.mark.parametrize("form", ["coco", "datasets"])
def test_pictures_need_a_folder(run, form, capsys, tmp_path):
    assert execute(["export", str(run), "-f", form]) == 2
    assert "Name a folder with -o" in capsys.readouterr().err
    (tmp_path / "file").write_text("in the way")
    assert execute(["export", str(run), "-f", form, "-o", str(tmp_path / "file" / "x")]) == 2
    assert "cannot be written" in capsys.readouterr().err
