"""The mail that a registration owes is written by what its event is now."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

from event_registration.composing import Composer
from event_registration.errors import OutdatedMailError, PermanentNotifierError, RepositoryUnavailableError
from event_registration.feedback import reference_of
from event_registration.headers import headers_of
from event_registration.links import Keyring, Links
from event_registration.local import SQLiteEventRepository
from event_registration.mail import MailKind
from event_registration.model import Status
from event_registration.testing import ManualClock, make_event, make_registration
from event_registration.testing.guests import NOW, current, set_up

PAGE = "https://events.example.org/manage.html"
SENDER = "Events <events@example.org>"


def _keys(_key_id=None):
    return Keyring("k1", {"k1": "x" * 64})


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = SQLiteEventRepository(":memory:")
    yield repository
    repository.close()


@pytest.fixture
def compose(repository):
    """Return what writes mails about its events, with links and calendar entries."""
    links = Links(_keys, PAGE)
    return Composer(repository, links=links, sender=SENDER, cache_seconds=0.0, clock=ManualClock(NOW))


def _owing(kind, **changes):
    registration = make_registration(**changes)
    return evolve(registration, mail=registration.mail.owing(kind, NOW))


@pytest.mark.parametrize("kind", MailKind)
def test_each_mail_names_the_event_as_it_is_now(repository, compose, kind):
    """Whatever a mail tells, it calls the event by its present name and goes to its person."""
    set_up(repository, event_name="DevConf 26")

    message = compose(_owing(kind))

    assert message.to == "ada@example.org"
    assert message.subject.endswith("DevConf 26")
    assert "DevConf 26" in message.text


@pytest.mark.parametrize("kind", [kind for kind in MailKind if kind is not MailKind.CALLED_OFF])
def test_mails_say_when_and_where(repository, compose, kind):
    """A mail says when and where the event is, by the clocks of the place."""
    set_up(repository, venue="Hall 1")

    message = compose(_owing(kind))

    assert "Monday, 1 June 2026, 11:\u206000 to 19:\u206000 (\u2068Europe/Berlin\u2069)" in message.text
    assert "Hall 1" in message.text
    assert "Hall 1" in message.html


def test_an_event_of_several_days_says_when_it_ends(repository, compose):
    """The last day is named where it isn't the first."""
    set_up(repository, ends_at=datetime(2026, 6, 2, 15, tzinfo=UTC))

    message = compose(_owing(MailKind.CONFIRMED))

    assert "1 June 2026, 11:\u206000 to Tuesday, 2 June 2026, 17:\u206000" in message.text


def test_what_is_called_off_is_nowhere(repository, compose):
    """The mail that calls an event off names neither a time nor a place."""
    listing = set_up(repository, venue="Hall 1")
    repository.change_event(listing, evolve(listing, is_cancelled=True), NOW)

    message = compose(_owing(MailKind.CALLED_OFF))

    assert "Hall 1" not in message.text
    assert "2026, 11" not in message.text


@pytest.mark.parametrize("kind", MailKind)
def test_all_mails_but_a_cancellation_s_have_a_link(repository, compose, kind):
    """A mail has one link, to the page where its registration is managed; a cancelled one has nothing to manage."""
    set_up(repository)

    message = compose(_owing(kind))

    assert message.text.count("https://") == (0 if kind is MailKind.CANCELLED else 1)
    assert (PAGE in message.html) is (kind is not MailKind.CANCELLED)


@pytest.mark.parametrize("kind", [MailKind.CONFIRMED, MailKind.WAITLISTED, MailKind.PROMOTED, MailKind.MOVED])
def test_a_mail_that_is_not_true_any_more_waits(repository, compose, kind):
    """Once an event was called off, only the mail that says so is written: whatever else was due waits for it."""
    listing = set_up(repository)
    news = {"news": listing.revision + 1, "telling": ""}
    repository.change_event(listing, evolve(listing, is_cancelled=True, **news), NOW)

    with pytest.raises(OutdatedMailError):
        compose(_owing(kind))


