"""Registering for events that are set up: their names, doors, seats and queues, and the mails of who moves up."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from mailing import relay_of
from watching import WatchedRepository

from event_registration.errors import (
    AlreadyRegisteredError,
    EventCancelledError,
    EventFullError,
    NotOpenYetError,
    PermanentNotifierError,
    RegistrationClosedError,
    RepositoryUnavailableError,
    TransientNotifierError,
    UnknownEventError,
)
from event_registration.listing import EventState
from event_registration.mail import Mail, MailState
from event_registration.managed import EventRegistrationService
from event_registration.model import Status
from event_registration.service import OnDuplicate, Outcome
from event_registration.testing import ManualClock, RecordingNotifier, make_registration
from event_registration.testing.guests import admit, cancel, current, found, guest, names, set_up

ID = "devconf-2026"
OPENS = datetime(2026, 4, 1, 8, tzinfo=UTC)
CLOSES = datetime(2026, 5, 1, 8, tzinfo=UTC)
STARTS = datetime(2026, 6, 1, 9, tzinfo=UTC)
ENDS = datetime(2026, 6, 1, 17, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
LATER = TransientNotifierError("later")
NEVER = PermanentNotifierError("never")
DOWN = RepositoryUnavailableError("down")


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = WatchedRepository()
    yield repository
    repository.close()


@pytest.fixture
def clock():
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def make_service(repository, clock):
    """Return a function that makes a service, which reads events anew each time, and its notifier."""

    def make(*faults, **options):
        notifier = RecordingNotifier(faults)
        options = {"clock": clock, "cache_seconds": 0.0} | options
        clocks = {"clock": clock, "monotonic": options.get("monotonic", time.monotonic)}
        return EventRegistrationService(repository, relay_of(repository, notifier, **clocks), **options), notifier

    return make


@pytest.fixture
def service(make_service):
    """Return a service whose mails don't matter."""
    return make_service()[0]


def _change(repository, clock, **changes):
    old = current(repository)
    is_cancelled = changes.pop("is_cancelled", old.is_cancelled)
    new = evolve(old, event=evolve(old.event, **changes), is_cancelled=is_cancelled)
    return repository.change_event(old, new, clock())


def _signed_up(registration):
    """Return what a registration is, whatever has become of its mail since."""
    return evolve(registration, mail=Mail())


def _recipients(notifier):
    return [message.to.partition("@")[0] for message in notifier.messages]


# Events


def test_the_catalogue_names_the_event(make_service, repository):
    """Answer, row and mail have the catalogue's name, whatever was sent."""
    set_up(repository, event_name="DevConf, the real one")
    service, notifier = make_service()

    receipt = service.register(make_registration(event_name="Something else"))

    assert receipt.outcome is Outcome.REGISTERED
    assert receipt.registration.event_name == "DevConf, the real one"
    assert _signed_up(found(repository, "ada")) == _signed_up(receipt.registration)
    assert notifier.messages[0].subject == "Registration confirmed: DevConf, the real one"


def test_a_repeat_is_one_whatever_the_event_was_called(make_service, repository, clock):
    """Who sends the same details after the event was renamed is registered, and answered with today's name."""
    set_up(repository)
    service, notifier = make_service(LATER)
    first = service.register(guest("ada"))
    _change(repository, clock, event_name="DevConf 26")
    clock.advance(minutes=10)

    again = service.register(guest("ada"))

    assert again.outcome is Outcome.REPEATED
    assert again.registration.registration_id == first.registration.registration_id
    assert again.registration.event_name == "DevConf 26"
    assert [message.subject for message in notifier.messages] == ["Registration confirmed: DevConf 26"]


def test_takes_nobody_for_an_unknown_event(make_service, repository):
    """An event that is not set up takes nobody: nothing is stored or mailed."""
    service, notifier = make_service()

    with pytest.raises(UnknownEventError):
        service.register(make_registration())

    assert list(repository.list(ID)) == []
    assert notifier.attempts == 0


