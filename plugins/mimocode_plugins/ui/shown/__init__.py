"""Library of the front ends: how things look, whoever shows them. Markdown as it streams, lines at a width."""
