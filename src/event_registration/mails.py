"""What an organiser sees of an event's mails and does about them: how they stand, what is sent again, how they look."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from event_registration.clock import utc_now
from event_registration.composing import Composer
from event_registration.confirmation import render
from event_registration.errors import EventCancelledError, RepositoryUnavailableError, UnreadableRowError
from event_registration.mail import TEMPORARY, UNREADABLE, MailState
from event_registration.organiser import Organiser
from event_registration.samples import SAMPLE_LINKS, SAMPLE_SENDER, sample_registration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime
    from typing import TypeAlias

    from event_registration.confirmation import Renderer
    from event_registration.listing import Listing
    from event_registration.mail import Mail, MailKind
    from event_registration.message import Message
    from event_registration.model import Registration
    from event_registration.outbox import Outbox
    from event_registration.ports import Clock, EventRepository

    Watch: TypeAlias = Callable[[Iterator[Registration]], Iterable[Registration]]

__all__ = ["OTHER_REASONS", "UNRECORDED", "MailStatus", "Mails", "Retried", "is_blocked", "owed_since"]

UNRECORDED = "unrecorded"
"""Why a mail failed that a version before there were reasons has given up."""

OTHER_REASONS = "other reasons"
"""What all reasons are counted under beyond the first twenty."""

_MOST_REASONS = 20
_TRIES = 5
_OVERDUE_AFTER = timedelta(hours=1)
_RETURNED = frozenset({MailState.BOUNCED, MailState.COMPLAINED})
_EXPLAINED = (MailState.FAILED, MailState.RETRY)


@frozen(kw_only=True)
class MailStatus:
    """
    How the mails of an event stand.

    Args:
        counts: How many registrations there are whose mail is in each state.
        reasons: Why mails failed for good, or wait for another try: how many by each reason, by these two states.
        oldest: The registration that has been waiting the longest for its mail, if any does.
        again: How many `Mails.retry` would let be due.
        overdue: How many could have been sent an hour ago. More are due than may be sent, nobody sends, or nobody finds
            them.
    """

    counts: Mapping[MailState, int]
    reasons: Mapping[MailState, Mapping[str, int]]
    oldest: Registration | None = None
    again: int = 0
    overdue: int = 0


@frozen
class Retried:
    """
    What came of asking for mails once more.

    Args:
        due: How many are due now.
        blocked: How many were left alone because their recipients get no mail any more.
        untrue: How many were left alone because they aren't true any more: the event was called off.
    """

    due: int = 0
    blocked: int = 0
    untrue: int = 0


class _Verdict(StrEnum):
    """What is to be done about a registration's mail."""

    NOTHING = "nothing"
    AGAIN = "again"
    BLOCKED = "blocked"
    UNTRUE = "untrue"


def is_blocked(mail: Mail) -> bool:
    """Tell whether *mail* came back for good, or was not sent because an earlier one to its recipient had."""
    if mail.state is MailState.FAILED:
        return mail.reason in _RETURNED
    return mail.state in _RETURNED and mail.reason != TEMPORARY


def owed_since(registration: Registration) -> datetime | None:
    """Return since when at least its mail has been owed: that of a later debt is known by its last attempt alone."""
    mail = registration.mail
    if mail.number == 1:
        return registration.registered_at
    return mail.due_at if mail.attempted_at is None else mail.attempted_at


def _readable(found: Iterator[Registration], met_unreadable: Callable[[], None]) -> Iterator[Registration]:
    while True:
        try:
            yield next(found)
        except StopIteration:
            return
        except UnreadableRowError:
            met_unreadable()


def _unwatched(people: Iterator[Registration]) -> Iterable[Registration]:
    return people