@pytest.mark.parametrize("call", ["register", "card"])
def test_keeps_to_the_listed_ids(make_service, repository, call):
    """An event that is set up and not among the operator's ids is unknown, and not even looked for."""
    set_up(repository)
    service, _ = make_service(event_ids={"other"})
    calls = {"register": lambda: service.register(make_registration()), "card": lambda: service.card(ID)}

    with pytest.raises(UnknownEventError):
        calls[call]()

    assert repository.calls == []


def test_remembers_the_event_for_five_seconds(repository, clock):
    """An organiser's change takes effect as soon as what was read is five seconds old, unless told otherwise."""
    now = [1000.0]
    set_up(repository)
    service = EventRegistrationService(repository, None, clock=clock, monotonic=lambda: now[0])
    service.register(guest("ada"))
    _change(repository, clock, is_cancelled=True)

    now[0] += 4.999
    service.register(guest("bob"))
    now[0] += 0.001
    with pytest.raises(EventCancelledError):
        service.register(guest("cleo"))

    assert names(repository, Status.CONFIRMED) == ["ada", "bob"]


# The door

HOURS = {"opens_at": OPENS, "closes_at": CLOSES}
INSTANTS = [
    (HOURS, OPENS - MOMENT, NotOpenYetError),
    (HOURS, OPENS, None),
    (HOURS, CLOSES - MOMENT, None),
    (HOURS, CLOSES, RegistrationClosedError),
    ({}, datetime(1970, 1, 1, tzinfo=UTC), None),
    ({}, STARTS - MOMENT, None),
    ({}, STARTS, RegistrationClosedError),
]


@pytest.mark.parametrize("instant", INSTANTS, ids=lambda instant: f"{instant[1]:%Y-%m-%d %H:%M:%S.%f}")
def test_the_door_is_exact(make_service, repository, clock, instant):
    """The door opens and closes at its instants, to the microsecond; outside of them nothing is stored or mailed."""
    changes, now, error = instant
    set_up(repository, **changes)
    service, notifier = make_service()
    clock.now = now

    if error:
        with pytest.raises(error):
            service.register(guest("ada"))
    else:
        service.register(guest("ada"))

    assert len(list(repository.list(ID))) == len(notifier.messages) == (0 if error else 1)


SHUT = {
    "not open again": ({"opens_at": OPENS}, NotOpenYetError),
    "closed": ({"closes_at": datetime(2026, 3, 1, 12, tzinfo=UTC)}, RegistrationClosedError),
    "called off": ({"is_cancelled": True}, EventCancelledError),
    "full": ({}, EventFullError),
}


@pytest.fixture(params=SHUT, ids=SHUT.keys())
def shut(request, make_service, repository, clock):
    """Register Ada, let Bob register and leave, shut the door, and return the service, its notifier and the error."""
    changes, error = SHUT[request.param]
    set_up(repository, capacity=2)
    service, notifier = make_service()
    for name in ("ada", "bob"):
        service.register(guest(name))
    cancel(repository, "bob")
    if request.param == "full":
        admit(repository, current(repository), "cleo")
    _change(repository, clock, **changes)
    repository.calls.clear()
    notifier.messages.clear()
    return service, notifier, error


@pytest.mark.parametrize("shut", [name for name in SHUT if name != "called off"], indirect=True)
def test_a_repeat_is_answered_behind_the_door(shut, repository):
    """Who is registered gets the stored answer though the event has closed, is full, or is not open again yet."""
    service, notifier, _ = shut
    stored = found(repository, "ada")

    receipt = service.register(evolve(guest("ada"), event_name="Whatever"))

    assert (receipt.outcome, receipt.registration, receipt.trouble) == (Outcome.REPEATED, stored, None)
    assert notifier.attempts == 2  # the first mails of Ada and Bob


@pytest.mark.parametrize("shut", ["called off"], indirect=True)
def test_nobody_is_told_of_a_seat_at_what_was_called_off(shut, repository):
    """Who repeats after the event was called off is told so, and stays registered."""
    service, notifier, error = shut
    stored = found(repository, "ada")

    with pytest.raises(error):
        service.register(guest("ada"))

    assert found(repository, "ada") == stored
    assert notifier.messages == []


