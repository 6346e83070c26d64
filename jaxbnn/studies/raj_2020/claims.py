"""The 25 claims of Raj et al. 2020, each with what is computed of finished runs and when it
holds."""

from jaxbnn.studies.raj_2020.flips import resists_flips
from jaxbnn.studies.raj_2020.gradients import (
    late_noise,
    mnist_gradients,
    one_scale,
    real_gradients_noisy,
)
from jaxbnn.studies.raj_2020.information import (
    Judge,
    batch_norm_loses,
    last_hidden_falls_on_test,
    last_layer_falls,
    mnist_compression,
    more_than_on_szt,
    no_compression,
    on_boards,
    others_return,
    rises,
    same_surrogates,
    softmax_stays,
    starts_low,
)
from jaxbnn.studies.raj_2020.learning import (
    MARGIN,
    MIN_CHANGE,
    SETTLED,
    less_overfitting,
    no_overfitting,
    overfitting,
    plateau,
    random_accuracy,
    spread_on_plateau,
)
from jaxbnn.studies.raj_2020.runs import BNN, BOARDS, DNN, MIN_FALL, MNIST, RANDOM_BNN, RANDOM_DNN
from jaxbnn.studies.study import Claim, Finding


def not_attempted(reason: str) -> Judge:
    """For what no run here measures."""
    return lambda runs: Finding("not attempted", reason)


FELL = (
    "I(X;T), the mean of what was measured in 50 epochs (one value where the schedule is "
    f"thinner), from where its seed mean is largest to the end; fallen: by {MIN_FALL} bit or more"
)
SIGNS = tuple(BNN.values())
REAL = tuple(DNN.values())
STE = (BNN["STE"],)
RANDOMS = (RANDOM_BNN, RANDOM_DNN)
CLAIMS = (
    Claim(
        "S4-1",
        "SZT: no separate compression phase",
        f"{FELL}; holds if no hidden layer falls",
        no_compression(BNN),
        SIGNS,
    ),
    Claim(
        "S4-2",
        "I(X;T) starts low",
        "untrained I(X;T) over the largest seed mean, below a half",
        starts_low(BNN),
        SIGNS,
    ),
    Claim(
        "S4-3",
        "SZT: a plateau first",
        f"epochs until the training loss is {MARGIN} nat below H(Y); holds if the median [95 %] "
        "is 20 or more",
        plateau,
        SIGNS,
    ),
    Claim(
        "S4-4",
        "the spread of the loss over seeds is largest there",
        f"standard deviation, largest from epoch {SETTLED} to the median leaving over largest "
        "later; bootstrap",
        spread_on_plateau,
        SIGNS,
    ),
    Claim(
        "S4-5",
        "the BNN does not overfit",
        "test loss minus training loss, mean of the last 50 epochs; holds if it is less than "
        f"{MIN_CHANGE} nat",
        no_overfitting,
        SIGNS,
    ),
    Claim(
        "S4-6",
        "tanh and hard-tanh networks overfit near epoch 1000",
        f"test loss rises by {MIN_CHANGE} nat or more since an epoch from 300 to 3000, and I(T;Y) "
        f"of the last hidden layer on test data falls by {MIN_CHANGE} bit or more",
        overfitting,
        REAL,
    ),
    Claim(
        "S4-7",
        "the sign-swish real network less",
        "its rise of the test loss is smaller; Welch",
        less_overfitting,
        REAL,
    ),
    Claim(
        "S4-8",
        "real networks' gradient variance rises late",
        "log10 of it since its smallest seed mean; by a factor of 2 or more",
        late_noise,
        REAL,
    ),
    Claim(
        "S4-9",
        "BNN on SZT: gradient mean and variance keep one scale",
        "range over epochs of their log10 a seed, averaged as for S4-1; less than one decade",
        one_scale,
        SIGNS,
    ),
    Claim(
        "S4-10",
        "BNN on MNIST: both fall",
        "log10 of both since the largest seed mean; by a factor of 2 or more",
        mnist_gradients,
        (MNIST,),
    ),
    Claim(
        "S4-11",
        "BNN on MNIST: only compression",
        "I(X;T) falls as for S4-1, every hidden layer",
        mnist_compression,
        (MNIST,),
    ),
    Claim(
        "S4-12",
        "more of it than on SZT",
        "the largest fall of a hidden layer in each; Welch",
        more_than_on_szt,
        (MNIST, *STE),
    ),
    Claim(
        "S4-13",
        "the softmax layer barely compresses (MNIST)",
        "I(X;T) of the output falls, as for S4-1, by less than 0.1 bit",
        softmax_stays,
        (MNIST,),
    ),
    Claim(
        "S4-14",
        "SZT: I(T;Y) falls at the first BatchNorm",
        "the first layer seen in five ways, STE, mean over seeds; holds if exact counting sees a "
        "fall when trained",
        batch_norm_loses,
        STE,
    ),
    Claim(
        "S4-15",
        "not so on MNIST",
        "-",
        not_attempted("the runs on MNIST measure no BatchNorm layer"),
    ),
    Claim(
        "S4-16",
        "the same for the three surrogates",
        "difference of I(X;T) where its simultaneous 95 % band is farthest from 0; the same: "
        f"bands within {MIN_FALL} bit, not the same: one beyond",
        same_surrogates,
        SIGNS,
    ),
    Claim(
        "S4-17",
        "the same on tic-tac-toe",
        "S4-1 and S4-2 have the verdicts of SZT, STE",
        on_boards,
        (BOARDS, *STE),
    ),
    Claim(
        "S4-18",
        "random labels: the real network's train accuracy rises, the BNN's does not",
        "train accuracy since its smallest seed mean; by 0.01 or more",
        random_accuracy,
        RANDOMS,
    ),
    Claim(
        "S4-19",
        "its I(T;Y) rises in every layer",
        "every hidden layer, by 0.1 bit or more",
        rises(RANDOM_DNN, "i_ty"),
        RANDOMS[1:],
    ),
    Claim(
        "S4-20",
        "its I(X;T) rises after the first epochs, no compression",
        "I(X;T) of every hidden layer since its smallest seed mean, by 0.1 bit or more; no "
        "earlier fall is looked for",
        rises(RANDOM_DNN, "i_xt"),
        RANDOMS[1:],
    ),
    Claim(
        "S4-21",
        "its gradients turn noisy without compression",
        "the gradient's variance as for S4-8 (whether I(X;T) falls is S4-20's)",
        real_gradients_noisy,
        RANDOMS[1:],
    ),
    Claim(
        "S4-22",
        "on test data its last layer's I(T;Y) falls",
        "the last hidden layer, by 0.1 bit or more",
        last_hidden_falls_on_test(RANDOM_DNN),
        RANDOMS[1:],
    ),
    Claim(
        "S4-23",
        "the BNN's last layer: both fall",
        "I(X;T) and I(T;Y) of the last hidden layer, by 0.1 bit or more",
        last_layer_falls,
        RANDOMS[:1],
    ),
    Claim(
        "S4-24",
        "the BNN's other layers rise and return",
        "I(X;T): each seed's path is of two moves",
        others_return,
        RANDOMS[:1],
    ),
    Claim(
        "S4-25",
        "(a hypothesis) BNNs resist small input changes because I(X;T) is low",
        "over seeds: share of outputs that change when one of the 12 bits flips, all inputs, "
        "against H(T); Spearman",
        resists_flips,
        SIGNS,
    ),
)
