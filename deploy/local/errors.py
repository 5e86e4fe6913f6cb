"""What can go wrong with a machine, said in one line to the person in front of it."""


class StackError(Exception):
    """The local run cannot go on; the message is the one line to show."""


class Cancelled(StackError):
    """Somebody asked to stop while the stack was still starting."""


class ProcessDied(StackError):
    """A process ended by itself; `log_tail` holds the last lines that it wrote."""

    def __init__(self, name: str, status: str, log_tail: list[str]) -> None:
        super().__init__(f"{name} {status}")
        self.name = name
        self.log_tail = log_tail
