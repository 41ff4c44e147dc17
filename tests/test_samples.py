"""What a mail is shown with before anybody gets it."""

import pytest

from event_registration.links import Link
from event_registration.mail import MailKind
from event_registration.model import Status
from event_registration.questions import Questionnaire
from event_registration.samples import SAMPLE_LINKS, sample_registration

_QUESTIONS = {
    "type": "object",
    "properties": {
        "diet": {"type": "string", "enum": ["Everything", "No meat"]},
        "days": {"type": "array", "items": {"type": "string", "enum": ["Friday", "Saturday", "Sunday"]}},
        "only": {"type": "array", "items": {"type": "string", "enum": ["Friday"]}},
        "guests": {"type": "integer"},
        "age": {"type": "integer", "minimum": 18},
        "share": {"type": "number"},
        "terms": {"type": "boolean", "const": True},
        "mail": {"type": "string", "format": "email"},
        "page": {"type": "string", "format": "uri"},
        "day": {"type": "string", "format": "date"},
        "hour": {"type": "string", "format": "time"},
        "why": {"type": "string"},
    },
    "if": {"properties": {"diet": {"const": "Everything"}}, "required": ["diet"]},
    "then": {"properties": {"what": {"type": "string"}}},
}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (MailKind.CONFIRMED, Status.CONFIRMED),
        (MailKind.WAITLISTED, Status.WAITLISTED),
        (MailKind.PROMOTED, Status.CONFIRMED),
        (MailKind.CANCELLED, Status.CANCELLED),
        (MailKind.REPEATED, Status.CONFIRMED),
        (MailKind.MOVED, Status.CONFIRMED),
        (MailKind.CALLED_OFF, Status.CONFIRMED),
    ],
)
def test_the_registration_stands_where_the_mail_says(kind, status):
    """Each kind of mail comes from a registration of a status that it is sent in."""
    sample = sample_registration("devconf", "DevConf", kind)

    assert (sample.mail.kind, sample.status) == (kind, status)


def test_nobody_could_get_it():
    """Neither the address nor the link leads anywhere: no such host will ever be (RFC 2606)."""
    sample = sample_registration("devconf", "DevConf", MailKind.CONFIRMED)
    link = SAMPLE_LINKS.address_of(Link("devconf", "f" * 64, 1, 2_000_000_000))

    assert sample.attendee_email.endswith("@sample.invalid")
    assert link.startswith("https://sample.invalid/manage.html#v1.sample.")


def test_every_question_is_answered_as_somebody_could():
    """Answers to all kinds of questions, those of the condition too, are what the event would take."""
    sample = sample_registration("devconf", "DevConf", MailKind.CONFIRMED, questions=_QUESTIONS)

    assert Questionnaire(_QUESTIONS).answers_of(sample.answers) == sample.answers
    assert set(sample.answers) == {*_QUESTIONS["properties"], "what"}


@pytest.mark.parametrize("questions", [None, {}, {"type": "object"}], ids=str)
def test_where_nothing_is_asked_nothing_is_answered(questions):
    """Questions that aren't there, or that something else has stored, have no answers."""
    sample = sample_registration("devconf", "DevConf", MailKind.CONFIRMED, questions=questions)

    assert sample.answers == {}
