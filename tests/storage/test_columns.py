"""Detections as columns of the ledger, and back."""

from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa

from countcheck.detectors.base import Detections
from countcheck.storage.columns import detection_columns
from countcheck.storage.read_rows import read_detections
from countcheck.storage.schema import detections as table

PLAIN = Detections(
    boxes=np.array([[1, 2, 3, 4.26]], np.float32),
    scores=np.array([0.123456], np.float32),
    nouns=("pig",),
    size=(20, 10),
    unsupported=frozenset({"wolf"}),
    opinions={"pig": (1, 2)},
)


def stored(columns):
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        table.metadata.create_all(connection)
        connection.execute(sa.insert(table), columns)
        return read_detections(connection.execute(sa.select(table.c.body)).scalar_one())


@pytest.mark.parametrize("colours", [(), ("red",)])
def test_detections_come_back_as_they_were_written(colours):
    columns = detection_columns("k", 0, 1, replace(PLAIN, colours=colours))
    assert (b"colours" in columns["body"]) is bool(colours)
    back = stored(columns)
    assert (back.nouns, back.size, back.unsupported, back.opinions) == (("pig",), (20, 10), {"wolf"}, {"pig": (1, 2)})
    assert back.colours == colours
    assert np.allclose(back.boxes, PLAIN.boxes, atol=0.01) and np.allclose(back.scores, 0.12346)


def test_masks_are_not_written():
    masked = replace(PLAIN, masks=(np.ones((2, 2), bool),))
    assert stored(detection_columns("k", 0, 1, masked)).masks == ()
