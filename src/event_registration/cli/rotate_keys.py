"""``event-registration rotate-keys``."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import click

from event_registration.cli.shown import json_option, print_object
from event_registration.cli.store import on_keys
from event_registration.errors import RepositoryError
from event_registration.links import Keyring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from event_registration.cli.store import KeyStore, Store

__all__ = ["rotate_keys"]

_OCTETS = 48
_NUMBERED = re.compile(r"k([0-9]{1,15})")


@click.command()
@on_keys
@click.option("--anew", is_flag=True, help="Keep no key, so that every link that was mailed so far ends.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def rotate_keys(*, store: Store, anew: bool, yes: bool, as_json: bool) -> None:
    """
    Sign the links in mails with a new key from now on.

    The key that signed so far is kept for links that were mailed already. The one before it is dropped, and its links
    end. Use --anew if somebody may have seen the keys, or if they are damaged.
    """
    with store.keys() as keys:
        old = _present(keys, anew=anew)
        key_id, key = _next_id(old), secrets.token_urlsafe(_OCTETS)
        new = Keyring(key_id, {key_id: key}) if anew or old is None else old.rotated(key_id, key)
        dropped = [each for each in old.keys if each not in new.keys] if old else []
        if not yes:
            _ask(dropped, anew=anew)
        keys.write(new)
    previous = next((each for each in new.keys if each != new.current), None)
    if as_json:
        print_object({"current": new.current, "previous": previous, "dropped": dropped})
    else:
        click.echo(_account_of(new.current, previous, dropped, anew=anew))


def _present(keys: KeyStore, *, anew: bool) -> Keyring | None:
    """Return the keys that there are; ``None`` if they are damaged and not wanted."""
    try:
        return keys.read()
    except RepositoryError as error:
        if anew:
            return None
        raise RepositoryError(f"{error} To end all links and begin with a new key, add --anew.") from error


def _next_id(ring: Keyring | None) -> str:
    """Return an id that no remembered ring has: whoever remembers one must not take the new key for an old one."""
    if ring is None:  # what the ring was can't be known any more
        return f"k{secrets.token_hex(6)}"
    numbers = [int(match[1]) for each in ring.keys if (match := _NUMBERED.fullmatch(each))]
    return f"k{max(numbers, default=0) + 1}"


def _ask(dropped: Sequence[str], *, anew: bool) -> None:
    if anew:
        click.confirm("Every link that was mailed so far will end. Go on?", abort=True, err=True)
    elif dropped:
        click.confirm(
            f"Links that were signed with {', '.join(dropped)} will end: those mailed before the last rotation. Go on?",
            abort=True,
            err=True,
        )


def _account_of(current: str, previous: str | None, dropped: Sequence[str], *, anew: bool) -> str:
    """Tell what has happened to which links."""
    lines = [f"Links are signed with {current} from now on; what is running knows within five minutes."]
    if previous:
        lines.append(f"Those that were mailed so far, signed with {previous}, are good until the next rotation.")
    if anew:
        lines.append("Those that were mailed so far have ended.")
    elif dropped:
        lines.append(f"Those that were signed with {', '.join(dropped)} have ended.")
    return "\n".join(lines)
