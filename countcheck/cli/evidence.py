"""What a command line names as a run: a run's folder, or the summary of one in JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from countcheck.cli.output import note_problems_of_pictures
from countcheck.errors import BadInput

if TYPE_CHECKING:
    from countcheck.gate.evidence import Evidence
    from countcheck.metrics.summary import Summary


def read_evidence(path: Path, level: float, counting: str | None = None) -> Evidence:
    """Read a run folder, or a file that ``summary --json`` wrote.

    Args:
        level: Confidence level of the intervals, between 0 and 1.
        counting: Name of the counting of a run folder; its default when left out.

    Raises:
        BadInput: When it is neither; raises what `RunFolder.open` raises, too.
    """
    from countcheck.gate.evidence import evidence_of_run, evidence_of_summary

    if path.is_file() and path.suffix != ".sqlite":
        if counting is not None:
            raise BadInput(f"{path} is the kept summary of one counting. Leave --counting out, or name the run.")
        return evidence_of_summary(read_summary(path))
    from countcheck.storage.run_folder import RunFolder

    with RunFolder.open(path, counting=counting) as opened:
        note_problems_of_pictures(opened)
        return evidence_of_run(opened.table(), opened.info.called(opened.name), opened.labels(), level)


def read_summary(path: Path) -> Summary:
    """Read a file that ``summary --json`` wrote.

    Raises:
        BadInput: When it is something else.
    """
    import orjson

    from countcheck.metrics.summary import Summary

    try:
        body = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise BadInput(f"{path} is not JSON ({error}). Name a run's folder, or what summary --json wrote.") from error
    return Summary.from_json(body, place=str(path))
