"""Quantizers: vectors to codes and back."""

from lgsid.quantizers.quantizer import Quantized, Quantizer

__all__ = ["Quantized", "Quantizer"]
