"""
A Lambda that hands its mails to a service of the team's own instead of SES.

It needs the variable MAIL_SERVICE_URL: the mail service's address, which takes a message as JSON.
"""

import base64
import json
import os
import urllib.error
import urllib.request

from event_registration import Message, PermanentNotifierError, TransientNotifierError, make_lambda_handler

_TIMEOUT_SECONDS = 3
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


class MailServiceNotifier:
    """A notifier is anything with `send`; it tells what passes from what stays, and leaves repeating to its caller."""

    def __init__(self, url: str) -> None:
        self._url = url

    def send(self, message: Message) -> None:
        """Post *message* to the mail service."""
        body = {
            "to": message.to,
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "reply_to": message.reply_to,
            "headers": dict(message.headers),
            "attachments": [
                {
                    "name": each.name,
                    "media_type": each.media_type,
                    "content": base64.b64encode(each.content).decode(),
                }
                for each in message.attachments
            ],
        }
        request = urllib.request.Request(
            self._url,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS).close()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code >= _SERVER_ERROR or error.code == _TOO_MANY_REQUESTS:
                raise TransientNotifierError(f"The mail service failed ({error.code}).") from error
            raise PermanentNotifierError(f"The mail service refused the message ({error.code}).") from error
        except OSError as error:
            raise TransientNotifierError("The mail service can't be reached.") from error


handler = make_lambda_handler(notifier=MailServiceNotifier(os.environ["MAIL_SERVICE_URL"]))
