"""What has to be read in, or taken out of, a session description."""

from __future__ import annotations

_CANDIDATES = ("a=candidate:", "a=end-of-candidates")
_MAX_MESSAGE_SIZE = "a=max-message-size:"
_DEFAULT_MAX_MESSAGE_BYTES = 65_536  # RFC 8841, section 6.1


def without_candidates(sdp: str) -> str:
    """The description without addresses: its reader finds out where its writer is when that one calls.

    An offer of the reference's has none either; ours would name every address of this machine.
    """
    return "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith(_CANDIDATES))


def max_message_bytes(sdp: str) -> int | None:
    """The largest message that the writer of a description takes; None: any."""
    for line in sdp.splitlines():
        if line.startswith(_MAX_MESSAGE_SIZE):
            text = line.removeprefix(_MAX_MESSAGE_SIZE).strip()
            return (int(text) or None) if text.isdecimal() else _DEFAULT_MAX_MESSAGE_BYTES
    return _DEFAULT_MAX_MESSAGE_BYTES


def check_groups(sdp: str) -> None:
    """Raises ValueError where a group names a section that is not there, or a section has no name."""
    lines = [line.strip() for line in sdp.splitlines()]
    names = [line.removeprefix("a=mid:") for line in lines if line.startswith("a=mid:")]
    sections = sum(line.startswith("m=") for line in lines)
    grouped = {name for line in lines if line.startswith("a=group:BUNDLE") for name in line.split()[1:]}
    if len(names) != sections or len(set(names)) != sections or not grouped <= set(names):
        raise ValueError("its sections have not each a name of their own, or a group names none of them")
