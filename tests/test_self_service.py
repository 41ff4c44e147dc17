"""Whoever has a mail's link sees the registration and cancels it; nobody else does, and nothing else changes it."""

import re
from datetime import timedelta

import pytest
from attrs import evolve
from mailing import relay_of

from event_registration.errors import (
    InvalidLinkError,
    PermanentNotifierError,
    RepositoryError,
    RepositoryUnavailableError,
    TransientNotifierError,
)
from event_registration.links import Keyring, Link, Links
from event_registration.listing import EventState
from event_registration.local import SQLiteEventRepository
from event_registration.mail import MailState
from event_registration.managed import EventRegistrationService
from event_registration.model import Status
from event_registration.self_service import SelfService
from event_registration.testing import ManualClock, RecordingNotifier, make_event
from event_registration.testing.guests import current, found, guest, names

ID = "devconf-2026"
PAGE = "https://events.example.org/manage.html"
RING = Keyring("k1", {"k1": "k" * 40})
DOWN = RepositoryUnavailableError("down")


class _Store(SQLiteEventRepository):
    """SQLite in memory that raises what it is told to, and lets something happen before it cancels."""

    def __init__(self):
        super().__init__(":memory:")
        self.faults = {}
        self.before_cancel = lambda: None

    def settle(self, event_id, now, *, deadline=None):
        """Settle or raise."""
        if fault := self.faults.get("settle"):
            raise fault
        return super().settle(event_id, now, deadline=deadline)

    def cancel(self, registration, now, *, deadline=None):
        """Let something happen, then cancel."""
        self.before_cancel()
        return super().cancel(registration, now, deadline=deadline)


class _System:
    def __init__(self, store, faults=(), **event):
        self.store = store
        self.clock = ManualClock()
        self.notifier = RecordingNotifier(faults)
        self.keys_fault = None
        self.links = Links(self._keys, PAGE)
        store.create_event(make_event(event_id=ID, **event))
        self.relay = relay_of(store, self.notifier, links=self.links, clock=self.clock)
        self.service = EventRegistrationService(store, self.relay, clock=self.clock, cache_seconds=0.0)
        self.self_service = SelfService(self.service, store, self.links, clock=self.clock)

    def _keys(self, _key_id=None):
        if self.keys_fault:
            raise self.keys_fault
        return RING

    def register(self, *people):
        return [self.service.register(guest(name)) for name in people]

    def token(self, name, *, mail=-1):
        """Return the token in a mail that this person has got, in the last one unless told."""
        texts = [each.text for each in self.notifier.messages if each.to == f"{name}@example.org"]
        return re.search(rf"^{re.escape(PAGE)}#(\S+)$", texts[mail], re.MULTILINE)[1]


@pytest.fixture
def make_system(request):
    """Return a function that makes a system with one event."""

    def make(faults=(), **event):
        store = _Store()
        request.addfinalizer(store.close)
        return _System(store, faults, **event)

    return make


@pytest.fixture
def full(make_system):
    """Return a system with one seat, which ada has; bob and cleo wait."""
    system = make_system(capacity=1, waitlist=True)
    system.register("ada", "bob", "cleo")
    return system


# Looking


def test_shows_a_confirmed_registration(full):
    """The link of the confirmation shows the registration, its event, and what a newcomer would meet."""
    view = full.self_service.view(full.token("ada"))

    assert view.registration == found(full.store, "ada")
    assert (view.event, view.state) == (current(full.store).event, EventState.WAITLIST)
    assert (view.position, view.trouble) == (None, None)


def test_shows_the_position_in_the_queue(full):
    """Who waits is told how many are served before, themselves counted."""
    assert [full.self_service.view(full.token(name)).position for name in ("bob", "cleo")] == [1, 2]


def test_shows_the_event_s_present_name(full):
    """An event that was renamed since is told under its new name."""
    old = current(full.store)
    full.store.change_event(old, evolve(old, event=evolve(old.event, event_name="DevConf Autumn")), full.clock())

    view = full.self_service.view(full.token("ada"))

    assert (view.registration.event_name, view.event.event_name) == ("DevConf Autumn", "DevConf Autumn")


def test_looking_changes_nothing(full):
    """However often a link is looked at, nothing is stored and nothing mailed."""
    before = sorted(full.store.list(ID), key=lambda each: each.attendee_email)
    mails = len(full.notifier.messages)

    for _ in range(3):
        for name in ("ada", "bob", "cleo"):
            full.self_service.view(full.token(name))

    assert sorted(full.store.list(ID), key=lambda each: each.attendee_email) == before
    assert len(full.notifier.messages) == mails