class Mails:
    """
    The mails of events, as an organiser sees them.

    It sends none: what it lets be due the server or the function sends.

    Args:
        repository: Where events and registrations are kept.
        outbox: What mails they owe.
        clock: Tells the time.
    """

    def __init__(self, repository: EventRepository, outbox: Outbox, *, clock: Clock = utc_now) -> None:
        self._repository = repository
        self._organiser = Organiser(repository, clock=clock)
        self._outbox = outbox
        self._clock = clock

    def status(self, event_id: str, *, watch: Watch = _unwatched) -> MailStatus:
        """
        Return how the mails of an event stand, by reading all its registrations, one after the other.

        Args:
            event_id: The event, which may be one that nobody has set up.
            watch: Gets the registrations and passes them on, to show how far it has come.

        Raises:
            UnknownEventError: There is no such event, and nobody is registered for it.
            RepositoryError: The repository failed.
        """
        counts = dict.fromkeys(MailState, 0)
        reasons: dict[MailState, Counter[str]] = {state: Counter() for state in _EXPLAINED}

        def met_unreadable() -> None:
            counts[MailState.FAILED] += 1
            _count(UNREADABLE, reasons[MailState.FAILED])

        people = self._people(event_id, met_unreadable)
        listing = self._repository.find_event(event_id)
        oldest: tuple[datetime, Registration] | None = None
        again = overdue = 0
        now = self._clock()
        for person in watch(people):
            mail = person.mail
            counts[mail.state] += 1
            if mail.state in _EXPLAINED:
                _count(mail.reason or UNRECORDED, reasons[mail.state])
            since = owed_since(person)
            if mail.is_pending and since and (oldest is None or since < oldest[0]):
                oldest = since, person
            overdue += _is_overdue(mail, now)
            again += _verdict(person, listing, now) is _Verdict.AGAIN
        return MailStatus(
            counts=counts,
            reasons={state: _most_frequent_first(reasons[state]) for state in _EXPLAINED},
            oldest=oldest[1] if oldest else None,
            again=again,
            overdue=overdue,
        )

    def retry(self, event_id: str, *, watch: Watch = _unwatched) -> Retried:
        """
        Let all mails of an event that failed be due anew, and those that wait for another try at once.

        So are those that whoever began to send them has left for an hour, as rows of 0.1.0, which no sweep finds.
        What they say is where their registration stands then. It may be killed at any moment, and called again: what
        is due or sent by then stays as it is.

        Args:
            event_id: The event, which may be one that nobody has set up.
            watch: Gets the registrations and passes them on, to show how far it has come.

        Raises:
            UnknownEventError: There is no such event, and nobody is registered for it.
            RepositoryError: The repository failed. Calling again does the rest.
        """
        people = self._people(event_id)
        listing = self._repository.find_event(event_id)
        return _retried(Counter(self._again(person, listing) for person in watch(people)))

    def retry_for(self, event_id: str, attendee_email: str, *, unblock: bool = False) -> Retried:
        """
        Do the same for the mail of one person.

        Args:
            event_id: The event.
            attendee_email: The person's address, in any spelling.
            unblock: Whether the address gets mails again though one came back or was complained about: its mail of
                this event is due if it was one that came back, and later ones of any event are sent.

        Raises:
            UnknownEventError: There is no such event.
            UnknownRegistrationError: Nobody of this address is registered for it.
            RepositoryError: The repository failed. The same call does the rest.
        """
        person = self._organiser.registration(event_id, attendee_email)
        if unblock:
            self._outbox.unblock(self._repository.digest_of(person.attendee_email))
        verdict = self._again(person, self._repository.find_event(event_id), unblock=unblock)
        return _retried(Counter([verdict]))

    def preview(
        self,
        event_id: str,
        kind: MailKind,
        *,
        locale: str | None = None,
        renderer: Renderer = render,
        templates: Mapping[str, str] | None = None,
    ) -> Message:
        """
        Return a mail as somebody would get it: about the event as it is, to a person and with a link that are samples.

        Args:
            event_id: The event.
            kind: What the mail tells.
            locale: The person's language, a BCP 47 tag.
            renderer: Writes it, with the languages and templates that there are.
            templates: What the event's own templates are to be taken for, if it is not what they are.

        Raises:
            UnknownEventError: There is no such event, and nobody is registered for it.
            EventCancelledError: The event was called off, and nobody gets a mail of this kind.
            RepositoryError: The repository failed.
        """
        listing = self._repository.find_event(event_id)
        if listing is None:
            event_name = next(iter(self._organiser.stream_registrations(event_id))).event_name
            sample = sample_registration(event_id, event_name, kind)
            return Composer(renderer=renderer)(sample.changed(locale=locale))
        if not listing.may_tell(kind):
            raise EventCancelledError("The event was called off: nobody gets such a mail any more.")
        event = listing.event
        sample = sample_registration(event_id, event.event_name, kind, questions=event.questions)
        compose = Composer(
            self._repository, links=SAMPLE_LINKS, renderer=renderer, sender=SAMPLE_SENDER, clock=self._clock
        )
        return compose.about(
            listing if templates is None else evolve(listing, templates=templates), sample.changed(locale=locale)
        )

    def _people(self, event_id: str, met_unreadable: Callable[[], None] = lambda: None) -> Iterator[Registration]:
        """Return all registrations of an event that can be read: one that can't keeps nobody's mail back."""
        found = self._repository.list(event_id)
        people = _readable(found, met_unreadable)
        for first in people:
            return chain([first], people)
        self._organiser.event(event_id)  # nobody is registered: is there an event?
        return people

    def _again(self, person: Registration, listing: Listing | None, *, unblock: bool = False) -> _Verdict:
        """Let a registration's mail be due, if it is to be, and return whether it was."""
        current: Registration | None = person
        for _ in range(_TRIES):
            now = self._clock()
            verdict = _verdict(current, listing, now, unblock=unblock) if current else _Verdict.NOTHING
            if current is None or verdict is not _Verdict.AGAIN:
                return verdict
            if self._outbox.mark(current, _due(current.mail, now)):
                return verdict
            current = self._repository.find(person.event_id, person.attendee_email)
        raise RepositoryUnavailableError("The registration changes all the time.")


