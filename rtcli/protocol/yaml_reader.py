"""Reads and writes YAML 1.2: `no`, `on` and dates are words in it, and only true and false are not."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from rtcli.errors import InputError

_PLAIN = {
    "tag:yaml.org,2002:null": (re.compile(r"(?:null|Null|NULL|~|)\Z"), ("n", "N", "~", "")),
    "tag:yaml.org,2002:bool": (re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), tuple("tTfF")),
    "tag:yaml.org,2002:int": (re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), tuple("-+0123456789")),
    "tag:yaml.org,2002:float": (
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        tuple("-+.0123456789"),
    ),
}
"""The core schema of YAML 1.2: what a plain word is, and the characters that it may begin with."""


Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a document: the keys and positions that lead to it."""

Places: TypeAlias = Mapping[Path, tuple[int, int]]
"""Line and column, from 1, of each key of a document, and of each entry of a list."""

_MAX_PLACES = 100_000
"""References can stand for far more values than were written."""

_MAX_DEPTH = 100
_WIDTH = 110


def read_yaml(source: str, file: str) -> Any:
    """The value of a document. Raises InputError that names file, line and column."""
    return read_yaml_places(source, file, places=False)[0]


def read_yaml_places(source: str, file: str, *, places: bool = True) -> tuple[Any, Places]:
    """The value of a document, and where each part of it stands; a key that is given twice is refused.

    Raises InputError that names file, line and column.
    """
    import yaml

    try:
        loader = _loader()(source)  # a SafeLoader, with fewer words
        try:
            node = loader.get_single_node()
            found = dict(_places(node, (), file)) if places and node is not None else {}
            return (None if node is None else loader.construct_document(node)), found
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = {"line": mark.line + 1, "column": mark.column + 1} if mark else {}
        raise InputError(file, str(getattr(error, "problem", None) or error), **place) from error
    except RecursionError:  # a thousand brackets in a row
        raise InputError(file, "nested too deeply") from None
    except ValueError as error:  # a number that Python does not read
        raise InputError(file, str(error)) from error


def _places(root: Any, start: Path, file: str) -> Iterator[tuple[Path, tuple[int, int]]]:
    waiting, count = deque([(root, start)]), 0
    yield start, _place(root)
    while waiting:
        node, path = waiting.popleft()
        seen: set[Any] = set()
        for name, marked, inner in _children(node):
            if name in seen:
                line, column = _place(marked)
                raise InputError(file, f"{name!r} is given twice", line=line, column=column)
            seen.add(name)
            count += 1
            if len(path) > _MAX_DEPTH:  # a value may hold itself, and its paths would fill the memory
                raise InputError(file, "nested too deeply")
            if count > _MAX_PLACES:
                raise InputError(file, f"it stands for more than {_MAX_PLACES:,} values")
            yield (*path, name), _place(marked)
            waiting.append((inner, (*path, name)))


def _children(node: Any) -> Iterator[tuple[Any, Any, Any]]:
    """The name of each inner value, the node that marks its place, and its own."""
    if node.id == "mapping":
        yield from ((key.value, key, value) for key, value in node.value if key.id == "scalar")
    elif node.id == "sequence":
        yield from ((index, inner, inner) for index, inner in enumerate(node.value))


def _place(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


@lru_cache(maxsize=1)
def _loader() -> Any:
    import yaml

    class Loader(yaml.SafeLoader):
        """SafeLoader with the words of YAML 1.2."""

    Loader.yaml_implicit_resolvers = {}
    for tag, (pattern, first) in _PLAIN.items():
        Loader.add_implicit_resolver(tag, pattern, list(first))
    Loader.add_constructor("tag:yaml.org,2002:int", _integer)
    return Loader


def _integer(loader: Any, node: Any) -> int:
    """Octal and hexadecimal have a prefix; a zero in front means nothing."""
    text = loader.construct_scalar(node)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


def write_yaml(value: Any) -> str:
    """A document that `read_yaml` reads as this value: of texts, numbers, lists and objects."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """SafeDumper that quotes what is not a word in YAML 1.2, and repeats rather than refers."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    Dumper.yaml_implicit_resolvers = _loader().yaml_implicit_resolvers
    Dumper.add_representer(str, _block_text)
    text: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text


def _block_text(dumper: Any, text: str) -> Any:
    """Lines as lines, where a block can hold them."""
    lines = text.split("\n")
    fits = len(lines) > 1 and lines[0] == lines[0].lstrip() and all(line == line.rstrip() for line in lines)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if fits else None)
