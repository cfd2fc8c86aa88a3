"""Every family of ONNX operators, entered in the table when this is imported."""

from deuterium.frontends.onnx import (
    onnx_activations,
    onnx_control,
    onnx_convolution,
    onnx_elementwise,
    onnx_movement,
    onnx_normalization,
    onnx_numbers,
    onnx_pooling,
    onnx_products,
    onnx_recurrent,
    onnx_reductions,
    onnx_resize,
    onnx_sampling,
    onnx_scatter,
    onnx_sequences,
    onnx_spectra,
)

__all__ = [
    "onnx_activations",
    "onnx_control",
    "onnx_convolution",
    "onnx_elementwise",
    "onnx_movement",
    "onnx_normalization",
    "onnx_numbers",
    "onnx_pooling",
    "onnx_products",
    "onnx_recurrent",
    "onnx_reductions",
    "onnx_resize",
    "onnx_sampling",
    "onnx_scatter",
    "onnx_sequences",
    "onnx_spectra",
]
