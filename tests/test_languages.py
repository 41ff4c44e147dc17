"""Mails are in the reader's language, whole: what is missing fails here or at the start, not in a mail."""

import json
from datetime import UTC, datetime, timedelta

import babel
import babel.dates
import pytest

from event_registration.confirmation import Renderer
from event_registration.errors import InvalidTemplatesError
from event_registration.languages import OURS, Language, Languages, differences, merged, read_language
from event_registration.mail import Mail, MailKind
from event_registration.model import Status
from event_registration.testing import make_event, make_registration

CODES = sorted(path.stem for path in OURS.iterdir())
ENGLISH = read_language(OURS / "en.json")
# Words that are the same in both: (language, name).
SAME = {
    ("de", "mail.list"),
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
    assert Languages().codes == CODES


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

    assert span == "Mittwoch, 1. Mai 2030, 09:00 Uhr bis Donnerstag, 2. Mai 2030, 09:00 Uhr (\u2068UTC\u2069)"


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


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes a file of a team's languages, and returns their folder."""

    def write(name, document):
        (tmp_path / "languages").mkdir(exist_ok=True)
        text = document if isinstance(document, str) else json.dumps(document)
        (tmp_path / "languages" / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def _faults(folder):
    with pytest.raises(InvalidTemplatesError) as caught:
        Languages(folder)
    return [(each.field, each.message) for each in caught.value.problems]


def test_one_file_adds_a_language(folder):
    """A whole file is a language, for all who ask for it or for a kind of it."""
    french = merged(ENGLISH, {"name": "Français", "mail": {"greeting": "Bonjour {name},"}})

    languages = Languages(folder("fr.json", french))

    assert languages.choose("fr-CA") == Language("fr", "ltr", french["mail"])
    assert languages.codes == ["ar", "de", "en", "es", "fr"]


def test_one_text_of_ours_can_be_another(folder):
    """A file called as one of ours has only what is to be different."""
    languages = Languages(folder("de.json", {"mail": {"confirmed": {"advice": "Bringen Sie den Ausweis mit."}}}))

    texts = languages.choose("de").texts
    assert texts["confirmed"]["advice"] == "Bringen Sie den Ausweis mit."
    assert texts["confirmed"]["heading"] == "Sie sind angemeldet"


def test_a_folder_without_languages_has_ours(tmp_path):
    """Whoever has templates only has our languages."""
    assert Languages(tmp_path).codes == CODES


def test_what_is_missing_is_told(folder):
    """A language that lacks a text is refused at the start, with the text's name."""
    french = merged(ENGLISH, {"name": "Français"})
    del french["mail"]["confirmed"]["news"]
    french["mail"]["months"] = french["mail"]["months"][:11]

    assert _faults(folder("fr.json", french)) == [
        ("languages/fr.json", "mail.months must be a list of 12 texts."),
        ("languages/fr.json", "mail.confirmed.news is missing."),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [("Hallo,", "{name}"), ("Hallo {nme},", "{name}"), ("{name} {name}", "{name}"), ("{name} {", "{name}")],
)
def test_placeholders_are_english_s(folder, text, names):
    """A text that would lose, miss or break a placeholder is refused."""
    problems = _faults(folder("de.json", {"mail": {"greeting": text}}))

    assert problems == [("languages/de.json", f"mail.greeting must have {names}, once each, and no other brace.")]


def test_a_text_that_has_none_gets_none(folder):
    """Nothing stands for a placeholder where English has none."""
    problems = _faults(folder("de.json", {"mail": {"reason": "{event}"}}))

    assert problems == [("languages/de.json", "mail.reason must have no placeholder, once each, and no other brace.")]


@pytest.mark.parametrize(
    ("name", "document", "message"),
    [
        ("german.files.json", {}, "must be called by a language's tag, as in pt-BR.json."),
        ("fr.json", [], "must be a JSON object."),
        ("fr.json", "{", "can't be read as JSON in UTF-8: "),
        ("de.json", {"direction": "up"}, 'direction must be "ltr" or "rtl".'),
        ("de.json", {"mail": {"greetings": "Hallo"}}, "mail.greetings is no text that there is."),
        ("de.json", {"mail": {"confirmed": "x"}}, "mail.confirmed.subject is missing."),
    ],
)
def test_files_that_are_none_are_told(folder, name, document, message):
    """What is wrong with a file is said with its name."""
    problems = _faults(folder(name, document))

    assert problems[0][0] == f"languages/{name}"
    assert problems[0][1].startswith(message)
