"""Settings: every variable, its default, and all that is wrong at once."""

from pathlib import Path

import attrs
import pytest

from event_registration import Settings, SettingsError
from event_registration.service import OnDuplicate
from event_registration.settings import PREFIX, Confirmation, EventsMode


def _read(required=(), **variables):
    return Settings.from_environ({f"{PREFIX}{name}": text for name, text in variables.items()}, required=required)


def _problems(required=(), **variables):
    with pytest.raises(SettingsError) as caught:
        _read(required, **variables)
    return [(each.field, each.code) for each in caught.value.problems]


def test_defaults():
    """Nothing need be set: the brief's table, our own origin, any event, repeats answered, mail at once, no sender."""
    settings = Settings.from_environ({})

    assert settings == Settings()
    assert attrs.asdict(settings) == {
        "sender": None,
        "table": "eventmanagement",
        "allowed_origins": frozenset(),
        "events": EventsMode.OPEN,
        "event_ids": None,
        "on_duplicate": OnDuplicate.ANSWER,
        "confirmation": Confirmation.INLINE,
        "mails_per_day": 5,
        "configuration_set": None,
        "link_keys": None,
        "manage_url": None,
        "smtp_url": None,
        "templates": None,
    }


VALUES = {
    "sender": ("Events <events@example.org>", "Events <events@example.org>"),
    "table": ("events-2026", "events-2026"),
    "allowed_origins": ("https://events.example.org", frozenset({"https://events.example.org"})),
    "events": ("managed", EventsMode.MANAGED),
    "event_ids": ("devconf-2026", frozenset({"devconf-2026"})),
    "on_duplicate": ("reject", OnDuplicate.REJECT),
    "confirmation": ("outbox", Confirmation.OUTBOX),
    "mails_per_day": ("12", 12),
    "configuration_set": ("events_1", "events_1"),
    "link_keys": ("events/links", "events/links"),
    "manage_url": ("https://events.example.org/manage.html", "https://events.example.org/manage.html"),
    "smtp_url": ("smtps://ada:xyzzy@mail.example.org", "smtps://ada:xyzzy@mail.example.org"),
    "templates": ("our/mails", Path("our/mails")),
}
# What goes with it, where a setting is of no use alone.
PARTNERS = {"link_keys": "manage_url", "manage_url": "link_keys"}


def test_every_setting_is_tested():
    """The values below are one for each setting there is."""
    assert VALUES.keys() == {each.name for each in attrs.fields(Settings)}


@pytest.mark.parametrize("name", VALUES)
def test_variable(name):
    """Each setting is read from its own variable and leaves the others as they are."""
    names = [name, PARTNERS[name]] if name in PARTNERS else [name]

    settings = Settings.from_environ({f"EVENT_REGISTRATION_{each.upper()}": VALUES[each][0] for each in names})

    assert settings == attrs.evolve(Settings(), **{each: VALUES[each][1] for each in names})


@pytest.mark.parametrize(("name", "partner"), PARTNERS.items())
@pytest.mark.parametrize("text", [None, "", " "], ids=repr)
def test_two_go_together(name, partner, text):
    """A key without a page, or a page without a key, would send no link and say nothing: the missing one is named."""
    variables = {} if text is None else {partner.upper(): text}

    with pytest.raises(SettingsError) as caught:
        _read(**{name.upper(): VALUES[name][0]}, **variables)

    (problem,) = caught.value.problems
    assert (problem.field, problem.code) == (f"EVENT_REGISTRATION_{partner.upper()}", "required")
    assert f"EVENT_REGISTRATION_{name.upper()}" in problem.message


def test_a_wrong_partner_is_wrong_and_not_missing():
    """Of two that go together the one that is there and wrong is told, and nothing is said to be missing."""
    assert _problems(LINK_KEYS="events/links", MANAGE_URL="manage.html") == [
        ("EVENT_REGISTRATION_MANAGE_URL", "invalid-setting")
    ]


def test_all_variables_together():
    """All settings can be set at once."""
    settings = _read(**{name.upper(): text for name, (text, _) in VALUES.items()})

    assert attrs.asdict(settings) == {name: value for name, (_, value) in VALUES.items()}


