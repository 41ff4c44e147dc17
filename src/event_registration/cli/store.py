"""Where events and registrations are kept: the options that say it, and the way in."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import click
from attrs import frozen

from event_registration.cli.options import complaining
from event_registration.errors import (
    EventRegistrationError,
    ProblemsError,
    RepositoryError,
    UnknownEventError,
)
from event_registration.settings import EventsMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from event_registration.links import Keyring
    from event_registration.mails import Mails
    from event_registration.organiser import Organiser
    from event_registration.outbox import Outbox
    from event_registration.ports import EventRepository

__all__ = ["KeyStore", "Store", "on_keys", "on_store"]

_DATABASE = "registrations.db"
_KEYS = "link-keys.json"
_ONE_OF = "Say where the events are, in one way: --data DIR for serve's, --stack NAME or --table NAME for AWS."
_ONE_OF_KEYS = "Say whose links these are, in one way: --data DIR for serve's, --stack NAME for AWS."


class KeyStore(Protocol):
    """Keeps the keys of links."""

    def read(self) -> Keyring:
        """Return the keys."""

    def write(self, ring: Keyring) -> None:
        """Put *ring* in their place."""


@frozen(kw_only=True)
class Store:
    """
    Where events and registrations are kept: exactly one of *data*, *table* and *stack* says it.

    Args:
        data: The folder that ``serve`` keeps them in.
        table: A DynamoDB table's name.
        stack: The name of a deployed stack, whose table it is.
        region: The AWS region; the configuration's if ``None``.
        profile: The profile of the AWS configuration; the default one if ``None``.
    """

    data: Path | None = None
    table: str | None = None
    stack: str | None = None
    region: str | None = None
    profile: str | None = None

    @property
    def options(self) -> str:
        """The options with which a printed command works on the same events."""
        given = {
            "--data": self.data,
            "--table": self.table,
            "--stack": self.stack,
            "--region": self.region,
            "--profile": self.profile,
        }
        return shlex.join(str(word) for pair in given.items() if pair[1] is not None for word in pair)

    @contextmanager
    def organiser(self, *, create: bool = False) -> Iterator[Organiser]:
        """
        Open the store for the block, and end the command with a sentence if something fails that a person can mend.

        Args:
            create: Whether an event is to be set up: a data folder that holds nothing yet is made ready, and a stack
                must look at the events that are set up.
        """
        from event_registration.organiser import Organiser

        with self._complaining(), self._opened(create=create) as (repository, _), self.explaining():
            yield Organiser(repository)

    @contextmanager
    def mails(self) -> Iterator[tuple[Organiser, Mails]]:
        """Open the store for the block, for who looks at people and at their mails; what fails ends it as above."""
        from event_registration.mails import Mails
        from event_registration.organiser import Organiser

        with self._complaining(), self._opened(create=False) as (repository, outbox), self.explaining():
            yield Organiser(repository), Mails(repository, outbox)

    def is_swept(self) -> bool | None:
        """
        Tell whether mails that are due are sent though nobody registers just now.

        That is so unless a stack takes any event and lets who registers send; ``None`` if a table alone doesn't tell.
        """
        if self.data is not None:
            return True
        return None if self.stack is None else "Schedule" in self._outputs()

    @contextmanager
    def keys(self) -> Iterator[KeyStore]:
        """Open the keys of links for the block; what fails ends the command as in `organiser`."""
        with self._complaining():
            if self.data is None:
                yield self._stack_keys()
                return
            from event_registration.local.keys import KeyFile

            self._database(self.data, create=False)
            try:
                yield KeyFile(self.data / _KEYS)
            except OSError as error:
                raise click.ClickException(f"{self.data / _KEYS}: {error.strerror}.") from error

    def _stack_keys(self) -> KeyStore:
        from event_registration.deployment.account import Account
        from event_registration.deployment.keys import StackKeys
        from event_registration.deployment.stack import Stack

        account = Account(region=self.region, profile=self.profile)
        outputs = Stack(account, str(self.stack)).outputs()
        if "LinkKeys" not in outputs:
            mode = "" if outputs.get("Events") == EventsMode.MANAGED else " --events managed"
            raise click.ClickException(
                f"Stack {self.stack!r} has no links in its mails. "
                f"Let it have them: event-registration deploy {self.options}{mode}"
            )
        return StackKeys(account, outputs["LinkKeys"])

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """End the command with what is wrong, a line a field, or with what to do, if the block fails so."""
        try:
            yield
        except ProblemsError as error:
            lines = [f"  {problem.field}: {problem.message}" for problem in error.problems]
            raise click.ClickException("\n".join(["These fields can't be so:", *lines])) from error
        except UnknownEventError as error:
            raise click.ClickException(f"{error} Look at: event-registration events list {self.options}") from error

    @contextmanager
    def _complaining(self) -> Iterator[None]:
        if self.data is None:
            with complaining(), _plainly():
                yield
            return
        try:  # the same without AWS's library
            yield
        except EventRegistrationError as error:
            raise click.ClickException(str(error)) from error

    @contextmanager
    def _opened(self, *, create: bool) -> Iterator[tuple[EventRepository, Outbox]]:
        if self.data is None:
            yield self._dynamodb(create=create)
            return
        from event_registration.local.events import SQLiteEventRepository
        from event_registration.local.outbox import SQLiteOutbox

        umask = os.umask(0o077)  # names and addresses are nobody else's on this machine
        try:
            repository = SQLiteEventRepository(self._database(self.data, create=create))
            try:
                yield repository, SQLiteOutbox(repository)
            finally:
                repository.close()
        finally:
            os.umask(umask)

    @staticmethod
    def _database(data: Path, *, create: bool) -> Path:
        database = data / _DATABASE
        if create:
            try:
                data.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise click.ClickException(f"{data}: {error.strerror}. Choose another folder with --data.") from None
        elif not database.is_file():
            raise click.ClickException(
                f"There is nothing in {data} yet. Set up an event there with: "
                f"event-registration events create event.json {shlex.join(['--data', str(data)])}"
            )
        return database

    def _dynamodb(self, *, create: bool) -> tuple[EventRepository, Outbox]:
        import boto3
        from botocore.config import Config

        from event_registration.aws.events import DynamoDBEventRepository
        from event_registration.aws.outbox import DynamoDBOutbox
        from event_registration.deployment.account import Account

        account = Account(region=self.region, profile=self.profile)
        table = self.table or self._table_of(self._outputs(), create=create)
        # The repository tries again itself: it must know of every try whose answer got lost.
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5)
        session = boto3.Session(region_name=account.region, profile_name=self.profile)
        client = session.client("dynamodb", config=config)
        return (
            DynamoDBEventRepository(client, table, call_seconds=7, patience=30),
            DynamoDBOutbox(client, table, call_seconds=7, patience=30),
        )

    def _outputs(self) -> Mapping[str, str]:
        from event_registration.deployment.account import Account
        from event_registration.deployment.stack import Stack

        return Stack(Account(region=self.region, profile=self.profile), str(self.stack)).outputs()

    def _table_of(self, outputs: Mapping[str, str], *, create: bool) -> str:
        # A stack of a version that knew no events has no such output.
        if create and outputs.get("Events") != EventsMode.MANAGED:
            raise click.ClickException(
                f"Stack {self.stack!r} takes any event that a registration names, and would oversell one with a limit. "
                f"Let it look at the events that are set up: event-registration deploy {self.options} --events managed"
            )
        return outputs["TableName"]


@contextmanager
def _plainly() -> Iterator[None]:
    """Let AWS's library say itself why it makes no calls: `complaining` knows what to do about it."""
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except RepositoryError as error:
        raise error.__cause__ if isinstance(error.__cause__, BotoCoreError) else error from None


