"""The SQLite repository survives kills, other processes and foreign files."""

import sqlite3
import subprocess
import sys
import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from serving import unmeasured
from watching import statements_of

from event_registration.errors import RepositoryError, RepositoryUnavailableError
from event_registration.listing import Listing
from event_registration.local import SQLiteEventRepository, SQLiteOutbox, SQLiteRepository
from event_registration.local.layout import LAYOUT
from event_registration.mail import Mail, MailKind, MailState
from event_registration.model import Status
from event_registration.testing import at_once, make_event, make_registration

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

# What older versions wrote, as SQL: each file's number is its layout.
_LAYOUTS = Path(__file__).with_name("layouts")
_REGISTERED_AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
_ATTEMPTED_AT = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)


def _person(name, mail, **changes):
    """Return a registration as the old files have it."""
    fields = {
        "attendee_name": name,
        "attendee_email": f"{name.lower()}@example.org",
        "registration_id": f"{name.lower()}-1",
        "registered_at": _REGISTERED_AT,
        "mail": mail,
    }
    return make_registration(**fields | changes)


_SENT = Mail(state=MailState.SENT, attempts=1, attempted_at=_ATTEMPTED_AT)
_BEGUN = evolve(_SENT, state=MailState.DUE, due_at=_ATTEMPTED_AT)
_OTHER = {"event_id": "other", "event_name": "Other"}
_ADA = _person("Ada", evolve(_SENT, attempts=2))
_BOB = _person("Bob", _BEGUN)
_CLEO = _person("Cleo", evolve(_SENT, state=MailState.FAILED), **_OTHER)
_DAN = _person("Dan", Mail(due_at=_REGISTERED_AT), **_OTHER)
_OF_LAYOUT_1 = [_BOB, _ADA, _CLEO, _DAN]
# Ada has cancelled, so that Cleo was promoted and nobody has told her; Dan waits.
_OF_LAYOUT_3 = [
    _person("Cleo", Mail(due_at=_REGISTERED_AT), seat=1, place=1, revision=2),
    evolve(_BOB, seat=2),
    _person("Dan", evolve(_SENT, kind=MailKind.WAITLISTED), status=Status.WAITLISTED, place=2),
    _person(
        "Ada",
        evolve(_SENT, kind=MailKind.CANCELLED),
        status=Status.CANCELLED,
        answers={"diet": "vegan"},
        revision=2,
        link_generation=2,
    ),
]


@pytest.fixture
def path(tmp_path):
    """Return where a database may be."""
    return tmp_path / "registrations.db"


def _make_old(path, layout):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript((_LAYOUTS / f"{layout}.sql").read_text(encoding="utf-8"))
    connection.close()
    return path


@pytest.fixture
def old_path(path):
    """Return a database of the first layout, in which Ada, Bob, Cleo and Dan are registered."""
    return _make_old(path, 1)


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

    modes = [
        repository.database._connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous")
    ]
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


def test_takes_over_the_file_of_an_older_version(old_path):
    """A file of the first layout is brought up to date where it is: all registrations stay, events can be set up."""
    repository = SQLiteEventRepository(old_path)

    registrations = [*repository.list("devconf-2026"), *repository.list("other")]
    repository.create_event(make_event())
    repository.create_event(make_event(event_id="limited", capacity=1))
    again = repository.admit(make_registration(), repository.find_event("devconf-2026"))
    seated = repository.admit(make_registration(event_id="limited"), repository.find_event("limited"))

    assert registrations == _OF_LAYOUT_1
    assert again == _ADA
    assert seated.seat is not None
    repository.close()


@pytest.mark.parametrize("layout", [3, 6])
def test_takes_over_the_file_of_the_catalogue(path, layout):
    """A file with events is brought up to date: they, their seats, their queue and links are as they were."""
    repository = SQLiteEventRepository(_make_old(path, layout))

    registrations = list(repository.list("devconf-2026"))
    listing = repository.find_event("devconf-2026")
    repository.cancel(_OF_LAYOUT_3[1], _ATTEMPTED_AT)
    promoted = repository.settle("devconf-2026", _ATTEMPTED_AT)

    assert registrations == _OF_LAYOUT_3
    assert listing == Listing(event=make_event(capacity=2, waitlist=True))
    assert promoted == 1
    dan = repository.find("devconf-2026", "dan@example.org")
    assert (dan.status, dan.seat, dan.mail.kind, dan.mail.number) == (Status.CONFIRMED, 2, MailKind.PROMOTED, 2)
    repository.close()


@pytest.mark.parametrize(("layout", "owing"), [(1, [_DAN, _BOB]), (3, _OF_LAYOUT_3[:2]), (6, _OF_LAYOUT_3[:2])])
def test_owes_what_an_older_version_left_due(path, layout, owing):
    """What an older version had not sent is due at once, the oldest first, and is claimed and marked like any other."""
    repository = SQLiteRepository(_make_old(path, layout))
    outbox = SQLiteOutbox(repository)

    due = list(outbox.due(_ATTEMPTED_AT))
    found = [outbox.find_by_digest(each.event_id, each.digest) for each in due]
    marked = [outbox.mark(each, each.mail.claimed(_ATTEMPTED_AT, timedelta(minutes=2)).sent()) for each in found]

    assert found == owing
    assert marked == [True, True]
    assert list(outbox.due(datetime(2030, 1, 1, tzinfo=UTC))) == []
    assert [outbox.find_by_digest(each.event_id, each.digest).mail.state for each in due] == [MailState.SENT] * 2
    repository.close()


@pytest.mark.parametrize("layout", [1, 3, 6])
def test_an_old_file_comes_to_be_like_a_new_one(path, tmp_path, layout):
    """A file that was brought up to date has the tables, columns and indices of a new one."""
    SQLiteRepository(_make_old(path, layout)).close()
    SQLiteRepository(tmp_path / "new.db").close()

    schemas = [_schema(each) for each in (path, tmp_path / "new.db")]

    assert schemas[0] == schemas[1]


def _schema(path):
    connection = sqlite3.connect(path)
    names = connection.execute(
        "SELECT type, name, tbl_name, iif(type = 'index', sql, '') FROM sqlite_master ORDER BY name"
    ).fetchall()
    columns = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for kind, name, *_ in names}
    version = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return names, columns, version


def test_finds_what_is_due_by_an_index(path):
    """Who looks for what is due reads that and nothing else, however much was sent."""
    repository = SQLiteRepository(path)
    statements = []
    repository.database._connection.set_trace_callback(statements.append)
    list(SQLiteOutbox(repository).due(_ATTEMPTED_AT))
    repository.database._connection.set_trace_callback(None)

    (query,) = [each for each in statements if each.startswith("SELECT")]
    plan = repository.database._connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()

    assert [row["detail"] for row in plan if "outbox" in row["detail"]]
    assert not [row["detail"] for row in plan if row["detail"].startswith("SCAN")]
    repository.close()


def test_writes_on_in_the_file_of_an_older_version(old_path):
    """Registrations of a file that was brought up to date are changed and added to like any other."""
    repository = SQLiteRepository(old_path)
    marked = evolve(_BOB, mail=_BOB.mail.sent())

    replaced = repository.replace(_BOB, marked)
    added = repository.add(make_registration(attendee_email="eve@example.org"))
    repository.close()

    repository = SQLiteRepository(old_path)
    assert replaced
    assert set(repository.list("devconf-2026")) == {_ADA, marked, added}
    assert list(repository.list("other")) == [_CLEO, _DAN]
    repository.close()


def test_an_old_file_is_opened_by_many_at_once(old_path):
    """Of many that open a file of the first layout at once one brings it up to date, and all can use it."""
    repositories = at_once(*[lambda: SQLiteEventRepository(old_path)] * 8)

    registrations = [list(repository.list("devconf-2026")) for repository in repositories]

    for repository in repositories:
        repository.close()
    assert registrations == [[_BOB, _ADA]] * 8


