"""Reads YAML 1.2, as scripts are written in it: `no`, `on` and dates are words, and only true and false are not."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

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


def read_yaml(source: str, file: str) -> Any:
    """The value of a document. Raises InputError that names file, line and column."""
    import yaml

    try:
        return yaml.load(source, _loader())  # a SafeLoader, with fewer words
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = {"line": mark.line + 1, "column": mark.column + 1} if mark else {}
        raise InputError(file, str(getattr(error, "problem", None) or error), **place) from error
    except RecursionError:  # a thousand brackets in a row
        raise InputError(file, "nested too deeply") from None
    except ValueError as error:  # a number that Python does not read
        raise InputError(file, str(error)) from error


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
