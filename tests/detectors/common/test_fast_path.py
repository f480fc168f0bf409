import numpy as np
import pytest
import torch
from PIL import Image

from countcheck.detectors.common.batching import Batches
from countcheck.detectors.common.fast_path import FastPath
from countcheck.detectors.common.layout import Layout

CPU = torch.device("cpu")


class Spots(torch.nn.Module):
    """A net that sees a box of 8 pixels wherever the square is bright, scored by how bright."""

    def forward(self, batch):
        return torch.nn.functional.avg_pool2d(batch.mean(1, keepdim=True), 8)[:, 0]


def decode(grid):
    n, rows, columns = grid.shape
    y, x = torch.meshgrid(torch.arange(rows) * 8, torch.arange(columns) * 8, indexing="ij")
    boxes = torch.stack([x, y, x + 8, y + 8], dim=-1).reshape(1, -1, 4).expand(n, -1, -1).float()
    return torch.cat([boxes, grid.reshape(n, -1, 1).float(), torch.zeros(n, rows * columns, 1)], dim=-1)


def path(**settings):
    given = {"layout": Layout(side=64, pad=0), "dtype": torch.float32, "floor": 0.5, "name": "spots", **settings}
    lanes = given.pop("lanes", 1)
    net = given.pop("net", Spots())
    return FastPath([(net, CPU)] * lanes, decode, **given)


def starry(stars, size=(64, 64)):
    picture = np.zeros((*size, 3), np.uint8)
    for k in range(stars):
        y, x = (k // 4) * 16, (k % 4) * 16
        picture[y : y + 8, x : x + 8] = 255
    return picture


PICTURES = [starry(k) for k in (0, 3, 16, 1, 7, 5)] + [starry(4, (128, 128)), starry(2, (64, 128))]
NUMBERS = [0, 3, 16, 1, 7, 5]


def numbers(seen):
    return [len(one.scores) for one in seen]


def test_boxes_come_back_in_the_pictures_own_pixels():
    (seen,) = path().run([starry(2, (32, 32))])
    assert sorted(map(tuple, seen.boxes.tolist()))[0] == (0, 0, 4, 4)
    assert seen.size == (32, 32)


@pytest.mark.parametrize("batch", [1, 2, 5, 16])
@pytest.mark.parametrize("bucketed", [False, True])
@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_batches_buckets_and_lanes_change_nothing(batch, bucketed, lanes):
    assert numbers(path(batch=batch, bucketed=bucketed, lanes=lanes).run(PICTURES))[:6] == NUMBERS


def test_a_net_compiled_for_buckets_sees_the_same():
    compiled = torch.compile(Spots(), backend="eager", dynamic=False)
    assert numbers(path(net=compiled, batch=4, bucketed=True).run(PICTURES))[:6] == NUMBERS


def test_only_bucket_sizes_reach_a_bucketed_net():
    sizes = []
    net = Spots()
    net.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    path(net=net, batch=7, bucketed=True).run(PICTURES[:6])
    assert sizes == [8]


def test_pixels_of_every_kind_are_seen_alike():
    forms = [
        [Image.fromarray(p) for p in PICTURES],
        [torch.from_numpy(p).permute(2, 0, 1) for p in PICTURES],
        [torch.from_numpy(p).permute(2, 0, 1).float() / 255 for p in PICTURES],
    ]
    for form in forms:
        for there in (False, True):
            assert numbers(path(on_device=there).run(form))[:6] == NUMBERS


def test_a_batch_that_does_not_fit_is_halved():
    class Small(Spots):
        def forward(self, batch):
            if len(batch) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(batch)

    assert numbers(path(net=Small(), batch=16).run(PICTURES))[:6] == NUMBERS


@pytest.fixture
def three_cores():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_batches_under_way_at_once_come_back_in_order(three_cores, batch):
    assert numbers(path(batch=batch).run(PICTURES * 3)) == numbers(path(side_by_side=False).run(PICTURES * 3))
    assert numbers(path(batch=batch).run(PICTURES[:1])) == NUMBERS[:1]


def test_every_batch_under_way_computes_on_its_own_share_of_the_cores(three_cores):
    shares = []
    net = Spots()
    net.register_forward_pre_hook(lambda module, given: shares.append(torch.get_num_threads()))
    path(net=net).run(PICTURES)
    assert set(shares) == {1}
    assert torch.get_num_threads() == 3


def test_what_goes_wrong_in_a_batch_is_told(three_cores):
    class Broken(Spots):
        def forward(self, batch):
            raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="do not fit"):
        path(net=Broken()).run(PICTURES)
    assert torch.get_num_threads() == 3


def test_half_precision_sees_the_same():
    assert numbers(path(net=Spots(), dtype=torch.bfloat16).run(PICTURES))[:6] == NUMBERS


def test_no_pictures_are_no_trouble():
    assert path().run([]) == []


def test_never_more_boxes_than_the_most():
    assert numbers(path(most=5).run([starry(16)])) == [5]


def test_the_best_boxes_come_first():
    dim = starry(3)
    dim[0:8, 0:8] = 160
    (seen,) = path().run([dim])
    assert seen.scores.tolist() == sorted(seen.scores.tolist(), reverse=True)


@pytest.mark.gpu
def test_the_gpus_way_sees_what_the_cpus_way_sees():
    nets = [(Spots().to(device), device) for device in map(torch.device, range(torch.cuda.device_count()))]
    for net in nets:
        there = FastPath(
            [net],
            lambda grid: decode(grid.cpu()).to(grid.device),
            name="spots",
            layout=Layout(side=64, pad=0),
            dtype=torch.float16,
            batch=3,
            floor=0.5,
        )
        assert numbers(there.run(PICTURES)) == numbers(path().run(PICTURES))


def test_batches_starts_with_at_least_one():
    from countcheck.errors import BadSettings

    with pytest.raises(BadSettings, match="batch"):
        Batches(0, name="spots")
