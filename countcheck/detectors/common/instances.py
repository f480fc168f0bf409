"""Boxes of instance masks, as Mask2Former and its kind give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from countcheck.detectors.common.prompting import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

MAX_INSTANCES = 100  # of a picture, as in the reference implementation
# Classes that only checkpoints for semantic or panoptic segmentation have: their masks join things of one kind.
STUFF = frozenset({"sky", "sky-other-merged", "wall", "wall-other-merged", "floor", "ceiling", "grass-merged", "road"})


def is_instance_checkpoint(labels: Sequence[str]) -> bool:
    """Tell whether a checkpoint with these classes separates instances, and knows things alone."""
    return not STUFF & {label.split(",")[0].strip().lower() for label in labels}


def instances_of(
    class_logits: torch.Tensor,
    mask_logits: torch.Tensor,
    *,
    padded: tuple[int, int],
    resized: tuple[int, int],
    size: tuple[int, int],
    labels: Mapping[int, str],
    floor: float,
) -> Answer:
    """Read the instances of one picture (Cheng et al. 2022): the best query and class pairs, scored by class and mask.

    Args:
        class_logits: (queries, classes + 1), the last one for no object.
        mask_logits: (queries, h, w), over the padded picture.
        padded: Height and width of the padded picture that the network saw.
        resized: Height and width of the picture in it, at the top left.
        size: Width and height of the picture itself.
        labels: Number of a class to its name.
        floor: Lowest score to report, 0 to 1.
    """
    import torch
    from torch.nn.functional import interpolate

    scores = class_logits.float().softmax(dim=-1)[:, :-1]
    best, place = scores.flatten().topk(min(MAX_INSTANCES, scores.numel()))
    # The score of a mask is at most 1, so that what is below the floor by its class alone need not be looked at.
    keep = best >= floor
    best, query, kind = best[keep], (place // scores.shape[1])[keep], (place % scores.shape[1])[keep]
    boxes, final, words, masks = [], [], [], []
    for score, q, k in zip(best.tolist(), query.tolist(), kind.tolist(), strict=True):
        logits = interpolate(mask_logits[q][None, None].float(), padded, mode="bilinear", align_corners=False)[0, 0]
        logits = logits[: resized[0], : resized[1]]
        inside = logits > 0
        if not inside.any():
            continue
        total = score * float(logits.sigmoid()[inside].mean())
        if total < floor:
            continue
        rows, columns = torch.where(inside.any(dim=1))[0], torch.where(inside.any(dim=0))[0]
        down, across = size[1] / resized[0], size[0] / resized[1]
        boxes.append(
            [int(columns[0]) * across, int(rows[0]) * down, (int(columns[-1]) + 1) * across, (int(rows[-1]) + 1) * down]
        )
        final.append(total)
        words.append(labels[k])
        masks.append(inside.cpu().numpy())
    return Answer(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(final, np.float32),
        words=tuple(words),
        masks=tuple(masks),
    )