@pytest.mark.parametrize(
    "stranger",
    [guest("dan"), evolve(guest("ada"), attendee_name="Eve"), guest("bob")],
    ids=["a newcomer", "other details", "who left"],
)
def test_nobody_else_passes_a_shut_door(shut, repository, stranger):
    """Newcomers, other details for a registered address, and who left are told the same; nothing changes."""
    service, notifier, error = shut
    before = sorted(repository.list(ID), key=lambda each: each.attendee_name)

    with pytest.raises(error) as refused:
        service.register(stranger)
    with pytest.raises(error) as expected:
        service.register(guest("zoe"))

    assert str(refused.value) == str(expected.value)
    assert sorted(repository.list(ID), key=lambda each: each.attendee_name) == before
    assert notifier.messages == []


def test_a_lost_mail_is_sent_again_behind_the_door(make_service, repository, clock):
    """Who repeats after closing gets the mail that was lost."""
    set_up(repository)
    service, notifier = make_service(LATER)
    service.register(guest("ada"))
    clock.now = STARTS

    receipt = service.register(guest("ada"))

    assert receipt.trouble is None
    assert _recipients(notifier) == ["ada"]
    assert (found(repository, "ada").mail.state, found(repository, "ada").mail.attempts) == (MailState.SENT, 2)


def test_repeats_are_rejected_behind_the_door_too(make_service, repository, clock):
    """With `reject`, who repeats after closing is told so; others are told that it is closed."""
    set_up(repository)
    service, _ = make_service(on_duplicate=OnDuplicate.REJECT)
    service.register(guest("ada"))
    clock.now = STARTS

    with pytest.raises(AlreadyRegisteredError):
        service.register(guest("ada"))
    with pytest.raises(RegistrationClosedError):
        service.register(evolve(guest("ada"), attendee_name="Eve"))


# Seats and the queue


def test_confirms_the_capacity_and_no_more(make_service, repository):
    """As many are confirmed and mailed as there are seats; then nothing is stored or mailed."""
    set_up(repository, capacity=2)
    service, notifier = make_service()
    receipts = [service.register(guest(name)) for name in ("ada", "bob")]

    with pytest.raises(EventFullError):
        service.register(guest("cleo"))

    assert [each.registration.status for each in receipts] == [Status.CONFIRMED] * 2
    assert [each.registration.seat for each in receipts] == [found(repository, name).seat for name in ("ada", "bob")]
    assert repository.find(ID, "cleo@example.org") is None
    assert _recipients(notifier) == ["ada", "bob"]


def test_tells_who_waits(make_service, repository, clock):
    """Who finds no seat waits, is told so by the one mail, and the row remembers both."""
    set_up(repository, capacity=1, waitlist=True)
    service, notifier = make_service()
    service.register(guest("ada"))

    receipt = service.register(guest("bob"))

    assert (receipt.outcome, receipt.registration.status) == (Outcome.REGISTERED, Status.WAITLISTED)
    assert _signed_up(receipt.registration) == _signed_up(found(repository, "bob"))
    assert receipt.registration.registered_at == clock()
    assert found(repository, "bob").mail.state is MailState.SENT
    assert [message.subject.partition(":")[0] for message in notifier.messages] == [
        "Registration confirmed",
        "On the waiting list",
    ]


def _two_seats_given_back(repository, *waiting):
    """Give back two of three seats while others wait, so that nobody has served the queue yet."""
    admit(repository, set_up(repository, capacity=3, waitlist=True), "ada", "bob", "zoe", *waiting)
    cancel(repository, "ada", "bob")


def test_a_newcomer_serves_the_queue(make_service, repository):
    """Who joins the queue while seats are free has them given to who waited, and waits."""
    _two_seats_given_back(repository, "cleo", "dan")
    service, notifier = make_service()

    receipt = service.register(guest("eve"))

    assert receipt.registration.status is Status.WAITLISTED
    assert names(repository, Status.CONFIRMED) == ["cleo", "dan", "zoe"]
    assert _recipients(notifier) == ["eve"]


