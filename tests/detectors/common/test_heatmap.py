import torch

from countcheck.detectors.common.heatmap import STRIDE, HeatmapNet, folded, peaks


def maps(*centres, nouns=2, side=8):
    """Maps with a peak of logit 3 at each (noun, x, y), every object 2 cells wide and 1 tall."""
    heat = torch.full((1, nouns, side, side), -6.0)
    boxes = torch.zeros((1, 4, side, side))
    boxes[:, :2] = 0.5
    boxes[:, 2] = torch.log(torch.tensor(2.0))
    for noun, x, y in centres:
        heat[0, noun, y, x] = 3
    return heat, boxes


def test_peaks_become_boxes_in_input_pixels_under_their_noun():
    rows = peaks(*maps((1, 3, 2)))[0]
    x1, y1, x2, y2, score, noun = rows[0].tolist()
    assert (x1, y1, x2, y2) == (2.5 * STRIDE, 2 * STRIDE, 4.5 * STRIDE, 3 * STRIDE)
    assert abs(score - torch.tensor(3.0).sigmoid()) < 1e-6 and noun == 1
    assert rows[1:, 4].max() < 0.01


def test_of_neighbouring_cells_only_the_strongest_is_a_peak_whatever_its_noun():
    heat, boxes = maps((0, 3, 3), (1, 4, 3), (0, 7, 7))
    heat[0, 0, 3, 3] = 4
    assert [(row[4] > 0.5).item() for row in peaks(heat, boxes)[0][:3]] == [True, True, False]


def test_folding_the_norms_changes_no_map():
    torch.manual_seed(0)
    net = HeatmapNet(3, (8, 8, 8, 8)).eval()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    batch = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        before = net(batch)
        after = folded(net)(batch)
    assert before.heat.shape == (2, 3, 16, 16)
    assert torch.allclose(before.heat, after.heat, atol=1e-4)
    assert torch.allclose(before.boxes, after.boxes, atol=1e-4)
