"""Plugins that know secrets and the ways to get one."""
