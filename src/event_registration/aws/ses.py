"""Mail through Amazon SES, API version 2."""

from __future__ import annotations

from email.utils import formataddr
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from botocore.exceptions import ConnectionError as NotConnectedError

from event_registration.errors import (
    NotifierError,
    PermanentNotifierError,
    ThrottledNotifierError,
    TransientNotifierError,
)
from event_registration.rules import split_sender

if TYPE_CHECKING:
    from event_registration.attachment import Attachment
    from event_registration.message import Message
    from event_registration.pacing import Quota

__all__ = ["SESNotifier", "SESQuota"]

# "SendEmail" and "Common errors" in the SES API v2 reference, and "Errors related to the sending quotas for your Amazon
# SES account": the second's or the day's quota is used up.
_THROTTLED = frozenset({"LimitExceededException", "Throttling", "ThrottlingException", "TooManyRequestsException"})
# These are about the message, its recipient or its sender. All else passes with the account's state, its credentials or
# its permissions, and leaves the message as good as it was: a stack's role is changed before its function is, and IAM
# tells a change everywhere only after a while.
_PERMANENT = frozenset({"BadRequestException", "MailFromDomainNotVerifiedException", "MessageRejected"})


class SESNotifier:
    """
    A `Notifier` that calls ``SendEmail`` once per message; it needs ``ses:SendEmail`` and nothing else.

    Args:
        client: A boto3 client of ``sesv2``. Give it ``retries={"total_max_attempts": 1}``: botocore's own retries
            can send a message several times when only answers get lost.
        sender: The verified address that mail comes from, bare or as ``Name <address>``.
        configuration_set: The configuration set to send with, if any.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 makes its clients' classes at run time
        sender: str,
        *,
        configuration_set: str | None = None,
    ) -> None:
        self._client = client
        # RFC 2047: a display name in another script must be encoded.
        self._sender = formataddr(split_sender(sender))
        self._options = {"ConfigurationSetName": configuration_set} if configuration_set else {}

    def send(self, message: Message) -> None:
        """
        Send *message* to its one recipient as ``Simple`` content, which ``ses:SendEmail`` covers.

        Its reference, if it has one, goes along as the tag ``reference``, which SES's events of bounces and complaints
        bring back.

        Raises:
            ThrottledNotifierError: The account's rate or its day's quota is used up.
            TransientNotifierError: Not permitted, paused, unreachable, SES failed, or its answer got lost; in the last
                case it is *ambiguous*: the mail may have gone.
            PermanentNotifierError: SES refused the message, the sender or the recipient.
            NotifierError: The call could not be made, as without credentials.
        """
        try:
            self._client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [message.to]},
                Content={
                    "Simple": {
                        "Subject": _utf8(message.subject),
                        "Body": {"Text": _utf8(message.text), "Html": _utf8(message.html)},
                        **_headers(message),
                        **_attached(message),
                    },
                },
                **_reply_to(message),
                **_tags(message),
                **self._options,
            )
        except ClientError as error:
            raise _translation(error) from error
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise TransientNotifierError(f"SES can't be reached ({type(error).__name__}).") from error
        except (NotConnectedError, HTTPClientError) as error:
            lost = f"SES did not answer ({type(error).__name__})."
            raise TransientNotifierError(lost, ambiguous=True) from error
        except BotoCoreError as error:
            raise NotifierError(f"SES can't be called ({type(error).__name__}).") from error


class SESQuota:
    """
    Reads what SES takes of the account in the client's region; it needs ``ses:GetAccount``.

    Args:
        client: A boto3 client of ``sesv2``.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients' classes at run time
        self._client = client

    def __call__(self) -> Quota:
        """
        Return the quota as of now.

        Raises:
            TransientNotifierError: It could not be read.
        """
        from event_registration.pacing import Quota  # whoever asks has a pacer

        try:
            quota = self._client.get_account()["SendQuota"]
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise TransientNotifierError(f"SES does not tell its quota ({code}).") from error
        except (BotoCoreError, KeyError) as error:
            raise TransientNotifierError(f"SES does not tell its quota ({type(error).__name__}).") from error
        return Quota(per_second=quota["MaxSendRate"], per_day=quota["Max24HourSend"], sent=quota["SentLast24Hours"])


def _tags(message: Message) -> dict[str, Any]:
    return {"EmailTags": [{"Name": "reference", "Value": message.reference}]} if message.reference else {}


def _reply_to(message: Message) -> dict[str, Any]:
    return {"ReplyToAddresses": [message.reply_to]} if message.reply_to else {}


def _headers(message: Message) -> dict[str, Any]:
    headers = [{"Name": name, "Value": text} for name, text in message.headers.items()]
    return {"Headers": headers} if headers else {}


def _attached(message: Message) -> dict[str, Any]:
    return {"Attachments": [_file(each) for each in message.attachments]} if message.attachments else {}


def _file(attachment: Attachment) -> dict[str, Any]:
    return {
        "FileName": attachment.name,
        "ContentType": attachment.media_type,
        "ContentDisposition": "ATTACHMENT",
        # Left out it is SEVEN_BIT, in which no other script survives ("Working with email attachments in SES").
        "ContentTransferEncoding": "BASE64",
        "RawContent": attachment.content,
    }


def _utf8(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}


def _translation(error: ClientError) -> NotifierError:
    code = error.response.get("Error", {}).get("Code", "")
    if code in _THROTTLED:
        return ThrottledNotifierError(f"SES takes no more for now ({code}).")
    if code in _PERMANENT:
        return PermanentNotifierError(f"SES refused the message ({code}).")
    return TransientNotifierError(f"SES refused for now ({code}).")
