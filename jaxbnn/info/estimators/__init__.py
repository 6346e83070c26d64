"""Estimators of a layer's information, a file for each family."""
