"""The one loader of YAML, for suites, cards and policies.

    document = read_yaml(path, error=BadSettings)       # or load_yaml(text, source="name", error=BadSettings)
    document.data                                       # mappings, lists, texts, numbers, True, False, None
    document.line("rule", "threshold")                  # the line of a field, from 1, for messages

YAML is read as people mean it: only true and false are booleans ("no" and "off" are words), dates and times are text.
Whatever is wrong is one sentence with the file and the line, raised as ``error``: text that is not YAML, fields that lie
too deep, aliases that stand for too much, a key that is written twice, a value that its tag cannot hold, a number with
thousands of digits. Which fields a file may have is the caller's concern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from countcheck.errors import BadSuite, CountcheckError

MAX_DEPTH = 60
"""Collections that may lie in each other. libyaml builds them by recursion and crashes the process where they lie too deep."""

MAX_BYTES = 256 * 2**20
MAX_ALIASED = 50_000
"""Values that a file's aliases may stand for, or ten times those written out where that is more."""

_MAX_DIGITS = 18
_TOO_DEEP = f"its fields lie in each other too deep, or in themselves. Write them out, at most {MAX_DEPTH} deep"


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML text says, and where.

    Attributes:
        data: Plain values; ``None`` for an empty text.
        node: The root of the syntax tree; ``None`` for an empty text.
    """

    data: Any
    node: yaml.Node | None

    def line(self, *place: str | int) -> int:
        """Return the line (from 1) of the field at a place, or of the nearest field around it that exists.

        Args:
            place: Keys and positions in lists (from 0), from the outside to the inside.

        >>> load_yaml("a:\\n  - x\\n  - b: 1\\n", source="s").line("a", 1, "b")
        3
        """
        node, line = self.node, 1
        for part in place:
            step = _step(node, part)
            if step is None:
                break
            node, line = step
        return line


def _step(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, int] | None:
    """The node of one field inside another, and its line."""
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                return value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and 0 <= part < len(node.value):
        item = node.value[part]
        return item, item.start_mark.line + 1
    return None


def read_yaml(path: Path, *, error: type[CountcheckError] = BadSuite, what: str = "file") -> Document:
    """Read a YAML file.

    Args:
        path: The file, in UTF-8.
        error: The class of what is raised.
        what: What the file is called in the advice: "Fix the card."

    Raises:
        CountcheckError: ``error``, for a file that cannot be read or is not sound YAML; names file and line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise error(f"{path}: cannot be read ({reason}).") from problem
    if len(data) > MAX_BYTES:
        raise error(f"{path}: larger than {MAX_BYTES // 2**20} MiB. Split the {what}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"{path}: not UTF-8 (byte {problem.start}). Save the {what} as UTF-8.") from problem
    return load_yaml(text, source=str(path), error=error, what=what)


def load_yaml(text: str, *, source: str, error: type[CountcheckError] = BadSuite, what: str = "file") -> Document:
    """Load a YAML text.

    Args:
        text: One document.
        source: Named in errors: the file's path.
        error: The class of what is raised.
        what: What the file is called in the advice: "Fix the card."

    Raises:
        CountcheckError: ``error``, for text that is not sound YAML; names source and line.

    >>> load_yaml("no: 3\\nday: 2025-01-02\\n", source="example").data
    {'no': 3, 'day': '2025-01-02'}
    """
    try:
        return _load(text)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise error(f"{source}:{line}: not YAML ({problem.problem}). Fix the {what}.") from problem
    except yaml.reader.ReaderError as problem:
        raise error(f"{source}:{_line_of(text, problem)}: not YAML ({problem.reason}). Fix the {what}.") from problem
    except UnicodeEncodeError as problem:
        line = text.count("\n", 0, problem.start) + 1
        raise error(f"{source}:{line}: half a character pair stands alone. Fix the {what}.") from problem
    except _Unsound as problem:
        raise error(f"{source}:{problem.line}: {problem}.") from problem


class _Unsound(Exception):
    """YAML that could be read and is not taken: says why and on which line."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def _line_of(text: str, problem: yaml.reader.ReaderError) -> int:
    if isinstance(problem.character, int):
        place = text.find(chr(problem.character))
        return text.count("\n", 0, max(place, 0)) + 1
    return text.count("\n", 0, problem.position) + 1


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader with words that stay words, and with every failure of a value as a sentence with its line."""


_UNTYPED = ("bool", "timestamp", "int", "value")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in _UNTYPED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("(?i)(?:true|false)$"), list("tTfF"))
# Without base 60: "12:30" is a time of day, and no 750.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$"),
    list("-+0123456789"),
)


