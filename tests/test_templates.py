"""Mails are made of templates that a team or an event can replace, and that can't let markup or mistakes through."""

import json

import pytest

from event_registration.confirmation import Renderer
from event_registration.errors import InvalidTemplatesError
from event_registration.languages import Languages
from event_registration.mail import Mail, MailKind
from event_registration.templates import OURS, PLACEHOLDERS, Templates, read_templates, template_problems
from event_registration.testing import make_event, make_registration

ADA = make_registration(attendee_name="<b>Ada</b>", event_name="Dev & Conf", locale="de")
LINK = "https://events.example.org/manage.html#token"


def _written(own=None, special=None, registration=ADA, **known):
    return Renderer(Languages(), Templates(own))(registration, templates=special, **known)


def test_ours_have_what_stands_for_all_there_is():
    """Our templates keep their own rules."""
    assert template_problems(read_templates(OURS)) == []


def test_each_part_can_be_replaced():
    """Subject, text and HTML are each of their own template; the others stay ours."""
    ours = _written()

    assert _written({"mail.subject": "$event!"}).subject == "Dev & Conf!"
    assert _written({"mail.txt": "$name: $event"}).text == "\u2068<b>Ada</b>\u2069: Dev & Conf"
    html = _written({"mail.html": "<p>$name: $event</p>"})
    assert html.html == "<p><bdi>&lt;b&gt;Ada&lt;/b&gt;</bdi>: Dev &amp; Conf</p>"
    assert (html.subject, html.text) == (ours.subject, ours.text)


def test_what_stands_for_placeholders_is_escaped():
    """No placeholder brings markup of the form's into HTML, nor a line into the subject."""
    every = "\n".join(f"${name}" for name in PLACEHOLDERS)
    bait = "<img src=x>"
    registration = make_registration(attendee_name=bait, event_name=bait, locale="ar")

    message = _written(
        {"mail.html": every, "mail.subject": "$event $subject"},
        registration=registration,
        event=make_event(venue=bait),
        link=LINK,
        answers=[(bait, bait), ("X", True)],
    )

    assert "<img" not in message.html
    assert message.html.count("&lt;img src=x&gt;") >= 6
    assert "\n" not in message.subject
    assert f'href="{LINK}"' in message.html


def test_the_nearest_is_taken():
    """An event's come before a team's, those of the kind before those for all, those of the language before those."""
    own = {"mail.txt": "all", "mail.de.txt": "all in German", "confirmed.txt": "kind", "confirmed.de.txt": "both"}
    order = []
    while own:
        order.append(_written(own).text)
        del own[
            {"all": "mail.txt", "all in German": "mail.de.txt", "kind": "confirmed.txt", "both": "confirmed.de.txt"}[
                order[-1]
            ]
        ]

    assert order == ["both", "kind", "all in German", "all"]
    assert _written({"confirmed.de.txt": "team"}, {"mail.txt": "event"}).text == "event"
    assert _written({"confirmed.ar.txt": "x", "promoted.txt": "x"}).text == _written().text


def test_what_there_is_nothing_of_is_nothing():
    """Without an event, a link and answers their placeholders are empty."""
    message = _written(
        {"mail.txt": "[$when$venue$facts$answers$link$manage]", "mail.html": "[$when$venue$facts$answers$link$manage]"}
    )

    assert (message.text, message.html) == ("[]", "[]")


def test_a_cancelled_event_has_no_facts():
    """The mail that calls an event off can't name a time."""
    off = make_registration(mail=Mail(kind=MailKind.CALLED_OFF))

    assert _written({"mail.txt": "[$when$facts] $kind"}, registration=off, event=make_event()).text == "[] called-off"


