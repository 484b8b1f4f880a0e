"""The parity wall: each model of the book against an implementation that people trust.

Both get the same weights and the same input; what is reported is the largest
difference between their outputs and between their gradients. Type
`python -m llm_notes.parity` to measure it here (needs the extra `hf`).
"""
