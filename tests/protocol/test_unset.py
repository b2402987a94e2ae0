"""The value that says "not given"."""

from __future__ import annotations

import copy
import pickle

from rtcli.protocol.unset import UNSET


def test_it_is_false_and_says_what_it_is() -> None:
    """It reads well in a printed item, and `if value` treats it as nothing."""
    assert not UNSET
    assert repr(UNSET) == "UNSET"


def test_it_stays_the_only_one() -> None:
    """`is UNSET` is the test, so copies must be the same object."""
    assert copy.deepcopy(UNSET) is UNSET
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET
