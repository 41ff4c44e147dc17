"""Mails are in the reader's language, whole: what is missing fails here or at the start, not in a mail."""

import json
from datetime import UTC, datetime, timedelta

import babel
import babel.dates
import pytest

from event_registration.confirmation import Renderer
from event_registration.errors import InvalidTemplatesError
from event_registration.language_files import OURS, differences, read_language
from event_registration.languages import Languages
from event_registration.mail import Mail, MailKind
from event_registration.model import Status
from event_registration.testing import make_event, make_registration

CODES = sorted(path.stem for path in OURS.iterdir())
ENGLISH = read_language(OURS / "en.json")
# Words that are the same in both: (language, name).
SAME = {
    ("de", "mail.list"),
    ("de", "mail.moment"),
    ("de", "mail.months.3"),
    ("de", "mail.months.7"),
    ("de", "mail.months.8"),
    ("de", "mail.months.10"),
    ("es", "mail.list"),
    ("es", "mail.moment"),
    ("es", "mail.no"),
}


def _texts(value, name):
    if isinstance(value, str):
        yield name, value
    else:
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(each, f"{name}.{key}")


def _language(code):
    return Languages().choose(code)


def test_there_are_four():
    """English, Spanish, German and Arabic come with the package."""
    assert CODES == ["ar", "de", "en", "es"]


@pytest.mark.parametrize("code", CODES)
def test_every_language_is_whole(code):
    """Each has all of English's texts for mails with the same placeholders, and no others."""
    assert list(differences(ENGLISH["mail"], read_language(OURS / f"{code}.json")["mail"], "mail")) == []


def test_every_kind_has_its_texts():
    """There are texts for all that a mail may tell."""
    assert {*MailKind} <= ENGLISH["mail"].keys()


@pytest.mark.parametrize("code", [code for code in CODES if code != "en"])
def test_every_text_is_translated(code):
    """No text is English's, but for words that are the same."""
    english = dict(_texts(ENGLISH["mail"], "mail"))
    same = {
        name for name, text in _texts(read_language(OURS / f"{code}.json")["mail"], "mail") if text == english[name]
    }

    assert {(code, name) for name in same} == {pair for pair in SAME if pair[0] == code}


@pytest.mark.parametrize(("code", "locale"), [("en", "en_GB"), ("de", "de"), ("es", "es"), ("ar", "ar")])
def test_dates_are_those_of_the_language(code, locale):
    """Every day of a year is written as Unicode's CLDR has it in full."""
    for day in range(366):
        instant = datetime(2028, 1, 1, 9, 30, tzinfo=UTC) + timedelta(days=day)
        expected = babel.dates.format_date(instant, "full", locale=locale)
        span = _language(code).span(instant, instant, "UTC")
        assert expected.replace(",", "") in span.replace(",", "")


@pytest.mark.parametrize("code", CODES)
def test_direction_is_the_languages(code):
    """A language is written in the direction that CLDR has."""
    assert _language(code).direction == babel.Locale(code).text_direction.replace("right-to-left", "rtl")


@pytest.mark.parametrize(
    ("locale", "code"),
    [
        (None, "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("es-419", "es"),
        ("ar-Arab-EG-u-nu-latn", "ar"),
        ("fr", "en"),
        ("d", "en"),
        ("english", "en"),
    ],
)
def test_the_best_is_chosen(locale, code):
    """A tag's end is left out until there is such a language; English is for all others."""
    assert _language(locale).code == code


def test_answers_are_in_the_language():
    """Yes, no and the signs between options are the language's; all else is as it was answered."""
    german, arabic = _language("de"), _language("ar")

    assert [german.answer(value) for value in (True, False, ["A", "B"], 5, "text")] == [
        "Ja",
        "Nein",
        "A, B",
        "5",
        "text",
    ]
    assert arabic.answer(["A", "B"]) == "A، B"


def test_an_event_of_several_days_names_both():
    """The last day is named where it isn't the first."""
    start = datetime(2030, 5, 1, 9, tzinfo=UTC)

    span = _language("de").span(start, start + timedelta(days=1), "UTC")

    assert span == "Mittwoch, 1. Mai 2030, 09:00 bis Donnerstag, 2. Mai 2030, 09:00 Uhr (\u2068UTC\u2069)"


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("kind", MailKind)
def test_mails_are_in_one_language(code, kind):
    """No mail of a language has a text of another's, in any of its parts, and HTML says which it is."""
    status = Status(kind) if kind in set(Status) else Status.CONFIRMED
    registration = make_registration(locale=code, status=status, mail=Mail(kind=kind))

    message = Renderer()(
        registration, event=make_event(venue="X"), link="https://events.example.org/#x", answers=[("X", True)]
    )

    whole = f"{message.subject}\n{message.text}\n{message.html}"
    own = dict(_texts(read_language(OURS / f"{code}.json")["mail"], "mail"))
    for other in CODES:
        for name, text in _texts(read_language(OURS / f"{other}.json")["mail"], "mail"):
            long = max(text.replace("{", "}").split("}"), key=len).strip()
            assert len(long) < 8 or long in own[name] or long not in whole, name
    direction = read_language(OURS / f"{code}.json")["direction"]
    assert f'<html lang="{code}" dir="{direction}">' in message.html
    assert own[f"mail.{kind.value}.heading"] in message.html.replace("&#x27;", "'")


# A team's own


def test_one_file_adds_a_language(tmp_path):
    """A whole file is a language, for all who ask for it or for a kind of it; ours stay."""
    french = ENGLISH | {"name": "Français", "mail": ENGLISH["mail"] | {"greeting": "Bonjour {name},"}}
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "fr.json").write_text(json.dumps(french))

    languages = Languages(tmp_path)

    chosen = languages.choose("fr-CA")
    assert (chosen.code, chosen.direction, chosen.texts) == ("fr", "ltr", french["mail"])
    assert languages.choose("de").texts["yes"] == "Ja"


def test_a_language_that_is_not_whole_is_refused(tmp_path):
    """What is missing is told at the start, before anybody gets a mail."""
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "fr.json").write_text('{"name": "Français", "direction": "ltr"}')

    with pytest.raises(InvalidTemplatesError, match=r"languages/fr\.json: mail\.weekdays must be a list of 7 texts"):
        Languages(tmp_path)
