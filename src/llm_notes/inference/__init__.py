"""Stage 4, weights to text: from logits to a token, and from tokens to a text."""