def _verdict(registration: Registration, listing: Listing | None, now: datetime, *, unblock: bool = False) -> _Verdict:
    mail = registration.mail
    is_late = mail.state is MailState.RETRY and not mail.is_claimable(now)
    if not (mail.state is MailState.FAILED or mail.state in _RETURNED or is_late or _is_forgotten(mail, now)):
        return _Verdict.NOTHING
    if is_blocked(mail) and not unblock:
        return _Verdict.BLOCKED
    # What takes its place is owed by whoever isn't told yet, and was sent to the others.
    return _Verdict.AGAIN if listing is None or listing.may_tell(mail.kind) else _Verdict.UNTRUE


def _due(mail: Mail, now: datetime) -> Mail:
    """Return *mail* as it is due: as the same debt if that waits for another try, else as a new one of its kind."""
    return evolve(mail, due_at=now) if mail.state is MailState.RETRY else mail.owing(mail.kind, now)


def _is_overdue(mail: Mail, now: datetime) -> bool:
    return mail.is_pending and (mail.due_at is None or now - mail.due_at >= _OVERDUE_AFTER)


def _is_forgotten(mail: Mail, now: datetime) -> bool:
    """Tell whether an overdue *mail* was begun and not ended, by who died or by 0.1.0, which had no list of them."""
    is_begun = mail.state is MailState.CLAIMED or (mail.state is MailState.DUE and mail.attempted_at is not None)
    return _is_overdue(mail, now) and (is_begun or mail.due_at is None)


def _count(reason: str, counts: Counter[str]) -> None:
    """Count *reason*, of which an adapter of anyone's making may have a different one for each mail."""
    counts[reason if reason in counts or len(counts) < _MOST_REASONS else OTHER_REASONS] += 1


def _most_frequent_first(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _retried(verdicts: Counter[_Verdict]) -> Retried:
    return Retried(verdicts[_Verdict.AGAIN], verdicts[_Verdict.BLOCKED], verdicts[_Verdict.UNTRUE])
