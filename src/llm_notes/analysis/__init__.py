"""Weights to insight: what a model does inside, measured."""
