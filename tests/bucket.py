"""A bucket that several processes share: a folder behind an fsspec driver of its own, ``bucket:///folder``."""

from __future__ import annotations

import fsspec
from fsspec.implementations.local import LocalFileSystem


class BucketFileSystem(LocalFileSystem):
    """A folder that is reached as if it were far away."""

    protocol = "bucket"
    root_marker = "/"

    @classmethod
    def _strip_protocol(cls, path):
        return LocalFileSystem._strip_protocol(str(path).removeprefix("bucket://"))


fsspec.register_implementation("bucket", BucketFileSystem, clobber=True)
