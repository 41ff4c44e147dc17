"""The registration as a value: what it normalises, refuses, hides and equals."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve, fields, frozen
from attrs.exceptions import FrozenInstanceError
from hypothesis import given, settings
from hypothesis import strategies as st
from timing import cpu_seconds

from event_registration.attachment import Attachment
from event_registration.errors import InvalidRegistrationError
from event_registration.mail import Mail, MailKind, MailState
from event_registration.message import Message
from event_registration.model import Registration, Status
from event_registration.rules import PROBLEM_MESSAGES, attendee_digest, check_address, normalise_address

ADA = {
    "event_id": "spring-2026",
    "event_name": "Spring Meeting",
    "attendee_name": "Ada Lovelace",
    "attendee_email": "ada@example.org",
}
FRAGMENTS = [
    *(" ", "\u00a0", "\u3000", "\u2003", "\t", "\n", "\u200b", "\u0301", "e\u0301", "\u1112\u1161\u11ab", "\u0958"),
    *("\u212b", "@", ".", "\u3002", "ü", "Ü", "ß", "\u00ad", "\u200d", "-", "xn--", "A", "example", "💩", "\ud800"),
]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TEXT = st.lists(st.sampled_from(FRAGMENTS) | st.characters(), max_size=12).map("".join)


class TestDefaults:
    """What a registration is when only its four fields are given."""

    def test_four_fields_suffice(self):
        """A registration needs its four fields; all else has defaults."""
        registration = Registration(**ADA)

        assert registration.status is Status.CONFIRMED
        assert registration.registered_at is None
        assert registration.revision == 1
        assert registration.mail == Mail(state=MailState.DUE, attempts=0, attempted_at=None)

    def test_each_sign_up_has_its_own_identity(self):
        """Two sign-ups of one person are told apart by 32 hexadecimal digits."""
        first, second = Registration(**ADA), Registration(**ADA)

        assert first.registration_id != second.registration_id
        assert re.fullmatch(r"[0-9a-f]{32}", first.registration_id)

    def test_fields_are_named(self):
        """Nobody can mix up the fields' order."""
        with pytest.raises(TypeError):
            Registration(*ADA.values())

    @pytest.mark.parametrize(
        "value",
        [Registration(**ADA), Mail(), Message(to="ada@example.org", subject="Hello", text="Hi", html="<p>Hi")],
        ids=lambda value: type(value).__name__,
    )
    def test_values_are_frozen(self, value):
        """A value can't be changed once it is checked."""
        name = value.__attrs_attrs__[0].name

        with pytest.raises(FrozenInstanceError):
            setattr(value, name, "other")

    @pytest.mark.parametrize(
        ("enum", "values"),
        [
            (Status, {"confirmed", "waitlisted", "cancelled"}),
            (MailState, {"due", "claimed", "retry", "sent", "failed", "bounced", "complained"}),
            (
                MailKind,
                {"confirmed", "waitlisted", "promoted", "cancelled", "repeated", "moved", "called-off"},
            ),
        ],
        ids=["Status", "MailState", "MailKind"],
    )
    def test_states_are_their_stored_words(self, enum, values):
        """What is stored for a state is its value."""
        assert set(enum) == values