def test_a_newcomer_may_be_served_at_once(make_service, repository, clock):
    """Who joins the queue and gets a seat in the same moment is told of the seat only, by one mail that is counted."""
    _two_seats_given_back(repository, "cleo")
    service, notifier = make_service()

    receipt = service.register(guest("eve"))

    assert (receipt.outcome, receipt.registration.status) == (Outcome.REGISTERED, Status.CONFIRMED)
    assert _signed_up(receipt.registration) == _signed_up(found(repository, "eve"))
    assert found(repository, "eve").mail == receipt.registration.mail.claimed(clock(), timedelta(0)).sent()
    assert [message.subject.partition(":")[0] for message in notifier.messages] == ["You have a seat"]


def test_who_repeats_while_waiting_may_be_served(make_service, repository):
    """Who asks again while a seat is free gets it and is told by mail; a further repeat tells the same."""
    _two_seats_given_back(repository, "cleo")
    service, notifier = make_service()

    again, once_more = (service.register(guest("cleo")) for _ in range(2))

    assert (again.outcome, again.registration.status) == (Outcome.REPEATED, Status.CONFIRMED)
    stored = found(repository, "cleo")
    assert [_signed_up(each.registration) for each in (again, once_more)] == [_signed_up(stored)] * 2
    assert [message.subject.partition(":")[0] for message in notifier.messages] == ["You have a seat"]


def test_other_details_of_who_waits_serve_the_queue_and_tell_nothing(make_service, repository):
    """Other details for an address that waits get a newcomer's answer, and no mail."""
    _two_seats_given_back(repository, "cleo", "dan", "eve")
    service, notifier = make_service()

    receipt = service.register(evolve(guest("cleo"), attendee_name="Mallory"))

    assert receipt.outcome is Outcome.DIFFERENT
    assert receipt.registration.status is Status.WAITLISTED
    assert (receipt.registration.attendee_name, receipt.registration.registered_at) == ("Mallory", None)
    assert (receipt.registration.seat, receipt.registration.place) == (None, None)
    assert notifier.attempts == 0


@pytest.mark.parametrize(("fault", "told"), [("settle", "On the waiting list"), ("find", "You have a seat")])
def test_who_waits_does_so_though_the_queue_is_not_served(make_service, repository, fault, told):
    """Whoever has joined the queue is told so even if serving it fails; the trouble is told besides.

    The mail looks again: it may know of a seat that the answer has not heard of.
    """
    _two_seats_given_back(repository, "cleo")
    service, notifier = make_service()
    repository.faults[fault] = DOWN

    receipt = service.register(guest("eve"))

    repository.faults.clear()
    assert (receipt.outcome, receipt.registration.status) == (Outcome.REGISTERED, Status.WAITLISTED)
    assert receipt.trouble is DOWN
    assert [message.subject.partition(":")[0] for message in notifier.messages] == [told]
    assert found(repository, "eve").registration_id == receipt.registration.registration_id


class _TakenAway(WatchedRepository):
    """A repository in which somebody else does something to Eve in the moment in which she joins the queue."""

    def __init__(self, happen):
        super().__init__()
        self._happen = happen

    def settle(self, event_id, now, *, deadline=None):
        """Let it happen, then settle."""
        self._happen(self)
        return super().settle(event_id, now, deadline=deadline)


def _leave_and_come_back(repository):
    cancel(repository, "eve")
    admit(repository, current(repository), "eve")


def _vanish(repository):
    with repository.database.transaction() as connection:
        connection.execute("DELETE FROM registration WHERE cemail = 'eve@example.org'")


