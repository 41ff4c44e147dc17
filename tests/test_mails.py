"""What an organiser sees of an event's mails, and has sent again."""

from datetime import timedelta

import pytest
from attrs import evolve

from event_registration.aws import DynamoDBEventRepository, DynamoDBOutbox
from event_registration.composing import Composer
from event_registration.errors import (
    EventCancelledError,
    RepositoryUnavailableError,
    UnknownEventError,
    UnknownRegistrationError,
)
from event_registration.local import SQLiteEventRepository, SQLiteOutbox
from event_registration.mail import Mail, MailKind, MailState
from event_registration.mails import OTHER_REASONS, UNRECORDED, Mails, Retried, owed_since
from event_registration.organiser import Organiser
from event_registration.outbox import Debtor
from event_registration.relay import Relay
from event_registration.testing import ManualClock, RecordingNotifier, make_event, make_registration

ID = "devconf-2026"
LEASE = timedelta(minutes=2)


@pytest.fixture
def clock():
    """Return a clock that stands three months before the event."""
    return ManualClock()


@pytest.fixture
def repository():
    """Return a repository with one event that is unlimited."""
    repository = SQLiteEventRepository(":memory:")
    repository.create_event(make_event())
    yield repository
    repository.close()


@pytest.fixture
def outbox(repository):
    """Return what its registrations owe."""
    return SQLiteOutbox(repository)


@pytest.fixture
def mails(repository, outbox, clock):
    """Return the mails as the organiser sees them."""
    return Mails(repository, outbox, clock=clock)


@pytest.fixture
def register(repository, clock):
    """Return a function that registers somebody whose mail is due, or as it is given."""

    def register(name, mail=None):
        registration = make_registration(
            attendee_name=name,
            attendee_email=f"{name}@example.org",
            registered_at=clock(),
            mail=mail or Mail(due_at=clock()),
        )
        return repository.add(registration)

    return register


@pytest.fixture
def block(repository, outbox):
    """Return a function that lets somebody get no mail any more."""
    return lambda name, state: outbox.block(repository.digest_of(f"{name}@example.org"), state)


@pytest.fixture
def stored(repository):
    """Return a function that looks up somebody's mail."""
    return lambda name: repository.find(ID, f"{name}@example.org").mail


@pytest.fixture
def sweep(repository, outbox, clock):
    """Return a function that sends all that is due, and returns whom it was sent to."""

    def sweep():
        notifier = RecordingNotifier()
        Relay(outbox, notifier, compose=Composer(repository), clock=clock).sweep()
        return sorted(each.to.partition("@")[0] for each in notifier.messages)

    return sweep


def _failed(reason="SES refused the message (MessageRejected).", kind=MailKind.CONFIRMED):
    return Mail(state=MailState.FAILED, kind=kind, attempts=3, reason=reason)


