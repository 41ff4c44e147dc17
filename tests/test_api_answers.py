"""Answering an event's questions over HTTP: what is taken is stored and mailed, what is wrong is named all at once."""

import json

import pytest
from attrs import evolve
from mailing import relay_of

from event_registration.api import Api, Request
from event_registration.errors import InvalidRegistrationError, RepositoryUnavailableError
from event_registration.local import SQLiteEventRepository
from event_registration.managed import EventRegistrationService
from event_registration.service import Outcome, RegistrationService
from event_registration.testing import ManualClock, RecordingNotifier, make_event, make_registration
from event_registration.testing.guests import current, found, guest

ID = "devconf-2026"
QUESTIONS = {
    "type": "object",
    "properties": {
        "diet": {"type": "string", "title": "What do you eat?", "enum": ["all", "vegan"]},
        "guests": {"type": "integer", "minimum": 0, "maximum": 3},
    },
    "required": ["diet"],
}
ADA = {"eventid": ID, "cname": "ada", "cemail": "ada@example.org"}


class _Store(SQLiteEventRepository):
    """SQLite in memory whose events can be away."""

    fault = None
    looks = 0

    def find_event(self, event_id, *, deadline=None):
        """Count, then find or raise."""
        self.looks += 1
        if self.fault:
            raise self.fault
        return super().find_event(event_id, deadline=deadline)


class _System:
    def __init__(self, store):
        self.store = store
        self.notifier = RecordingNotifier()
        self.clock = ManualClock()
        self.now = 1000.0
        self.service = EventRegistrationService(
            store,
            relay_of(store, self.notifier, clock=self.clock),
            clock=self.clock,
            monotonic=lambda: self.now,
            cache_seconds=5.0,
        )
        self.api = Api(self.service, managed=self.service)

    def post(self, **document):
        """Register somebody."""
        headers = {"content-type": "application/json"}
        request = Request(method="POST", path="/registrations", headers=headers, body=json.dumps(ADA | document))
        return self.api.handle(request)


@pytest.fixture
def make_system(request):
    """Return a function that makes a system with one event."""

    def make(**event):
        store = _Store(":memory:")
        request.addfinalizer(store.close)
        store.create_event(make_event(**event))
        return _System(store)

    return make


@pytest.fixture
def system(make_system):
    """Return a system whose event asks something."""
    return make_system(questions=QUESTIONS)


def _errors(response):
    assert (response.status, json.loads(response.body)["code"]) == (422, "invalid-registration")
    return [(each["field"], each["code"]) for each in json.loads(response.body)["errors"]]


def test_keeps_and_mails_answers(system):
    """Answers are stored in normal form and in the questions' order, and the mail repeats them by their titles."""
    response = system.post(answers={"guests": 2.0, "diet": "vegan"})

    assert response.status == 201
    assert json.dumps(found(system.store, "ada").answers) == '{"diet": "vegan", "guests": 2}'
    assert "What do you eat? vegan" in system.notifier.messages[0].text.replace("\u2060", "")


@pytest.mark.parametrize(
    ("document", "errors"),
    [
        ({}, [("answers.diet", "required")]),
        ({"answers": None}, [("answers.diet", "required")]),
        ({"answers": "vegan"}, [("answers", "not-an-object")]),
        ({"answers": ["vegan"]}, [("answers", "not-an-object")]),
        (
            {"answers": {"diet": "meat", "guests": 4}},
            [("answers.diet", "not-an-option"), ("answers.guests", "number-too-large")],
        ),
        (
            {"cname": "", "cemail": "ada", "answers": {"guests": "two"}},
            [
                ("cname", "required"),
                ("cemail", "invalid-address"),
                ("answers.diet", "required"),
                ("answers.guests", "not-a-number"),
            ],
        ),
        ({"cname": "", "answers": 5}, [("cname", "required"), ("answers", "not-an-object")]),
    ],
    ids=ascii,
)
def test_names_all_that_is_wrong(system, document, errors):
    """One refusal names every field and every answer that is wrong; nothing is stored or mailed."""
    response = system.post(**document)

    assert _errors(response) == errors
    assert list(system.store.list(ID)) == []
    assert system.notifier.attempts == 0


