"""Write the pages of the reference from the program itself.

python docs/make_pages.py            writes them
python docs/make_pages.py --check    exits 1 when one of them is not as the program says, and names it

Commands come from the command line's own help, settings from the defaults of each family and the comments beside them,
rates from their registry, the Python interface from signatures and docstrings, JSON from the schemas.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import tokenize
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import countcheck
from countcheck import registry
from countcheck.metrics.rates import RATES, Rate

DOCS = Path(__file__).parent
PACKAGE = Path(countcheck.__file__).parent
SOURCE = "This page is written from the program by `python docs/make_pages.py`."


def main(arguments: list[str]) -> int:
    """Write or check every page and return the exit code."""
    stale = [name for name, page in PAGES.items() if _read(DOCS / name) != page()]
    if "--check" in arguments:
        for name in stale:
            sys.stdout.write(f"docs/{name} is not what the program says; run: python docs/make_pages.py\n")
        return int(bool(stale))
    for name in stale:
        (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


# Rates


def rates_page() -> str:
    """Return the page of rates."""
    head = f"""# Rates

Every rate is defined once, in `countcheck/metrics/rates.py`. {SOURCE} *Asked* are the samples that
ended in a picture or a refusal. Failures are reported beside the rates and are in no denominator but their own. Repeats of one
prompt are not independent, so intervals are over prompts.

