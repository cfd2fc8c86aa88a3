"""The check of `norms` leaves: lengths of whole arrays, worked out in balls."""