class TestNormalForm:
    """How text is written before it is checked and kept."""

    @pytest.mark.parametrize(
        ("field", "value", "normal"),
        [
            ("event_id", " spring-2026\r\n", "spring-2026"),
            ("event_id", "\u3000Spring\u00a0", "Spring"),
            ("event_name", "Spring \u2003 Meeting ", "Spring Meeting"),
            ("attendee_name", "  Zoe\u0308\u3000 Å\u00a0", "Zoë Å"),
            ("attendee_email", "\t Ada@EXAMPLE.org\n", "Ada@example.org"),
            ("attendee_email", "ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
            ("attendee_email", "ada@例え\u3002\uff2a\uff30", "ada@xn--r8jz45g.jp"),
            ("attendee_email", "ada@faß.example", "ada@xn--fa-hia.example"),
        ],
    )
    def test_fields_are_kept_in_normal_form(self, field, value, normal):
        """Each field is normalised wherever a registration is made."""
        registration = Registration(**{**ADA, field: value})

        assert getattr(registration, field) == normal

    def test_a_changed_copy_is_checked_again(self):
        """No copy of a registration escapes the rules."""
        registration = Registration(**ADA)

        copy = evolve(registration, attendee_name=" Ada  King ")
        with pytest.raises(InvalidRegistrationError):
            evolve(registration, attendee_name="www.example.org")

        assert copy.attendee_name == "Ada King"

    @given(TEXT, TEXT, TEXT, TEXT)
    @settings(deadline=None)
    def test_normalising_twice_is_normalising_once(self, event_id, event_name, name, address):
        """Whatever is accepted is kept as it is when it comes again."""
        fields = dict(zip(ADA, (f"a{event_id}", f"A{event_name}", f"A{name}", f"a@{address}.org"), strict=True))
        for field, value in fields.items():
            try:
                once = getattr(Registration(**{**ADA, field: value}), field)
            except InvalidRegistrationError:
                continue

            twice = getattr(Registration(**{**ADA, field: once}), field)

            assert twice == once

    @given(TEXT)
    @settings(deadline=None)
    def test_an_accepted_name_is_nfc_with_single_spaces(self, text):
        """A name is stored composed, its words one space apart, with none around."""
        try:
            name = Registration(**{**ADA, "attendee_name": f"A{text}"}).attendee_name
        except InvalidRegistrationError:
            return

        assert name == unicodedata.normalize("NFC", name)
        assert name == " ".join(name.split(" ")).strip()
        assert "  " not in name

    @given(TEXT)
    @settings(deadline=None)
    def test_normalising_an_address_never_fails(self, text):
        """Whatever is given as an address is normalised to a fixed point and judged without an exception."""
        normal = normalise_address(text)

        assert normalise_address(normal) == normal
        assert check_address(normal) in {None, "address-too-long", "unsupported-address", "invalid-address"}

    @given(TEXT)
    @settings(deadline=None)
    def test_an_accepted_address_is_ascii_with_a_lower_case_domain(self, text):
        """A mail program gets an address of ASCII, in one line, with one @."""
        normal = normalise_address(f"a@{text}.org")
        if check_address(normal) is not None:
            return

        assert re.fullmatch(r"[!-?A-~]+@[a-z0-9.-]+", normal)

    def test_what_is_no_address_is_only_trimmed(self):
        """Normalising is no judgement: it leaves what it can't read."""
        normal = normalise_address(" Ada at BÜCHER.example ")

        assert normal == "Ada at BÜCHER.example"


class TestRefusal:
    """What is refused, and how that is told."""

    def test_all_problems_are_told_at_once_under_pythons_names(self):
        """One refusal names every wrong field, in the order of the fields."""
        with pytest.raises(InvalidRegistrationError) as refusal:
            Registration(event_id="a b", event_name="www.example.org", attendee_name="A\0", attendee_email="ada")

        assert [(problem.field, problem.code) for problem in refusal.value.problems] == [
            ("event_id", "invalid-event-id"),
            ("event_name", "contains-link"),
            ("attendee_name", "forbidden-character"),
            ("attendee_email", "invalid-address"),
        ]

    @pytest.mark.parametrize("field", ADA)
    @pytest.mark.parametrize(
        ("value", "code"),
        [(None, "required"), ("", "required"), ("  ", "required"), (5, "not-a-string"), (b"a", "not-a-string")],
        ids=["None", "empty", "spaces", "int", "bytes"],
    )
    def test_every_field_must_be_text_that_is_there(self, field, value, code):
        """What is missing, empty or no text is refused in every field."""
        with pytest.raises(InvalidRegistrationError) as refusal:
            Registration(**{**ADA, field: value})

        assert [(problem.field, problem.code) for problem in refusal.value.problems] == [(field, code)]

    def test_a_refusal_is_a_value_error(self):
        """A caller who knows nothing of this package catches a ValueError."""
        with pytest.raises(ValueError, match=r"^attendee_email: Enter one address"):
            Registration(**{**ADA, "attendee_email": "secret at example"})

    def test_a_refusal_never_repeats_the_value(self):
        """A message holds no personal data: it can be logged."""
        with pytest.raises(InvalidRegistrationError) as refusal:
            Registration(event_id="secret/", event_name="secret\n", attendee_name="secret ://", attendee_email="secret")

        assert "secret" not in str(refusal.value)

    @pytest.mark.parametrize("code", PROBLEM_MESSAGES)
    def test_every_message_is_a_sentence(self, code):
        """A message begins with a capital and says what is wrong in one line of ASCII."""
        message = PROBLEM_MESSAGES[code]

        assert re.fullmatch(r"[A-Z][ -~]+", message)

    @given(TEXT, TEXT, TEXT, TEXT)
    @settings(deadline=None)
    def test_nothing_but_a_refusal_comes_out(self, event_id, event_name, name, address):
        """Whatever text is given, the outcome is a registration or a refusal with known codes."""
        outcome = None
        try:
            outcome = Registration(event_id=event_id, event_name=event_name, attendee_name=name, attendee_email=address)
        except InvalidRegistrationError as error:
            outcome = error

        assert isinstance(outcome, Registration) or {problem.code for problem in outcome.problems} <= set(
            PROBLEM_MESSAGES
        )


class TestIdentity:
    """Who is the same person."""

    def test_a_digest_is_the_sha_256_of_the_lower_case_address(self):
        """The key of a person never changes, or every stored row would be orphaned."""
        digest = attendee_digest("ada@example.org")

        assert digest == "cfe00dde46ef942601ffafb9e2825e802858b460e586b8305b344c1eb826357d"

    @pytest.mark.parametrize("spelling", [" ADA@Example.org ", "Ada@EXAMPLE.ORG", "\u3000ada@\uff45xample.org"])
    def test_spellings_of_one_address_are_one_person(self, spelling):
        """Case and space around don't make another person."""
        digest = attendee_digest(normalise_address(spelling))

        assert digest == attendee_digest("ada@example.org")

    def test_a_domain_in_any_script_is_one_person(self):
        """An internationalised domain and its A-label are the same address."""
        digest = attendee_digest(normalise_address("ada@BÜCHER.example"))

        assert digest == attendee_digest("ada@xn--bcher-kva.example")

    @pytest.mark.parametrize("other", ["ada+spring@example.org", "a.da@example.org", "ada@example.com"])
    def test_tags_and_dots_make_another_person(self, other):
        """Only the address's provider knows whether dots and tags matter, so they do."""
        assert attendee_digest(other) != attendee_digest("ada@example.org")


class TestSameDetails:
    """What is the same sign-up said twice."""

    def test_only_the_details_count(self):
        """Status, identity, time, revision and mail are not what a person sent."""
        first = Registration(**ADA)
        second = Registration(
            **ADA,
            status=Status.CANCELLED,
            registered_at=datetime(2026, 3, 1, tzinfo=UTC),
            revision=3,
            mail=Mail(state=MailState.SENT, attempts=1),
        )

        assert first.same_details(second)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("attendee_email", " ADA@EXAMPLE.ORG "),
            ("attendee_name", " Ada \u00a0Lovelace"),
            ("event_name", "Spring\u3000Meeting"),
            ("event_id", "spring-2026 "),
        ],
    )
    def test_normal_forms_are_compared(self, field, value):
        """Another spelling of the same is the same, in both directions."""
        first, second = Registration(**ADA), Registration(**{**ADA, field: value})

        assert first.same_details(second)
        assert second.same_details(first)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("attendee_email", "ada+x@example.org"),
            ("attendee_name", "ada lovelace"),
            ("event_name", "Autumn Meeting"),
            ("event_id", "Spring-2026"),
            ("answers", {"diet": "vegan"}),
        ],
    )
    def test_any_other_detail_is_another(self, field, value):
        """A difference in any field, a name's case included, is told."""
        first, second = Registration(**ADA), Registration(**{**ADA, field: value})

        assert not first.same_details(second)


