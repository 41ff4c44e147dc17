"""What a limited event does, in a few lines of Python, and the same facts as a repository has them."""

from __future__ import annotations

from event_registration.model import Status


def seen(repository, event_id):
    """Return what a repository says: the capacity, who is confirmed, and who waits in which order."""
    rows = list(repository.list(event_id))
    waiting = sorted((each for each in rows if each.status is Status.WAITLISTED), key=lambda each: each.place)
    return (
        repository.find_event(event_id).event.capacity,
        {each.attendee_email for each in rows if each.status is Status.CONFIRMED},
        [each.attendee_email for each in waiting],
    )


class EventModel:
    """Who is confirmed, and who waits in which order."""

    def __init__(self, capacity, *, waitlist):
        self.capacity = capacity
        self.waitlist = waitlist
        self.confirmed = set()
        self.waiting = []

    def copy(self):
        """Return another one like it."""
        other = EventModel(self.capacity, waitlist=self.waitlist)
        other.confirmed, other.waiting = set(self.confirmed), list(self.waiting)
        return other

    def register(self, person):
        """Let a person in, at the end of the queue if need be."""
        if person in self.confirmed or person in self.waiting:
            return
        if len(self.confirmed) < self.capacity and not self.waiting:
            self.confirmed.add(person)
        elif self.waitlist:
            self.waiting.append(person)

    def cancel(self, person):
        """Let a person go."""
        self.confirmed.discard(person)
        self.waiting = [each for each in self.waiting if each != person]
        self.settle()

    def resize(self, capacity):
        """Change the number of seats."""
        self.capacity = capacity
        self.settle()

    def settle(self, most=1000):
        """Give free seats to who waits, to so many at most."""
        for _ in range(min(most, self.capacity - len(self.confirmed))):
            if self.waiting:
                self.confirmed.add(self.waiting.pop(0))

    def seen(self):
        """Return all that it knows."""
        return self.capacity, self.confirmed, self.waiting
