"""A Python file as a module, as it would run by itself, and the functions in it that are public."""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import signal
import sys
import threading
import traceback
import types
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from rtcli.errors import InputError

_CACHED = type(functools.lru_cache(lambda: None))
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial, _CACHED)


def load_module(path: Path) -> tuple[types.ModuleType, ast.Module]:
    """Run a file; the module it became, which is in sys.modules under the file's name, and its syntax tree.

    Raises InputError that names the line. Loaded again, the modules beside it that it imports are loaded again as well.
    """
    path = path.resolve()
    try:
        source = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    try:
        tree = ast.parse(source, str(path))
        code = compile(source, str(path), "exec", dont_inherit=True)  # ours has `from __future__ import annotations`
    except (SyntaxError, ValueError) as error:
        line, column = getattr(error, "lineno", None), getattr(error, "offset", None)
        raise InputError(str(path), getattr(error, "msg", None) or str(error), line=line, column=column) from error
    _forget_neighbors(path)
    name = _module_name(path)
    spec = spec_from_file_location(name, path)
    assert spec is not None  # a path always makes one
    module = module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        with _arguments_of(path), _interrupts() as pressed:
            _execute(code, module, path, pressed)
    except BaseException:
        if before is not None:
            sys.modules[name] = before
        else:
            del sys.modules[name]
        raise
    return module, tree


def _execute(code: types.CodeType, module: types.ModuleType, path: Path, pressed: list[int]) -> None:
    try:
        exec(code, module.__dict__)  # the flag that names the file is the consent
    except SystemExit as error:
        call = "sys.exit()" if error.code is None else f"sys.exit({error.code!r})"
        raise InputError(str(path), f"it called {call} while it was loaded", line=_line(error, path)) from error
    except KeyboardInterrupt as error:
        if pressed:  # the user, who does not want to wait for it
            raise
        raise InputError(str(path), "it raised KeyboardInterrupt", line=_line(error, path)) from error
    except Exception as error:  # it is the user's code, and may raise anything
        raise InputError(str(path), f"{type(error).__name__}: {error}", line=_line(error, path)) from error


def _line(error: BaseException, path: Path) -> int | None:
    """The last line of the file that was running."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return frames[-1].lineno if frames else None


@contextlib.contextmanager
def _arguments_of(path: Path) -> Iterator[None]:
    """A file that reads the command line speaks of itself when it complains, not of rtcli."""
    before = sys.argv[0]
    sys.argv[0] = str(path)
    try:
        yield
    finally:
        sys.argv[0] = before


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Tells Ctrl+C, which ends the program, from a KeyboardInterrupt of the file's own."""
    pressed: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return

    def interrupt(number: int, _frame: types.FrameType | None) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield pressed
    finally:
        if signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, before)


def _module_name(path: Path) -> str:
    """The file's stem; another name where it is none, or where a module of that name is somebody else's."""
    name = re.sub(r"\W", "_", path.stem)
    known = sys.modules.get(name)
    taken = known is not None and getattr(known, "__file__", None) != str(path)
    return f"{name}_tools" if taken or name in sys.stdlib_module_names or name == "rtcli" else name


def _forget_neighbors(path: Path) -> None:
    """Modules of the file's own folder, so that a file that is loaded again sees what has changed in them too."""
    if _module_name(path) not in sys.modules:
        return
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and Path(file).parent == path.parent and name != "__main__" and file != str(path):
            del sys.modules[name]


def public_functions(module: types.ModuleType, tree: ast.Module) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions that a module defines, by the names that it gives them; what it imports is not its own.

    With `__all__` it is those that it lists. A function of two names is there once.
    """
    listed = getattr(module, "__all__", None)
    imported, from_elsewhere = _imported_names(tree)
    seen: set[int] = set()
    for name, value in list(vars(module).items()):
        if not isinstance(value, _FUNCTIONS) or id(value) in seen:
            continue
        if listed is not None:
            offered = name in listed
        else:
            foreign = from_elsewhere and getattr(value, "__module__", module.__name__) != module.__name__
            offered = not name.startswith("_") and name not in imported and not foreign
        if offered:
            seen.add(id(value))
            yield name, value


def _imported_names(tree: ast.Module) -> tuple[set[str], bool]:
    """The names that import statements bind, and whether one of them is `import *`."""
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    imports = [node for node in _top_level(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.asname or alias.name.partition(".")[0] for node in imports for alias in node.names}
    return names - defined, "*" in names


def _top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """Statements that run when the module does, also those inside of `if` and `try`."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield node
            yield from _top_level(node)