def test_a_dollar_is_written_twice():
    """Prices can be told."""
    assert _written({"mail.txt": "$$10"}).text == "$10"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mail.txt", "costs $10", "has a $ that begins no placeholder: write $$ for the sign itself."),
        ("mail.txt", "$nme", "has $nme, which stands for nothing there; there are $advice, $answers, "),
        ("confirmed.subject", "$name", "has $name, which stands for nothing there; there are $event, $subject."),
        ("confirm.html", "", "is no template's name, as mail.html or confirmed.de.txt: kind (mail, confirmed, "),
        ("mail.d.html", "", "is no template's name"),
        ("mail.html", "x" * 32_769, "is over 32 KiB."),
        ("mail.txt", " \n", "is empty."),
        ("mail.subject", "$subject\nand more", "is more than one line of 200 signs."),
        ("mail.subject", "x" * 201, "is more than one line of 200 signs."),
        (
            "mail.html",
            '<a title="$name">',
            "has $name inside a tag, a style or a script, where it would be no ",
        ),
        ("mail.html", "<style>b { color: ${venue} }</style>", "has $venue inside a tag, a style or a script"),
        ("mail.html", "<style>b { color: $venue }", "has $venue inside a tag, a style or a script"),
        ("mail.html", "<script>let a = '$news'</script>", "has $news inside a tag, a style or a script"),
    ],
)
def test_mistakes_are_told_at_the_start(tmp_path, name, text, message):
    """What can't be used is refused with the file's name and what to do, before anybody's mail is made of it."""
    (tmp_path / name).write_text(text)

    with pytest.raises(InvalidTemplatesError) as caught:
        read_templates(tmp_path)

    (problem,) = caught.value.problems
    assert problem.field == name
    assert problem.message.startswith(message)
    with pytest.raises(InvalidTemplatesError):
        Templates({name: text})


@pytest.mark.parametrize("subject", ["\u2068$event\u2069", "=?utf-8?q?x?= $event", "a\x07 $event"])
def test_a_subject_that_is_none_is_told_at_the_start(tmp_path, subject):
    """What only a whole mail refuses is refused before there is one, of a template or of a language."""
    (tmp_path / "mail.subject").write_text(subject)
    with pytest.raises(InvalidTemplatesError, match="makes no mail of kind confirmed in language ar: the subject"):
        Renderer.of_folder(tmp_path)

    (tmp_path / "mail.subject").unlink()
    (tmp_path / "languages").mkdir()
    text = json.dumps({"mail": {"moved": {"subject": subject.replace("$event", "{event}")}}})
    (tmp_path / "languages" / "de.json").write_text(text)
    with pytest.raises(InvalidTemplatesError, match="makes no mail of kind moved in language de: the subject is no"):
        Renderer.of_folder(tmp_path)


@pytest.mark.parametrize("name", ["mail.fr.txt", "mail.DE.txt", "confirmed.de-AT.subject"])
def test_a_template_of_no_language_is_told(tmp_path, name):
    """A template that nobody's mail would be made of is a mistake."""
    (tmp_path / name).write_text("$event")

    with pytest.raises(InvalidTemplatesError, match=r"is of no language that there is: ar, de, en, es\."):
        Renderer.of_folder(tmp_path)


def test_what_this_version_can_not_use_is_left_out():
    """An event's template that a newer version has set costs nobody a mail: it is as if it weren't there."""
    assert _written({"mail.txt": "team"}, {"confirmed.txt": "$newer", "mail.txt": "$new"}).text == "team"


def test_a_file_that_is_no_text_is_told(tmp_path):
    """What isn't UTF-8 is refused; files that are no templates are left alone."""
    (tmp_path / "mail.txt").write_bytes(b"\xff")
    (tmp_path / "notes.md").write_bytes(b"\xff")

    with pytest.raises(InvalidTemplatesError, match=r"^mail\.txt: can't be read as UTF-8: "):
        read_templates(tmp_path)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """A mistyped folder is no reason to mail what nobody wants."""
    with pytest.raises(InvalidTemplatesError, match="is no folder"):
        Renderer.of_folder(tmp_path / "nowhere")


def test_a_folder_has_templates_and_languages(tmp_path):
    """One folder has all that is a team's; without one there is ours."""
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "de.json").write_text('{"mail": {"greeting": "Moin {name},"}}')
    (tmp_path / "mail.txt").write_text("$greeting")

    assert Renderer.of_folder(tmp_path)(ADA).text == "Moin \u2068<b>Ada</b>\u2069,"
    assert Renderer.of_folder(None)(ADA).text.startswith("Guten Tag")
