"""The folders that ship."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from pathlib import Path

import pytest

from countcheck import resources
from countcheck.resources import content_digest


@pytest.mark.parametrize(("folder", "file"), [("prompts", "demo.yaml"), ("models", "generators/a1111.yaml")])
def test_what_ships_is_found(folder, file):
    assert (resources.shipped(folder) / file).is_file()


def test_an_installed_wheel_has_its_own_folder(tmp_path, monkeypatch):
    package = tmp_path / "countcheck"
    (package / "_shipped" / "prompts").mkdir(parents=True)
    monkeypatch.setattr(resources, "__file__", str(package / "resources.py"))
    assert resources.shipped("prompts") == package / "_shipped" / "prompts"
    assert resources.shipped("models") == tmp_path / "models"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pigs/three.png", "pigs/three.png"),
        ("schön/猪.png", "schön/猪.png"),
        (os.fsdecode(b"caf\xe9.png"), "caf\\xe9.png"),
        ("half \ud83d", "half \\ud83d"),
    ],
)
def test_a_path_is_printed_whatever_its_bytes(name, text):
    assert resources.printable_path(name) == resources.printable_path(Path(name)) == text
    assert text.encode()


def old(path, age=10):
    """A file whose times are long past, as those of a finished download."""
    then = time.time_ns() - age * 10**9
    os.utime(path, ns=(then, then))


@pytest.fixture
def reads(tmp_path, monkeypatch):
    """Names of the files that are read for their digest; the cache is a fresh one, and every file long unchanged."""
    monkeypatch.setenv("COUNTCHECK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(resources, "_SETTLED_NS", -1)
    log, plain = [], resources._sha256

    def read(path):
        log.append(path.name)
        return plain(path)

    monkeypatch.setattr(resources, "_sha256", read)
    return log


def test_an_unchanged_file_is_not_read_again_and_a_changed_one_is(tmp_path, reads):
    model = tmp_path / "model"
    (model / "unet").mkdir(parents=True)
    (model / "unet" / "weights.bin").write_bytes(b"one")
    (model / "config.json").write_text("{}")
    before = content_digest(model)
    assert content_digest(model) == before and sorted(reads) == ["config.json", "weights.bin"]
    (model / "unet" / "weights.bin").write_bytes(b"two")
    assert content_digest(model) != before
    assert reads[2:] == ["weights.bin"]


def test_a_file_with_the_size_and_time_of_before_is_read_when_it_was_replaced(tmp_path, reads):
    file = tmp_path / "weights.bin"
    file.write_bytes(b"one")
    old(file)
    before = content_digest(file)
    new = tmp_path / "new"
    new.write_bytes(b"two")
    os.utime(new, ns=(file.stat().st_mtime_ns,) * 2)
    new.replace(file)
    assert content_digest(file) != before


def test_a_file_that_changed_a_moment_ago_is_not_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNTCHECK_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "weights.bin"
    file.write_bytes(b"one")
    content_digest(file)
    with sqlite3.connect(tmp_path / "cache" / "digests.sqlite") as cache:
        assert cache.execute("SELECT count(*) FROM digests").fetchone() == (0,)
    cache.close()


@pytest.mark.parametrize("name", ["README.md", "preview.png", ".git/index", ".cache/huggingface/x.json"])
def test_what_no_program_loads_is_no_content(tmp_path, name):
    (tmp_path / "weights.bin").write_bytes(b"one")
    before = content_digest(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("changed")
    assert content_digest(tmp_path) == before


@pytest.mark.parametrize("name", ["more.safetensors", "unet/config.json", "tokenizer/merges.txt", "model.py"])
def test_a_new_file_and_a_new_name_are_other_content(tmp_path, name):
    (tmp_path / "weights.bin").write_bytes(b"one")
    before = content_digest(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("{}")
    with_file = content_digest(tmp_path)
    (tmp_path / name).rename((tmp_path / name).with_name("other.bin"))
    assert len({before, with_file, content_digest(tmp_path)}) == 3


def test_without_a_cache_digests_are_computed(tmp_path, monkeypatch):
    file = tmp_path / "weights.bin"
    file.write_bytes(b"one")
    expected = "sha256:" + hashlib.sha256(b"one").hexdigest()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COUNTCHECK_CACHE", str(tmp_path / "file"))
    assert content_digest(file) == expected
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "digests.sqlite").write_bytes(b"not a database, and long enough to be looked at" * 99)
    monkeypatch.setenv("COUNTCHECK_CACHE", str(tmp_path / "bad"))
    assert content_digest(file) == expected


def test_the_cache_lies_where_the_user_keeps_caches(monkeypatch):
    monkeypatch.delenv("COUNTCHECK_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert resources.cache_folder() == Path("/somewhere/countcheck")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert resources.cache_folder() == Path.home() / ".cache" / "countcheck"
