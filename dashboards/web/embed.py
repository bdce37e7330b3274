#!/usr/bin/env python3
"""Packs the site into one C++ file: embed.py OUT_FOLDER FILE...

Every file is compressed into OUT_FOLDER/NAME.gz and pulled in by the assembler (.incbin), which
takes no time where a 1.4 MB array of numbers would take a compiler half a minute. The same files
give the same bytes. index.html's @VERSION@ becomes a digest of all of them.
"""
import gzip
import hashlib
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def main() -> None:
    out = pathlib.Path(sys.argv[1])
    files = sorted((pathlib.Path(name) for name in sys.argv[2:]), key=lambda path: path.name)
    contents = {path.name: path.read_bytes() for path in files}
    digest = hashlib.sha256()
    for name, content in contents.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    version = digest.hexdigest()[:16]
    contents["index.html"] = contents["index.html"].replace(b"@VERSION@", version.encode())

    lines = ["// Made by embed.py: do not edit.", '#include "dashboards/web/assets.h"', ""]
    entries = []
    for number, (name, content) in enumerate(contents.items()):
        packed = out / (name + ".gz")
        packed.write_bytes(gzip.compress(content, 9, mtime=0))
        size = packed.stat().st_size
        symbol = f"reprise_asset_{number}"
        lines.append(
            f'asm(".section .rodata\\n.global {symbol}\\n{symbol}:\\n.incbin \\"{packed}\\"\\n'
            f'.byte 0\\n.text\\n");'
        )
        lines.append(f'extern "C" const char {symbol}[];')
        entries.append(f'    {{"{name}", "{TYPES[pathlib.Path(name).suffix]}", {{{symbol}, {size}}}}},')
    lines += ["", "namespace reprise::dashboards::web {", "namespace {", "const Asset kAssets[] = {"]
    lines += entries
    lines += [
        "};",
        "}  // namespace",
        "",
        "const Asset* find_asset(std::string_view name) {",
        "  for (const Asset& asset : kAssets) {",
        "    if (asset.name == name) return &asset;",
        "  }",
        "  return nullptr;",
        "}",
        "",
        f'std::string_view assets_version() {{ return "{version}"; }}',
        "",
        "}  // namespace reprise::dashboards::web",
        "",
    ]
    (out / "assets.cpp").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
