"""The catalogue says what the studies have."""

import pytest

from jaxbnn.studies import catalogue, named


def test_the_catalogue_is_that_of_the_studies():
    kept = catalogue.FILE.read_text(encoding="utf-8")
    made = catalogue.text_of(named.make_catalogue())
    assert kept == made, "python -m jaxbnn.studies.catalogue writes it anew"


def test_it_is_read_as_it_was_written():
    assert catalogue.text_of(catalogue.read()) == catalogue.FILE.read_text(encoding="utf-8")


def test_names_and_groups_are_known():
    names = catalogue.read().names()
    assert {"demo", "regime", "raj2020/szt-ste", "nothnagel2026/szt-wd-0"} <= set(names)
    assert set(names) == set(named._named())
    for name in ("demo", "nothnagel2026", "regime"):
        catalogue.check(name)
    catalogue.check("nothnagel2026", "szt,szt-controls")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("szt2",), "unknown experiment 'szt2': expected szt"),
        (("nothnagel2026", "szt,mnist"), "expected a group of nothnagel2026 .* got 'mnist'"),
        (("szt", "szt"), "expected --only with a grid such as nothnagel2026, got szt"),
    ],
)
def test_unknown_names_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        catalogue.check(*arguments)
