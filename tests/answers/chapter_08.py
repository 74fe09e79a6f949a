"""Answers to chapter 08: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from utils.exercises.chapter_08 import _after


def _eleven_of_twelve(alarms):
    return sum(alarms[-12:]) >= 11


def _by_counting_back(alarms):
    run = 0
    for alarm in reversed(alarms):
        if not alarm:
            break
        run += 1
    return run >= 12


def _forgotten_return(alarms):
    sum(alarms[-12:])


WRONG = {
    "8.1": (
        (lambda alpha, checks_a_day: round(np.log(0.5) / np.log(1 - alpha) / checks_a_day, 2), "rounds"),
        (lambda alpha, checks_a_day: np.log(0.5) / np.log(1 - 0.05) / checks_a_day, "whatever `alpha` is"),
        (lambda alpha, checks_a_day: np.log(0.5) / np.log(1 - alpha) / 24, "whatever `checks_a_day` is"),
        (lambda alpha, checks_a_day: np.log(2) / np.log(1 - alpha) / checks_a_day, "negative number of days"),
        (lambda alpha, checks_a_day: 0.56, "for every case"),
        (0.56, "a function is expected"),
    ),
    "8.2": (
        (35, "for each of the three"),
        (181, "fewer will do"),
        (179.96, "whole days"),
        (179, "for each of the three"),
        (0, "for each of the three"),
    ),
    "8.3": (
        (3, "about 12 false pages"),
        (4, "Which way must it go"),
        (7, "a smaller threshold"),
        (5.4, "whole number"),
        (0, "never negative"),
    ),
    "8.4": (
        (15, "noisy for a drift this small"),
        (60, "noisy for a drift this small"),
        (960, "has to fill"),
        (2880, "has to fill"),
        (8, "none of the six windows"),
        (554.5, "If it is a delay"),
        ("480 min", "a number is expected"),
    ),
    "8.5": (
        (lambda alarms: False, "never retrains"),
        (lambda alarms: alarms[-1], "one alarming hour"),
        (lambda alarms: not alarms[-1], "hours of noise"),
        (_after(3), "incidents that pass"),
        (_after(6), "half old and half new"),
        (lambda alarms: len(alarms) == 48, "hours of noise"),
        (lambda alarms: sum(alarms[-12:]) >= 9, "incidents that pass"),
        (_after(40), "that is late"),
        (lambda alarms: all(alarms[-12:]), "starts again from nothing"),
        (lambda alarms: all(alarms[:12]) and len(alarms) >= 12, "newest hour came first"),
        (_forgotten_return, "is a return missing"),
        (12, "a function is expected"),
    ),
}

RIGHT = {
    "8.1": (
        lambda alpha, checks_a_day: Decimal(2).ln() / -(1 - Decimal(alpha)).ln() / checks_a_day,
        lambda alpha, checks_a_day: np.array(math.log(0.5, 1 - alpha) / checks_a_day),
    ),
    "8.2": (180.0, np.int64(180)),
    "8.3": (6.0, np.int64(6)),
    "8.4": (480.0, np.int64(480), 240),
    "8.5": (
        _eleven_of_twelve,
        _by_counting_back,
        _after(11),
        _after(14),
        lambda alarms: sum(alarms) >= 12,
    ),
}
