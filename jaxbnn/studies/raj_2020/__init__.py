"""Raj, Nayak & Kalyani 2020 (arXiv 2006.07522)."""
