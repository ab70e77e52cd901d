"""picture.py - the latency curves of the ladder as one self-contained SVG.

Each curve is a whole run, sorted: how long the fastest half waited, the next tenth, the slowest request. What never got an
answer stands in a band of its own at the top: a curve that simply ended would look like a good one."""
import math

WIDTH, HEIGHT, LEFT, TOP, PANEL, TALL, NEXT = 1040, 448, 78, 104, 262, 270, 520
NEVER = 34                                      # the height of the band
COLOURS = ("#c0492f", "#b7791f", "#2f7d6b", "#2b5fa8", "#6b46a3", "#7f93a8", "#1f2933", "#b03a7a", "#5e8c31",
           "#00a0b8", "#8d5524", "#9bbf30", "#3d3dd8", "#e58aa8")
STYLE = ("text{font:13px system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2933}.title{font-size:19px;"
         "font-weight:600}.quiet{fill:#66727f;font-size:12px}.group{font-weight:600}.grid{stroke:#e4e8eb}"
         ".curve{fill:none;stroke-width:2;stroke-linejoin:round}")
SHARES = ((0, "0"), (0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"))


def x_of(share, most):
    return PANEL * math.log(1 - min(share, most)) / math.log(1 - most)


class Scale:
    def __init__(self, curves):
        known = [us for _, *runs in curves for took in runs for us in took if us < math.inf]
        self.low = math.floor(math.log10(max(min(known), 1)))
        self.high = max(math.ceil(math.log10(max(known))), self.low + 1)

    def y(self, us):
        if us == math.inf:
            return TOP + NEVER / 2
        return TOP + NEVER + (TALL - NEVER) * (self.high - math.log10(max(us, 10**self.low))) / (self.high - self.low)

    def ticks(self):
        for e in range(self.low, self.high + 1):
            yield 10**e, f"{10**e} µs" if e < 3 else f"{10**(e - 3)} ms" if e < 6 else f"{10**(e - 6)} s"


def frame(out, scale, left, title, most):
    out.append(f"<text class='group' x='{left}' y='{TOP - 16}'>{title}</text>")
    out.append(f"<rect x='{left}' y='{TOP}' width='{PANEL}' height='{NEVER}' fill='#faeeea'/>")
    out.append(f"<text class='quiet' x='{left - 8}' y='{TOP + NEVER / 2 + 4}' text-anchor='end'>never</text>")
    for us, name in scale.ticks():
        out.append(f"<path class='grid' d='M{left} {scale.y(us):.1f}h{PANEL}'/>")
        out.append(f"<text class='quiet' x='{left - 8}' y='{scale.y(us) + 4:.1f}' text-anchor='end'>{name}</text>")
    for share, name in SHARES:
        x = left + x_of(share, most)
        out.append(f"<path class='grid' d='M{x:.1f} {TOP}v{TALL}'/>")
        out.append(f"<text class='quiet' x='{x:.1f}' y='{TOP + TALL + 18}' text-anchor='middle'>{name}</text>")


def labels(out, left, ends):
    """Names at the right end of the curves, pushed apart where they would overlap."""
    bottom = 0
    for y, name, colour in sorted(ends):
        bottom = max(y, bottom + 16)
        out.append(f"<path d='M{left + PANEL + 2} {y:.1f}L{left + PANEL + 12} {bottom:.1f}' stroke='{colour}' fill='none'/>")
        out.append(f"<text x='{left + PANEL + 16}' y='{bottom + 4:.1f}' style='fill:{colour}'>{name}</text>")


def panel(out, scale, left, title, runs):
    most = 1 - 0.5 / len(runs[0][1])
    frame(out, scale, left, title, most)
    ends = []
    for i, (name, took) in enumerate(runs):
        colour = COLOURS[i % len(COLOURS)]
        points = [(left + x_of((n + 0.5) / len(took), most), scale.y(us)) for n, us in enumerate(took)]
        out.append(f"<path class='curve' stroke='{colour}' d='M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "'/>")
        ends.append((points[-1][1], name, colour))
    labels(out, left, ends)


def draw(curves, path):
    """curves: (stage, latencies alone, latencies beside the half request), in µs, sorted, inf for never."""
    scale, out = Scale(curves), []
    out.append(f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{HEIGHT}' viewBox='0 0 {WIDTH} {HEIGHT}'>")
    out.append(f"<style>{STYLE}</style><rect width='{WIDTH}' height='{HEIGHT}' fill='#fff'/>")
    out.append("<text class='title' x='24' y='34'>How long a page takes on each step of the ladder</text>")
    out.append("<text class='quiet' x='24' y='54'>from the moment its request was meant to be sent; lower is better; "
               "to the right the slowest of the run</text>")
    panel(out, scale, LEFT, "alone", [(s, alone) for s, alone, _ in curves])
    panel(out, scale, LEFT + NEXT, "beside a client that sent half a request", [(s, b) for s, _, b in curves])
    out.append(f"<text class='quiet' x='24' y='{HEIGHT - 18}'>share of the requests that waited no longer; "
               "a fixed rate, open loop; make stages; stages/README.md</text></svg>")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out) + "\n")
