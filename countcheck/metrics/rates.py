"""The registry of rates: each rate is defined here once. Tables, titles, units, directions and policies read it.

Computing a rate is done elsewhere, by `Family`: `countcheck.metrics.summary` (outcomes, errors, costs, knower level),
`countcheck.metrics.consistency` and `countcheck.metrics.conversations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from countcheck.errors import UnknownName
from countcheck.metrics.outcome_codes import ANY, ASKED, COUNTED, DRAWN, JUDGED, Bools, code_mask

Better: TypeAlias = Literal["higher", "lower"]

_REPAIRED = "repaired_rate_"


class Unit(StrEnum):
    """What a rate is measured in.

    ``SHARE`` lies between 0 and 1. ``OBJECTS`` and ``OBJECTS_PER_ASKED`` are mean errors, 0 or more. ``NUMBER`` is a whole
    number that was asked for, 0 or more. ``SECONDS`` and ``USD`` are 0 or more.
    """

    SHARE = "share"
    OBJECTS = "objects"
    OBJECTS_PER_ASKED = "objects per object asked for"
    NUMBER = "number"
    SECONDS = "seconds"
    USD = "USD"


class Family(StrEnum):
    """How a rate is computed, and so what it can do.

    ``OUTCOMES`` are shares of samples by outcome code; ``ERRORS`` are means over nouns. These two split by tags and pair
    between runs. ``NOUNS`` are shares of nouns; they pair, too. ``COSTS``, ``KNOWER_LEVEL``, ``CONSISTENCY`` and
    ``CONVERSATIONS`` do neither.
    """

    OUTCOMES = "outcomes"
    ERRORS = "errors"
    NOUNS = "nouns"
    COSTS = "costs"
    KNOWER_LEVEL = "knower level"
    CONSISTENCY = "consistency"
    CONVERSATIONS = "conversations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One rate: what it is called, what it measures and when it exists.

    Attributes:
        name: The key in JSON, policies and ledgers.
        title: Column head of a report.
        heading: Column head of a narrow table.
        subject: What a gate's sentence is about.
        aliases: Names that people use for it elsewhere; used for hints only.
        unit: See `Unit`.
        better: Which way is better.
        numerator, denominator: What is counted, and out of what, in words.
        needs: What a run must contain for the rate to exist.
        absent_when: When the rate cannot be given.
        family: See `Family`.
        hits, base: Outcome codes in the numerator and in the denominator; empty outside ``Family.OUTCOMES``.
        by_counter: The counter's verdicts enter the rate, so it means nothing where the counter failed its self-test.
        scored_only: Its denominator holds only samples that ended in a picture or a refusal, so it pairs between runs.
        counts_turns: The turns of conversations enter it beside the prompts.
    """

    name: str
    title: str
    heading: str
    subject: str
    better: Better
    numerator: str
    denominator: str
    needs: str
    absent_when: str
    family: Family
    unit: Unit = Unit.SHARE
    aliases: tuple[str, ...] = ()
    hits: str = ""
    base: str = ""
    by_counter: bool = True
    scored_only: bool = True
    counts_turns: bool = False

    @property
    def higher_is_better(self) -> bool:
        """Whether more of it is good."""
        return self.better == "higher"

    @property
    def is_share(self) -> bool:
        """Whether it lies between 0 and 1."""
        return self.unit is Unit.SHARE

    @property
    def splits(self) -> bool:
        """Whether it is given for parts of a run, by tags."""
        return self.family in (Family.OUTCOMES, Family.ERRORS)

    @property
    def correctable(self) -> bool:
        """Whether people's labels of a sample of pictures correct it."""
        verdict = len(self.hits) == 1 and self.hits in JUDGED and self.base in (COUNTED, DRAWN)
        return self.family is Family.ERRORS or (self.family is Family.OUTCOMES and verdict)

    @property
    def pairs(self) -> bool:
        """Whether two runs are compared by it sample by sample."""
        return (self.splits or self.family is Family.NOUNS) and self.scored_only


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """A denominator that several shares of samples have in common."""

    codes: str
    denominator: str
    needs: str
    absent_when: str


