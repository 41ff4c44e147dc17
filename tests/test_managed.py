"""Registering for events that are set up: their names, doors, seats and queues, and the mails of who moves up."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from event_registration.errors import (
    AlreadyRegisteredError,
    EventCancelledError,
    EventFullError,
    NotOpenYetError,
    PermanentNotifierError,
    RegistrationClosedError,
    RepositoryError,
    RepositoryUnavailableError,
    TransientNotifierError,
    UnknownEventError,
)
from event_registration.event import EventState
from event_registration.local import SQLiteEventRepository
from event_registration.mail import Mail, MailState
from event_registration.managed import EventRegistrationService, Settled
from event_registration.model import Status
from event_registration.service import OnDuplicate, Outcome
from event_registration.testing import ManualClock, RecordingNotifier, at_once, make_event, make_registration
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


class _Store(SQLiteEventRepository):
    """SQLite in memory that counts what is asked of it, and raises what it is told to."""

    def __init__(self):
        super().__init__(":memory:")
        self.calls = []
        self.deadlines = defaultdict(set)
        self.faults = {}

    def _call(self, name, deadline=None):
        self.calls.append(name)
        self.deadlines[name].add(deadline)
        if fault := self.faults.get(name):
            raise fault

    def find(self, event_id, attendee_email, *, deadline=None):
        """Count, then find or raise."""
        self._call("find", deadline)
        return super().find(event_id, attendee_email, deadline=deadline)

    def find_event(self, event_id, *, deadline=None):
        """Note the deadline, then find."""
        self.deadlines["find_event"].add(deadline)
        return super().find_event(event_id, deadline=deadline)

    def list_events(self):
        """Count, then list or raise."""
        self._call("list_events")
        return super().list_events()

    def admit(self, registration, listing, *, deadline=None):
        """Count, then admit or raise."""
        self._call("admit", deadline)
        return super().admit(registration, listing, deadline=deadline)

    def prospect(self, listing, *, deadline=None):
        """Count, then tell or raise."""
        self._call("prospect", deadline)
        return super().prospect(listing, deadline=deadline)

    def settle(self, event_id, now, *, deadline=None):
        """Count, then settle or raise; faults may be of one event."""
        self._call("settle", deadline)
        self._call(f"settle {event_id}", deadline)
        return super().settle(event_id, now, deadline=deadline)


@pytest.fixture
def repository():
    """Return an empty repository."""
    repository = _Store()
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
        return EventRegistrationService(repository, notifier, **options), notifier

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
    assert repository.find(ID, "ada@example.org") == receipt.registration
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
    time = [1000.0]
    set_up(repository)
    service = EventRegistrationService(repository, RecordingNotifier(), clock=clock, monotonic=lambda: time[0])
    service.register(guest("ada"))
    _change(repository, clock, is_cancelled=True)

    time[0] += 4.999
    service.register(guest("bob"))
    time[0] += 0.001
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
    assert found(repository, "ada").mail == Mail(state=MailState.SENT, attempts=2, attempted_at=STARTS)


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
    assert receipt.registration == found(repository, "bob")
    assert receipt.registration.registered_at == clock()
    assert receipt.registration.mail.state is MailState.SENT
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
    service.settle(ID)
    assert sorted(_recipients(notifier)) == ["cleo", "dan", "eve"]


def test_a_newcomer_may_be_served_at_once(make_service, repository, clock):
    """Who joins the queue and gets a seat in the same moment is told of the seat only, by one mail that is counted."""
    _two_seats_given_back(repository, "cleo")
    service, notifier = make_service()

    receipt = service.register(guest("eve"))

    assert (receipt.outcome, receipt.registration.status) == (Outcome.REGISTERED, Status.CONFIRMED)
    assert receipt.registration == found(repository, "eve")
    assert receipt.registration.mail == Mail(state=MailState.SENT, attempts=1, attempted_at=clock())
    assert [message.subject.partition(":")[0] for message in notifier.messages] == ["Registration confirmed"]
    service.settle(ID)
    assert _recipients(notifier) == ["eve", "cleo"]


def test_who_repeats_while_waiting_may_be_served(make_service, repository):
    """Who asks again while a seat is free gets it and is told by mail; a further repeat tells the same."""
    _two_seats_given_back(repository, "cleo")
    service, notifier = make_service()

    again, once_more = (service.register(guest("cleo")) for _ in range(2))

    assert (again.outcome, again.registration.status) == (Outcome.REPEATED, Status.CONFIRMED)
    assert once_more.registration == again.registration == found(repository, "cleo")
    assert [message.subject.partition(":")[0] for message in notifier.messages] == ["Registration confirmed"]


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


@pytest.mark.parametrize("fault", ["settle", "find"])
def test_who_waits_does_so_though_the_queue_is_not_served(make_service, repository, fault):
    """Whoever has joined the queue is told so even if serving it fails; the trouble is told besides."""
    _two_seats_given_back(repository, "cleo")
    service, notifier = make_service()
    repository.faults[fault] = DOWN

    receipt = service.register(guest("eve"))

    repository.faults.clear()
    assert (receipt.outcome, receipt.registration.status) == (Outcome.REGISTERED, Status.WAITLISTED)
    assert receipt.trouble is DOWN
    assert [message.subject.partition(":")[0] for message in notifier.messages] == ["On the waiting list"]
    assert found(repository, "eve").registration_id == receipt.registration.registration_id


class _TakenAway(_Store):
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
    with repository._transaction() as connection:
        connection.execute("DELETE FROM registration WHERE cemail = 'eve@example.org'")


@pytest.mark.parametrize("happen", [_leave_and_come_back, _vanish], ids=["came back as another", "is gone"])
def test_answers_only_of_the_registration_that_was_made(clock, happen):
    """Whatever becomes of the person in the same moment, the answer is of the registration that was asked for."""
    repository = _TakenAway(happen)
    admit(repository, set_up(repository, capacity=1, waitlist=True), "ada")
    service = EventRegistrationService(repository, RecordingNotifier(), clock=clock, new_id=lambda: "first")

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
    """Whatever is asked of the repository before a mail has one deadline, which leaves time for the mail."""
    _two_seats_given_back(repository, "cleo")
    service, _ = make_service(monotonic=lambda: 1000.0)
    repository.deadlines.clear()

    service.register(guest("eve"), deadline=1030.0)
    service.register(evolve(guest("zoe"), attendee_name="Eve"), deadline=1030.0)

    names = ("find_event", "admit", "find", "prospect")
    assert {name: repository.deadlines[name] for name in names} == {name: {1024.0} for name in names}


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


# Promotions


@pytest.fixture
def promoted(repository, clock):
    """Promote Cleo and Dan, who are owed a mail each; Eve waits."""
    _two_seats_given_back(repository, "cleo", "dan", "eve")
    repository.settle(ID, clock())
    repository.calls.clear()


def test_settling_promotes_and_tells(make_service, repository):
    """Settling gives free seats to who waits and mails each of them once, and nobody else."""
    _two_seats_given_back(repository, "cleo", "dan", "eve")
    service, notifier = make_service()

    settled = [service.settle(ID) for _ in range(2)]

    assert settled == [Settled(1, 2), Settled(1, 0)]
    assert _recipients(notifier) == ["cleo", "dan"]
    assert {message.subject for message in notifier.messages} == {"Registration confirmed: DevConf 2026"}
    assert {found(repository, name).mail.state for name in ("cleo", "dan")} == {MailState.SENT}


@pytest.mark.usefixtures("promoted")
def test_tells_whom_another_has_promoted(make_service):
    """A promotion whose maker crashed before the mail is told by the next who settles."""
    service, notifier = make_service()

    settled = service.settle(ID)

    assert settled == Settled(1, 0)
    assert _recipients(notifier) == ["cleo", "dan"]


@pytest.mark.usefixtures("promoted")
def test_many_who_settle_tell_once(make_service):
    """However many settle at once, everybody who was promoted gets one mail."""
    service, notifier = make_service()

    settled = at_once(*[lambda: service.settle(ID)] * 8)

    assert sorted(_recipients(notifier)) == ["cleo", "dan"]
    assert {each.troubles for each in settled} == {()}


@pytest.mark.usefixtures("promoted")
def test_a_late_mail_keeps_no_other_waiting(make_service, repository, clock):
    """Who can't be told now is told ten minutes later; the others are told now, and the trouble is told each time."""
    service, notifier = make_service(LATER)

    troubles = []
    for minutes in (0, 0, 10):
        clock.advance(minutes=minutes)
        troubles.append(service.settle(ID).troubles)

    assert troubles == [(LATER,), (), ()]
    assert _recipients(notifier) == ["dan", "cleo"]
    assert found(repository, "cleo").mail.attempts == 2


