"""The benchmarks are run by hand; what can be held about them cheaply is held here."""

import pytest

from tests.benchmarks import growth
from utils.alarm.monitor import FEWEST_BLOCKS


@pytest.mark.parametrize(("history", "window"), [sizes for panel in growth.SIZES for sizes in panel])
def test_a_monitor_takes_every_size_whose_growth_is_measured(history, window):
    assert history >= FEWEST_BLOCKS * window
