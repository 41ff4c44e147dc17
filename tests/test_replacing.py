"""A file is complete or not there."""

import os
import subprocess
import sys

import pytest
from serving import unmeasured

from event_registration.replacing import replacing

_WRITE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from event_registration.replacing import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half of the ne")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def output(tmp_path):
    """Return a file that is there already."""
    output = tmp_path / "people.csv"
    output.write_bytes(b"old")
    return output


def _write_half(output, end):
    with replacing(output) as file:
        file.write(b"half of the ne")
        raise end


def _permissions(path):
    return path.stat().st_mode & 0o777


def test_a_new_file_is_there_when_all_is_written(tmp_path):
    """What the block has written is in the file, alone in its folder."""
    output = tmp_path / "people.csv"

    with replacing(output) as file:
        file.write(b"new")
        assert not output.exists()

    assert output.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [output]


def test_an_old_file_stays_until_then(output):
    """Who reads while the new file is written gets the old one, whole."""
    with replacing(output) as file:
        file.write(b"new")
        file.flush()
        assert output.read_bytes() == b"old"

    assert output.read_bytes() == b"new"


@pytest.mark.parametrize("end", [ValueError, OSError, KeyboardInterrupt, SystemExit])
def test_whatever_ends_the_block_leaves_nothing(output, end):
    """An error, Ctrl-C and an exit leave the old file as it was and nothing beside it."""
    with pytest.raises(end):
        _write_half(output, end)

    assert output.read_bytes() == b"old"
    assert list(output.parent.iterdir()) == [output]


def test_a_kill_leaves_the_old_file(output):
    """After a kill -9 the old file is there, whole; no program takes what lies beside it for a file of its kind."""
    command = [sys.executable, "-c", _WRITE_AND_DIE, output]
    subprocess.run(command, check=False, env=unmeasured())

    (unfinished,) = (path for path in output.parent.iterdir() if path != output)
    assert output.read_bytes() == b"old"
    assert (unfinished.name[0], unfinished.suffix) == (".", ".part")


def test_is_its_owners_alone(output):
    """Nobody else can read the file, neither while it is written nor afterwards, whatever the old one allowed."""
    output.chmod(0o644)

    with replacing(output):
        (unfinished,) = (path for path in output.parent.iterdir() if path != output)
        assert _permissions(unfinished) == 0o600

    assert _permissions(output) == 0o600


def test_can_be_everybodys(output):
    """Where other permissions are named, the umask decides, as for any new file."""
    umask = os.umask(0o027)
    try:
        with replacing(output, mode=0o666):
            pass
    finally:
        os.umask(umask)

    assert _permissions(output) == 0o640


def test_a_link_stays(output, tmp_path):
    """A symbolic link still leads to its file, which is the new one, be it in another folder."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link = folder / "link.csv"
    link.symlink_to(output)

    with replacing(link) as file:
        file.write(b"new")

    assert link.is_symlink()
    assert output.read_bytes() == b"new"
    assert list(folder.iterdir()) == [link]


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    """The name beside doesn't grow with the file's."""
    output = tmp_path / ("n" * 255)

    with replacing(output) as file:
        file.write(b"new")

    assert output.read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """Folders aren't made."""
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "nowhere" / "people.csv"):
        pass
