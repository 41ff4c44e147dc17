"""Doubles, contract suites and a fault injector, for the tests of whoever builds on this package. Needs pytest."""

import pytest

# Before the import, so that a broken contract is explained like any assertion in a test module.
pytest.register_assert_rewrite("event_registration.testing.contracts")

from event_registration.testing.contracts import ConcurrentRepositoryContract, NotifierContract, RepositoryContract
from event_registration.testing.doubles import ManualClock, RecordingNotifier, at_once, make_registration
from event_registration.testing.faults import Faults

__all__ = [
    "ConcurrentRepositoryContract",
    "Faults",
    "ManualClock",
    "NotifierContract",
    "RecordingNotifier",
    "RepositoryContract",
    "at_once",
    "make_registration",
]
