"""
What the library does on one machine without AWS: registrations in SQLite, many of them, and their export.

Runs in the interpreter that is measured, each part in a process of its own: ``python local.py PART SETTINGS``, with
settings in JSON. Prints what it measured as JSON.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import threading
import time
from contextlib import closing, redirect_stdout
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from event_registration import Event, EventRegistrationService, Organiser, Registration, RegistrationService
from event_registration.local import SQLiteEventRepository

_TOMORROW = datetime.now(UTC) + timedelta(days=1)
_SEATS = 999_999


def _event(event_id, capacity=None):
    return Event(
        event_id=event_id,
        event_name="DevConf",
        starts_at=_TOMORROW,
        ends_at=_TOMORROW + timedelta(hours=8),
        time_zone="Europe/Berlin",
        capacity=capacity,
    )


def _registration(person, event_id="devconf"):
    return Registration(
        event_id=event_id, event_name="DevConf", attendee_name="Ada Lovelace", attendee_email=f"{person}@example.org"
    )


def _service(repository, kind):
    return (EventRegistrationService if kind == "limited" else RegistrationService)(repository, None)


def _register(service, writer, count):
    for number in range(count):
        service.register(_registration(f"ada{number}-of-{writer}"))


def _register_in_process(path, kind, writer, count, barrier):
    with closing(SQLiteEventRepository(path, patience=60)) as repository:
        service = _service(repository, kind)
        service.register(_registration(f"first-of-{writer}"))
        barrier.wait()
        _register(service, writer, count)


def _insert_by_hand(path, writer, count):
    """Do what a tutorial does, with the same promise: what was told is on the disk."""
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS registration "
            "(eventid TEXT, cemail TEXT, eventname TEXT, cname TEXT, PRIMARY KEY (eventid, cemail))"
        )
        for number in range(count):
            row = ("devconf", f"ada{number}-of-{writer}@example.org", "DevConf", "Ada Lovelace")
            connection.execute("INSERT INTO registration VALUES (?, ?, ?, ?)", row)


def sqlite(settings):
    """Return durable registrations a second: by one writer, by eight threads, by eight processes."""
    count = settings["count"]
    figures = {}
    with TemporaryDirectory(dir=settings["folder"]) as folder:
        started = time.perf_counter()
        _insert_by_hand(Path(folder, "hand.db"), 0, count)
        figures["by hand"] = count / (time.perf_counter() - started)
        for kind in ("unlimited", "limited"):
            path = Path(folder, f"{kind}.db")
            with closing(SQLiteEventRepository(path)) as repository:
                Organiser(repository).create(_event("devconf", _SEATS if kind == "limited" else None))
                service = _service(repository, kind)
                service.register(_registration("first"))
                started, cpu = time.perf_counter(), time.process_time()
                _register(service, "one", count)
                figures[f"{kind}, 1 writer"] = count / (time.perf_counter() - started)
                figures[f"{kind}, CPU seconds"] = (time.process_time() - cpu) / count
                threads = [
                    threading.Thread(target=_register, args=(service, f"thread{writer}", count // 8))
                    for writer in range(8)
                ]
                started = time.perf_counter()
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                figures[f"{kind}, 8 threads"] = count // 8 * 8 / (time.perf_counter() - started)
            context = get_context("spawn")
            barrier = context.Barrier(9)
            processes = [
                context.Process(target=_register_in_process, args=(path, kind, f"process{writer}", count // 8, barrier))
                for writer in range(8)
            ]
            for process in processes:
                process.start()
            barrier.wait()
            started = time.perf_counter()
            for process in processes:
                process.join()
            figures[f"{kind}, 8 processes"] = count // 8 * 8 / (time.perf_counter() - started)
            with closing(sqlite3.connect(path)) as connection:
                ((stored,),) = connection.execute("SELECT count(*) FROM registration")
            expected = 1 + count + 8 * (count // 8) + 8 * (count // 8 + 1)
            if stored != expected:
                raise SystemExit(f"{stored} registrations instead of {expected}")
    return figures


def _multiply(repository, count):
    """Fill the event up to so many registrations, each with a seat if the first has one, else copies of that."""
    columns = "eventid, eventname, cname, cemail, status, revision, mail, attempts, answers"
    with repository.database.transaction() as connection:
        connection.execute(
            f"""
            INSERT INTO registration (digest, registrationid, registered_at, seat, {columns})
            WITH RECURSIVE number(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
            SELECT hex(randomblob(32)), hex(randomblob(16)),
                strftime('%Y-%m-%dT%H:%M:%f000Z', registered_at, (random() % 1000000) || ' seconds'),
                n + seat - 1, {columns}
            FROM number, (SELECT * FROM registration LIMIT 1)
            """,  # noqa: S608 - constants
            (count,),
        )
        connection.execute("UPDATE event SET held = ?, highest_seat = ?", (count, count))


def people(settings):
    """Return the milliseconds of a registration for a limited event that has so many already."""
    with (
        TemporaryDirectory(dir=settings["folder"]) as folder,
        closing(SQLiteEventRepository(Path(folder, "people.db"))) as repository,
    ):
        Organiser(repository).create(_event("devconf", _SEATS))
        service = EventRegistrationService(repository, None)
        service.register(_registration("first"))
        if settings["count"] > 1:
            _multiply(repository, settings["count"])
        return _milliseconds(service, ["devconf"])


def events(settings):
    """Return the milliseconds of a registration where there are so many events, each of which gets some."""
    ids = [f"devconf-{number}" for number in range(settings["count"])]
    with (
        TemporaryDirectory(dir=settings["folder"]) as folder,
        closing(SQLiteEventRepository(Path(folder, "events.db"))) as repository,
    ):
        for event_id in ids:
            repository.create_event(_event(event_id, _SEATS))
        return _milliseconds(EventRegistrationService(repository, None), ids)


def _milliseconds(service, event_ids):
    """Return median and processor time of a registration, over five hundred of them."""
    step = max(1, len(event_ids) // 500)
    chosen = [event_ids[number * step % len(event_ids)] for number in range(500)]
    if len(event_ids) == 100:
        chosen = event_ids * 5
    waits = []
    cpu = time.process_time()
    for number, event_id in enumerate(chosen):
        asked = _registration(f"ada{number}", event_id)
        started = time.perf_counter()
        service.register(asked)
        waits.append(time.perf_counter() - started)
    return {"median": 1000 * median(waits), "cpu": 1000 * (time.process_time() - cpu) / len(chosen)}


def export(settings):
    """Return what the export of so many registrations takes."""
    from event_registration.cli import main

    with TemporaryDirectory(dir=settings["folder"]) as folder:
        data = Path(folder)
        with closing(SQLiteEventRepository(data / "registrations.db")) as repository:
            Organiser(repository).create(_event("devconf"))
            EventRegistrationService(repository, None).register(_registration("first"))
            _multiply(repository, settings["count"])
        output = data / "people.csv"
        started, cpu = time.perf_counter(), time.process_time()
        arguments = ["registrations", "export", "devconf", "--data", folder, "--output", str(output)]
        with redirect_stdout(sys.stderr):
            main(arguments, standalone_mode=False)
        figures = {
            "seconds": time.perf_counter() - started,
            "cpu": time.process_time() - cpu,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "bytes": output.stat().st_size,
        }
        with output.open("rb") as lines:
            count = sum(1 for _ in lines) - 1
    if count != settings["count"]:
        raise SystemExit(f"{count} lines instead of {settings['count']}")
    return figures


if __name__ == "__main__":
    figures = {part.__name__: part for part in (sqlite, people, events, export)}[sys.argv[1]](json.loads(sys.argv[2]))
    sys.stdout.write(json.dumps(figures) + "\n")
