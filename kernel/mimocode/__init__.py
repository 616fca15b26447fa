"""A microkernel for coding agents: one log, one loop, one switchboard."""

__version__ = "0.1.0"
