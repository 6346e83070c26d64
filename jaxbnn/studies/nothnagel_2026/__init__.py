"""Nothnagel & Geiger 2026 (arXiv 2605.03636)."""
