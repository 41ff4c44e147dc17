"""The second Lambda handler: sends what is due, as the table's stream and a schedule say, and hears what bounced."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from event_registration.aws import wiring
from event_registration.aws.clients import Clients
from event_registration.aws.sending import Sending
from event_registration.feedback import Feedback
from event_registration.pacing import Pacer
from event_registration.relay import Relay
from event_registration.settings import Settings
from event_registration.wire import prepare_reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from event_registration.outbox import Outbox
    from event_registration.ports import Notifier, RegistrationRepository

__all__ = ["make_stream_handler"]

# Nobody waits for this function: it hears SES out, since an answer that is lost can cost a second mail.
_SECONDS_TO_SEND = 21


def make_stream_handler(
    *,
    repository: RegistrationRepository | None = None,
    outbox: Outbox | None = None,
    notifier: Notifier | None = None,
    settings: Settings | None = None,
) -> Callable[[object, object], dict[str, Any]]:
    """
    Make the Lambda handler that sends the mails which `make_lambda_handler`'s leaves due in outbox mode.

    Three kinds of events may call it: the table's stream, with *ReportBatchItemFailures* and a filter on ``mail`` being
    ``due``; a scheduled rule, for what the stream has missed and what is to be tried again; and SES, by EventBridge,
    when a mail has bounced or was complained about.

    Call it once, at import. Each part that is left out is made of the environment, as for `make_lambda_handler`. The
    handler writes one JSON line per call to standard output, without personal data.

    Args:
        repository: Where registrations are kept; with managed events an `EventRepository`, which has the events.
        outbox: What is due.
        notifier: What sends mail.
        settings: What the operator decides.

    Returns:
        ``handler(payload, context)``. Of a stream's records it returns those that failed, because the table did.

    Raises:
        SettingsError: The environment is wrong or lacks the sender, and every problem is named; or it names
            certificates that can't be read.
        TypeError: Of *repository* and *outbox* only one is given.
    """
    if settings is None:
        required = ("sender",) if notifier is None else ()
        settings = Settings.from_environ(os.environ, required=required, refused=wiring.REFUSED)
    if (repository is None) != (outbox is None):
        raise TypeError("A repository and its outbox go together: they must name people alike.")
    clients = Clients()
    if repository is None or outbox is None:
        client = clients.dynamodb()
        repository, outbox = wiring.repository_of(settings, client), wiring.outbox_of(settings, client)
    quota = None
    if notifier is None:
        notifier, quota = wiring.ses_mailer(settings, clients, seconds_to_send=_SECONDS_TO_SEND)
    prepare_reading()
    relay = Relay(
        outbox,
        notifier,
        compose=wiring.composer_of(repository, settings, wiring.links_of(settings, clients)),
        pacer=Pacer(quota) if quota else None,
        seconds_to_send=_SECONDS_TO_SEND,
        mails_per_day=settings.mails_per_day,
    )
    return Sending(relay, Feedback(outbox)).take