@pytest.mark.parametrize("is_told", [False, True])
def test_a_mail_that_nothing_takes_the_place_of_fails(repository, compose, is_told):
    """If nobody is to be told that an event was called off, or the person has been, the mail will never be true."""
    listing = set_up(repository)
    news = {"news": listing.revision + 1, "telling": ""} if is_told else {}
    repository.change_event(listing, evolve(listing, is_cancelled=True, **news), NOW)

    with pytest.raises(PermanentNotifierError):
        compose(_owing(MailKind.PROMOTED, told_of=listing.revision + 1 if is_told else 0))


def test_a_mail_tells_what_it_counts_as_told_of(repository):
    """Who registered after a change is told of the event as changed, though what wrote the mail had read it before."""
    compose = Composer(repository)
    listing = set_up(repository, venue="Old Hall")
    compose(_owing(MailKind.CONFIRMED))
    changed = repository.change_event(listing, evolve(listing, event=evolve(listing.event, venue="New Hall")), NOW)

    message = compose(_owing(MailKind.CONFIRMED, told_of=changed.revision))

    assert "New Hall" in message.text


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (MailKind.CONFIRMED, "REQUEST"),
        (MailKind.PROMOTED, "REQUEST"),
        (MailKind.MOVED, "REQUEST"),
        (MailKind.CANCELLED, "CANCEL"),
        (MailKind.CALLED_OFF, "CANCEL"),
    ],
)
def test_a_mail_changes_its_reader_s_calendar(repository, compose, kind, method):
    """A mail about a seat has the event as it is now with it, as a calendar entry of the registration's own."""
    set_up(repository, event_name="DevConf 26", venue="Hall 1", contact="orga@example.org")
    registration = _owing(kind)

    (entry,) = compose(registration).attachments

    lines = entry.content.decode().splitlines()
    assert entry.media_type == f"text/calendar; method={method}; charset=utf-8"
    assert {
        f"METHOD:{method}",
        f"UID:{registration.registration_id}@example.org",
        "SEQUENCE:2",
        f"DTSTAMP:{NOW:%Y%m%dT%H%M%SZ}",
        "SUMMARY:DevConf 26",
        "LOCATION:Hall 1",
        "ORGANIZER:mailto:orga@example.org",
    } <= set(lines)


@pytest.mark.parametrize("kind", MailKind)
def test_no_link_is_in_a_calendar(repository, compose, kind):
    """What people share with others holds no link, nor what one is made of, though the mail has one."""
    set_up(repository)

    message = compose(_owing(kind))

    content = b"".join(each.content for each in message.attachments).decode().replace("\r\n ", "")
    assert "http" not in content
    assert "manage.html" not in content
    tokens = [line.rpartition("#")[2] for line in message.text.splitlines() if PAGE in line]
    assert all(token not in content for token in tokens)
    assert len(tokens) == (0 if kind is MailKind.CANCELLED else 1)


@pytest.mark.parametrize(("has_links", "says"), [(True, True), (False, False)])
def test_the_calendar_tells_where_to_cancel(repository, has_links, says):
    """An entry sends its reader to the link in the mail if there is one."""
    set_up(repository)
    links = Links(_keys, PAGE) if has_links else None

    (entry,) = Composer(repository, links=links, sender=SENDER)(_owing(MailKind.CONFIRMED)).attachments

    assert (b"DESCRIPTION:" in entry.content) is says


def test_without_a_sender_there_is_no_calendar_entry(repository):
    """An entry needs an identity that is unique in the world, which comes of the sender's domain."""
    set_up(repository)

    assert Composer(repository)(_owing(MailKind.CONFIRMED)).attachments == ()


@pytest.mark.parametrize("kind", [MailKind.WAITLISTED, MailKind.MOVED, MailKind.CALLED_OFF])
def test_whoever_waits_gets_no_calendar_entry(repository, compose, kind):
    """A place in the queue isn't in the calendar, where it would look like a seat."""
    set_up(repository)

    assert compose(_owing(kind, status=Status.WAITLISTED, place=1)).attachments == ()


