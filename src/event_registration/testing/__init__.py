"""Doubles, contract suites and a fault injector, for the tests of whoever builds on this package. Needs pytest."""

import pytest

# Before the import, so that a broken contract is explained like any assertion in a test module.
pytest.register_assert_rewrite(
    *(
        f"event_registration.testing.{module}"
        for module in (
            "contracts",
            "guests",
            "catalogue_contracts",
            "admission_contracts",
            "leaving_contracts",
            "link_contracts",
            "queue_contracts",
            "resizing_contracts",
            "telling_contracts",
            "event_contracts",
            "allowance_contracts",
            "outbox_contracts",
        )
    )
)

from event_registration.testing.conflicts import Conflicts
from event_registration.testing.contracts import ConcurrentRepositoryContract, NotifierContract, RepositoryContract
from event_registration.testing.doubles import ManualClock, RecordingNotifier, at_once, make_event, make_registration
from event_registration.testing.event_contracts import ConcurrentEventRepositoryContract, EventRepositoryContract
from event_registration.testing.faults import Faults, KilledError
from event_registration.testing.outbox_contracts import ConcurrentOutboxContract, OutboxContract

__all__ = [
    "ConcurrentEventRepositoryContract",
    "ConcurrentOutboxContract",
    "ConcurrentRepositoryContract",
    "Conflicts",
    "EventRepositoryContract",
    "Faults",
    "KilledError",
    "ManualClock",
    "NotifierContract",
    "OutboxContract",
    "RecordingNotifier",
    "RepositoryContract",
    "at_once",
    "make_event",
    "make_registration",
]
