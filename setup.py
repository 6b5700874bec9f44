"""Compile the hot modules where a compiler is at hand, and list what is installed beside the code.

Everything else is in pyproject.toml.

Environment: SKIP_CYTHON=1 installs the plain build, REQUIRE_CYTHON=1 fails rather than fall back.
COUNT_INTO=FOLDER compiles modules that write there which way their branches went, when the process
ends; COUNTED=FOLDER compiles them with what is there (tools/counted; GCC 12 or later).
"""

import os
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

COMPILED = [
    "agent.scan.hashing",
    "agent.scan.names",
    "agent.scan.lookup",
    "agent.scan.unread",
    "agent.scan.media",
    "agent.scan.link",
    "agent.scan.ip",
    "agent.scan.tunnels",
    "agent.scan.fragments",
    "agent.scan.duplicates",
    "agent.scan.known",
    "agent.scan.dns",
    "agent.scan.written",
    "agent.scan.http",
    "agent.scan.tls",
    "agent.scan.http2",
    "agent.scan.carriers",
    "agent.scan.conversations",
    "agent.scan.counters",
    "agent.scan.rates",
    "agent.scan.attempts",
    "agent.scan.sightings",
    "agent.scan.streams",
    "agent.scan.literals",
    "agent.scan.gates",
    "agent.scan.sketches",
    "agent.scan.scanner",
    "agent.trails.pack",
    "agent.trails.pair",
]

# Annotations stay Python's: the C types are those of the .pxd alone. Bounds checks stay on:
# hostile bytes raise, they never read past the end.
DIRECTIVES = {
    "language_level": 3,
    "annotation_typing": False,
    "boundscheck": True,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
}


SHARE = "share/maltrail-agent"

BESIDE = {
    "config.yaml": SHARE,
    "deploy/package/maltrail-agent.8": "share/man/man8",
    "deploy/package/maltrail-agent.bash": "share/bash-completion/completions",
    "deploy/package/_maltrail-agent": "share/zsh/site-functions",
    "deploy/systemd": f"{SHARE}/systemd",  # `check` compares what is installed with these
    "deploy/logrotate": f"{SHARE}/logrotate",
    "deploy/prometheus": f"{SHARE}/prometheus",
    "deploy/siem": f"{SHARE}/siem",
}
"""What of the tree a wheel brings along, and where below the environment it goes.

tools/package makes the page and the completions; without them there are none.
"""


def shared() -> list[tuple[str, list[str]]]:
    """List the files of BESIDE by the folder that they go to."""
    found: dict[str, list[str]] = {}
    for source, target in BESIDE.items():
        if os.path.isfile(source):
            found.setdefault(target, []).append(source)
        for folder, _, names in sorted(os.walk(source)):
            below = os.path.relpath(folder, source)
            place = target if below == "." else f"{target}/{below}"
            found.setdefault(place, []).extend(f"{folder}/{name}" for name in sorted(names))
    return [(place, files) for place, files in sorted(found.items()) if files]


class OptionalBuild(build_ext):
    """Fall back to the plain build unless REQUIRE_CYTHON is set."""

    def run(self) -> None:
        """Build all extensions or, where that fails, none."""
        try:
            super().run()
        except Exception as error:
            if os.environ.get("REQUIRE_CYTHON"):
                raise
            print(f"maltrail-agent: plain build, no compiled scanner: {error}", file=sys.stderr)
            self.extensions = []


def options() -> tuple[list[str], list[str]]:
    """Return what the compiler and the linker are told."""
    # A file of counts is named after the object's path below the tree, wherever the tree is.
    below = f"-fprofile-prefix-path={os.getcwd()}"
    if folder := os.environ.get("COUNT_INTO"):
        into = f"-fprofile-generate={folder}"
        return ["-O3", into, below, "-fprofile-update=single"], [into]
    if (folder := os.environ.get("COUNTED")) and os.path.isdir(folder):
        # What the traffic did not reach is compiled for speed all the same.
        return ["-O3", f"-fprofile-use={folder}", below, "-fprofile-partial-training"], []
    return ["-O3"], []


def extensions() -> list[Extension]:
    """List the extensions to compile, none where that was declined."""
    if os.environ.get("SKIP_CYTHON"):
        return []
    from Cython.Build import cythonize

    compiler, linker = options()
    modules = [
        Extension(
            name,
            [name.replace(".", "/") + ".py"],
            extra_compile_args=compiler,
            extra_link_args=linker,
        )
        for name in COMPILED
        if os.path.exists(name.replace(".", "/") + ".py")
    ]
    return list(cythonize(modules, compiler_directives=DIRECTIVES, quiet=True))


setup(ext_modules=extensions(), cmdclass={"build_ext": OptionalBuild}, data_files=shared())