@pytest.mark.usefixtures("promoted")
def test_a_refused_mail_is_told_once(make_service, repository):
    """A mail that is refused for good is marked so, and the next who settles has no trouble with it."""
    service, notifier = make_service(NEVER)

    settled = [service.settle(ID) for _ in range(2)]

    assert [each.troubles for each in settled] == [(NEVER,), ()]
    assert found(repository, "cleo").mail.state is MailState.FAILED
    assert notifier.attempts == 2


def test_settling_fails_with_the_repository(make_service, repository):
    """A queue that can't be served is an error, after which nobody was told anything."""
    _two_seats_given_back(repository, "cleo")
    repository.faults["settle"] = DOWN
    service, notifier = make_service()

    with pytest.raises(RepositoryUnavailableError):
        service.settle(ID)

    assert notifier.attempts == 0


@pytest.mark.parametrize(
    ("deadline", "expected"),
    [(1030.0, {"settle": {1012.0}, "find_event": {1024.0}}), (None, {"settle": {None}, "find_event": {None}})],
    ids=["a deadline", "none"],
)
def test_settling_leaves_time_for_mails(make_service, repository, deadline, expected):
    """Serving the queue takes half of the time that mail, mark and answer leave; the mails have the other half."""
    set_up(repository, capacity=1)
    service, _ = make_service(monotonic=lambda: 1000.0)
    repository.deadlines.clear()

    service.settle(ID, deadline=deadline)

    assert {name: repository.deadlines[name] for name in expected} == expected


