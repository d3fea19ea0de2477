#!/usr/bin/env python3
"""Draws `perf script` output as a flame graph: perf script -F comm,ip,sym | flamegraph.py -o picture.svg

Each box is a function, its width the share of samples it was on the stack in; callers below, callees above. A plain SVG
without scripts: hover shows a box's full name and share. Also prints the functions with the most samples of their own.
"""

import argparse
import collections
import html
import pathlib
import re
import sys

WIDTH, ROW, LEAST = 1600, 16, 0.4
HASH = re.compile(r"::h[0-9a-f]{16}$|\+0x[0-9a-f]+$")


def stacks(lines):
    """(thread name, frames from the outermost in) for each sample."""
    name, frames = None, []
    for line in lines:
        if not line.strip():
            if name is not None:
                yield [name, *reversed(frames)]
            name, frames = None, []
        elif line[0].isspace() and name is not None:
            symbol = line.split(None, 1)[1].strip() if len(line.split(None, 1)) > 1 else "?"
            frames.append(HASH.sub("", symbol))
        else:
            name = line.strip()
    if name is not None:
        yield [name, *reversed(frames)]


class Box:
    def __init__(self):
        self.samples = 0
        self.children = collections.defaultdict(Box)


def colour(name):
    """Our own code stands out; the kernel is told apart from libraries by nothing but being pale."""
    if "voxgate" in name:
        return "#f08a24"
    if re.search(r"tokio|hyper|axum|tower|mio", name):
        return "#7fb3d5"
    if re.search(r"sqlite|rusqlite", name):
        return "#82c99a"
    return "#d9d2c4"


def draw(box, name, x, depth, scale, total, out):
    width = box.samples * scale
    if width < LEAST:
        return depth
    y = -ROW * (depth + 1)
    share = f"{html.escape(name)} ({box.samples} samples, {100 * box.samples / total:.1f} %)"
    out.append(
        f'<g><title>{share}</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" fill="{colour(name)}" rx="1"/>'
    )
    fits = int(width / 6.6)
    if fits > 3:
        out.append(f'<text x="{x + 2:.1f}" y="{y + 11}">{html.escape(name[:fits])}</text>')
    out.append("</g>")
    deepest = depth
    for child in sorted(box.children):
        deepest = max(deepest, draw(box.children[child], child, x, depth + 1, scale, total, out))
        x += box.children[child].samples * scale
    return deepest


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--title", default="flame graph")
    options = parser.parse_args()
    sys.setrecursionlimit(10_000)
    root, own = Box(), collections.Counter()
    for stack in stacks(sys.stdin):
        box = root
        box.samples += 1
        for frame in stack:
            box = box.children[frame]
            box.samples += 1
        own[stack[-1]] += 1
    if not root.samples:
        sys.exit("no samples")
    out = []
    deepest = draw(root, "all", 0, 0, WIDTH / root.samples, root.samples, out)
    height = ROW * (deepest + 4)
    options.output.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 {-height + ROW} {WIDTH} {height}" '
        'font-family="monospace" font-size="11"><rect x="0" y="-100000" width="100%" height="200000" fill="#fff"/>'
        f'<text x="8" y="{-height + 2 * ROW}" font-size="14">{html.escape(options.title)}: {root.samples} samples</text>{"".join(out)}</svg>\n'
    )
    for name, samples in own.most_common(15):
        print(f"{100 * samples / root.samples:5.1f} %  {name}", file=sys.stderr)


if __name__ == "__main__":
    main()
