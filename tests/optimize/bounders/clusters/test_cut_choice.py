"""Cuts are chosen by what trials of some gained."""

import numpy as np

from deuterium.optimize.bounders.clusters.cut_choice import CutChoice

GAIN = np.array([1.0, 0.5, 0.4, 0.1, -1.0])


def test_what_is_promised_is_believed_until_something_is_tried():
    choice = CutChoice(np.zeros(5, dtype=int))
    assert np.argmax(choice.expected(GAIN[None])[0]) == 0
    assert choice.candidates(GAIN, 2).tolist() == [0, 1]


def test_some_of_each_kind_are_tried_and_none_that_cannot_be_cut():
    choice = CutChoice(np.array([0, 0, 0, 1, 2]))
    assert set(choice.candidates(GAIN, 3).tolist()) == {0, 1, 3}
    assert 4 not in choice.candidates(GAIN, 9)


def test_a_cut_that_gains_on_both_sides_is_best_and_remembered():
    choice = CutChoice(np.arange(5))
    after = np.array([[2.0, 0.0], [1.5, 1.4], [2.0, 1.9]])
    assert choice.learn(GAIN, np.array([0, 1, 2]), 2.0, after) == 1
    assert np.argmax(choice.expected(GAIN[None])[0]) == 1


def test_sides_proved_empty_gain_no_more_than_others():
    choice = CutChoice(np.zeros(5, dtype=int))
    after = np.array([[1.0, -np.inf], [-np.inf, -np.inf]])
    assert choice.learn(GAIN, np.array([0, 1]), 2.0, after) == 1
    assert np.isfinite(choice.expected(GAIN[None])).all()
