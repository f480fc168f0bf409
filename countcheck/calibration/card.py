"""Write what was learnt from labels: as JSON, and as a counter card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from countcheck.calibration.fit import Calibration
from countcheck.cards import Card
from countcheck.files import write_text


def calibration_to_json(learnt: Calibration) -> dict[str, Any]:
    """Give the published shape; see ``schemas/calibration.json``."""
    return {
        "rule": {name: value for name, value in asdict(learnt.rule).items() if name != "version"},
        "labelled": learnt.labelled,
        "pictures": learnt.pictures,
        "prompts": learnt.prompts,
        "cannot_tell": learnt.unsure,
        "agreement_before": learnt.before.to_json(),
        "agreement": learnt.agreement.to_json(),
        "agreement_where_certain": learnt.certain.to_json(),
        "certain_share": learnt.certain_share.to_json(),
        "stops": [asdict(stop) for stop in learnt.stops],
        "nouns_with_own_threshold": list(learnt.per_noun),
        "styles_with_own_threshold": list(learnt.per_style),
        "probability": learnt.confidence.to_json(),
        "errors": {
            generator: {style: asdict(errors) for style, errors in styles.items()}
            for generator, styles in learnt.errors.items()
        },
    }


def write_card(target: Path, card: Card, learnt: Calibration, *, run: str) -> Path:
    """Write a counter card: the counter as it was, with the learnt rule and its measured errors.

    Raises:
        BadInput: When the file cannot be written.
    """
    body = calibration_to_json(learnt)
    rule = body.pop("rule")
    fields = {
        "family": card.family,
        "source": card.source,
        "revision": card.revision,
        "licence": card.licence,
        "about": f"{card.name}, calibrated on {learnt.pictures} labelled pictures of the run {run}.",
        "settings": dict(card.settings),
        "rule": {name: value for name, value in rule.items() if value is not None},
        "measured": {"calibrated_on": run, **body},
    }
    text = yaml.safe_dump(
        {name: value for name, value in fields.items() if value not in ("", {})}, sort_keys=False, allow_unicode=True
    )
    return write_text(text, target)
