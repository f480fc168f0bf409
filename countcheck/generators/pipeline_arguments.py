"""Any argument of a diffusers pipeline: ``call.NAME`` for its call, ``load.NAME`` for its loading.

Names are checked against the signatures of the pipeline's class before anything large is loaded, as far as the class is
known by then.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from countcheck.errors import BadSettings, near_hint

CALL, LOAD = "call.", "load."

# What is not set in this way: what says it instead, or why nothing does.
_CALL_ELSEWHERE = {
    "prompt": "The suite gives the prompts.",
    "generator": "The seed of each sample is given.",
    "num_images_per_prompt": "Write --repeats instead.",
    "output_type": "The program chooses it.",
    "return_dict": "The program chooses it.",
    "num_inference_steps": "Write steps=... instead.",
    "guidance_scale": "Write guidance=... instead.",
    **{
        name: f"Write {name}=... instead."
        for name in ("true_cfg_scale", "width", "height", "negative_prompt", "max_sequence_length")
    },
}
_LOAD_ELSEWHERE = {
    "torch_dtype": "Write dtype=... instead.",
    "quantization_config": "Write quantize=... instead.",
    "use_safetensors": "Only safetensors are loaded.",
    "token": "Log in at the hub instead, so that no key stands in a run.",
    **dict.fromkeys(("custom_pipeline", "custom_revision"), "Code that comes with a model is not run."),
    **{name: f"Write {name}=... instead." for name in ("dtype", "variant", "revision", "device_map")},
    "trust_remote_code": "Write trust_remote_code=true instead.",
    "scheduler": "Write scheduler=CLASS instead.",
}
# Types of which no value can be written: tensors, arrays, pictures, and lists of them.
_OBJECTS = r"[\w.]*(?:Tensor|Image|ndarray|Generator)\w*"
_UNWRITABLE = re.compile(rf"(?:list|tuple)\[{_OBJECTS}\]|{_OBJECTS}", re.I)
_WRITABLE = re.compile(r"\b(?:str|int|float|bool|list|tuple|dict|any)\b", re.I)


def of_kind(settings: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return the arguments of a kind, without its prefix.

    >>> of_kind({"steps": 2, "call.eta": 0.5}, CALL)
    {'eta': 0.5}
    """
    return {name.removeprefix(prefix): value for name, value in settings.items() if name.startswith(prefix)}


def plain_setting(value: Any) -> str | int | float | bool | None:
    """Return a setting as a recipe holds it: lists and mappings as JSON text.

    >>> plain_setting(0.5), plain_setting([1, 2])
    (0.5, '[1,2]')
    """
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def check_call(names: Iterable[str], kind: type, card: str) -> None:
    """Check that a pipeline's class can be called with arguments of these names.

    Args:
        names: Without their prefix.
        kind: The pipeline's class.
        card: The generator's name, for the error.

    Raises:
        BadSettings: For a name that the class does not take, with a near one, or that cannot be given in this way.
    """
    parameters = _parameters(kind.__call__)  # type: ignore[operator]
    for name in names:
        if name in _CALL_ELSEWHERE:
            raise BadSettings(f"{card}: {CALL}{name} cannot be set. {_CALL_ELSEWHERE[name]}")
        if name not in parameters:
            raise _unknown(card, CALL, name, kind, [known for known in parameters if known not in _CALL_ELSEWHERE])
        if "ip_adapter" in name:
            raise BadSettings(f"{card}: {CALL}{name} cannot be set: IP-adapters are not supported. Leave it out.")
        if "callback" in name or not _can_be_written(parameters[name]):
            raise BadSettings(
                f"{card}: {CALL}{name} of {kind.__name__} is {_type_text(parameters[name])}, which no setting can be. "
                "Leave it out."
            )


def check_load(names: Iterable[str], kind: type, card: str, *, from_file: bool) -> None:
    """Check that a pipeline can be loaded with arguments of these names.

    Args:
        names: Without their prefix.
        kind: The pipeline's class.
        card: The generator's name, for the error.
        from_file: Whether it is loaded from a single file.

    Raises:
        BadSettings: For a name that the class does not take, with a near one, or that cannot be given in this way.
    """
    known = load_names(kind, from_file=from_file)
    for name in names:
        if name in _LOAD_ELSEWHERE:
            raise BadSettings(f"{card}: {LOAD}{name} cannot be set. {_LOAD_ELSEWHERE[name]}")
        if name not in known:
            raise _unknown(card, LOAD, name, kind, known)


def load_names(kind: type, *, from_file: bool) -> list[str]:
    """Return the names of what a pipeline is loaded with: options of the library, and the pipeline's own parts.

    Args:
        kind: The pipeline's class.
        from_file: Whether it is loaded from a single file.
    """
    method = getattr(kind, "from_single_file" if from_file else "from_pretrained")
    options = [*_options(inspect.unwrap(method.__func__)), *([] if from_file else ["enable_pag"])]
    parts = [name for name in inspect.signature(kind.__init__).parameters if name != "self"]  # type: ignore[misc]
    return sorted({*options, *parts} - set(_LOAD_ELSEWHERE))


def call_arguments(settings: Mapping[str, Any], kind: type, number: int) -> dict[str, Any]:
    """Return the keywords of ``call.`` for one call, with the values that the class expects.

    A text is repeated for every prompt where the class takes a list of texts; text with commas becomes a list or tuple
    where the class takes no text.

    Args:
        settings: The generator's.
        kind: The pipeline's class.
        number: Of the prompts.
    """
    parameters = _parameters(kind.__call__)  # type: ignore[operator]
    arguments = {}
    for name, value in of_kind(settings, CALL).items():
        types = _type_text(parameters[name])
        if isinstance(value, str) and re.search(r"list\[str\]", types, re.I):
            value = [value] * number
        elif isinstance(value, str) and "str" not in types and re.search(r"\b(?:list|tuple)\b", types, re.I):
            value = [_number(part) for part in value.split(",")]
        if isinstance(value, list) and re.search(r"\btuple\b", types, re.I) and "list" not in types.lower():
            value = tuple(value)
        arguments[name] = value
    return arguments


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip()


def _unknown(card: str, prefix: str, name: str, kind: type, known: Iterable[str]) -> BadSettings:
    known = sorted(known)
    hint = near_hint(name, known)
    return BadSettings(f"{card}: {kind.__name__} takes no {prefix}{name}.{hint} It takes: {', '.join(known)}.")


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in kinds and name != "self"
    }


def _type_text(parameter: inspect.Parameter) -> str:
    if parameter.annotation is inspect.Parameter.empty:
        return ""
    text = inspect.formatannotation(parameter.annotation)
    return text.replace("typing.", "").strip("'")


def _can_be_written(parameter: inspect.Parameter) -> bool:
    types = _type_text(parameter)
    return not types or bool(_WRITABLE.search(_UNWRITABLE.sub("", types)))


@functools.cache
def _options(method: Any) -> tuple[str, ...]:
    """The names that a loading method takes out of its keywords; its signature says ``**kwargs`` alone."""
    return tuple(dict.fromkeys(re.findall(r"kwargs\.pop\(\s*[\"'](\w+)[\"']", inspect.getsource(method))))
