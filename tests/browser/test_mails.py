"""Everybody can read every kind of mail, and sees all that is in it."""

import everymail
import pytest
from browsing import violations
from everymail import LANGUAGES, MAILS

from event_registration.mail import MailKind

pytestmark = pytest.mark.unmeasured

# The words that are in the document and not on the page.
_UNSEEN = r"""() => {
  const seen = document.body.innerText.replaceAll(/\s+/gu, "");
  return document.body.textContent.split(/\s+/u).filter((word) => !seen.includes(word));
}"""


def test_everybody_can_read_every_mail(page, axe):
    """No mail has anything that keeps somebody from reading it, hides a word, or asks a server for anything."""
    requests, found = [], []
    page.on("request", lambda request: requests.append(request.url))

    for each in MAILS:
        page.set_content(everymail.mail(*each).html)
        found += [(each, word) for word in page.evaluate(_UNSEEN)]
        found += [(each, violation) for violation in violations(page, axe)]

    assert found == []
    assert requests == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_can_be_read_in_all_colours_and_widths(page, obstacles, language):
    """A mail that has all there is is readable in dark and forced colours, on a phone, from left and from right."""
    page.set_content(everymail.mail(MailKind.CONFIRMED, language).html)

    assert obstacles(page) == []


def test_finds_what_nobody_sees(page):
    """The control: a word that is hidden is found out."""
    page.set_content("<p>seen <span style='display: none'>unseen</span></p>")

    assert page.evaluate(_UNSEEN) == ["unseen"]