class TestStatus:
    """How the mails of an event stand."""

    def test_every_state_is_counted(self, mails, register):
        """Each registration counts once, by the state of its mail; a state that none is in is there too."""
        for number, state in enumerate([MailState.DUE, MailState.SENT, MailState.SENT, MailState.BOUNCED]):
            register(f"p{number}", Mail(state=state))

        counts = mails.status(ID).counts

        assert counts == {
            MailState.DUE: 1,
            MailState.CLAIMED: 0,
            MailState.RETRY: 0,
            MailState.SENT: 2,
            MailState.FAILED: 0,
            MailState.BOUNCED: 1,
            MailState.COMPLAINED: 0,
        }

    def test_reasons_are_counted(self, mails, register, clock):
        """Why mails failed or wait is told with how many, the most frequent first; a failure of 0.1.0 says nothing."""
        for number, reason in enumerate(["budget", "unreadable", "unreadable", None]):
            register(f"p{number}", _failed(reason))
        register("late", Mail().retried(clock(), "SES did not answer (ReadTimeoutError)."))

        reasons = mails.status(ID).reasons

        assert list(reasons[MailState.FAILED].items()) == [("unreadable", 2), ("budget", 1), (UNRECORDED, 1)]
        assert reasons[MailState.RETRY] == {"SES did not answer (ReadTimeoutError).": 1}

    def test_a_row_that_nobody_can_read_is_counted(self, mails, register, repository):
        """A row that is no registration has failed as unreadable, and all others are counted, wherever it stands."""
        for name in ("ada", "bob", "cyd", "dan"):
            register(name, Mail().sent())
        spoil = "UPDATE registration SET status = 'who knows' WHERE cname IN ('ada', 'dan')"
        with repository.database.transaction() as connection:
            connection.execute(spoil)

        status = mails.status(ID)

        assert (status.counts[MailState.SENT], status.counts[MailState.FAILED]) == (2, 2)
        assert status.reasons[MailState.FAILED] == {"unreadable": 2}

    def test_reasons_do_not_grow_without_end(self, mails, register):
        """A notifier that has a reason of its own for each mail fills no memory: beyond twenty they count as one."""
        for number in range(25):
            register(f"p{number}", _failed(f"reason {number}"))

        reasons = mails.status(ID).reasons[MailState.FAILED]

        assert len(reasons) == 21
        assert reasons[OTHER_REASONS] == 5

    def test_the_oldest_that_is_pending_is_told(self, mails, register, clock):
        """Who has been waiting the longest for a mail that is still to go out; one that has gone out is no matter."""
        register("ada", Mail(state=MailState.SENT))
        clock.advance(minutes=1)
        register("bob")
        clock.advance(minutes=1)
        register("cyd")

        oldest = mails.status(ID).oldest

        assert (oldest.attendee_name, owed_since(oldest)) == ("bob", clock() - timedelta(minutes=1))

    def test_without_a_pending_mail_there_is_no_oldest(self, mails, register):
        """Where everything has gone out nobody waits."""
        register("ada", Mail(state=MailState.SENT))

        assert mails.status(ID).oldest is None

    @pytest.mark.parametrize(("minutes", "overdue"), [(59, 0), (60, 1)])
    def test_what_is_due_for_an_hour_is_overdue(self, mails, register, clock, minutes, overdue):
        """A mail that nobody has sent for an hour says that something is wrong; it needs no retry to be found."""
        register("ada")
        clock.advance(minutes=minutes)

        status = mails.status(ID)

        assert (status.overdue, status.again) == (overdue, 0)

    def test_an_event_without_registrations_has_none(self, mails):
        """Of an event that nobody comes to there is nothing to count."""
        assert sum(mails.status(ID).counts.values()) == 0

    def test_an_unknown_event_is_none(self, mails):
        """A mistyped id isn't an event whose mails have all gone out."""
        with pytest.raises(UnknownEventError):
            mails.status("devconf-2027")

    def test_those_of_an_open_event_are_counted(self, repository, mails):
        """Where any event is taken there are mails about events that nobody has set up."""
        repository.add(make_registration(event_id="meetup"))

        assert mails.status("meetup").counts[MailState.DUE] == 1

    def test_whoever_watches_sees_them_pass(self, mails, register):
        """The registrations go by one by one, and what isn't passed on isn't counted."""
        register("ada")
        register("bob")

        status = mails.status(ID, watch=lambda people: [next(people)])

        assert status.counts[MailState.DUE] == 1


class TestOwedSince:
    """Since when a mail has been owed."""

    def test_the_first_one_is_as_old_as_the_registration(self, clock):
        """However often it was tried."""
        registration = make_registration(registered_at=clock(), mail=Mail(attempts=3, attempted_at=clock.now))

        assert owed_since(registration) == clock()

    def test_a_later_one_is_owed_since_it_was_due(self, clock):
        """As long as it has not been tried, the instant it was due says it."""
        mail = Mail(state=MailState.SENT).owing(MailKind.CANCELLED, clock())

        assert owed_since(make_registration(mail=mail)) == clock()

    def test_a_later_one_that_was_tried_is_at_least_so_old(self, clock):
        """What is due again later was owed before its last attempt."""
        mail = Mail().owing(MailKind.CANCELLED, clock()).claimed(clock(), LEASE)

        assert owed_since(make_registration(mail=mail)) == clock()


