"""Plots as SVG, for what is measured here: panels of lines, one under the other."""

LEFT, RIGHT, TOP, BOTTOM = 70, 30, 30, 50


def panel(title, xs, curves, ticks, unit="", width=640, height=360, format="%.0f"):
    """A panel whose y axis begins at 0. curves: (ys, colour, what to draw: "line", "dashed" or "dots", a set of them); ticks: (x, label)."""
    high = max(max(ys) for ys, _, _ in curves) * 1.15 or 1
    x = lambda v: LEFT + (v - xs[0]) / max(xs[-1] - xs[0], 1e-9) * (width - LEFT - RIGHT)
    y = lambda v: height - BOTTOM - v / high * (height - BOTTOM - TOP)
    s = ['<text x="%d" y="18">%s</text>' % (LEFT, title)]
    for k in range(5):
        v = high * k / 4
        s.append('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>' % (
            LEFT, width - RIGHT, y(v), y(v), LEFT - 6, y(v) + 4, format % v + unit))
    s += ['<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % (x(v), height - BOTTOM + 20, label) for v, label in ticks]
    for ys, colour, how in curves:
        points = [(x(a), y(b)) for a, b in zip(xs, ys)]
        style = 'stroke="%s" stroke-dasharray="5 4"' % colour if "dashed" in how else 'stroke="%s" stroke-width="2"' % colour
        s.append('<polyline fill="none" %s points="%s"/>' % (style, " ".join("%.1f,%.1f" % p for p in points)))
        if "dots" in how:
            s += ['<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>' % (*p, colour) for p in points]
    return width, height, s


def write(path, panels):
    width, height = max(p[0] for p in panels), sum(p[1] for p in panels)
    s = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">' % (width, height),
         '<rect width="100%" height="100%" fill="white"/>']
    at = 0
    for _, h, body in panels:
        s += ['<g transform="translate(0 %d)">' % at] + body + ["</g>"]
        at += h
    with open(path, "w") as f:
        f.write("\n".join(s + ["</svg>", ""]))
