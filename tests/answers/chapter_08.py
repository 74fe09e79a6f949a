"""Answers to chapter 08: wrong ones, each with words of its diagnosis, and other right ones."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from utils.exercises.chapter_08 import _after


def _hour_by_loop(historical, hour):
    starts = range((hour % 168) * 60, len(historical), 168 * 60)
    return [value for start in starts for value in historical[start : start + 60]]


def _hour_by_mask(historical, hour):
    hours = np.arange(len(historical)) // 60
    return historical[hours % 168 == hour % 168]


def _hour_of_history(historical, hour):
    return np.reshape(historical, (-1, 60))[hour]


def _without_the_remainder(historical, hour):
    return np.reshape(historical, (-1, 168, 60))[:, hour].ravel()


def _week_by_week(historical, hour):
    return np.reshape(historical, (-1, 168, 60))[:, hour % 168]


def _mask_instead(historical, hour):
    return np.arange(len(historical)) // 60 % 168 == hour % 168


def _hour_by_rows(historical, hour):
    return np.reshape(historical, (-1, 60))[hour % 168 :: 168].ravel()


def _sorting_in_place(historical, hour):
    picked = _hour_by_rows(historical, hour)
    historical.sort()
    return picked


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
        (lambda alpha, checks_a_day: np.log(2) / np.log(1 - alpha) / checks_a_day, "other sign"),
        (lambda alpha, checks_a_day: 0.56, "for every case"),
        (0.56, "a function is expected"),
    ),
    "8.2": (
        (60, "could the alarm ever ring"),
        (91, "fewer will do"),
        (89.96, "whole days"),
        (89, "could the alarm ever ring"),
        (0, "could the alarm ever ring"),
    ),
    "8.3": (
        (_hour_of_history, "raised IndexError"),
        (_without_the_remainder, "raised IndexError"),
        (_week_by_week, "a one-dimensional array is expected"),
        (lambda *given: np.flatnonzero(_mask_instead(*given)), "is expected"),
        (_mask_instead, "the truth value"),
        (lambda historical, hour: _hour_by_mask(historical, 30), "same whatever `hour` is"),
        (
            lambda historical, hour: historical.reshape(5, 168, 60)[:, hour % 168].ravel(),
            "2 weeks of history",
        ),
        (_sorting_in_place, "Work on a copy"),
    ),
    "8.4": (
        (15, "noisy for a drift this small"),
        (60, "noisy for a drift this small"),
        (960, "has to fill"),
        (2880, "has to fill"),
        (8, "reads like hours"),
        (100, "choose one of"),
        ("480 min", "a number is expected"),
    ),
    "8.5": (
        (3, "more than the budget"),
        (4, "more than the budget"),
        (7, "a smaller threshold"),
        (5.4, "whole number"),
        (0, "never negative"),
    ),
    "8.6": (
        (lambda alarms: False, "never convince it"),
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
    "8.2": (90.0, np.int64(90)),
    "8.3": (_hour_by_loop, _hour_by_mask, _hour_by_rows),
    "8.4": (480.0, np.int64(480), 240),
    "8.5": (6.0, np.int64(6)),
    "8.6": (
        _eleven_of_twelve,
        _by_counting_back,
        _after(11),
        _after(14),
        lambda alarms: sum(alarms) >= 12,
    ),
}
