"""Estimators and verdicts tried on samples whose entropy is known."""
