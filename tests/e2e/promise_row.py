"""Rows of the table of promises (tests/promises), as tests/testing/promise_row.h makes them."""
import os


def print_row(row):
    """On standard output, and at the end of the file that LAPTIME_PROMISES names."""
    print(row, flush=True)
    if os.environ.get("LAPTIME_PROMISES"):
        with open(os.environ["LAPTIME_PROMISES"], "a") as table:
            print(row, file=table)


def print_tried(promise, what, tried, lost, doubled=0, survived=None):
    """`promise` ends in " ctrl" for a control, which must lose."""
    if survived is None:
        survived = tried if lost == 0 and doubled == 0 else 0
    print_row(f"{promise:8} {tried:7} tried {survived:7} survived {lost:5} lost {doubled:5} doubled  {what}")


def print_figure(promise, what, at_most, measured, unit, more=""):
    """A figure that is to be no more than `at_most`."""
    kept = "yes" if measured <= at_most else "NO"
    print_row(f"{promise:4} {what:46} {f'<= {at_most:g} {unit}':20} {f'{measured:.3g} {unit}':20} {kept:4} {more}".rstrip())
