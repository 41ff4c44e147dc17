"""What an `EventRepository` promises of an event's news, as tests to inherit."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from event_registration.mail import Mail, MailKind, MailState
from event_registration.testing.contracts import RepositoryContract
from event_registration.testing.doubles import make_event
from event_registration.testing.guests import NOW, admit, cancel, current, found, guest, mailed, set_up

if TYPE_CHECKING:
    from event_registration.listing import Listing
    from event_registration.ports import EventRepository

__all__ = ["TellingContract", "change_with_news"]

_ID = "devconf-2026"
_MINUTE = timedelta(minutes=1)
_MOMENT = timedelta(microseconds=1)
_LATER = datetime(2026, 6, 1, 19, 0, tzinfo=UTC)


def change_with_news(repository: EventRepository, now: datetime = NOW, **changes: Any) -> Listing:  # noqa: ANN401 - the fields differ in type
    """Change the event so that everybody who is registered is to be told; by default it ends later."""
    old = current(repository)
    changes = changes or {"event": evolve(old.event, ends_at=_LATER)}
    return repository.change_event(old, evolve(old, news=old.revision + 1, telling="", **changes), now)


class TellingContract(RepositoryContract):
    """What every `EventRepository` promises of telling an event's news, for one caller at a time."""

    @pytest.fixture
    def repository(self) -> EventRepository:
        """Return an empty repository."""
        raise NotImplementedError("override the fixture `repository`")

    def test_keeps_news(self, repository: EventRepository) -> None:
        """An event keeps that it has news, and that all were told it; other changes leave both as they are."""
        set_up(repository)

        listing = change_with_news(repository)

        assert (listing.news, listing.telling) == (listing.revision, "")
        assert current(repository) == listing
        assert list(repository.list_events()) == [listing]
        renamed = repository.change_event(
            listing, evolve(listing, event=evolve(listing.event, event_name="New")), NOW - _MINUTE
        )
        assert (renamed.news, renamed.telling) == (listing.revision, "")
        repository.tell(_ID, NOW)
        assert current(repository) == evolve(renamed, telling=None)
        assert list(repository.list_events()) == [current(repository)]

    def test_tells_everybody_once(self, repository: EventRepository) -> None:
        """Who is confirmed and who waits owe the news once, from now on; nothing else of them changes."""
        listing = set_up(repository, capacity=1, waitlist=True)
        admit(repository, listing, "ada", "bob")
        mailed(repository, "ada", "bob")
        people = [found(repository, name) for name in ("ada", "bob")]
        news = change_with_news(repository).news
        now = NOW + _MINUTE

        told = [repository.tell(_ID, now), repository.tell(_ID, now), repository.tell(_ID, now + _MINUTE)]

        assert told == [2, 0, 0]
        moved = Mail(kind=MailKind.MOVED, number=2, due_at=now)
        assert [found(repository, name) for name in ("ada", "bob")] == [
            evolve(each, told_of=news, mail=moved) for each in people
        ]

    def test_waits_for_a_minute_without_changes(self, repository: EventRepository) -> None:
        """News is told a minute after the last change, whatever that was, so that one mail tells of several."""
        admit(repository, set_up(repository), "ada")
        change_with_news(repository)
        listing = current(repository)
        repository.change_event(
            listing, evolve(listing, event=evolve(listing.event, event_name="New")), NOW + _MINUTE / 2
        )

        assert repository.tell(_ID, NOW + _MINUTE) == 0
        assert repository.tell(_ID, NOW + _MINUTE * 3 / 2 - _MOMENT) == 0
        assert repository.tell(_ID, NOW + _MINUTE * 3 / 2) == 1

    def test_has_nothing_to_tell(self, repository: EventRepository) -> None:
        """Where there is no event, or nothing has changed that attendees must know, nobody owes anything."""
        assert repository.tell(_ID, NOW) == 0
        listing = set_up(repository)
        admit(repository, listing, "ada")
        repository.change_event(listing, evolve(listing, event=evolve(listing.event, event_name="New")), NOW)

        assert repository.tell(_ID, NOW + _MINUTE) == 0

        assert found(repository, "ada").mail.kind is MailKind.CONFIRMED

    def test_tells_an_event_that_nobody_attends(self, repository: EventRepository) -> None:
        """News of an event without registrations is told, and over."""
        set_up(repository)
        change_with_news(repository)

        assert repository.tell(_ID, NOW + _MINUTE) == 0

        assert current(repository).telling is None

    def test_tells_nobody_who_left_or_knows(self, repository: EventRepository) -> None:
        """Who has cancelled owes no news, nor does who came, or came back, after the change."""
        admit(repository, set_up(repository), "ada", "bob", "cleo")
        mailed(repository, "cleo")
        cancel(repository, "ada", "bob")
        listing = change_with_news(repository)
        for name in ("bob", "dan"):
            repository.admit(evolve(guest(name), told_of=listing.revision), listing)

        told = repository.tell(_ID, NOW + _MINUTE)

        assert told == 1
        kinds = {each.attendee_name: each.mail.kind for each in repository.list(_ID)}
        assert kinds == {
            "ada": MailKind.CANCELLED,
            "bob": MailKind.CONFIRMED,
            "cleo": MailKind.MOVED,
            "dan": MailKind.CONFIRMED,
        }

    def test_tells_that_it_was_called_off(self, repository: EventRepository) -> None:
        """What was called off is told as that, though it was moved just before; and nothing else is told besides."""
        admit(repository, set_up(repository), "ada")
        change_with_news(repository)
        change_with_news(repository, NOW + _MINUTE / 2, is_cancelled=True)

        told = repository.tell(_ID, NOW + 2 * _MINUTE)

        assert told == 1
        assert found(repository, "ada").mail == Mail(kind=MailKind.CALLED_OFF, number=2, due_at=NOW + 2 * _MINUTE)

    def test_tells_further_news(self, repository: EventRepository) -> None:
        """A change after the news of another one was told is told, too."""
        admit(repository, set_up(repository), "ada")
        change_with_news(repository)
        assert repository.tell(_ID, NOW + _MINUTE) == 1
        change_with_news(repository, NOW + _MINUTE, is_cancelled=True)

        assert repository.tell(_ID, NOW + 2 * _MINUTE) == 1

        ada = found(repository, "ada")
        assert (ada.mail.kind, ada.mail.number, ada.told_of) == (MailKind.CALLED_OFF, 3, current(repository).news)

    def test_tells_nothing_of_what_is_over(self, repository: EventRepository) -> None:
        """Once an event has ended nobody is told of it any more."""
        admit(repository, set_up(repository), "ada")
        change_with_news(repository)

        assert repository.tell(_ID, _LATER) == 0
        assert repository.tell(_ID, _LATER - _MOMENT) == 1

    @pytest.mark.parametrize(
        ("state", "due_at", "kind"),
        [
            ("sent", NOW, MailKind.MOVED),
            ("failed", NOW, MailKind.MOVED),
            ("retry", NOW, MailKind.CONFIRMED),
            ("due", NOW + _MINUTE, MailKind.CONFIRMED),
            ("claimed", NOW + _MINUTE, MailKind.MOVED),
        ],
    )
    def test_keeps_news_from_overtaking(
        self, repository: EventRepository, state: str, due_at: datetime, kind: MailKind
    ) -> None:
        """
        News takes the place of an earlier mail, and waits if that is being sent.

        A mail that has yet to say where the registration stands stays, and says both.
        """
        (ada,) = admit(repository, set_up(repository), "ada")
        is_pending = state in {"retry", "due", "claimed"}
        earlier = Mail(state=MailState(state), number=5, attempts=1, due_at=NOW + _MINUTE if is_pending else None)
        assert repository.replace(ada, evolve(ada, mail=earlier))
        change_with_news(repository, NOW - _MINUTE)

        assert repository.tell(_ID, NOW) == 1

        assert found(repository, "ada").mail == Mail(kind=kind, number=6, due_at=due_at)

    def test_leaves_what_there_is_no_time_for(self, repository: EventRepository) -> None:
        """Past the deadline nobody is told, and the next call tells all."""
        admit(repository, set_up(repository), "ada", "bob")
        change_with_news(repository)

        late = repository.tell(_ID, NOW + _MINUTE, deadline=time.monotonic() - 1)

        assert late == 0
        assert repository.tell(_ID, NOW + _MINUTE, deadline=time.monotonic() + 5) == 2  # noqa: PLR2004 - both

    def test_changes_the_size_while_telling(self, repository: EventRepository) -> None:
        """A capacity that rises together with news, or after it, promotes and tells: the newest is what is owed."""
        admit(repository, set_up(repository, capacity=1, waitlist=True), "ada", "bob")
        change_with_news(repository, event=make_event(capacity=2, waitlist=True, ends_at=_LATER))
        assert repository.settle(_ID, NOW) == 1

        assert repository.tell(_ID, NOW + _MINUTE) == 2  # noqa: PLR2004 - both

        assert [found(repository, name).mail.number for name in ("ada", "bob")] == [2, 3]
        assert current(repository).telling is None
