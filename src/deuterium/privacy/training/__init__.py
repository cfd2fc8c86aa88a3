"""Private training whose noise follows a certified bound of the gradient."""