| name | title | unit | better | how often, of what | needs | not given when |
|---|---|---|---|---|---|---|
"""
    return head + "".join(_rate_row(rate) for rate in RATES.values())


def _rate_row(rate: Rate) -> str:
    names = f"`{rate.name}`" + "".join(f"<br>also *{alias}*" for alias in rate.aliases)
    return _row(
        names,
        rate.title,
        str(rate.unit),
        rate.better,
        f"{rate.numerator} / {rate.denominator}",
        rate.needs,
        rate.absent_when,
    )


# Commands


def commands_page() -> str:
    """Return the page of commands: what ``countcheck COMMAND --help`` says of each."""
    from typer.main import get_command

    from countcheck.cli.main import COMMANDS, app, execute

    _silently(lambda: execute(["--help"]))  # imports the modules that register the commands
    parts = [
        f"# Commands\n\n{SOURCE} `countcheck COMMAND --help` says the same. [Exit codes, settings and names of"
        " models](../command-line.md) are the same for all commands.\n\nEvery command also has `-q`, `-v`, `--log-file FILE`"
        " and `-h`. Every option can be set by a variable or a configuration file.\n"
    ]
    group = get_command(app)
    # In their own order, whichever module was imported first; groups of commands stand at the end.
    known = [(name, command) for name, command in group.commands.items() if not command.hidden]
    known.sort(key=lambda each: (hasattr(each[1], "commands"), COMMANDS.index(each[0])))
    for name, command in known:
        parts.append(f"\n## {name}\n")
        inner = getattr(command, "commands", None)
        if inner is None:
            parts.append(_command(command, f"countcheck {name}"))
            continue
        parts.append(f"\n{_prose(command.help)}\n")
        for sub, subcommand in inner.items():
            parts += [f"\n### {name} {sub}\n", _command(subcommand, f"countcheck {name} {sub}")]
    return "".join(parts)


def _command(command: Any, path: str) -> str:
    import click

    context = click.Context(command, info_name=path)
    text = inspect.cleandoc(command.help or "")
    prose, *sections = re.split(r"\n\n(?=(?:Raises|Returns|Args|Examples?|Exit codes):\n)", text)
    told = {title: body for title, _, body in (section.partition(":\n") for section in sections)}
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    parts = [f"\n    {usage}\n\n{_prose(prose)}\n"]
    rows = []
    for title, lines in command._groups(context):
        if title != "General options":
            rows += [_row(f"`{name}`", text) for name, text in lines]
    if rows:
        parts.append("\n| argument or option | meaning |\n|---|---|\n" + "".join(rows))
    if examples := told.get("Examples") or told.get("Example"):
        parts.append("\n" + "".join(f"    {line}\n" for line in inspect.cleandoc("\n" + examples).splitlines()))
    if codes := told.get("Exit codes"):
        parts.append(f"\nExit codes: {' '.join(codes.split())}.\n")
    return "".join(parts)


def _prose(text: str | None) -> str:
    paragraphs = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(_escaped(" ".join(paragraph.split())) for paragraph in paragraphs)


def _silently(call: Callable[[], object]) -> None:
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        call()


# Settings of families


def families_page() -> str:
    """Return the page of families: every setting of every generator and detector, with its default."""
    parts = [
        f"# Families and their settings\n\n{SOURCE} A setting is written into a spec, `-g 'FAMILY:SOURCE?setting=value'`, or"
        " under `settings:` of a card.\n\n## Generators\n"
    ]
    for family, place in {**registry.GENERATORS, **registry.provider_families()}.items():
        parts.append(_family(family, place))
    parts.append("\n### Connection: all services behind a network\n\nNone of these can change a picture.\n\n")
    parts.append(_settings(_assigned(PACKAGE / "generators/remote/connection.py", {"CONNECTION"})))
    parts.append("\n## Counters\n")
    for family, place in registry.DETECTORS.items():
        parts.append(_family(family, place))
    parts.append(
        "\n### Counting rule: all counters\n\nSet in a spec (`-d 'owlv2?threshold=0.4'`) or under `rule:` of a card."
        " [Counting](../counting.md) explains them.\n\n"
    )
    return "".join(parts) + _rule_table()


def _family(family: str, place: str) -> str:
    module_name, _, name = place.partition(":")
    path = PACKAGE.parent.joinpath(*module_name.split(".")).with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if name == "PROVIDER":
        loaded = registry.load_generator_class(family)
        name, described = loaded.__name__, f"{_about(loaded)}"
        facts = [f"extra `{loaded.extra}`" if loaded.extra else "no extra"]
        facts += [f"key {' or '.join(f'`{key}`' for key in loaded.key)}"] if loaded.key else []
        tail = f"\n{_capital(', '.join(facts))}.\n"
    else:
        described, tail = _paragraph(ast.get_docstring(classes[name]) or ""), ""
    rows = _assigned(path, {"DEFAULTS", "_DEFAULTS"}) | _assigned(path, {"defaults", "connection"}, inside=name)
    for beside in sorted(path.parent.glob(f"{path.stem}_*.py")):
        rows |= _assigned(beside, {"DEFAULTS"})
    rows |= _filled(path)
    table = f"\n{_settings(rows)}" if rows else ""
    return f"\n### {family}\n\n{described}\n{tail}{table}"


def _about(loaded: type[Any]) -> str:
    return _paragraph(inspect.getdoc(loaded) or "")


def _paragraph(text: str) -> str:
    first = inspect.cleandoc(text).partition("\n\n")[0]
    return _code_marks(" ".join(first.split()))


def _assigned(path: Path, names: set[str], inside: str = "") -> dict[str, tuple[str, str]]:
    """Return the entries of the dictionaries that a module, or a class in it, assigns to names: default and comment."""
    if not path.exists():
        return {}
    source = path.read_text(encoding="utf-8")
    body: list[ast.stmt] = ast.parse(source).body
    if inside:
        body = [inner for node in body if isinstance(node, ast.ClassDef) and node.name == inside for inner in node.body]
    found: dict[str, tuple[str, str]] = {}
    for node in body:
        target = (
            node.target
            if isinstance(node, ast.AnnAssign)
            else node.targets[0]
            if isinstance(node, ast.Assign)
            else None
        )
        if isinstance(target, ast.Name) and target.id in names and isinstance(node.value, ast.Dict):
            found |= _entries(node.value, source)
    return found


def _filled(path: Path) -> dict[str, tuple[str, str]]:
    """Return the entries of a dictionary that is written in the call ``fill(card, {...})``."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "fill" and isinstance(node.args[1], ast.Dict):
            return _entries(node.args[1], source)
    return {}


