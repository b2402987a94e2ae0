"""Where an API key is kept (a variable, a file, the keyring), and reading it from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rtcli.errors import InputError, UsageError
from rtcli.installation import install_command
from rtcli.masking import add_secret
from rtcli.reading import read_text
from rtcli.request_head import checked_key


@dataclass(frozen=True, slots=True)
class KeySource:
    """One place that holds a key; exactly one field is set.

    `keyring` is "service" or "service/user", kept by the system's keyring (the package `keyring` reads it).
    """

    variable: str | None = None
    file: str | None = None
    keyring: str | None = None

    def __post_init__(self) -> None:
        given = [source for source in (self.variable, self.file, self.keyring) if source]
        if len(given) != 1:
            raise UsageError("more than one source for the API key", why=f"{len(given)} were given")

    def read(self, environ: Mapping[str, str]) -> str:
        """The key, which is masked from now on. Raises UsageError that names the place: there is none, or no key."""
        if self.variable:
            key = self._from_environment(environ)
        else:
            key = self._from_file() if self.file else self._from_keyring()
        # before it is checked: the message of a refused key must not show it either
        add_secret(key)
        return checked_key(key, self.place)

    @property
    def place(self) -> str:
        """Where it is, as a message names it."""
        return self.variable or self.file or f"the keyring under {self.keyring}"

    def _from_environment(self, environ: Mapping[str, str]) -> str:
        # a line break from $(cat key) is nobody's intention
        value = environ.get(self.variable or "", "").strip()
        if not value:
            raise UsageError(f"the environment variable {self.variable} is not set", hint=f"export {self.variable}=...")
        return value

    def _from_file(self) -> str:
        try:
            value = read_text(self.file or "").strip()
        except InputError as error:
            raise UsageError(f"the key file {self.file} cannot be read", why=error.why, hint=error.hint) from error
        if not value:
            raise UsageError(f"the key file {self.file} is empty")
        return value

    def _from_keyring(self) -> str:
        try:
            import keyring
            import keyring.errors
        except ImportError as error:
            why = "the package keyring is not installed"
            raise UsageError("the keyring cannot be read", why=why, hint=install_command("keyring")) from error
        # Keyrings index by service and user; a bare service gets a user of our own.
        service, _, user = (self.keyring or "").partition("/")
        try:
            value: str | None = keyring.get_password(service, user or "api-key")
        except keyring.errors.KeyringError as error:
            raise UsageError("the keyring cannot be read", why=str(error)) from error
        if not value:
            raise UsageError(f"the keyring has no key for {self.keyring}")
        return value
