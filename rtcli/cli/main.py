"""The entry point: the version is answered before anything else is imported."""

import os
import sys

import rtcli


def main() -> int:
    """Run the program with the arguments of the process; the exit code is one of `errors.ExitCode`."""
    # First of all: the next file that is opened would get the free number.
    _open_missing_streams()
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"rtcli {rtcli.__version__}\n")
        return 0
    _end_on_signals()
    from rtcli.cli import collector

    collector.rest()
    from rtcli.cli.app import run
    from rtcli.masking import add_environment
    from rtcli.terminal.standard_streams import notes, whole_writes

    # Before anything can be printed: from here on no key of the environment reaches a terminal or a file.
    add_environment(os.environ)

    sys.stdout = whole_writes(sys.stdout)
    sys.stderr = notes(whole_writes(sys.stderr))  # tracebacks and warnings are written there by the interpreter itself
    code = run(sys.argv[1:])
    collector.end()
    from rtcli.cli.leaving import leave

    return leave(code)


def _end_on_signals() -> None:
    """Until a command handles them itself: while modules load, and while standard input is waited for.

    Ctrl+C as well: a KeyboardInterrupt that meets a callback of the import system is printed and forgotten.
    """
    import signal  # not for --version: it takes longer to load than the rest

    defaults = (signal.SIG_DFL, signal.default_int_handler)
    for name in ("SIGTERM", "SIGHUP", *(("SIGINT",) if sys.platform != "win32" else ())):
        number = getattr(signal, name, None)  # Windows has no SIGHUP, and takes Ctrl+C by an exception later on
        if number is not None and signal.getsignal(number) in defaults:  # nohup has set SIG_IGN
            signal.signal(number, lambda number, _: os._exit(128 + number))


def _open_missing_streams() -> None:
    """A standard stream that was closed when we were started (`<&-`) is one of nothing.

    Its number would else be that of our next file or socket, and what is written to the stream would go there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