_Option: TypeAlias = "Callable[[Callable[..., None]], Callable[..., None]]"
_DATA = click.option(
    "--data",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that serve keeps them in.",
)
_TABLE = click.option("--table", metavar="NAME", help="DynamoDB table that they are in.")
_STACK = click.option("--stack", metavar="NAME", help="CloudFormation stack whose events these are.")
_ACCOUNT: tuple[_Option, ...] = (
    click.option("--region", help="AWS region.  [default: the AWS command line's]"),
    click.option("--profile", help="Profile of the AWS configuration.  [default: the AWS command line's]"),
)


def on_store(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where events are kept to *command*, which gets them as one ``store``."""
    return _located(command, (_DATA, _TABLE, _STACK), _ONE_OF)


def on_keys(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say whose links are meant to *command*, which gets them as one ``store``."""
    return _located(command, (_DATA, _STACK), _ONE_OF_KEYS)


def _located(command: Callable[..., None], ways: Sequence[_Option], complaint: str) -> Callable[..., None]:
    @wraps(command)
    def run(
        *,
        data: Path | None,
        stack: str | None,
        region: str | None,
        profile: str | None,
        table: str | None = None,
        **values: Any,  # noqa: ANN401 - the command's own
    ) -> None:
        if [data, table, stack].count(None) != 2:  # noqa: PLR2004 - of three
            raise click.UsageError(complaint)
        if data is not None and (region or profile):
            raise click.UsageError("--region and --profile are AWS's; --data is a folder on this machine.")
        command(store=Store(data=data, table=table, stack=stack, region=region, profile=profile), **values)

    located: Callable[..., None] = run
    for option in reversed((*ways, *_ACCOUNT)):
        located = option(located)
    return located