@pytest.mark.parametrize("eventid", ["a b", "", "  ", None, 7, "x" * 3000, "other"], ids=lambda value: repr(value)[:9])
def test_names_the_fields_where_there_is_no_such_event(system, eventid):
    """Where nothing can be said of the answers the fields are told alone; nobody is asked for what is no id."""
    fields = [field for field, _ in _errors(system.post(eventid=eventid, cname="", answers={"x": 1}))]

    assert fields == (["cname"] if eventid == "other" else ["eventid", "cname"])
    assert system.store.looks == (eventid == "other")


def test_tells_nothing_of_events_that_are_not_taken(system):
    """An event that the operator doesn't list has no questions that a wrong request could learn of."""
    service = EventRegistrationService(system.store, None, event_ids=["other"], clock=system.clock)
    system.api = Api(service, managed=service)

    assert _errors(system.post(cname="", answers={"guests": "two"})) == [("cname", "required")]


def test_can_not_judge_without_the_event(system):
    """If the event can't be read a wrong request is told to come again, as a right one is."""
    system.store.fault = RepositoryUnavailableError("down")

    assert system.post(cname="").status == 503
    assert system.post(answers={"diet": "vegan"}).status == 503


@pytest.mark.parametrize("answers", [{"diet": "vegan"}, {"x": [1, {"y": None}]}, "vegan", 5], ids=repr)
def test_leaves_answers_alone_that_nobody_asked_for(make_system, answers):
    """An event that asks nothing takes whoever answers something, and stores none of it."""
    system = make_system()

    response = system.post(answers=answers)

    assert response.status == 201
    assert found(system.store, "ada").answers == {}
    assert "answers" not in system.notifier.messages[0].text


def test_other_answers_are_other_details(system):
    """A repeat with other answers changes nothing and looks like a first time; spelled otherwise it is the same."""
    first = system.post(answers={"diet": "vegan"})

    same = system.post(answers={"diet": "vegan", "guests": None})
    other = system.post(answers={"diet": "all"})

    assert (same.body, other.body) == (first.body, first.body)
    assert [same.facts["outcome"], other.facts["outcome"]] == [Outcome.REPEATED.value, Outcome.DIFFERENT.value]
    assert found(system.store, "ada").answers == {"diet": "vegan"}
    assert len(system.notifier.messages) == 1


def test_python_callers_are_judged_too(system):
    """The service itself checks answers, whoever calls it."""
    with pytest.raises(InvalidRegistrationError) as caught:
        system.service.register(evolve(guest("ada"), answers={"diet": "meat"}))

    assert [problem.code for problem in caught.value.problems] == ["not-an-option"]


def test_makes_the_questionnaire_once_a_revision(system):
    """As long as the event doesn't change its questionnaire is the same object, however often the event is read."""
    first = system.service._catalogue.find(ID).event.questionnaire
    for _ in range(3):
        system.now += 6
        system.post(answers={"diet": "vegan"})
    assert system.store.looks > 3
    assert system.service._catalogue.last(ID).event.questionnaire is first

    old = current(system.store)
    system.store.change_event(old, evolve(old, event=evolve(old.event, venue="Elsewhere")), system.clock())
    system.now += 6
    system.post(answers={"diet": "vegan"})

    assert system.service._catalogue.last(ID).event.questionnaire is not first


def test_open_events_take_no_answers():
    """Where any event is taken nothing is asked, and answers are left alone."""
    store = SQLiteEventRepository(":memory:")
    notifier = RecordingNotifier()
    service = RegistrationService(store, notifier)
    body = json.dumps(ADA | {"eventname": "DevConf", "answers": {"diet": "vegan"}})
    response = Api(service).handle(
        Request(method="POST", path="/registrations", headers={"content-type": "application/json"}, body=body)
    )
    stored = store.find(ID, make_registration(attendee_email="ada@example.org").attendee_email)
    store.close()

    assert response.status == 201
    assert stored.answers == {}
