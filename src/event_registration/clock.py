"""The present: what tells the time where no other `Clock` is given."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["utc_now"]


def utc_now() -> datetime:
    """Return the present instant in UTC."""
    return datetime.now(UTC)
