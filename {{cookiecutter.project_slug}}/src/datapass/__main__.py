"""`datapass VERB`."""

from .cli import main

main()