def test_brings_a_file_up_to_date_in_one_step_or_not_at_all(old_path):
    """A file that can't be brought up to date, because somebody added to it, is left as it was."""
    with sqlite3.connect(old_path) as connection:
        connection.execute("CREATE TABLE event (name TEXT)")
        before = list(connection.iterdump())
    connection.close()

    with pytest.raises(RepositoryError):
        SQLiteRepository(old_path)

    with sqlite3.connect(old_path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert list(connection.iterdump()) == before
    connection.close()


@pytest.mark.parametrize("version", [0, 1, LAYOUT, LAYOUT + 1])
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


@pytest.fixture
def busy(path):
    """Return a repository whose connection waits for another process, and that process's connection."""
    repository = SQLiteRepository(path, patience=5)
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=repository.add, args=[make_registration()])
    waiting.start()
    while not repository.database._lock.locked():
        time.sleep(0.001)
    yield repository, other
    if other.in_transaction:
        other.execute("COMMIT")
    waiting.join()
    other.close()
    repository.close()


def test_a_read_gives_up_at_its_deadline(busy):
    """A read that finds the database in use waits until its deadline and no longer."""
    repository, _ = busy
    started = time.monotonic()

    with pytest.raises(RepositoryUnavailableError):
        repository.find("devconf-2026", "ada@example.org", deadline=started + 0.2)

    assert 0.2 <= time.monotonic() - started < 2


def test_a_read_waits_until_its_deadline(busy):
    """A read gets its answer if the database is free before its deadline."""
    repository, other = busy
    threading.Timer(0.2, other.execute, ["COMMIT"]).start()

    found = repository.find("devconf-2026", "ada@example.org", deadline=time.monotonic() + 5)

    assert found is not None


def test_refuses_what_is_no_database(path):
    """A file of something else is refused and left alone."""
    path.write_bytes(b"not a database, but long enough to look like one" * 100)

    with pytest.raises(RepositoryError, match=r"is no database, or is damaged; .* \(SQLITE_NOTADB\)"):
        SQLiteRepository(path)

    assert path.read_bytes().startswith(b"not a database")


def test_says_that_a_file_is_damaged(path):
    """A database whose pages were overwritten is told in words, without its path."""
    repository = SQLiteRepository(path)
    repository.add(make_registration())
    repository.close()
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))

    with pytest.raises(RepositoryError, match="is no database, or is damaged") as told:
        SQLiteRepository(path)

    assert str(path) not in str(told.value)


def test_says_that_a_file_can_not_be_written(path):
    """A database that may only be read is told with what to look at."""
    repository = SQLiteRepository(path)
    repository.database._connection.execute("PRAGMA query_only = ON")  # a superuser, too, is told so then

    with pytest.raises(RepositoryError, match="can't be written: look at the permissions"):
        repository.add(make_registration())

    repository.close()


def test_says_what_python_itself_finds_wrong(path):
    """An error that has no code of SQLite's is an error of the port, too."""
    repository = SQLiteRepository(path)
    repository.close()

    with pytest.raises(RepositoryError, match="ProgrammingError"):
        repository.find("devconf-2026", "ada@example.org")


def test_is_opened_and_read_while_somebody_writes(path):
    """Who only reads a file that is up to date waits for no writer, not even to open it."""
    first = SQLiteRepository(path)
    registration = first.add(make_registration())
    first.close()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")

    reader = SQLiteRepository(path, patience=0)
    found = reader.find(registration.event_id, registration.attendee_email)

    reader.close()
    writer.close()
    assert found == registration


def test_refuses_a_folder_that_is_not_there(tmp_path):
    """A path that can't be opened is told with what to look at, and not itself."""
    with pytest.raises(RepositoryError, match=r"can't be opened: look at its folder .* \(SQLITE_CANTOPEN\)") as told:
        SQLiteRepository(tmp_path / "nowhere" / "registrations.db")

    assert "nowhere" not in str(told.value)


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
    repository.add(make_registration(seat=1))

    with pytest.raises(RepositoryError, match="SQLITE_CONSTRAINT"):
        repository.add(make_registration(attendee_email="bob@example.org", seat=1))

    repository.add(make_registration(attendee_email="cleo@example.org", seat=2))
    assert len(list(repository.list("devconf-2026"))) == 2
    repository.close()


@pytest.mark.parametrize("kind", [SQLiteRepository, SQLiteEventRepository])
def test_stores_a_newcomer_by_one_statement(path, kind):
    """A newcomer costs one statement, which is a transaction by itself; who is there already is then looked at."""
    repository = kind(path)

    newcomer, repeat = [statements_of(repository, lambda: repository.add(make_registration())) for _ in range(2)]

    assert newcomer == ["INSERT"]
    assert repeat[:2] == ["INSERT", "BEGIN"]
    repository.close()