@pytest.mark.parametrize("name", VALUES)
def test_surrounding_space(name):
    """Space around a value, as a file of variables leaves it, is no part of it."""
    text, value = VALUES[name]
    partner = {PARTNERS[name].upper(): VALUES[PARTNERS[name]][0]} if name in PARTNERS else {}

    settings = _read(**{name.upper(): f" {text}\n"}, **partner)

    assert getattr(settings, name) == value


@pytest.mark.parametrize("text", ["", " ", "\n\t"], ids=repr)
@pytest.mark.parametrize("name", VALUES)
def test_empty_is_missing(name, text):
    """An empty variable counts as missing: the default holds."""
    settings = _read(**{name.upper(): text})

    assert settings == Settings()


@pytest.mark.parametrize("text", [None, "", " "], ids=repr)
def test_refused(text):
    """A setting that is out of place is told with why, unless it is empty."""
    refused = {"table": "is for others.", "events": "is for others, too."}
    variables = {f"{PREFIX}TABLE": "events", f"{PREFIX}SENDER": "nobody"} | (
        {} if text is None else {f"{PREFIX}EVENTS": text}
    )

    with pytest.raises(SettingsError) as caught:
        Settings.from_environ(variables, refused=refused)

    first, *_ = caught.value.problems
    assert (first.field, first.code, first.message) == (
        "EVENT_REGISTRATION_TABLE",
        "out-of-place",
        "is for others.",
    )
    assert [each.code for each in caught.value.problems] == ["out-of-place", "invalid-setting"]


@pytest.mark.parametrize("text", [None, "", " "], ids=repr)
def test_required(text):
    """A required setting that is missing or empty is named."""
    variables = {} if text is None else {"SENDER": text}

    problems = _problems(("sender", "table"), TABLE="events", **variables)

    assert problems == [("EVENT_REGISTRATION_SENDER", "required")]


def test_required_and_there():
    """A required setting that is there is no problem."""
    settings = _read(("sender",), SENDER="events@example.org")

    assert settings.sender == "events@example.org"


def test_other_variables_are_left_alone():
    """Variables without our prefix are none of ours."""
    environ = {
        "PATH": "/bin",
        "EVENT_REGISTRATIONS": "x",
        "event_registration_table": "x",
        "MY_EVENT_REGISTRATION_X": "x",
    }

    settings = Settings.from_environ(environ)

    assert settings == Settings()


@pytest.mark.parametrize(
    "name",
    [
        "SENDERS",
        "TABLE_NAME",
        "CONFIRMATIONS",
        "sender",
        "Sender",
        "SENDEr",
        " SENDER",
        "",
        "_SENDER",
        "SENDER ",
    ],
    ids=repr,
)
def test_unknown_variable(name):
    """A variable of our prefix that is unknown or in another case is an error that names those there are."""
    with pytest.raises(SettingsError) as caught:
        _read(**{name: "events@example.org"})

    (problem,) = caught.value.problems
    assert (problem.field, problem.code) == (f"EVENT_REGISTRATION_{name}", "unknown-setting")
    assert all(f"EVENT_REGISTRATION_{known.upper()}" in problem.message for known in VALUES)


def test_unknown_and_empty():
    """An unknown variable that is empty is missing, and so no error."""
    assert _read(NONSENSE="") == Settings()


def test_wrong_case_sets_nothing_even_beside_the_right_one():
    """A variable in another case is an error though the right one is there too."""
    assert _problems(TABLE="events", table="others") == [("EVENT_REGISTRATION_table", "unknown-setting")]


def test_all_problems_at_once():
    """Everything that is missing, wrong or unknown is told in one error."""
    problems = _problems(
        ("sender",),
        TABLE="no",
        ALLOWED_ORIGINS="*",
        EVENT_IDS="a/b",
        ON_DUPLICATE="maybe",
        CONFIGURATION_SET="a b",
        LINK_KEYS="a b",
        NONSENSE="1",
    )

    assert problems == [
        ("EVENT_REGISTRATION_SENDER", "required"),
        ("EVENT_REGISTRATION_MANAGE_URL", "required"),
        ("EVENT_REGISTRATION_TABLE", "invalid-setting"),
        ("EVENT_REGISTRATION_ALLOWED_ORIGINS", "invalid-setting"),
        ("EVENT_REGISTRATION_EVENT_IDS", "invalid-setting"),
        ("EVENT_REGISTRATION_ON_DUPLICATE", "invalid-setting"),
        ("EVENT_REGISTRATION_CONFIGURATION_SET", "invalid-setting"),
        ("EVENT_REGISTRATION_LINK_KEYS", "invalid-setting"),
        ("EVENT_REGISTRATION_NONSENSE", "unknown-setting"),
    ]


