import numpy as np

from jaxbnn import tables


def test_verdicts_of_several_seeds_in_words():
    assert tables.verdicts([2, 2]) == "reliable" and tables.verdicts([2, 3, 2]) == "2 reliable, 1 biased"
    assert tables.verdicts([-1]) == "-" and tables.verdicts([0, 0]) == "exact"
    bias, error = np.array([0.2, 0.1, 0.1]), np.array([0.1, 0.2, 0.2])
    assert tables.verdicts([3, 3, 1], bias, error) == "1 biased (bias), 1 biased (se), 1 saturated"


def test_examples_needed_by_several_seeds_in_a_word():
    def words(needed, codes):
        return tables.needed_words(np.array(needed), np.array(codes))

    assert words([5, 9], [2, 2]) == "9" and words([5, -1], [2, 3]) == "more"
    guesses = np.array([np.nan, 31234.0]), np.array([np.nan, 1.3e12])
    assert tables.needed_words(np.array([5, -1]), np.array([2, 3]), *guesses) == "more (3e+04, 1e+12)"
    assert tables.needed_words(np.array([5]), np.array([2]), *[guess[:1] for guess in guesses]) == "5"
    assert words([-1], [-1]) == "-" and words([7, 7], [0, 0]) == "all"
    assert words([5, -1], [2, -1]) == "5" and words([7, -1], [0, -1]) == "all"  # a diverged seed has no say
