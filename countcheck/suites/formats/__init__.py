"""One module for each kind of file that prompts come in: ``NAME``, ``accepts(preview)`` and ``read(path, options)``.

Every module in this folder is a format; no registration is needed. Other packages register their modules under the
entry-point group ``countcheck.suites``.
"""
