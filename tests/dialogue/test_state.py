"""A dialogue's state as text, its bytes apart."""

from __future__ import annotations

import hashlib

import pytest

from countcheck.dialogue.state import is_packable, pack, unpack


def test_a_state_comes_back_as_it_was_with_every_bytes_stored_once():
    files = {}
    state = {"said": ["a", {"picture": b"one"}, [b"two", b"one"]], "turn": 3, "empty": None}
    text = pack(state, files.__setitem__)
    assert set(files) == {hashlib.sha256(data).hexdigest() for data in (b"one", b"two")}
    assert "one" not in text
    assert unpack(text, files.__getitem__) == state


@pytest.mark.parametrize("value", [object(), {1, 2}, 3j])
def test_what_is_no_plain_json_is_refused(value):
    assert not is_packable({"value": value})
    with pytest.raises(TypeError, match="JSON serializable: "):
        pack({"value": value}, lambda digest, data: None)


def test_a_disk_error_while_storing_bytes_stays_a_disk_error():
    def full(digest, data):
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        pack(b"x", full)


@pytest.mark.parametrize("mark", ["../../etc/passwd", "", 7, "ABCDEF" * 11])
def test_a_mark_that_is_no_digest_reads_no_file(mark):
    text = pack({"words": {"$bytes": mark}}, lambda digest, data: None)
    with pytest.raises(ValueError, match="is no digest"):
        unpack(text, lambda digest: b"secret")


def test_damaged_bytes_are_refused():
    files = {}
    text = pack(b"picture", files.__setitem__)
    with pytest.raises(ValueError, match="damaged"):
        unpack(text, lambda digest: b"pictur3")
