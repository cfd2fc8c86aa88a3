"""Upper bounds over regions, one method a file; the best of them counts."""
