"""The keys of a deployed stack's links, as an operator reads and replaces them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from event_registration.errors import RepositoryError
from event_registration.links import Keyring

if TYPE_CHECKING:
    from event_registration.deployment.account import Account

__all__ = ["StackKeys"]


class StackKeys:
    """
    Keeps a `Keyring` in a secret that a stack has made.

    Args:
        account: Where the stack is.
        secret: The secret's ARN.
    """

    def __init__(self, account: Account, secret: str) -> None:
        self._account = account
        self._secret = secret

    def read(self) -> Keyring:
        """
        Return the keys.

        Raises:
            RepositoryError: The secret holds something else.
            ClientError: AWS refused.
        """
        answer = self._account.client("secretsmanager").get_secret_value(SecretId=self._secret)
        try:
            return Keyring.from_text(answer.get("SecretString", ""))
        except ValueError as error:
            raise RepositoryError(f"The secret with the keys of links holds something else: {error}") from None

    def write(self, ring: Keyring) -> None:
        """
        Put *ring* in the place of what is there.

        Raises:
            ClientError: AWS refused.
        """
        self._account.client("secretsmanager").put_secret_value(SecretId=self._secret, SecretString=ring.to_text())