@pytest.mark.parametrize("happen", [_leave_and_come_back, _vanish], ids=["came back as another", "is gone"])
def test_answers_only_of_the_registration_that_was_made(clock, happen):
    """Whatever becomes of the person in the same moment, the answer is of the registration that was asked for."""
    repository = _TakenAway(happen)
    admit(repository, set_up(repository, capacity=1, waitlist=True), "ada")
    service = EventRegistrationService(repository, None, clock=clock, new_id=lambda: "first")

    receipt = service.register(guest("eve"))

    assert (receipt.registration.registration_id, receipt.registration.status) == ("first", Status.WAITLISTED)
    repository.close()


def test_a_mail_s_trouble_is_told_before_the_queue_s(make_service, repository):
    """Of two troubles that of the person's own mail is told."""
    _two_seats_given_back(repository, "cleo")
    service, _ = make_service(LATER)
    repository.faults["settle"] = DOWN

    assert service.register(guest("eve")).trouble is LATER


def test_a_repeat_tells_the_queue_s_trouble(make_service, repository):
    """A queue that can't be served when somebody repeats is told as the trouble of the repeat, or its cause."""
    _two_seats_given_back(repository, "cleo")
    repository.faults["settle"] = DOWN
    answering, rejecting = (make_service(on_duplicate=each)[0] for each in OnDuplicate)

    receipt = answering.register(guest("cleo"))
    with pytest.raises(AlreadyRegisteredError) as rejected:
        rejecting.register(guest("cleo"))

    assert (receipt.outcome, receipt.trouble) == (Outcome.REPEATED, DOWN)
    assert rejected.value.__cause__ is DOWN


def test_a_mail_that_can_not_be_claimed_is_late(repository, clock):
    """Who is registered is told so though the outbox is away; the mail is late, and due."""

    class Away:
        def deliver(self, *_arguments, **_options):
            raise DOWN

    set_up(repository)
    service = EventRegistrationService(repository, Away(), clock=clock)

    receipt = service.register(guest("ada"))

    assert (receipt.trouble.code, receipt.trouble.__cause__) == ("mail-delayed", DOWN)
    assert found(repository, "ada").mail.state is MailState.DUE


def test_stores_nothing_that_fails(make_service, repository):
    """If nobody could be admitted that is an error, and no mail goes out."""
    set_up(repository, capacity=1)
    service, notifier = make_service()
    repository.faults["admit"] = DOWN

    with pytest.raises(RepositoryUnavailableError):
        service.register(guest("ada"))

    assert notifier.attempts == 0


def test_who_left_may_come_back(make_service, repository):
    """Who cancelled and registers again is registered anew, with a mail of its own."""
    set_up(repository, capacity=1)
    service, notifier = make_service()
    first = service.register(guest("ada"))
    cancel(repository, "ada")

    back = service.register(guest("ada"))

    assert (back.outcome, back.registration.status) == (Outcome.REGISTERED, Status.CONFIRMED)
    assert back.registration.registration_id != first.registration.registration_id
    assert _recipients(notifier) == ["ada", "ada"]


def test_asks_everything_within_its_time(make_service, repository):
    """Whatever is asked of the repository before a mail has a deadline, which leaves time for the mail."""
    _two_seats_given_back(repository, "cleo")
    service, _ = make_service(monotonic=lambda: 1000.0)
    repository.deadlines.clear()

    service.register(guest("eve"), deadline=1030.0)
    service.register(evolve(guest("zoe"), attendee_name="Eve"), deadline=1030.0)

    names = ("find_event", "admit", "find", "prospect")
    within = {name: {1024.0} for name in names} | {"find_event": {1024.0, 1026.5}}  # the mail looks, too
    assert {name: repository.deadlines[name] for name in names} == within


@pytest.mark.parametrize(
    ("deadline", "serve_by"), [(None, 1001.0), (1030.0, 1001.0), (1001.0, 1000.4)], ids=["none", "far", "near"]
)
def test_serves_others_for_a_moment_only(make_service, repository, deadline, serve_by):
    """Who joins the queue serves it for a second at most, and no longer than there is time."""
    _two_seats_given_back(repository, "cleo")
    service, _ = make_service(monotonic=lambda: 1000.0)

    service.register(guest("eve"), deadline=deadline)

    (deadline,) = repository.deadlines["settle"]
    assert deadline == pytest.approx(serve_by)