def test_an_update_has_a_higher_number(repository, compose):
    """Of an event that moved, and of a mail that an organiser sends again, the later entry replaces the earlier one."""
    listing = set_up(repository, venue="Old Hall")
    first = _owing(MailKind.CONFIRMED)
    moved = evolve(first, mail=first.mail.sent()).told(MailKind.MOVED, listing.revision + 1, NOW)
    again = evolve(moved, mail=moved.mail.sent().owing(MailKind.MOVED, NOW))

    entries = [_lines_of(compose(first))]
    repository.change_event(listing, evolve(listing, event=evolve(listing.event, venue="New Hall")), NOW)
    entries += [_lines_of(compose(each)) for each in (moved, again)]

    assert [entry["LOCATION"] for entry in entries] == ["Old Hall", "New Hall", "New Hall"]
    assert [entry["SEQUENCE"] for entry in entries] == ["2", "3", "4"]
    assert len({entry["UID"] for entry in entries}) == 1


def _lines_of(message):
    (entry,) = message.attachments
    return dict(line.split(":", 1) for line in entry.content.decode().splitlines() if ":" in line)


@pytest.mark.parametrize("has_events", [False, True])
def test_an_event_that_nobody_has_set_up_is_confirmed_too(repository, has_events):
    """Where any event is taken, or one isn't set up, the mail says what the registration says."""
    compose = Composer(repository if has_events else None, sender=SENDER)

    message = compose(make_registration().admitted(Status.CONFIRMED))

    assert message.subject == "Registration confirmed: DevConf 2026"
    assert "http" not in message.text
    assert message.attachments == ()


def test_a_mail_can_be_told_from_others(repository, compose):
    """Each mail has a reference of its event and its debt, and of nobody's address."""
    set_up(repository)

    message = compose(_owing(MailKind.CANCELLED))

    assert message.reference == reference_of("devconf-2026", 2)
    assert "ada" not in message.reference


@pytest.mark.parametrize("kind", MailKind)
def test_answers_go_to_the_organiser(repository, compose, kind):
    """Who answers a mail writes to the event's contact as it is now, whatever the mail tells."""
    set_up(repository, contact="orga@example.org")

    assert compose(_owing(kind)).reply_to == "orga@example.org"


@pytest.mark.parametrize("sender", [SENDER, None])
def test_without_a_contact_answers_go_to_the_sender(repository, sender):
    """An event without a contact has mails that name no other address than the sender's."""
    set_up(repository)

    assert Composer(repository, sender=sender)(_owing(MailKind.CONFIRMED)).reply_to is None


@pytest.mark.parametrize("kind", MailKind)
def test_all_mails_of_a_registration_have_its_headers(repository, compose, kind):
    """Each mail says the same of its event and its registration, also about an event that nobody has set up."""
    registration = _owing(kind)
    unknown = compose(registration)
    set_up(repository)

    message = compose(registration)

    assert message.headers == unknown.headers == headers_of(registration, SENDER)
    assert "devconf-2026" in message.headers["List-Id"]


def test_answers_are_repeated(repository, compose):
    """What was asked and answered is in the mail."""
    questions = {"type": "object", "properties": {"lunch": {"type": "string", "title": "Lunch", "maxLength": 20}}}
    set_up(repository, questions=questions)

    message = compose(_owing(MailKind.CONFIRMED, answers={"lunch": "Soup"}))

    assert "Lunch:\u2060 Soup" in message.text


def test_reads_the_event_in_time():
    """What is read for a mail has the mail's deadline, and what fails there fails the mail for now."""
    deadlines = []

    class Away:
        def find_event(self, _event_id, *, deadline=None):
            deadlines.append(deadline)
            raise RepositoryUnavailableError("away")

    with pytest.raises(RepositoryUnavailableError):
        Composer(Away())(make_registration(), 1007.0)

    assert deadlines == [1007.0]


def test_a_link_is_good_until_after_the_event(repository, compose):
    """The link of a mail can be read back, and is about the person."""
    set_up(repository)
    registration = _owing(MailKind.CONFIRMED)
    token = compose(registration).text.partition(f"{PAGE}#")[2].split()[0]

    link = Links(_keys, PAGE).read(token, ManualClock()(), good_until=lambda _: current(repository).event.ends_at)

    assert (link.event_id, link.digest) == ("devconf-2026", repository.digest_of("ada@example.org"))
    assert make_event().ends_at.timestamp() < link.expires_at
