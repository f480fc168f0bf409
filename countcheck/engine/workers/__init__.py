"""Workers: other processes of this machine, or of others, that generate, detect, and save pictures for one run.

`worker` is what runs there; `pool` gives samples out and is a generator to the engine; `processes` starts workers on the
devices of this machine. `countcheck.engine.ray` starts them on a cluster.
"""