def test_error_can_be_read():
    """The error's text is a sentence for each variable."""
    with pytest.raises(SettingsError) as caught:
        _read(("sender",), ON_DUPLICATE="maybe")

    assert str(caught.value) == (
        "EVENT_REGISTRATION_SENDER: is missing.; EVENT_REGISTRATION_ON_DUPLICATE: must be answer or reject."
    )


SENDERS = {
    "bare": ("events@example.org", "events@example.org"),
    "bare, domain in capitals": ("Events@Example.ORG", "Events@example.org"),
    "bare, international domain": ("events@münchen.example", "events@xn--mnchen-3ya.example"),
    "in brackets": ("<events@example.org>", "events@example.org"),
    "with a name": ("Events <events@example.org>", "Events <events@example.org>"),
    "without a space": ("Events<events@example.org>", "Events <events@example.org>"),
    "with spaces": ("  Events   < events@example.org >", "Events <events@example.org>"),
    "with a quoted name": ('"Events" <events@example.org>', "Events <events@example.org>"),
    "with an empty name": ('"" <events@example.org>', "events@example.org"),
    "with a name of several words": ("The Events Team <events@example.org>", "The Events Team <events@example.org>"),
    "with an accent": ("Événements <events@example.org>", "Événements <events@example.org>"),
    "in Japanese": ("イベント事務局 <events@example.org>", "イベント事務局 <events@example.org>"),
    "in Arabic": ("فعاليات <events@example.org>", "فعاليات <events@example.org>"),
    "with an emoji": ("Events 🎉 <events@example.org>", "Events 🎉 <events@example.org>"),
    "with an apostrophe": ("O'Neil <events@example.org>", "O'Neil <events@example.org>"),
}


@pytest.mark.parametrize(("text", "sender"), SENDERS.values(), ids=SENDERS.keys())
def test_sender(text, sender):
    """A sender is an address, bare or with a name of any script, its domain in A-labels."""
    assert _read(SENDER=text).sender == sender


@pytest.mark.parametrize(
    "text",
    [
        "events",
        "events@",
        "@example.org",
        "events@localhost",
        "Events",
        "Events events@example.org",
        "Events <>",
        "Events <events>",
        "<>",
        "Events <events@example.org",
        "events@example.org>",
        "Events <events@example.org> x",
        "Events <events@example.org><other@example.org>",
        "events@example.org, other@example.org",
        "événements@example.org",
        "Ev\nents <events@example.org>",
        "Ev\x00ents <events@example.org>",
        "Events\r\nBcc: other@example.org <events@example.org>",
        f"{'a' * 65}@example.org",
        "mailto:events@example.org>",
    ],
    ids=repr,
)
def test_invalid_sender(text):
    """What mail can't come from is refused, with an example of what is meant."""
    with pytest.raises(SettingsError) as caught:
        _read(SENDER=text)

    (problem,) = caught.value.problems
    assert (problem.field, problem.code) == ("EVENT_REGISTRATION_SENDER", "invalid-setting")
    assert "Events <events@example.org>" in problem.message


@pytest.mark.parametrize(
    "text", ["abc", "a" * 255, "Event_Management.2026-prod", "...", "123"], ids=lambda text: text[:20]
)
def test_table(text):
    """A table's name is what DynamoDB takes: 3 to 255 letters, digits and ``_ . -``."""
    assert _read(TABLE=text).table == text


@pytest.mark.parametrize(
    "text",
    ["ab", "a" * 256, "event management", "événements", "events/2026", "arn:aws:dynamodb:eu-west-1:1:table/x", "a\nbc"],
    ids=lambda text: repr(text[:20]),
)
def test_invalid_table(text):
    """A name that DynamoDB would refuse is refused here."""
    assert _problems(TABLE=text) == [("EVENT_REGISTRATION_TABLE", "invalid-setting")]


@pytest.mark.parametrize(
    "origin",
    [
        "https://events.example.org",
        "http://localhost",
        "http://localhost:8000",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "https://xn--mnchen-3ya.example",
        "https://example.org:8443",
    ],
)
def test_origin(origin):
    """An origin is scheme, host and perhaps a port, as browsers send it."""
    assert _read(ALLOWED_ORIGINS=origin).allowed_origins == {origin}