def _entries(node: ast.Dict, source: str) -> dict[str, tuple[str, str]]:
    comments = dict(_comments(source))
    return {
        key.value: (ast.unparse(value), comments.get(value.end_lineno or 0, ""))
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _comments(source: str) -> Iterator[tuple[int, str]]:
    lines = iter(source.splitlines(keepends=True))
    for token in tokenize.generate_tokens(lambda: next(lines, "")):
        if token.type == tokenize.COMMENT and token.line.lstrip()[0] != "#":
            yield token.start[0], token.string.lstrip("# ")


def _settings(rows: Mapping[str, tuple[str, str]]) -> str:
    head = "| setting | default | meaning |\n|---|---|---|\n"
    return head + "".join(
        _row(f"`{name}`", f"`{default}`", _escaped(_code_marks(meaning)) or MEANINGS.get(name, ""))
        for name, (default, meaning) in rows.items()
    )


# Settings that mean the same in many families.
MEANINGS = {
    "base_url": "address of the service; another one for a server or gateway of your own",
    "extra": "fields that are sent to the model unchanged: an object in a card, JSON in a spec",
    "width": "in pixels",
    "height": "in pixels",
    "size": "of the picture: a side in pixels, or as the service writes it",
    "aspect_ratio": "such as `1:1`",
    "device": "`auto`, `cpu`, `cuda`, `cuda:1`; of counters also several: `cuda:0,cuda:1`",
    "batch": "pictures at a time",
    "threads": "of the CPU; 0: as many as there are cores",
    "floor": "boxes with a lower score are not kept",
    "iou": "boxes of one noun that overlap more are one, while detecting",
    "max_det": "most boxes of one picture",
    "imgsz": "side of the square that a picture is laid in, in pixels; 0: as the model was trained",
    "precision": "`auto`, `fp32`, `fp16`, `bf16`",
    "trust_weights": "load weights in formats that can run code",
    "weights": "a file with weights of your own",
    "steps": "of denoising",
    "guidance": "scale of the guidance",
    "negative_prompt": "what the picture should not show",
    "scheduler": "as the library or the server calls it",
    "dtype": "`auto`, `fp32`, `fp16`, `bf16`",
    "lora": "folder, file or hub id of a LoRA",
    "lora_scale": "how strongly the LoRA acts",
    "edits": "change the picture of the turn before, where the model can",
    "strength": "how far an edit may go from the picture before, 0 to 1",
    "offload": "`none`, `model`, `sequential`: how much waits in main memory",
    "compile": "compile the model with torch",
    "tiling": "decode large pictures in tiles",
    "trust_remote_code": "run code that comes with the model; such code has your rights",
    "class": "the pipeline's class, where the source does not say it",
    "base": "the model that a single file's other parts come from",
    "textual_inversion": "file or hub id of words learned by textual inversion",
    "variant": "of the weights, such as `fp16`",
    "true_cfg_scale": "scale of true classifier-free guidance, of models that have it",
    "max_sequence_length": "tokens that the text encoder reads",
    "quality": "as the service calls it",
    "output_format": "of the picture",
    "model": "name of the model, for tables and reports",
    "seed_field": "what the model calls the seed; empty where it takes none",
    "count_field": "what the model calls the number of pictures",
    "edit_field": "what the model calls the picture that it changes",
    "edit_source": "the model that changes pictures",
    "safety_checker": "leave the service's check of pictures on",
    "concurrency": "requests at a time",
    "requests_per_minute": "limit of the service",
    "pictures_per_minute": "limit of the service",
    "poll": "seconds between two looks at a filed request",
    "loopback": "pictures may be fetched from this machine",
    "prompt_upsampling": "let the service rewrite the prompt",
    "safety_tolerance": "0 strict to 6 lax",
    "resolution": "as the service calls it",
    "host": "address of the service",
    "api_version": "of the service's interface",
    "bgr": "channels in the order blue, green, red",
    "timeout": "seconds for one request",
    "template": "sentence around each noun, for CLIP-like models",
    "temperature": "of the model's sampling; left out where it is not set",
    "style_type": "as the service calls it",
    "style_preset": "as the service calls it",
    "side": "longest side of the picture that is sent, in pixels",
    "sampler": "as the server calls it",
    "safety": "threshold of the service's filters",
    "rendering_speed": "as the service calls it",
    "region": "of Amazon Bedrock",
    "location": "of Google Cloud",
    "project": "of Google Cloud; without one the developer API is asked with a key",
    "provider": "who serves the model",
    "people": "whether people may be drawn",
    "of": "what every picture was asked for, such as `pig=3`, where there is no suite",
    "most": "a larger number is not believed",
    "modalities": "what the model may answer with",
    "max_size": "side in pixels to which larger pictures are shrunk; 0: not",
    "magic_prompt": "let the service rewrite the prompt",
    "key_env": "environment variable with the key",
    "image_size": "as the service calls it",
    "layout": "how names and folders say what each picture is for; `auto` finds out",
    "error_rate": "share of pictures that are wrong on purpose, 0 to 1",
    "deviation": "three numbers, as in `0.229,0.224,0.225`",
    "channels_last": "memory layout that is quicker on most processors",
    "cfg_scale": "scale of the guidance",
    "background": "as the service calls it",
    "api": "`images`, or `responses` for conversations",
    "top_k": "of the sampling of tokens",
    "top_p": "of the sampling of tokens",
    "quantize": "load the weights with fewer bits",
    "device_map": "how a model is spread over several devices",
    "answers": "times that each picture is asked about; the median counts",
}


def _rule_table() -> str:
    from countcheck.counting.rule import CountingRule

    text = inspect.getdoc(CountingRule) or ""
    section = text.partition("Attributes:\n")[2]
    meanings: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \w[\w, ]*: )", "\n" + section):
        names, _, meaning = entry.strip().partition(": ")
        for name in names.split(", "):
            meanings[name] = _escaped(_code_marks(" ".join(meaning.split())))
    from dataclasses import MISSING, fields

    rows = []
    for field in fields(CountingRule):
        default = field.default if field.default is not MISSING else field.default_factory()  # type: ignore[misc]
        rows.append(
            _row(
                f"`{field.name}`",
                f"`{dict(default) if isinstance(default, Mapping) else default}`",
                meanings.get(field.name, ""),
            )
        )
    return "| setting | default | meaning |\n|---|---|---|\n" + "".join(rows)


