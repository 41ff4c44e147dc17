"""A mail server's address: what it means, what is refused, and that its password is told to nobody."""

import pytest

from event_registration.mailserver import Encryption, MailServer, is_loopback

URLS = {
    "smtps://mail.example.org": ("mail.example.org", 465, Encryption.TLS, None, None),
    "smtps://mail.example.org:2465/": ("mail.example.org", 2465, Encryption.TLS, None, None),
    "smtp://mail.example.org": ("mail.example.org", 587, Encryption.STARTTLS, None, None),
    "SMTP://Mail.Example.ORG": ("mail.example.org", 587, Encryption.STARTTLS, None, None),
    "smtp://192.0.2.1:25": ("192.0.2.1", 25, Encryption.STARTTLS, None, None),
    "smtp://[2001:db8::1]:25": ("2001:db8::1", 25, Encryption.STARTTLS, None, None),
    "smtp://localhost:25": ("localhost", 25, Encryption.NONE, None, None),
    "smtp://127.0.0.1:1025": ("127.0.0.1", 1025, Encryption.NONE, None, None),
    "smtp://[::1]": ("::1", 587, Encryption.NONE, None, None),
    "smtps://localhost": ("localhost", 465, Encryption.TLS, None, None),
    "smtp://localhost.example.org": ("localhost.example.org", 587, Encryption.STARTTLS, None, None),
    "smtp://0.0.0.0": ("0.0.0.0", 587, Encryption.STARTTLS, None, None),
    "smtps://ada:secret@mail.example.org": ("mail.example.org", 465, Encryption.TLS, "ada", "secret"),
    "smtps://ada@example.org:p@w@mail.example.org": (
        "mail.example.org",
        465,
        Encryption.TLS,
        "ada@example.org",
        "p@w",
    ),
    "smtps://ada%40example.org:%2F%3a%40%3F%23%25+%20@mail.example.org": (
        "mail.example.org",
        465,
        Encryption.TLS,
        "ada@example.org",
        "/:@?#%+ ",
    ),
}


@pytest.mark.parametrize(("url", "parts"), URLS.items(), ids=URLS.keys())
def test_url(url, parts):
    """An address tells host, port, how the way there is kept secret, and who asks."""
    server = MailServer.from_url(url)

    assert (server.host, server.port, server.encryption, server.user, server.password) == parts


WRONG = [
    "",
    "mail.example.org",
    "//mail.example.org",
    "https://mail.example.org",
    "smtp:mail.example.org",
    "smtp://",
    "smtp://:25",
    "smtp://mail.example.org:0",
    "smtp://mail.example.org:65536",
    "smtp://mail.example.org:smtp",
    "smtp://mail.example.org/path",
    "smtp://mail.example.org?tls=no",
    "smtp://mail.example.org?",
    "smtp://mail.example.org#",
    "smtp://mail example.org",
    "smtp://münchen.example",
    "smtp://[::1",
    "smtp://[mail.example.org]",
    "smtp://mail.example.org:25:25",
    "smtps://xyzzy@mail.example.org",
    "smtps://:xyzzy@mail.example.org",
    "smtps://ada:@mail.example.org",
    "smtps://ada:xyzzy/1@mail.example.org",
    "smtps://ada:xyzzy#1@mail.example.org",
    "smtps://ada:xyzzy?1@mail.example.org",
    "smtps://ada:xyzzy%00@mail.example.org",
    "smtps://ada:xyzzy%0D%0A@mail.example.org",
    "smtps://ada%0Axyzzy:1@mail.example.org",
    "smtps://ada:xyzzy\u2100@mail.example.org",
    "smtps://ada:xyzzy%C3%A9@mail.example.org",
]


@pytest.mark.parametrize("url", WRONG, ids=repr)
def test_wrong_url(url):
    """What is no such address is refused with an example, and nothing of it is repeated, nor kept as a cause."""
    with pytest.raises(ValueError, match=r"smtps://user:password@mail\.example\.org") as caught:
        MailServer.from_url(url)

    assert "xyzzy" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_hides_its_password():
    """Nobody who prints a server prints its password."""
    server = MailServer.from_url("smtps://ada:xyzzy@mail.example.org")

    assert "xyzzy" not in repr(server)
    assert "mail.example.org" in repr(server)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("example.org", False),
    ],
)
def test_knows_an_address_that_only_this_machine_reaches(host, loopback):
    """Loopback addresses are told from all others; a name that could be anything is none."""
    assert is_loopback(host) is loopback