# Cancelling


def test_cancels_and_hands_the_seat_on(full):
    """Cancelling frees the seat for the head of the queue; both are told by mail."""
    view = full.self_service.cancel(full.token("ada"))
    full.relay.sweep()

    assert (view.registration.status, view.position, view.trouble) == (Status.CANCELLED, None, None)
    assert names(full.store, Status.CONFIRMED) == ["bob"]
    assert {found(full.store, name).mail.state for name in ("ada", "bob")} == {MailState.SENT}
    assert {(each.to, each.subject.partition(":")[0]) for each in full.notifier.messages[-2:]} == {
        ("ada@example.org", "Registration cancelled"),
        ("bob@example.org", "You have a seat"),
    }
    assert full.self_service.view(full.token("cleo")).position == 1


def test_cancels_twice_alike(full):
    """A second cancellation, as after a lost answer, is told the same and takes nobody else's seat."""
    token = full.token("ada")

    views = [full.self_service.cancel(token), full.self_service.cancel(token)]

    assert [view.registration.status for view in views] == [Status.CANCELLED] * 2
    assert names(full.store, Status.CONFIRMED) == ["bob"]
    assert names(full.store, Status.WAITLISTED) == ["cleo"]


def test_leaves_the_queue(full):
    """Who waits can cancel, too; nobody gets a seat by it."""
    full.self_service.cancel(full.token("bob"))

    assert names(full.store, Status.CONFIRMED) == ["ada"]
    assert names(full.store, Status.WAITLISTED) == ["cleo"]


def test_links_of_all_mails_work(full):
    """The link of the waiting list's mail works after the promotion, as the promotion's own does."""
    full.self_service.cancel(full.token("ada"))
    full.relay.sweep()

    first, second = full.token("bob", mail=0), full.token("bob", mail=1)

    assert [full.self_service.view(token).registration.status for token in (first, second)] == [Status.CONFIRMED] * 2
    full.self_service.cancel(first)
    assert full.self_service.view(second).registration.status is Status.CANCELLED


def test_no_old_link_works_after_coming_back(full):
    """Who comes back after a cancellation has a new link, and all earlier ones are worth nothing."""
    old = full.token("ada")
    full.self_service.cancel(old)
    full.register("ada")
    new = full.token("ada")

    for act in (full.self_service.view, full.self_service.cancel):
        with pytest.raises(InvalidLinkError):
            act(old)

    assert full.self_service.view(new).registration.status is Status.WAITLISTED
    assert found(full.store, "ada").status is Status.WAITLISTED


def test_no_link_of_two_cancellations_ago_works(make_system):
    """A registration that is cancelled again is told by the links of its last life only."""
    system = make_system()
    system.register("ada")
    first = system.token("ada")
    system.self_service.cancel(first)
    system.register("ada")
    second = system.token("ada")

    system.self_service.cancel(second)

    assert system.self_service.view(second).registration.status is Status.CANCELLED
    with pytest.raises(InvalidLinkError):
        system.self_service.view(first)


def test_looks_again_at_what_changes_meanwhile(full):
    """Who is promoted just before cancelling is cancelled as what they are by then, and the seat is given on."""
    token = full.token("bob")

    def promote():
        full.store.before_cancel = lambda: None
        full.self_service.cancel(full.token("ada"))

    full.store.before_cancel = promote

    view = full.self_service.cancel(token)

    assert view.registration.status is Status.CANCELLED
    assert names(full.store, Status.CONFIRMED) == ["cleo"]


def test_gives_up_on_what_changes_all_the_time(full):
    """Where the registration is never as it was read, nothing is cancelled and trying again is asked for."""

    def change():
        ada = found(full.store, "ada")
        full.store.replace(ada, evolve(ada, revision=ada.revision + 1))

    full.store.before_cancel = change

    with pytest.raises(RepositoryUnavailableError):
        full.self_service.cancel(full.token("ada"))
    assert found(full.store, "ada").status is Status.CONFIRMED


def test_is_cancelled_whatever_fails_after(full):
    """If the queue can't be served the registration is cancelled all the same, and the trouble is for the log."""
    full.store.faults["settle"] = DOWN

    view = full.self_service.cancel(full.token("ada"))

    assert (view.registration.status, view.trouble) == (Status.CANCELLED, DOWN)
    assert names(full.store, Status.WAITLISTED) == ["bob", "cleo"]


