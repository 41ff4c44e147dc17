"""A file that goes with a mail."""

from __future__ import annotations

import re

from attrs import frozen

__all__ = ["Attachment", "is_file_name"]

# Signs that mean the same in every header, folder and shell.
_FILE_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
# RFC 2045, 5.1, without quoted values; "Attachment" in the SES API v2 reference has the length.
_TOKEN = r"[A-Za-z0-9!#$&^_.+-]+"  # noqa: S105 - the grammar's word
_MEDIA_TYPE = rf"(?=.{{1,78}}\Z){_TOKEN}/{_TOKEN}(?:; {_TOKEN}={_TOKEN})*"


def is_file_name(text: str) -> bool:
    """Tell whether *text* can be the name of an attachment."""
    return re.fullmatch(_FILE_NAME, text) is not None


@frozen(kw_only=True)
class Attachment:
    """
    A file that goes with a mail.

    Args:
        name: At most 100 ASCII letters, digits, ``.``, ``_`` and ``-``, the first of which is a letter or a digit.
        media_type: What it is, with parameters, as in ``text/calendar; charset=utf-8``: at most 78 signs, no quotes.
        content: Its octets.
    """

    name: str
    media_type: str
    content: bytes

    def __attrs_post_init__(self) -> None:
        """
        Refuse what would become another header, or another place on the reader's disk.

        Raises:
            ValueError: The name or the media type holds another sign, or is too long.
        """
        if not is_file_name(self.name):
            raise ValueError("the file's name holds other signs than letters, digits, ., _ and -, or too many")
        if not re.fullmatch(_MEDIA_TYPE, self.media_type):
            raise ValueError("the media type is none, or too long")
