"""The keys of manage links in Secrets Manager, remembered for minutes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from event_registration.aws.failures import reaching, refusal
from event_registration.errors import RepositoryError
from event_registration.links import Keyring

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SecretKeys"]

_FRESH_SECONDS = 300.0
# Whoever makes up a key's id can have the secret read so often, and no oftener: a rotation is known this late at worst.
_SECONDS_BETWEEN_READS = 10.0


class SecretKeys:
    """
    Tells the keys that a secret holds; it needs ``secretsmanager:GetSecretValue`` on that secret and nothing else.

    They are read when first asked for, when they are five minutes old, and when a link names a key that is not among
    them: after a rotation that is the newest. If they can't be read again, those that are remembered go on.

    Args:
        client: A boto3 client of ``secretsmanager``, with short time-outs: there is somebody who waits.
        secret: The secret's name or ARN.
        monotonic: The clock, in seconds.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 makes its clients' classes at run time
        secret: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._secret = secret
        self._monotonic = monotonic
        self._ring: Keyring | None = None
        self._read_at = self._tried_at = 0.0

    def __call__(self, key_id: str | None = None) -> Keyring:
        """
        Return the keys.

        Args:
            key_id: A key that a link names, and that is perhaps newer than what is remembered.

        Raises:
            RepositoryUnavailableError: Not now, and none are remembered.
            RepositoryError: Someone has to mend the secret, or the permission, first, and none are remembered.
        """
        now, ring = self._monotonic(), self._ring
        if ring is not None and not self._is_outdated(ring, key_id, now):
            return ring
        self._tried_at = now
        try:
            self._ring = self._read()
            self._read_at = now
        except RepositoryError:
            if ring is None:
                raise
            return ring
        return self._ring

    def _is_outdated(self, ring: Keyring, key_id: str | None, now: float) -> bool:
        is_wanted = now - self._read_at >= _FRESH_SECONDS or (key_id is not None and key_id not in ring.keys)
        return is_wanted and now - self._tried_at >= _SECONDS_BETWEEN_READS

    def _read(self) -> Keyring:
        with reaching("Secrets Manager"):
            try:
                answer = self._client.get_secret_value(SecretId=self._secret)
            except ClientError as error:
                raise refusal(error, "Secrets Manager", "to tell the keys of links") from error
        try:
            return Keyring.from_text(answer.get("SecretString", ""))
        except ValueError as error:
            raise RepositoryError(f"The secret with the keys of links holds something else: {error}") from None
