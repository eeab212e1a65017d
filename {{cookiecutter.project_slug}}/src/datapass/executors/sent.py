"""The one function that is sent to other machines: it makes a module of `place.py` there, wherever that is not installed."""

from typing import Any


def there(name: str, source: str, *arguments: Any) -> Any:
    """Return what `ask` of a module of that source gives.

    Args:
        name: of the module, another one for another source.
    """
    import sys
    import threading
    import types

    module = sys.modules.setdefault(name, types.ModuleType(name))
    with module.__dict__.setdefault("making", threading.Lock()):
        if not hasattr(module, "ask"):
            exec(compile(source, name, "exec"), module.__dict__)
    return module.ask(*arguments)
