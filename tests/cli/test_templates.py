"""`event-registration mail templates`."""

import json

import pytest

from event_registration.language_files import OURS as LANGUAGES
from event_registration.templates import OURS, PLACEHOLDERS


@pytest.fixture
def templates(run, data):
    """Return a function that runs a command about the templates of the event in the data folder."""

    def templates(command, *arguments):
        return run("mail", "templates", command, "devconf-2099", *arguments, "--data", data)

    return templates


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a text of a confirmation."""
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "confirmed.txt").write_text("$event: bring $$5.\n")
    return folder


def test_a_folder_begins_with_ours(run, tmp_path):
    """Our templates lie there to be changed, with a language to translate, and every placeholder is explained."""
    result = run("mail", "templates", "start", tmp_path / "mails", "--language", "pt-BR")

    assert (tmp_path / "mails" / "mail.html").read_text() == (OURS / "mail.html").read_text()
    assert (tmp_path / "mails" / "languages" / "pt-BR.json").read_text() == (LANGUAGES / "en.json").read_text()
    assert all(f"${name} " in result.stdout for name in PLACEHOLDERS)


def test_a_language_of_ours_begins_as_it_is(run, tmp_path):
    """Whoever changes our German begins with it, not with English under its name."""
    run("mail", "templates", "start", tmp_path / "mails", "--language", "de")

    assert (tmp_path / "mails" / "languages" / "de.json").read_text() == (LANGUAGES / "de.json").read_text()


def test_what_would_make_no_mail_is_refused(templates, folder):
    """What only shows when a mail is written is told before it is an event's."""
    (folder / "mail.subject").write_text("\u2068$event\u2069")

    result = templates("set", folder)

    assert result.exit_code == 1
    assert "makes no mail of kind confirmed in language ar: the subject is no plain line of text." in result.stderr
    assert templates("show").stderr == "The event has none of its own.\n"


def test_nothing_is_overwritten(run, folder):
    """Whoever begins twice loses nothing."""
    (folder / "mail.txt").write_text("ours")

    result = run("mail", "templates", "start", folder)

    assert (result.exit_code, result.stderr) == (
        1,
        f"Error: {folder / 'mail.txt'}: there already. Choose another folder, or delete them.\n",
    )
    assert not (folder / "mail.html").exists()
    assert (folder / "mail.txt").read_text() == "ours"


def test_a_language_is_a_tag(run, tmp_path):
    """What is no language's tag is wrong usage."""
    result = run("mail", "templates", "start", tmp_path, "--language", "../de")

    assert result.exit_code == 2
    assert "'../de' is no language's tag, as in fr or pt-BR." in result.stderr


def test_a_folder_that_can_not_be_made_is_told(run, folder):
    """A file in the way is told with what to do."""
    result = run("mail", "templates", "start", folder / "confirmed.txt" / "x")

    assert result.exit_code == 1
    assert "Choose another folder." in result.stderr


def test_an_event_has_its_own(run, templates, folder, data):
    """What is set is what its mails are made of, is shown and saved as it is, and cleared again."""
    done = templates("set", folder)
    assert done.stdout == "The mails of devconf-2099 are made of confirmed.txt.\n"
    assert done.stderr.startswith("confirmed.txt: the other part of these mails still says what ours says")

    preview = run("mail", "preview", "devconf-2099", "--data", data).stdout
    assert preview.endswith("\n\nDevConf 2099: bring $5.\n\n")
    assert templates("show").stdout == "--- confirmed.txt\n$event: bring $$5.\n"
    templates("show", folder / "saved")
    assert (folder / "saved" / "confirmed.txt").read_text() == "$event: bring $$5.\n"

    assert templates("clear").stdout == "The mails of devconf-2099 are made as all others are.\n"
    assert templates("show").stderr == "The event has none of its own.\n"
    assert "bring" not in run("mail", "preview", "devconf-2099", "--data", data).stdout


def test_changes_of_the_event_keep_them(run, templates, folder, data):
    """A change of the event leaves its templates, and they leave the event; nobody is told of them."""
    templates("set", folder)
    run("events", "update", "devconf-2099", "--name", "DevConf XC", "--data", data)

    assert "bring" in templates("show").stdout
    shown = json.loads(run("events", "show", "devconf-2099", "--data", data, "--json").stdout)
    assert (shown["eventname"], shown["telling"]) == ("DevConf XC", False)


def test_mistakes_change_nothing(templates, folder):
    """A template that can't be used is refused with its name, and the event keeps what it has."""
    (folder / "mail.html").write_text("$unknown")

    result = templates("set", folder)

    assert result.exit_code == 1
    assert "mail.html has $unknown, which stands for nothing there" in result.stderr
    assert templates("show").stderr == "The event has none of its own.\n"


def test_too_many_are_refused(templates, folder):
    """They are read with the event, and so together no longer than 16 KiB."""
    for kind in ("confirmed", "promoted", "moved"):
        (folder / f"{kind}.html").write_text("x" * 6_000)

    result = templates("set", folder)

    assert result.exit_code == 1
    assert result.stderr.endswith("templates: are over 16 KiB together.\n")


def test_a_folder_without_any_is_refused(templates, tmp_path):
    """Whoever names a wrong folder doesn't lose what was set."""
    result = templates("set", tmp_path)

    assert result.exit_code == 1
    assert "has no templates: their names end in .subject, .txt or .html." in result.stderr


def test_saving_where_nobody_can_is_told(templates, folder):
    """A file in the way is told with what to do."""
    templates("set", folder)

    result = templates("show", folder / "confirmed.txt" / "saved")

    assert result.exit_code == 1
    assert "Choose another folder." in result.stderr


def test_a_preview_tries_templates_and_languages(run, folder, data):
    """A team's and an event's templates, and any language, are looked at before anybody gets them."""
    (folder / "mail.subject").write_text("$subject?")

    def preview(*options):
        return run("mail", "preview", "devconf-2099", *options, "--data", data).stdout

    assert "Subject: Anmeldung bestätigt: DevConf 2099\n\nGuten Tag" in preview("--locale", "de-AT")
    assert "Subject: Registration confirmed: DevConf 2099?\n" in preview("--templates", folder)
    assert "Subject: Registration confirmed: DevConf 2099?\n" in preview("--event-templates", folder)
    assert run("mail", "preview", "devconf-2099", "--locale", "x", "--data", data).exit_code == 2
    assert "$event" not in preview()