def test_a_mail_that_fails_is_no_trouble_of_who_cancels(make_system):
    """A promotion's mail is sent by a sweep, whose trouble it is if it can't be."""
    refused = PermanentNotifierError("refused")
    system = make_system(faults=[None, None, refused, refused], capacity=1, waitlist=True)
    system.register("ada", "bob")

    view = system.self_service.cancel(system.token("ada"))

    assert (view.registration.status, view.trouble) == (Status.CANCELLED, None)
    assert system.relay.sweep().troubles == (refused, refused)


# Who may


def test_expires_thirty_days_after_the_event(full):
    """A link is good until thirty days after the event's end."""
    token = full.token("ada")
    full.clock.now = current(full.store).event.ends_at + timedelta(days=30, seconds=-1)
    assert full.self_service.view(token).registration.attendee_name == "ada"

    full.clock.advance(seconds=1)

    with pytest.raises(InvalidLinkError):
        full.self_service.view(token)


def test_lasts_as_long_as_a_postponed_event(full):
    """A link lives until thirty days after its event's end, as mailed or as moved since, whichever is later."""
    token = full.token("ada")
    old = current(full.store)
    for days in (60, -30):
        moved = {name: getattr(old.event, name) + timedelta(days=days) for name in ("starts_at", "ends_at")}
        listing = current(full.store)
        full.store.change_event(listing, evolve(listing, event=evolve(listing.event, **moved)), full.clock())
        until = max(old.event.ends_at, moved["ends_at"]) + timedelta(days=30)
        full.clock.now = until - timedelta(seconds=1)
        assert full.self_service.view(token).registration.attendee_name == "ada"

        full.clock.now = until

        with pytest.raises(InvalidLinkError):
            full.self_service.view(token)


def test_whoever_has_just_been_promoted_is_next(full):
    """A promotion between reading the registration and counting the queue leaves nobody at number 0."""
    position = full.store.position

    def promoted_meanwhile(registration, **options):
        full.store.cancel(found(full.store, "ada"), full.clock())
        full.store.settle(ID, full.clock())
        return position(registration, **options)

    full.store.position = promoted_meanwhile

    assert full.self_service.view(full.token("bob")).position == 1


@pytest.mark.parametrize(
    "changes",
    [{"digest": "0" * 64}, {"event_id": "other"}, {"generation": 0}, {"generation": 2}],
    ids=["of nobody", "of another event", "of the generation before", "of the generation to come"],
)
def test_is_for_one_registration(full, changes):
    """A link that names something else than a live registration is invalid, though it is ours."""
    digest = full.store.digest_of("ada@example.org")
    link = Link(ID, digest, 1, int((full.clock() + timedelta(days=1)).timestamp()))
    assert full.self_service.view(full.links.sign(link)).registration.attendee_name == "ada"

    with pytest.raises(InvalidLinkError):
        full.self_service.cancel(full.links.sign(evolve(link, **changes)))


def test_keeps_to_the_events_that_are_taken(full):
    """A link of an event that is taken no more leads nowhere, and changes nothing."""
    service = EventRegistrationService(full.store, None, event_ids=["other"], clock=full.clock)
    self_service = SelfService(service, full.store, full.links, clock=full.clock)

    for act in (self_service.view, self_service.cancel):
        with pytest.raises(InvalidLinkError):
            act(full.token("ada"))

    assert found(full.store, "ada").status is Status.CONFIRMED


# Mails


def test_a_mail_waits_for_its_key(make_system):
    """If the keys can't be read the registration stands, its mail is late, and a repeat sends it with its link."""
    system = make_system()
    system.keys_fault = RepositoryError("The keys are gone.")

    (receipt,) = system.register("ada")

    assert isinstance(receipt.trouble, TransientNotifierError)
    assert receipt.trouble.__cause__ is system.keys_fault
    assert system.notifier.messages == []
    system.keys_fault = None
    system.clock.advance(minutes=10)
    system.register("ada")
    assert system.self_service.view(system.token("ada")).registration.status is Status.CONFIRMED


def test_mails_have_no_link_without_keys(make_system):
    """A service without links sends mails without them."""
    system = make_system()

    relay = relay_of(system.store, system.notifier, clock=system.clock)
    EventRegistrationService(system.store, relay, clock=system.clock).register(guest("ada"))

    assert PAGE not in system.notifier.messages[0].text
    assert "http" not in system.notifier.messages[0].html
