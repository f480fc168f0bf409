"""Tensors that refuse to be copied to main memory, as a picture on a GPU must never be."""

import numpy as np
import torch

SMALLEST = 32 * 32 * 3  # values of a picture; what a detector found is smaller, and may be copied


class Elsewhere(torch.Tensor):
    """A picture, or anything computed of it, that lies on the CPU and acts as if it did not."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        copies = (torch.Tensor.cpu, torch.Tensor.numpy, torch.Tensor.tolist, torch.Tensor.__array__)
        if function in copies and args[0].numel() >= SMALLEST:
            raise AssertionError(f"{tuple(args[0].shape)} is copied to main memory by {function.__name__}")
        return super().__torch_function__(function, types, args, kwargs)


def elsewhere(picture):
    """Give an array (height, width, channels) as such a tensor."""
    return torch.from_numpy(np.moveaxis(picture, -1, 0).copy()).as_subclass(Elsewhere)


def brought_back(tensor):
    """Give such a tensor as an array again."""
    return np.moveaxis(tensor.as_subclass(torch.Tensor).numpy(), 0, -1)
