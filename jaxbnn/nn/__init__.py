"""Networks: sign surrogates, binary layers, models. Knows nothing of information or files."""

from jaxbnn.nn.conv import BinaryConv as BinaryConv
from jaxbnn.nn.conv_net import ConvNet as ConvNet
from jaxbnn.nn.layers import Activation as Activation
from jaxbnn.nn.layers import BinaryDense as BinaryDense
from jaxbnn.nn.layers import HardTanh as HardTanh
from jaxbnn.nn.layers import Relu as Relu
from jaxbnn.nn.layers import SignActivation as SignActivation
from jaxbnn.nn.layers import SwishSignActivation as SwishSignActivation
from jaxbnn.nn.layers import Tanh as Tanh
from jaxbnn.nn.mlp import MLP as MLP
from jaxbnn.nn.models import MeasuredModel as MeasuredModel
from jaxbnn.nn.pixels import Pixels as Pixels
from jaxbnn.nn.pixels import inputs_for as inputs_for
from jaxbnn.nn.pixels import real_inputs as real_inputs
from jaxbnn.nn.products import stable_matmul as stable_matmul
from jaxbnn.nn.steps import LayerValues as LayerValues
from jaxbnn.nn.steps import Moments as Moments
from jaxbnn.nn.steps import Step as Step
from jaxbnn.nn.surrogate import STE as STE
from jaxbnn.nn.surrogate import ApproxSign as ApproxSign
from jaxbnn.nn.surrogate import PassThrough as PassThrough
from jaxbnn.nn.surrogate import Surrogate as Surrogate
from jaxbnn.nn.surrogate import SwishSign as SwishSign
from jaxbnn.nn.surrogate import sign as sign
from jaxbnn.nn.transforms import bop as bop
from jaxbnn.nn.transforms import clip_latent as clip_latent