@pytest.mark.parametrize("separator", [",", " ", ", ", "\n", ",,", " , "], ids=repr)
def test_list(separator):
    """A list is separated by commas or spaces, however many."""
    settings = _read(
        ALLOWED_ORIGINS=f"https://a.example{separator}https://b.example",
        EVENT_IDS=f"devconf-2026{separator}Fest_1.0~b",
    )

    assert settings.allowed_origins == {"https://a.example", "https://b.example"}
    assert settings.event_ids == {"devconf-2026", "Fest_1.0~b"}


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "https://*.example.org",
        "*://events.example.org",
        "https://events.example.org/",
        "https://events.example.org/form",
        "https://events.example.org?x",
        "https://events.example.org#x",
        "events.example.org",
        "//events.example.org",
        "https://",
        "https:events.example.org",
        "HTTPS://events.example.org",
        "https://Events.example.org",
        "https://münchen.example",
        "https://user@events.example.org",
        "https://events.example.org:",
        "https://events.example.org:123456",
        "https://events.example.org:https",
        "ftp://events.example.org",
        "file://",
        "https://a.example;https://b.example",
    ],
)
def test_invalid_origin(origin):
    """A pattern, a path or a spelling that no browser sends is refused: it would match nothing, or too much."""
    assert _problems(ALLOWED_ORIGINS=f"https://good.example, {origin}") == [
        ("EVENT_REGISTRATION_ALLOWED_ORIGINS", "invalid-setting")
    ]


@pytest.mark.parametrize("event_id", ["a/b", "é", "a" * 129, "*", "a:b"], ids=lambda text: text[:10])
def test_invalid_event_id(event_id):
    """An event id in the list keeps the rules of a registration's."""
    assert _problems(EVENT_IDS=f"good {event_id}") == [("EVENT_REGISTRATION_EVENT_IDS", "invalid-setting")]


def test_longest_event_id():
    """An event id of 128 characters is taken, as in a registration."""
    assert _read(EVENT_IDS="a" * 128).event_ids == {"a" * 128}


@pytest.mark.parametrize("text", ["answer", "reject"])
def test_on_duplicate(text):
    """A repeat is answered or rejected."""
    assert _read(ON_DUPLICATE=text).on_duplicate is OnDuplicate(text)


@pytest.mark.parametrize("text", ["Reject", "ANSWER", "ignore", "409", "true"])
def test_invalid_on_duplicate(text):
    """There is no third way with duplicates, and no second spelling."""
    assert _problems(ON_DUPLICATE=text) == [("EVENT_REGISTRATION_ON_DUPLICATE", "invalid-setting")]


@pytest.mark.parametrize("text", ["a b", "a.b", "a" * 65, "é"], ids=lambda text: text[:10])
def test_invalid_configuration_set(text):
    """A configuration set's name is what SES takes: up to 64 letters, digits, ``-`` and ``_``."""
    assert _problems(CONFIGURATION_SET=text) == [("EVENT_REGISTRATION_CONFIGURATION_SET", "invalid-setting")]


ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:LinkKeys-Ab1+=.@/_-XyZ123"


@pytest.mark.parametrize("text", ["links", "events/link_keys+=.@-1", "a" * 512, ARN, ARN.replace("aws", "aws-cn")])
def test_link_keys(text):
    """A secret is named by its name or its ARN, whatever the part of AWS it is in."""
    assert _read(LINK_KEYS=text, MANAGE_URL="https://events.example.org/manage.html").link_keys == text


@pytest.mark.parametrize(
    "text",
    [
        "a b",
        "a" * 513,
        "clés",
        "k1:secret",
        '{"current": "k1", "k1": "0123456789abcdef0123456789abcdef"}',
        ARN.replace("secretsmanager", "ssm"),
        ARN.replace(":secret:", ":parameter:"),
        ARN.replace("123456789012", "12345"),
        ARN.replace("LinkKeys", "Link:Keys"),
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:",
    ],
    ids=lambda text: text[:60],
)
def test_invalid_link_keys(text):
    """What names no secret is refused: the keys themselves above all, which belong in no variable."""
    problems = _problems(LINK_KEYS=text, MANAGE_URL="https://events.example.org/manage.html")

    assert problems == [("EVENT_REGISTRATION_LINK_KEYS", "invalid-setting")]


