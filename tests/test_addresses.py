"""
Our rule for addresses beside email-validator's.

Where the two differ, the difference is one of a few classes, each with its reason:

=========================  ===========================================================================================
``surrounding space``      We trim what is pasted; email-validator refuses it.
``special-use name``       RFC 6761 and others reserve local, localhost, invalid, onion and arpa. Tests and intranets
                           use them; what can't be delivered bounces.
``no letter at the end``   Top-level domains end in a letter today. Only DNS knows which exist.
``reserved hyphens``       A label with -- third and fourth that is no A-label. DNS allows it, RFC 5891 reserves it.
``not idna 2008``          An A-label or a domain that IDNA 2008's tables or its rules on context and direction refuse,
                           as emoji. Such domains exist and get mail, and browsers (UTS #46) open most of them.
``mapped away``            A character that UTS #46 maps or drops before the domain is encoded: a soft hyphen, a zero
                           width space, a variation selector. email-validator holds invisible characters to be unsafe.
``length in Unicode``      email-validator also measures the address with its domain in Unicode, which nobody sends.
=========================  ===========================================================================================

All of these we accept and email-validator refuses. Of the other direction there are two: the bare domain ``test``,
which email-validator lets through in a test environment, and an encoded word (RFC 2047) before the ``@``, which mail
libraries would decode into another address.
"""

import re
import unicodedata

import idna
import pytest
from cases import each_case, load
from email_validator import EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from event_registration.rules import check_address, normalise_address

pytestmark = pytest.mark.unmeasured

CASES = load("registrations-addresses.json")
MAX_ADDRESS = 254
SPECIAL_USE = {"arpa", "invalid", "local", "localhost", "onion"}


def _accepted_by_us(address):
    return check_address(normalise_address(address)) is None


def _accepted_by_email_validator(address):
    if address.rpartition("@")[2].lower() == "test" or re.search(r"=\?.*\?=", address):
        return False
    try:
        validate_email(address, allow_smtputf8=False, strict=True, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def _is_idna_2008(domain):
    if "xn--" not in domain:
        return True
    try:
        decoded = idna.decode(domain)
        if any(unicodedata.bidirectional(character) in {"R", "AL", "AN"} for character in decoded):
            # RFC 5893: one label from right to left binds them all.
            for label in decoded.split("."):
                idna.check_bidi(label, check_ltr=True)
        return idna.encode(decoded).decode() == domain
    except idna.IDNAError:
        return False


def _classes(address):
    """Return the classes of difference that an address we accept falls in."""
    typed = address.rpartition("@")[2]
    normal = normalise_address(address)
    labels = normal.rpartition("@")[2].split(".")
    belongs = {
        "surrounding space": address != address.strip(),
        "special-use name": labels[-1] in SPECIAL_USE,
        "no letter at the end": not labels[-1][-1].isalpha(),
        "reserved hyphens": any(re.match(r"(?!xn)..--", label) for label in labels),
        "not idna 2008": not _is_idna_2008(".".join(labels)),
        "mapped away": any(unicodedata.category(character) in {"Cf", "Mn"} for character in typed.strip()),
        "length in Unicode": len(address.encode(errors="replace")) > MAX_ADDRESS,
    }
    return {name for name, holds in belongs.items() if holds}


@each_case(CASES)
def test_the_cases_differ_only_in_known_classes(case):
    """Every address case is judged as email-validator judges it, or falls in a documented class."""
    address = case["data"]["cemail"]

    ours, theirs = _accepted_by_us(address), _accepted_by_email_validator(address)

    assert ours == theirs or (ours and _classes(address))


CHARACTERS = "abzABZ019.-_+@'\"(),:;<>[]\\ \t\n!#$%&*/=?^`{|}~üßéİ例一ひ가аяع\u200c\u200d\u00ad\u0301💩。．＠"
LOCALS = st.text("aZ0.!#$%&'*+-/=?^_`{|}~", max_size=6) | st.text(CHARACTERS, max_size=3) | st.just("a" * 64)
LABELS = (
    st.text("abz019-", min_size=1, max_size=5)
    | st.text(CHARACTERS, max_size=4)
    | st.text(st.characters(), max_size=3)
    | st.sampled_from(["xn--p1ai", "XN--BCHER-KVA", "xn--ls8h", "xn--a", "xn--", "a" * 63, "a" * 64, "локал", "b--c"])
)
DOMAINS = st.tuples(
    st.lists(LABELS, max_size=4), st.sampled_from(["org", "рф", "例", "local", "test", "c0", "1", ""])
).map(lambda parts: ".".join([*parts[0], parts[1]]))

ADDRESSES = st.tuples(LOCALS, DOMAINS).map("@".join) | st.text(CHARACTERS, max_size=20)


def _differs_only_in_known_classes(address):
    ours, theirs = _accepted_by_us(address), _accepted_by_email_validator(address)

    assert ours == theirs or (ours and _classes(address))


@given(ADDRESSES)
@example("a@1.2.3.4")
@example("a@-ü.org")
@example("a@0.\u0639.org")
@example("a@bc--d.org")
@example("a@" + "\u00ad" * 300 + "example.org")
@settings(max_examples=500, deadline=None)
def test_generated_addresses_differ_only_in_known_classes(address):
    """Whatever comes, email-validator judges alike, or is stricter in a documented class."""
    _differs_only_in_known_classes(address)


@pytest.mark.proof
@given(ADDRESSES)
@settings(max_examples=20_000, deadline=None)
def test_generated_addresses_differ_only_in_known_classes_proof(address):
    """Whatever comes, many times over, email-validator judges alike, or is stricter in a documented class."""
    _differs_only_in_known_classes(address)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (" ada@example.org\n", "surrounding space"),
        ("ada@printer.local", "special-use name"),
        ("ada@192.0.2.1", "no letter at the end"),
        ("ada@ab--cd.org", "reserved hyphens"),
        ("ada@💩.la", "not idna 2008"),
        ("ada@0.\u0639.org", "not idna 2008"),
        ("ada@xn--ls8h.la", "not idna 2008"),
        ("ada@exam\u00adple.org", "mapped away"),
        ("ada@" + 3 * ("例" * 40 + ".") + "org", "length in Unicode"),
    ],
)
def test_every_class_is_a_real_difference(address, name):
    """No class is listed that email-validator does not refuse and we accept."""
    ours, theirs = _accepted_by_us(address), _accepted_by_email_validator(address)

    assert (ours, theirs) == (True, False)
    assert name in _classes(address)


@each_case(case for case in CASES if case["valid"])
def test_both_agree_on_the_normal_form(case):
    """Where both accept an address, both send to the same one."""
    address = case["data"]["cemail"]
    if not _accepted_by_email_validator(address):
        return

    theirs = validate_email(address, allow_smtputf8=False, check_deliverability=False, test_environment=True)

    assert normalise_address(address).lower() == theirs.ascii_email.lower()
