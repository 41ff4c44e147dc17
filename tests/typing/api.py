"""What type checkers must accept of the public names; checked by mypy, never run."""

from event_registration import (
    Message,
    Receipt,
    Registration,
    RegistrationService,
    Settings,
    Status,
    make_lambda_handler,
)
from event_registration.aws import DynamoDBRepository, SESNotifier
from event_registration.local import MailboxNotifier, SQLiteRepository
from event_registration.testing import RecordingNotifier


class OwnNotifier:
    """A notifier of a team's own fits the port by its shape alone."""

    def send(self, message: Message) -> None:
        """Hand over."""


registration = Registration(
    event_id="devconf-2026",
    event_name="DevConf 2026",
    attendee_name="Ada Lovelace",
    attendee_email="ada@example.org",
)
status: Status = registration.status
service = RegistrationService(SQLiteRepository(":memory:"), OwnNotifier())
receipt: Receipt = service.register(registration, deadline=None)
RegistrationService(DynamoDBRepository(object(), "table"), SESNotifier(object(), "events@example.org"))
RegistrationService(SQLiteRepository("file.db"), MailboxNotifier("mails", "events@example.org"))
handler = make_lambda_handler(
    repository=SQLiteRepository(":memory:"), notifier=RecordingNotifier(), settings=Settings(sender="a@example.org")
)
answer = handler({}, None)
