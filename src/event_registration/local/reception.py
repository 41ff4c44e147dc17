"""What a local server takes registrations for: any event that is named, or those that are set up in its folder."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from event_registration.api import Api
from event_registration.composing import Composer
from event_registration.confirmation import Renderer
from event_registration.errors import RepositoryError
from event_registration.local.worker import Done
from event_registration.managed import EventRegistrationService
from event_registration.queues import Queues
from event_registration.relay import Relay
from event_registration.self_service import SelfService
from event_registration.service import RegistrationService
from event_registration.settings import PREFIX, Confirmation, EventsMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from event_registration.api import Request
    from event_registration.links import Links
    from event_registration.outbox import Outbox
    from event_registration.ports import EventRepository, Notifier
    from event_registration.responses import Response
    from event_registration.settings import Settings

__all__ = ["Reception"]

_BUT_LIMITED = f", but none for those with a limit; they need {PREFIX}EVENTS={EventsMode.MANAGED}"


class Reception:
    """
    The API in the mode that holds, and the work that goes on beside it.

    Args:
        settings: What the operator decides.
        repository: Where events and registrations are kept.
        outbox: What mails they owe.
        notifier: What sends mail.
        links: Signs the links in mails of events that are set up, and reads them back.
        is_told: Whether the settings' mode holds. Otherwise registrations are taken for the events that are set up,
            and as long as there is none for any: whoever sets one up needn't say it twice, nor start anew.
    """

    def __init__(  # noqa: PLR0913 - all keyword-only but what it is made of
        self,
        settings: Settings,
        repository: EventRepository,
        outbox: Outbox,
        notifier: Notifier,
        *,
        links: Links,
        is_told: bool,
    ) -> None:
        self._repository = repository
        self._mode = settings.events if is_told else None
        self._queues = Queues(repository)
        render = Renderer.of_folder(settings.templates)
        self._relay = Relay(
            outbox,
            notifier,
            compose=Composer(repository, links=links, renderer=render, sender=settings.sender),
            mails_per_day=settings.mails_per_day,
        )
        is_inline = settings.confirmation is Confirmation.INLINE
        managed = EventRegistrationService(
            repository,
            self._relay if is_inline else None,
            event_ids=settings.event_ids,
            on_duplicate=settings.on_duplicate,
        )
        self_service = SelfService(managed, repository, links)
        unmanaged = RegistrationService(
            repository,
            notifier if is_inline else None,
            event_ids=settings.event_ids,
            on_duplicate=settings.on_duplicate,
            render=partial(render, sender=settings.sender),
        )
        self._apis = {
            EventsMode.OPEN: Api(unmanaged, allowed_origins=settings.allowed_origins),
            EventsMode.MANAGED: Api(
                managed,
                allowed_origins=settings.allowed_origins,
                managed=managed,
                self_service=self_service,
            ),
        }

    @property
    def mode(self) -> EventsMode:
        """The mode that holds now."""
        if self._mode is not None:
            return self._mode
        try:
            has_events = any(True for _ in self._repository.list_events())
        except RepositoryError:
            return EventsMode.MANAGED  # which asks the repository first, too, and answers what the trouble is
        if has_events:
            self._mode = EventsMode.MANAGED  # for good: events aren't deleted
        return self._mode or EventsMode.OPEN

    def describe(self) -> str:
        """
        Say in a line what registrations are taken for.

        Raises:
            RepositoryError: The repository failed.
        """
        if self.mode is EventsMode.MANAGED:
            return "managed: those that are set up"
        if self._mode is None:
            return "open: any that a registration names, until one is set up"
        limited = any(each.event.capacity is not None for each in self._repository.list_events())
        return f"open: any that a registration names{_BUT_LIMITED if limited else ''}"

    def handle(self, request: Request) -> Response:
        """Answer *request*."""
        return self._apis[self.mode].handle(request)

    def settle_all(self, _is_stopped: Callable[[], bool]) -> Done:
        """Serve the waiting lists, and let people owe the news of their events."""
        settled = self._queues.settle_all()
        return Done({"promoted": settled.promoted, "told": settled.told}, settled.troubles)

    def send_due(self, is_stopped: Callable[[], bool]) -> Done:
        """Send the mails that are due, until there is none or the server is to end."""
        swept = self._relay.sweep(is_stopped=is_stopped)
        return Done({"sent": swept.sent}, swept.troubles)
