"""Exercises that check themselves: one module for each chapter, by its name.

`from llm_notes import checks as check`, then `check.attention.weights(my_weights)`.
"""
