"""A tenant moves to another installation, and nobody signs in again (docs/operate/moving.md).

`archive` seals and opens the file · `export` reads one tenant into it · `admission` lets one in · `tables`
says what a tenant consists of · `keys` carries what is sealed from one installation's keys to the other's ·
`sign_out` ends all that was granted · `settings` finds the database · `cli` is `mtas tenant`. Imports
`shared`, and of the services only the command line and what an address is.
"""
