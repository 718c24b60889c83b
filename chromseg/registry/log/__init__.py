"""The audit log: its entries, its heads outside the store, the aliases that follow from it."""
