"""A file is complete or not there: written beside its name, on the disk before it takes it."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedRandom
    from pathlib import Path

__all__ = ["replacing"]


@contextmanager
def replacing(output: Path, *, mode: int = 0o600) -> Iterator[BufferedRandom]:
    """
    Open a new file that takes the place of *output* when the block ends well.

    Until then it lies beside it as a hidden ``.part``: nobody meets half a file, and whatever ends the block leaves
    *output* as it was and nothing beside it. A symbolic link stays, and what it leads to is replaced.

    Args:
        output: The file's name; one that is there is replaced.
        mode: The new file's permissions, less the umask; by default its owner's alone.

    Raises:
        OSError: It can't be written.
    """
    target = output.resolve()
    unfinished = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        # Path.open can't set permissions, and to set them later is to show the file until then.
        with open(unfinished, "x+b", opener=lambda path, flags: os.open(path, flags, mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave an empty file of this name
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