def test_promotions_have_the_event_s_present_name(make_service, repository, clock):
    """Who is promoted is told of the event as it is called now."""
    _two_seats_given_back(repository, "cleo")
    _change(repository, clock, event_name="DevConf 26")
    service, notifier = make_service()

    service.settle(ID)

    assert [message.subject for message in notifier.messages] == ["Registration confirmed: DevConf 26"]


def test_settles_no_event_that_is_not_there(service):
    """An event that isn't there has nobody to serve, which is no error."""
    assert service.settle(ID) == Settled(1, 0)


# All events


def _queue(repository, event_id, **changes):
    """Set up an event with a free seat and somebody who waits for it."""
    repository.create_event(make_event(event_id=event_id, capacity=1, waitlist=True, **changes))
    listing = repository.find_event(event_id)
    first, _ = (repository.admit(evolve(guest(name), event_id=event_id), listing) for name in ("ada", "bob"))
    repository.cancel(first)


def test_settles_all_limited_events(make_service, repository):
    """Each limited event is settled; one without limit has no queue and is left alone."""
    for event_id in ("one", "two"):
        _queue(repository, event_id)
    set_up(repository)
    service, notifier = make_service()

    settled = [service.settle_all() for _ in range(2)]

    assert settled == [Settled(2, 2), Settled(2, 0)]
    assert _recipients(notifier) == ["bob", "bob"]
    assert f"settle {ID}" not in repository.calls


@pytest.mark.parametrize(("now", "events"), [(ENDS - MOMENT, 1), (ENDS, 0)], ids=["not over", "over"])
def test_settles_until_an_event_is_over(make_service, repository, clock, now, events):
    """An event is settled until the instant of its end, since mails may be owed though nobody is promoted any more."""
    _queue(repository, "one")
    repository.settle("one", clock())
    clock.now = now
    service, notifier = make_service()

    settled = service.settle_all()

    assert settled == Settled(events, 0)
    assert len(notifier.messages) == events


def test_settles_what_was_called_off(make_service, repository, clock):
    """An event that was called off is looked at, and promotes nobody."""
    admit(repository, set_up(repository, capacity=1, waitlist=True), "ada", "bob")
    cancel(repository, "ada")
    _change(repository, clock, is_cancelled=True)
    service, notifier = make_service()

    assert service.settle_all() == Settled(1, 0)
    assert notifier.attempts == 0


@pytest.mark.parametrize("fault", [DOWN, RepositoryError("refused")], ids=lambda error: type(error).__name__)
def test_one_event_that_fails_keeps_no_other_waiting(make_service, repository, fault):
    """What fails for one event is told, and all others are settled."""
    for event_id in ("one", "two", "three"):
        _queue(repository, event_id)
    repository.faults["settle two"] = fault
    service, notifier = make_service(LATER)

    settled = service.settle_all()

    assert (settled.events, settled.promoted) == (3, 2)
    assert set(settled.troubles) == {fault, LATER}
    assert _recipients(notifier) == ["bob"]


def test_what_can_not_be_listed_is_an_error(make_service, repository):
    """If the events can't be listed there is nothing to say of any."""
    repository.faults["list_events"] = DOWN
    service, _ = make_service()

    with pytest.raises(RepositoryUnavailableError):
        service.settle_all()


@pytest.mark.parametrize(
    ("seconds", "events"), [(3.999, 0), (4.0, 1), (4.999, 1), (5.0, 2), (6.0, 3), (None, 3)], ids=str
)
def test_begins_no_event_that_it_may_not_end(clock, seconds, events):
    """An event is begun while there are four seconds for it; how many there was no time for is told."""
    time = [1000.0]

    class Slow(_Store):
        def settle(self, event_id, now, *, deadline=None):
            time[0] += 1.0
            return super().settle(event_id, now, deadline=deadline)

    repository = Slow()
    for event_id in ("one", "two", "three"):
        repository.create_event(make_event(event_id=event_id, capacity=1))
    service = EventRegistrationService(repository, RecordingNotifier(), clock=clock, monotonic=lambda: time[0])

    settled = service.settle_all(deadline=None if seconds is None else time[0] + seconds)

    left = [f"There was no time for {3 - events} events."] * (events < 3)
    assert (settled.events, [str(trouble) for trouble in settled.troubles]) == (events, left)
    repository.close()


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
