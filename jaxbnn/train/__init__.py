"""ONE seed trained: TrainSpec, optimisers, a Trainer of pure functions.

Knows nothing of information.
"""

from jaxbnn.train.spec import MAX_EPOCHS as MAX_EPOCHS
from jaxbnn.train.spec import Adam as Adam
from jaxbnn.train.spec import AdamW as AdamW
from jaxbnn.train.spec import Bop as Bop
from jaxbnn.train.spec import Hyper as Hyper
from jaxbnn.train.spec import Optimiser as Optimiser
from jaxbnn.train.spec import Sgd as Sgd
from jaxbnn.train.spec import TrainSpec as TrainSpec
from jaxbnn.train.spec import rule_of as rule_of
from jaxbnn.train.trainer import GradientNorm as GradientNorm
from jaxbnn.train.trainer import Score as Score
from jaxbnn.train.trainer import Trainer as Trainer
from jaxbnn.train.trainer import TrainState as TrainState
from jaxbnn.train.trainer import batches_of as batches_of
from jaxbnn.train.trainer import score_of as score_of