class TestRetry:
    """Having the failed mails of an event sent again."""

    def test_what_failed_is_due_as_a_new_debt(self, mails, register, stored, clock):
        """It is of the same kind, its tries are counted anew, and it is nobody's earlier claim any more."""
        register("ada", _failed(kind=MailKind.WAITLISTED))

        retried = mails.retry(ID)

        assert retried == Retried(due=1)
        assert stored("ada") == Mail(kind=MailKind.WAITLISTED, number=2, due_at=clock())

    def test_what_failed_is_sent(self, mails, register, sweep):
        """The next sweep finds it, and nothing that had been sent."""
        register("ada", _failed())
        register("bob", Mail(state=MailState.SENT))

        mails.retry(ID)

        assert sweep() == ["ada"]

    def test_what_waits_is_due_at_once(self, mails, register, stored, clock):
        """A mail that is to be tried again later stays the same debt, and keeps its tries."""
        waiting = Mail().claimed(clock(), LEASE).retried(clock() + timedelta(minutes=30), "SES did not answer.")
        register("ada", waiting)

        retried = mails.retry(ID)

        assert retried == Retried(due=1)
        assert stored("ada") == evolve(waiting, due_at=clock())

    @pytest.mark.parametrize(
        "left",
        [
            Mail(state=MailState.DUE, attempts=1, attempted_at=ManualClock().now),
            Mail().claimed(ManualClock().now, LEASE),
            Mail(due_at=None),
        ],
        ids=["0.1.0", "died", "in no list"],
    )
    def test_what_was_left_is_due(self, mails, register, stored, clock, left):
        """Rows that no sweep finds, and claims that nobody took over, are due as if they had never been begun."""
        register("ada", left)
        clock.advance(hours=2)

        retried = mails.retry(ID)

        assert retried == Retried(due=1)
        assert (stored("ada").state, stored("ada").number, stored("ada").due_at) == (MailState.DUE, 2, clock())

    def test_what_is_under_way_is_left_alone(self, mails, register, stored, clock):
        """Neither a live claim is disturbed, nor what is due already, nor what has gone out."""
        under_way = {"ada": Mail(due_at=clock()), "bob": Mail().claimed(clock(), LEASE), "cyd": Mail().sent()}
        for name, mail in under_way.items():
            register(name, mail)

        retried = mails.retry(ID)

        assert retried == Retried()
        assert {name: stored(name) for name in under_way} == under_way

    @pytest.mark.parametrize("state", [MailState.BOUNCED, MailState.COMPLAINED])
    def test_who_wants_no_mail_gets_none(self, mails, register, stored, state):
        """Neither a mail that came back is sent again, nor one that wasn't sent for that reason."""
        came_back, kept = Mail(state=state), _failed(state.value)
        register("ada", came_back)
        register("bob", kept)

        retried = mails.retry(ID)

        assert retried == Retried(blocked=2)
        assert (stored("ada"), stored("bob")) == (came_back, kept)

    def test_what_is_not_true_any_more_is_left_alone(self, repository, mails, register, stored, clock):
        """Of an event that was called off nobody hears that a seat is confirmed; what is still true is sent."""
        register("ada", _failed())
        register("bob", _failed(kind=MailKind.CALLED_OFF))
        Organiser(repository, clock=clock).cancel(ID)

        retried = mails.retry(ID)

        assert retried == Retried(due=1, untrue=1)
        assert stored("ada") == _failed()

    def test_once_more_changes_nothing(self, mails, register, stored):
        """Whoever repeats it, as after a kill, finds nothing that is to be done."""
        register("ada", _failed())
        mails.retry(ID)
        after_once = stored("ada")

        retried = mails.retry(ID)

        assert (retried, stored("ada")) == (Retried(), after_once)

    def test_killed_in_the_middle_it_goes_on(self, mails, register, sweep):
        """Each mail is due as soon as it has been looked at, and the second call does the rest."""
        for name in ("ada", "bob", "cyd"):
            register(name, _failed())

        def killed_after_one(people):
            yield next(people)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            mails.retry(ID, watch=killed_after_one)
        retried = mails.retry(ID)

        assert retried == Retried(due=2)
        assert sweep() == ["ada", "bob", "cyd"]

    def test_the_status_tells_how_many(self, mails, register, clock):
        """What retrying would do is known before: only what it lets be due counts."""
        register("ada", _failed())
        register("bob", _failed("bounced"))
        register("cyd", Mail(state=MailState.BOUNCED))
        register("dan", Mail().retried(clock() + LEASE, "SES did not answer."))

        again = mails.status(ID).again

        assert again == mails.retry(ID).due == 2