class TestLives:
    """How a registration ends and begins anew."""

    def test_whoever_waited_to_the_end_keeps_the_place(self):
        """A cancelled registration whose person waited tells so by its place."""
        waiting = Registration(**ADA, status=Status.WAITLISTED, place=7)

        assert waiting.cancelled(NOW).place == 7

    def test_cancelled_keeps_who_it_was(self):
        """A cancelled registration has no seat and no place, counts one more, owes that news and keeps the rest."""
        registration = Registration(
            **ADA, seat=3, place=7, answers={"diet": "vegan"}, revision=4, link_generation=2, told_of=5
        )

        assert registration.cancelled(NOW) == evolve(
            registration,
            status=Status.CANCELLED,
            seat=None,
            place=None,
            revision=5,
            link_generation=3,
            mail=Mail(kind=MailKind.CANCELLED, number=2, due_at=NOW),
        )

    def test_who_comes_back_is_of_the_next_generation(self):
        """A new registration goes on counting where the cancelled one ended, and has nothing else of it."""
        earlier = Registration(**ADA, answers={"diet": "vegan"}, revision=4, link_generation=2, told_of=5)
        new = Registration(**ADA, answers={"diet": "none"}, told_of=6, mail=Mail(due_at=NOW + HOUR))

        assert new.after(earlier.cancelled(NOW)) == evolve(
            new, revision=6, link_generation=3, mail=Mail(number=3, due_at=NOW + HOUR)
        )

    @pytest.mark.parametrize(
        ("status", "kind"), [(Status.CONFIRMED, MailKind.CONFIRMED), (Status.WAITLISTED, MailKind.WAITLISTED)], ids=str
    )
    def test_whoever_is_let_in_is_told_so(self, status, kind):
        """Who gets a seat or a place owes the same debt as before, and its mail tells which of both it is."""
        registration = Registration(**ADA, seat=9, place=9, mail=Mail(number=4).claimed(NOW, HOUR))

        admitted = registration.admitted(status, seat=3)

        assert admitted == evolve(
            registration, status=status, seat=3, place=None, mail=evolve(registration.mail, kind=kind)
        )

    def test_whoever_is_promoted_keeps_the_place(self):
        """Who gets a seat from the waiting list is the same registration, changed once, and owes that news."""
        waiting = Registration(**ADA, status=Status.WAITLISTED, place=7, revision=2, mail=Mail(attempts=1).sent())

        assert waiting.promoted(3, NOW) == evolve(
            waiting,
            status=Status.CONFIRMED,
            seat=3,
            revision=3,
            mail=Mail(kind=MailKind.PROMOTED, number=2, due_at=NOW),
        )

    def test_whoever_is_told_news_is_not_changed(self):
        """News of the event are another debt, and no change of the sign-up itself."""
        registration = Registration(**ADA, revision=2, told_of=1, mail=Mail().sent())

        assert registration.told(MailKind.MOVED, 4, NOW) == evolve(
            registration, told_of=4, mail=Mail(kind=MailKind.MOVED, number=2, due_at=NOW)
        )

    @pytest.mark.parametrize("kind", [MailKind.CONFIRMED, MailKind.WAITLISTED, MailKind.PROMOTED])
    @pytest.mark.parametrize("state", [MailState.DUE, MailState.RETRY])
    def test_a_change_is_told_by_the_mail_that_waits(self, kind, state):
        """Who hasn't heard yet of a seat hears of it and of the new time and place at once, by the seat's own mail."""
        registration = Registration(**ADA, mail=Mail(kind=kind, state=state, due_at=NOW))

        assert registration.told(MailKind.MOVED, 4, NOW).mail == Mail(kind=kind, number=2, due_at=NOW)

    @pytest.mark.parametrize(
        ("mail", "news"),
        [
            (Mail(kind=MailKind.PROMOTED, due_at=NOW), MailKind.CALLED_OFF),
            (Mail(kind=MailKind.PROMOTED, state=MailState.CLAIMED, due_at=NOW), MailKind.MOVED),
            (Mail(kind=MailKind.REPEATED, due_at=NOW), MailKind.MOVED),
        ],
        ids=["called off", "being sent", "another's attempt"],
    )
    def test_other_news_take_a_mail_s_place(self, mail, news):
        """What is called off, what a mail under way may not say, and what it doesn't say are told by another."""
        assert Registration(**ADA, mail=mail).told(news, 4, NOW).mail.kind is news


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "confirmed"),
        ("registration_id", ""),
        ("registration_id", 5),
        ("registered_at", datetime(2026, 3, 1)),  # noqa: DTZ001 - the very fault
        ("registered_at", "2026-03-01T12:00:00Z"),
        ("revision", -1),
        ("revision", "1"),
        ("answers", None),
        ("answers", ["vegan"]),
        ("link_generation", "1"),
        ("link_generation", -1),
        ("told_of", "1"),
        ("told_of", -1),
        ("seat", -1),
        ("place", "1"),
        ("mail", None),
        ("mail", Mail(state="sent")),
        ("mail", Mail(kind="confirmed")),
        ("mail", Mail(attempts=-1)),
        ("mail", Mail(number="1")),
        ("mail", Mail(due_at=datetime(2026, 3, 1))),  # noqa: DTZ001 - the very fault
        ("mail", Mail(repeated_at="2026-03-01T12:00:00Z")),
        ("mail", Mail(attempted_at=datetime(2026, 3, 1))),  # noqa: DTZ001 - the very fault
    ],
    ids=repr,
)
def test_checks_what_no_attendee_sends(field, value):
    """What our own code or a stored row gives is checked too, and named."""
    with pytest.raises(InvalidRegistrationError) as caught:
        Registration(**ADA, **{field: value})

    assert [(problem.field, problem.code) for problem in caught.value.problems] == [(field, "invalid-value")]