_ASKED = _Base(
    codes=ASKED,
    denominator="pictures and refusals",
    needs="a picture or a refusal",
    absent_when="no sample ended in a picture or a refusal",
)
_COUNTED = _Base(
    codes=COUNTED,
    denominator="pictures and refusals of prompts with something to count",
    needs="a prompt with something to count",
    absent_when=_ASKED.absent_when,
)
_DRAWN = _Base(
    codes=DRAWN,
    denominator="pictures of prompts with something to count",
    needs="a picture of a prompt with something to count",
    absent_when="no prompt with something to count got a picture",
)
_JUDGED = _Base(
    codes=JUDGED,
    denominator="pictures that the counter judged for sure",
    needs="a picture that the counter judged for sure",
    absent_when="every count is uncertain, or there is no picture",
)
_PLANNED = _Base(codes=ANY, denominator="planned samples", needs="a planned sample", absent_when="nothing was planned")


def _share(base: _Base, **fields: Any) -> Rate:
    """Define a share of samples over one of the common denominators."""
    return Rate(
        denominator=base.denominator,
        needs=base.needs,
        absent_when=base.absent_when,
        family=Family.OUTCOMES,
        base=base.codes,
        **fields,
    )


_ALL = (
    _share(
        _COUNTED,
        name="exact_rate",
        title="Exactly as asked",
        heading="exact",
        subject="exact",
        aliases=("accuracy", "correct_rate", "success_rate"),
        better="higher",
        numerator="pictures whose counts all are as asked",
        hits="e",
    ),
    _share(
        _DRAWN,
        name="exact_rate_given_picture",
        title="Exact, of pictures",
        heading="exact if drawn",
        subject="exact if drawn",
        aliases=("accuracy_given_picture",),
        better="higher",
        numerator="pictures whose counts all are as asked",
        hits="e",
    ),
    _share(
        _COUNTED,
        name="over_rate",
        title="Too many",
        heading="too many",
        subject="over-counts",
        better="lower",
        numerator="pictures with more than asked for",
        hits="o",
    ),
    _share(
        _COUNTED,
        name="under_rate",
        title="Too few",
        heading="too few",
        subject="under-counts",
        better="lower",
        numerator="pictures with fewer than asked for, but not none",
        hits="u",
    ),
    _share(
        _COUNTED,
        name="missing_rate",
        title="None at all",
        heading="none there",
        subject="nothing there",
        better="lower",
        numerator="pictures with none of something that was asked for",
        hits="m",
    ),
    _share(
        _COUNTED,
        name="mixed_rate",
        title="Wrong in several ways",
        heading="mixed",
        subject="wrong in several ways",
        better="lower",
        numerator="pictures with too many of one thing and too few of another",
        hits="x",
    ),
    _share(
        _COUNTED,
        name="uncertain_rate",
        title="Uncertain",
        heading="uncertain",
        subject="uncertain",
        better="lower",
        numerator="pictures that the counter could not judge for sure",
        hits="?",
    ),
    _share(
        _JUDGED,
        name="exact_rate_judged",
        title="Exact, of certain counts",
        heading="exact if sure",
        subject="exact where the counter is sure",
        better="higher",
        numerator="pictures whose counts all are as asked",
        hits="e",
    ),
    _share(
        _DRAWN,
        name="judged_rate",
        title="Counted for sure",
        heading="sure of the count",
        subject="sure of the count",
        better="higher",
        numerator="pictures that the counter judged for sure",
        hits=JUDGED,
    ),
    _share(
        _ASKED,
        name="refusal_rate",
        title="Refused",
        heading="refused",
        subject="refusals",
        aliases=("refused_rate", "rejection_rate"),
        better="lower",
        numerator="refusals of prompts and of turns",
        hits="rR,;",
        by_counter=False,
        counts_turns=True,
    ),
    _share(
        _ASKED,
        name="unclear_refusal_rate",
        title="Refused, unclear why",
        heading="for no clear reason",
        subject="refusals for no clear reason",
        aliases=("over_refusal_rate", "false_refusal_rate"),
        better="lower",
        numerator="refusals of benign prompts and turns that are unexplained, deflected, silent or inconsistent",
        hits="R;",
        by_counter=False,
        counts_turns=True,
    ),
    _share(
        _PLANNED,
        name="failure_rate",
        title="Failed",
        heading="failed",
        subject="failures",
        aliases=("error_rate",),
        better="lower",
        numerator="samples that ended in a failure of the service or the machine",
        hits="f",
        by_counter=False,
        scored_only=False,
    ),
    _share(
        _PLANNED,
        name="lost_rate",
        title="Lost",
        heading="lost",
        subject="lost samples",
        better="lower",
        numerator="samples that failed or were never made",
        hits="f-",
        by_counter=False,
        scored_only=False,
    ),
    Rate(
        name="mean_abs_error",
        title="Mean error",
        heading="off by",
        subject="mean error of the count",
        aliases=("mae", "mean_absolute_error"),
        better="lower",
        unit=Unit.OBJECTS,
        numerator="sum of |counted - asked|",
        denominator="nouns asked for in a plain number, in counted pictures",
        needs="a counted picture of a prompt with a plain number",
        absent_when="no counted picture has a noun with a plain number",
        family=Family.ERRORS,
    ),
    Rate(
        name="weighted_error",
        title="Error by number",
        heading="off by, of asked",
        subject="mean error relative to the number asked",
        aliases=("relative_error",),
        better="lower",
        unit=Unit.OBJECTS_PER_ASKED,
        numerator="sum of |counted - asked| / asked",
        denominator="nouns asked for in a plain number above 0, in counted pictures",
        needs="a counted picture of a prompt with a plain number above 0",
        absent_when="no counted picture has a noun with a plain number above 0",
        family=Family.ERRORS,
    ),
    Rate(
        name="entity_exact_rate",
        title="Nouns in the right number",
        heading="nouns exact",
        subject="nouns in the right number",
        aliases=("pooled_rate", "noun_exact_rate"),
        better="higher",
        numerator="(noun, picture) pairs whose count is as asked, for sure",
        denominator="(noun, picture) pairs asked for, refusals included",
        needs="a prompt with something to count",
        absent_when=_ASKED.absent_when,
        family=Family.NOUNS,
    ),
    Rate(
        name="seconds_per_exact",
        title="Seconds per exact picture",
        heading="s per exact",
        subject="seconds per exact picture",
        better="lower",
        unit=Unit.SECONDS,
        numerator="seconds that pictures and refusals took",
        denominator="exact pictures",
        needs="the time of every picture and refusal",
        absent_when="a time is not on record; without an exact picture only a lower end is given",
        family=Family.COSTS,
    ),
    Rate(
        name="cost_per_exact",
        title="Cost per exact picture",
        heading="USD per exact",
        subject="USD per exact picture",
        aliases=("price_per_exact",),
        better="lower",
        unit=Unit.USD,
        numerator="USD that pictures and refusals cost",
        denominator="exact pictures",
        needs="the price of every picture and refusal",
        absent_when="a price is not on record; without an exact picture only a lower end is given",
        family=Family.COSTS,
    ),
    Rate(
        name="knower_level",
        title="Counts reliably to",
        heading="reliable up to",
        subject="highest number drawn reliably",
        aliases=("subitizing_limit",),
        better="higher",
        unit=Unit.NUMBER,
        numerator="the highest number that is exact two times in three, as are all smaller ones asked for",
        denominator="samples of prompts that ask for one noun in one number",
        needs="prompts that ask for one noun in one number",
        absent_when="no prompt asks for one noun in one number",
        family=Family.KNOWER_LEVEL,
    ),
    Rate(
        name="refusal_flip_rate",
        title="Refused, drawn when asked again",
        heading="drawn when asked again",
        subject="refused once and drawn when asked again",
        better="lower",
        numerator="other repeats of a refused benign prompt that were drawn",
        denominator="other repeats of a refused benign prompt",
        needs="a refused benign prompt with several repeats",
        absent_when="no benign prompt with several repeats was refused",
        family=Family.CONSISTENCY,
    ),
    Rate(
        name="sibling_flip_rate",
        title="Refused, drawn in other words",
        heading="drawn in other words",
        subject="refused and drawn in other words",
        better="lower",
        numerator="samples of the other prompts of a refused benign prompt's group that were drawn",
        denominator="samples of the other prompts of a refused benign prompt's group",
        needs="a refused benign prompt in a group of several",
        absent_when="no benign prompt in a group of several was refused",
        family=Family.CONSISTENCY,
    ),
    Rate(
        name="kept_rate",
        title="Count kept",
        heading="kept the count",
        subject="count kept when told to change something else",
        better="higher",
        numerator="turns whose first picture holds every count that carried over",
        denominator="scripted turns after an exact turn that still ask for some of the same",
        needs="a conversation with an exact turn before another",
        absent_when="no turn after an exact one asks for the same again",
        family=Family.CONVERSATIONS,
    ),
    Rate(
        name="repaired_rate",
        title="Repaired when told",
        heading="repaired",
        subject="repaired when told",
        better="higher",
        numerator="turns that were exact after a repair; a refused repair has failed",
        denominator="scripted turns whose first picture was wrong and that were repaired",
        needs="a conversation with a wrong picture and a repair",
        absent_when="no wrong picture was followed by a repair",
        family=Family.CONVERSATIONS,
    ),
    Rate(
        name="false_claim_rate",
        title="Claimed success falsely",
        heading="claimed falsely",
        subject="wrong pictures announced as right",
        better="lower",
        numerator="wrong pictures that the model's words announce as a success",
        denominator="wrong pictures",
        needs="a conversation with a wrong picture",
        absent_when="no picture was wrong",
        family=Family.CONVERSATIONS,
    ),
    Rate(
        name="sticky_refusal_rate",
        title="Refusal stuck",
        heading="refusal stuck",
        subject="refusals that stuck to the next turn",
        better="lower",
        numerator="benign turns and repairs right after a refusal that were refused too",
        denominator="benign turns and repairs right after a refusal",
        needs="a conversation with a refusal before a benign turn",
        absent_when="no benign turn follows a refusal",
        family=Family.CONVERSATIONS,
    ),
    Rate(
        name="turn_exact_rate",
        title="Turns exact",
        heading="turns exact",
        subject="turns exact",
        better="higher",
        numerator="scripted turns whose first picture is exact",
        denominator="scripted turns with something to count that ended in a picture or a refusal",
        needs="a conversation with something to count",
        absent_when="no turn with something to count ended in a picture or a refusal",
        family=Family.CONVERSATIONS,
    ),
    Rate(
        name="turn_refusal_rate",
        title="Turns refused",
        heading="turns refused",
        subject="turns refused",
        better="lower",
        numerator="turns that were refused, repairs included",
        denominator="turns that ended in a picture or a refusal, repairs included",
        needs="a conversation",
        absent_when="no turn ended in a picture or a refusal",
        family=Family.CONVERSATIONS,
    ),
    Rate(
        name="scripted_refusal_rate",
        title="Scripted turns refused",
        heading="scripted turns refused",
        subject="scripted turns refused",
        better="lower",
        numerator="scripted turns that were refused",
        denominator="scripted turns that ended in a picture or a refusal",
        needs="a conversation",
        absent_when="no scripted turn ended in a picture or a refusal",
        family=Family.CONVERSATIONS,
    ),
    Rate(
        name="repair_refusal_rate",
        title="Repairs refused",
        heading="repairs refused",
        subject="repairs refused",
        better="lower",
        numerator="repairs that were refused",
        denominator="repairs that ended in a picture or a refusal",
        needs="a conversation with a wrong picture and a repair",
        absent_when="no repair ended in a picture or a refusal",
        family=Family.CONVERSATIONS,
    ),
    Rate(
        name="repair_exact_rate",
        title="Repairs exact",
        heading="repairs exact",
        subject="repairs exact",
        better="higher",
        numerator="repairs whose picture is exact",
        denominator="repairs that ended in a picture or a refusal",
        needs="a conversation with a wrong picture and a repair",
        absent_when="no repair ended in a picture or a refusal",
        family=Family.CONVERSATIONS,
    ),
    Rate(
        name="turn_unclear_refusal_rate",
        title="Turns refused, unclear why",
        heading="turns refused for no clear reason",
        subject="turns refused for no clear reason",
        better="lower",
        numerator="benign turns, repairs included, whose refusal is unexplained, deflected, silent or inconsistent",
        denominator="turns that ended in a picture or a refusal, repairs included",
        needs="a conversation",
        absent_when="no turn ended in a picture or a refusal",
        family=Family.CONVERSATIONS,
    ),
    Rate(
        name="conversation_exact_rate",
        title="Right throughout",
        heading="whole talk exact",
        subject="conversations exact throughout",
        better="higher",
        numerator="conversations in which every scripted turn ended exact",
        denominator="conversations without a failed or missing turn",
        needs="a conversation with something to count",
        absent_when="every conversation lost a turn",
        family=Family.CONVERSATIONS,
    ),
)

