"""Models of PyTorch, through ``torch.export``."""

from deuterium.frontends.torch import (  # noqa: F401  (importing enters operators)
    aten_elementwise,
    aten_layers,
    aten_losses,
    aten_normalisation,
    aten_recurrent,
    aten_reductions,
    aten_shapes,
)
from deuterium.frontends.torch.aten_table import aten
from deuterium.frontends.torch.torch_lift import lift
from deuterium.frontends.torch.torch_model import TorchModel

__all__ = ["TorchModel", "aten", "lift"]