class TestChanged:
    """A copy with changes."""

    def test_differs_in_the_changes_alone(self):
        """What is changed is in its normal form, all else is as it was, and so is the first."""
        registration = Registration(**ADA, seat=4, locale="de", answers={"diet": "vegan"})

        changed = registration.changed(event_name="  DevConf   2027 ", seat=None)

        assert changed == evolve(registration, event_name="DevConf 2027", seat=None)
        assert registration.seat == 4

    def test_names_all_changes_that_are_wrong(self):
        """Every change is checked by its field's rule, of what attendees send and of what our own code gives."""
        with pytest.raises(InvalidRegistrationError) as caught:
            Registration(**ADA).changed(event_name="", attendee_email=5, registered_at=datetime(2026, 3, 1))  # noqa: DTZ001 - the very fault

        assert [(problem.field, problem.code) for problem in caught.value.problems] == [
            ("event_name", "required"),
            ("attendee_email", "not-a-string"),
            ("registered_at", "invalid-value"),
        ]

    def test_knows_its_fields(self):
        """What is no field can't be changed."""
        with pytest.raises(KeyError):
            Registration(**ADA).changed(nickname="Ada")

    def test_leaves_no_field_of_a_subclass_out(self):
        """A team's own class of registrations is copied whole."""

        @frozen(kw_only=True)
        class Badge(Registration):
            colour: str = "grey"

        changed = Badge(**ADA, colour="blue").changed(seat=1)

        assert (changed.colour, changed.seat) == ("blue", 1)

    def test_has_every_field(self):
        """No field is left out of the copy, nor of the checks."""
        names = {field.name for field in fields(Registration)}

        assert {name for name in names if hasattr(Registration(**ADA).changed(), name)} == names


