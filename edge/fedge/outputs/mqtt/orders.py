"""What a broker's users may ask of a device: to install the model that waits, or to go back to the one before."""

from fedge.errors import FedgeError, StoreError
from fedge.store.newest import ORDERED, waiting_model
from fedge.store.store import Store
from fedge.system.console import echo

INSTALL, ROLLBACK = "install", "rollback"


def obey(store: Store, order: bytes) -> None:
    """Does what `order` says, `install` or `rollback`; what cannot be done is said, and changes nothing.

    The run that follows the store proves a model that is installed, lets it shadow and tries it, as any other.
    """
    try:
        _obey(store, order.decode("ascii", "replace"))
    except (FedgeError, OSError) as error:
        echo(f"an order over MQTT was not carried out: {error}")


def _obey(store: Store, order: str) -> None:
    if order == INSTALL:
        waiting = waiting_model(store.journal(), store.current)
        if waiting is None:
            raise StoreError("no model waits to be installed", "add one with `fedge models add FILE`")
        store.use(waiting, ORDERED)
        echo(f"model {waiting.name} {waiting.version} is to be installed, {ORDERED}")
    elif order == ROLLBACK:
        back = store.rollback(ORDERED)
        echo(f"model {back.name} {back.version} comes back, {ORDERED}")
    else:
        raise StoreError(f"{order[:40]!r} is no order", f"send {INSTALL} or {ROLLBACK}")
