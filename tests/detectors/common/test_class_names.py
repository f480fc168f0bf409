import pytest

from countcheck.detectors.common.class_names import read_class_names
from countcheck.errors import BadSettings


def test_one_name_a_line_empty_lines_left_out(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("pig\n\n  teddy bear \n")
    assert read_class_names(path, "mine") == ["pig", "teddy bear"]


@pytest.mark.parametrize("body", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, body):
    path = tmp_path / "names.txt"
    if body is not None:
        path.write_bytes(body)
    with pytest.raises(BadSettings, match=r"mine: names: .*names.txt cannot be read"):
        read_class_names(path, "mine")
