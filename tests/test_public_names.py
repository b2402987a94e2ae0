"""The names that `import rtcli` offers, and what it costs to import them."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rtcli

PUBLIC = {
    "History": "rtcli.protocol.history",
    "OpenAIRealtimeBase": "rtcli.transports",
    "OpenAIRealtimeSIP": "rtcli.transports",
    "OpenAIRealtimeWebRTC": "rtcli.transports",
    "OpenAIRealtimeWebSocket": "rtcli.transports",
    "RealtimeServer": "rtcli.server",
    "RealtimeSession": "rtcli.session",
    "RealtimeTransportLayer": "rtcli.transports",
}
"""A name and the layer that it comes from. What stands here is a promise to other users's code."""


def test_these_names_are_public() -> None:
    """A name that is added or removed is a decision, not an accident."""
    assert set(rtcli.__all__) == {*PUBLIC, "__version__", "errors"}
    assert set(rtcli.__all__) <= set(dir(rtcli))


@pytest.mark.parametrize(("name", "layer"), PUBLIC.items())
def test_a_public_name_is_the_class_of_its_layer(name: str, layer: str) -> None:
    """Not a copy and not the module."""
    found = getattr(rtcli, name)

    assert isinstance(found, type)
    assert found.__name__ == name
    assert found.__module__.startswith(layer)


def test_the_errors_are_public_as_a_module() -> None:
    """`except rtcli.errors.ConnectError` works after `import rtcli` alone."""
    assert issubclass(rtcli.errors.ConnectError, rtcli.errors.RtcliError)


def test_another_name_is_an_attribute_error_that_says_it() -> None:
    """As from any module."""
    name = "Nothing"
    with pytest.raises(AttributeError, match="module 'rtcli' has no attribute 'Nothing'"):
        getattr(rtcli, name)


def loaded_by(statement: str) -> set[str]:
    """The modules that a new interpreter has after a statement and lacks without it."""
    program = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(ended.stdout.split())


def test_importing_the_package_imports_nothing_of_others() -> None:
    """`import rtcli` loads one module, the package itself; the first use of a name loads its layer."""
    assert loaded_by("import rtcli") == {"rtcli"}
    loaded = loaded_by("import rtcli; rtcli.errors")
    assert "rtcli.errors" in loaded
    assert not {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"rtcli"}


def test_a_transport_needs_no_program_around_it() -> None:
    """The library loads neither the command line nor the prompt, the server or a device."""
    loaded = loaded_by("import rtcli; rtcli.OpenAIRealtimeWebSocket")
    unneeded = ("typer", "rich", "prompt_toolkit", "numpy", "sounddevice", "PIL", "rtcli.cli", "rtcli.server")

    assert [name for name in unneeded if name in loaded] == []
