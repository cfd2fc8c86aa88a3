"""Global optimisation over boxes of the inputs."""

from deuterium.bound.bounders.box.bounder import BoxBounder

__all__ = ["BoxBounder"]
