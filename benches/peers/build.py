"""Builds what measures (Cargo.toml beside this file), into the project's target folder."""
import pathlib, subprocess

FOLDER = pathlib.Path(__file__).resolve().parent


def build():
    """The program."""
    target = FOLDER.parent.parent / "target"
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", FOLDER / "Cargo.toml", "--target-dir", target / "peers"], check=True)
    return target / "peers/release/peers"