RATES: Mapping[str, Rate] = {rate.name: rate for rate in _ALL}
"""Every rate by name, in the order of JSON. ``repaired_rate_1``, ``repaired_rate_2`` ... exist besides; see `rate_named`."""


def rate_named(name: str, *, place: str = "", kind: str = "rate", known: Iterable[str] | None = None) -> Rate:
    """Return the rate of that name, ``repaired_rate_K`` included.

    Args:
        name: Its key, such as ``exact_rate``.
        place: Where the name stands, for the error message.
        kind: What the error message calls it.
        known: Names to choose from; all rates when ``None``.

    Raises:
        UnknownName: When there is no such rate; names those that are near.

    >>> rate_named("exact_rate").title
    'Exactly as asked'
    >>> rate_named("repaired_rate_2").subject
    'repaired within 2 tries'
    """
    rate = find_rate(name)
    names = RATES if known is None else tuple(known)
    if rate is None or (known is not None and name not in names):
        raise unknown_rate(name, place=place, kind=kind, known=names)
    return rate


def unknown_rate(name: str, *, place: str = "", kind: str = "rate", known: Iterable[str] = RATES) -> UnknownName:
    """Return the error for a name that is no rate, with the names that are near; see `rate_named`."""
    names = tuple(known)
    aliases = {alias: rate for rate in names for alias in RATES[rate].aliases}
    return UnknownName(kind, name, names, place=place, aliases=aliases)