# Python


def python_page() -> str:
    """Return the page of the Python interface, from signatures and docstrings."""
    parts = [f"# The Python interface\n\n{SOURCE} [From Python](../python.md) is the guide to it.\n"]
    for name in countcheck.__all__:
        thing = getattr(countcheck, name)
        if name.startswith("__"):
            continue
        parts.append(f"\n## countcheck.{name}\n\n{_signature(name, thing)}{_docstring(thing)}")
        if inspect.isclass(thing):
            for method, function in inspect.getmembers(thing, lambda member: inspect.isfunction(member)):
                if (
                    not method.startswith("_")
                    and (thing.__module__ == function.__module__)
                    and inspect.getdoc(function)
                ):
                    parts.append(f"\n### {name}.{method}\n\n{_signature(method, function)}{_docstring(function)}")
    return "".join(parts)


def _signature(name: str, thing: Any) -> str:
    try:
        text = str(inspect.signature(thing))
    except (TypeError, ValueError):
        return ""
    text = re.sub(r"(?:countcheck|collections|pathlib|typing)\.[\w.]*\.?(?=[A-Z])", "", text)
    text = re.sub(r"<(?:[\w.]*\.)?(\w+) object at 0x[0-9a-f]+>", r"\1()", text)
    text = re.sub(r"<(?:class|built-in method) '?([\w.]+)[^>]*>", r"\1", text)
    text = re.sub(r"(: |-> )'([^']*)'", r"\1\2", text)  # annotations are text
    text = text.replace("(self, ", "(").replace("(self)", "()").replace("<factory>", "...")
    return f"    {name}{text}\n\n"


