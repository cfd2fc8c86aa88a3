"""How far one record, or one feature of it, can move a result."""
