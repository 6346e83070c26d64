"""What sets the settings of a grid apart."""

import dataclasses

from jaxbnn.studies.labels import setting_labels
from jaxbnn.studies.starter import DEMO, SZT


def test_what_all_share_is_said_once():
    first, second = (dataclasses.replace(SZT, name=f"paper/{name}") for name in ("one", "two"))
    changes = [["a=[1, 0] (not 2)", "b=3"], ["a=[1, 0] (not 2)"]]
    own, shared = setting_labels([first, second], changes)
    assert own == ["one b=3", "two"] and shared == "a=[1, 0] (not 2)"


def test_settings_without_changes_have_their_names():
    assert setting_labels([SZT, DEMO], [[], []]) == (["szt", "demo"], "")


def test_one_setting_shares_all_its_changes():
    assert setting_labels([SZT], [["a=1", "b=2"]]) == (["szt"], "a=1, b=2")