def _docstring(thing: Any) -> str:
    text = inspect.getdoc(thing) or ""
    blocks = []
    for block in text.split("\n\n"):
        if block.lstrip().startswith(">>>"):
            blocks.append("```pycon\n" + inspect.cleandoc(block) + "\n```")
        elif title := re.match(r"(Args|Attributes|Raises|Returns):\n", block):
            blocks.append(_section(title[1], block.partition("\n")[2]))
        else:
            blocks.append(_code_marks(" ".join(block.split())))
    return "\n\n".join(blocks) + "\n"


def _section(title: str, body: str) -> str:
    entries = re.split(r"\n(?=\S)", inspect.cleandoc("\n" + body))
    if title == "Returns":
        return f"Returns: {_code_marks(' '.join(inspect.cleandoc(body).split()))}"
    heading = {"Args": "Arguments", "Attributes": "Attributes", "Raises": "Raises"}[title]
    rows = []
    for entry in entries:
        names, colon, meaning = " ".join(entry.split()).partition(": ")
        rows.append(f"- `{names}`: {_code_marks(meaning)}" if colon else f"- {_code_marks(names)}")
    return f"{heading}:\n\n" + "\n".join(rows)


# JSON


def json_page() -> str:
    """Return the page of JSON shapes: which command prints which, and their fields at the top."""
    parts = [
        f"# JSON\n\n{SOURCE} Every shape has a JSON Schema in `countcheck/schemas/`, and every document of a shape names its"
        " version in the field `schema`. Fields may be added within a version; none is renamed or removed.\n\n"
        "`estimate` is a number with its interval: `value`, `low`, `high`, `level`, `n` (denominator), `clusters` (prompts),"
        " `method`. `value` is `null` where nothing can be said.\n"
    ]
    for path in sorted((PACKAGE / "schemas").glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        parts.append(
            f"\n## {path.stem}\n\n{_escaped(schema.get('title', ''))}. Schema: `countcheck/schemas/{path.name}`.\n"
        )
        shape = schema.get("items", schema)
        fields = _resolved(shape, schema).get("properties", {})
        required = set(_resolved(shape, schema).get("required", ()))
        if fields:
            parts.append("\n| field | type | always there |\n|---|---|---|\n")
            parts += [
                _row(f"`{name}`", _type(field, schema), "yes" if name in required else "")
                for name, field in fields.items()
            ]
    return "".join(parts)


def _resolved(shape: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    place = shape.get("$ref", "")
    return schema["$defs"][place.rpartition("/")[2]] if place.startswith("#/$defs/") else shape


def _type(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return " ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2].removesuffix(".json")
    kind = field.get("type", "any")
    if kind == "array" and isinstance(field.get("items"), Mapping):
        return f"list of {_type(field['items'], schema)}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


# Markdown


def _row(*cells: str) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |\n"


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\|", " ".join(text.split()))


def _escaped(text: str) -> str:
    """Keep angle brackets outside code from being read as tags."""
    return re.sub(r"<(?=\w)", "&lt;", text)


def _code_marks(text: str) -> str:
    """Turn the double backquotes of docstrings into those of Markdown."""
    return text.replace("``", "`")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


PAGES: dict[str, Callable[[], str]] = {
    "rates.md": rates_page,
    "reference/commands.md": commands_page,
    "reference/families.md": families_page,
    "reference/python.md": python_page,
    "reference/json.md": json_page,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
