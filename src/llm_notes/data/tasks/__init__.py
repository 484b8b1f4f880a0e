"""Supervised tasks on texts that are on every machine: inputs with their answers."""
