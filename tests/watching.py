"""Repositories watched: one that notes what is asked of it and fails where it is told to, and what SQLite is told."""

from __future__ import annotations

from collections import defaultdict

from event_registration.local import SQLiteEventRepository


def statements_of(repository, call):
    """Return the first word of each statement that *call* has SQLite carry out."""
    statements = []
    repository.database._connection.set_trace_callback(statements.append)
    call()
    repository.database._connection.set_trace_callback(None)
    return [each.split(" ", 1)[0] for each in statements]


class WatchedRepository(SQLiteEventRepository):
    """SQLite in memory that counts what is asked of it, and raises what it is told to."""

    def __init__(self):
        super().__init__(":memory:")
        self.calls = []
        self.deadlines = defaultdict(set)
        self.faults = {}

    def _call(self, name, deadline=None):
        self.calls.append(name)
        self.deadlines[name].add(deadline)
        if fault := self.faults.get(name):
            raise fault

    def find(self, event_id, attendee_email, *, deadline=None):
        """Count, then find or raise."""
        self._call("find", deadline)
        return super().find(event_id, attendee_email, deadline=deadline)

    def find_event(self, event_id, *, deadline=None):
        """Note the deadline, then find."""
        self.deadlines["find_event"].add(deadline)
        return super().find_event(event_id, deadline=deadline)

    def list_events(self):
        """Count, then list or raise."""
        self._call("list_events")
        return super().list_events()

    def admit(self, registration, listing, *, deadline=None):
        """Count, then admit or raise."""
        self._call("admit", deadline)
        return super().admit(registration, listing, deadline=deadline)

    def prospect(self, listing, *, deadline=None):
        """Count, then tell or raise."""
        self._call("prospect", deadline)
        return super().prospect(listing, deadline=deadline)

    def settle(self, event_id, now, *, deadline=None):
        """Count, then settle or raise; faults may be of one event."""
        self._call("settle", deadline)
        self._call(f"settle {event_id}", deadline)
        return super().settle(event_id, now, deadline=deadline)

    def tell(self, event_id, now, *, deadline=None):
        """Count, then tell or raise."""
        self._call("tell", deadline)
        return super().tell(event_id, now, deadline=deadline)