@pytest.mark.parametrize(
    "text",
    [
        "https://events.example.org/manage.html",
        "http://events.s3-website-eu-west-1.amazonaws.com/manage.html",
        "http://127.0.0.1:8000/manage.html",
        "http://[::1]:8000/manage.html",
        "https://xn--mnchen-3ya.example/",
        "https://example.org:443/a/b-c_d~e/manage%20page.html",
    ],
)
def test_manage_url(text):
    """The manage page is anywhere that HTTP reaches."""
    assert _read(LINK_KEYS="links", MANAGE_URL=text).manage_url == text


@pytest.mark.parametrize(
    "text",
    [
        "https://events.example.org",
        "https://events.example.org/manage.html#",
        "https://events.example.org/manage.html#token",
        "https://events.example.org/manage.html?a=b",
        "https://events.example.org/manage page.html",
        "https://events.example.org/manage%2",
        "https://events.example.org/ma\nnage.html",
        "https://events.example.org/événement.html",
        'https://events.example.org/"><script>',
        f"https://events.example.org/{'a' * 501}",
        "https://Events.example.org/manage.html",
        "https://user@events.example.org/manage.html",
        "https:///manage.html",
        "//events.example.org/manage.html",
        "/manage.html",
        "manage.html",
        "javascript:alert(1)//",
        "ftp://events.example.org/manage.html",
    ],
    ids=lambda text: text[:60],
)
def test_invalid_manage_url(text):
    """A token could not follow what has a query or a fragment, and what no browser opens is no page."""
    assert _problems(LINK_KEYS="links", MANAGE_URL=text) == [("EVENT_REGISTRATION_MANAGE_URL", "invalid-setting")]


@pytest.mark.parametrize("variable", ["EVENT_REGISTRATION_EVENT_IDS", "EVENT_REGISTRATION_ALLOWED_ORIGINS"])
@pytest.mark.parametrize("text", [",", " , ,"], ids=repr)
def test_a_list_names_something(variable, text):
    """A list of separators alone is refused: it would take no event, or allow no page, in silence."""
    with pytest.raises(SettingsError, match="at least one"):
        Settings.from_environ({variable: text})


@pytest.mark.parametrize(
    ("origin", "valid"),
    [
        ("https://a.example:443", False),
        ("http://a.example:80", False),
        ("https://a.example:80", True),
        ("http://a.example:443", True),
        ("https://a.example:8443", True),
    ],
)
def test_an_origin_leaves_out_its_own_port(origin, valid):
    """Browsers leave out the scheme's own port, so an origin that names it would never match and is refused."""
    environ = {"EVENT_REGISTRATION_ALLOWED_ORIGINS": origin}

    if valid:
        assert Settings.from_environ(environ).allowed_origins == {origin}
    else:
        with pytest.raises(SettingsError, match="exact origins"):
            Settings.from_environ(environ)


@pytest.mark.parametrize("text", ["1", "5", "1000"])
def test_mails_per_day(text):
    """An address may get from one to a thousand mails a day."""
    assert _read(MAILS_PER_DAY=text).mails_per_day == int(text)


@pytest.mark.parametrize("text", ["0", "-1", "1001", "99999", "123456", "five", "5.0", "\u0665", "1_0"], ids=repr)
def test_mails_per_day_out_of_range(text):
    """What is no number in that range is refused."""
    assert _problems(MAILS_PER_DAY=text) == [("EVENT_REGISTRATION_MAILS_PER_DAY", "invalid-setting")]


@pytest.mark.parametrize(
    "text", ["mail.example.org", "https://mail.example.org", "smtps://ada:xyzzy/1@mail.example.org"]
)
def test_invalid_smtp_url(text):
    """What is no mail server's address is refused with an example, and its password told to nobody."""
    with pytest.raises(SettingsError) as caught:
        _read(SMTP_URL=text)

    (problem,) = caught.value.problems
    assert (problem.field, problem.code) == ("EVENT_REGISTRATION_SMTP_URL", "invalid-setting")
    assert "smtps://user:password@mail.example.org" in problem.message
    assert "xyzzy" not in str(caught.value)


def test_hides_the_mail_servers_password():
    """Nobody who prints the settings prints the password."""
    settings = _read(SMTP_URL="smtps://ada:xyzzy@mail.example.org")

    assert "xyzzy" not in repr(settings)
