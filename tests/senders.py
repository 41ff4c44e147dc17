"""A stand-in for an account of which only SES's identities matter."""

from __future__ import annotations

from botocore.exceptions import ClientError


class Senders:
    """
    An account whose SES knows some identities.

    Args:
        known: Whether each is verified, by its name.
    """

    def __init__(self, known: dict[str, bool]) -> None:
        self._known = known

    def client(self, service: str) -> Senders:
        """Return itself for SES."""
        assert service == "sesv2"
        return self

    def get_email_identity(self, *, EmailIdentity: str) -> dict[str, bool]:  # noqa: N803 - the service's own name
        """Return the identity, or say as SES does that there is none."""
        if EmailIdentity not in self._known:
            raise ClientError({"Error": {"Code": "NotFoundException"}}, "GetEmailIdentity")
        return {"VerifiedForSendingStatus": self._known[EmailIdentity]}
