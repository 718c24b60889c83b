"""Gates: what a version must show before it becomes champion. Limits stand in `promotion.yaml`."""
