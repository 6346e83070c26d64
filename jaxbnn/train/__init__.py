"""ONE seed trained: TrainSpec, optimisers, a Trainer of pure functions. Knows nothing of information."""

from jaxbnn.train.trainer import MOST_EPOCHS as MOST_EPOCHS
from jaxbnn.train.trainer import Adam as Adam
from jaxbnn.train.trainer import AdamW as AdamW
from jaxbnn.train.trainer import Bop as Bop
from jaxbnn.train.trainer import GradientNorm as GradientNorm
from jaxbnn.train.trainer import Hyper as Hyper
from jaxbnn.train.trainer import Optimiser as Optimiser
from jaxbnn.train.trainer import Score as Score
from jaxbnn.train.trainer import Sgd as Sgd
from jaxbnn.train.trainer import Trainer as Trainer
from jaxbnn.train.trainer import TrainSpec as TrainSpec
from jaxbnn.train.trainer import TrainState as TrainState
from jaxbnn.train.trainer import batches_of as batches_of
from jaxbnn.train.trainer import rule_of as rule_of
from jaxbnn.train.trainer import score_of as score_of
from jaxbnn.train.trainer import trainer as trainer