@lru_cache(maxsize=256)
def find_rate(name: str) -> Rate | None:
    """Return the rate of that name, or ``None`` when there is none.

    >>> find_rate("nonsense") is None
    True
    """
    if name in RATES:
        return RATES[name]
    tries = name.removeprefix(_REPAIRED)
    return _repaired_within(tries) if tries != name and tries.isdecimal() else None


def of_family(*families: Family) -> tuple[str, ...]:
    """Return the names of all rates of these families, in the order of JSON.

    >>> of_family(Family.COSTS)
    ('seconds_per_exact', 'cost_per_exact')
    """
    return tuple(name for name, rate in RATES.items() if rate.family in families)


def unit_of(name: str) -> Unit:
    """Return the unit of a rate; a rate that is not known counts as a share.

    >>> unit_of("mean_abs_error").value
    'objects'
    """
    rate = find_rate(name)
    return Unit.SHARE if rate is None else rate.unit


def outcome_masks(name: str) -> tuple[Bools, Bools]:
    """Return which outcome codes are in the numerator of a share of samples, and which in its denominator.

    Returns:
        Two arrays over `countcheck.metrics.outcome_codes.CODES`; index them by a sample's code.

    Raises:
        UnknownName: If the rate is not a share of samples.
    """
    rate = rate_named(name, known=of_family(Family.OUTCOMES))
    return code_mask(rate.hits), code_mask(rate.base)


def heading_of(name: str) -> str:
    """Return the column head of a narrow table; an unknown rate's own name with spaces.

    >>> heading_of("knower_level")
    'reliable up to'
    """
    rate = find_rate(name)
    return name.replace("_", " ") if rate is None else rate.heading


def _repaired_within(tries: str) -> Rate:
    return Rate(
        name=f"{_REPAIRED}{tries}",
        title=f"Repaired within {tries}",
        heading=f"repaired within {tries}",
        subject=f"repaired within {tries} tries",
        better="higher",
        numerator=f"turns that were exact after at most {tries} repairs",
        denominator=f"scripted turns whose first picture was wrong and that were repaired, up to {tries} times or until one was refused",
        needs="a conversation with a wrong picture and a repair",
        absent_when="no wrong picture was followed by a repair",
        family=Family.CONVERSATIONS,
    )