@pytest.mark.parametrize(
    "change",
    [
        {"to": "ada@example.org, bob@example.org"},
        {"to": "=?utf-8?q?bob=40example.org=2C?=@example.org"},
        {"to": "ada@example.org\r\nBcc: bob@example.org"},
        {"subject": "s\r\nBcc: bob@example.org"},
        {"subject": "=?utf-8?q?a=0D=0ABcc=3A_bob=40example.org?="},
        {"reference": "a b"},
        {"reference": "ä"},
        {"reference": "a\n"},
        {"reference": "a" * 257},
    ],
    ids=repr,
)
def test_a_message_has_one_recipient_and_one_line(change):
    """A message that could become another header or recipient can't be made."""
    with pytest.raises(ValueError, match=r"recipient|subject|reference"):
        Message(**({"to": "ada@example.org", "subject": "s", "text": "t", "html": "h"} | change))


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "../event.ics"},
        {"name": "C:event.ics"},
        {"name": ".htaccess"},
        {"name": 'a"b.ics'},
        {"name": "a\r\nBcc: bob@example.org"},
        {"name": "ä.ics"},
        {"name": "a.ics\n"},
        {"name": "a" * 101},
        {"media_type": ""},
        {"media_type": "text"},
        {"media_type": "text/calendar\r\nBcc: bob@example.org"},
        {"media_type": "text/calendar; method=REQUEST\n"},
        {"media_type": 'text/calendar; name="a b"'},
        {"media_type": "text/calendar;method"},
        {"media_type": "text/" + "a" * 74},
    ],
    ids=repr,
)
def test_an_attachment_is_a_file_and_nothing_else(change):
    """A file that could become another header, or land elsewhere on a disk, can't be made."""
    with pytest.raises(ValueError, match=r"file's name|media type"):
        Attachment(**({"name": "a.ics", "media_type": "text/calendar", "content": b""} | change))


@pytest.mark.parametrize(
    "change", [{"name": "a" * 100}, {"name": "7.tar.gz"}, {"media_type": "text/" + "a" * 73}], ids=repr
)
def test_an_attachment_may_be_at_its_limits(change):
    """What is just allowed is."""
    assert Attachment(**({"name": "a.ics", "media_type": "text/calendar", "content": b""} | change))


def test_a_long_domain_costs_little():
    """A domain too long to be one is not encoded, which would take quadratic time."""
    address = f"a@{'例' * 8000}.example"

    seconds = cpu_seconds(lambda: normalise_address(address))

    assert seconds < 0.25
