"""Image services, one file each.

To add one, lay ``NAME.py`` here: a class with ``family``, ``service``, ``codes``, ``extra`` and ``key``, and ``PROVIDER = Class``
at its end. No list names it. `countcheck.generators.remote.client` describes the class; `ideogram.py` is a short example.
"""
