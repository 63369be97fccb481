"""Errors of tasks that ran side by side."""


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the others: what it says decides what happens next."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
