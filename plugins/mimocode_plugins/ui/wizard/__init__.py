"""From nothing to a model that works: the menu of ways, and one real request that proves it.

hookspecs  `ways_in`, the family's hook
asking     questions at a terminal
menu       the ways, one of them, its verdict
trial      the request and what it shows
"""
