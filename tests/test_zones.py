"""Which time zones there are."""

import pytest

from event_registration.zones import zone_of


class TestZoneOf:
    """Which names of time zones there are."""

    @pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "America/Argentina/Ushuaia", "Etc/GMT+5", "EST5EDT"])
    def test_knows_the_names_of_the_database(self, name):
        """Every name of the IANA database is known."""
        assert zone_of(name).key == name

    @pytest.mark.parametrize("name", ["Europe/Bonn", "europe/berlin", "Europe", "localtime", "posix/UTC", "", "../UTC"])
    def test_knows_no_others(self, name):
        """Other spellings, folders and names of one operating system are no zones: the function wouldn't know them."""
        assert zone_of(name) is None
