"""When a mail that was not sent is tried again, and when no more: pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from event_registration.errors import TransientNotifierError

if TYPE_CHECKING:
    from event_registration.errors import EventRegistrationError
    from event_registration.mail import Mail

__all__ = ["is_given_up", "tried_again"]

# Twice as long after each further failure: an outage of the mail service of four days is outlived.
_FIRST_BACKOFF = timedelta(minutes=1)
_LONGEST_BACKOFF = timedelta(hours=1)
_MAX_ATTEMPTS = 100
# A mail whose sending had no answer may have arrived: another try is less urgent than not to send it twice. More than a
# day without answers is outlived.
_FIRST_BACKOFF_UNANSWERED = timedelta(minutes=15)
_LONGEST_BACKOFF_UNANSWERED = timedelta(hours=6)
_MOST_UNANSWERED = 10


def is_given_up(mail: Mail) -> bool:
    """Tell whether *mail*, claimed once more, has had all its attempts, as one does that kills whoever sends it."""
    return mail.attempts > _MAX_ATTEMPTS


def tried_again(mail: Mail, error: EventRegistrationError, now: datetime, chance: float) -> Mail:
    """
    Return *mail* as it waits for another try after *error*, or as it has failed if that may have reached its reader.

    Args:
        mail: The mail, claimed.
        error: Why it was not sent.
        now: The present.
        chance: From 0 to 1: makes the wait up to half shorter, so that not all who failed together come back together.
    """
    first, longest = _FIRST_BACKOFF, _LONGEST_BACKOFF
    if isinstance(error, TransientNotifierError) and error.ambiguous:
        if mail.attempts >= _MOST_UNANSWERED:
            return mail.failed(f"{error} It may have arrived.")
        first, longest = _FIRST_BACKOFF_UNANSWERED, _LONGEST_BACKOFF_UNANSWERED
    backoff = min(first * 2 ** min(mail.attempts - 1, 10), longest)
    return mail.retried(now + backoff * (0.5 + chance / 2), str(error))
