"""Pickled bodies are read without running what they name."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countcheck.errors import BadInput
from countcheck.serve.plain_pickle import load_plain


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value",
    [
        {
            "images": [b"\xff\xd8\x00", b""],
            "meta_datas": [{"include": [{"class": "pig", "count": 2}]}],
            "only_strict": True,
        },
        [1, 2.5, None, "pig", ("a", b"b"), -(2**70)],
    ],
)
def test_plain_values_come_back(value, protocol):
    assert load_plain(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", ["uint8", "int64", "float32", ">f8", "bool"])
def test_arrays_come_back(kind, protocol):
    array = np.arange(24).reshape(2, 3, 4).astype(kind)
    for each in (array, np.asfortranarray(array)):
        back = load_plain(pickle.dumps({"image": each, "one": each[1, 2, 3]}, protocol))
        assert np.array_equal(back["image"], each)
        assert back["image"].dtype == each.dtype
        assert back["one"] == each[1, 2, 3]


class Runs:
    """A pickle of it runs a command when it is read by `pickle.loads`."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


class Imports:
    def __reduce__(self):
        return __import__, ("antigravity",)


def test_a_pickle_that_runs_a_command_is_refused_and_nothing_runs(tmp_path):
    with pytest.raises(BadInput, match=r"the pickle names posix\.system"):
        load_plain(pickle.dumps({"images": [Runs(tmp_path / "ran")]}))
    assert not (tmp_path / "ran").exists()


def test_names_within_allowed_modules_are_refused_too():
    for name in ("load", "fromfile", "memmap", "f2py", "distutils"):
        with pytest.raises(BadInput, match="the pickle names numpy"):
            load_plain(b"cnumpy\n" + name.encode() + b"\n.")


@pytest.mark.parametrize("value", [Imports(), {1, 2}, object(), np.array([object()]), np.array(["text"]), complex(1)])
def test_other_types_are_refused(value):
    with pytest.raises(BadInput):
        load_plain(pickle.dumps({"images": value}))


def test_an_array_that_claims_more_than_it_holds_is_refused():
    data = pickle.dumps(np.zeros(3, np.uint8)).replace(b"K\x03\x85", b"J\xff\xff\xff\x7f\x85")
    with pytest.raises(BadInput):
        load_plain(data)


def test_deep_nesting_is_refused():
    value: list = []
    for _ in range(200):
        value = [value]
    with pytest.raises(BadInput, match="nested too deeply"):
        load_plain(pickle.dumps(value))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_a_sentence(data):
    try:
        load_plain(data)
    except BadInput as error:
        assert str(error)


@given(st.data())
def test_a_cut_or_altered_pickle_gives_a_value_or_a_sentence(data):
    body = bytearray(pickle.dumps({"images": [b"abc"], "x": np.arange(4)}))
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        load_plain(bytes(body[: data.draw(st.integers(0, len(body)))]))
    except BadInput as error:
        assert str(error)
