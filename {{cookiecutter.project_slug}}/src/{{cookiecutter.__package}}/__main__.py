"""`python -m <package> VERB`."""

from .cli import main

main()