def test_looks_behind_a_shut_door_within_its_time(make_service, repository, clock):
    """Looking for an earlier registration has that deadline too."""
    set_up(repository)
    clock.now = STARTS
    service, _ = make_service(monotonic=lambda: 1000.0)
    repository.deadlines.clear()

    with pytest.raises(RegistrationClosedError):
        service.register(guest("ada"), deadline=1030.0)

    assert repository.deadlines == {"find_event": {1024.0}, "find": {1024.0}}


# Cards


def test_shows_a_card(service, repository):
    """A card is the event as it is set up, and open."""
    listing = set_up(repository, venue="Hall 1")

    assert service.card(ID) == (listing.event, EventState.OPEN)


def test_shows_a_card_in_time(make_service, repository):
    """Whatever a card asks of the repository has one deadline."""
    set_up(repository)
    service, _ = make_service(monotonic=lambda: 1000.0)
    repository.deadlines.clear()

    service.card(ID, deadline=1030.0)

    assert repository.deadlines == {"find_event": {1024.0}, "prospect": {1024.0}}


def test_has_no_card_of_an_unknown_event(service):
    """What is not set up has no card."""
    with pytest.raises(UnknownEventError):
        service.card(ID)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (OPENS - MOMENT, EventState.NOT_OPEN_YET),
        (OPENS, EventState.OPEN),
        (CLOSES - MOMENT, EventState.OPEN),
        (CLOSES, EventState.CLOSED),
    ],
)
def test_a_card_s_state_is_exact(service, repository, clock, now, state):
    """The card says what who registers at this instant meets; seats are looked at only while the door is open."""
    set_up(repository, **HOURS)
    clock.now = now

    assert service.card(ID)[1] is state
    assert repository.calls == (["prospect"] if state is EventState.OPEN else [])


@pytest.mark.parametrize(
    ("people", "waitlist", "state"),
    [
        (["ada"], False, EventState.OPEN),
        (["ada", "bob"], False, EventState.FULL),
        (["ada", "bob"], True, EventState.WAITLIST),
        (["ada", "bob", "cleo"], True, EventState.WAITLIST),
    ],
)
def test_a_card_tells_of_seats(service, repository, people, waitlist, state):
    """The card says whether a newcomer gets a seat, waits, or is refused; seats are never remembered."""
    listing = set_up(repository, capacity=2, waitlist=waitlist)
    assert service.card(ID)[1] is EventState.OPEN

    admit(repository, listing, *people)

    assert service.card(ID)[1] is state


def test_a_card_of_what_was_called_off(service, repository, clock):
    """An event that was called off says so."""
    set_up(repository, capacity=1)
    _change(repository, clock, is_cancelled=True)

    assert service.card(ID)[1] is EventState.CANCELLED
    assert repository.calls == []


@pytest.mark.parametrize("state", list(EventState))
def test_a_card_says_what_comes(make_service, repository, clock, state):
    """In every state who registers after reading the card meets what it said."""
    set_up(repository, capacity=1, waitlist=state is EventState.WAITLIST, **HOURS)
    clock.now = {EventState.NOT_OPEN_YET: OPENS - MOMENT, EventState.CLOSED: CLOSES}.get(state, OPENS)
    if state in {EventState.WAITLIST, EventState.FULL}:
        admit(repository, current(repository), "ada")
    if state is EventState.CANCELLED:
        _change(repository, clock, is_cancelled=True)
    service, _ = make_service()
    errors = {
        EventState.NOT_OPEN_YET: NotOpenYetError,
        EventState.FULL: EventFullError,
        EventState.CLOSED: RegistrationClosedError,
        EventState.CANCELLED: EventCancelledError,
    }

    told = service.card(ID)[1]
    try:
        met = service.register(guest("eve")).registration.status
    except tuple(errors.values()) as error:
        met = type(error)

    assert told is state
    assert met == errors.get(state, Status.WAITLISTED if state is EventState.WAITLIST else Status.CONFIRMED)