def test_a_row_of_0_1_0_is_found_by_the_next_sweep(engine_client, table, clock):
    """What that version has left due in the table is in no list, and is listed once it was asked for again."""
    repository, outbox = DynamoDBEventRepository(engine_client, table), DynamoDBOutbox(engine_client, table)
    digest = repository.digest_of("ada@example.org")
    row = {
        "eventid": ID,
        "sk": f"REGISTRATION#{digest}",
        "eventname": "DevConf 2026",
        "cname": "Ada",
        "cemail": "ada@example.org",
        "status": "confirmed",
        "registrationid": "ada-1",
        "mail": "due",
        "registered_at": "2026-02-01T12:00:00.000000Z",
        "attempted_at": "2026-02-01T12:00:00.000000Z",
    }
    numbers = {name: {"N": "1"} for name in ("revision", "attempts")}
    engine_client.put_item(TableName=table, Item={name: {"S": text} for name, text in row.items()} | numbers)
    assert list(outbox.due(clock())) == []

    retried = Mails(repository, outbox, clock=clock).retry(ID)

    assert retried == Retried(due=1)
    assert list(outbox.due(clock())) == [Debtor(ID, digest)]


class TestRaces:
    """Others who change the same registration meanwhile."""

    @pytest.fixture
    def restless(self, repository, clock):
        """Return a function that makes mails whose registration changes between reading and marking, so often."""

        class Restless(SQLiteOutbox):
            """An outbox before whose mark somebody else does something."""

            def mark(self, registration, mail, *, deadline=None):
                """Mark after the next change."""
                if changes:
                    changes.pop()(registration)
                return super().mark(registration, mail, deadline=deadline)

        changes = []

        def make(*others):
            changes[:] = others
            return Mails(repository, Restless(repository), clock=clock)

        return make

    def test_a_newer_debt_stays(self, repository, restless, register, stored, clock):
        """Who cancels in the same moment gets the mail about that, and no other."""
        register("ada", _failed())
        mails = restless(lambda each: repository.cancel(each, clock()))

        retried = mails.retry(ID)

        assert retried == Retried()
        assert (stored("ada").kind, stored("ada").number) == (MailKind.CANCELLED, 2)

    def test_a_failure_in_between_is_met(self, repository, restless, register, stored):
        """If what is due now has failed again meanwhile, it is looked at again."""
        register("ada", _failed())

        def fail_anew(each):
            repository.replace(each, evolve(each, mail=evolve(each.mail, attempts=each.mail.attempts + 1)))

        retried = restless(fail_anew).retry(ID)

        assert (retried, stored("ada").state) == (Retried(due=1), MailState.DUE)

    def test_patience_ends(self, repository, restless, register):
        """Whoever meets a change every time is told to try again."""
        register("ada", _failed())

        def fail_anew(each):
            found = repository.find(ID, each.attendee_email)
            repository.replace(found, evolve(found, mail=evolve(found.mail, attempts=found.mail.attempts + 1)))

        with pytest.raises(RepositoryUnavailableError):
            restless(*[fail_anew] * 5).retry(ID)

    def test_who_is_deleted_owes_nothing(self, repository, restless, register):
        """A row that somebody has deleted by hand is no trouble."""
        register("ada", _failed())

        def delete(each):
            with repository.database.transaction() as connection:
                connection.execute("DELETE FROM registration WHERE cemail = ?", (each.attendee_email,))

        assert restless(delete).retry(ID) == Retried()


