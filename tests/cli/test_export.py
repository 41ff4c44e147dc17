"""`event-registration registrations export`."""

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from rich.console import Console
from serving import unmeasured

from event_registration.aws import DynamoDBRepository
from event_registration.cli.export import _opened
from event_registration.cli.progress import bar
from event_registration.errors import RepositoryUnavailableError
from event_registration.local import SQLiteRepository
from event_registration.testing import make_registration

PEOPLE = ("Ada Lovelace", "Bob", "Cyd Charisse")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Run in an empty folder, and return it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def export(run, data):
    """Return a function that exports the event of the data folder."""

    def export(*options):
        return run("registrations", "export", "devconf-2099", "--data", data, *options)

    return export


def _rows(text):
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def _column(text, heading):
    headings, *rows = _rows(text)
    return [row[headings.index(heading)] for row in rows]


class TestTheFile:
    """What is written, and where."""

    def test_everybody_is_in_a_csv_of_the_events_name(self, export, admit, folder):
        """Without options it is in this folder, in the order people came, and it is said how many they are."""
        admit(*PEOPLE)

        result = export()

        assert (result.exit_code, result.stdout) == (0, "devconf-2099.csv has 3 registrations.\n")
        assert _column((folder / "devconf-2099.csv").read_bytes().decode(), "cname") == [*PEOPLE]

    def test_nobody_else_can_read_it(self, export, folder):
        """Names and addresses are the organiser's alone."""
        export()

        assert (folder / "devconf-2099.csv").stat().st_mode & 0o777 == 0o600

    def test_nobody_is_a_file_without_rows(self, export, folder):
        """An event that nobody came to yet has its headings."""
        result = export()

        assert result.stdout == "devconf-2099.csv has 0 registrations.\n"
        assert len(_rows((folder / "devconf-2099.csv").read_text())) == 1

    def test_programs_get_the_records_of_the_list(self, run, data, export, admit, answer):
        """JSON Lines are what `list --json` prints, one a line, answers too."""
        admit(*PEOPLE)
        answer("bob@example.org", diet="végan", guests=2, topics=["Go"])

        lines = export("--format", "jsonl", "--output", "-").stdout.splitlines()

        listed = json.loads(run("registrations", "list", "devconf-2099", "--data", data, "--json").stdout)
        assert [json.loads(line) for line in lines] == listed
        assert listed[1]["answers"] == {"diet": "végan", "guests": 2, "topics": ["Go"]}

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ([], ("devconf-2099.csv", "\ufeff")),
            (["--format", "jsonl"], ("devconf-2099.jsonl", "{")),
            (["--output", "people.csv"], ("people.csv", "\ufeff")),
            (["--output", "people.JSONL"], ("people.JSONL", "{")),
            (["--output", "people.ndjson"], ("people.ndjson", "{")),
            (["--output", "people"], ("people", "\ufeff")),
            (["--output", "people.txt", "--format", "csv"], ("people.txt", "\ufeff")),
            (["--output", "people.csv", "--format", "jsonl"], ("people.csv", "{")),
        ],
        ids=str,
    )
    def test_the_format_is_said_or_seen(self, export, admit, folder, options, expected):
        """A format that is named counts, else what the file's name ends in, else it is CSV."""
        admit("Ada Lovelace")

        export(*options)

        (path,) = folder.iterdir()
        assert (path.name, path.read_text(encoding="utf-8")[0]) == expected

    @pytest.mark.parametrize("name", ["people.xlsx", "people.json", "people.txt"])
    def test_a_format_that_is_unknown_is_wrong_usage(self, export, folder, name):
        """A file whose name promises something else isn't written."""
        result = export("--output", name)

        assert result.exit_code == 2
        assert f"Say what {name} is to be: --format csv or --format jsonl." in result.stderr
        assert list(folder.iterdir()) == []

    def test_times_are_the_zone_of_the_event(self, export, admit, folder):
        """They are told by the event's clocks, with their offset."""
        admit("Ada Lovelace")
        export()

        times = _column((folder / "devconf-2099.csv").read_text(), "registered_at")

        assert times == ["2026-03-01T13:01:00+01:00"]

    def test_each_question_is_a_column(self, export, ask, admit, answer, folder):
        """Answers stand under their questions, in the form's order; who hasn't answered has empty cells."""
        ask(news={"type": "boolean", "title": "News?"}, guests={"type": "integer"})
        admit(*PEOPLE)
        answer("ada@example.org", guests=2)
        answer("bob@example.org", news=True, guests=0)

        export()

        rows = _rows((folder / "devconf-2099.csv").read_text())
        assert [row[9:] for row in rows] == [
            ["News?", "guests", "other answers"],
            ["", "2", ""],
            ["yes", "0", ""],
            ["", "", ""],
        ]

    def test_what_is_asked_no_more_is_not_lost(self, export, ask, admit, answer, folder):
        """Answers to a question that the event had once are in the last column."""
        ask(diet={"type": "string"})
        admit("Ada Lovelace")
        answer("ada@example.org", diet="vegan")
        ask(topic={"type": "string", "title": "Topic"})

        export()

        headings, row = _rows((folder / "devconf-2099.csv").read_text())
        assert (headings[9:], row[9:]) == (["Topic", "other answers"], ["", '{"diet": "vegan"}'])

    def test_those_of_an_open_event_are_exported(self, run, tmp_path, folder):
        """Where any event is taken there is no zone but UTC, and there are no questions."""
        repository = SQLiteRepository(tmp_path / "registrations.db")
        repository.add(make_registration(registered_at=datetime(2026, 3, 1, 12, tzinfo=UTC), answers={"q": "a"}))
        repository.close()

        run("registrations", "export", "devconf-2026", "--data", tmp_path)

        headings, row = _rows((folder / "devconf-2026.csv").read_text())
        assert (headings[3], row[3]) == ("registered_at", "2026-03-01T12:00:00+00:00")
        assert (headings[9:], row[9:]) == (["other answers"], ['{"q": "a"}'])