def test_does_not_tell_sqlite_of_every_deadline(path):
    """How long SQLite waits is told when it changes by tenths of a second, not whenever a call has less time left."""
    repository = SQLiteRepository(path)
    people = [(make_registration(attendee_email=f"{number}@example.org"), number / 1000) for number in range(40, 0, -5)]

    def add_all():
        for person, spent in people:
            repository.add(person, deadline=time.monotonic() + 5 - spent)

    statements = statements_of(repository, add_all)

    assert statements.count("INSERT") == len(people)
    assert statements.count("PRAGMA") <= 2  # one, or two if the machine is slow
    repository.close()


def test_writes_few_trees(path):
    """A registration is written to its table and key and to what is due, and to an index more if it is in that."""
    repository = SQLiteRepository(path)

    indices = repository.database._connection.execute("PRAGMA index_list(registration)").fetchall()

    whole = {row["name"] for row in indices if not row["partial"]}
    partial = {row["name"] for row in indices if row["partial"]}
    assert whole == {"sqlite_autoindex_registration_1"}
    assert partial == {"outbox", "queue", "seat"}
    repository.close()


@pytest.mark.parametrize("kind", [SQLiteRepository, SQLiteEventRepository])
def test_stores_a_newcomer_without_a_temporary_tree(path, kind):
    """Nothing that a newcomer's row is asked, by statement or index, has SQLite make a tree of its own for it."""
    repository = kind(path)
    statements = []
    repository.database._connection.set_trace_callback(statements.append)
    repository.add(make_registration())
    repository.database._connection.set_trace_callback(None)

    (statement,) = statements
    steps = repository.database._connection.execute(f"EXPLAIN {statement}").fetchall()

    assert "Insert" in {step["opcode"] for step in steps}
    assert not {"OpenEphemeral", "OpenAutoindex", "SorterOpen"} & {step["opcode"] for step in steps}
    repository.close()


def _fill(path, count, event_id="devconf-2026"):
    """Store so many registrations of an event in one transaction: one each would sync the disk as often."""
    repository = SQLiteRepository(path)
    with repository.database.transaction() as connection:
        for number in range(count):
            address = f"{event_id}-{number}@example.org"
            repository._add(connection, make_registration(event_id=event_id, attendee_email=address))
    return repository


@pytest.mark.parametrize("count", [999, 1000, 1001, 2000, 2001])
def test_lists_each_once_however_many_pages(path, count):
    """A list that is read in pages has everybody of the event, once, and nobody of another."""
    _fill(path, 5, "another").close()
    repository = _fill(path, count)

    listed = [each.attendee_email for each in repository.list("devconf-2026")]

    assert sorted(listed) == sorted(f"devconf-2026-{number}@example.org" for number in range(count))
    repository.close()


def test_lists_everybody_while_others_write(path):
    """Whoever is there at the beginning is listed once, though people come, change and come back between the pages."""
    repository = _fill(path, 3000)
    other = SQLiteRepository(path)
    at_first = {each.attendee_email for each in repository.list("devconf-2026")}

    listed = []
    for number, each in enumerate(repository.list("devconf-2026")):
        listed.append(each.attendee_email)
        if number % 300 == 0:
            other.add(make_registration(attendee_email=f"new-{number}@example.org"))
            changed = evolve(each, revision=each.revision + 1, registered_at=datetime(2026, 4, 1, tzinfo=UTC))
            assert repository.replace(each, changed)
        if number == 1500:
            other.database._connection.execute("VACUUM")

    assert len(set(listed)) == len(listed)
    assert at_first <= set(listed)
    other.close()
    repository.close()


@pytest.mark.unmeasured
def test_a_long_list_needs_room_for_a_page(path):
    """What has been read isn't kept, however many there are."""
    repository = _fill(path, 10_000)

    tracemalloc.start()
    count = sum(1 for _ in repository.list("devconf-2026"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 10_000
    assert peak < 5_000_000
    repository.close()
