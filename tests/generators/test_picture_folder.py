"""Pictures of a folder by prompt and repeat: numbers in names are repeats only where they can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from picture_folders import CATS, PIGS, SUITE

from countcheck.generators.picture_folder import FolderPicture, PictureFolder, choose_numbering, fold_name


def pictures(**groups):
    """Pictures of prompts by the numbers in their names."""
    return [
        FolderPicture(path=Path(f"{name}_{number}.png"), names=(name,), group=name, number=number)
        for name, numbers in groups.items()
        for number in numbers
    ]


@pytest.mark.parametrize(
    ("groups", "first"),
    [
        ({"pigs": [0, 1, 2, 3], "cats": [0, 1, 2, 3]}, 0),
        ({"pigs": [1, 2], "cats": [1, 2]}, 1),
        ({"pigs": [0, 1, 3], "cats": [0, 1, 2, 3]}, 0),
        ({"pigs": [0, 2], "cats": [0]}, 0),
        ({"pigs": [1, 2], "cats": [2]}, 1),
        ({"pigs": [0], "cats": [1]}, None),
        ({"pigs": [0], "cats": [1], "dogs": [2], "cows": [3]}, None),
        ({"pigs": [0, 1], "cats": [2, 3], "dogs": [4, 5]}, None),
        ({"pigs": [1234567890]}, None),
        ({"pigs": [42], "cats": [42]}, None),
        ({"pigs": [41, 42], "cats": [41, 42]}, None),
        ({"pigs": [20261128], "cats": [20261129]}, None),
        ({"pigs": [7, 205], "cats": [310]}, None),
        ({"pigs": [None], "cats": [None]}, None),
    ],
)
def test_numbers_are_repeats_only_where_no_prompt_could_be_complete_with_fewer(groups, first):
    assert choose_numbering(pictures(**groups)).first == first


@pytest.mark.parametrize(
    ("repeats", "first"), [([0, 1], 0), ([1, 2], 1), ([5], 0), ([0, 99], 0), ([0, 100], None), ([10**9], None)]
)
def test_a_tables_own_repeats_are_taken_while_they_are_plausible(repeats, first):
    rows = [FolderPicture(path=Path(), names=("pigs",), group="pigs", number=n, is_repeat=True) for n in repeats]
    assert choose_numbering(rows).first == first


def test_planning_never_allocates_by_a_number_of_a_file_name():
    folder = PictureFolder(layout="flat", pictures=tuple(pictures(pigs=[10**17], cats=[10**17 + 5, 3])))
    assert folder.repeats(SUITE) == 2
    assert [p.number for p in folder.by_repeat(CATS).values()] == [3, 10**17 + 5]
    assert list(folder.by_repeat(PIGS)) == [0]


def test_a_missing_repeat_keeps_the_others_in_place():
    folder = PictureFolder(layout="flat", pictures=tuple(pictures(pigs=[0, 1, 2], cats=[0, 2])))
    assert sorted(folder.by_repeat(CATS)) == [0, 2]
    assert folder.repeats(SUITE) == 3


def test_pictures_without_numbers_are_in_the_order_of_their_names():
    names = ("take 10", "take 9", "first")
    found = [FolderPicture(path=Path(f"{name}.png"), names=("pigs",), group="pigs") for name in names]
    ordered = PictureFolder(layout="flat", pictures=tuple(found)).by_repeat(PIGS)
    assert [p.path.stem for p in ordered.values()] == ["first", "take 9", "take 10"]


def test_the_decision_is_said():
    assert choose_numbering(pictures(pigs=[1, 2])).note == "numbers are read as repeats, from 1"
    assert "up to 1234567890 are not repeats" in choose_numbering(pictures(pigs=[1234567890])).note
    assert choose_numbering([]).note == ""


def test_a_folded_name_is_what_file_names_keep():
    assert fold_name("Two cats,  film_noir!") == "two cats film noir"