class TestReplacing:
    """A file that is there already."""

    def test_it_is_left_alone_unless_it_is_named(self, export, folder):
        """Notes that somebody has made in it are not lost by a second export that names no file."""
        (folder / "devconf-2099.csv").write_text("my notes")

        result = export()

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == (
            "Error: devconf-2099.csv is there: replace it with --output devconf-2099.csv, or name another file.\n"
        )
        assert (folder / "devconf-2099.csv").read_text() == "my notes"

    def test_it_is_replaced_if_it_is_named(self, export, admit, folder):
        """Every night's export takes the place of the one before."""
        export()
        admit("Ada Lovelace")

        result = export("--output", "devconf-2099.csv")

        assert result.exit_code == 0
        assert _column((folder / "devconf-2099.csv").read_text(), "cname") == ["Ada Lovelace"]

    def test_it_stays_if_the_event_is_unknown(self, run, data, folder):
        """A mistyped id replaces nothing, and is told."""
        (folder / "people.csv").write_text("yesterday's")

        result = run(*("registrations", "export", "devconf-2098", "--data", data, "--output", "people.csv"))

        assert (result.exit_code, result.stdout) == (1, "")
        assert "There is no such event." in result.stderr
        assert (folder / "people.csv").read_text() == "yesterday's"
        assert [path.name for path in folder.iterdir()] == ["people.csv"]

    def test_it_stays_if_reading_fails(self, export, admit, repository, folder):
        """An export that fails in the middle leaves yesterday's, and nothing else, and says why."""
        admit(*PEOPLE)
        (folder / "people.csv").write_text("yesterday's")
        with repository.database.transaction() as connection:
            connection.execute("UPDATE registration SET status = 'lost' WHERE cname = 'Bob'")

        result = export("--output", "people.csv")

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "Error: A stored row is no registration (ValueError).\n"
        assert (folder / "people.csv").read_text() == "yesterday's"
        assert [path.name for path in folder.iterdir()] == ["people.csv"]

    def test_trouble_with_the_store_is_none_with_the_file(self, folder):
        """What a store says is told as it is, though an error of the network is one of the system's kind, too."""
        with pytest.raises(RepositoryUnavailableError), _opened(folder / "people.csv"):
            raise RepositoryUnavailableError("Not now.")

        assert list(folder.iterdir()) == []


