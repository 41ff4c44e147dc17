"""A table, a mail service and a clock, processes that work with them and are killed, and what must be true then."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

import books
from attrs import Factory, frozen
from botocore.exceptions import ClientError
from killing import KILLS, Calls, in_child
from lean import LeanClient

from event_registration.aws import DynamoDBEventRepository, DynamoDBRepository, SESNotifier
from event_registration.aws.outbox import DynamoDBOutbox
from event_registration.aws.table import Table
from event_registration.composing import Composer
from event_registration.confirmation import render
from event_registration.errors import UnreadableRowError
from event_registration.feedback import Feedback, reference_of
from event_registration.links import Keyring, Link, Links, end_of_links
from event_registration.mail import MailState
from event_registration.mails import Mails
from event_registration.managed import EventRegistrationService
from event_registration.model import Status
from event_registration.organiser import Organiser
from event_registration.queues import Queues
from event_registration.relay import Relay
from event_registration.rules import attendee_digest
from event_registration.self_service import SelfService
from event_registration.service import RegistrationService
from event_registration.testing import ManualClock, make_registration
from event_registration.wire import registration_from_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from killing import Journal, Strike

    from event_registration.listing import Listing
    from event_registration.model import Registration

ID = "devconf-2026"
_RING = Keyring("k1", {"k1": "0123456789abcdefghijklmnopqrstuvwxyz"})
_ROUNDS = 24  # of five minutes: beyond a claim's lease and the first tries again
_SEND = "SendEmail"

PAUSED = "SendingPausedException"
"""What the mail service answers for now, and not any more when time has passed."""

REJECTED = "MessageRejected"
"""What it answers for good."""


@frozen
class Kind:
    """
    What processes are made of.

    Args:
        name: For people.
        is_managed: Whether there are events.
        is_inline: Whether who registers is mailed in that very call.
        outbox: The outbox.
        repository: Where registrations are kept.
    """

    name: str
    is_managed: bool = True
    is_inline: bool = False
    outbox: type[DynamoDBOutbox] = DynamoDBOutbox
    repository: type[DynamoDBRepository] = DynamoDBEventRepository

    @property
    def is_swept(self) -> bool:
        """Whether a schedule sends what is due. Otherwise people do who ask again."""
        return self.is_managed or not self.is_inline


OUTBOX = Kind("(outbox)")
INLINE = Kind("(inline)", is_inline=True)
OPEN = Kind("any event (outbox)", is_managed=False, repository=DynamoDBRepository)
OPEN_INLINE = Kind("any event (inline)", is_managed=False, is_inline=True, repository=DynamoDBRepository)


class _MailService:
    """
    SES, as its client has it.

    Args:
        calls: Makes the calls.
        refusal: The error that it answers with; ``None`` is that it takes mails.
    """

    def __init__(self, calls: Calls, refusal: str | None) -> None:
        self._calls = calls
        self._refusal = refusal

    def send_email(self, **mail: Any) -> dict[str, str]:
        """Take a mail."""
        if self._refusal:
            self._calls.make("SendEmail, refused", lambda: None)
            raise ClientError({"Error": {"Code": self._refusal}}, _SEND)
        taken = {
            "to": mail["Destination"]["ToAddresses"],
            "subject": mail["Content"]["Simple"]["Subject"]["Data"],
            # Where nobody sweeps, mails say nothing of debts: there is one.
            "reference": mail["EmailTags"][0]["Value"] if "EmailTags" in mail else reference_of(ID, 1),
        }
        # What is noted of the call is the mailbox.
        return self._calls.make(_SEND, lambda: {"MessageId": "taken"}, mail=taken)


class Process:
    """
    What one process is made of.

    Args:
        kind: What that is.
        client: DynamoDB.
        table: The table.
        calls: Makes the calls to the mail service.
        journal: Where it is noted what people were told.
        clock: The virtual present.
        refusal: What the mail service answers with.
    """

    def __init__(
        self,
        kind: Kind,
        client: Any,
        table: str,
        calls: Calls,
        journal: Journal,
        clock: ManualClock,
        refusal: str | None,
    ) -> None:
        self.clock = clock
        self._kind = kind
        self._journal = journal
        times: dict[str, Any] = {
            "monotonic": self.monotonic,
            "sleep": lambda seconds: clock.advance(seconds=seconds),
            "jitter": lambda: 0.0,  # without chance seats are sold in their order, and calls are the same each time
        }
        self.repository: Any = kind.repository(client, table, **times)
        self.outbox = kind.outbox(client, table, **times)
        links = Links(lambda _=None: _RING, "https://events.example.org/manage.html")
        self._links = links
        events = self.repository if kind.is_managed else None
        notifier = SESNotifier(_MailService(calls, refusal), "events@example.org")
        self.relay = Relay(
            self.outbox,
            notifier,
            compose=Composer(events, links=links, monotonic=self.monotonic),
            clock=clock,
            monotonic=self.monotonic,
            chance=Random(1).random,
        )
        self.feedback = Feedback(self.outbox)
        if not kind.is_managed:
            self.service: Any = RegistrationService(
                self.repository, notifier if kind.is_inline else None, clock=clock, monotonic=self.monotonic
            )
            return
        self.service = EventRegistrationService(
            self.repository, self.relay if kind.is_inline else None, clock=clock, monotonic=self.monotonic
        )
        self.queues = Queues(self.repository, clock=clock, monotonic=self.monotonic, chance=lambda: 0.0)
        self.self_service = SelfService(self.service, self.repository, links, clock=clock, monotonic=self.monotonic)
        self.organiser = Organiser(self.repository, clock=clock)
        self.mails = Mails(self.repository, self.outbox, clock=clock)

    def monotonic(self) -> float:
        """Return the virtual present in seconds."""
        return self.clock().timestamp()

    def register(self, name: str, **changes: Any) -> None:
        """Let the person *name* register, and note the answer when it is given."""
        asked = make_registration(attendee_name=name, attendee_email=f"{name}@example.org", **changes)
        told = self.service.register(asked).registration
        self._journal.note(told=told.attendee_email)

    def find(self, name: str) -> Registration:
        """Return the registration of the person *name*."""
        found = self.repository.find(ID, f"{name}@example.org")
        assert found is not None
        return found

    def token(self, name: str) -> str:
        """Return the link of the person *name* as the last mail has it."""
        found = self.find(name)
        expires_at = int(end_of_links(self.repository.find_event(ID).event).timestamp())
        digest = self.repository.digest_of(found.attendee_email)
        generation = found.link_generation - (found.status is Status.CANCELLED)
        return self._links.sign(Link(ID, digest, generation, expires_at))

    def work(self) -> None:
        """Do what the schedule asks for, or without one what people do who got no mail."""
        if self._kind.is_managed:
            self.queues.settle_all()
        if self._kind.is_swept:
            self.relay.sweep()
            return
        for each in self.repository.list(ID):
            self.register(each.attendee_name)


_NUMBERS = {reference_of(ID, number): number for number in range(1, 100)}


@frozen
class _Mail:
    to: str
    subject: str
    reference: str

    @property
    def number(self) -> int:
        """The number of the debt that it paid."""
        return _NUMBERS[self.reference]


@frozen
class World:
    """
    A table of its own, and what happens to it.

    Args:
        url: The engine.
        client: A client of it.
        table: The table.
        journal: What happens.
        kind: What processes are made of.
        clock: The virtual present.
        refusals: The last is what the mail service answers with, if there is one.
        kills: Of each kill whether it was between a mail and its mark.
    """

    url: str
    client: Any
    table: str
    journal: Journal
    kind: Kind = OUTBOX
    clock: ManualClock = Factory(ManualClock)
    refusals: list[str] = Factory(list)
    kills: list[bool] = Factory(list)

    def process(self) -> Process:
        """Return a process that nothing happens to, which is this one."""
        return self._process(self.client, Calls(self.journal))

    def run(self, act: Callable[[Process], None], strike: Strike | None = None) -> int:
        """Let another process *act*, and *strike* it; return how many calls it made that were carried out."""
        before = len(self._called())

        def work() -> None:
            client = LeanClient(self.url)
            calls = Calls(self.journal, strike)
            client.meta.events.register("before-send", _by(client, calls))
            act(self._process(client, calls))

        fate = strike.fate if strike else None
        in_child(work, fate, meanwhile=lambda: self.process().work())
        if strike and strike.fate in KILLS:
            self.kills.append(self._called()[before:][-1:] == [_SEND])
        return len(self._called()) - before

    def go_on(self) -> None:
        """Let time pass and the schedule do its work, until nothing is left to be done."""
        if PAUSED in self.refusals:
            self.refusals.remove(PAUSED)
        for _ in range(_ROUNDS):
            self.clock.advance(minutes=5)
            self.process().work()
            if not self._is_pending():
                return

    @property
    def unmarked(self) -> int:
        """How many processes were killed between sending a mail and marking it."""
        return sum(self.kills)

    @property
    def mails(self) -> list[_Mail]:
        """The mails that were sent."""
        sent = [line["mail"] for line in self.journal.read() if "mail" in line]
        return [_Mail(",".join(each["to"]), each["subject"], each["reference"]) for each in sent]

    @property
    def duplicates(self) -> int:
        """How many mails were sent of which there was one already."""
        return len(self.mails) - len({(each.to, each.reference) for each in self.mails})

    def outcome(self) -> dict[str, Any]:
        """Return where everybody stands, what they were told, and what the event is."""
        people = {
            each.attendee_email: (each.attendee_name, each.status, each.mail.kind, each.mail.number, each.mail.state)
            for each in self._rows()
        }
        addresses = {address: self._allowance(address) for address in people}
        listing = self._listing()
        event = listing and (listing.event, listing.is_cancelled, listing.resizing_to, listing.telling)
        return {"people": people, "addresses": addresses, "event": event}

    def violations(self) -> list[str]:
        """Return what is wrong when nothing is left to be done; each sentence says how."""
        rows = {each.attendee_email: each for each in self._rows()}
        stored = books.read(self.client, self.table, ID)
        addresses = {row["cemail"] for row in stored.people.values()}
        wrong = books.mistakes(stored, settled=True)
        wrong += [f"{address} was told and is not stored" for address in self._told() - addresses]
        wrong += [sentence for row in rows.values() for sentence in self._wrong_with(row)]
        by_person = defaultdict(list)
        for mail in self.mails:
            by_person[mail.to].append(mail.number)
        wrong += [f"{to} got the mails {numbers}" for to, numbers in by_person.items() if numbers != sorted(numbers)]
        wrong += [f"{to} is not registered and got a mail" for to in by_person if to not in rows]
        if self.duplicates > self.unmarked:
            wrong.append(f"{self.duplicates} mails were sent twice, and {self.unmarked} not marked")
        return wrong

    def _wrong_with(self, row: Registration) -> list[str]:
        mail, to = row.mail, row.attendee_email
        sent = [each for each in self.mails if each.to == to]
        numbers = [each.number for each in sent]
        wrong = [f"{to} got a mail of a debt that never was"] if max(numbers, default=0) > mail.number else []
        if mail.is_pending:
            wrong.append(f"the mail to {to} is {mail.state}")
        elif mail.state is MailState.FAILED:
            wrong += [f"the mail to {to} failed for no reason"] * (not mail.reason)
        elif _last(row) not in sent:
            wrong.append(f"{to} does not know: {mail.kind}")
        count = len(numbers) - len(set(numbers))
        return [*wrong, f"{to} got {len(numbers)} mails"] if count > self.unmarked else wrong

    def _process(self, client: Any, calls: Calls) -> Process:
        refusal = self.refusals[-1] if self.refusals else None
        return Process(self.kind, client, self.table, calls, self.journal, self.clock, refusal)

    def _called(self) -> list[str]:
        return [line["call"] for line in self.journal.read() if "call" in line]

    def _told(self) -> set[str]:
        return {line["told"] for line in self.journal.read() if "told" in line}

    def _rows(self) -> list[Registration]:
        rows = []
        for row in books.read(self.client, self.table, ID).people.values():
            with suppress(UnreadableRowError):
                rows.append(registration_from_row(row))
        return rows

    def _is_pending(self) -> bool:
        listing = self._listing()
        is_telling = listing is not None and listing.telling is not None
        return is_telling or any(row.mail.is_pending for row in self._rows())

    def _listing(self) -> Listing | None:
        return self.process().repository.find_event(ID) if self.kind.is_managed else None

    def _allowance(self, address: str) -> tuple[str | None, list[str]]:
        row = Table(self.client, self.table).get("#mail", attendee_digest(address)) or {}
        return row.get("blocked"), sorted(row.get("debts", ()))


def _last(row: Registration) -> _Mail:
    """Return the mail that tells what *row* says."""
    return _Mail(row.attendee_email, render(row).subject, reference_of(row.event_id, row.mail.number))


def _by(client: LeanClient, calls: Calls) -> Callable[..., Any]:
    def strike(request: Any, event_name: str, **_: Any) -> Any:
        return calls.make(event_name.rpartition(".")[2], lambda: client.send(request))

    return strike
