"""What each port promises, as tests to inherit: an adapter outside this package can prove itself too."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from event_registration.attachment import Attachment
from event_registration.errors import NotifierError
from event_registration.mail import Mail, MailState
from event_registration.message import Message
from event_registration.model import Status
from event_registration.testing.doubles import at_once, make_registration

if TYPE_CHECKING:
    from collections.abc import Callable

    from event_registration.ports import Notifier, RegistrationRepository

__all__ = ["ConcurrentRepositoryContract", "NotifierContract", "RepositoryContract"]

_THREADS = 16


class RepositoryContract:
    """
    What every `RegistrationRepository` promises, for one caller at a time.

    Inherit from it and override the fixture `repository`.
    """

    @pytest.fixture
    def repository(self) -> RegistrationRepository:
        """Return an empty repository."""
        raise NotImplementedError("override the fixture `repository`")

    def test_stores_a_registration(self, repository: RegistrationRepository) -> None:
        """What was added is found again, every field as it was."""
        registration = make_registration(
            event_name="Fête du lac 🎉",
            attendee_name="山田 太郎",
            attendee_email="taro@münchen.example",
            status=Status.WAITLISTED,
            registered_at=datetime(2026, 3, 1, 12, 0, 0, 123456, UTC),
            revision=7,
            mail=Mail(state=MailState.FAILED, attempts=2, attempted_at=datetime(2026, 3, 1, 12, 5, tzinfo=UTC)),
        )

        added = repository.add(registration)

        assert added == registration
        assert repository.find(registration.event_id, registration.attendee_email) == registration

    def test_keeps_the_first_of_one_person(self, repository: RegistrationRepository) -> None:
        """A second registration of a person changes nothing and returns the first, however the address is spelt."""
        first = make_registration()
        repository.add(first)

        added = repository.add(make_registration(attendee_name="Eve", attendee_email=" ADA@Example.ORG "))

        assert added == first
        assert list(repository.list(first.event_id)) == [first]

    def test_recognises_its_own_earlier_success(self, repository: RegistrationRepository) -> None:
        """Adding the very same registration again, as after a lost answer, returns it as stored."""
        registration = make_registration()
        repository.add(registration)

        added = repository.add(registration)

        assert added == registration

    def test_keeps_people_and_events_apart(self, repository: RegistrationRepository) -> None:
        """Each person may register for each event; dots and tags of an address make another person."""
        registrations = [
            make_registration(event_id=event_id, attendee_email=email)
            for event_id in ("devconf-2026", "devconf-2027")
            for email in ("ada@example.org", "ada+tag@example.org", "a.da@example.org", "bob@example.org")
        ]

        for registration in registrations:
            repository.add(registration)

        by_email = {each.attendee_email: each for each in repository.list("devconf-2026")}
        assert by_email == {each.attendee_email: each for each in registrations[:4]}

    def test_finds_nobody_who_is_not_there(self, repository: RegistrationRepository) -> None:
        """An unknown person or event is nobody, not an error."""
        repository.add(make_registration())

        assert repository.find("devconf-2026", "bob@example.org") is None
        assert repository.find("other", "ada@example.org") is None
        assert list(repository.list("other")) == []

    def test_replaces_what_is_as_read(self, repository: RegistrationRepository) -> None:
        """A change of what is still as it was read is stored."""
        old = repository.add(make_registration())
        new = evolve(old, mail=Mail(state=MailState.SENT))

        replaced = repository.replace(old, new)

        assert replaced
        assert repository.find(old.event_id, old.attendee_email) == new

    def test_takes_a_deadline(self, repository: RegistrationRepository) -> None:
        """Both writes take the instant by which they must be over, as the service gives it."""
        deadline = time.monotonic() + 5
        old = repository.add(make_registration(), deadline=deadline)

        replaced = repository.replace(old, evolve(old, mail=Mail(attempts=1)), deadline=deadline)

        assert replaced

    @pytest.mark.parametrize(
        "change",
        [
            {"revision": 2},
            {"mail": Mail(attempts=1)},
            {"mail": Mail(number=2)},
            {"mail": Mail(state=MailState.CLAIMED)},
        ],
        ids=["the revision rose", "the attempts rose", "another mail is owed", "the mail was claimed"],
    )
    def test_replaces_nothing_that_changed(self, repository: RegistrationRepository, change: dict[str, Any]) -> None:
        """A change that comes second is refused and leaves the first."""
        old = repository.add(make_registration())
        first = evolve(old, **change)
        repository.replace(old, first)

        replaced = repository.replace(old, evolve(old, mail=Mail(state=MailState.FAILED)))

        assert not replaced
        assert repository.find(old.event_id, old.attendee_email) == first

    def test_replaces_nobody_who_is_not_there(self, repository: RegistrationRepository) -> None:
        """A change of a registration that was never stored stores nothing."""
        registration = make_registration()

        replaced = repository.replace(registration, registration)

        assert not replaced
        assert repository.find(registration.event_id, registration.attendee_email) is None


class ConcurrentRepositoryContract(RepositoryContract):
    """What a `RegistrationRepository` promises besides, when many callers use it at once."""

    def test_one_of_many_adds_wins(self, repository: RegistrationRepository) -> None:
        """Of many who add one person at once one is stored, and all are told the same one."""
        attempts = [make_registration() for _ in range(_THREADS)]

        answers = at_once(*(lambda attempt=attempt: repository.add(attempt) for attempt in attempts))

        (stored,) = repository.list("devconf-2026")
        assert answers == [stored] * _THREADS
        assert sum(answer == attempt for answer, attempt in zip(answers, attempts, strict=True)) == 1

    def test_one_of_many_changes_wins(self, repository: RegistrationRepository) -> None:
        """Of many who change the same state at once exactly one is told that it did."""
        old = repository.add(make_registration())
        claims = [evolve(old, mail=Mail(attempts=1)) for _ in range(_THREADS)]

        won = at_once(*(lambda claim=claim: repository.replace(old, claim) for claim in claims))

        assert sum(won) == 1


class NotifierContract:
    """
    What every `Notifier` promises.

    Inherit from it and override the fixtures.
    """

    @pytest.fixture
    def notifier(self) -> Notifier:
        """Return a notifier that works."""
        raise NotImplementedError("override the fixture `notifier`")

    @pytest.fixture
    def delivered(self) -> Callable[[], list[Message]]:
        """Return a function that reads back what *notifier* has handed over, in order."""
        raise NotImplementedError("override the fixture `delivered`")

    @pytest.fixture
    def broken_notifier(self) -> Notifier:
        """Return a notifier whose way out is blocked."""
        raise NotImplementedError("override the fixture `broken_notifier`")

    def test_delivers_what_it_was_given(self, notifier: Notifier, delivered: Callable[[], list[Message]]) -> None:
        """Recipient, subject and both bodies arrive as they were, in every script."""
        message = Message(
            to=f"{'a' * 64}@{'b' * 63}.{'c' * 63}.xn--mnchen-3ya.example",
            subject="Registration confirmed: Fête — 夏祭り 🎉 " + "long " * 30 + "end",
            text="Hello \u2068أحمد\u2069,\n\nline two\n",
            html="<!DOCTYPE html><html lang='en'><p>नमस्ते &amp; welcome</p></html>\n",
        )

        notifier.send(message)

        assert delivered() == [message]

    def test_delivers_what_is_attached(self, notifier: Notifier, delivered: Callable[[], list[Message]]) -> None:
        """Files arrive with their names, types and every octet, in their order."""
        calendar = "BEGIN:VCALENDAR\r\nX:Fête 夏祭り 🎉 \u2068أحمد\u2069\r\n.\r\nEND:VCALENDAR\r\n".encode()
        message = Message(
            to="ada@example.org",
            subject="s",
            text="t\n",
            html="<p>h</p>\n",
            attachments=(
                Attachment(
                    name="event.ics", media_type="text/calendar; method=REQUEST; charset=utf-8", content=calendar
                ),
                Attachment(name="data.bin", media_type="application/octet-stream", content=bytes(range(256))),
            ),
        )

        notifier.send(message)

        assert delivered() == [message]

    def test_delivers_headers(self, notifier: Notifier, delivered: Callable[[], list[Message]]) -> None:
        """Where answers go and what else the head says arrive as they were, words longer than a line among them."""
        message = Message(
            to="ada@example.org",
            subject="s",
            text="t\n",
            html="<p>h</p>\n",
            reply_to=f"{'a' * 64}@{'b' * 63}.{'c' * 63}.example.org",
            headers={
                "Auto-Submitted": "auto-generated",
                "List-Id": f'"{"a.b" * 40}" <{"c" * 63}.{"d" * 63}.example.org>',
                "X-Lines": "many words " * 70 + "a  b <c@example.org>, d;e",
                "X-Line": "x" * 870,
            },
        )

        notifier.send(message)

        assert delivered() == [message]

    @pytest.mark.parametrize("to", ["!#$%&'*+/=?^_`{|}~-@example.org", "a?=b=c?d@example.org"])
    def test_delivers_to_odd_addresses(
        self, notifier: Notifier, delivered: Callable[[], list[Message]], to: str
    ) -> None:
        """An address of unusual signs arrives as it was."""
        message = Message(to=to, subject="s", text="t\n", html="<p>h</p>\n")

        notifier.send(message)

        assert delivered() == [message]

    def test_delivers_each_once(self, notifier: Notifier, delivered: Callable[[], list[Message]]) -> None:
        """Two messages arrive as two, in their order."""
        messages = [Message(to=f"{n}@example.org", subject=f"s{n}", text="t\n", html="<p>h</p>\n") for n in range(2)]

        for message in messages:
            notifier.send(message)

        assert delivered() == messages

    def test_tells_what_it_can_not_do(self, broken_notifier: Notifier) -> None:
        """A message that can't be handed over raises an error of the port, without the address in it."""
        with pytest.raises(NotifierError) as caught:
            broken_notifier.send(Message(to="ada@example.org", subject="s", text="t\n", html="<p>h</p>\n"))

        assert "ada" not in str(caught.value)
