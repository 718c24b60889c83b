"""Networks and losses; `MODELS` lists them."""