class TestElsewhere:
    """What is no file."""

    def test_standard_output_has_nothing_else(self, export, admit):
        """What a pipe gets is the file's bytes alone."""
        admit("Ada Lovelace")

        result = export("--output", "-")

        assert result.stdout_bytes.startswith(b"\xef\xbb\xbf" + b'"cname","cemail"')
        assert result.stdout_bytes.endswith(b'""\r\n')
        assert result.stderr == ""

    def test_a_pipe_is_written_to(self, export, admit, folder):
        """A named pipe takes what comes, and stays a pipe."""
        admit("Ada Lovelace")
        pipe = folder / "pipe"
        os.mkfifo(pipe)
        read = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
        reader.start()

        result = export("--output", pipe)

        reader.join(timeout=10)
        assert result.exit_code == 0
        assert _column(read[0], "cname") == ["Ada Lovelace"]
        assert pipe.is_fifo()

    def test_whoever_has_read_enough_ends_it_quietly(self, data, admit):
        """When the reader of a pipe goes, as head does, nothing is said about it."""
        admit(*PEOPLE)
        read_end, write_end = os.pipe()
        os.close(read_end)

        ended = subprocess.run(_command(data, "--output", "-"), stdout=write_end, stderr=subprocess.PIPE, check=False)

        os.close(write_end)
        assert (ended.returncode, ended.stderr) == (1, b"")

    @pytest.mark.parametrize("name", ["nowhere/people.csv", "/proc/people.csv"])
    def test_a_file_that_can_not_be_written_is_told(self, export, admit, folder, name):
        """A folder that isn't there, or where nobody writes, is told with what to do."""
        admit("Ada Lovelace")

        result = export("--output", name)

        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"Error: {name}: ")
        assert result.stderr.endswith(" Name another file with --output.\n")
        assert list(folder.iterdir()) == []

    def test_a_folder_is_wrong_usage(self, export, folder):
        """A folder is never replaced."""
        (folder / "people.csv").mkdir()

        assert export("--output", "people.csv").exit_code == 2


def test_the_table_on_aws_is_exported(run, make_table, aws_credentials, monkeypatch, folder):
    """Registrations in DynamoDB, which have no order there, are in the order they came, too."""
    for name, value in aws_credentials.items():
        monkeypatch.setenv(name.upper().replace("REGION_NAME", "AWS_DEFAULT_REGION"), value)
    with mock_aws():
        client = boto3.client("dynamodb", **aws_credentials)
        table = make_table(client)
        repository = DynamoDBRepository(client, table)
        for minute in range(30):
            came = datetime(2026, 3, 1, 12, minute, tzinfo=UTC)
            repository.add(make_registration(attendee_email=f"{minute}@example.org", registered_at=came))
        client.close()

        result = run("registrations", "export", "devconf-2026", "--table", table, "--region", "eu-west-1")

    assert result.exit_code == 0, result.output
    addresses = _column((folder / "devconf-2026.csv").read_text(), "cemail")
    assert addresses == [f"{minute}@example.org" for minute in range(30)]


def _command(data, *options):
    return [
        *(sys.executable, "-m", "event_registration", "registrations", "export", "devconf-2099"),
        *("--data", str(data), *options),
    ]


