"""The keys of manage links in a file that only its owner may read."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from event_registration.errors import RepositoryError
from event_registration.links import Keyring
from event_registration.replacing import replacing

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KeyFile"]

_FIRST_KEY = "k1"
_OCTETS = 48


class KeyFile:
    """
    Keeps a `Keyring` in a file, made at its first use with a key chosen at random.

    It is read each time, so that a running server takes another key at once.

    Args:
        path: The file, in a folder that is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, key_id: str | None = None) -> Keyring:  # noqa: ARG002 - what is read is always the newest
        """Return the keys."""
        return self.read()

    def read(self) -> Keyring:
        """
        Return the keys; make the first one if there is none.

        Raises:
            RepositoryError: The file can't be read or written, or holds something else.
        """
        try:
            if not self._path.exists():
                self._begin(Keyring(_FIRST_KEY, {_FIRST_KEY: secrets.token_urlsafe(_OCTETS)}))
            return Keyring.from_text(self._path.read_text(encoding="ascii", errors="replace"))
        except OSError as error:
            raise RepositoryError(f"The keys of manage links can't be read ({type(error).__name__}).") from error
        except ValueError as error:
            raise RepositoryError(f"The file of the keys of manage links is damaged: {error}") from None

    def write(self, ring: Keyring) -> None:
        """
        Put *ring* in the place of what is there, whole or not at all.

        Raises:
            OSError: The file can't be written.
        """
        with replacing(self._path) as file:
            file.write(ring.to_text().encode())

    def _begin(self, ring: Keyring) -> None:
        """Put *ring* where nothing is yet; of many who do so at once one has done it, and all read that one's."""
        with NamedTemporaryFile(dir=self._path.parent, prefix=".", suffix=".part") as file:  # its owner's alone
            file.write(ring.to_text().encode())
            file.flush()
            os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(file.name, self._path)
