"""Writes the mail that a registration owes, by what its event is now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from attrs import evolve

from event_registration.calendar import calendar_entry
from event_registration.catalogue import Catalogue
from event_registration.clock import utc_now
from event_registration.confirmation import render
from event_registration.errors import OutdatedMailError, PermanentNotifierError, UnknownEventError
from event_registration.feedback import reference_of
from event_registration.links import Link, end_of_links
from event_registration.mail import MailKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from event_registration.confirmation import Renderer
    from event_registration.links import Links
    from event_registration.listing import Listing
    from event_registration.message import Message
    from event_registration.model import Registration
    from event_registration.ports import Clock, EventRepository

__all__ = ["Composer"]


class Composer:
    """
    Writes mails about events that are set up, and plain ones about those that nobody has.

    Args:
        events: Where they are kept; ``None`` if nobody sets any up.
        links: Signs the links in mails; without it mails have none.
        renderer: Writes them, in the languages and with the templates that there are.
        sender: Whom mails come from, bare or as ``Name <address>``; without it they have no calendar entry, which needs
            an identity and an organiser.
        cache_seconds: How long an event that was read is good for.
        clock: Tells when a calendar entry was written.
        monotonic: The clock of deadlines and of the age of events, in seconds.
    """

    def __init__(  # noqa: PLR0913 - all keyword-only but the first
        self,
        events: EventRepository | None = None,
        *,
        links: Links | None = None,
        renderer: Renderer = render,
        sender: str | None = None,
        cache_seconds: float = 5.0,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._events = events
        self._catalogue = None if events is None else Catalogue(events, seconds=cache_seconds, monotonic=monotonic)
        self._links = links
        self._render = renderer
        self._sender = sender
        self._clock = clock

    def __call__(self, registration: Registration, deadline: float | None = None) -> Message:
        """
        Return the mail that *registration* owes.

        Args:
            registration: Whose mail.
            deadline: The instant of *monotonic* by which its event must be read.

        Raises:
            OutdatedMailError: Its event was called off, and the mail that says so takes the place of this one.
            PermanentNotifierError: Its event was called off, and nothing more is to be said.
            RepositoryError: The event or the keys of links can't be read.
        """
        listing = self._listing(registration, deadline)
        if listing is None:
            message = self._render(registration, sender=self._sender)
        else:
            message = self.about(listing, registration)
        return evolve(message, reference=reference_of(registration.event_id, registration.mail.number))

    def _listing(self, registration: Registration, deadline: float | None) -> Listing | None:
        if self._catalogue is None:
            return None
        try:
            # What a mail counts as told of it must tell: who registered may have seen a newer event than is remembered.
            return self._catalogue.find(registration.event_id, at_least=registration.told_of, deadline=deadline)
        except UnknownEventError:
            return None

    def about(self, listing: Listing, registration: Registration) -> Message:
        """
        Return the mail that *registration* owes, about its event as *listing* has it.

        Raises:
            OutdatedMailError: As above.
            PermanentNotifierError: As above.
            RepositoryError: The keys of links can't be read.
        """
        if not listing.may_tell(registration.mail.kind):
            if listing.telling is None or listing.news_for(registration) is None:
                raise PermanentNotifierError("The event was called off.")
            raise OutdatedMailError("The event was called off; the mail that says so is on its way.")
        event = listing.event
        link = self._link(registration, listing)
        message = self._render(
            registration.changed(event_name=event.event_name),
            event=event,
            link=link,
            answers=event.questionnaire.summary(registration.answers) if event.questionnaire else (),
            templates=listing.templates,
            sender=self._sender,
        )
        if self._sender is None:
            return message
        hint = self._render.language_of(registration).texts["calendar"] if link else ""
        entry = calendar_entry(registration, event, sender=self._sender, now=self._clock(), description=hint)
        return evolve(message, attachments=(entry,)) if entry else message

    def _link(self, registration: Registration, listing: Listing) -> str | None:
        if self._events is None or self._links is None or registration.mail.kind is MailKind.CANCELLED:
            return None
        language = self._render.language_of(registration).code if registration.locale else None
        link = Link(
            registration.event_id,
            self._events.digest_of(registration.attendee_email),
            registration.link_generation,
            int(end_of_links(listing.event).timestamp()),
        )
        return self._links.address_of(link, language=language)
