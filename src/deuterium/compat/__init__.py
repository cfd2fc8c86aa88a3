"""What the seed notebooks call: object arrays of scalar Variables."""
