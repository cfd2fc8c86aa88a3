"""Best-first branch and bound over regions."""