@pytest.fixture
def many(admit, repository):
    """Register so many people that it takes seconds to export them."""
    admit("Ada Lovelace")
    _multiply(repository, 30_000)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    ("end", "expected"), [(signal.SIGINT, (1, b"Aborted!")), (signal.SIGTERM, (143, b""))], ids=["Ctrl-C", "kill"]
)
def test_an_end_leaves_the_file_before(data, folder, end, expected):
    """After Ctrl-C or a kill yesterday's file is there, and nothing else."""
    (folder / "people.csv").write_text("yesterday's")
    running = subprocess.Popen(_command(data, "--output", "people.csv"), stderr=subprocess.PIPE)
    while len(list(folder.iterdir())) == 1 and running.poll() is None:
        time.sleep(0.001)

    running.send_signal(end)
    _, said = running.communicate(timeout=60)

    assert (running.returncode, said.strip()) == expected
    assert (folder / "people.csv").read_text() == "yesterday's"
    assert [path.name for path in folder.iterdir()] == ["people.csv"]


# The command's peak of memory as its parent knows it, which itself is small: a child begins with its parent's. And its
# seconds of CPU time, which other programs don't add to.
_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
"""


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param([10_000, 25_000], id="25,000"),
        pytest.param(
            [10_000, 100_000, 1_000_000], id="1,000,000", marks=[pytest.mark.proof, pytest.mark.timeout(1800)]
        ),
    ],
)
def test_many_need_no_more_memory_than_few(data, admit, answer, repository, counts):
    """However many registrations there are, they are exported in the same memory, and all of them."""
    admit("Ada Lovelace")
    answer("ada@example.org", diet="vegan", guests=2, topics=["Go", "Rust"], why="Two lines\nof a hundred letters " * 5)
    command = [sys.executable, "-c", _MEASURE, *_command(data, "--output", "people.csv")]

    peaks = []
    for count in counts:
        _multiply(repository, count)
        measured = subprocess.run(command, capture_output=True, check=True, text=True, env=unmeasured())
        said, figures = measured.stdout.splitlines()
        peak, seconds = figures.split()
        peaks.append(int(peak))
        size = Path("people.csv").stat().st_size / 1_000_000
        print(f"{count:,}: {float(seconds):.1f} s of CPU, {int(peak) / 1024:.1f} MiB, {size:.1f} MB")  # noqa: T201
        assert said == f"people.csv has {count:,} registrations."

    assert max(peaks) - peaks[0] < 3_000  # KiB; the lines alone would take 3,600 for every 10,000


def _multiply(repository, count):
    """Fill the event up to so many registrations, in no order, otherwise copies of the one that is there."""
    columns = "eventid, eventname, cname, cemail, status, revision, mail, attempts, answers"
    with repository.database.transaction() as connection:
        (present,) = connection.execute("SELECT count(*) FROM registration").fetchone()
        connection.execute(
            f"""
            INSERT INTO registration (digest, registrationid, registered_at, {columns})
            WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
            SELECT hex(randomblob(32)), hex(randomblob(16)),
                strftime('%Y-%m-%dT%H:%M:%f000Z', registered_at, (random() % 1000000) || ' seconds'), {columns}
            FROM number, (SELECT * FROM registration LIMIT 1)
            """,  # noqa: S608 - constants
            (count - present,),
        )


def test_a_terminal_sees_how_it_goes_on(export, admit, repository, monkeypatch):
    """A bar shows how many have been read, then how many of them written."""
    admit(*PEOPLE)
    _multiply(repository, 1500)
    monkeypatch.setenv("FORCE_COLOR", "1")

    said = export().stderr

    assert "1500/1500" in said
    assert "Writing" in said


def test_a_terminal_that_sees_the_lines_sees_no_bar(data, admit):
    """Where standard output is a terminal nothing is written over the lines."""
    admit(*PEOPLE)
    terminal, its_other_end = pty.openpty()

    subprocess.run(
        _command(data, "--output", "-"), stdout=its_other_end, stderr=its_other_end, check=True, env=unmeasured()
    )

    os.close(its_other_end)
    seen = os.read(terminal, 100_000).decode()
    os.close(terminal)
    assert _column(seen.replace("\r\r\n", "\r\n"), "cname") == [*PEOPLE]
    assert "\x1b" not in seen


def test_a_bar_needs_no_end():
    """How much there is to do may be unknown."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80)

    with bar(console, None) as (progress, task):
        progress.update(task, completed=5, description="Reading")

    assert "5/?" in console.file.getvalue()
