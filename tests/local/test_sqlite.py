"""The SQLite repository survives kills, other processes and foreign files."""

import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from serving import unmeasured

from event_registration.errors import RepositoryError, RepositoryUnavailableError
from event_registration.local import SQLiteRepository
from event_registration.testing import at_once, make_registration

_ADD_AND_DIE = """
import os, signal, sys
from event_registration.local import SQLiteRepository
from event_registration.testing import make_registration
repository = SQLiteRepository(sys.argv[1])
for number in range(1000):
    repository.add(make_registration(attendee_email=f"{number}@example.org"))
    print(number, flush=True)
    if number == 20:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path):
    """Return where a database may be."""
    return tmp_path / "registrations.db"


def test_keeps_what_it_acknowledged_before_a_kill(path):
    """Every registration that was acknowledged before a kill -9 is there after it."""
    command = [sys.executable, "-c", _ADD_AND_DIE, path]
    killed = subprocess.run(command, capture_output=True, text=True, check=False, env=unmeasured())
    acknowledged = {f"{number}@example.org" for number in killed.stdout.split()}

    repository = SQLiteRepository(path)
    kept = {each.attendee_email for each in repository.list("devconf-2026")}
    repository.close()

    assert len(acknowledged) == 21
    assert acknowledged <= kept


def test_syncs_every_commit(path):
    """Writes survive a power cut: WAL with full synchronisation."""
    repository = SQLiteRepository(path)

    modes = [repository._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    repository.close()

    assert modes == ["wal", 2]


def test_opens_its_own_file_again(path):
    """A database that is opened a second time has what was stored the first time."""
    first = SQLiteRepository(path)
    registration = first.add(make_registration())
    first.close()

    second = SQLiteRepository(path)
    found = second.find(registration.event_id, registration.attendee_email)
    second.close()

    assert found == registration


def test_refuses_the_file_of_a_newer_version(path):
    """A file with a layout it doesn't know is refused and left alone."""
    SQLiteRepository(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(RepositoryError, match="layout 99"):
        SQLiteRepository(path)


@pytest.mark.parametrize("version", [0, 1])
def test_refuses_the_file_of_another_program(path, version):
    """A database that somebody else made is refused and left alone."""
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customer (name TEXT)")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()

    with pytest.raises(RepositoryError, match="another program"):
        SQLiteRepository(path)

    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    assert tables == ["customer"]


def test_is_opened_by_many_at_once(path):
    """Of many that open a new file at once one makes it, and all can use it."""
    repositories = at_once(*[lambda: SQLiteRepository(path)] * 8)
    registrations = [make_registration() for _ in repositories]

    answers = at_once(
        *(
            lambda repository=repository, registration=registration: repository.add(registration)
            for repository, registration in zip(repositories, registrations, strict=True)
        )
    )

    for repository in repositories:
        repository.close()
    assert len({answer.registration_id for answer in answers}) == 1


def test_waits_for_whoever_makes_the_file(path):
    """A new file that somebody else is just writing is waited for, though SQLite itself wouldn't."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, other.execute, ["COMMIT"]).start()

    repository = SQLiteRepository(path)

    assert repository.add(make_registration())
    repository.close()
    other.close()


def test_gives_up_on_whoever_makes_the_file(path):
    """The wait for a new file ends with the patience."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(RepositoryUnavailableError):
        SQLiteRepository(path, patience=0.1)

    other.close()


def test_many_waiters_give_up_together(path):
    """Threads that wait for a lock give up at their deadline, not one after the other."""
    repository = SQLiteRepository(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started = time.monotonic()

    def add():
        with pytest.raises(RepositoryUnavailableError):
            repository.add(make_registration(), deadline=started + 0.3)

    at_once(*[add] * 8)

    assert time.monotonic() - started < 1.5
    other.close()
    repository.close()


def test_refuses_what_is_no_database(path):
    """A file of something else is refused and left alone."""
    path.write_bytes(b"not a database, but long enough to look like one" * 100)

    with pytest.raises(RepositoryError):
        SQLiteRepository(path)

    assert path.read_bytes().startswith(b"not a database")


def test_refuses_a_folder_that_is_not_there(tmp_path):
    """A path that can't be opened is an error of the port."""
    with pytest.raises(RepositoryError, match="SQLITE_CANTOPEN"):
        SQLiteRepository(tmp_path / "nowhere" / "registrations.db")


def test_says_when_another_process_holds_the_lock(path):
    """A lock that another process keeps too long means later, not never."""
    repository = SQLiteRepository(path, patience=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(RepositoryUnavailableError):
        repository.add(make_registration())

    other.execute("ROLLBACK")
    other.close()
    repository.add(make_registration())
    repository.close()


def test_rolls_back_what_fails(path):
    """A write that fails leaves nothing behind and the next one works."""
    repository = SQLiteRepository(path)
    registration = repository.add(make_registration())

    with pytest.raises(RepositoryError, match="IntegrityError"):
        repository.add(make_registration(event_id="other", registration_id=registration.registration_id))

    repository.add(make_registration(event_id="other"))
    assert len(list(repository.list("other"))) == 1
    repository.close()
