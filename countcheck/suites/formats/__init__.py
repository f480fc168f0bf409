"""One module for each kind of file that prompts come in: ``NAME``, ``accepts(preview)`` and ``read(path, options)``.

A module laid here is a format; nothing else names it. A package of somebody else's gives its modules through the entry-point
group ``countcheck.suites``.
"""