def _checked(kind: str, construct: Callable[[Any, yaml.Node], Any]) -> Callable[[Any, yaml.Node], Any]:
    """The constructor of one tag, whose failures say the value and its line."""

    def constructed(loader: Any, node: yaml.Node) -> Any:
        shown = f"{str(node.value)[:40]!r}"
        if kind == "int" and len(str(node.value)) > _MAX_DIGITS:
            raise _Unsound(
                node.start_mark.line + 1,
                f"{shown}: a number of {len(str(node.value))} digits; the most is {_MAX_DIGITS}. Write a smaller number, "
                "or put it in quotation marks",
            )
        try:
            return construct(loader, node)
        except yaml.YAMLError:
            raise
        except Exception as problem:  # the constructors raise whatever Python makes of the text
            why = f"{shown} is no {kind}. Write it as plain text, or fix it"
            raise _Unsound(node.start_mark.line + 1, why) from problem

    return constructed


for _kind in ("int", "float", "bool", "timestamp", "binary"):
    _tag = f"tag:yaml.org,2002:{_kind}"
    _Loader.add_constructor(_tag, _checked(_kind, yaml.SafeLoader.yaml_constructors[_tag]))
# "<<" as a value is text; as a key it merges before any value is constructed.
_Loader.add_constructor("tag:yaml.org,2002:merge", yaml.SafeLoader.construct_yaml_str)

# JSON writes an emoji as two escapes of half a character each; libyaml takes none of them.
_PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)


def _load(text: str) -> Document:
    try:
        return _document(text)
    except yaml.MarkedYAMLError:
        joined = _PAIR.sub(_one_character, text)
        if joined == text:
            raise
        return _document(joined)


def _one_character(pair: re.Match[str]) -> str:
    point = 0x10000 + ((int(pair[2], 16) - 0xD800) << 10) + int(pair[3], 16) - 0xDC00
    return f"{pair[1]}\\U{point:08x}"


def _document(text: str) -> Document:
    if _deepest(text) > MAX_DEPTH:
        _check_depth(text)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(None, None)
        _check_tree(node)
        return Document(loader.construct_document(node), node)
    finally:
        loader.dispose()


def _deepest(text: str) -> int:
    """An upper bound on how deep collections lie, cheap to find: brackets, and what stands before a line's first word."""
    indents = re.findall(r"^[ \t?:-]+", text, re.MULTILINE)
    return text.count("[") + text.count("{") + 2 * max(map(len, indents), default=0)


def _check_depth(text: str) -> None:
    """Raise `_Unsound` for collections that lie too deep; events are read without recursion."""
    depth = 0
    loader = _Loader(text)
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    mark = event.start_mark
                    raise _Unsound(mark.line + 1 if mark is not None else 1, _TOO_DEEP)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        loader.dispose()


def _check_tree(root: yaml.Node) -> None:
    """Raise `_Unsound` for a key written twice, fields that hold themselves, and aliases that stand for too much."""
    sizes: dict[int, int] = {}
    _size(root, sizes, set())
    total = sizes[id(root)]
    if total > max(MAX_ALIASED, 10 * len(sizes)):
        raise _Unsound(1, f"its aliases stand for more than {MAX_ALIASED:,} fields. Write axes instead")


def _size(node: yaml.Node, sizes: dict[int, int], inside: set[int]) -> int:
    """How many values a node stands for with its aliases written out; every node is looked at once."""
    if isinstance(node, yaml.ScalarNode):
        sizes[id(node)] = 1
        return 1
    if id(node) in sizes:
        return sizes[id(node)]
    if id(node) in inside:
        line = node.start_mark.line + 1
        raise _Unsound(line, _TOO_DEEP)
    inside.add(id(node))
    size = 1 + sum(_size(part, sizes, inside) for part in _parts(node))
    inside.discard(id(node))
    sizes[id(node)] = size
    return size


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
        return
    names: set[str] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            if key.value in names:
                # YAML would drop the first without a word.
                raise _Unsound(key.start_mark.line + 1, f"{key.value[:80]!r} is given twice. Keep one of them")
            names.add(key.value)
        yield key
        yield value
