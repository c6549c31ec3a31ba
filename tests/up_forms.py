"""Up-convolutions that take the form that they are told, rather than the fastest."""

import sys

from common.networks.up_convolution import UpConvolution

NEVER = sys.maxsize


def take_form(network, form):
    """Let the up-convolutions of `network` go no further than `form`: plain, composed, products; the network itself."""
    for module in network.modules():
        if isinstance(module, UpConvolution):
            if form != "products":
                module.min_channels = NEVER
            if form == "plain":
                module.min_voxels = NEVER
    return network