class TestRetryFor:
    """Having one person's mail sent again."""

    def test_only_this_persons_is_due(self, mails, register, sweep):
        """The others' stay as they are; the address may be spelt in any way."""
        register("ada", _failed())
        register("bob", _failed())

        retried = mails.retry_for(ID, " ADA@Example.org")

        assert retried == Retried(due=1)
        assert sweep() == ["ada"]

    def test_a_blocked_address_stays_so(self, mails, block, register, stored):
        """Whose mail came back gets none by being named alone."""
        register("ada", Mail(state=MailState.BOUNCED))
        block("ada", MailState.BOUNCED)

        retried = mails.retry_for(ID, "ada@example.org")

        assert (retried, stored("ada").state) == (Retried(blocked=1), MailState.BOUNCED)

    @pytest.mark.parametrize("state", [MailState.BOUNCED, MailState.COMPLAINED])
    def test_who_is_unblocked_gets_the_mail(self, mails, block, register, sweep, state):
        """Unblocked, the address gets the mail that came back, and later ones."""
        register("ada", Mail(state=state))
        block("ada", state)

        retried = mails.retry_for(ID, "ada@example.org", unblock=True)

        assert retried == Retried(due=1)
        assert sweep() == ["ada"]

    def test_what_bounced_for_now_is_sent_again(self, mails, register, sweep):
        """A mail that a full mailbox has sent back blocks nobody, and is sent when it is asked for."""
        register("ada", Mail().sent().returned(MailState.BOUNCED, is_final=False))

        retried = mails.retry(ID)

        assert retried == Retried(due=1)
        assert sweep() == ["ada"]

    def test_a_row_that_nobody_can_read_keeps_no_mail_back(self, mails, register, repository, sweep):
        """All others that failed are sent again."""
        for name in ("ada", "bob", "cyd"):
            register(name, _failed())
        with repository.database.transaction() as connection:
            connection.execute("UPDATE registration SET status = 'who knows' WHERE cname = 'bob'")

        retried = mails.retry(ID)

        assert retried == Retried(due=2)
        assert sweep() == ["ada", "cyd"]

    def test_who_is_unblocked_may_owe_nothing(self, mails, outbox, repository, register, clock):
        """An address that another event's mail came back from is unblocked, and what has gone out isn't sent again."""
        register("ada", Mail(state=MailState.SENT))
        digest = repository.digest_of("ada@example.org")
        outbox.block(digest, MailState.BOUNCED)

        retried = mails.retry_for(ID, "ada@example.org", unblock=True)

        assert retried == Retried()
        assert outbox.spend(digest, "other#1", clock(), limit=1) is None

    def test_a_stranger_has_no_mail(self, mails):
        """Who isn't registered is told from an event that isn't there."""
        with pytest.raises(UnknownRegistrationError):
            mails.retry_for(ID, "eve@example.org")
        with pytest.raises(UnknownEventError):
            mails.retry_for("devconf-2027", "eve@example.org")


class TestPreview:
    """Looking at a mail before anybody gets it."""

    @pytest.mark.parametrize("kind", list(MailKind))
    def test_every_kind_is_shown(self, mails, kind):
        """It names the event as it is, and the sample person; all but the mail of who has cancelled have a link."""
        message = mails.preview(ID, kind)

        assert "DevConf 2026" in message.subject
        assert "Sample Person" in message.text
        assert ("https://sample.invalid/" in message.text) is (kind is not MailKind.CANCELLED)

    def test_questions_are_answered(self, repository, mails):
        """What the event asks stands in the mail, with an answer that somebody could give."""
        questions = {"type": "object", "properties": {"diet": {"type": "string", "title": "Diet?", "enum": ["None"]}}}
        repository.create_event(make_event(event_id="asking", questions=questions))

        assert "Diet? None" in mails.preview("asking", MailKind.CONFIRMED).text

    def test_nobody_is_registered_by_it(self, repository, mails):
        """Looking changes nothing."""
        mails.preview(ID, MailKind.CONFIRMED)

        assert list(repository.list(ID)) == []

    def test_an_event_that_was_called_off_confirms_nothing(self, repository, mails, clock):
        """What nobody would get is refused; what is still sent is shown."""
        Organiser(repository, clock=clock).cancel(ID)

        with pytest.raises(EventCancelledError):
            mails.preview(ID, MailKind.CONFIRMED)

        assert mails.preview(ID, MailKind.CALLED_OFF).subject == "Called off: DevConf 2026"

    def test_an_open_event_has_the_name_it_was_given(self, repository, mails):
        """Where any event is taken its name is that of a registration, and mails have no link."""
        repository.add(make_registration(event_id="meetup", event_name="Meetup"))

        message = mails.preview("meetup", MailKind.CONFIRMED)

        assert message.subject == "Registration confirmed: Meetup"
        assert "https://" not in message.text

    def test_an_unknown_event_has_no_mail(self, mails):
        """There is nothing to show of an event that isn't there."""
        with pytest.raises(UnknownEventError):
            mails.preview("devconf-2027", MailKind.CONFIRMED)
