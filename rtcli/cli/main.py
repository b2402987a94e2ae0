"""The entry point: the version is answered before anything else is imported."""

import sys

import rtcli


def main() -> int:
    """Run the program with the arguments of the process; the exit code is one of `errors.ExitCode`."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"rtcli {rtcli.__version__}\n")
        return 0
    try:
        from rtcli.cli.app import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules still load
        return 130


if __name__ == "__main__":
    sys.exit(main())
